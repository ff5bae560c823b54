"""Metrics from events, and what contrib/grafana makes of them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import attrs
import pytest
import yaml
from fakes import FakeSink, FakeSource, held, wanted, workload

import syncer
from syncer import CheckStatus, Deregister, Plan, Reason, Register, Skip, Update
from syncer.events import (
    ChangeApplied,
    ConfigReloaded,
    CycleFinished,
    Elected,
    HealthChanged,
    LeaseLost,
    LeftOutChanged,
    LoopFailed,
    LoopRecovered,
    ProblemsFound,
    PulseBeaten,
    SourceListed,
    Warned,
)
from syncer.web.metrics import Metrics

GRAFANA = Path(__file__).parents[2] / "contrib/grafana"
NEW = Register(wanted().registration)
MOVED = Update(held(), wanted(port=81).registration)
GONE = Deregister(held(address="::1"), Reason.WORKLOAD_GONE)
DOWN = "sink consul"


@pytest.fixture
def metrics():
    """Metrics at a time that stands still."""
    return Metrics(interval=30, clock=lambda: 1234.0)


def value(metrics, name, /, **labels):
    """The value of one sample; None if there is none."""
    return metrics.registry.get_sample_value(f"syncer_{name}", labels)


def everything(metrics):
    """One event of each kind, so that every metric has a sample."""
    skips = (Skip("a", "conflict", "theirs"), Skip("b", "guard", "many"))
    for event in (
        SourceListed(source="docker", workloads=3, instances=4, unclear=1, scope="host1"),
        LeftOutChanged(source="docker", left_out=()),
        LoopFailed(loop=DOWN, error="down"),
        ProblemsFound(source="docker", workload="web", problems=("no port",)),
        ChangeApplied(sink="consul", change=MOVED, drift=True),
        CycleFinished(
            sink="consul",
            plan=Plan(changes=(NEW,), skipped=skips, unchanged=2, ours=5, foreign=7),
            failed={NEW.id: "refused"},
        ),
        LeaseLost(sink="consul", lost=2),
        PulseBeaten(sink="consul", held=3, late=0.5),
        Elected(sink="consul", leads=True),
        HealthChanged(target="http://10.0.0.1/", status=CheckStatus.CRITICAL),
    ):
        metrics(event)
    return metrics


class TestCounting:
    """What each event adds."""

    def test_a_listing(self, metrics):
        """How much there is; an incomplete listing is no success."""
        metrics(SourceListed(source="docker", workloads=3, instances=4, unclear=1))
        for name, expected in (("workloads", 3), ("instances", 4), ("unclear", 1)):
            assert value(metrics, f"source_{name}", source="docker") == expected
        at = "source_last_success_timestamp_seconds"
        assert value(metrics, at, source="docker") == 1234
        metrics(SourceListed(source="file", workloads=3, complete=False))
        assert value(metrics, at, source="file") is None
        counted = {"source": "file", "complete": "false"}
        assert value(metrics, "source_listings_total", **counted) == 1

    def test_failures(self, metrics):
        """Each counts when it happens, in all and of its row, whether it is news or not."""
        loop = {"part": "sink", "name": "consul"}
        for failures in (1, 2, 3):
            metrics(LoopFailed(loop=DOWN, error="down", failures=failures, news=failures == 1))
            assert value(metrics, "errors_total", **loop) == failures
            assert value(metrics, "consecutive_failures", **loop) == failures
        metrics(LoopRecovered(loop=DOWN, failures=3))
        assert value(metrics, "errors_total", **loop) == 3
        assert value(metrics, "consecutive_failures", **loop) == 0
        metrics(LoopFailed(loop=DOWN, error="down"))
        assert value(metrics, "errors_total", **loop) == 4

    def test_changes(self, metrics):
        """By kind; what failed is counted from the cycle, in which each failure stands."""
        for change in (NEW, MOVED, GONE, GONE):
            metrics(ChangeApplied(sink="s", change=change, drift=change is MOVED))
        counts = {
            kind: value(metrics, "changes_total", sink="s", change=kind)
            for kind in ("register", "update", "deregister")
        }
        assert counts == {"register": 1, "update": 1, "deregister": 2}
        assert value(metrics, "drift_total", sink="s") == 1
        metrics(CycleFinished(sink="s", plan=Plan(changes=(NEW,)), failed={NEW.id: "no"}))
        assert value(metrics, "failed_changes_total", sink="s", change="register") == 1

    def test_a_cycle(self, metrics):
        """What the sink holds after it, how long it took, and when it was."""
        other = attrs.evolve(NEW.new, instance=attrs.evolve(NEW.new.instance, id="other"))
        plan = Plan(changes=(NEW, Register(other)), unchanged=2, ours=2, foreign=7)
        metrics(CycleFinished(sink="s", plan=plan, failed={"other": "no"}, seconds=0.25))
        assert value(metrics, "registrations", sink="s", whose="ours") == 3
        assert value(metrics, "registrations", sink="s", whose="foreign") == 7
        assert value(metrics, "unchanged", sink="s") == 2
        assert value(metrics, "cycle_duration_seconds_sum", sink="s") == 0.25
        assert value(metrics, "sink_last_success_timestamp_seconds", sink="s") == 1234

    def test_in_sync_and_since_when_not(self):
        """At the first attempt, after a failure and after a cycle that leaves something undone."""
        now = 100.0
        metrics = Metrics(clock=lambda: now)

        def seen():
            names = ("in_sync", "in_sync_timestamp_seconds")
            return tuple(value(metrics, name, sink="s") for name in names)

        well = CycleFinished(sink="s", plan=Plan(), listed=True)
        held_back, conflict, drained = (
            attrs.evolve(well, plan=Plan(skipped=(Skip("a", kind, "why"),)))
            for kind in ("guard", "conflict", "held")
        )
        assert seen() == (None, None)
        for now, event, expected in (
            (100.0, LoopFailed(loop="sink s", error="down"), (0, 100)),
            (110.0, LoopFailed(loop="sink s", error="down"), (0, 100)),
            (120.0, attrs.evolve(well, listed=False), (0, 100)),
            (130.0, well, (1, 130)),
            (140.0, well, (1, 140)),
            (150.0, LoopFailed(loop="watch s", error="down"), (1, 140)),
            (160.0, held_back, (0, 140)),
            (165.0, conflict, (0, 140)),
            (170.0, attrs.evolve(well, failed={"a": "no"}), (0, 140)),
            (180.0, ConfigReloaded(changed=("sink s",)), (None, None)),
            (190.0, held_back, (0, 140)),
            (200.0, well, (1, 200)),
            (210.0, drained, (1, 210)),
        ):
            metrics(event)
            assert seen() == expected, now

    def test_a_source_has_one_scope(self, metrics):
        """The one of its last listing, until it is no longer configured."""
        for scope in ("old", "new"):
            metrics(SourceListed(source="docker", workloads=1, scope=scope))
        assert value(metrics, "source_info", source="docker", scope="new") == 1
        assert value(metrics, "source_info", source="docker", scope="old") is None
        metrics(ConfigReloaded(changed=("source docker",)))
        assert value(metrics, "source_info", source="docker", scope="new") is None

    def test_skips_that_are_over_are_zero(self, metrics):
        """A reason that was there once stays, as 0; what alerts ask for is there from the start."""
        metrics(CycleFinished(sink="s", plan=Plan(skipped=(Skip("a", "doubt", "x"),) * 3)))
        assert value(metrics, "skips", sink="s", reason="doubt") == 3
        assert value(metrics, "skips", sink="s", reason="conflict") == 0
        metrics(CycleFinished(sink="s", plan=Plan(skipped=(Skip("a", "guard", "x"),))))
        assert value(metrics, "skips", sink="s", reason="doubt") == 0
        assert value(metrics, "guard_held", sink="s") == 1

    def test_what_must_be_on_time(self, metrics):
        """Pulses, how late they were, and what was lost all the same."""
        metrics(PulseBeaten(sink="s", held=3, late=7.0, seconds=0.1))
        metrics(LeaseLost(sink="s", lost=2))
        assert value(metrics, "pulse_late_seconds", sink="s") == 7
        assert value(metrics, "pulse_held", sink="s") == 3
        assert value(metrics, "lost_total", sink="s") == 2
        assert value(metrics, "pulse_lateness_seconds_bucket", sink="s", le="5.0") == 0
        assert value(metrics, "pulse_lateness_seconds_bucket", sink="s", le="10.0") == 1

    def test_an_event_that_means_nothing(self, metrics):
        """Nor does one of a later version."""
        before = metrics.text()
        metrics(Warned(text="look"))
        metrics(object())
        assert len(metrics.text().splitlines()) == len(before.splitlines())


def test_labels_are_bounded():
    """However many services, ids, addresses and texts there are: no label has one of them."""
    metrics = Metrics()
    sink = FakeSink()
    source = FakeSource(*(workload(f"svc{n}", address=f"10.7.0.{n}") for n in range(20)))
    engine = syncer.Engine({"docker": source}, {"memory": sink}, listeners=[metrics])
    engine.reconcile()
    before = metrics.text().decode()
    for number in range(20, 60):
        source.put(workload(f"svc{number}", address=f"10.7.0.{number}"))
    sink.fail["register"] = syncer.PermanentError("refused 10.7.0.9")
    engine.reconcile()
    engine.stop()
    after = metrics.text().decode()
    assert "svc" not in after
    assert "10.7.0." not in after
    kinds = {line.partition("{")[0] for line in after.splitlines()}
    assert len(after.splitlines()) < len(before.splitlines()) + 10
    assert "syncer_failed_changes_total" in kinds


def exported():
    """The names that samples have once everything has happened."""
    families = everything(Metrics()).registry.collect()
    return {sample.name for family in families for sample in family.samples}


def used(text):
    """The names of metrics in expressions."""
    return set(re.findall(r"\b(?:syncer|process)_[a-z_]+", text))


def panels(name):
    """The panels of a dashboard."""
    return json.loads((GRAFANA / f"{name}.json").read_text())["panels"]


def expressions():
    """What dashboards and rules ask for, by where it stands."""
    for panel in panels("dashboard") + panels("fleet"):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for rule in rules():
        yield rule["alert"], rule["expr"]


def rules():
    (group,) = yaml.safe_load((GRAFANA / "alerts.yml").read_text())["groups"]
    return group["rules"]


def test_dashboard_and_alerts_ask_for_what_is_exported():
    """Each metric that they name is there, whatever it is called in the next version."""
    names = exported()
    for where, expression in expressions():
        assert used(expression) <= names, where


def test_every_metric_is_on_the_dashboard_or_in_an_alert():
    """Nobody would look at it otherwise."""
    shown = set().union(*(used(expression) for _, expression in expressions()))
    bases = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    unused = {name for name, *_ in everything(Metrics()).described()} - bases
    assert unused <= {"syncer_pulse_held"}


@pytest.mark.parametrize("name", ["dashboard", "fleet"])
def test_every_panel_says_what_it_shows(name):
    """A title in words, what it means, and units; none may be red while all is well.

    A time stamp, or the time since, passes any threshold: only how many are too old may have one.
    """
    assert len({panel["id"] for panel in panels(name)}) == len(panels(name))
    for panel in panels(name):
        defaults, title = panel["fieldConfig"]["defaults"], panel["title"]
        assert re.fullmatch(r"[A-Z][A-Za-z, ]+", title), title
        assert panel["description"], title
        assert defaults["unit"], title
        if len(defaults.get("thresholds", {}).get("steps", ())) > 1:
            (target,) = panel["targets"]
            assert "_timestamp_" not in target["expr"] or "> bool" in target["expr"], title


def test_every_alert_leads_to_its_advice():
    """The page says of each what it means and what to do."""
    page = (GRAFANA.parents[1] / "docs" / "metrics.md").read_text()
    (advice,) = re.findall(r"^## Alerts$(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    for rule in rules():
        assert rule["annotations"]["runbook_url"].endswith("/docs/metrics.html#alerts")
        assert f"| `{rule['alert']}` |" in advice


def test_every_alert_has_a_test():
    """With an example in which it fires."""
    tests = yaml.safe_load((GRAFANA / "alerts.test.yml").read_text())["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in rules()}


@pytest.mark.server
class TestPromtool:
    """What Prometheus' own tool says."""

    @pytest.fixture(autouse=True)
    def _promtool(self, pytestconfig):
        from servers.lifetimes import leave_out

        if not shutil.which("promtool"):
            leave_out(pytestconfig, "Prometheus", "not on the PATH: promtool")

    def run(self, *arguments, given=None):
        done = subprocess.run(
            ["promtool", *arguments],
            cwd=GRAFANA,
            input=given,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_rules(self):
        """They can be read, and fire and do not fire as their examples say."""
        self.run("check", "rules", "alerts.yml")
        self.run("test", "rules", "alerts.test.yml")

    def test_metrics(self, metrics):
        """Names, units and help are as is usual."""
        self.run("check", "metrics", given=everything(metrics).text())

    def test_expressions_of_the_dashboard(self, tmp_path):
        """Each is one that Prometheus can read, once Grafana has put its variables in."""
        asked = [re.sub(r"\$(instance|sink)", ".*", text) for _, text in expressions()]
        named = [{"record": f"panel:{n}", "expr": text} for n, text in enumerate(asked)]
        path = tmp_path / "panels.yml"
        path.write_text(json.dumps({"groups": [{"name": "panels", "rules": named}]}))
        self.run("check", "rules", str(path))
