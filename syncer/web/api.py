"""The answers of the API, as JSON types. `openapi.json` describes them; a test compares."""

import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from itertools import islice
from typing import Any

import attrs

from syncer import __version__
from syncer.api.changes import Change, Deregister, Plan, Register, Skip, Treat, digest_of
from syncer.api.keys import Part
from syncer.api.left_out import LeftOutKind, missing
from syncer.api.registrations import Registration
from syncer.engine.as_json import left_out_json, registration_json, story_json
from syncer.engine.engine import Engine
from syncer.engine.queries import Once, fitting
from syncer.events import CycleFinished, PulseBeaten, lines
from syncer.events.status import Status
from syncer.web.board import Board
from syncer.web.lists import MOST, USUAL, Query, bounded, contains, fair, fits_row, has, page
from syncer.web.rows import LastRows, Rows
from syncer.web.services import Table, by_service

#: The most stories in one answer.
STORIES = 50
#: A link in Markdown, with the text that is left of it: none if it is in brackets.
_LINK = re.compile(r" \(\[[^]]*\]\([^)]*\)\)|\[([^]]*)\]\([^)]*\)")


@attrs.frozen(kw_only=True)
class About:
    """Parts of the configuration that the page shows: the kinds of sources and sinks, by name."""

    owner: str = "syncer"
    sources: Mapping[str, str] = attrs.Factory(dict)
    sinks: Mapping[str, str] = attrs.Factory(dict)
    #: Whether reading needs a token, and whether changes are possible: they always need one.
    reading: bool = False
    changing: bool = False


