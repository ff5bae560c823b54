"""Notices an address that leads to several agents, by the node names in their answers."""

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from syncer import SyncerError
from syncer_consul.http.client import Client

#: Seconds for which a name is remembered that is not answered any more.
_REMEMBERED = 600.0


class Nodes:
    """The nodes whose agents answer at one address. Safe in threads.

    An agent may come back under another name. Several names at a time, or one that comes back, are
    several agents: each has a part of the entries, and none can be believed about the rest.
    """

    def __init__(self, client: Client) -> None:
        self._client, self._lock = client, Lock()
        self._now = ""
        self._left: set[str] = set()
        self._several: frozenset[str] = frozenset()
        self._until = 0.0
        self._looked = False

    def met(self, node: str, checks: Mapping[str, Any]) -> str:
        """Take note of the node that each check names; return what to tell people, or ""."""
        told = (check.get("Node") for check in checks.values() if isinstance(check, Mapping))
        named = frozenset(name for name in told if isinstance(name, str)) - {""}
        if not self._looked or (node and named - {node}):
            self.look()
        self.note(named)
        return self.problem

    def look(self) -> None:
        """Ask who answers, over new connections as well."""
        try:
            names = self._client.names()
        except SyncerError:
            return  # told where an answer is needed
        self._looked = True
        self.note(names)
        if names and self._client.info().node not in {*names, ""}:
            self._client.forget()  # it came back under another name

    def note(self, names: frozenset[str]) -> None:
        """Note the names that were answered at one time."""
        with self._lock:
            now = time.monotonic()
            if now > self._until:
                self._several, self._left = frozenset(), set()
            if len(names) > 1 or names & self._left:
                self._several |= names | {self._now} - {""}
                self._until = now + _REMEMBERED
            elif names and self._now not in names and self._now:
                self._left.add(self._now)
                self._until = max(self._until, now + _REMEMBERED)
            self._now = min(names, default=self._now)

    @property
    def problem(self) -> str:
        """A line for people; "" if one agent answers."""
        several = self._several if time.monotonic() <= self._until else ()
        if not several:
            return ""
        names = ", ".join(sorted(several))
        return (
            f"{self._client.address} leads to several agents, of the nodes {names}: nothing is"
            " removed; set the address of the agent on this host"
        )
