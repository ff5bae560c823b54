"""kazoo's connections: with deadlines, TLS, and an end that leaves the session alive.

kazoo ends the session when it is stopped, and the server removes the session's nodes at once: an
upgrade of syncer would remove every service meanwhile. So the connection is cut first. The session
then lives on the server until it expires, and the next process takes the nodes over.
"""

import logging
import socket
from contextlib import suppress
from threading import Lock
from typing import Any

from kazoo.handlers.threading import SequentialThreadingHandler

from syncer.kits.tls import TlsFiles
from syncer_zookeeper.options import ZooKeeperOptions


class Handler(SequentialThreadingHandler):  # type: ignore[misc] # kazoo has no types
    """kazoo's threads. `timeout` in seconds is for a connection, and again for its greeting."""

    def __init__(self, timeout: float, tls: TlsFiles | None) -> None:
        super().__init__()
        self._timeout, self._tls = timeout, tls
        self._line: socket.socket | None = None
        self._cut, self._lock = False, Lock()

    def create_connection(
        self, address: Any, hostname: str | None = None, **_: Any
    ) -> socket.socket:
        """Connect to a server, with the certificates of now: they are renewed."""
        line = socket.create_connection(address, self._timeout)
        try:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                line = self._tls.context().wrap_socket(line, server_hostname=hostname)
            with self._lock:
                if self._cut:
                    raise OSError("closed")
                self._line = line
        except BaseException:
            line.close()
            raise
        return line

    def select(self, *args: Any) -> Any:
        """Wait for a connection, and at most `timeout` for an answer that is due.

        With a connection alone kazoo would wait a whole session for a greeting, or for the rest of
        an answer.
        """
        readers, writers, others, seconds = args
        if len(readers) + len(writers) == 1:
            seconds = min(seconds, self._timeout)
        return super().select(readers, writers, others, seconds)

    def dispatch_callback(self, callback: Any) -> None:
        """Call a watch at once, so that an answer never overtakes the news of earlier changes."""
        callback.func(*callback.args)

    def drop(self) -> None:
        """Close the connection; kazoo makes another, and the session goes on."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            with suppress(OSError):  # it is closed already
                line.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Close the connection and make no other: the session stays until it expires."""
        with self._lock:
            self._cut = True
        self.drop()


def tls_of(options: ZooKeeperOptions) -> TlsFiles | None:
    """Return the files of TLS; `None` without TLS. Raises ConfigError if they cannot be used."""
    if not options.secure:
        return None
    return TlsFiles(
        ca_file=options.ca_file,
        client_cert=options.client_cert,
        client_key=options.client_key,
        verify=options.tls_verify,
    )


class Complaints(logging.Filter):
    """Keeps kazoo's warnings for our own errors; only faults of kazoo itself are logged.

    kazoo would log each attempt to connect, and, on its lower levels, passwords.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged."""
        if record.levelno >= logging.ERROR:
            return True
        text = record.getMessage()
        if ": " in text:
            self.last = text.rpartition(": ")[2]
        return False


def quiet_logger(complaints: Complaints) -> logging.Logger:
    """Return the logger for kazoo."""
    logger = logging.Logger("syncer_zookeeper.kazoo", logging.WARNING)
    logger.parent = logging.getLogger("syncer_zookeeper")
    logger.addFilter(complaints)
    return logger
