"""Two workloads that ask for one id: what is so for one says nothing of the other."""

import attrs
import pytest
from fakes import FakeSink, FakeSource, PickySink, World, offer, skips, workload

from syncer import (
    Check,
    CheckStatus,
    Engine,
    Health,
    Native,
    PermanentError,
    Probe,
    SinkPart,
    Status,
    TemporaryError,
)
from syncer.plugin.builtin.memory import MemoryStore

SHARED = offer(id="shared")
ONE = workload("one", offers=(SHARED,))
OTHER = workload("other", offers=(attrs.evolve(SHARED, register_port=81),))


class Unknowing:
    """A prober that has found nothing yet."""

    def result(self, probe):
        return None

    def want(self, who, probes):
        pass


def adjust(instance):
    """No instance of service `bad` has a form here."""
    if instance.service == "bad":
        raise PermanentError("a bad name")
    return instance


@pytest.fixture
def place():
    """Makes an engine in which `ONE` has the id."""
    made = []

    def make(*, one=ONE, sink=None, **part):
        source = FakeSource(one)
        part = SinkPart(sink=sink or PickySink(adjust), **part)
        engine = Engine({"docker": source}, {"sink": part})
        engine.source, engine.sink = source, part.sink
        assert engine.reconcile()["sink"].applied == 1
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.stop()


def bad(made):
    """The same workload, of a service that the sink refuses."""
    return attrs.evolve(made, offers=(attrs.evolve(made.offers[0], service="bad"),))


def has(engine):
    """Which workload has each id."""
    return {one.id: one.mark.workload for one in engine.sink.store.all()}


def test_a_refused_one_keeps_nothing_that_another_no_longer_offers(place):
    """What the holder left goes, though another asks for that id in a form that is refused."""
    engine = place()
    engine.source.put(attrs.evolve(ONE, offers=(offer(id="new"),)), bad(OTHER))
    engine.reconcile()
    assert has(engine) == {"new": ONE.id}


def test_a_refused_one_keeps_no_ill_one_listed(place):
    """The holder is taken out when it is ill, whatever else asks for its id."""
    engine = place(withhold=(Status.UNHEALTHY,))
    engine.source.put(attrs.evolve(ONE, health=Health.UNHEALTHY), bad(OTHER))
    engine.reconcile()
    assert has(engine) == {}


def test_a_refused_one_keeps_its_own(place):
    """Its older form stays, as it does where nobody else asks for the id, until it is gone."""
    engine = place()
    engine.source.put(bad(ONE), OTHER)
    assert skips(engine.reconcile()["sink"].plan) == {"shared": "rejected"}
    assert has(engine) == {"shared": ONE.id}
    engine.source.remove(ONE.id)
    engine.reconcile()
    assert has(engine) == {"shared": OTHER.id}


def test_an_ill_one_hides_no_other_that_is_the_last(place):
    """With `keep_last` the holder stays, also if another that asks for its id is ill, too."""
    engine = place(withhold=(Status.UNHEALTHY,), keep_last=True)
    engine.source.put(*(attrs.evolve(it, health=Health.UNHEALTHY) for it in (ONE, OTHER)))
    assert skips(engine.reconcile()["sink"].plan) == {"shared": "last"}
    assert has(engine) == {"shared": ONE.id}


def test_one_that_is_not_probed_yet_holds_up_no_other():
    """A change of the holder is written, though nothing is known of the other's health."""
    probed = attrs.evolve(OTHER.offers[0], checks=(Check(kind="tcp"),))

    def translate(check, instance):
        return Probe(kind="tcp", address=instance.address, port=instance.port)

    world = World(ONE, translate=translate, prober=Unknowing())
    world.cycle()
    tagged = attrs.evolve(ONE, offers=(attrs.evolve(SHARED, tags=("new",)),))
    world.source.put(tagged, attrs.evolve(OTHER, offers=(probed,)))
    assert world.cycle().applied == 1
    (one,) = world.sink.store.all()
    assert one.instance.tags == ("new",)


@pytest.mark.parametrize("of_the_other", [Health.HEALTHY, Health.UNHEALTHY])
def test_a_fed_check_shows_the_one_that_has_the_id(place, of_the_other):
    """Not what is known of another that waits for it."""
    checked, waiting = (
        attrs.evolve(it, offers=(attrs.evolve(it.offers[0], checks=(Check(kind="container"),)),))
        for it in (ONE, OTHER)
    )
    health = {Health.HEALTHY: Health.UNHEALTHY, Health.UNHEALTHY: Health.HEALTHY}[of_the_other]
    one = attrs.evolve(checked, health=health)
    engine = place(one=one, translate=lambda check, instance: Native(key=check.key, fed=True))
    engine.source.put(one, attrs.evolve(waiting, health=of_the_other))
    engine.reconcile()
    (reconciler,) = engine._reconcilers.values()
    (result,) = reconciler.results().values()
    passes = health is Health.HEALTHY
    assert result.status is (CheckStatus.PASSING if passes else CheckStatus.CRITICAL)


def test_the_same_id_of_a_workload_in_another_source_is_another():
    """A source that has not listed yet keeps what is its own from one that is called the same."""
    store = MemoryStore()

    def engine(docker, file):
        sources = {"docker": docker, "file": file}
        return Engine(sources, {"sink": SinkPart(sink=FakeSink(store))})

    engine(FakeSource(ONE), FakeSource()).reconcile()
    silent, file = FakeSource(), FakeSource(attrs.evolve(OTHER, source="file", id=ONE.id))
    silent.failure = TemporaryError("no answer")
    assert skips(engine(silent, file).reconcile()["sink"].plan) == {"shared": "doubt"}
    (one,) = store.all()
    assert one.mark.source == "docker"
