"""Which of several syncers writes."""

from datetime import timedelta

import pytest
from fakes import FakeSink, FakeSource, Heard, World, offer, skips, workload

from servers.waiting import wait_until
from syncer import ConfigError, Engine, SinkPart, TemporaryError
from syncer.engine.election import Election, LeadLost, Lock
from syncer.events import ChangeFailed, CycleFinished, Elected, SkipsChanged
from syncer.events.lines import records
from syncer.plugin.builtin.memory import MemoryStore
from syncer.testing import ManualClock

LOCK = Lock(name="swarm", ttl=timedelta(seconds=15))


class Pair:
    """Two syncers at one registry, whose locks go by the same clock."""

    def __init__(self):
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        self.sinks = [FakeSink(self.store), FakeSink(self.store)]
        self.heard = Heard()
        self.one, self.two = (
            Election("consul", sink.locks, LOCK, emit=self.heard, clock=self.clock)
            for sink in self.sinks
        )


@pytest.fixture
def pair():
    return Pair()


def test_one_leads_and_the_other_stands_by(pair):
    """The first to ask leads, however often both ask."""
    for _ in range(20):
        assert pair.one.campaign()
        assert not pair.two.campaign()
        assert pair.one.leads()
        assert not pair.two.leads()
        pair.clock.advance(pair.one.pause)


def test_nobody_leads_who_has_not_asked(pair):
    """At the beginning nothing may be written."""
    assert not pair.one.leads()


def test_who_resigns_is_followed_at_once(pair):
    """A regular end costs no time without a leader."""
    pair.one.campaign()
    pair.one.resign()
    assert not pair.one.leads()
    assert pair.two.campaign()


def test_who_does_not_lead_takes_nothing_away_by_resigning(pair):
    """Only the leader's end frees the lock."""
    pair.one.campaign()
    pair.two.campaign()
    pair.two.resign()
    assert not pair.two.campaign()


def test_the_other_takes_over_when_the_lock_has_run_out(pair):
    """One that is gone without a word is followed after the length of the lock."""
    pair.one.campaign()
    pair.clock.advance(14.9)
    assert not pair.two.campaign()
    pair.clock.advance(0.2)
    assert pair.two.campaign()


def test_a_leader_that_cannot_ask_stops_before_the_other_begins(pair):
    """At no moment do both write, and running requests have time to end."""
    pair.one.campaign()
    pair.sinks[0].fail["take_lock"] = TemporaryError("no answer")
    led = []
    for _ in range(160):
        pair.clock.advance(0.1)
        with pytest.raises(TemporaryError):
            pair.one.campaign()
        led.append((pair.one.leads(), pair.two.campaign()))
    assert (True, True) not in led
    assert led[98] == (True, False)
    assert led[101:148] == [(False, False)] * 47
    assert led[151:] == [(False, True)] * 9


def test_one_that_was_frozen_does_not_think_that_it_leads(pair):
    """A process that slept through the length of its lock writes nothing when it wakes."""
    pair.one.campaign()
    pair.clock.advance(60)
    pair.two.campaign()
    assert not pair.one.leads()
    assert not pair.one.campaign()


def test_a_sink_without_locks_is_refused():
    """It is said at the start, not at the first failover, and of which sink."""
    sink = FakeSink()
    sink.locks = None
    with pytest.raises(ConfigError, match=r"sinks\.consul\.lock: .* has no locks"):
        Engine({}, {"consul": SinkPart(sink=sink, lock=LOCK)})


def test_each_sink_needs_a_lock_of_its_own():
    """Two in one registry would wait for each other: the second would never write."""
    sinks = {name: SinkPart(sink=FakeSink(), lock=LOCK) for name in ("consul", "kv")}
    with pytest.raises(ConfigError, match=r"sinks\.kv\.lock: 'swarm' is the lock of sink consul"):
        Engine({}, sinks)


def test_changes_of_who_writes_are_told_once(pair):
    """Once when it begins, once when it ends; who wins looks at the registry at once."""
    heard, won = pair.heard, []
    work = pair.one.loop(lambda: won.append(True))._work
    for _ in range(3):
        assert work(frozenset()) == 5
        pair.clock.advance(5)
    assert heard == [Elected(sink="consul", leads=True)]
    pair.sinks[0].fail["take_lock"] = TemporaryError("no answer")
    pair.clock.advance(20)
    with pytest.raises(TemporaryError):
        work(frozenset())
    assert heard == [Elected(sink="consul", leads=True), Elected(sink="consul", leads=False)]
    assert won == [True]


def test_who_leads_again_after_a_moment_looks_again(pair):
    """An answer came late: another one may have written meanwhile, though there is no event."""
    heard, won = pair.heard, []
    work = pair.one.loop(lambda: won.append(True))._work
    work(frozenset())
    pair.clock.advance(11)
    assert not pair.one.leads()
    work(frozenset())
    assert heard == [Elected(sink="consul", leads=True)]
    assert won == [True, True]


class SlowSink(FakeSink):
    """Each write takes some time of the manual clock."""

    def __init__(self, clock, seconds):
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def register(self, new):
        self._clock.advance(self._seconds)
        return super().register(new)

    def deregister(self, old):
        self._clock.advance(self._seconds)
        super().deregister(old)


def long_apply(*names):
    """A world in which each write takes 4 seconds, and its leader, who can write for 10."""
    clock = ManualClock()
    sink = SlowSink(clock, 4)
    world = World(*map(workload, names), sink=sink, lock=LOCK)
    election = world.reconciler.election = Election(
        "memory", sink.locks, LOCK, emit=Heard(), clock=clock
    )
    election.campaign()
    return world, election, clock


