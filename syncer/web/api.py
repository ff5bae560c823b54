"""The answers of the API, as JSON types. `openapi.json` describes them; a test compares."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from itertools import islice
from typing import Any

import attrs

from syncer import __version__
from syncer.api.changes import Change, Deregister, Register, digest_of
from syncer.api.keys import Part
from syncer.api.model import Registration
from syncer.engine.as_json import registration_json, story_json
from syncer.engine.engine import Engine
from syncer.engine.queries import Now, Once, fitting
from syncer.events import CycleFinished, logs
from syncer.web.board import Board, Seen
from syncer.web.rows import LastRows, Row, Rows

#: The most that one answer lists, what it lists if nothing is said, and the most stories in one.
MOST, USUAL, STORIES = 500, 100, 50


@attrs.frozen(kw_only=True)
class About:
    """What the configuration says of the parts: kinds by name, and which sources a sink has."""

    owner: str = "syncer"
    sources: Mapping[str, str] = attrs.Factory(dict)
    sinks: Mapping[str, str] = attrs.Factory(dict)
    #: Whether reading, and whether changing, needs a token; None: nothing can be changed.
    reading: bool = False
    changing: bool | None = None


@attrs.frozen(kw_only=True)
class Wanted:
    """Which part of a list is asked for."""

    text: str = ""
    fields: Mapping[str, str] = attrs.Factory(dict)
    offset: int = 0
    limit: int = USUAL


class Api:
    """Answers from what a running engine knows, and a board remembers. From any thread.

    `again` makes another engine of the same configuration: for what a running one cannot be asked.
    """

    def __init__(
        self, engine: Engine, board: Board, about: About, again: Callable[[], Engine] | None = None
    ) -> None:
        self._board = board
        self._changing = threading.Lock()
        self.show(engine, about, again)

    def show(self, engine: Engine, about: About, again: Callable[[], Engine] | None) -> None:
        """Answer from this engine from now on."""
        self._engine, self._about, self._again = engine, about, again
        self._rows = LastRows(lambda seen: self._joined(seen).all(), self._board.clock)

    def ready(self) -> dict[str, Any]:
        """Whether every loop has succeeded lately, and which has not."""
        now = self._engine.now()
        late = self._board.late(now.sources, now.sinks)
        return {"ready": not late, "late": [{"loop": k, "why": v} for k, v in late.items()]}

    def status(self) -> dict[str, Any]:
        """All that fits on one screen."""
        now, seen = self._engine.now(), self._board.seen()
        about, clock = self._about, self._board.clock
        _, rows = self._rows(seen)
        states = Counter(row.plain["state"] for row in rows if row.plain["wanted"])
        return {
            "version": __version__,
            "owner": about.owner,
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "uptime": round(clock() - self._board.started),
            "interval": self._board.interval,
            "number": seen.number,
            **self.ready(),
            "refused": attrs.asdict(seen.refused) if seen.refused else None,
            "token": {"reading": about.reading, "changing": about.changing},
            "sources": self.sources(now, seen),
            "sinks": self.sinks(now, seen),
            "instances": {"wanted": states.total(), **states},
        }

    def sources(self, now: Now | None = None, seen: Seen | None = None) -> list[dict[str, Any]]:
        """Each source: what it said last, and how it does."""
        now, seen = now or self._engine.now(), seen or self._board.seen()
        found = []
        for name, snapshot in now.sources.items():
            entries = snapshot.workloads.values()
            problems = sum(len(entry.translated.problems) for entry in entries)
            found.append(
                {
                    "name": name,
                    "kind": self._about.sources.get(name, ""),
                    **self._doing("source", name, seen, snapshot.doubt),
                    "scopes": sorted(snapshot.scopes),
                    "workloads": len(entries),
                    "instances": sum(len(entry.translated.instances) for entry in entries),
                    "unclear": len(snapshot.unclear),
                    "problems": problems,
                }
            )
        return found

    def sinks(self, now: Now | None = None, seen: Seen | None = None) -> list[dict[str, Any]]:
        """Each sink: what it holds, what is in the way, and how it does."""
        now, seen = now or self._engine.now(), seen or self._board.seen()
        return [
            {
                "name": name,
                "kind": self._about.sinks.get(name, ""),
                **self._doing("sink", name, seen, "" if view.complete else "it is read anew"),
                "registrations": len(view.items),
                **_reported(seen.reports.get(name)),
                "leads": seen.leads.get(name),
                "pulse": self._pulse(name, seen),
            }
            for name, view in now.sinks.items()
        ]

    def instances(self, wanted: Wanted) -> dict[str, Any]:
        """What should be and what is, joined: `sink`, `source`, `state` and `whose` narrow it.

        While much happens it may be of a moment ago: `number` is the last line that it knows of.
        """
        number, rows = self._rows(self._board.seen())
        return {"number": number, **_page(rows, wanted, _fits, lambda row: row.plain)}

    def registrations(self, wanted: Wanted) -> dict[str, Any]:
        """What the sinks hold, foreign registrations too, with their marks."""
        named = wanted.fields.get("sink", "")
        narrowed = wanted.text or wanted.fields.keys() - {"sink"}
        items = (
            (sink, one)
            for sink, view in self._engine.now().sinks.items()
            for one in view.items
            if named in ("", sink)
        )

        def shown(item: tuple[str, Registration]) -> dict[str, Any]:
            return {"sink": item[0], **registration_json(item[1])}

        def fits(item: tuple[str, Registration], wanted: Wanted) -> bool:
            return not narrowed or _contains(shown(item), wanted)

        return _page(items, wanted, fits, shown)

    def skips(self, wanted: Wanted) -> dict[str, Any]:
        """What is held back at each sink, and why; `kind=conflict` for what others hold."""
        items = [
            {"sink": sink, "id": skip.id, "kind": skip.kind, "reason": skip.reason}
            for sink, report in self._board.seen().reports.items()
            for skip in report.plan.skipped
        ]
        return _page(items, wanted, _contains, dict)

    def drift(self) -> list[Mapping[str, Any]]:
        """What strayed in a registry and was put right, the last first."""
        return list(reversed(self._board.drift()))

    def events(self) -> list[dict[str, Any]]:
        """What was said lately, oldest first."""
        return [line.plain() for line in self._board.lines()]

    def explain(self, name: str) -> list[dict[str, Any]]:
        """The stories of a service, a workload, the beginning of its id, or the id of an entry.

        The first of them, if there are many.
        """
        now, rows = self._engine.now(), self._joined(self._board.seen())
        found = islice(fitting(now.sources.values(), name, by_offer=True), STORIES)
        return [story_json(rows.story(snapshot.name, entry)) for snapshot, entry in found]

    def guard(self) -> list[dict[str, Any]]:
        """What the guard holds at each sink, and the digest by which it can be let go."""
        return [
            {
                "sink": sink,
                "digest": digest_of(held),
                "removals": sum(isinstance(change, Deregister) for change in held),
                "moves": sum(not isinstance(change, Deregister) for change in held),
                "changes": [_change(one) for one in sorted(held, key=lambda one: one.id)[:MOST]],
            }
            for sink, held in self._engine.now().guarded.items()
            if held
        ]

    def let_go(self, sink: str, digest: str) -> dict[str, Any] | None:
        """Have done what the guard holds there, if that has this digest; None if it has not."""
        if count := self._engine.let_go(sink, digest):
            return {"done": f"{count} changes are let go at {sink}", "changes": count}
        return None

    def refresh(self) -> dict[str, Any]:
        """Have every source and sink looked at again, now."""
        self._engine.refresh()
        return {"done": "every source and sink is looked at again"}

    def hold(self, name: str, *, drained: bool, force: bool = False) -> dict[str, Any] | None:
        """Drain, or end that; None if it is being done for somebody else, or cannot be."""
        if self._again is None or not self._changing.acquire(blocking=False):
            return None
        try:
            engine = self._again()
            try:
                done = engine.drain(name, force=force) if drained else engine.undrain(name)
            finally:
                engine.stop()
        finally:
            self._changing.release()
        self._engine.refresh()
        return _held(done)

    def _joined(self, seen: Seen) -> Rows:
        return Rows(self._engine.now(), seen)

    def _doing(self, part: str, name: str, seen: Seen, doubt: str) -> dict[str, Any]:
        loop = Part(part, name)
        failing, at = seen.failing.get(loop), seen.succeeded.get(loop)
        if failing:
            state, why = "failing", failing.error
        elif at is None:
            state, why = "waiting", doubt or "it has not been looked at yet"
        else:
            state, why = "working", doubt if part == "source" else ""
        return {
            "state": state,
            "why": why,
            "failures": failing.failures if failing else 0,
            "age": None if at is None else round(self._board.clock() - at, 1),
        }

    def _pulse(self, name: str, seen: Seen) -> dict[str, Any] | None:
        beaten, failing = seen.pulses.get(name), seen.failing.get(Part("pulse", name))
        if beaten is None and failing is None:
            return None
        at = seen.succeeded.get(Part("pulse", name))
        return {
            "held": beaten.held if beaten else 0,
            "late": round(beaten.late, 3) if beaten else 0.0,
            "age": None if at is None else round(self._board.clock() - at, 1),
            "why": failing.error if failing else "",
        }


def _reported(report: CycleFinished | None) -> dict[str, Any]:
    plan = report.plan if report else None
    skips = Counter(skip.kind for skip in plan.skipped) if plan else Counter()
    return {
        "ours": plan.ours if plan else 0,
        "foreign": plan.foreign if plan else 0,
        "unchanged": _as_wanted(report) if report else 0,
        "failed": len(report.failed) if report else 0,
        "skips": dict(skips),
        "seconds": round(report.seconds, 4) if report else 0.0,
    }


def _as_wanted(report: CycleFinished) -> int:
    """How many stand as they should, what this cycle wrote included."""
    puts = (c for c in report.plan.changes if not isinstance(c, Deregister))
    return report.plan.unchanged + sum(change.id not in report.failed for change in puts)


def _change(change: Change) -> dict[str, Any]:
    """A change that is held, in short: what goes, or what moves from where to where."""
    before = "" if isinstance(change, Register) else change.old.instance.endpoint
    return {"action": type(change).__name__.lower(), "from": before, **logs.described(change)}


def _held(done: Once[CycleFinished]) -> dict[str, Any]:
    return {
        "sinks": {
            sink: {
                "of": report.plan.ours,
                "applied": report.applied,
                "failed": dict(report.failed),
                "skipped": {skip.id: f"{skip.kind}: {skip.reason}" for skip in report.plan.skipped},
            }
            for sink, report in done.items()
        },
        "errors": dict(done.errors),
    }


def _page(
    items: Iterable[Any],
    wanted: Wanted,
    fits: Callable[[Any, Wanted], bool],
    shown: Callable[[Any], Mapping[str, Any]],
) -> dict[str, Any]:
    found = [item for item in items if fits(item, wanted)]
    part = found[wanted.offset : wanted.offset + wanted.limit]
    return {
        "total": len(found),
        "offset": wanted.offset,
        "items": [dict(shown(item)) for item in part],
    }


def _fits(row: Row, wanted: Wanted) -> bool:
    plain, fields = row.plain, wanted.fields
    if (sink := fields.get("sink")) and sink not in plain["sinks"]:
        return False
    if (source := fields.get("source")) and source != plain["source"]:
        return False
    if (state := fields.get("state")) and state != plain["state"]:
        return False
    if (whose := fields.get("whose")) and plain["wanted"] is (whose == "others"):
        return False
    return all(word in row.text for word in wanted.text.casefold().split())


def _contains(item: Mapping[str, Any], wanted: Wanted) -> bool:
    if any(value and item.get(key) != value for key, value in wanted.fields.items()):
        return False
    text = "\n".join(str(value) for value in item.values()).casefold()
    return all(word in text for word in wanted.text.casefold().split())
