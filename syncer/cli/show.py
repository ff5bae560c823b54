"""Show plans, explanations and tables to people. The JSON forms are in `syncer.engine.as_json`.

All text from labels or registries goes through `safe` before it is printed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
from rich.markup import escape
from rich.table import Table

from syncer.api.changes import Change, Deregister, Plan, Register, Skip, SkipKind, Update
from syncer.api.checks import Check, Native
from syncer.api.fields import EMPTY
from syncer.api.left_out import LeftOut, LeftOutKind, heading, missing
from syncer.api.registrations import Instance, Registration
from syncer.api.secrets import hidden
from syncer.api.text import did_you_mean, many, printable, some_of
from syncer.desired.left_out import grouped
from syncer.desired.translate import Explained
from syncer.engine.queries import Once, Story, plan_digest
from syncer.events import AnyEvent, CycleFinished, Elected

#: Lines about what is not registered, and names in each; of the others only how many they are.
_LINES, _NAMES = 50, 5
_MISTAKES = (LeftOutKind.PROBLEM, LeftOutKind.WARNING)


@attrs.frozen
class _Verb:
    """A kind of change in words: what is to be done, and what was done."""

    sign: str
    now: str
    done: str


_VERBS: dict[type[Change], _Verb] = {
    Register: _Verb("[green]+", "register", "registered"),
    Update: _Verb("[yellow]~", "update", "updated"),
    Deregister: _Verb("[red]-", "remove", "removed"),
}


def plain(value: object) -> str:
    """Return text of others without control characters and secrets."""
    return printable(hidden(str(value), data=True))


def safe(value: object) -> str:
    """Return it without markup too."""
    return escape(plain(value))


def plan_lines(plans: Once[Plan]) -> Iterator[str]:
    """Show what failed, then changes and skips, what is not registered, and the summaries."""
    yield from error_lines(plans)
    for sink, plan in plans.items():
        if len(plans) > 1 and (plan.changes or plan.skipped):
            yield f"[bold]{safe(sink)}[/]"
        for change in plan.changes:
            yield from _change_lines(change)
        yield from _skip_lines(plan.skipped, plans.left_out)
    yield from left_out_lines(plans.left_out)
    if any(plan.changes for plan in plans.values()) and not plans.errors:
        yield f"digest {plan_digest(plans)}"
    count = missing(plans.left_out)
    also = f", {many(count, 'workload')} not registered" if count else ""
    silent = [part for part in plans.errors if part.role == "source"]
    for sink, plan in plans.items():
        unsure = plans.unsure.get(sink, 0)
        yield f"[bold]{safe(sink)}[/]: {_summary(plan, silent, unsure)}{also}"


def error_lines(once: Once[Any]) -> Iterator[str]:
    """Show a line for each source and sink that failed."""
    for what, error in once.errors.items():
        yield f"[red]{safe(what)} failed[/]: {safe(error)}"


def left_out_lines(found: Iterable[LeftOut]) -> Iterator[str]:
    """Show what is not registered, and why, and other mistakes: one line for each reason."""
    found = tuple(found)
    groups = grouped(one for one in found if one.kind is not LeftOutKind.IGNORED)
    heads = Counter(heading(one.workload, one.kind) for one in found)
    heads["not registered"] = missing(found)
    above = ""
    for first, names in list(groups.items())[:_LINES]:
        if (head := heading(first.workload, first.kind)) != above:
            above = head
            yield f"[bold]{head}[/]: {heads[head]}"
        who = f"{safe(some_of(names, _NAMES))}: " if names else ""
        yield f"  [yellow]{first.kind:<10}[/] {safe(first.source)}: {who}{safe(first.text)}"
    if (more := len(groups) - _LINES) > 0:
        yield f"  [dim]{more} more reasons: --json lists all[/]"
    if ignored := sum(one.kind is LeftOutKind.IGNORED for one in found):
        yield f"[dim]ignored, as their labels ask: {ignored}[/]"


def _summary(plan: Plan, silent: Sequence[str], unsure: int) -> str:
    """Return the counts of a plan that are not 0. Without the `silent` sources it is incomplete.

    `unsure` of the entries that are not known to be ours may be theirs.
    """
    counts = Counter(type(change) for change in plan.changes)
    changes = [f"{n} to {_VERBS[kind].now}" for kind in _VERBS if (n := counts[kind])]
    foreign = plan.foreign - unsure
    rest = {"unchanged": plan.unchanged, "skipped": len(plan.skipped), "foreign": foreign}
    known = [*changes, *(f"{n} {word}" for word, n in rest.items() if n)]
    if silent and unsure:
        until = f"{safe(' and '.join(silent))} answer{'' if len(silent) > 1 else 's'}"
        return ", ".join(
            [*known, f"{many(unsure, 'entry', 'entries')} kept, unknown until {until}"]
        )
    if silent:
        return ", ".join([*known, f"incomplete without {safe(', '.join(silent))}"])
    return ", ".join(known if changes else ["no changes", *known])


def _skip_lines(
    skips: Iterable[Skip], below: Iterable[LeftOut], word: str = "skip"
) -> Iterator[str]:
    """Show skips, one line for all that have the same reason.

    A reason that the list `below` has too is left to it: it may be long.
    """
    told = {one.reason for one in below}
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for skip in skips:
        groups[skip.kind, skip.reason].append(skip.id)
    for (kind, reason), ids in groups.items():
        gap, why = " " * (9 - len(word)), "the reason is below" if reason in told else reason
        yield f"  [dim]. {word}[/]{gap}{safe(some_of(ids))}: {kind}: {safe(why)}"


def _change_lines(change: Change) -> Iterator[str]:
    verb = _VERBS[type(change)]
    line = f"  {verb.sign} {verb.now:<8}[/] {_entry(change)}"
    if isinstance(change, Deregister):
        yield f"{line}: {change.reason.value}"
        return
    yield line
    if isinstance(change, Update):
        for name, old, new in change.differences():
            yield f"      {name}: {_value(old)} -> {_value(new)}"
        return
    for name, value in _facts(change.new.instance).items():
        yield f"      {name}: {value}"


def _done_line(change: Change) -> str:
    """Return a change that was made in one line."""
    verb = _VERBS[type(change)]
    line = f"  {verb.sign} {verb.done:<10}[/] {_entry(change)}"
    if isinstance(change, Update):
        return f"{line}: {', '.join(name for name, _, _ in change.differences())}"
    return f"{line}: {change.reason.value}" if isinstance(change, Deregister) else line


def _entry(change: Change) -> str:
    held = change.old if isinstance(change, Deregister) else change.new
    return safe(f"{held.instance.service} {held.instance.endpoint} {change.id}")


def _facts(instance: Instance) -> dict[str, str]:
    checks = tuple(map(check_text, instance.checks))
    facts = {"tags": instance.tags, "meta": instance.meta, "checks": checks}
    return {name: _value(value) for name, value in facts.items() if value}


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        value = [f"{key}={item}" for key, item in value.items()]
    if isinstance(value, (tuple, list)):
        value = ", ".join(map(str, value))
    return safe(value if value not in (None, "") else "none")


def check_text(check: Check | Native) -> str:
    """Return a check in a few words."""
    if isinstance(check, Native):
        return f"{check.key} (by syncer)" if check.fed else check.key
    words = [check.key if check.key == check.kind else f"{check.key} ({check.kind})", check.path]
    if check.interval is not None:
        words.append(f"every {check.interval:g}s")
    return " ".join(word for word in words if word)


def story_lines(story: Story) -> Iterator[str]:
    """Show why a workload is or is not registered: ports, names, addresses, and their rules."""
    workload, translated = story.entry.workload, story.entry.translated
    health = f", {workload.health.value}" if workload.health else ""
    state = f"{workload.state.value}{health}, image {safe(workload.image or 'unknown')}"
    if not story.entry.described:
        state = "state and image unknown"
    yield (
        f"[bold]{safe(workload.name)}[/] ({safe(workload.id[:12])}), source {story.source}, {state}"
    )
    if workload.health_output:
        yield f"  health check said: {safe(printable(workload.health_output, 200))}"
    if translated.parser:
        yield f"  labels read by {translated.parser}"
    left_out = [(one.kind in _MISTAKES, f"{one.port}: {one.text}") for one in story.left_out]
    found = [(mistake, safe(text.removeprefix(": "))) for mistake, text in left_out]
    yield from (f"  not registered: {text}" for mistake, text in found if not mistake)
    for explained in translated.explained:
        yield from _explained_lines(explained, story)
    yield from (f"  [yellow]problem[/] {text}" for mistake, text in found if mistake)
    for sink, standing in story.sinks.items():
        if "" in standing:
            yield f"  [red]{safe(sink)}[/]: {safe(standing[''])}"


def _explained_lines(explained: Explained, story: Story) -> Iterator[str]:
    offer, choice, instance = explained.offer, explained.choice, explained.instance
    at = instance.endpoint if instance else "no address"
    port = f"{offer.port}/{safe(offer.protocol)}"
    yield f"  port {port} -> [bold]{safe(offer.service)}[/] at {safe(at)}"
    for sink, standing in story.sinks.items():
        if instance is not None and instance.id in standing:
            yield f"      in {safe(sink)}: {safe(standing[instance.id])}"
    if offer.because:
        yield f"      offered by {safe(offer.because)}"
    if choice.rule:
        yield f"      address by {safe(choice.rule)}"
    for rule, why in choice.rejected:
        yield f"      [dim]not by {safe(rule)}: {safe(why)}[/]"
    if instance is None:
        return
    yield f"      id {safe(instance.id)}"
    for name, value in _facts(instance).items():
        yield f"      {name} {value}"


def table(columns: Iterable[str], title: str | None = None) -> Table:
    """Return an empty table without lines around its cells."""
    style: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0)}
    return Table(*columns, title=title and safe(title), title_justify="left", **style)


def rows_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    """Return a table of these rows."""
    made = table(columns)
    for row in rows:
        made.add_row(*map(safe, row))
    return made


#: Services of one source that are named; of the others only how many they are.
_NAMED = 10


def leads_into(leads: dict[str, bool]) -> Callable[[AnyEvent], None]:
    """Return a listener that notes, by sink with a lock, whether this process holds the lock."""

    def listen(event: AnyEvent) -> None:
        if isinstance(event, Elected):
            leads[event.sink] = event.leads

    return listen


def report_lines(reports: Once[CycleFinished], leads: Mapping[str, bool] = EMPTY) -> Iterator[str]:
    """Show what failed, then what one cycle did in each sink, and the summaries last.

    `leads` tells, by sink with a lock, whether this process holds the lock.
    """
    yield from error_lines(reports)
    for sink, report in reports.items():
        lines = [*_report_lines(report, reports.left_out)]
        if len(reports) > 1 and lines:
            yield f"[bold]{safe(sink)}[/]"
        yield from lines
    yield from left_out_lines(reports.left_out)
    for sink, report in reports.items():
        yield f"[bold]{safe(sink)}[/]: {_done(report, leads.get(sink, True))}"


def _report_lines(report: CycleFinished, below: Iterable[LeftOut]) -> Iterator[str]:
    skips = report.plan.skipped
    for change in report.plan.changes:
        if change.id not in report.failed:
            yield _done_line(change)
    for id_, error in report.failed.items():
        yield f"  [red]! failed[/]     {safe(id_)}: {safe(error)}"
    others = (skip for skip in skips if skip.kind not in (SkipKind.STANDBY, SkipKind.LOST))
    yield from _skip_lines(others, below, "skipped")


def _done(report: CycleFinished, leads: bool) -> str:
    """Return in words how many changes were made, and how many were left out and why."""
    counts = Counter(skip.kind for skip in report.plan.skipped)
    parts = [f"{many(report.applied, 'change')} applied"]
    if report.failed:
        parts.append(f"{len(report.failed)} failed")
    if (left := counts[SkipKind.STANDBY]) or not leads:
        parts.append(f"{many(left, 'change')} left to another syncer, which holds the lock")
    if lost := counts[SkipKind.LOST]:
        parts.append(f"{many(lost, 'change')} not made, since the lock was lost during the cycle")
    return ", ".join(parts)


def not_configured(
    ours: Once[tuple[Registration, ...]], sources: Collection[str]
) -> dict[str, int]:
    """Count the entries that came from other sources than these, by source."""
    marks = (held.mark for registrations in ours.values() for held in registrations)
    return dict(Counter(mark.source for mark in marks if mark and mark.source not in sources))


def nothing_from(source: str, ours: Once[tuple[Registration, ...]]) -> str:
    """Say that no entry came from this source, and which services came from others."""
    services: dict[str, set[str]] = defaultdict(set)
    for registrations in ours.values():
        for held in registrations:
            services[held.mark.source if held.mark else ""].add(held.instance.service)
    others = [
        printable(f"source {name}: {some_of(sorted(services[name]), _NAMED)}")
        for name in sorted(services)
    ]
    first = f"this syncer has no entries from source {source!r}{did_you_mean(source, services)}"
    return "\n".join([first, *(others or ["it has no entries at all"])])
