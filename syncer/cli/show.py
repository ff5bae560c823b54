"""Show plans, explanations and tables to people. The JSON forms are in `syncer.engine.as_json`.

All text from labels or registries goes through `safe` before it is printed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs
from rich.markup import escape
from rich.table import Table

from syncer.api.changes import Change, Deregister, Plan, Register, SkipKind, Update
from syncer.api.checks import Check, Native
from syncer.api.model import STATUS_KEY, Instance, Registration, View
from syncer.api.secrets import hidden
from syncer.api.text import did_you_mean, printable, some_of
from syncer.desired.translate import Explained
from syncer.engine.queries import Once, Story, plan_digest
from syncer.events import AnyEvent, CycleFinished, Elected

#: Workloads whose problems are shown; of the others only how many they are.
_TROUBLES = 50
_SIGNS = {
    Register: "[green]+ register[/]",
    Update: "[yellow]~ update[/]",
    Deregister: "[red]- remove[/]",
}


def safe(value: object) -> str:
    """Return text of others as plain text: no markup, no control characters, no secrets."""
    return escape(printable(hidden(str(value), data=True)))


def plan_lines(plans: Once[Plan]) -> Iterator[str]:
    """Show each sink's changes, field by field, and what is skipped and why."""
    for sink, plan in plans.items():
        yield f"[bold]{safe(sink)}[/]: {_summary(plan)}"
        for change in plan.changes:
            yield from _change_lines(change)
        for skip in plan.skipped:
            yield f"  [dim]. skip[/]     {safe(skip.id)}: {safe(skip.kind)}: {safe(skip.reason)}"
    yield from trouble_lines(plans)
    yield from error_lines(plans)
    yield f"digest {plan_digest(plans)}"


def error_lines(once: Once[Any]) -> Iterator[str]:
    """Show a line for each source and sink that failed."""
    for what, error in once.errors.items():
        yield f"[red]{safe(what)} failed[/]: {safe(error)}"


def trouble_lines(once: Once[Any]) -> Iterator[str]:
    """Show the problems of workloads, by workload."""
    for trouble in once.troubles[:_TROUBLES]:
        what = "[red]unknown[/]" if trouble.unknown else "[yellow]problem[/]"
        about = f"{safe(trouble.source)}: {safe(trouble.name)}"
        for text in trouble.problems:
            yield f"{what} {about}: {safe(text)}"
    if (more := len(once.troubles) - _TROUBLES) > 0:
        yield f"[yellow]problem[/] {more} more workloads have problems: --json lists all"


def _summary(plan: Plan) -> str:
    counts = Counter(map(type, plan.changes))
    return (
        f"{counts[Register]} to register, {counts[Update]} to update, {counts[Deregister]} to"
        f" remove, {plan.unchanged} unchanged, {len(plan.skipped)} skipped, {plan.foreign} foreign"
    )


def _change_lines(change: Change) -> Iterator[str]:
    sign = _SIGNS[type(change)]
    if isinstance(change, Deregister):
        instance = change.old.instance
        what = f"{safe(instance.service)} {safe(instance.endpoint)} {safe(change.id)}"
        yield f"  {sign}   {what}: {change.reason.value}"
        return
    instance = change.new.instance
    gap = " " if isinstance(change, Register) else "   "
    yield f"  {sign}{gap}{safe(instance.service)} {safe(instance.endpoint)} {safe(change.id)}"
    if isinstance(change, Update):
        for name, old, new in change.differences():
            yield f"      {name}: {_value(old)} -> {_value(new)}"
        return
    for name, value in _facts(instance).items():
        yield f"      {name}: {value}"


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


def place(registration: Registration) -> str:
    """Return service, address and id of an entry in one line."""
    instance = registration.instance
    return f"{instance.service} {instance.endpoint} {instance.id}"


