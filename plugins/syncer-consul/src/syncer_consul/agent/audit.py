"""Compares the catalog with the agent, seldom: consumers see the catalog.

The agent pushes each service and check there with the token that it was registered with. When that
token may no more, the agent goes on answering as if all were well, and the catalog stays as it was.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from threading import Event, Lock
from typing import Any
from urllib.parse import quote

import attrs

from syncer import Registration, SyncerError, fold_case, some_of
from syncer_consul.agent import wire
from syncer_consul.agent.wire import Found
from syncer_consul.http.client import Client

#: Seconds to the next look, to the one that must confirm it, and in which a repair must show: an
#: agent compares everything with the catalog every minute, in large clusters every few minutes.
EVERY, AGAIN, SHOWS = 60.0, 10.0, 300.0
#: The fields that the catalog must have as the agent has them, besides the tags.
_FIELDS = ("Service", "Address", "Port", "Meta")
_GHOST = "only the catalog has it, not the agent"
_REPLACED = "registered with a token that has been replaced"

Entries = Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Faults:
    """How the catalog differs from the agent, for the services of one owner, by id.

    `wrong` says what is wrong with a service, `ghosts` are services that only the catalog has,
    `checks` are ids of checks that only the catalog has of a service.
    """

    wrong: Mapping[str, str] = attrs.Factory(dict)
    ghosts: Mapping[str, Registration] = attrs.Factory(dict)
    checks: Mapping[str, tuple[str, ...]] = attrs.Factory(dict)

    def texts(self) -> dict[str, str]:
        """Return what is wrong, of all of them."""
        return {**self.wrong, **dict.fromkeys(self.ghosts, _GHOST)}


def compared(
    services: Entries, checks: Entries, there: Entries, checks_there: Iterable[Entries], owner: str
) -> Faults:
    """Compare the agent's services and checks with those that the catalog has of its node."""
    here = _statuses({"CheckID": id_, **check} for id_, check in checks.items())
    found = _statuses(checks_there)
    held = there.get("Services") or {}
    address = str((there.get("Node") or {}).get("Address", ""))
    wrong, ghosts, more = {}, {}, {}
    for id_, entry in services.items():
        if not _is_of(owner, entry):
            continue
        ours, theirs = here.get(id_, {}), found.get(id_, {})
        if id_ not in held:
            wrong[id_] = "the catalog does not have it"
        elif fault := _difference(entry, held[id_]) or _check_difference(ours, theirs):
            wrong[id_] = fault
            more[id_] = tuple(sorted(theirs.keys() - ours.keys()))
    folded = {fold_case(id_) for id_ in services}  # the catalog takes them for one
    for id_, entry in held.items():
        if fold_case(id_) not in folded and _is_of(owner, entry):
            of = [Found(check, status) for check, status in found.get(id_, {}).items()]
            if (ghost := wire.decode(id_, entry, of, address)) is not None:
                ghosts[id_] = attrs.evolve(ghost, damaged=_GHOST)
    return Faults(wrong=wrong, ghosts=ghosts, checks=more)


