"""The clause for entries of others that nobody can read, write again or believe."""

from collections.abc import Callable, Mapping
from typing import Any

from syncer.api.registrations import Instance
from syncer.testing.builders import make_instance, make_mark
from syncer.testing.clauses import Contract, clause, needed
from syncer.testing.laws import Desk

#: Values that others may put in the place of a text: no text of XML or UTF-8, deep, or no text.
HOSTILE: tuple[Any, ...] = (
    *("w\ufffe", "\ud800", "\x00", "", "[" * 100_000, '{"a":' * 50_000, "9" * 5_000),
    *(None, 5, True, [], ["x"], {}, {"x": {"y": []}}),
)


class HostileClauses(Contract):
    """`hostile`: such an entry costs only itself."""

    forge = needed(
        "a function that writes an instance with these fields of a mark, as another program would;"
        " nothing if no program could",
        "hostile",
    )

    @clause("hostile")
    def test_hostile_entry_costs_only_itself(
        self, desk: Desk, forge: Callable[[Instance, Mapping[str, Any]], object]
    ) -> None:
        """Marks that nobody can read, write again or believe: the others are kept equal."""
        good = desk.new(make_instance("good"))
        held = desk.sink.register(good)
        sound = make_mark(good.instance).fields()
        for number, value in enumerate(HOSTILE):
            for name in ("workload", "via"):
                bad = make_instance("hostile", number + 1, id=f"hostile-{name}-{number}")
                forge(bad, {**sound, name: value})
        more = desk.new(make_instance("more"))

        def listed() -> bool:
            view = desk.sink.registrations()
            assert view.complete, "an entry of others makes the listing incomplete"
            return all(desk.shown(one) in view.items for one in (good, more))

        desk.sink.register(more)
        desk.eventually(listed, True)
        moved = desk.new(make_instance("good", address="10.0.0.9"))
        desk.sink.deregister(desk.sink.update(held, moved))
        desk.eventually(lambda: desk.shown(moved) in desk.sink.registrations().items, False)
