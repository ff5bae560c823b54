"""An HTTP server that does everything wrong: a script for each connection."""

import contextlib
import socket
import struct
from threading import Event, Thread

RESET = struct.pack("ii", 1, 0)


def answer(body=b"{}", status="200 OK", headers=""):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


class Faulty:
    """Answers the requests of each connection by the script given for it, then closes it.

    A step is what to send, `None` to say nothing more and keep the line open, or "reset".
    """

    def __init__(self, *scripts):
        self.requests = []
        self.over = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = Thread(target=self._serve, args=(scripts,), daemon=True)
        self._thread.start()

    def _serve(self, scripts):
        for script in scripts:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock, contextlib.suppress(OSError):
                self._play(sock, script)

    def _play(self, sock, script):
        for step in script:
            request = b""
            while b"\r\n\r\n" not in request:
                part = sock.recv(65536)
                if not part:
                    return
                request += part
            self.requests.append(request.split(b"\r\n", 1)[0].decode())
            if step is None:
                self.over.wait(10)
            elif step == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            else:
                for part in step if isinstance(step, list) else [step]:
                    sock.sendall(part)

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes a blocked accept
        self._listener.close()
        self._thread.join(30)
