"""A filtering proxy before a Docker socket: what people put there who trust nobody with all of it.

It lets through GETs of the paths that the documentation names, answers everything else with 403,
and remembers both.
"""

import re
import socket
import socketserver
import threading

#: What docs/operations.md says that syncer asks; a version may stand before it.
ALLOWED = (
    "/_ping",
    "/version",
    "/info",
    "/events",
    "/containers/json",
    "/containers/ID/json",
)
_VERSION = re.compile(r"/v\d+\.\d+(?=/)")
_CONTAINER = re.compile(r"/containers/(?!json$)[^/]+/")
_REFUSAL = b'{"message": "the proxy lets only reading through"}\n'


def shape(target):
    """A request's path without version, query and container: `/containers/ID/json`."""
    path = target.partition("?")[0]
    return _CONTAINER.sub("/containers/ID/", _VERSION.sub("", path, count=1))


class DockerProxy:
    """Serves on `socket` until `close`, for the engine at another socket's path."""

    def __init__(self, path, engine):
        self.address = f"unix://{path}"
        #: The requests that were let through, and those that were not, as "GET /info".
        self.asked, self.refused = set(), []
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                proxy._serve(self.rfile, self.connection, str(engine))

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

            def handle_error(self, *_):
                """Clients that hang up, and an engine that is gone, are not the proxy's."""

        self._server = Server(str(path), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        """End it; connections that are open end with their clients."""
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, incoming, client, engine):
        """One request: its head is read, judged, and passed on, then the answer as it comes."""
        first = incoming.readline().decode("latin-1")
        head = [line for line in iter(incoming.readline, b"\r\n") if line]
        method, target, _ = first.split(" ", 2)
        what = f"{method} {shape(target)}"
        if method != "GET" or shape(target) not in ALLOWED:
            self.refused.append(what)
            client.sendall(
                b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n"
                b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_REFUSAL), _REFUSAL)
            )
            return
        self.asked.add(what)
        kept = [line for line in head if not line.lower().startswith(b"connection:")]
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.connect(engine)
            server.sendall(first.encode("latin-1") + b"".join(kept) + b"Connection: close\r\n\r\n")
            while data := server.recv(65536):
                client.sendall(data)
