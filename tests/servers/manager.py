"""A service manager's side of `sd_notify`: a real datagram socket, and what came to it."""

import socket
from contextlib import closing, contextmanager

from servers.waiting import wait_until


class Manager:
    """Listens at a unix socket; one whose address begins with @ is in no folder."""

    def __init__(self, address):
        self.address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address.replace("@", "\0", 1))
        self._socket.setblocking(False)
        self._said = []

    def said(self):
        """All that it was told so far: a list of lines for each datagram, in order."""
        try:
            while True:
                self._said.append(self._socket.recv(65536).decode().split("\n"))
        except BlockingIOError:
            return list(self._said)

    def lines(self):
        """All lines so far, in order."""
        return [line for lines in self.said() for line in lines]

    def wait(self, line, count=1):
        """Wait until it was told this, or what begins so, that many times; returns these lines."""

        def found():
            found = [one for one in self.lines() if one.startswith(line)]
            return found if len(found) >= count else None

        return wait_until(found, 60, f"{line} to be told; there is {self._said}")

    def close(self):
        """Listen no more."""
        self._socket.close()


@contextmanager
def manager(address):
    """A manager for the length of a block."""
    with closing(Manager(address)) as made:
        yield made
