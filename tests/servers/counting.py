"""An HTTP proxy that counts the requests going through it, by method and path."""

import contextlib
import http.client
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Headers that belong to one connection and not to the message.
_OF_THE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def _connection(target, patience):
    if patience is None:
        return http.client.HTTPConnection(target)
    return http.client.HTTPConnection(target, timeout=patience)


class CountingProxy:
    """Listens on a free port of 127.0.0.1 and forwards to `target` (host:port).

    `heard` is told method, path and body of each request. While the target is away the answer is
    502, and 504 for what it does not answer within `patience` seconds; `cuts` counts these.
    """

    def __init__(self, target, heard=lambda method, path, body: None, patience=None):
        self.counts, self.cuts = Counter(), 0
        counts, lock = self.counts, threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                with lock:
                    counts[f"{self.command} {self.path.partition('?')[0]}"] += 1
                length = int(self.headers.get("Content-Length") or 0)
                sent = self.rfile.read(length)
                heard(self.command, self.path, sent)
                with contextlib.closing(_connection(target, patience)) as connection:
                    try:
                        connection.request(self.command, self.path, sent, dict(self.headers))
                        answer = connection.getresponse()
                        body = answer.read()
                    except TimeoutError:
                        proxy.cuts += 1
                        return self.send_error(504)
                    except (OSError, http.client.HTTPException):
                        return self.send_error(502)
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _OF_THE_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = forward

            def log_message(self, *arguments):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def address(self):
        """Where to connect: host:port."""
        return "{}:{}".format(*self._server.server_address)

    def close(self):
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
