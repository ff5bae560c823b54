"""Notices changes that others make on the agent, within a second.

The agent's own lists cannot be waited for as a whole: when a check is removed by hand, the list
of services does not change. The catalog follows the agent at once, so two blocking queries wait
there: one for the node's services, one for its checks. They ask for nothing but the index.
"""

import time
from collections.abc import Callable
from threading import Event, Thread
from urllib.parse import quote

from syncer_consul.http.client import Client, Failed, Refused

#: How long one query blocks, in seconds; ending it early is cheap, and a dead line is noticed.
WAIT = 30.0
_PAUSE, _LONGEST_PAUSE = 0.3, 10.0
#: An agent's answers are taken no faster than this, whatever it does.
SPACING = 0.1
#: Filters that nothing fulfils: the index comes without the body.
_QUERIES = (("/v1/catalog/node/", 'ID == ""'), ("/v1/health/node/", 'CheckID == ""'))


class Watcher:
    """Watches one node, over connections that `client` has for this alone.

    `agent` is the client that the sink works with; it is told when the agent was away.

    `settle` waits until our own writes have been quiet for a moment and returns at the latest
    after a second: a burst of them makes one wake.
    """

    def __init__(self, client: Client, agent: Client, settle: Callable[[Event], None]) -> None:
        self._client, self._agent, self._settle = client, agent, settle
        self._ended = Event()

    def run(self, wake: Callable[[], None], stop: Event) -> None:
        """Watch until `stop` is set or `close()` is called."""
        threads = [
            Thread(target=self._watch, args=(query, wake), name="watch", daemon=True)
            for query in _QUERIES
        ]
        for thread in threads:
            thread.start()
        try:
            while not stop.wait(0.2) and not self._ended.is_set():
                continue
        finally:
            self.close()
            for thread in threads:
                thread.join(5)

    def close(self) -> None:
        """End a running watch."""
        self._ended.set()
        self._client.close()

    def _watch(self, query: tuple[str, str], wake: Callable[[], None]) -> None:
        """Find out the node's name, however long that takes, and follow it."""
        prefix, without = query
        while not self._ended.is_set():
            try:
                node = self._agent.node()
            except (Refused, Failed):
                self._ended.wait(_LONGEST_PAUSE)  # it is there, and does not say
                continue
            except Exception:  # noqa: BLE001 - asked again until it is there
                self._await_return(wake)
                continue
            if node:
                return self._follow(prefix + quote(node, safe=""), without, wake)
            self._ended.wait(WAIT)  # not known before there is a check that names it

    def _follow(self, path: str, without: str, wake: Callable[[], None]) -> None:
        index, asked, pause = 0, 0.0, _PAUSE
        while not self._ended.wait(max(0.0, asked + SPACING - time.monotonic())):
            asked = time.monotonic()
            try:
                found = self._ask(path, without, index)
                if found != index:
                    self._settle(self._ended)
                    # The index from before the wake: what changes meanwhile is not missed.
                    found = self._ask(path, without, 0)
                    wake()
                index, pause = found, _PAUSE
            except (Refused, Failed):
                # The agent is there, but there is no leader, or the token is not good.
                index = 0
                self._ended.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception:  # noqa: BLE001 - the watch goes on, whatever comes
                index = 0
                self._await_return(wake)

    def _ask(self, path: str, without: str, index: int) -> int:
        """The index of the path: at once with `index` 0, else when it is another, or in time."""
        params = {"stale": "", "filter": without}
        if not index:
            return max(self._client.read(path, params).index, 1)
        found = self._client.block(path, {**params, "index": str(index)}, WAIT).index
        # One that fell belongs to a server that was restarted; 0 would not block at all.
        return max(found, 1)

    def _await_return(self, wake: Callable[[], None]) -> None:
        """Wait until the agent answers again, then wake at once: it may have come back empty."""
        while not self._ended.wait(_PAUSE):
            try:
                self._client.read("/v1/agent/checks", {"filter": 'CheckID == ""'})
            except (Refused, Failed):
                break
            except Exception:  # noqa: BLE001 - asked again until it is there
                continue
            break
        self._agent.forget()  # it may be another version now
        wake()
