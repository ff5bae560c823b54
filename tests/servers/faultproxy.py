"""A proxy of TCP or unix sockets that can be told to do to connections what networks do.

What a fault has once spoiled stays spoiled: a connection that lost bytes never goes on with a hole
in what it says, it stays silent until its client gives it up, as after a lost peer.

Each connection is served by one thread: meant for protocols in which one side listens while the
other speaks, as registries' do.
"""

import contextlib
import select
import socket
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from servers.process import free_port

_PIECE = 64 * 1024
#: A peer that takes nothing for so many seconds is given up; longer than any client's deadline.
_STUCK = 30


@dataclass(frozen=True)
class Fault:
    """What happens to connections, the open ones too. Sizes in bytes, times in seconds.

    `truncate` and `corrupt` count the answers of one connection since the fault began.
    """

    refuse: bool = False  # nobody listens; what is open is reset
    cut: bool = False  # each connection is reset when the client says something on it
    drop_requests: bool = False  # what the client sends goes nowhere
    drop_answers: bool = False  # what the server sends goes nowhere
    delay: float = 0.0  # each piece of an answer comes so much later
    truncate: int = 0  # the connection is closed after so many bytes of answers
    corrupt: int = 0  # one bit is wrong in each so many bytes of answers
    rate: int = 0  # answers come with so many bytes a second


NONE = Fault()


class FaultProxy:
    """Forwards to `target`, which is host:port or unix:///path.

    It listens on a free port of 127.0.0.1, or at `path`. `on_answer` is called with 1, 2, 3, ...
    when an answer begins, before the client gets any of it: whatever the server does for that
    request is done, and the client cannot know.
    """

    def __init__(self, target, path=None, on_answer=None):
        self.target, self.on_answer = target, on_answer
        self._path, self._port = path, None if path else free_port()
        self.fault = NONE
        self.bites = 0  # how often the present fault did something
        self.answers = 0
        self.carried = 0  # bytes of answers that clients were sent
        self._lock = threading.RLock()
        self._connections = set()
        self._closing = False
        self._listener = self._acceptor = None
        self._listen()

    @property
    def address(self):
        """Where clients connect, in the form of `target`."""
        return f"unix://{self._path}" if self._path else f"127.0.0.1:{self._port}"

    def set(self, **fault):
        """From now on this fault, and no other; see `Fault`. Nothing: none."""
        with self._lock:
            self.bites = 0
            self.fault = Fault(**fault)
            connections = list(self._connections)
        for connection in connections:
            connection.wake()
        if self.fault.refuse:
            self._stop_listening()
            for connection in connections:
                connection.join()
        elif self._listener is None:
            self._listen()

    heal = set

    def close(self):
        """End it, and every connection."""
        self._closing = True
        self._stop_listening()
        while True:
            with self._lock:
                connections = list(self._connections)
            if not connections:
                return
            for connection in connections:
                connection.wake()
                connection.join()

    def ended(self, connection):
        """A connection tells that it is over."""
        with self._lock:
            self._connections.discard(connection)

    def bit(self):
        """A connection tells that the fault did something to it."""
        with self._lock:
            self.bites += 1

    def carries(self, count):
        """A connection tells that it passes so many bytes of an answer on."""
        with self._lock:
            self.carried += count

    def answering(self):
        """A connection tells that an answer begins."""
        if self.on_answer is not None:
            with self._lock:
                self.answers += 1
                self.on_answer(self.answers)

    @property
    def closing(self):
        """Whether connections are to end."""
        return self._closing

    def _listen(self):
        if self._path:
            Path(self._path).unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._path))
        else:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self._port))
        listener.listen(128)
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def _stop_listening(self):
        if self._listener is None:
            return
        self._listener.shutdown(socket.SHUT_RDWR)  # ends a blocked accept
        self._acceptor.join()
        self._listener.close()
        self._listener = None
        if self._path:
            Path(self._path).unlink(missing_ok=True)

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                connection = _Connection(self, client)
                with self._lock:
                    self._connections.add(connection)
                connection.start()


