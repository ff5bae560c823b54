"""The prober: which probes run, how often, and what is reported."""

import asyncio
import threading

import pytest
from fakes import Heard

from syncer import CheckResult, CheckStatus, Probe
from syncer.api.keys import WorkloadKey
from syncer.engine.probes.prober import Prober
from syncer.events import HealthChanged, Warned
from syncer.testing import wait_until

PASSING, CRITICAL = CheckStatus.PASSING, CheckStatus.CRITICAL
PATIENCE = 30.0


def probe(port=1, **fields):
    return Probe(kind="tcp", address="10.0.0.1", port=port, **{"interval": 0.1, **fields})


class World:
    """Targets whose outcome the test sets by port, and a prober over them."""

    def __init__(self):
        self.outcomes, self.runs, self.gate = {}, [], {}
        self.at_once = self.most = 0
        self.told, self.heard = [], Heard()
        self.prober = Prober(changed=self.told.append, emit=self.heard, kinds={"tcp": self.run})

    async def run(self, asked, places):
        self.runs.append(asked.port)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            while not self.gate.get(asked.port, True):
                await asyncio.sleep(0.005)
            outcome = self.outcomes.get(asked.port, PASSING)
            if isinstance(outcome, Exception):
                raise outcome
            return CheckResult(status=outcome, output=f"port {asked.port}")
        finally:
            self.at_once -= 1

    def status(self, asked):
        found = self.prober.result(asked)
        return found.status if found else None

    def await_status(self, asked, status):
        wait_until(lambda: self.status(asked) is status, PATIENCE, f"{asked.target} is {status}")


@pytest.fixture
def world():
    made = World()
    yield made
    made.prober.close()


def test_what_is_wanted_is_probed_again_and_again(world):
    """The result follows the target, with a line for people."""
    world.prober.want("etcd", [probe()])
    world.await_status(probe(), PASSING)
    world.outcomes[1] = CRITICAL
    world.await_status(probe(), CRITICAL)
    assert world.prober.result(probe()).output == "port 1"


def test_a_prober_without_probes_has_no_thread():
    """It costs nothing if only Consul is used."""
    prober = Prober(changed=lambda names: None)
    before = set(threading.enumerate())
    prober.want("consul", [])
    assert set(threading.enumerate()) <= before
    assert prober.wait(0)
    prober.close()


def test_sinks_share_equal_probes(world):
    """Three sinks cause as many requests as one."""
    world.gate[1] = False
    for sink in ("etcd", "eureka", "zookeeper"):
        world.prober.want(sink, [probe()])
    wait_until(lambda: world.runs, PATIENCE, "the probe runs")
    assert not world.prober.wait(0.05)
    assert world.runs == [1]
    world.gate[1] = True
    wait_until(lambda: world.told, PATIENCE, "the sinks are told")
    assert world.told[0] == {"etcd", "eureka", "zookeeper"}


def test_what_nobody_wants_any_more_is_forgotten(world):
    """It is probed no more, and its result is not kept for a service that may come back."""
    world.prober.want("etcd", [probe(1), probe(2)])
    world.await_status(probe(1), PASSING)
    world.prober.want("etcd", [probe(2)])
    assert world.status(probe(1)) is None
    runs = world.runs.count(2)
    wait_until(lambda: world.runs.count(2) > runs + 3, PATIENCE, "the other goes on")
    last = world.runs.count(1)
    runs = world.runs.count(2)
    wait_until(lambda: world.runs.count(2) > runs + 3, PATIENCE, "the other goes on")
    assert world.runs.count(1) == last
    assert world.status(probe(1)) is None


def test_only_whom_it_concerns_is_told(world):
    """A change of one target wakes the sinks that want it, once, and people hear of it."""
    world.prober.want("etcd", [probe(1)])
    world.prober.want("eureka", [probe(2)])
    assert world.prober.wait(PATIENCE)
    wait_until(lambda: frozenset().union(*world.told) == {"etcd", "eureka"}, PATIENCE, "first word")
    world.told.clear()
    world.outcomes[2] = CRITICAL
    wait_until(lambda: world.told, PATIENCE, "a change is told")
    runs = world.runs.count(2)
    wait_until(lambda: world.runs.count(2) > runs + 3, PATIENCE, "it is probed on")
    assert world.told == [{"eureka"}]
    (event,) = world.heard.of(HealthChanged)
    assert (event.target, event.status, event.output) == ("tcp://10.0.0.1:2", CRITICAL, "port 2")


