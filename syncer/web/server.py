"""The page's server: waitress, in threads of its own, from `open_page` to `stop`."""

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
from syncer.web.api import About, Api
from syncer.web.app import BODY, App
from syncer.web.board import Board
from syncer.web.connections import Connection, release
from syncer.web.metrics import Metrics
from syncer.web.streams import Streams

#: Threads beside those of the streams, and connections beside theirs.
_WORKERS, _CONNECTIONS = 4, 64


class Page:
    """Listens to an engine's events from the start; serves once it is opened."""

    def __init__(self, *, interval: float = 30.0) -> None:
        self._board = Board(interval=interval)
        self._metrics = Metrics(interval=interval)
        self._api: Api | None = None
        self._server: Server | None = None

    def __call__(self, event: AnyEvent) -> None:
        """Hear an event of the engine."""
        self._metrics(event)
        self._board(event)

    def open(
        self, engine: Engine, rules: WebRules, about: About, again: Callable[[], Engine] | None
    ) -> str:
        """Begin to listen, and serve in threads; returns the address. ConfigError if that fails."""
        self._api = Api(engine, self._board, about, again)
        return self.serve(rules)

    def serve(self, rules: WebRules) -> str:
        """Serve by these rules, in the place of others; returns the address. Once it is opened.

        If it cannot be (ConfigError), all stays as it was. Live pages come again by themselves.
        """
        assert self._api is not None
        former = self._server
        listening = former.beside(rules.listen) if former else _listening(rules.listen)
        streams = Streams(self._board, rules.streams)
        app = App(self._api, self._metrics, streams, rules)
        self._server = Server(app, listening, rules, streams)
        if former:
            former.stop()
        return self._server.address

    def show(self, engine: Engine, about: About, again: Callable[[], Engine] | None) -> None:
        """Answer from another engine from now on. Once it is opened."""
        assert self._api is not None
        self._api.show(engine, about, again)

    def stop(self, timeout: float = 5.0) -> None:
        """Let go of every client and every thread. Twice is fine."""
        self._board.close()
        if self._server:
            self._server.stop()
            self._server.join(timeout)


class Server:
    """Serves an application in threads, from its making until it is stopped."""

    def __init__(
        self, app: App, listening: socket.socket, rules: WebRules, streams: Streams
    ) -> None:
        # It warns of questions that wait for a thread, which is no concern of the log.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._listening, self._listen, self._streams = listening, rules.listen, streams
        host, port = listening.getsockname()[:2]
        #: Where it is, as a browser is told.
        self.address = f"http://{bracketed(host)}:{port}/"
        self._stopping = threading.Event()
        self._map: dict[int, object] = {}
        self._server = create_server(
            app,
            map=self._map,
            sockets=[listening],
            threads=rules.streams + _WORKERS,
            connection_limit=rules.streams + _CONNECTIONS,
            asyncore_use_poll=True,  # select() knows no descriptor above 1023
            max_request_body_size=BODY,
            max_request_header_size=16_384,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = Connection
        self._thread = threading.Thread(target=self._serve, name="syncer web", daemon=True)
        self._thread.start()

    def beside(self, listen: str) -> socket.socket:
        """A socket that listens there, for the server that comes next. ConfigError if it cannot.

        At the same address it is the same, so that nobody is turned away. At another one it may
        have the port of this one, which no program may that does not ask to share it.
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
        """Begin to let go of clients and threads; `join` waits for it. Twice is fine."""
        self._streams.close()
        self._stopping.set()
        with contextlib.suppress(OSError):  # it has seen it by itself, and closed everything
            self._server.pull_trigger()

    def join(self, timeout: float) -> None:
        """Wait until it has stopped, for at most `timeout` seconds."""
        self._thread.join(timeout)

    def _serve(self) -> None:
        server = self._server
        while not self._stopping.is_set():
            server.asyncore.loop(
                timeout=1.0, use_poll=server.adj.asyncore_use_poll, map=self._map, count=1
            )
            # Before waitress takes no more: it counts itself and its trigger too.
            release(server.active_channels.values(), server.adj.connection_limit - 2)
        server.task_dispatcher.shutdown(timeout=2)
        server.close()
        server.asyncore.close_all(self._map)


def _share_port(listening: socket.socket, shared: bool) -> None:
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)


def _listening(listen: str, *, share_port: bool = False) -> socket.socket:
    """A socket that listens there. ConfigError if it cannot."""
    host, port = address_of(listen)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, reuse_port=share_port)
    except OSError as error:
        text = f"cannot listen on {listen}: {error.strerror or error}"
        raise ConfigError(f"web.listen: {text}") from error
