"""Desired and registered instances, joined: one row each, with its state in each sink."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from typing import Any, Generic, TypeVar

import attrs

from syncer.api.keys import Part
from syncer.api.registrations import Instance, Registration
from syncer.api.text import printable
from syncer.desired.snapshot import TrackedWorkload
from syncer.engine.as_json import registration_json
from syncer.engine.queries import STATES, Now, SinkStandings, Standing, Story, story
from syncer.events.status import Known

T = TypeVar("T")

#: The statuses of instances, by how much they need attention.
STATUSES = ("unhealthy", "paused", "starting", "draining", "up")
#: Rows are kept for this many times as long as they took to make: however much happens and
#: however many clients ask, at most a fifth of one processor goes into them.
REST = 4.0


@attrs.frozen(kw_only=True)
class Row:
    """One instance as the page shows it, and its texts for searches.

    The texts are not copied: they may be long, and the rows are kept.
    """

    plain: Mapping[str, Any]
    texts: tuple[str, ...]

    def has(self, words: Iterable[str]) -> bool:
        """Whether each of these words, in lower case, is in one of its texts."""
        texts = [text.casefold() for text in self.texts]
        return all(any(word in text for text in texts) for word in words)


class Rows:
    """Joins what an engine knows with what its events reported."""

    def __init__(self, now: Now, known: Known) -> None:
        self._now = now
        self._sinks = {sink: _standings(sink, now, known) for sink in now.sinks}

    def all(self) -> tuple[Row, ...]:
        """Every instance by service and id: the desired ones, and what else is registered."""
        found = [*self._desired(), *self._others()]
        return tuple(sorted(found, key=lambda row: (row.plain["service"], row.plain["id"])))

    def story(self, source: str, entry: TrackedWorkload) -> Story:
        """Return the story of a workload: its state in each sink."""
        return story(source, entry, self._now, self._sinks)

    def _desired(self) -> Iterator[Row]:
        for source, snapshot in self._now.sources.items():
            names = tuple(self._now.sinks_of(source))
            for entry in snapshot.workloads.values():
                for instance in entry.translated.instances:
                    sinks = {name: self._sinks[name].of(source, entry, instance) for name in names}
                    status = self._status(source, entry, instance, names)
                    yield _row(Registration(instance=instance), sinks, status, source, entry)

    def _others(self) -> Iterator[Row]:
        for name, sink in self._sinks.items():
            for registration in sink.others():
                why = sink.skipped(registration.id) or "nothing that runs here asks for it"
                standing = {name: Standing(state="registered", why=why)}
                yield _row(registration, standing, _Status(word=registration.instance.shown_status))

    def _status(
        self, source: str, entry: TrackedWorkload, instance: Instance, names: Iterable[str]
    ) -> "_Status":
        """The status of a desired instance, by its workload and by the checks of the registries."""
        found = [(name, self._sinks[name].entry(source, entry, instance)) for name in names]
        entries = [(name, one) for name, one in found if one]
        drained = any(one.mark and one.mark.hold for _, one in entries)
        if drained:
            return _Status(word="draining", why="by hand", drained=True)
        if not Registration(instance=instance).up:
            output = printable(entry.workload.health_output, 200)
            word = instance.shown_status
            return _Status(word=word, why=output if word == "unhealthy" else "")
        for name, one in entries:
            if not one.up:
                why = f"by the checks in {name}{': ' if one.failing else ''}{one.failing}"
                return _Status(word=one.instance.shown_status, why=why)
        return _Status(word="up")


@attrs.frozen(kw_only=True)
class _Status:
    """Whether an instance can be used, in one word, and why not; `drained`: by hand."""

    word: str
    why: str = ""
    drained: bool = False


class LastRows(Generic[T]):
    """The last rows, or a value made of them; made again after news, but not too often.

    `make` makes them; `clock` never goes back. From any thread.
    """

    def __init__(self, make: Callable[[], T], clock: Callable[[], float]) -> None:
        self._make, self._clock, self._lock = make, clock, Lock()
        self._number, self._until = -1, float("-inf")
        self._rows: T | None = None

    def __call__(self, number: int) -> tuple[int, T]:
        """Return the rows, and the number of the last line that they include.

        `number` is that of the last line there is.
        """
        with self._lock:
            began = self._clock()
            if self._rows is None or (number > self._number and began >= self._until):
                self._number, self._rows = number, self._make()
                ended = self._clock()
                self._until = ended + REST * (ended - began)
            return self._number, self._rows


def _standings(name: str, now: Now, known: Known) -> SinkStandings:
    report, failing = known.reports.get(name), known.failing.get(Part("sink", name))
    return SinkStandings(
        now.sinks[name],
        now.ownership,
        report.plan if report else None,
        failed=report.failed if report else {},
        error=failing.error if failing else "",
    )


def _row(
    registration: Registration,
    sinks: Mapping[str, Standing],
    status: _Status,
    source: str = "",
    entry: TrackedWorkload | None = None,
) -> Row:
    mark = registration.mark
    workload = entry.workload.id if entry else mark.workload if mark else ""
    shown = registration_json(registration)
    states = {standing.state for standing in sinks.values()}
    plain = {
        **{key: shown[key] for key in ("id", "service", "address", "port", "protocol", "tags")},
        "endpoint": registration.instance.endpoint,
        "status": status.word,
        "status_why": status.why,
        "drained": status.drained,
        "wanted": entry is not None,
        "owner": f"{mark.owner}@{mark.scope}" if mark else "",
        "source": source or (mark.source if mark else ""),
        "workload": workload,
        "name": entry.workload.name if entry else "",
        "state": next((state for state in STATES if state in states), "unknown"),
        "sinks": {sink: attrs.asdict(standing) for sink, standing in sinks.items()},
    }
    words = (plain["id"], plain["service"], plain["endpoint"], plain["name"], status.word)
    whys = (standing.why for standing in sinks.values())
    return Row(plain=plain, texts=(*words, workload, *shown["tags"], plain["owner"], *sinks, *whys))
