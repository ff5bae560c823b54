"""What commands print of what they did: one cycle's result, and what there was to be removed."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from syncer.api.fields import printable
from syncer.api.model import Registration
from syncer.api.text import did_you_mean
from syncer.cli.show import safe
from syncer.engine.queries import Once
from syncer.events import AnyEvent, CycleFinished, Elected

#: Services of one source that are named; of the others only how many they are.
_NAMED = 10


def leads_into(leads: dict[str, bool]) -> Callable[[AnyEvent], None]:
    """A listener that notes, by sink, whether this process may write where a lock decides it."""

    def listen(event: AnyEvent) -> None:
        if isinstance(event, Elected):
            leads[event.sink] = event.leads

    return listen


def report_lines(sink: str, report: CycleFinished, *, leads: bool = True) -> Iterator[str]:
    """What one cycle did, what failed, and what was skipped and why.

    What is left to the one that has the lock is one line, however much it is.
    """
    counts = Counter(skip.kind for skip in report.plan.skipped)
    failed = f", {len(report.failed)} failed" if report.failed else ""
    yield f"{safe(sink)}: {report.applied} changes applied{failed}"
    if (left := counts["standby"]) or not leads:
        yield f"  another syncer has the lock and writes here; {left} changes are left to it"
    if counts["lost"]:
        yield f"  the lock was lost under way; {counts['lost']} changes were not made"
    for id_, error in report.failed.items():
        yield f"  {safe(id_)}: {safe(error)}"
    for skip in report.plan.skipped:
        if skip.kind not in ("standby", "lost"):
            yield f"  skipped {safe(skip.id)}: {safe(skip.kind)}: {safe(skip.reason)}"


def nothing_from(source: str, ours: Once[tuple[Registration, ...]]) -> str:
    """That nothing came from this source, and what there is of ours: by source, the services."""
    services: dict[str, set[str]] = defaultdict(set)
    for registrations in ours.values():
        for held in registrations:
            services[held.mark.source if held.mark else ""].add(held.instance.service)
    there = [printable(f"from {name} there is {_few(services[name])}") for name in sorted(services)]
    first = f"nothing of ours came from {source!r}{did_you_mean(source, services)}"
    return "\n".join([first, *(there or ["there is nothing of ours at all"])])


def _few(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more
