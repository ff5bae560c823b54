"""What a running engine tells of itself, and what its sources and pulses say."""

from fakes import FakeSink, FakeSource, Heard, workload

import syncer
from syncer.events import CycleFinished, SourceListed
from syncer.testing import wait_until


def test_a_running_engine_tells_what_it_knows():
    """Before the first cycle nothing; then what the source offers, and what the sink holds."""
    heard = Heard()
    sink = FakeSink()
    source = FakeSource(workload("web"), workload("db", port=81))
    with syncer.Engine({"docker": source}, {"memory": sink}, listeners=[heard]) as engine:
        wait_until(lambda: heard.of(CycleFinished) and len(sink.ids()) == 2, 30)
        wait_until(lambda: len(engine.now().sinks["memory"].items) == 2, 30)
        now = engine.now()
        assert set(now.sources["docker"].workloads) == {"web-1", "db-1"}
        assert {one.id for one in now.sinks["memory"].items} == sink.ids()
        assert now.sinks["memory"].complete


def test_a_sink_that_could_not_be_read_is_not_complete():
    """What it held when it was read last is shown on."""
    sink = FakeSink()
    engine = syncer.Engine({"docker": FakeSource(workload("web"))}, {"memory": sink})
    assert not engine.now().sinks["memory"].complete
    engine.reconcile()
    sink.fail["registrations"] = syncer.TemporaryError("down")
    engine.reconcile()
    known = engine.now().sinks["memory"]
    assert (known.complete, len(known.items)) == (False, 1)
    engine.stop()


def test_a_listing_says_how_many_instances_there_are():
    """Not only how many workloads: one may offer several, or none."""
    heard = Heard()
    source = FakeSource(workload("web"), workload("none", offers=()))
    engine = syncer.Engine({"docker": source}, {"memory": FakeSink()}, listeners=[heard])
    engine.plan()
    engine.stop()
    (listed,) = heard.of(SourceListed)
    assert (listed.workloads, listed.instances) == (2, 1)