class Api:
    """Answers from a running engine's knowledge, its status and its latest lines. From any thread.

    `another` makes a second engine of the same configuration, for what a running engine cannot do.
    """

    def __init__(
        self,
        engine: Engine,
        status: Status,
        board: Board,
        about: About,
        another: Callable[[], Engine] | None = None,
    ) -> None:
        self._status, self._board = status, board
        self._changing = threading.Lock()
        self.show(engine, about, another)

    def show(self, engine: Engine, about: About, another: Callable[[], Engine] | None) -> None:
        """Answer from this engine from now on."""
        self._engine, self._about, self._another = engine, about, another
        self._rows = LastRows(lambda: Table.of(self._joined().all()), self._status.clock)
        self._left_out = LastRows(engine.left_out, self._status.clock)

    def ready(self) -> dict[str, Any]:
        """Whether every source, sink and pulse has succeeded recently, and what fails now."""
        now = self._engine.now()
        late = self._status.late(now.sources, now.sinks)
        failing = {k: one.error for k, one in self._status.known.failing.items() if k not in late}
        return {
            "ready": not late,
            "late": [{"loop": k, "why": v} for k, v in late.items()],
            "failing": [{"loop": k, "why": v} for k, v in sorted(failing.items())],
        }

    def status(self) -> dict[str, Any]:
        """A summary of everything."""
        about, status, number = self._about, self._status, self._board.number
        refused = status.known.refused
        _, table = self._rows(number)
        _, left_out = self._left_out(number)
        shown = [one for one in left_out if one.kind is not LeftOutKind.IGNORED]
        ready, sources, sinks = self.ready(), self.sources(), self.sinks()
        well = all(one["state"] == "working" for one in sources)
        return {
            "version": __version__,
            "host": self._host(),
            "owner": about.owner,
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "uptime": round(status.clock() - status.started),
            "interval": status.interval,
            "number": number,
            "in_sync": bool(ready["ready"] and not refused and well)
            and all(one["in_sync"] for one in sinks),
            **ready,
            "refused": attrs.asdict(refused) if refused else None,
            "token": {"reading": about.reading, "changing": about.changing},
            "sources": sources,
            "sinks": sinks,
            "instances": {"wanted": sum(table.states.values()), **table.states},
            "statuses": dict(table.statuses),
            "services": table.services,
            "flow": list(table.flow),
            "left_out": {
                "workloads": missing(left_out),
                "kinds": dict(Counter(one.kind.value for one in left_out)),
            },
            "not_registered": bounded(islice(fair(shown), USUAL)),
        }

    def not_registered(self, query: Query) -> dict[str, Any]:
        """Workloads and ports that are not registered, and why; `source` and `kind` filter it."""
        _, found = self._left_out(self._board.number)
        return page(left_out_json(found), query, contains, dict)

    def sources(self) -> list[dict[str, Any]]:
        """Each source: its last answer, and whether it works."""
        found = []
        for name, snapshot in self._engine.now().sources.items():
            translated = [one.translated for one in snapshot.workloads.values()]
            found.append(
                {
                    "name": name,
                    "kind": self._about.sources.get(name, ""),
                    **self._health("source", name, snapshot.doubt),
                    "scopes": sorted(snapshot.scopes),
                    "workloads": len(translated),
                    "instances": sum(len(one.instances) for one in translated),
                    "unclear": len(snapshot.unclear),
                    "problems": sum(len(one.problems) for one in translated),
                }
            )
        return found

    def sinks(self) -> list[dict[str, Any]]:
        """Each sink: its entries, what is held back or failed, and whether it works."""
        return [self._sink(name) for name in self._engine.now().sinks]

    def instances(self, query: Query) -> dict[str, Any]:
        """Desired and registered instances, joined; `sink`, `source`, `state`, `whose` filter them.

        Under load the answer may be some moments old: it includes the log up to line `number`.
        """
        number, table = self._rows(self._board.number)
        return {"number": number, **page(table.rows, query, fits_row, lambda row: row.plain)}

    def services(self, query: Query) -> dict[str, Any]:
        """The same, grouped by service; those that need attention come first."""
        number, table = self._rows(self._board.number)
        rows = [row for row in table.rows if fits_row(row, query)]
        found = page(
            by_service(rows), query, lambda *_: True, lambda service: service.plain(query.each)
        )
        return {"number": number, "instances": len(rows), **found}

    def registrations(self, query: Query) -> dict[str, Any]:
        """The entries of the sinks, foreign ones too, with their marks."""
        named = query.fields.get("sink", "")
        words = query.text.casefold().split()
        # The other fields are those of other lists: no entry has them.
        other = any(value for key, value in query.fields.items() if key != "sink")
        items = (
            (sink, one)
            for sink, view in self._engine.now().sinks.items()
            for one in view.items
            if named in ("", sink)
        )

        def shown(item: tuple[str, Registration]) -> dict[str, Any]:
            return {"sink": item[0], **registration_json(item[1])}

        def fits(item: tuple[str, Registration], query: Query) -> bool:
            return not other and (not words or has(item, words))

        return page(items, query, fits, shown)

    def skips(self, query: Query) -> dict[str, Any]:
        """The changes held back at each sink, and why; `kind=conflict` for conflicts only.

        Those that someone should look at come first.
        """
        items = [
            _skip(sink, skip)
            for sink, report in self._status.known.reports.items()
            for skip in report.plan.skipped
        ]
        items.sort(key=lambda item: not item["problem"])
        return page(items, query, contains, dict)

    def drift(self) -> list[Mapping[str, Any]]:
        """The latest repairs of entries that others had changed, newest first."""
        return list(reversed(self._board.drift()))

    def events(self) -> list[dict[str, Any]]:
        """The latest log lines, oldest first."""
        return [line.plain() for line in self._board.lines()]

    def explain(self, name: str) -> list[dict[str, Any]]:
        """Why workloads are registered or not, by service, workload, id prefix or entry's id.

        At most `STORIES` of them.
        """
        world, rows = self._engine.now().sources.values(), self._joined()
        found = islice(fitting(world, name, by_offer=True), STORIES)
        return bounded(story_json(rows.story(snapshot.name, entry)) for snapshot, entry in found)

    def guard(self) -> list[dict[str, Any]]:
        """The changes that the guard holds at each sink, and the digest that `override` needs."""
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

    def override(self, sink: str, digest: str) -> dict[str, Any] | None:
        """Make the changes that the guard holds, if they have this digest; `None` if not."""
        if count := self._engine.override_guard(sink, digest):
            return {"done": f"guard overridden at {sink}: {count} changes", "changes": count}
        return None

    def refresh(self) -> dict[str, Any]:
        """Read every source and sink again, now."""
        self._engine.refresh()
        return {"done": "reading every source and sink again"}

    def hold(self, name: str, *, drained: bool, force: bool = False) -> dict[str, Any] | None:
        """Drain or undrain; `None` if another request is at it, or it is not possible here."""
        if self._another is None or not self._changing.acquire(blocking=False):
            return None
        try:
            engine = self._another()
            try:
                done = engine.drain(name, force=force) if drained else engine.undrain(name)
            finally:
                engine.stop()
        finally:
            self._changing.release()
        self._engine.refresh()
        return _held(done)

    def _host(self) -> str:
        """The host whose services are registered: the only scope, else this process's host."""
        scopes = set[str]().union(*(one.scopes for one in self._engine.now().sources.values()))
        return scopes.pop() if len(scopes) == 1 else socket.gethostname()

    def _sink(self, name: str) -> dict[str, Any]:
        now, known, (_, table) = (
            self._engine.now(),
            self._status.known,
            self._rows(self._board.number),
        )
        view, report, part = now.sinks[name], known.reports.get(name), Part("sink", name)
        health = self._health("sink", name, "" if view.complete else "being read again")
        was_read = part in known.succeeded or name in known.read
        is_known = part not in known.failing and was_read
        wanted = table.wanted.get(name, 0)
        registered = table.registered.get(name, 0) if is_known else None
        pulse = self._pulse(name, known.pulses.get(name))
        doubts = (one.doubt for one in now.sources.values() if name in now.sinks_of(one.name))
        done = report is not None and report.in_sync and not report.held_back
        works = health["state"] == "working" and not (pulse and pulse["why"])
        return {
            "name": name,
            "kind": self._about.sinks.get(name, ""),
            **health,
            "in_sync": done and works and registered == wanted and not any(doubts),
            "registrations": len(view.items) if view.items or view.complete else None,
            "wanted": wanted,
            "registered": registered,
            "problems": list(view.problems),
            **_reported(report),
            "leads": known.leads.get(name),
            "pulse": pulse,
        }

    def _joined(self) -> Rows:
        return Rows(self._engine.now(), self._status.known)

    def _health(self, role: str, name: str, doubt: str) -> dict[str, Any]:
        part, known = Part(role, name), self._status.known
        trouble, watch = part, Part("watch", name)
        if failing := known.failing.get(part):
            state, why = "failing", failing.error
        elif part not in known.succeeded:
            state, why = "waiting", doubt or "not read yet"
        elif broken := known.failing.get(watch):
            state, why, trouble = "degraded", f"no events: {broken.error}", watch
        else:
            state, why = "working", doubt if role == "source" else ""
        at = known.retry.get(trouble)
        return {
            "state": state,
            "why": why,
            "failures": failing.failures if failing else 0,
            "since": known.since.get(trouble),
            "retry_in": None if at is None else max(0, round(at - self._status.clock())),
            "age": self._age(part),
        }

    def _pulse(self, name: str, beaten: PulseBeaten | None) -> dict[str, Any] | None:
        part = Part("pulse", name)
        failing = self._status.known.failing.get(part)
        if beaten is None and failing is None:
            return None
        return {
            "held": beaten.held if beaten else 0,
            "late": round(beaten.late, 3) if beaten else 0.0,
            "age": self._age(part) if Part("sink", name) in self._status.known.succeeded else None,
            "why": failing.error if failing else "",
        }

    def _age(self, part: Part) -> float | None:
        """Seconds since the last success; `None` if there was none."""
        at = self._status.known.succeeded.get(part)
        return None if at is None else round(self._status.clock() - at, 1)


