"""HTTP over a unix socket, with the standard library."""

import http.client
import socket


class UnixConnection(http.client.HTTPConnection):
    """A connection to the server at a socket's path."""

    def __init__(self, path, timeout=10):
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path, method, target, body=None, timeout=10):
    """Send one request; return the answer's status and body."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
