"""The session that holds a sink's keys, and whose end removes them.

It is found again after a restart by the keys that it holds. Where several hold keys of ours, the
one with most of them is kept, and the sink moves the others over to it: two syncers that keep the
same entries agree in this way, without a word to each other. Only a process that begins, and asks
for another length, moves all to a session of its own.
"""

from collections.abc import Collection, Mapping
from threading import Lock

from syncer_consul.http.library import Consul
from syncer_consul.sessions import Sessions

_DELETE = "delete"


class Session:
    """Makes, finds and renews the session. Safe in threads. `ttl` is in seconds."""

    def __init__(self, consul: Consul, name: str, ttl: float) -> None:
        self._sessions, self._name = Sessions(consul), name
        self._ttl = f"{ttl:g}s"
        self._lock = Lock()
        self._current = ""
        #: Found when we began, and not as is asked for now.
        self._unfit: set[str] = set()

    @property
    def current(self) -> str:
        """The session's id; "" while there is none."""
        return self._current

    def obtain(self, candidates: Mapping[str, int]) -> str:
        """The session to hold keys with: the one there is, one that is found, or a new one.

        `candidates` says how many keys of ours each session holds.
        """
        with self._lock:
            return self._current or self._found(candidates) or self._make()

    def find(self, candidates: Mapping[str, int]) -> None:
        """Take on the session of an earlier process, if there is none yet."""
        with self._lock:
            if not self._current:
                self._found(candidates)

    def follow(self, candidates: Mapping[str, int]) -> None:
        """Change over to the session that holds most keys, if it lives."""
        with self._lock:
            fit = {id_: n for id_, n in candidates.items() if id_ not in self._unfit}
            if not self._current or not fit:
                return
            best = min({*fit, self._current}, key=lambda id_: (-fit.get(id_, 0), id_))
            if best != self._current and self._sessions.info(best):
                self._current = best

    def renew(self, sessions: Collection[str]) -> Collection[str]:
        """Keep these and the own one alive; returns those that are dead."""
        # Without the lock: a write must not wait for an answer that does not come.
        dead = [id_ for id_ in {*sessions, self._current} - {""} if not self._sessions.renew(id_)]
        for id_ in dead:
            self.lost(id_)
        return dead

    def lost(self, id_: str) -> None:
        """The session is dead: the next write gets another."""
        with self._lock:
            if self._current == id_:
                self._current = ""

    def _found(self, candidates: Mapping[str, int]) -> str:
        """The session with most keys, if it lives and is as it should be."""
        if candidates:
            best = min(candidates, key=lambda id_: (-candidates[id_], id_))
            info = self._sessions.info(best)
            if (info.get("TTL"), info.get("Behavior")) == (self._ttl, _DELETE):
                self._current = best
            else:
                self._unfit.add(best)
        return self._current

    def _make(self) -> str:
        self._current = self._sessions.make(self._name, self._ttl, _DELETE)
        return self._current
