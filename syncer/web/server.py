"""The page's server: waitress, in threads of its own, from `open_page` to `stop`."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable

from waitress.server import create_server

from syncer.engine import Engine
from syncer.errors import ConfigError
from syncer.events import AnyEvent
from syncer.metrics import Metrics
from syncer.values import bracketed
from syncer.web.api import About, Api
from syncer.web.app import BODY, App
from syncer.web.board import Board
from syncer.web.connections import Connection, release
from syncer.web.streams import Streams
from syncer.web_rules import WebRules, address_of

#: Threads beside those of the streams, and connections beside theirs.
_WORKERS, _CONNECTIONS = 4, 64


class Page:
    """Listens to an engine's events from the start; serves once it is opened."""

    def __init__(self, *, interval: float = 30.0) -> None:
        self._board = Board(interval=interval)
        self._metrics = Metrics(interval=interval)
        self._stopping = threading.Event()
        self._map: dict[int, object] = {}

    def __call__(self, event: AnyEvent) -> None:
        """Hear an event of the engine."""
        self._metrics(event)
        self._board(event)

    def open(
        self, engine: Engine, rules: WebRules, about: About, again: Callable[[], Engine] | None
    ) -> str:
        """Begin to listen, and serve in threads; returns the address. ConfigError if that fails."""
        api = Api(engine, self._board, about, again)
        app = App(api, self._metrics, Streams(self._board, rules.streams), rules)
        host, port = address_of(rules.listen)
        # It warns of questions that wait for a thread, which is no concern of the log.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, port), family=family)
        except OSError as error:
            text = f"cannot listen on {rules.listen}: {error.strerror or error}"
            raise ConfigError(f"web.listen: {text}") from error
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
        return f"http://{bracketed(host)}:{listening.getsockname()[1]}/"

    def stop(self, timeout: float = 5.0) -> None:
        """Let go of every client and every thread. Twice is fine."""
        if self._stopping.is_set():
            return
        self._board.close()
        self._stopping.set()
        with contextlib.suppress(OSError):  # it has seen it by itself, and closed everything
            self._server.pull_trigger()
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
