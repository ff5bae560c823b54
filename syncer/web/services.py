"""All rows at one moment, counted and grouped by service, those that need attention first."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import attrs

from syncer.web.rows import STATUSES, Row

#: The services that the picture shows one by one; all others are one item.
DRAWN = 4


@attrs.frozen
class Service:
    """The instances of one service, those that need attention first."""

    name: str
    rows: tuple[Row, ...]

    @property
    def rank(self) -> int:
        """How much it needs attention: 0 is the most."""
        return _rank(self.rows[0])

    @property
    def statuses(self) -> Mapping[str, int]:
        """The number of instances by status."""
        return _ordered(Counter(row.plain["status"] for row in self.rows))

    def plain(self, most: int) -> dict[str, Any]:
        """Return it as JSON types, with so many instances."""
        return {
            "service": self.name,
            "total": len(self.rows),
            "statuses": self.statuses,
            "sinks": dict(Counter(sink for sink, _ in _standings(self.rows))),
            "registered": _registered(self.rows),
            "instances": [dict(row.plain) for row in self.rows[:most]],
        }


@attrs.frozen
class Table:
    """The rows at one moment, and what is counted once for all who ask."""

    rows: tuple[Row, ...]
    #: The number of desired instances by state and by status.
    states: Mapping[str, int]
    statuses: Mapping[str, int]
    #: The number of desired instances by sink, and of those that are registered there.
    wanted: Mapping[str, int]
    registered: Mapping[str, int]
    services: int
    flow: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Table":
        """Count these rows."""
        rows = tuple(rows)
        ours = [row for row in rows if row.plain["wanted"]]
        found = by_service(ours)
        return cls(
            rows,
            Counter(row.plain["state"] for row in ours),
            _ordered(Counter(row.plain["status"] for row in ours)),
            Counter(sink for sink, _ in _standings(ours)),
            _registered(ours),
            len(found),
            _flow(found),
        )


def by_service(rows: Iterable[Row]) -> list[Service]:
    """Group rows by service; services and rows that need attention come first."""
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.plain["service"]].append(row)
    found = [
        Service(name, tuple(sorted(rows, key=lambda row: (_rank(row), row.plain["id"]))))
        for name, rows in groups.items()
    ]
    return sorted(found, key=lambda service: (service.rank, service.name))


def _standings(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Yield the sink and the state of each row in each sink."""
    for row in rows:
        for sink, standing in row.plain["sinks"].items():
            yield sink, standing["state"]


def _registered(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows each sink holds."""
    return dict(Counter(sink for sink, state in _standings(rows) if state == "registered"))


def _rank(row: Row) -> int:
    if not row.plain["wanted"]:
        return len(STATUSES)
    return 0 if row.plain["state"] == "failed" else _place(row.plain["status"])


def _place(status: str) -> int:
    return STATUSES.index(status) if status in STATUSES else len(STATUSES)


def _ordered(count: Mapping[str, int]) -> dict[str, int]:
    return {status: count[status] for status in sorted(count, key=_place)}


def _flow(services: Collection[Service]) -> tuple[Mapping[str, Any], ...]:
    """How many instances flow from each source, through services, to each sink.

    The services that need attention and the largest are shown one by one, the others as one.
    """
    up = len(STATUSES) - 1
    chosen = sorted(services, key=lambda one: (min(one.rank, up), -len(one.rows), one.name))
    drawn = [(one.name, [one]) for one in chosen[:DRAWN]]
    if rest := chosen[DRAWN:]:
        drawn.append(("", rest))
    return tuple(_drawn(name, some) for name, some in drawn)


def _drawn(name: str, services: Collection[Service]) -> Mapping[str, Any]:
    rows = [row.plain for service in services for row in service.rows]
    return {
        "service": name,
        "services": len(services),
        "statuses": _ordered(Counter(row["status"] for row in rows)),
        "sources": dict(Counter(row["source"] for row in rows)),
        "sinks": dict(Counter(sink for row in rows for sink in row["sinks"])),
    }
