"""The one session of a sink, which holds its nodes; and requests, each within a deadline.

kazoo keeps the session alive and reconnects by itself. But it has no deadlines: its calls wait
until there is a connection.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from threading import Event, Lock
from typing import Any

import attrs
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import KazooState, KeeperState
from kazoo.retry import KazooRetry
from kazoo.security import ACL, CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE

from syncer import PermanentError, TemporaryError
from syncer_zookeeper.connection import Complaints, Handler, quiet_logger, tls_of
from syncer_zookeeper.failures import translated
from syncer_zookeeper.options import Acl, ZooKeeperOptions

#: Requests that wait for answers at the same time.
OUTSTANDING = 256
_ACLS: dict[Acl, list[ACL]] = {
    Acl.OPEN: list(OPEN_ACL_UNSAFE),
    Acl.READ: [*CREATOR_ALL_ACL, *READ_ACL_UNSAFE],
    Acl.CREATOR: list(CREATOR_ALL_ACL),
}
#: One request: takes the client, and returns kazoo's promise of an answer.
Ask = Callable[[Any], Any]


@attrs.frozen
class Life:
    """A session's id, 0 for none, and the number of the last change before it began."""

    session: int = 0
    began: int = 0


class Session:
    """Makes a session when it is first needed, and another when it is lost. Safe in threads.

    `changed` is called, in kazoo's thread, when a connection or a session begins or is lost.
    """

    def __init__(self, options: ZooKeeperOptions, changed: Callable[[], None]) -> None:
        self._options, self._changed = options, changed
        self.tls = tls_of(options)
        self._timeout = options.timeout.total_seconds()
        self.acl = _ACLS[options.acl]
        self._complaints = Complaints()
        self._logger = quiet_logger(self._complaints)
        self._client: Any = None
        self._life = Life()
        self._closed, self._lock = Event(), Lock()

    def __repr__(self) -> str:
        return f"Session({self._options.hosts})"

    @property
    def current(self) -> int:
        """The session's id; 0 without a connection."""
        client = self._client
        found = client.client_id if client is not None else None
        return int(found[0] or 0) if found else 0

    def life(self) -> "Life":
        """Return the current session, and the last change before it began, as far as is known."""
        client, current = self._client, self.current
        if current and self._life.session != current:
            # Right after the session's first answers: later changes have higher numbers.
            self._life = Life(current, client.last_zxid)
        return self._life if current else Life()

    def gather(self, asks: Iterable[Ask]) -> list[Any]:
        """Return the answers in order; kazoo's exception in place of one that failed.

        Many requests are under way at the same time. Each answer gives the next ones the whole
        deadline again; after a late one another connection is made. Raises TemporaryError without a
        connection.
        """
        client = self._connected()
        waiting: deque[Any] = deque()
        found: list[Any] = []
        late: KazooTimeoutError | None = None

        def settle() -> None:
            nonlocal late
            answer = _answer(waiting.popleft(), 0.0 if late else self._timeout)
            if isinstance(answer, KazooTimeoutError):
                late = answer
            found.append(answer)

        for ask in asks:
            if len(waiting) >= OUTSTANDING:
                settle()
            if late:
                waiting.append(late)  # nobody waits for it: it is not sent
            else:
                waiting.append(ask(client))
        while waiting:
            settle()
        if late:
            # For kazoo each request that it sends is a sign of life: busy, it would never leave a
            # server that is silent.
            client.handler.drop()
        return found

    def ask(self, ask: Ask) -> Any:
        """Return one answer; `None` if the node does not exist. Raises the error of a failure."""
        (answer,) = self.gather([ask])
        if isinstance(answer, NoNodeError):
            return None
        if isinstance(answer, BaseException):
            raise self.error(answer)
        return answer

    def error(self, failure: BaseException) -> Exception:
        """Return the error of a failed request."""
        return translated(failure, f"ZooKeeper at {self._options.hosts}")

    def close(self, *, leave: bool) -> None:
        """Close the connection; with `leave` the session and its nodes stay until it expires."""
        self._closed.set()
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            _end(client, leave=leave)

    def _connected(self) -> Any:
        """Return the client, once it has a connection."""
        end = time.monotonic() + self._timeout
        with self._lock:
            if self._closed.is_set():
                raise TemporaryError("the connection to ZooKeeper was closed")
            if self._client is None:
                self._client = self._made()
                self._client.start_async()
            client = self._client
        while not client.connected:
            if time.monotonic() >= end or self._closed.wait(0.01):
                raise self._unreachable(client)
        return client

    def _unreachable(self, client: Any) -> Exception:
        """Return why there is no connection. A client that has given up is replaced next time."""
        where = f"ZooKeeper at {self._options.hosts}"
        if self._closed.is_set():
            return TemporaryError(f"{where}: the connection was closed")
        if client.client_state in (KeeperState.AUTH_FAILED, KeeperState.CLOSED):
            refused = client.client_state == KeeperState.AUTH_FAILED
            self._forget(client)
            if refused:
                return PermanentError(f"{where}: user and password are not accepted")
        why = (self._complaints.last, self.tls.problem if self.tls else "")
        said = f" ({'; '.join(filter(None, why))})" if any(why) else ""
        return TemporaryError(f"{where}: cannot be reached{said}")

    def _forget(self, client: Any) -> None:
        with self._lock:
            mine = self._client is client
            if mine:
                self._client = None
        if mine:
            _end(client, leave=True)

    def _made(self) -> Any:
        options = self._options
        retry = KazooRetry(max_tries=-1, delay=0.1, backoff=2, max_delay=2.0)
        credentials = options.credentials
        client = KazooClient(
            options.hosts,
            timeout=options.session.total_seconds(),
            handler=Handler(self._timeout, self.tls),
            auth_data=[("digest", credentials)] if credentials else None,
            connection_retry=retry,
            logger=self._logger,
        )
        client.add_listener(partial(self._state, client))
        return client

    def _state(self, client: Any, state: KazooState) -> None:
        if state == KazooState.SUSPENDED:
            # A server that was restarted without its data refuses clients that have seen later
            # changes than its own. Every listing makes the server catch up anyway.
            client.last_zxid = 0
        self._changed()


def exists(path: str, told: Callable[[Any], None] | None = None) -> Ask:
    """Return a request for the stat of a node, `None` if there is none; `told` of its changes."""
    return lambda client: client.exists_async(path, told)


def _answer(waiting: Any, timeout: float) -> Any:
    if isinstance(waiting, KazooTimeoutError):
        return waiting
    try:
        return waiting.get(timeout=timeout)
    except Exception as error:  # noqa: BLE001 - it takes the place of the answer
        return error


def _end(client: Any, *, leave: bool) -> None:
    if leave:
        client.handler.cut()
    client.stop()
    client.close()
