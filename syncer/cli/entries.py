"""Registered entries as text, for `syncer services` and others."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import attrs
from rich.cells import cell_len, set_cell_size
from rich.markup import escape

from syncer.api.contracts import View
from syncer.api.registrations import Registration
from syncer.api.text import many
from syncer.cli.show import plain, safe

_CONTAINER_ID = re.compile("[0-9a-f]{64}")


def place(registration: Registration) -> str:
    """Return service, address and id of an entry in one line."""
    instance = registration.instance
    return f"{instance.service} {instance.endpoint} {instance.id}"


def status(registration: Registration) -> str:
    """Return the status that consumers see, or that an entry is drained."""
    if registration.mark and registration.mark.hold:
        return "draining"
    return registration.instance.shown_status


def of_owner(view: View[Registration], owner: str) -> View[Registration]:
    """Return the view with the entries of this owner only; all if it is empty."""
    items = (r for r in view.items if not owner or (r.mark and r.mark.owner == owner))
    return attrs.evolve(view, items=tuple(items))


def services_lines(
    sink: str, view: View[Registration], owner: str, lag: timedelta = timedelta(0)
) -> Iterator[str]:
    """Show the entries of one sink by service, and how many they are.

    Of all owners if `owner` is empty, and then each with its owner. The sink may list a change as
    late as `lag`. Nothing is cut but ids of containers: a terminal wraps lines that are too long.
    """
    rows = [_cells(held) for held in sorted(view.items, key=_order)]
    if rows:
        columns = ("SERVICE", "STATUS", "ADDRESS", "ID", "TAGS", "CONTAINER", "OWNER")
        yield from _aligned([columns, *rows], leave_out=() if not owner else ("OWNER",))
    yield f"[bold]{safe(sink)}[/]: {_summary(view, owner)}"
    if lag:
        seconds = f"{lag.total_seconds():g} s"
        yield f"{safe(sink)}: answers from a cache: changes of the last {seconds} may be missing"


def _order(held: Registration) -> tuple[list[tuple[int, str]], ...]:
    """Sort by service and id, as people count: `web-2` before `web-10`."""
    return tuple(_natural(text) for text in (held.instance.service, held.id))


def _natural(text: str) -> list[tuple[int, str]]:
    # Numbers by their length, then by their digits: Python reads none of thousands of digits.
    return [
        (len(part.lstrip("0")), part.lstrip("0")) if at % 2 else (-1, part)
        for at, part in enumerate(re.split(r"([0-9]+)", text))
    ]


def _cells(held: Registration) -> tuple[str, ...]:
    mark, instance = held.mark, held.instance
    workload = mark.workload if mark else ""
    if _CONTAINER_ID.fullmatch(workload):
        workload = workload[:12]
    container = f"{mark.source}:{workload}" if mark else ""
    owner = f"{mark.owner}@{mark.scope}" if mark else "unmarked"
    tags = ",".join(instance.tags)
    return instance.service, status(held), instance.endpoint, held.id, tags, container, owner


def _aligned(rows: list[tuple[str, ...]], leave_out: Iterable[str] = ()) -> Iterator[str]:
    kept = [at for at, name in enumerate(rows[0]) if name not in leave_out]
    shown = [[plain(row[at]) for at in kept] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (set_cell_size(*cell) for cell in zip(row, widths, strict=True))
        yield escape("  ".join(cells).rstrip())


def _summary(view: View[Registration], owner: str) -> str:
    """Return how many services and instances there are, by status unless all are up."""
    if not view.items:
        others = f" of owner {safe(owner)}; --all lists those of others" if owner else ""
        return f"no entries{others}"
    services = len({held.instance.service for held in view.items})
    found = [many(services, "service"), many(len(view.items), "instance")]
    for word, number in _not_up(view).items():
        found.append(f"{number} {safe(word)}")
    return ", ".join(found) + ("" if view.complete else " (incomplete)")


def _not_up(view: View[Registration]) -> Mapping[str, int]:
    return Counter(word for held in view.items if (word := status(held)) != "up")
