"""kazoo's connections: with deadlines, TLS, and an end that leaves the session alive.

kazoo ends the session when it is stopped, and the server removes the session's nodes at once: an
upgrade of syncer would remove every service meanwhile. So the connection is cut first. The session
then lives on the server until it expires, and the next process takes the nodes over.
"""

import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any

from kazoo.handlers.threading import SequentialThreadingHandler

from syncer import ConfigError
from syncer_zookeeper.options import ZooKeeperOptions


class Handler(SequentialThreadingHandler):  # type: ignore[misc] # kazoo has no types
    """kazoo's threads. `timeout` in seconds is for a connection, and again for its greeting."""

    def __init__(self, timeout: float, secured: Callable[[], ssl.SSLContext] | None) -> None:
        super().__init__()
        self._timeout, self._secured = timeout, secured
        self._line: socket.socket | None = None
        self._cut, self._lock = False, Lock()

    def create_connection(
        self, address: Any, hostname: str | None = None, **_: Any
    ) -> socket.socket:
        """Connect to a server; certificates are read each time, since they are renewed."""
        line = socket.create_connection(address, self._timeout)
        try:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secured is not None:
                line = self._secured().wrap_socket(line, server_hostname=hostname)
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


def secured(options: ZooKeeperOptions) -> Callable[[], ssl.SSLContext] | None:
    """Return a function that makes the configured TLS context; `None` without TLS."""
    if not options.secure:
        return None

    def make() -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=options.ca_file)
        if not options.tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if options.client_cert is not None:
            context.load_cert_chain(options.client_cert, options.client_key)
        return context

    return make


def check_files(options: ZooKeeperOptions) -> None:
    """Raise ConfigError if the files for TLS cannot be used."""
    for name in ("ca_file", "client_cert", "client_key"):
        path = getattr(options, name)
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{name} {path}: {error.strerror}") from error
    if options.client_key is not None and options.client_cert is None:
        raise ConfigError("client_key needs client_cert")
    make = secured(options)
    try:
        if make is not None:
            make()
    except (ssl.SSLError, OSError) as error:
        text = "is not a PEM file, or they do not belong together"
        raise ConfigError(f"ca_file, client_cert or client_key {text}: {error}") from error


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
