"""What one sink should hold: checks translated, instances adjusted, each workload once."""

import attrs
import pytest
from fakes import FakeSource, Heard, PickySink, offer, tracker, workload

from syncer import (
    Check,
    CheckKey,
    CheckStatus,
    Filter,
    FoundAs,
    Health,
    Native,
    PermanentError,
    Problem,
    State,
)
from syncer.api.keys import Place
from syncer.api.workloads import Status
from syncer.plan.adjust import RESULTS, Adjuster
from syncer.plan.wanted import Rejected

WEB = workload("web")


class Adjusting:
    """One source, one sink and what is told."""

    def __init__(self, *workloads, sink=None, translate=None, **rules):
        self.told, self.source = [], FakeSource(*workloads)
        self.sink = sink or PickySink()
        self.tracker = tracker(self.source, emit=Heard(), **rules)
        self.adjuster = Adjuster(
            self.sink, "me", translate, tell=lambda *told: self.told.append(told)
        )

    def adjust(self):
        self.tracker.relist()
        self.adjuster.update((self.tracker.snapshot(),), {})
        return self.adjuster.adjusted()


def test_an_instance_is_wanted_with_our_mark():
    """The mark says whose it is, where it came from, and what was written."""
    (want,) = Adjusting(WEB).adjust().wanted
    mark = want.mark
    assert (mark.owner, mark.scope, mark.source, mark.workload) == ("me", "h", "docker", WEB.id)
    assert mark.digest == want.instance.digest()
    assert want.registration.instance is want.instance


def test_the_digest_is_over_what_is_written():
    """What a sink makes of an instance decides whether it is written again."""
    sink = PickySink(adjust=lambda i: attrs.evolve(i, tags=("from-sink",)))
    (want,) = Adjusting(WEB, sink=sink).adjust().wanted
    assert want.instance.tags == ("from-sink",)
    assert want.mark.digest == want.instance.digest()


def test_what_a_listing_will_show_is_asked_of_the_sink():
    """The planner compares with `listed`, not with what is written."""
    sink = PickySink(listed=lambda i: attrs.evolve(i, weight=1))
    (want,) = Adjusting(WEB, sink=sink).adjust().wanted
    assert (want.instance.weight, want.listed.weight) == (None, 1)


def test_a_status_that_is_not_listed_is_withheld():
    """`adjust` returning None withholds; where the instance is stays known."""
    sink = PickySink(adjust=lambda i: None if i.status is Status.UNHEALTHY else i)
    adjusted = Adjusting(WEB, workload("ill", health=Health.UNHEALTHY), sink=sink).adjust()
    assert [want.instance.id for want in adjusted.wanted] == ["h:web:80"]
    assert adjusted.withheld == {("h:ill:80", "docker", "ill-1"): ("10.0.0.1", 80)}


def test_what_the_sink_cannot_hold_is_rejected_and_told_once():
    """A refused instance costs no other, and the user hears of it once."""

    def adjust(instance):
        if instance.service == "bad name":
            raise PermanentError(f"{instance.id}: no blanks")
        return instance

    adjusting = Adjusting(WEB, workload("x", offers=(offer("bad name"), offer("ok", id="ok"))))
    adjusting.sink = adjusting.adjuster._sink = PickySink(adjust)
    adjusted = adjusting.adjust()
    assert {want.instance.id for want in adjusted.wanted} == {"h:web:80", "ok"}
    assert adjusted.rejected == {
        ("h:x:80", "docker", "x-1"): Rejected("no blanks", "bad name", Place("10.0.0.1", 80))
    }
    adjusting.adjust()
    assert adjusting.told == [("docker", "x", ("h:x:80: no blanks",))]


def test_what_must_not_be_found_is_forbidden_and_told():
    """The source's rules hold for what consumers find, as well as for what was offered."""
    sink = PickySink()
    sink.found_as = lambda i: FoundAs({i.service, i.meta.get("alias", i.service)}, {i.address})
    evil = workload("x", offers=(offer("x", meta={"alias": "payments"}),))
    adjusting = Adjusting(WEB, evil, sink=sink, filter=Filter(deny_names=("payments",)))
    adjusted = adjusting.adjust()
    assert {want.instance.id for want in adjusted.wanted} == {"h:web:80"}
    (refused,) = adjusted.rejected.values()
    assert refused.forbidden
    assert "'payments' is denied by deny_names" in refused.reason
    assert adjusting.told == [("docker", "x", (f"h:x:80: {refused.reason}",))]


