"""What should be and what is, joined: a row for each instance, with how it stands in each sink."""

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

import attrs

from syncer.api.model import Instance, Registration
from syncer.desired.snapshot import Entry
from syncer.engine.as_json import registration_json
from syncer.engine.queries import Now
from syncer.web.board import Seen

#: How an instance stands in a sink, worst first.
STATES = ("failed", "held", "pending", "unknown", "registered")
OURS, OTHERS = "ours", "others"
#: Rows are kept for so many times as long as it took to make them: however much happens and
#: however many ask, not more than a fifth of one processor goes into them.
REST = 4.0


@attrs.frozen(kw_only=True)
class Standing:
    """How an instance stands in one sink, and why in words."""

    state: str
    why: str = ""

    def plain(self) -> dict[str, str]:
        """As JSON types."""
        return {"state": self.state, "why": self.why}


@attrs.frozen(kw_only=True)
class Row:
    """One instance as the page shows it, and the text in which it is searched."""

    plain: Mapping[str, Any]
    text: str


class Rows:
    """Joins what an engine knows with what was reported. `takes` says which sources a sink has."""

    def __init__(self, now: Now, seen: Seen, takes: Mapping[str, frozenset[str]]) -> None:
        self._now, self._seen, self._takes = now, seen, takes
        self._stand = {sink: _Sink(sink, now, seen) for sink in now.sinks}

    def all(self) -> tuple[Row, ...]:
        """Every instance by service and id: what is wanted, and what is registered besides."""
        found = [*self._wanted(), *self._besides()]
        return tuple(sorted(found, key=lambda row: (row.plain["service"], row.plain["id"])))

    def standing(self, source: str, entry: Entry) -> dict[str, dict[str, str]]:
        """For each sink a line for each instance of a workload, as `explain` tells it."""
        return {
            sink: {one.id: _line(stand.of(source, entry, one)) for one in _instances(entry)}
            for sink, stand in self._sinks_of(source)
        }

    def _wanted(self) -> Iterator[Row]:
        for source, snapshot in self._now.sources.items():
            for entry in snapshot.entries.values():
                for instance in _instances(entry):
                    sinks = {
                        sink: stand.of(source, entry, instance)
                        for sink, stand in self._sinks_of(source)
                    }
                    yield _row(Registration(instance=instance), sinks, source, entry)

    def _besides(self) -> Iterator[Row]:
        for sink, stand in self._stand.items():
            for registration in stand.besides():
                why = stand.why(registration.id) or "not wanted by what runs here"
                yield _row(registration, {sink: Standing(state="registered", why=why)})

    def _sinks_of(self, source: str) -> Iterator[tuple[str, "_Sink"]]:
        for sink, stand in self._stand.items():
            if not self._takes.get(sink) or source in self._takes[sink]:
                yield sink, stand


class LastRows:
    """The rows made last. They are made anew after something has happened, but not too often.

    `make` makes them; `clock` never goes back. From any thread.
    """

    def __init__(self, make: Callable[[Seen], tuple[Row, ...]], clock: Callable[[], float]) -> None:
        self._make, self._clock, self._lock = make, clock, Lock()
        self._number, self._until = -1, float("-inf")
        self._rows: tuple[Row, ...] = ()

    def __call__(self, seen: Seen) -> tuple[int, tuple[Row, ...]]:
        """The number of the last line that they know of, which may not be that of `seen`; they."""
        with self._lock:
            began = self._clock()
            if seen.number > self._number and began >= self._until:
                self._number, self._rows = seen.number, self._make(seen)
                ended = self._clock()
                self._until = ended + REST * (ended - began)
            return self._number, self._rows


class _Sink:
    """What one sink holds, and what was reported of it."""

    def __init__(self, name: str, now: Now, seen: Seen) -> None:
        self._report = seen.reports.get(name)
        self._failing = seen.failing.get(f"sink {name}")
        plan = self._report.plan if self._report else None
        self._skips = {skip.id: skip for skip in plan.skipped} if plan else {}
        self._by_id: dict[str, Registration] = {}
        self._by_workload: dict[tuple[str, str, str], Registration] = {}
        self._used: set[str] = set()
        for one in now.sinks[name].items:
            self._by_id[one.id] = one
            if one.mark:
                key = (one.mark.source, one.mark.workload, one.instance.service)
                self._by_workload[key] = one

    def of(self, source: str, entry: Entry, instance: Instance) -> Standing:
        """How a wanted instance stands here. A sink may keep it under an id of its own."""
        key = (source, entry.workload.id, instance.service)
        have = self._by_id.get(instance.id) or self._by_workload.get(key)
        if have:
            self._used.add(have.id)
        id_ = have.id if have else instance.id
        if (error := self._error(id_, instance.id)) is not None:
            return Standing(state="failed", why=error)
        if why := self.why(id_) or self.why(instance.id):
            return Standing(state="held", why=why)
        if have:
            return Standing(state="registered")
        if self._report is None:
            why = f"the registry does not answer: {self._failing.error}" if self._failing else ""
            return Standing(state="unknown", why=why or "it was not looked at yet")
        why = f"waits: {self._failing.error}" if self._failing else "to be registered"
        return Standing(state="pending", why=why)

    def why(self, id_: str) -> str:
        """Why a change of this id is held back; "" if none is."""
        skip = self._skips.get(id_)
        return f"{skip.kind}: {skip.reason}" if skip else ""

    def besides(self) -> Iterator[Registration]:
        """What nothing that was asked for stands under."""
        for id_, registration in self._by_id.items():
            if id_ not in self._used:
                yield registration

    def _error(self, *ids: str) -> str | None:
        failed = self._report.failed if self._report else {}
        return next((failed[id_] for id_ in ids if id_ in failed), None)


def _instances(entry: Entry) -> tuple[Instance, ...]:
    return entry.translated.instances


def _line(standing: Standing) -> str:
    return standing.why or ("as it should be" if standing.state == "registered" else standing.state)


def _row(
    registration: Registration,
    sinks: Mapping[str, Standing],
    source: str = "",
    entry: Entry | None = None,
) -> Row:
    mark = registration.mark
    if entry:
        workload, name = entry.workload.id, entry.workload.name
    else:
        workload, name = (mark.workload if mark else ""), ""
    told = registration_json(registration)
    states = {standing.state for standing in sinks.values()}
    plain = {
        **{key: told[key] for key in ("id", "service", "address", "port", "protocol", "tags")},
        "endpoint": registration.instance.endpoint,
        "status": told["status"],
        "wanted": entry is not None,
        "owner": f"{mark.owner}@{mark.scope}" if mark else "",
        "source": source or (mark.source if mark else ""),
        "workload": workload,
        "name": name,
        "state": next((state for state in STATES if state in states), "unknown"),
        "sinks": {sink: standing.plain() for sink, standing in sinks.items()},
    }
    words = (plain["id"], plain["service"], plain["endpoint"], plain["name"], plain["status"])
    whys = (standing.why for standing in sinks.values())
    text = "\n".join((*words, workload, *told["tags"], plain["owner"], *sinks, *whys))
    return Row(plain=plain, text=text.casefold())
