"""What one sink should hold: checks translated, instances adjusted, each workload once."""

import attrs
import pytest
from fakes import FakeSource, Heard, PickySink, offer, tracker, workload

from syncer import (
    Check,
    CheckKey,
    CheckStatus,
    Health,
    Native,
    PermanentError,
    Problem,
    State,
)
from syncer.api.keys import Place
from syncer.api.model import Status
from syncer.plan.adjust import RESULTS, Aims
from syncer.plan.adjusted import Rejected

WEB = workload("web")


class Aimer:
    """One source, one sink and what is told."""

    def __init__(self, *workloads, sink=None, translate=None):
        self.told, self.source = [], FakeSource(*workloads)
        self.sink = sink or PickySink()
        self.tracker = tracker(self.source, emit=Heard())
        self.aims = Aims(self.sink, "me", translate, tell=lambda *told: self.told.append(told))

    def aim(self):
        self.tracker.relist()
        return self.aims.of((self.tracker.snapshot(),))


def test_an_instance_is_wanted_with_our_mark():
    """The mark says whose it is, where it came from, and what was written."""
    (want,) = Aimer(WEB).aim().wanted
    mark = want.mark
    assert (mark.owner, mark.scope, mark.source, mark.workload) == ("me", "h", "docker", WEB.id)
    assert mark.digest == want.instance.digest()
    assert want.registration.instance is want.instance


def test_the_digest_is_over_what_is_written():
    """What a sink makes of an instance decides whether it is written again."""
    sink = PickySink(adjust=lambda i: attrs.evolve(i, tags=("from-sink",)))
    (want,) = Aimer(WEB, sink=sink).aim().wanted
    assert want.instance.tags == ("from-sink",)
    assert want.mark.digest == want.instance.digest()


def test_what_a_listing_will_show_is_asked_of_the_sink():
    """The planner compares with `listed`, not with what is written."""
    sink = PickySink(listed=lambda i: attrs.evolve(i, weight=1))
    (want,) = Aimer(WEB, sink=sink).aim().wanted
    assert (want.instance.weight, want.listed.weight) == (None, 1)


def test_a_status_that_is_not_listed_is_withheld():
    """`adjust` returning None withholds; where the instance is stays known."""
    sink = PickySink(adjust=lambda i: None if i.status is Status.UNHEALTHY else i)
    aim = Aimer(WEB, workload("ill", health=Health.UNHEALTHY), sink=sink).aim()
    assert [want.instance.id for want in aim.wanted] == ["h:web:80"]
    assert aim.withheld == {("h:ill:80", "docker", "ill-1"): ("10.0.0.1", 80)}


def test_what_the_sink_cannot_hold_is_rejected_and_told_once():
    """A refused instance costs no other, and the user hears of it once."""

    def adjust(instance):
        if instance.service == "bad name":
            raise PermanentError("no blanks")
        return instance

    aimer = Aimer(WEB, workload("x", offers=(offer("bad name"), offer("ok", id="ok"))))
    aimer.sink = aimer.aims._sink = PickySink(adjust)
    aim = aimer.aim()
    assert {want.instance.id for want in aim.wanted} == {"h:web:80", "ok"}
    assert aim.rejected == {
        ("h:x:80", "docker", "x-1"): Rejected("no blanks", "bad name", Place("10.0.0.1", 80))
    }
    aimer.aim()
    assert aimer.told == [("docker", "x", ("h:x:80: no blanks",))]


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
    aim = Aimer(WEB, healthy, sink=sink).aim()
    assert [want.instance.id for want in aim.wanted] == ["fine"]
    assert "the sink's plugin failed on it" in aim.rejected["h:web:80", "docker", "web-1"].reason


def test_problems_that_the_sink_found_are_told():
    """What had to be left out is told when it appears and when it ends."""
    problems = [("no weights here",)]
    sink = PickySink(adjust=lambda i: attrs.evolve(i, problems=problems[0]))
    aimer = Aimer(WEB, sink=sink)
    assert len(aimer.aim().wanted) == 1
    problems[0] = ()
    aimer.source.change(WEB.id, image="new")
    aimer.aim()
    assert [told[2] for told in aimer.told] == [("h:web:80: no weights here",), ()]


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
        aimer = Aimer(self.CHECKED, translate=self.translate)
        (want,) = aimer.aim().wanted
        assert want.instance.checks == (Native(key="http", definition={"HTTP": "10.0.0.1"}),)
        assert aimer.told == [("docker", "web", ("h:web:80: no ttl here",))]

    def test_without_a_translator_checks_are_the_sinks_business(self):
        """`adjust` sees them as the user wrote them."""
        (want,) = Aimer(self.CHECKED).aim().wanted
        assert [check.kind for check in want.instance.checks] == ["http", "ttl"]

    def test_a_translator_that_fails_costs_one_instance(self):
        """A bug in a translator is told with the instance it happened on."""
        aimer = Aimer(self.CHECKED, workload("ok"), translate=lambda c, i: _raise(TypeError("bug")))
        aim = aimer.aim()
        assert [want.instance.id for want in aim.wanted] == ["h:ok:80"]
        assert "TypeError" in aim.rejected["h:web:80", "docker", "web-1"].reason

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
        aimer = Aimer(WEB, translate=self.translate)
        aimer.source.change(WEB.id, **fields)
        (want,) = aimer.aim().wanted
        result = aimer.aims.results()[CheckKey("h:web:80", "container")]
        assert (result.status, result.output) == (status, output)
        aimer.source.change(WEB.id, health=Health.HEALTHY, state=State.RUNNING)
        assert aimer.aim().wanted[0].mark == want.mark

    def test_only_fed_checks_are_reported(self):
        """A check that the registry runs is the registry's."""
        aimer = Aimer(self.CHECKED, translate=self.translate)
        aimer.aim()
        assert aimer.aims.results() == {}

    def test_what_is_gone_is_not_reported(self):
        """Results end with the workload."""
        aimer = Aimer(attrs.evolve(WEB, health=Health.HEALTHY), translate=self.translate)
        aimer.aim()
        aimer.source.clear()
        aimer.aim()
        assert aimer.aims.results() == {}

    def test_every_status_has_a_result(self):
        """No status leaves a fed check without a word."""
        assert set(RESULTS) == set(Status)


class TestWork:
    """What was worked out is kept while the workload is the same."""

    def test_only_what_changed_is_adjusted_again(self):
        """Work grows with what changed."""
        aimer = Aimer(*(workload(f"w{n}") for n in range(20)))
        aimer.aim()
        aimer.sink.adjusted.clear()
        aimer.source.change("w3-1", image="new")
        aimer.aim()
        assert aimer.sink.adjusted == ["h:w3:80"]
        aimer.sink.adjusted.clear()
        aimer.aim()
        assert aimer.sink.adjusted == []

    def test_what_is_gone_is_forgotten(self):
        """Workloads that come and go do not pile up."""
        aimer = Aimer()
        for n in range(50):
            aimer.source.clear()
            aimer.source.put(workload(f"w{n}"))
            aimer.aim()
        assert len(aimer.aims._fits) == 1

    def test_two_sources_may_have_one_workload_id(self):
        """What is kept is kept for each source."""
        one, two = tracker(FakeSource(WEB), name="a"), tracker(FakeSource(WEB), name="b", order=1)
        one.relist(), two.relist()
        aims = Aims(PickySink(), "me", tell=lambda *told: None)
        aim = aims.of((one.snapshot(), two.snapshot()))
        assert [(want.mark.source, want.order) for want in aim.wanted] == [("a", 0), ("b", 1)]
