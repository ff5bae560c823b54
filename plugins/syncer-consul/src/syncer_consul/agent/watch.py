"""Notices changes that others make on the agent, within a second.

The agent's own lists do not block as a whole: when a check is removed by hand, the list of
services does not change. The catalog follows the agent at once, so two blocking queries wait
there: one for the node's services, one for its checks. They ask for nothing but the index.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Event
from urllib.parse import quote

from syncer import SyncerError
from syncer.kits.http import Failed, Refused
from syncer_consul.http.client import Client
from syncer_consul.http.index_watch import SPACING, Query, index_of, run_watch

_PAUSE, _LONGEST_PAUSE, _UNNAMED_PAUSE = 0.3, 10.0, 30.0
#: Filters that nothing matches: the index comes without the body.
_NO_SERVICE, _NO_CHECK = 'ID == ""', 'CheckID == ""'


class Watcher:
    """Watches one node, over connections that `client` has for this alone.

    `agent` is the client that the sink works with; it forgets the agent after an outage.

    `settle` waits until our own writes have been quiet for a moment and returns at the latest
    after a second: a burst of them makes one wake. `beside` works in a thread of its own
    meanwhile: it is given `wake` and an event that ends it.
    """

    def __init__(
        self,
        client: Client,
        agent: Client,
        settle: Callable[[Event], None],
        beside: Callable[[Callable[[], None], Event], None],
    ) -> None:
        self._client, self._agent, self._settle = client, agent, settle
        self._beside, self._ended = beside, Event()
        self._queries = (
            client.asking(stale="1", filter=_NO_SERVICE).catalog.node,
            client.asking(stale="1", filter=_NO_CHECK).health.node,
        )

    def run(self, wake: Callable[[], None], stop: Event) -> None:
        """Watch until `stop` is set or `close()` is called."""
        watch = [partial(self._watch, query, wake) for query in self._queries]
        watch.append(partial(self._beside, wake, self._ended))
        run_watch(watch, stop, self._ended, self.close)

    def close(self) -> None:
        """End a running watch."""
        self._ended.set()
        self._client.close()

    def _watch(self, query: Query, wake: Callable[[], None]) -> None:
        """Find out the node's name, however long that takes, and follow it: again and again.

        The agent may be another one after an outage, or its node have another name.
        """
        while not self._ended.is_set():
            try:
                node = self._agent.node()
            except (Refused, Failed):
                self._ended.wait(_LONGEST_PAUSE)  # the agent is there, and does not tell
                continue
            except Exception:  # noqa: BLE001 - asked again until the agent is there
                self._await_return(wake)
                continue
            if node:
                self._follow(node, partial(query, quote(node, safe="")), wake)
            else:
                # Not known before there is a check that names it.
                self._ended.wait(_UNNAMED_PAUSE)

    def _follow(self, node: str, query: Query, wake: Callable[[], None]) -> None:
        """Follow a node until it may be another one."""
        index, asked, pause = 0, 0.0, _PAUSE
        while not self._ended.wait(max(0.0, asked + SPACING - time.monotonic())):
            asked = time.monotonic()
            try:
                if self._agent.info().node not in ("", node):
                    return
                found = index_of(query, index)
                if found != index:
                    self._settle(self._ended)
                    # The index from before the wake: no change in between is missed.
                    found = index_of(query, 0)
                    wake()
                index, pause = found, _PAUSE
            except (Refused, Failed):
                # The agent is there, but there is no leader, or the token is not good.
                index = 0
                self._ended.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                with suppress(SyncerError):  # or a proxy said so while the agent was away
                    self._agent.meet_again()
            except Exception:  # noqa: BLE001 - the watch goes on, whatever comes
                self._await_return(wake)
                return

    def _await_return(self, wake: Callable[[], None]) -> None:
        """Wait until the agent answers again, then wake at once: it may have come back empty."""
        agent = self._client.asking(filter=_NO_CHECK).agent
        while not self._ended.wait(_PAUSE):
            try:
                agent.checks()
            except (Refused, Failed):
                break
            except Exception:  # noqa: BLE001 - asked again until the agent is there
                continue
            break
        self._agent.forget()  # it may be another version now
        wake()
