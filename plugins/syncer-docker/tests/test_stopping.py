"""Containers that were told to stop and still run."""

import pytest

from syncer import State, Workload
from syncer_docker.containers.stopping import MARGIN, Stopping, StopRule, signal_number, stop_rule

WEB = Workload(source="docker", scope="h", id="1", name="web")
RULE = StopRule(signal=15, timeout=10)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stopping(clock):
    return Stopping(clock)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("15", 15),
        (15, 15),
        ("SIGTERM", 15),
        ("term", 15),
        ("SIGQUIT", 3),
        ("WINCH", 28),
        ("USR1", 10),
        ("SIGSYS", 31),
        ("SIGRTMIN", 34),
        ("SIGRTMIN+3", 37),
        ("RTMAX-1", 63),
        ("RTMAX", 64),
        ("SIGRTMIN+x", 0),
        ("nonsense", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_signal_numbers(text, number):
    """Signals are known by number and by Linux's names, with and without SIG."""
    assert signal_number(text) == number


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, StopRule(15, 10)),
        (None, StopRule(15, 10)),
        ({"StopSignal": "SIGQUIT", "StopTimeout": 60}, StopRule(3, 60)),
        ({"StopSignal": "28"}, StopRule(28, 10)),
        ({"StopSignal": "", "StopTimeout": None}, StopRule(15, 10)),
        ({"StopTimeout": 0}, StopRule(15, 0)),
        ({"StopTimeout": -1}, StopRule(15, float("inf"))),
    ],
)
def test_rule(config, expected):
    """The stop signal and timeout are the container's own, else Docker's."""
    assert stop_rule({"Config": config}) == expected


def test_stop(stopping):
    """A running container that was sent its stop signal is stopping."""
    assert stopping.overlay(WEB, RULE).state is State.RUNNING
    stopping.sent("1", 15)
    assert stopping.overlay(WEB, RULE).state is State.STOPPING
    assert stopping.overlay(WEB, RULE).name == "web"


def test_other_signal(stopping):
    """Another signal (a reload, say) is no stop."""
    stopping.sent("1", 1)
    assert stopping.overlay(WEB, RULE).state is State.RUNNING
    assert stopping.overlay(WEB, StopRule(signal=1)).state is State.STOPPING


def test_signal_during_a_stop(stopping):
    """A second signal does not end a stop."""
    stopping.sent("1", 15)
    stopping.overlay(WEB, RULE)
    stopping.sent("1", 1)
    assert stopping.overlay(WEB, RULE).state is State.STOPPING


def test_only_running_ones(stopping):
    """A container that has ended, or restarts, is what it is."""
    stopping.sent("1", 15)
    exited = Workload(source="docker", scope="h", id="1", name="web", state=State.EXITED)
    assert stopping.overlay(exited, RULE).state is State.EXITED


def test_lives_on(stopping, clock):
    """A container that survives its stop timeout and the margin runs again, reported once."""
    stopping.sent("1", 15)
    stopping.overlay(WEB, RULE)
    clock.now += RULE.timeout + MARGIN - 0.1
    assert stopping.overdue() == []
    assert stopping.overlay(WEB, RULE).state is State.STOPPING
    clock.now += 0.1
    assert stopping.overlay(WEB, RULE).state is State.RUNNING
    assert stopping.overdue() == ["1"]
    assert stopping.overdue() == []


def test_stop_after_a_survived_one(stopping, clock):
    """A container that outlived one stop can be stopped again."""
    stopping.sent("1", 15)
    stopping.overlay(WEB, RULE)
    clock.now += 1000
    stopping.overdue()
    stopping.sent("1", 15)
    assert stopping.overlay(WEB, RULE).state is State.STOPPING


def test_clear(stopping, clock):
    """What was started again, or is gone, is no longer stopping."""
    stopping.sent("1", 15)
    assert stopping.ids() == {"1"}
    stopping.clear("1")
    stopping.clear("1")
    assert stopping.ids() == set()
    assert stopping.overlay(WEB, RULE).state is State.RUNNING
    clock.now += 1000
    assert stopping.overdue() == []


def test_take_over(stopping, clock):
    """Stops that another has seen are known, with what is left of their time."""
    stopping.sent("1", 15)
    clock.now += 9
    other = Stopping(clock)
    other.take_over(stopping)
    stopping.clear("1")
    assert other.overlay(WEB, RULE).state is State.STOPPING
    clock.now += 1 + MARGIN
    assert other.overdue() == ["1"]
    assert other.overlay(WEB, RULE).state is State.RUNNING