def _raise(error):
    raise error


@pytest.mark.parametrize(
    "sink",
    [
        PickySink(adjust=lambda i: _raise(KeyError("bug"))),
        PickySink(listed=lambda i: _raise(KeyError("bug"))),
        PickySink(adjust=lambda i: attrs.evolve(i, meta={"x": object()})),
        PickySink(adjust=lambda i: i.service),
    ],
    ids=["adjust raises", "listed raises", "no digest can be made", "adjust returns nonsense"],
)
def test_a_plugins_mistake_costs_one_instance_only(sink):
    """Whatever a sink's pure functions do with one instance, the others go on."""
    healthy = attrs.evolve(WEB, id="ok-1", name="ok", offers=(offer("fine", id="fine"),))
    broken, asked = sink._adjust_by, sink._listed_by
    if broken:
        sink._adjust_by = lambda i: i if i.id == "fine" else broken(i)
    if asked:
        sink._listed_by = lambda i: i if i.id == "fine" else asked(i)
    adjusted = Adjusting(WEB, healthy, sink=sink).adjust()
    assert [want.instance.id for want in adjusted.wanted] == ["fine"]
    assert (
        "the sink's plugin failed on it" in adjusted.rejected["h:web:80", "docker", "web-1"].reason
    )


def test_problems_that_the_sink_found_are_told():
    """What had to be left out is told when it appears and when it ends."""
    problems = [("no weights here",)]
    sink = PickySink(adjust=lambda i: attrs.evolve(i, problems=problems[0]))
    adjusting = Adjusting(WEB, sink=sink)
    assert len(adjusting.adjust().wanted) == 1
    problems[0] = ()
    adjusting.source.change(WEB.id, image="new")
    adjusting.adjust()
    assert [told[2] for told in adjusting.told] == [("h:web:80: no weights here",), ()]


