"""How often health is reported: pure bookkeeping, over a client that only counts."""

from types import SimpleNamespace

import pytest

from syncer import CheckKey, CheckResult, CheckStatus, TemporaryError
from syncer.kits.http import Failed
from syncer_consul.agent import feed
from syncer_consul.agent.feed import Feed

GOOD = CheckResult(status=CheckStatus.PASSING, output="running")
BAD = CheckResult(status=CheckStatus.CRITICAL, output="health: unhealthy")
KEYS = [CheckKey(f"web:{n}", "container") for n in range(3)]


class Client:
    """Notes which checks are reported; `answers` are errors to raise for some of them."""

    def __init__(self):
        self.ids, self.answers = [], {}
        self.agent = SimpleNamespace(check=self)

    def update(self, check_id, status, output):
        self.ids.append(check_id)
        if check_id in self.answers:
            raise self.answers[check_id]


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(feed, "time", SimpleNamespace(monotonic=lambda: Clock.now))
    return Clock


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def reports(client, clock):
    """A feed that must report every 100 seconds."""
    return Feed(client, every=100, workers=2)


def quoted(key):
    return f"{key.instance.replace(':', '%3A')}%3Acontainer.ttl"


def test_unchanged_waits_until_it_is_due(reports, client, clock):
    """What was reported a moment ago is not reported again, before it is due."""
    results = dict.fromkeys(KEYS, GOOD)
    reports.report(results)
    assert sorted(client.ids) == [quoted(key) for key in KEYS]
    clock.now += 50
    reports.report(results)
    assert len(client.ids) == 3
    clock.now += 45
    reports.report(results)
    assert len(client.ids) == 6


def test_changed_goes_at_once(reports, client):
    """A change is reported at once, and alone."""
    reports.report(dict.fromkeys(KEYS, GOOD))
    reports.report(dict.fromkeys(KEYS, GOOD) | {KEYS[1]: BAD})
    assert client.ids[3:] == [quoted(KEYS[1])]


def test_written_again_is_fed_again(reports, client):
    """A service that was written again, perhaps with new checks, is fed at the next pulse."""
    reports.report(dict.fromkeys(KEYS, GOOD))
    reports.forget(KEYS[2].instance)
    reports.report(dict.fromkeys(KEYS, GOOD))
    assert client.ids[3:] == [quoted(KEYS[2])]


def test_one_failure_stops_no_other(reports, client):
    """A failed report is tried again at the next pulse; the others have gone out."""
    client.answers[quoted(KEYS[0])] = TemporaryError("down")
    with pytest.raises(TemporaryError, match="down"):
        reports.report(dict.fromkeys(KEYS, GOOD))
    assert len(client.ids) == 3
    client.answers.clear()
    assert list(reports.report(dict.fromkeys(KEYS, GOOD))) == []
    assert client.ids[3:] == [quoted(KEYS[0])]


def test_losses_are_named_beside_failures(reports, client):
    """Lost checks are named even if another report failed."""
    client.answers[quoted(KEYS[0])] = TemporaryError("down")
    client.answers[quoted(KEYS[1])] = Failed("x", 500, "Unknown check")
    assert list(reports.report(dict.fromkeys(KEYS, GOOD))) == [KEYS[1]]