def test_thresholds_are_kept(world):
    """A target that flaps does not change its status."""
    steady = probe(failures_before_critical=1000)
    world.prober.want("etcd", [steady])
    world.await_status(steady, PASSING)
    world.outcomes[1] = CRITICAL
    runs = len(world.runs)
    wait_until(lambda: len(world.runs) > runs + 5, PATIENCE, "it fails several times")
    assert world.status(steady) is PASSING


def test_nothing_is_known_before_the_threshold(world):
    """Neither passing nor critical, until as many agree as were asked for."""
    slow = probe(success_before_passing=1000)
    world.prober.want("etcd", [slow])
    wait_until(lambda: len(world.runs) > 3, PATIENCE, "it is probed")
    assert world.status(slow) is None
    assert not world.prober.wait(0)


def test_a_probe_never_overlaps_itself(world):
    """A slow target is asked again when it has answered."""
    world.gate[1] = False
    world.prober.want("etcd", [probe(1), probe(2)])
    wait_until(lambda: world.runs.count(2) > 5, PATIENCE, "the other goes on")
    assert world.runs.count(1) == 1


def test_a_target_without_an_answer_is_critical_in_its_time(world):
    """`timeout` ends each probe."""
    world.gate[1] = False
    mute = probe(timeout=0.05)
    world.prober.want("etcd", [mute])
    world.await_status(mute, CRITICAL)
    assert world.prober.result(mute).output == "no answer within 0.05 s"


def test_dead_targets_do_not_keep_others_waiting(world, monkeypatch):
    """Those that take all their time have places of their own."""
    monkeypatch.setattr("syncer.engine.probes.work.AT_ONCE", 2)
    monkeypatch.setattr("syncer.engine.probes.work.SLOW_AT_ONCE", 2)
    world = World()
    dead = [probe(port, timeout=0.3) for port in range(10, 30)]
    world.gate.update(dict.fromkeys(range(10, 30), False))
    world.prober.want("etcd", dead)
    for mute in dead:
        world.await_status(mute, CRITICAL)
    world.prober.want("etcd", [*dead, probe(1)])
    world.await_status(probe(1), PASSING)
    runs = len(world.runs)
    wait_until(lambda: world.runs[runs:].count(1) >= 10, PATIENCE, "the live one is probed")
    assert sum(port != 1 for port in world.runs[runs:]) < 30
    world.prober.close()


def of(name, port, **fields):
    """A probe that a workload of this name asks for."""
    return probe(port, workload=WorkloadKey("docker", name), **fields)


class TestShares:
    """Labels say how many probes a workload has, not how many of them run."""

    def test_workloads_that_never_answer_do_not_keep_another_waiting(self, world):
        """However long their probes may take: a backend that dies is noticed at once."""
        hostile = [
            of(name, port, timeout=86_400)
            for name, first in (("a", 1000), ("b", 2000), ("c", 3000))
            for port in range(first, first + 99)
        ]
        world.gate.update((one.port, False) for one in hostile)
        victim = of("victim", 1)
        world.prober.want("etcd", hostile)
        wait_until(lambda: world.at_once >= 24, PATIENCE, "they hang")
        world.prober.want("etcd", [*hostile, victim])
        world.await_status(victim, PASSING)
        world.outcomes[1] = CRITICAL
        world.await_status(victim, CRITICAL)
        assert world.most <= 3 * 8 + 1

    def test_what_is_wanted_no_more_gives_its_place_back(self, monkeypatch):
        """Whether it runs or waits for its turn."""
        monkeypatch.setattr("syncer.engine.probes.work.AT_ONCE", 2)
        world = World()
        dead = [of(name, port) for name, port in (("a", 10), ("b", 11), ("c", 12), ("d", 13))]
        world.gate.update((one.port, False) for one in dead)
        for _ in range(3):
            world.prober.want("etcd", dead)
            wait_until(lambda: world.at_once == 2, PATIENCE, "all places are taken")
            world.prober.want("etcd", [])
            wait_until(lambda: world.at_once == 0, PATIENCE, "they end")
        world.prober.want("etcd", [of("a", 1), of("a", 2)])
        assert world.prober.wait(PATIENCE)
        world.prober.close()

    def test_probes_that_wait_longer_than_their_interval_are_told_once(self, monkeypatch):
        """Their results are older than they look, and a person can do something about it."""
        monkeypatch.setattr("syncer.engine.probes.work.EACH_AT_ONCE", 1)
        world = World()
        slow = [of("slow", port) for port in range(10, 14)]
        world.gate.update((one.port, False) for one in slow)
        world.prober.want("etcd", [*slow, of("quick", 1)])
        wait_until(lambda: world.runs.count(1) >= 5, PATIENCE, "longer than the interval")
        world.gate.clear()
        world.prober.want("etcd", [*slow, of("quick", 1)])
        assert world.prober.wait(PATIENCE)
        runs = len(world.runs)
        wait_until(lambda: len(world.runs) > runs + 10, PATIENCE, "they go on")
        (told,) = world.heard.of(Warned)
        assert "waited" in told.text
        assert "its interval of 0.1 s" in told.text
        world.prober.close()


