"""The clause for drains by hand. A sink that cannot show an instance as drained declines it."""

from functools import partial

from syncer.testing.builders import make_instance
from syncer.testing.clauses import Contract, clause
from syncer.testing.laws import Desk


class DrainClauses(Contract):
    """`park`: a drained entry is not up, keeps its `hold`, and can be undrained."""

    @clause("park")
    def test_drained_is_kept_and_given_back(self, desk: Desk) -> None:
        """A drained entry is listed as written and not up; then it is undrained and removed.

        Another entry, whose id begins with the id of the drained one, never changes.
        """
        instance = make_instance("drained", 80, tags=("a",), meta={"b": "c"})
        free, other = desk.new(instance), desk.new(make_instance("drained", 8080))
        drained = desk.drained(instance)
        assert drained is not None, (
            "neither `adjust` nor `park` has a form for a drained instance that differs from one "
            'that is up: decline the clause with a reason: declines = {"park": "..."}'
        )
        desk.sink.register(other)
        held = desk.sink.register(free)
        assert held.up, "an instance that is up is not listed as up"
        for new in (drained, free, drained):
            held = desk.sink.update(held, new)
            both = {one.id: desk.shown(one) for one in (new, other)}
            desk.eventually(desk.held, both)
            assert held == desk.shown(new)
            up = {one.id: one.up for one in desk.held().values()}
            assert up == {new.id: new is free, other.id: True}, (
                "a drained entry is still up for consumers"
            )
            assert held.up is (new is free)
            desk.eventually(partial(desk.differences, (new, other)), [])
        desk.sink.deregister(held)
        desk.eventually(desk.held, {other.id: desk.shown(other)})