def test_a_long_apply_ends_when_the_lead_does():
    """What is left when the lock could not be kept is another syncer's to write."""
    world, election, clock = long_apply(*(f"w{n}" for n in range(5)))
    report = world.cycle()
    assert (report.applied, dict(report.failed)) == (3, {})
    assert list(skips(report.plan).values()) == ["lost", "lost"]
    world.source.clear()
    election.campaign()
    clock.advance(9)
    assert world.cycle().applied == 1


def test_a_lost_lead_is_one_event():
    """However much is left; and no failure of any single change, whose time will come."""
    for many in (5, 500):
        world, _, _ = long_apply(*(f"w{n}" for n in range(many)))
        world.cycle()
        (told,) = world.heard.of(SkipsChanged)
        assert len(told.skips) == many - 3
        assert not world.heard.of(ChangeFailed)
        (line,) = records(told)
        assert (line.event, line.fields["held"]) == ("changes held back", many - 3)


def test_what_was_left_is_written_when_the_lead_is_back():
    """The sink is read again, since some of the rest may have been written after all."""
    world, election, _ = long_apply(*(f"w{n}" for n in range(5)))
    world.cycle()
    terms = election.terms
    election.campaign()
    assert election.terms == terms + 1
    reads = [entry for entry in world.sink.log if entry[0] == "registrations"]
    assert world.cycle(fresh=False).applied == 2
    assert len([e for e in world.sink.log if e[0] == "registrations"]) == len(reads) + 1
    assert len(world.sink.ids()) == 5


def test_a_break_is_a_new_term_though_the_lead_was_back_at_once(pair, monkeypatch):
    """The lock was kept just after the writing had broken off: what was left is looked at again."""
    pair.one.campaign()
    go_on = pair.one.require_lead()
    with monkeypatch.context() as moment:
        moment.setattr(pair.one, "leads", lambda: False)
        with pytest.raises(LeadLost):
            go_on()
    pair.one.campaign()
    assert pair.one.terms == 2


def test_a_removal_waits_for_its_successor_though_the_lead_is_back():
    """Lost for a moment between the new entries and the old ones, it takes none of them away."""
    world = World(workload("web"), lock=LOCK)
    election = world.reconciler.election
    election.campaign()
    world.cycle()
    world.source.put(workload("web", offers=[offer(id="new")]))
    answers = iter([LeadLost("lost for a moment")])

    def go_on():
        for error in answers:
            raise error

    election.require_lead = lambda: go_on
    assert skips(world.cycle().plan) == {"new": "lost", "h:web:80": "unreplaced"}
    assert world.sink.ids() == {"h:web:80"}
    world.cycle()
    assert world.sink.ids() == {"new"}


@pytest.fixture
def engines():
    """Makes engines over one registry, with the same owner and the same source."""
    made, store = [], MemoryStore()

    def make(*workloads, sink=None, **options):
        part = SinkPart(sink=sink or FakeSink(store), lock=LOCK)
        heard = Heard()
        engine = Engine(
            {"docker": FakeSource(*workloads)},
            {"sink": part},
            interval=0.2,
            listeners=[heard],
            **options,
        )
        engine.heard, engine.sink = heard, part.sink
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.stop()


def test_only_the_leader_writes_and_the_other_takes_over(engines):
    """The standby plans and holds its changes; when the leader ends, it writes at once."""
    leader, other = engines(workload("web")), engines(workload("web"), workload("db"))
    leader.start()
    wait_until(lambda: leader.sink.ids() == {"h:web:80"}, 10, "the leader registers")
    other.start()
    wait_until(lambda: standing_by(other), 10, "the other stands by")
    assert other.sink.writes() == []
    leader.stop()
    wait_until(lambda: other.sink.ids() == {"h:web:80", "h:db:80"}, 10, "the other takes over")


def standing_by(engine):
    """Whether a cycle held something since another syncer writes."""
    cycles = engine.heard.of(CycleFinished)
    return any(skip.kind == "standby" for cycle in cycles for skip in cycle.plan.skipped)


def test_the_lock_is_kept_while_something_is_written(engines):
    """What did not end in time may still write: the other waits until the lock has run out."""
    leader = engines(workload("web"), shutdown_timeout=0.1)
    leader.sink.gates["register"].clear()
    leader.start()
    wait_until(lambda: leader.sink.writes(), 10, "the leader writes")
    assert not leader.stop()
    assert ("release_lock", LOCK.name) not in leader.sink.log
    leader.sink.gates["register"].set()


def test_a_single_cycle_asks_for_the_lock(engines):
    """`apply` next to a running leader writes nothing, and says so; after its end it does."""
    leader, once = engines(workload("web")), engines(workload("web"), workload("db"))
    assert leader.reconcile()["sink"].applied == 1
    report = once.reconcile()["sink"]
    assert (report.applied, [skip.kind for skip in report.plan.skipped]) == (0, ["standby"])
    leader.stop()
    assert once.reconcile()["sink"].applied == 1
    assert [event.leads for event in once.heard.of(Elected)] == [False, True]


def test_the_lock_goes_not_together_with_removals_at_the_end(engines):
    """The end would remove what the next holder keeps."""
    with pytest.raises(ConfigError, match="on_exit"):
        engines(on_exit="deregister")