def state(registration: Registration) -> str:
    """Return the status that consumers see, and what holds it; "" if the entry is just up."""
    instance = registration.instance
    found = "" if registration.up else instance.meta.get(STATUS_KEY, instance.status.value)
    if registration.mark and registration.mark.hold:
        return f"{found}, held: {registration.mark.hold}".removeprefix(", ")
    return found


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
    if translated.left_out:
        yield f"  offers nothing: {safe(translated.left_out)}"
    for explained in translated.explained:
        yield from _explained_lines(explained, story)
    for problem in translated.problems:
        yield f"  [yellow]problem[/] {safe(problem)}"
    for sink, standing in story.sinks.items():
        if "" in standing:
            yield f"  [red]{safe(sink)}[/]: {safe(standing[''])}"


def _explained_lines(explained: Explained, story: Story) -> Iterator[str]:
    offer, choice, instance = explained.offer, explained.choice, explained.instance
    at = instance.endpoint if instance else "no address"
    port = f"{offer.port}/{safe(offer.protocol)}"
    yield f"  port {port} -> [bold]{safe(offer.service)}[/] at {safe(at)}"
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
    for sink, standing in story.sinks.items():
        if instance.id in standing:
            yield f"      in {safe(sink)}: {safe(standing[instance.id])}"


def of_owner(view: View[Registration], owner: str) -> View[Registration]:
    """Return the view with the entries of this owner only; all if it is empty."""
    items = (r for r in view.items if not owner or (r.mark and r.mark.owner == owner))
    return attrs.evolve(view, items=tuple(items))


def services_table(sink: str, view: View[Registration], owner: str) -> Table:
    """Return a table of the entries of one sink, by service."""
    states = any(map(state, view.items))
    columns = ("service", "address", "tags", "id", "owner", "workload", *["state"] * states)
    table = _table(columns, f"{sink}{'' if view.complete else ' (incomplete)'}")
    for held in sorted(view.items, key=lambda r: (r.instance.service, r.id)):
        mark, instance = held.mark, held.instance
        marked_by = f"{mark.owner}@{mark.scope}" if mark else "unmarked"
        style = None if mark and mark.owner == owner else "dim"
        workload = f"{mark.source}:{mark.workload[:12]}" if mark else ""
        cells = (instance.service, instance.endpoint, ",".join(instance.tags), held.id, marked_by)
        more = [state(held)] if states else []
        table.add_row(*map(safe, (*cells, workload, *more)), style=style)
    return table


def _table(columns: Iterable[str], title: str | None = None) -> Table:
    style: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0)}
    return Table(*columns, title=title and safe(title), title_justify="left", **style)


def rows_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    """Return a table of these rows."""
    table = _table(columns)
    for row in rows:
        table.add_row(*map(safe, row))
    return table


#: Services of one source that are named; of the others only how many they are.
_NAMED = 10


def leads_into(leads: dict[str, bool]) -> Callable[[AnyEvent], None]:
    """Return a listener that notes, by sink with a lock, whether this process holds the lock."""

    def listen(event: AnyEvent) -> None:
        if isinstance(event, Elected):
            leads[event.sink] = event.leads

    return listen


def report_lines(sink: str, report: CycleFinished, *, leads: bool = True) -> Iterator[str]:
    """Show what one cycle did, what failed, and what was skipped and why; a lock's in one line."""
    counts = Counter(skip.kind for skip in report.plan.skipped)
    failed = f", {len(report.failed)} failed" if report.failed else ""
    yield f"{safe(sink)}: {report.applied} changes applied{failed}"
    if (left := counts[SkipKind.STANDBY]) or not leads:
        yield f"  another syncer holds the lock; {left} changes are left to it"
    if counts[SkipKind.LOST]:
        yield f"  the lock was lost during the cycle; {counts[SkipKind.LOST]} changes were not made"
    for id_, error in report.failed.items():
        yield f"  {safe(id_)}: {safe(error)}"
    for skip in report.plan.skipped:
        if skip.kind not in (SkipKind.STANDBY, SkipKind.LOST):
            yield f"  skipped {safe(skip.id)}: {safe(skip.kind)}: {safe(skip.reason)}"


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