@pytest.mark.parametrize("error", [OSError("refused"), ValueError("bad URL"), KeyError("bug")])
def test_whatever_a_probe_raises_is_critical(world, error):
    """With the reason, and the prober goes on."""
    world.outcomes[1] = error
    world.prober.want("etcd", [probe(1)])
    world.await_status(probe(1), CRITICAL)
    assert str(error.args[0]) in world.prober.result(probe(1)).output
    world.outcomes[1] = PASSING
    world.await_status(probe(1), PASSING)


def test_output_of_strangers_is_made_printable(world):
    """What a target answers cannot forge a log line, nor fill the memory."""
    world.outcomes[1] = OSError("a\nb\x1b[31m" + "x" * 5000)
    world.prober.want("etcd", [probe(1)])
    world.await_status(probe(1), CRITICAL)
    output = world.prober.result(probe(1)).output
    assert output.isprintable()
    assert len(output) < 400


def test_a_listener_that_fails_stops_nothing(world):
    """Neither who hears of changes nor a sink that is woken can end the prober."""

    def fail(_):
        raise RuntimeError("listener")

    prober = Prober(changed=fail, emit=fail, kinds={"tcp": world.run})
    world.outcomes[1] = CRITICAL
    prober.want("etcd", [probe(1)])
    wait_until(lambda: len(world.runs) > 5, PATIENCE, "it goes on")
    prober.close()


def test_waiting_ends_when_all_is_known(world):
    """For runs that come and go: the first outcome of each, or the time is over."""
    world.gate[2] = False
    world.prober.want("etcd", [probe(1), probe(2)])
    assert not world.prober.wait(0.05)
    world.gate[2] = True
    assert world.prober.wait(PATIENCE)
    assert world.status(probe(2)) is PASSING


def test_closing_ends_the_thread_and_who_waits():
    """Also twice, and nothing is probed afterwards."""
    others = set(threading.enumerate())
    world = World()
    world.gate[1] = False
    world.prober.want("etcd", [probe(1)])
    wait_until(lambda: world.runs, PATIENCE, "it is probed")
    waiting = threading.Thread(target=world.prober.wait, args=(PATIENCE * 3,))
    waiting.start()
    world.prober.close()
    world.prober.close()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    new = set(threading.enumerate()) - others
    assert "syncer prober" not in [thread.name for thread in new]
    world.prober.want("etcd", [probe(2)])
    assert world.runs == [1]


def test_many_new_probes_do_not_start_at_once(world):
    """They are spread over the interval, so that neither syncer nor the targets see a burst."""
    many = [probe(port, interval=2.0) for port in range(1000, 2000)]
    world.prober.want("etcd", many)
    assert world.prober.wait(PATIENCE)
    assert world.most < 500
    assert set(world.runs) == set(range(1000, 2000))


def test_what_another_found_counts_until_it_is_probed_here(world):
    """So that nothing is out of use for a moment when one prober takes the place of another."""
    former = World()
    try:
        former.outcomes[1] = CRITICAL
        former.prober.want("etcd", [probe(1), probe(2)])
        assert former.prober.wait(PATIENCE)
    finally:
        former.prober.close()
    world.gate[1] = False
    world.prober.take_over(former.prober)
    world.prober.want("etcd", [probe(1)])
    world.gate[2] = False
    world.prober.want("consul", [probe(2)])  # another sink, whose first cycle is later
    assert world.prober.wait(0)
    assert (world.status(probe(1)), world.status(probe(2))) == (CRITICAL, PASSING)
    world.gate[2] = True
    world.gate[1] = True
    world.await_status(probe(1), PASSING)