class TestChecks:
    """Checks go through the sink's translator."""

    CHECKED = workload("web", offers=(offer(checks=(Check(kind="http"), Check(kind="ttl"))),))

    def translate(self, check, instance):
        if check.kind == "http":
            return Native(key="http", definition={"HTTP": instance.address})
        if check.kind == "container":
            return Native(key="container", fed=True)
        return Problem(f"no {check.kind} here")

    def test_a_check_becomes_native_or_a_problem(self):
        """What the registry understands is written, the rest is told."""
        adjusting = Adjusting(self.CHECKED, translate=self.translate)
        (want,) = adjusting.adjust().wanted
        assert want.instance.checks == (Native(key="http", definition={"HTTP": "10.0.0.1"}),)
        assert adjusting.told == [("docker", "web", ("h:web:80: no ttl here",))]

    def test_without_a_translator_checks_are_the_sinks_business(self):
        """`adjust` sees them as the user wrote them."""
        (want,) = Adjusting(self.CHECKED).adjust().wanted
        assert [check.kind for check in want.instance.checks] == ["http", "ttl"]

    def test_a_translator_that_fails_costs_one_instance(self):
        """A bug in a translator is told with the instance it happened on."""
        adjusting = Adjusting(
            self.CHECKED, workload("ok"), translate=lambda c, i: _raise(TypeError("bug"))
        )
        adjusted = adjusting.adjust()
        assert [want.instance.id for want in adjusted.wanted] == ["h:ok:80"]
        assert "TypeError" in adjusted.rejected["h:web:80", "docker", "web-1"].reason

    @pytest.mark.parametrize(
        ("fields", "status", "output"),
        [
            ({"health": Health.HEALTHY}, CheckStatus.PASSING, "running"),
            ({"health": Health.STARTING}, CheckStatus.CRITICAL, "health: starting"),
            ({"health": Health.UNHEALTHY}, CheckStatus.CRITICAL, "health: unhealthy"),
            (
                {"health": Health.HEALTHY, "state": State.PAUSED},
                CheckStatus.CRITICAL,
                "paused",
            ),
            (
                {"health": Health.HEALTHY, "state": State.STOPPING},
                CheckStatus.CRITICAL,
                "draining",
            ),
        ],
    )
    def test_a_fed_check_shows_the_workloads_status(self, fields, status, output):
        """What syncer reports follows from state and health, without another write."""
        adjusting = Adjusting(WEB, translate=self.translate)
        adjusting.source.change(WEB.id, **fields)
        (want,) = adjusting.adjust().wanted
        result = adjusting.adjuster.results()[CheckKey("h:web:80", "container")]
        assert (result.status, result.output) == (status, output)
        adjusting.source.change(WEB.id, health=Health.HEALTHY, state=State.RUNNING)
        assert adjusting.adjust().wanted[0].mark == want.mark

    @pytest.mark.parametrize(
        ("fields", "output"),
        [
            ({}, "running: 200 OK"),
            ({"health": Health.UNHEALTHY}, "health: unhealthy: 200 OK"),
            ({"health": None}, "running"),
            ({"state": State.PAUSED}, "paused"),
            ({"state": State.STOPPING}, "draining"),
        ],
    )
    def test_a_fed_check_shows_what_the_health_check_printed(self, fields, output):
        """Only where that made the status; and nothing is written again for other words."""
        adjusting = Adjusting(WEB, translate=self.translate)
        adjusting.source.change(WEB.id, health=Health.HEALTHY, health_output="200 OK")
        (before,) = adjusting.adjust().wanted
        adjusting.source.change(WEB.id, **fields)
        adjusting.adjust()
        result = adjusting.adjuster.results().get(CheckKey("h:web:80", "container"))
        assert result is None or result.output == output
        adjusting.source.change(WEB.id, health=Health.HEALTHY, state=State.RUNNING)
        adjusting.source.change(WEB.id, health_output="\x1b" + "x" * 999)
        (after,) = adjusting.adjust().wanted
        assert (after.instance, after.mark) == (before.instance, before.mark)
        result = adjusting.adjuster.results()[CheckKey("h:web:80", "container")]
        assert result.output.isprintable()
        assert len(result.output) < 250

    def test_only_fed_checks_are_reported(self):
        """A check that the registry runs is the registry's."""
        adjusting = Adjusting(self.CHECKED, translate=self.translate)
        adjusting.adjust()
        assert adjusting.adjuster.results() == {}

    def test_what_is_gone_is_not_reported(self):
        """Results end with the workload."""
        adjusting = Adjusting(attrs.evolve(WEB, health=Health.HEALTHY), translate=self.translate)
        adjusting.adjust()
        adjusting.source.clear()
        adjusting.adjust()
        assert adjusting.adjuster.results() == {}

    def test_every_status_has_a_result(self):
        """No status leaves a fed check without a word."""
        assert set(RESULTS) == set(Status)


class TestWork:
    """What was worked out is kept while the workload is the same."""

    def test_only_what_changed_is_adjusted_again(self):
        """Work grows with what changed."""
        adjusting = Adjusting(*(workload(f"w{n}") for n in range(20)))
        adjusting.adjust()
        adjusting.sink.adjusted.clear()
        adjusting.source.change("w3-1", image="new")
        adjusting.adjust()
        assert adjusting.sink.adjusted == ["h:w3:80"]
        adjusting.sink.adjusted.clear()
        adjusting.adjust()
        assert adjusting.sink.adjusted == []

    def test_what_is_gone_is_forgotten(self):
        """Workloads that come and go do not pile up."""
        adjusting = Adjusting()
        for n in range(50):
            adjusting.source.clear()
            adjusting.source.put(workload(f"w{n}"))
            adjusting.adjust()
        assert len(adjusting.adjuster._adjustments) == 1

    def test_two_sources_may_have_one_workload_id(self):
        """What is kept is kept for each source."""
        one, two = tracker(FakeSource(WEB), name="a"), tracker(FakeSource(WEB), name="b", order=1)
        one.relist(), two.relist()
        adjuster = Adjuster(PickySink(), "me", tell=lambda *told: None)
        adjuster.update((one.snapshot(), two.snapshot()), {})
        adjusted = adjuster.adjusted()
        assert [(want.mark.source, want.order) for want in adjusted.wanted] == [("a", 0), ("b", 1)]