class _Connection(threading.Thread):
    """One client and its connection to the server."""

    def __init__(self, proxy, client):
        super().__init__(daemon=True)
        self._proxy, self._client, self._server = proxy, client, None
        self._waker, self._woken = socket.socketpair()
        self._fault = proxy.fault
        self._answered = 0  # bytes of answers since this fault began
        self._spoiled = False  # it lost something: never again an answer
        self._asked = False  # the client spoke last

    def wake(self):
        """Look at the fault again; from any thread."""
        with contextlib.suppress(OSError):
            self._waker.send(b"!")

    def run(self):
        try:
            with contextlib.suppress(OSError):
                self._server = _dial(self._proxy.target)
                _quick(self._client)
                while self._step():
                    pass
        finally:
            for end in (self._client, self._server, self._waker, self._woken):
                if end is not None:
                    end.close()
            self._proxy.ended(self)

    def _step(self):
        """Wait for something and pass it on; false when the connection is over."""
        ends = [self._woken, self._client]
        if not (self._spoiled and self._server is None):
            ends.append(self._server)
        ready, _, _ = select.select(ends, [], [])
        if self._woken in ready:
            self._woken.recv(_PIECE)
        if self._proxy.closing:
            return False
        if self._proxy.fault is not self._fault:
            self._fault, self._answered = self._proxy.fault, 0
        if self._fault.refuse:
            return self._reset()
        if self._client in ready:
            return self._pass_request()
        return self._server not in ready or self._pass_answer()

    def _pass_request(self):
        data = self._client.recv(_PIECE)
        if not data:
            return False
        if self._fault.cut:
            return self._reset()
        if self._fault.drop_requests or self._spoiled:
            self._spoil()
            return True
        self._asked = True
        self._server.sendall(data)
        return True

    def _pass_answer(self):
        piece = max(1, self._fault.rate // 10) if self._fault.rate else _PIECE
        data = self._server.recv(piece)
        if not data:
            if not self._spoiled:
                return False
            self._server.close()
            self._server = None
            return True
        if self._asked:
            self._asked = False
            self._proxy.answering()
        if self._fault.drop_answers or self._spoiled:
            self._spoil()
            return True
        if self._fault.cut:
            return self._reset()
        return self._send(data)

    def _send(self, data):
        """Pass on a piece of an answer, as the fault has it."""
        fault = self._fault
        if fault.delay:
            self._pause(fault.delay)
        if fault.corrupt:
            data = self._corrupted(data, fault.corrupt)
        ends = bool(fault.truncate) and self._answered + len(data) >= fault.truncate
        if ends:
            data = data[: fault.truncate - self._answered]
            self._proxy.bit()
        self._proxy.carries(len(data))
        self._client.sendall(data)
        self._answered += len(data)
        if fault.rate:
            self._pause(len(data) / fault.rate)
        return not ends

    def _pause(self, seconds):
        """Hold an answer back, but not when the fault changes."""
        self._proxy.bit()
        select.select([self._woken], [], [], seconds)

    def _corrupted(self, data, every):
        """With one bit wrong in each `every` bytes, at a place that moves on."""
        data = bytearray(data)
        first = -self._answered % every
        for block in range(first, len(data), every):
            data[block] ^= 1 << (self._answered + block) // every % 8
            self._proxy.bit()
        return bytes(data)

    def _spoil(self):
        self._spoiled = True
        self._proxy.bit()

    def _reset(self):
        """End it by RST instead of FIN; for unix sockets there is only one end."""
        self._proxy.bit()
        if self._client.family == socket.AF_INET:
            linger = struct.pack("ii", 1, 0)
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return False


def _dial(target):
    if target.startswith("unix://"):
        server = socket.socket(socket.AF_UNIX)
        where = target.removeprefix("unix://")
    else:
        server = socket.socket()
        host, _, port = target.rpartition(":")
        where = (host, int(port))
    try:
        server.settimeout(_STUCK)
        server.connect(where)
        _quick(server)
    except OSError:
        server.close()
        raise
    return server


def _quick(end):
    """What is passed on leaves at once, and a peer that takes nothing is given up."""
    end.settimeout(_STUCK)
    if end.family == socket.AF_INET:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
