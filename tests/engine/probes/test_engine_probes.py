"""An engine that probes in a registry's place: once, and for as long as it runs."""

import attrs
import pytest
from fakes import FakeSource, Heard, offer, workload

from syncer import Check, CheckResult, CheckStatus, probing
from syncer.api.workloads import Status
from syncer.engine.cycle.reconcile import SinkPart
from syncer.engine.engine import Engine
from syncer.events import HealthChanged
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import wait_until

PASSING, CRITICAL = CheckStatus.PASSING, CheckStatus.CRITICAL
WEB = workload("web", offers=(offer(checks=(Check(kind="tcp", interval=1),)),))


class Dropping(MemorySink):
    """A registry that lists only what is up."""

    def adjust(self, instance):
        return instance if instance.status is Status.UP else None


class Telling(MemorySink):
    """A registry that shows the status."""

    def adjust(self, instance):
        return attrs.evolve(instance, meta={"status": instance.status.value})


@pytest.fixture
def targets(monkeypatch):
    """What probes of tcp find, by port: 80 is the one that is probed."""
    found = {}

    async def probe(prober, asked, places):
        return CheckResult(status=found.get(asked.port, PASSING))

    monkeypatch.setattr("syncer.engine.probes.tcp.TcpProber.__call__", probe)
    monkeypatch.setattr("syncer.engine.probes.translator.LEAST_INTERVAL", 0.1)
    return found


def engine(*sinks, heard=lambda event: None):
    parts = {f"s{n}": SinkPart(sink=sink, translate=probing()) for n, sink in enumerate(sinks)}
    return Engine({"docker": FakeSource(WEB)}, parts, listeners=[heard], interval=60)


def statuses(sink):
    return [held.instance.meta["status"] for held in sink.store.all()]


@pytest.mark.parametrize(("outcome", "status"), [(PASSING, "up"), (CRITICAL, "unhealthy")])
def test_a_single_round_waits_for_the_first_outcome(targets, outcome, status):
    """`syncer apply` and `syncer plan` tell what was found, not what was not known yet."""
    targets[80] = outcome
    telling, dropping = Telling(), Dropping()
    made = engine(telling, dropping)
    made.reconcile()
    made.stop()
    assert statuses(telling) == [status]
    assert len(dropping.store.all()) == (outcome is PASSING)


def test_an_outcome_that_arrives_while_others_are_planned_counts_for_all(targets):
    """The first sink's plan was made without it."""
    targets[80] = CRITICAL

    class Late(Telling):
        def adjust(self, instance):
            assert made._prober.wait(20)
            return super().adjust(instance)

    first, late = Telling(), Late()
    made = engine(first, late)
    made.reconcile()
    made.stop()
    assert statuses(first) == statuses(late) == ["unhealthy"]


def test_each_sink_follows_the_health(targets):
    """A change is in every registry soon, as its status or by leaving the instance out."""
    telling, dropping, heard = Telling(), Dropping(), Heard()
    with engine(telling, dropping, heard=heard):
        wait_until(lambda: statuses(telling) == ["up"], 20, "it is up")
        wait_until(lambda: dropping.store.all(), 20, "it is listed")
        targets[80] = CRITICAL
        wait_until(lambda: statuses(telling) == ["unhealthy"], 20, "it is unhealthy")
        wait_until(lambda: not dropping.store.all(), 20, "it is not listed")
        targets[80] = PASSING
        wait_until(lambda: statuses(telling) == ["up"], 20, "it is up again")
        wait_until(lambda: dropping.store.all(), 20, "it is listed again")
    assert [event.status for event in heard.of(HealthChanged)] == [CRITICAL, PASSING]


def test_a_restart_changes_nothing(targets):
    """Between the start and the first outcome the registry keeps what it has."""
    telling = Telling()
    with engine(telling):
        wait_until(lambda: statuses(telling) == ["up"], 20, "it is up")
    before = telling.store.all()
    with engine(telling, Dropping()) as second:
        wait_until(lambda: second._prober.wait(0), 20, "it was probed")
    assert telling.store.all() == before
