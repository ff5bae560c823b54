"""A container's own health check: its status, what it printed, and whether it still runs."""

import time
from datetime import datetime, timedelta, timezone

import pytest

from servers.docker import health_check
from servers.waiting import wait_until
from syncer import Health, State
from syncer_docker.containers import health
from syncer_docker.containers.describe import describe
from syncer_docker.containers.health import Silence, probing
from syncer_docker.events.parse import SECOND
from syncer_docker.fields import moment

NOW = datetime(2026, 11, 30, 13, 11, 39, tzinfo=timezone.utc)
CHECK = {"Test": ["CMD-SHELL", "true"], "Interval": 5 * SECOND, "Timeout": 3 * SECOND}


def log(ended=NOW, output="ok"):
    return [{"Start": "x", "End": ended.isoformat(), "ExitCode": 0, "Output": output}]


@pytest.fixture
def checked(inspected):
    """Makes a container with a health check: `checked(log(output="x"), {"Interval": 1})`."""

    def make(probes=(), check=CHECK, status="healthy", **state):
        fields = {"Health": {"Status": status, "Log": list(probes)}, **state}
        return inspected(State=fields, Config={"Healthcheck": check})

    return make


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-30T13:11:39.291234567Z", NOW + timedelta(microseconds=291234)),
        ("2026-11-30T14:11:39+01:00", NOW),
        ("2026-11-30T13:11:39.5Z", NOW + timedelta(seconds=0.5)),
        ("0001-01-01T00:00:00Z", None),
        ("2026-13-30T13:11:39Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times(text, expected):
    """As Docker and Podman write them; the zero time is none."""
    assert moment(text) == expected


def test_what_it_printed(checked):
    """The last probe's words are kept, on one line, bounded and printable."""
    probes = [*log(output="old"), *log(output=" HTTP/1.1 404\r\n\tnot \x1b[31mfound\n" + "x" * 999)]
    said = describe(checked(probes), "docker", "h").health_output
    assert said.startswith("HTTP/1.1 404 not ?[31mfound xxx")
    assert len(said) == 200
    assert describe(checked(), "docker", "h").health_output == ""
    assert describe(checked([{"Output": None}]), "docker", "h").health_output == ""


@pytest.mark.parametrize("status", ["starting", "unhealthy", "healthy"])
def test_a_check_that_is_turned_off(checked, status):
    """It has no status, whatever an engine shows for it."""
    off = checked(log(), {"Test": ["NONE"]}, status)
    assert describe(off, "docker", "h").health is None
    assert probing(off) is None


@pytest.mark.parametrize(
    ("container", "seconds"),
    [
        (({}, {"Test": ["CMD", "x"]}), 180),  # thrice the defaults: 30 s and 30 s
        (({}, {**CHECK, "Interval": 60 * SECOND}), 189),
        (({}, CHECK), 120),
        (({}, {**CHECK, "StartPeriod": 600 * SECOND}), 120),
    ],
)
def test_when_another_probe_must_have_been_made(checked, container, seconds):
    """After three times interval and timeout, and two minutes at least."""
    state, check = container
    found = probing(checked(log(), check, **state))
    assert found.last == NOW
    assert found.until - NOW.timestamp() == pytest.approx(seconds)


def test_the_first_probe(checked):
    """It is waited for from the start on, and through the start period."""
    started = {"StartedAt": NOW.isoformat()}
    check = {**CHECK, "StartPeriod": 600 * SECOND}
    assert probing(checked([], CHECK, "starting", **started)).last == NOW
    until = probing(checked([], check, "starting", **started)).until
    assert until - NOW.timestamp() == pytest.approx(3 * 603)


def test_what_nobody_can_tell(checked, inspected):
    """Without a check, a time, or in a pause nothing is late."""
    assert probing(inspected()) is None
    assert probing(inspected(Config={"Healthcheck": CHECK})) is None
    assert probing(checked()) is None
    assert probing(checked(log(), CHECK, Paused=True)) is None


class TestSilence:
    """Whose check has ended, by the engine's clock."""

    @pytest.fixture(autouse=True)
    def make(self, checked):
        self.now, self.engine_ahead, self.asked = 1000.0, 0.0, 0
        self.silence = Silence(self.engine_now, lambda: self.now)
        ago = datetime.now(timezone.utc) - timedelta(hours=1)
        self.late = {"a": probing(checked(log(ago)))}
        self.well = {"b": probing(checked(log(datetime.now(timezone.utc))))}

    def engine_now(self):
        self.asked += 1
        return int((time.time() + self.engine_ahead) * SECOND) if self.engine_ahead < 1e9 else 0

    def test_a_check_that_runs(self):
        """Nothing is said of it, and the engine is not asked for its clock."""
        self.silence.note(self.well)
        assert self.silence.problem("b", self.well["b"]) == ""
        assert self.asked == 0

    def test_a_check_that_has_ended(self):
        """It is told with the time of the last probe, until there is another one."""
        self.silence.note({**self.late, **self.well})
        said = self.silence.problem("a", self.late["a"])
        assert "has not run since 20" in said
        assert "live-restore" in said
        assert self.silence.problem("a", self.well["b"]) == ""
        self.silence.note({"a": self.well["b"]})
        assert self.silence.problem("a", self.late["a"]) == ""

    @pytest.mark.parametrize("ahead", [-3600.0, 1e9])
    def test_the_engines_clock_counts(self, ahead):
        """If it differs from ours it is right; without one nothing is late."""
        self.engine_ahead = ahead
        self.silence.note(self.late)
        assert self.silence.problem("a", self.late["a"]) == ""

    def test_who_is_late_is_asked_for_at_intervals(self):
        """A check that has ended must not cost a question in each listing."""
        everything = {**self.late, **self.well}
        assert self.silence.to_ask(everything) == {"a"}
        assert self.silence.to_ask(everything) == set()
        self.now += 121
        assert self.silence.to_ask(everything) == {"a"}
        assert self.silence.to_ask({}) == set()


def test_an_engine_that_was_restarted(clean_docker, make_source, monkeypatch):
    """Containers that lived on are probed no more: that is told, and their status stays."""
    monkeypatch.setattr(health, "_PATIENCE", 3.0)
    clean_docker.run("web", healthcheck=health_check(interval=0.3))
    clean_docker.wait_healthy("web")
    source = make_source(clean_docker.address)

    def only():
        (workload,) = source.workloads().items
        return workload

    assert only().problems == ()
    clean_docker.restart()
    wait_until(lambda: only().problems, 60, "it to be told", ignore=(Exception,))
    found = only()
    assert (found.state, found.health) == (State.RUNNING, Health.HEALTHY)
    assert "has not run since" in found.problems[0]
    assert source.workload(found.id).problems == found.problems
    clean_docker.container("web").restart()
    clean_docker.wait_healthy("web")
    wait_until(lambda: not only().problems, 60, "it to be well")