class Audit:
    """The differences between catalog and agent that two looks in a row have found.

    Safe in threads. `run` looks. `view` shows them in a listing as damage, so that the next cycle
    writes these entries again, and `wrote` notes each write. What a write did not mend is not
    written again: it is a problem for people.
    """

    def __init__(self, client: Client, owner: str) -> None:
        self._client, self._owner, self._lock = client, owner, Lock()
        self._token: str | None = None
        self._outdated: frozenset[str] = frozenset()
        self._faults, self._suspected = Faults(), Faults()
        self._tried: dict[str, float] = {}
        self._stuck: frozenset[str] = frozenset()
        self._wanted = Event()
        self._listing: tuple[Entries, Entries] | None = None

    def view(
        self, items: Iterable[Registration], services: Entries, checks: Entries
    ) -> tuple[Registration, ...]:
        """Return the agent's registrations with what the catalog has wrong as their damage."""
        if self._wanted.is_set():
            self._listing = services, checks
            self._wanted.clear()
        items = tuple(items)
        with self._lock:
            token, before = self._client.http.headers.token(), self._token
            if before is not None and token != before:
                self._outdated = frozenset(one.id for one in items if self._is_ours(one))
                self._tried.clear()
            self._token = token
            ghosts = {i: one for i, one in self._faults.ghosts.items() if i not in services}
            damage = {**dict.fromkeys(self._outdated, _REPLACED), **self._faults.wrong}
        if not damage and not ghosts:
            return items
        return (*(_damaged(one, damage.get(one.id, "")) for one in items), *ghosts.values())

    def problems(self) -> list[str]:
        """Return what to tell people."""
        with self._lock:
            faults, stuck, told = self._faults.texts(), sorted(self._stuck), []
        if faults:
            first = sorted(faults)[0]
            text = f"the catalog and the agent differ in {some_of(sorted(faults), 3)}"
            told.append(f"{text} ({first}: {faults[first]}): it is repaired")
        if stuck:
            text = f"the catalog does not follow the agent, though written again: {some_of(stuck)}"
            told.append(f"{text}; the agent's log says why")
        return told

    def is_ghost(self, id_: str) -> bool:
        """Return whether only the catalog had this service at the last two looks."""
        return id_ in self._faults.ghosts

    def bury(self, id_: str) -> None:
        """Remove a service that only the catalog has, from there."""
        self._client.catalog.deregister(self._client.node(), service_id=id_)
        self.wrote(id_)

    def wrote(self, id_: str) -> None:
        """Note that a service was written at the agent, or removed. Removes stray checks of it."""
        if id_ not in self._outdated and id_ not in self._faults.texts():
            return
        for check in self._faults.checks.get(id_, ()):
            with suppress(SyncerError):  # the next look tells
                self._client.catalog.deregister(self._client.node(), check_id=check)
        with self._lock:
            self._outdated -= {id_}
            self._tried[id_] = time.monotonic()
            self._faults = _without(self._faults, {id_})

    def run(self, wake: Callable[[], None], ended: Event, meanwhile: Callable[[], None]) -> None:
        """Look every minute until `ended` is set; wakes when there is something to repair."""
        pause = AGAIN
        while not ended.wait(pause):
            meanwhile()
            self._wanted.set()
            if self._suspected.texts():
                wake()  # for a listing
            while self._listing is None and not ended.wait(0.5):
                continue
            try:
                if self._listing is not None and self.look(*self._listing):
                    wake()
            except Exception:  # noqa: BLE001 - told where an answer is needed
                self._suspected = Faults()
            self._listing = None
            pause = AGAIN if self._suspected.texts() else EVERY

    def look(self, services: Entries, checks: Entries) -> bool:
        """Compare once; return whether there is something new to repair."""
        found = self.compare(services, checks)
        if found is None:
            self._suspected = Faults()
            return False
        now, texts, before = time.monotonic(), found.texts(), self._suspected.texts()
        confirmed = {id_ for id_, text in texts.items() if before.get(id_) == text}
        with self._lock:
            self._tried = {i: at for i, at in self._tried.items() if i in texts or now - at < SHOWS}
            tried = self._tried.keys()
            self._stuck = frozenset(
                id_ for id_ in texts.keys() & tried if now - self._tried[id_] >= SHOWS
            )
            self._suspected = _without(found, tried)
            known = self._faults.texts()
            self._faults = _without(self._suspected, self._suspected.texts().keys() - confirmed)
            return bool(self._faults.texts().keys() - known.keys())

    def compare(self, services: Entries, checks: Entries) -> Faults | None:
        """Compare the catalog with the agent's lists; `None` if it may not be read."""
        asked, node = self._client.asking(stale="1"), quote(self._client.node(), safe="")
        if not node:
            return None
        there, found = asked.catalog.node(node), asked.health.node(node)
        if not there.data or not (there.has_leader and found.has_leader):
            return None
        return compared(services, checks, there.data, found.data or (), self._owner)

    def _is_ours(self, one: Registration) -> bool:
        return one.mark is not None and one.mark.owner == self._owner


def _without(faults: Faults, ids: Iterable[str]) -> Faults:
    left = set(ids)
    return Faults(
        wrong={id_: text for id_, text in faults.wrong.items() if id_ not in left},
        ghosts={id_: one for id_, one in faults.ghosts.items() if id_ not in left},
        checks={id_: all_ for id_, all_ in faults.checks.items() if id_ not in left},
    )


def _damaged(one: Registration, damage: str) -> Registration:
    return attrs.evolve(one, damaged=one.damaged or damage) if damage else one


def _is_of(owner: str, entry: Entries) -> bool:
    mark = wire.mark_of(entry)
    return mark is not None and mark.owner == owner


def _difference(ours: Entries, theirs: Entries) -> str:
    # With tag override the agent takes the catalog's tags over.
    fields = _FIELDS if ours.get("EnableTagOverride") else (*_FIELDS, "Tags")
    same = all((ours.get(field) or None) == (theirs.get(field) or None) for field in fields)
    return "" if same else "the catalog has an older form of it"


def _check_difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    for id_ in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(id_, "no such check"), theirs.get(id_, "no such check")
        if here != there:
            return f"check {id_}: the catalog says {there}, the agent {here}"
    return ""


def _statuses(checks: Iterable[Entries]) -> dict[str, dict[str, str]]:
    """Return the status of each check, by service."""
    found: dict[str, dict[str, str]] = {}
    for check in checks:
        if service := check.get("ServiceID"):
            found.setdefault(service, {})[str(check.get("CheckID"))] = str(check.get("Status"))
    return found
