"""How an instance stands in a sink: the same for `explain` and for the status page."""

import attrs
from fakes import SOURCE, FakeSink, FakeSource, PickySink, held, workload

import syncer
from syncer import Engine, SinkPart, State
from syncer.events.status import Status
from syncer.web.rows import Rows


def engine_of(sink, *workloads, **part):
    return Engine({SOURCE: FakeSource(*workloads)}, {"memory": SinkPart(sink=sink, **part)})


def lines(engine, name="web"):
    (story,) = engine.explain(name)
    return story.sinks


def rows(engine, reports=()):
    """What the page shows, by id."""
    status = Status()
    for report in reports:
        status(report)
    found = Rows(engine.now(), status.known).all()
    return {row.plain["id"]: row.plain["sinks"] for row in found}


class TestRenamed:
    """A sink that gives entries ids of its own."""

    def made(self):
        return engine_of(PickySink(lambda one: attrs.evolve(one, id=f"own-{one.id}")), workload())

    def test_explain_follows_the_id(self):
        """What is to come, and then what is there."""
        engine = self.made()
        assert lines(engine) == {"memory": {"h:web:80": "to be registered"}}
        engine.reconcile()
        assert lines(engine) == {"memory": {"h:web:80": "up to date"}}

    def test_the_page_follows_the_id(self):
        """The entry is no row of its own."""
        engine = self.made()
        reports = engine.reconcile().values()
        assert rows(engine, reports) == {"h:web:80": {"memory": {"state": "registered", "why": ""}}}

    def test_another_owners_entry_is_not_followed(self):
        """Though it has the same source and workload in its mark."""
        engine = self.made()
        engine._reconcilers["memory"].sink.store.put(held("theirs", owner="else"), None)
        assert lines(engine) == {"memory": {"h:web:80": "to be registered"}}


def test_only_sinks_that_take_the_source_are_named():
    """Nothing is missing in the others."""
    sinks = {
        "one": SinkPart(sink=FakeSink(), sources=(SOURCE,)),
        "two": SinkPart(sink=FakeSink(), sources=("file",)),
    }
    engine = Engine({SOURCE: FakeSource(workload()), "file": FakeSource()}, sinks)
    assert lines(engine) == {"one": {"h:web:80": "to be registered"}}
    assert rows(engine)["h:web:80"].keys() == {"one"}


def test_what_is_withheld_is_not_called_up_to_date():
    """It is not listed in its status."""
    paused = workload(state=State.PAUSED)
    engine = engine_of(FakeSink(), paused, withhold=frozenset({syncer.Status.PAUSED}))
    assert lines(engine) == {
        "memory": {"h:web:80": "not listed in this sink in its current status"}
    }


def test_what_the_checks_of_a_registry_find_is_said():
    """The container is well, and its entry is as it should be, but nobody is sent there."""
    engine = engine_of(FakeSink(), workload())
    engine.reconcile()
    store = engine._reconcilers["memory"].sink.store
    (one,) = store.all()
    ill = attrs.evolve(one.instance, status=syncer.Status.UNHEALTHY)
    said = "registered; unhealthy by its checks there"
    store.put(attrs.evolve(one, instance=ill), one.version)
    assert lines(engine) == {"memory": {"h:web:80": said}}
    (one,) = store.all()
    store.put(attrs.evolve(one, failing="http: status 503"), one.version)
    assert lines(engine) == {"memory": {"h:web:80": f"{said}: http: status 503"}}


def test_what_its_runtime_finds_is_not_said_of_a_registry():
    """The entry is as it should be."""
    engine = engine_of(FakeSink(), workload(health=syncer.Health.UNHEALTHY))
    engine.reconcile()
    assert lines(engine) == {"memory": {"h:web:80": "up to date"}}