def _reported(found: CycleFinished | None) -> dict[str, Any]:
    report = found or CycleFinished(sink="", plan=Plan())
    plan = report.plan
    puts = (change for change in plan.changes if not isinstance(change, Deregister))
    unchanged = plan.unchanged + sum(change.id not in report.failed for change in puts)
    return {
        "ours": plan.ours if found else None,
        "foreign": plan.foreign if found else None,
        "unchanged": unchanged if found else None,
        "failed": len(report.failed),
        "held_back": dict(report.held_back),
        "skips": dict(Counter(skip.kind for skip in plan.skipped)),
        "seconds": round(report.seconds, 4),
    }


def _skip(sink: str, skip: Skip) -> dict[str, Any]:
    return {
        "sink": sink,
        "id": skip.id,
        "kind": skip.kind,
        "reason": skip.reason,
        "means": _LINK.sub(r"\1", skip.kind.means).replace("`", ""),
        "problem": Treat.REPORT in skip.kind.treat,
    }


def _change(change: Change) -> dict[str, Any]:
    """A change in short: what would be removed, or what would move from where to where."""
    before = "" if isinstance(change, Register) else change.old.instance.endpoint
    return {"action": type(change).__name__.lower(), "from": before, **lines.described(change)}


def _held(done: Once[CycleFinished]) -> dict[str, Any]:
    return {
        "sinks": {
            sink: {
                "of": report.plan.asked,
                "applied": report.applied,
                "failed": dict(report.failed),
                "skipped": {skip.id: f"{skip.kind}: {skip.reason}" for skip in report.plan.skipped},
            }
            for sink, report in done.items()
        },
        "errors": dict(done.errors),
    }
