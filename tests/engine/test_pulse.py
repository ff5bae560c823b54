"""Renewals and health reports."""

from datetime import timedelta

import pytest
from fakes import Heard, held

from syncer import CheckKey, CheckResult, CheckStatus, TemporaryError
from syncer.engine.pulse import Pulse
from syncer.events import LeaseLost

PASSING = CheckResult(status=CheckStatus.PASSING)


class Leased:
    """A reconciler and its sink in one, as the pulse sees them."""

    name, pulse = "leased", timedelta(seconds=10)

    def __init__(self, held=(), results=None):
        self.sink = self
        self._held, self._results = tuple(held), results or {}
        self.lost, self.missing, self.failing = (), (), {}
        self.renewed, self.reported = [], []

    def alive(self):
        return self._held

    def results(self):
        return self._results

    def renew(self, held):
        self.renewed.append(held)
        if error := self.failing.get("renew"):
            raise error
        return self.lost

    def report(self, results):
        self.reported.append(results)
        if error := self.failing.get("report"):
            raise error
        return self.missing


ONE = held("a")
KEY = CheckKey("a", "container")


def beat(leased):
    heard = Heard()
    return Pulse(leased, heard).beat(), heard


def test_what_is_held_is_renewed_and_reported():
    """Both happen at each beat; without a loss there is no event."""
    leased = Leased([ONE], {KEY: PASSING})
    assert beat(leased) == (0, [])
    assert leased.renewed == [(ONE,)]
    assert leased.reported == [{KEY: PASSING}]


def test_with_nothing_held_nothing_is_asked():
    """An empty registry is not bothered."""
    leased = Leased([], {KEY: PASSING})
    assert beat(leased) == (0, [])
    assert (leased.renewed, leased.reported) == ([], [])


def test_results_of_what_is_not_registered_are_not_reported():
    """A check is reported once its instance is registered."""
    leased = Leased([ONE], {KEY: PASSING, CheckKey("b", "container"): PASSING})
    beat(leased)
    assert leased.reported == [{KEY: PASSING}]


def test_losses_are_counted_and_told():
    """Lost leases and lost checks are one number, told once a beat."""
    leased = Leased([ONE], {KEY: PASSING})
    leased.lost, leased.missing = (ONE,), (KEY,)
    count, heard = beat(leased)
    assert count == 2
    assert heard == [LeaseLost(sink="leased", lost=2)]


@pytest.mark.parametrize("failing", ["renew", "report"])
def test_a_failure_of_one_does_not_keep_the_other(failing):
    """Both are tried, and what failed is raised."""
    leased = Leased([ONE], {KEY: PASSING})
    leased.failing[failing] = TemporaryError(failing)
    with pytest.raises(TemporaryError, match=failing):
        beat(leased)
    assert leased.renewed
    assert leased.reported


def test_losses_are_told_though_the_report_failed():
    """A registry that refuses reports does not hide that it lost leases."""
    leased = Leased([ONE], {KEY: PASSING})
    leased.lost, leased.failing["report"] = (ONE,), TemporaryError("no right")
    heard, losses = Heard(), []
    with pytest.raises(TemporaryError):
        Pulse(leased, heard, lambda: losses.append("lost")).beat()
    assert heard == [LeaseLost(sink="leased", lost=1)]
    assert losses == ["lost"]
