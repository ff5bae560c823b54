"""A backend that answers as its path says.

/status/404, /slow, /redirect/PATH, /to/http:/HOST/PATH, /echo.
"""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        if self.path == "/slow":
            self.server.over.wait(30)
        words = self.path.strip("/").split("/")
        if words[0] in ("redirect", "to"):
            self.send_response(302)
            rest = "/".join(words[1:])
            there = rest.replace(":/", "://", 1) if words[0] == "to" else f"/{rest}"
            self.send_header("Location", there)
            code, said = None, b""
        else:
            code = int(words[1]) if words[0] == "status" else self.server.code
            said = b"x" * 100_000 if words[0] == "big" else f"this is {code}".encode()
            if code in (204, 304):
                said = b""
            self.send_response(code)
        self.send_header("Content-Length", str(len(said)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_POST = do_HEAD = do_PUT = _answer

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """Clients that hang up are what this is for."""


class Backend:
    """Runs until `close`. `code` is what other paths answer; `asked` are the requests so far."""

    def __init__(self, certificate=None, port=0):
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.asked, self._server.over = [], threading.Event()
        self._server.code = 200
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def asked(self):
        return self._server.asked

    def answer(self, code):
        self._server.code = code

    def close(self):
        self._server.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
