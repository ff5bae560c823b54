"""A registry that tells all that it was sent, as a proxy in the mood for debugging does."""

import base64
import json
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote


class _Echo(BaseHTTPRequestHandler):
    def _answer(self):
        heard = [f"{name}: {value}" for name, value in self.headers.items()]
        self.server.sent.update(self.headers.values())
        kind, _, login = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            heard.append(base64.b64decode(login).decode("utf-8", "replace"))
        texts = [self.path, unquote(self.path), *heard, repr(heard), json.dumps(heard)]
        body = "\n".join(texts).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        with suppress(OSError):  # it may not wait for the answer
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def log_message(self, *_):
        """Print nothing."""


@contextmanager
def echoing(status=500):
    """A server for the length of a block: `port`, and `sent`, every header's value so far.

    Every answer has this status.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    server.status, server.sent, server.port = status, set(), server.server_address[1]
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
