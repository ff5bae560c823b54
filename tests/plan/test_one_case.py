"""Registries for which ids that differ only in case are one: Consul's catalog."""

import attrs
import pytest
from fakes import FakeSource, offer, workload

from syncer import Engine, SinkPart
from syncer.api.changes import SkipKind
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import make_instance, make_registration

BIG = workload("big", offers=(offer(id="h:Web:80"),))
SMALL = workload("small", offers=(offer(id="h:web:80"),))


class Folding(MemorySink):
    folds_case = True


@pytest.fixture
def place():
    """Makes an engine over these workloads."""
    made = []

    def make(*workloads, sink=None):
        source, sink = FakeSource(*workloads), sink or Folding()
        engine = Engine({"docker": source}, {"sink": SinkPart(sink=sink)})
        engine.source, engine.sink = source, sink
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.stop()


def ids(engine):
    return {one.id for one in engine.sink.store.all()}


def plan(engine):
    return engine.reconcile()["sink"].plan


def test_the_second_is_refused_with_a_reason(place):
    """As for two that have the very same id."""
    engine = place(BIG, SMALL)
    (skip,) = plan(engine).skipped
    assert ids(engine) == {"h:Web:80"}
    assert (skip.id, skip.kind) == ("h:web:80", SkipKind.DUPLICATE)
    assert "h:Web:80, which the registry takes for the same id" in skip.reason
    assert plan(engine).changes == ()


@pytest.mark.parametrize(
    ("one", "two"), [("p\u0130llar", "pillar"), ("\u0391\u03a3", "\u03b1\u03c3")]
)
def test_letters_beyond_ascii(place, one, two):
    """As Consul lowers them: each by itself, and to one letter."""
    engine = place(*(workload(name, offers=(offer(id=name),)) for name in (one, two)))
    (skip,) = plan(engine).skipped
    assert skip.kind is SkipKind.DUPLICATE
    assert len(ids(engine)) == 1


def test_it_is_registered_once_the_first_is_gone(place):
    """And not before: removing the first would take the second away."""
    engine = place(BIG, SMALL)
    plan(engine)
    engine.source.remove(BIG.id)
    (gone,) = plan(engine).changes
    assert gone.id == "h:Web:80"
    assert ids(engine) == set()
    plan(engine)
    assert ids(engine) == {"h:web:80"}


def test_the_second_comes_later(place):
    """The holder stays, whatever the order."""
    engine = place(SMALL)
    plan(engine)
    engine.source.put(BIG)
    assert plan(engine).changes == ()
    assert ids(engine) == {"h:web:80"}


def test_a_workload_that_changes_the_case_of_its_id(place):
    """The old entry goes first, though its workload runs on."""
    engine = place(BIG)
    plan(engine)
    engine.source.put(attrs.evolve(BIG, offers=SMALL.offers))
    plan(engine)
    plan(engine)
    assert ids(engine) == {"h:web:80"}


def test_one_workload_with_both(place):
    """It gets one of them."""
    engine = place(workload("both", offers=(*BIG.offers, *SMALL.offers)))
    assert len(plan(engine).skipped) == 1
    assert len(ids(engine)) == 1


def test_a_stranger_has_it(place):
    """It is a conflict, as for the very same id."""
    engine = place(SMALL)
    engine.sink.register(make_registration(make_instance(id="h:WEB:80"), owner="other"))
    (skip,) = plan(engine).skipped
    assert skip.kind is SkipKind.CONFLICT
    assert ids(engine) == {"h:WEB:80"}


def test_both_are_there_already(place):
    """They stay as long as their workloads do: to remove either would take both away."""
    engine = place(BIG, SMALL, sink=MemorySink())
    plan(engine)
    assert len(ids(engine)) == 2
    again = place(BIG, SMALL, sink=Folding(engine.sink.store))
    assert plan(again).changes == ()
    again.source.remove(BIG.id)
    assert [change.id for change in plan(again).changes] == ["h:Web:80"]


def test_other_registries_know_the_difference(place):
    """Both are registered."""
    engine = place(BIG, SMALL, sink=MemorySink())
    assert plan(engine).skipped == ()
    assert len(ids(engine)) == 2
