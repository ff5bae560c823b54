"""The engine reports durations by its own clock, in a program that embeds it."""

import pytest

import syncer
from syncer.events import CycleFinished, SourceListed
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import FakeSource, ManualClock, make_workload


class Slow(FakeSource):
    """A source that takes two seconds to list."""

    clock = None

    def workloads(self):
        self.clock.advance(2)
        return super().workloads()


class SlowSink(MemorySink):
    """A sink that takes three seconds to list, and four for each entry."""

    clock = None

    def registrations(self):
        self.clock.advance(3)
        return super().registrations()

    def register(self, new):
        self.clock.advance(4)
        return super().register(new)


@pytest.fixture
def heard():
    """The events of two cycles, the first with one entry to write."""
    clock, told = ManualClock(), []
    source, sink = Slow(make_workload("web")), SlowSink()
    source.clock = sink.clock = clock
    engine = syncer.Engine({"kit": source}, {"slow": sink}, listeners=[told.append], clock=clock)
    for _ in range(2):
        engine.reconcile()
    engine.stop()
    return told


def test_listings(heard):
    """Each says how long the source took."""
    assert [one.seconds for one in heard if isinstance(one, SourceListed)] == [2, 2]


def test_cycles(heard):
    """Each says how long it took, and how much of that went by until the plan was made."""
    cycles = [one for one in heard if isinstance(one, CycleFinished)]
    assert [(one.seconds, one.planned) for one in cycles] == [(9, 5), (5, 5)]


def test_as_spans(heard, recorded):
    """An engine's own events, with these times."""
    spans = recorded.tell(*heard)
    assert set(spans) == {"list kit", "cycle slow", "plan slow", "apply slow"}
    applied = spans["apply slow"]
    assert applied.end_time - applied.start_time == 4 * 10**9
