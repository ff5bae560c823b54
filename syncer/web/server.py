"""The page's server: waitress, in its own threads, from `Page.open` to `Page.stop`."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable

from waitress.server import create_server

from syncer.api.errors import ConfigError
from syncer.api.fields import bracketed
from syncer.config.web_rules import WebRules, address_of
from syncer.engine.engine import Engine
from syncer.events import AnyEvent
from syncer.events.status import Status
from syncer.web.api import About, Api
from syncer.web.app import BODY, App
from syncer.web.board import Board
from syncer.web.connections import Connection, release
from syncer.web.metrics import Metrics
from syncer.web.streams import Streams

#: Threads and connections in addition to those for streams.
_WORKERS, _CONNECTIONS = 4, 64


class Page:
    """Listens to an engine's events from the start; serves once it is opened.

    `status` listens too, and must be told an event before this is.
    """

    def __init__(self, status: Status) -> None:
        self._status, self._board = status, Board()
        self._metrics = Metrics(interval=status.interval)
        self._api: Api | None = None
        self._server: Server | None = None

    def __call__(self, event: AnyEvent) -> None:
        """Note an event of the engine."""
        self._metrics(event)
        self._board(event)

    def open(
        self, engine: Engine, rules: WebRules, about: About, another: Callable[[], Engine] | None
    ) -> str:
        """Listen, and serve in threads; return the address. Raises ConfigError if that fails."""
        self._api = Api(engine, self._status, self._board, about, another)
        return self.serve(rules)

    def serve(self, rules: WebRules) -> str:
        """Serve by these rules instead of the former ones; return the address. Only once opened.

        Raises ConfigError and changes nothing if that fails. Live pages reconnect by themselves.
        """
        assert self._api is not None
        former = self._server
        listening = former.next_socket(rules.listen) if former else _listening(rules.listen)
        streams = Streams(self._board, rules.streams)
        app = App(self._api, self._metrics, streams, rules)
        self._server = Server(app, listening, rules, streams)
        if former:
            former.stop()
        return self._server.address

    def show(self, engine: Engine, about: About, another: Callable[[], Engine] | None) -> None:
        """Answer from this engine from now on. Only once opened."""
        assert self._api is not None
        self._api.show(engine, about, another)

    def stop(self, timeout: float = 5.0) -> None:
        """Disconnect every client and end every thread. May be called twice."""
        self._board.close()
        if self._server:
            self._server.stop()
            self._server.join(timeout)


class Server:
    """Serves an application in threads, from when it is made until `stop`."""

    def __init__(
        self, app: App, listening: socket.socket, rules: WebRules, streams: Streams
    ) -> None:
        # It warns when requests wait for a thread, which the log need not show.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._listening, self._listen, self._streams = listening, rules.listen, streams
        host, port = listening.getsockname()[:2]
        #: The URL for a browser.
        self.address = f"http://{bracketed(host)}:{port}/"
        self._stopping = threading.Event()
        self._map: dict[int, object] = {}
        self._server = create_server(
            app,
            map=self._map,
            sockets=[listening],
            threads=rules.streams + _WORKERS,
            connection_limit=rules.streams + _CONNECTIONS,
            asyncore_use_poll=True,  # select() cannot take descriptors above 1023
            max_request_body_size=BODY,
            max_request_header_size=16_384,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = Connection
        self._thread = threading.Thread(target=self._serve, name="syncer web", daemon=True)
        self._thread.start()

    def next_socket(self, listen: str) -> socket.socket:
        """Return a listening socket for the next server. Raises ConfigError if that fails.

        For the same address it is this server's socket, so that no client is turned away. For
        another address it may use the same port, which takes SO_REUSEPORT for a moment.
        """
        if listen == self._listen:
            return self._listening.dup()
        _share_port(self._listening, True)
        try:
            listening = _listening(listen, share_port=True)
        finally:
            _share_port(self._listening, False)
        _share_port(listening, False)
        return listening

    def stop(self) -> None:
        """Begin to end clients and threads; `join` waits for it. May be called twice."""
        self._streams.close()
        self._stopping.set()
        with contextlib.suppress(OSError):  # already stopped and closed
            self._server.pull_trigger()

    def join(self, timeout: float) -> None:
        """Wait at most `timeout` seconds until it has stopped."""
        self._thread.join(timeout)

    def _serve(self) -> None:
        server = self._server
        while not self._stopping.is_set():
            server.asyncore.loop(
                timeout=1.0, use_poll=server.adj.asyncore_use_poll, map=self._map, count=1
            )
            # Before waitress accepts no more: it counts its own socket and its trigger too.
            release(server.active_channels.values(), server.adj.connection_limit - 2)
        server.task_dispatcher.shutdown(timeout=2)
        server.close()
        server.asyncore.close_all(self._map)


def _share_port(listening: socket.socket, shared: bool) -> None:
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)


def _listening(listen: str, *, share_port: bool = False) -> socket.socket:
    """Open a listening socket. Raises ConfigError if that fails."""
    host, port = address_of(listen)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, reuse_port=share_port)
    except OSError as error:
        text = f"cannot listen on {listen}: {error.strerror or error}"
        raise ConfigError(f"web.listen: {text}") from error
