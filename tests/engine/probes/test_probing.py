"""Checks that syncer runs itself, from the labels to the status: translation, aim and plan."""

import attrs
import pytest
from fakes import FakeSource, Heard, PickySink, World, exited, offer, skips, tracker, workload

from syncer import Check, CheckResult, CheckStatus, Deregister, Health, Probe, Problem, Update
from syncer import probing as make_probing
from syncer.api.keys import WorkloadKey
from syncer.api.workloads import Status
from syncer.plan.adjust import Adjuster
from syncer.testing.builders import make_instance

PASSING, WARNING, CRITICAL = CheckStatus.PASSING, CheckStatus.WARNING, CheckStatus.CRITICAL
WEB = make_instance(address="10.0.0.1", port=80)
HTTP, TCP = Check(kind="http", path="/health"), Check(kind="tcp", interval=5)
#: What the two checks of `WEB` become, and those of the workload `CHECKED`.
HTTP_OF_WEB = Probe(kind="http", address="10.0.0.1", port=80, path="/health")
TCP_OF_WEB = Probe(kind="tcp", address="10.0.0.1", port=80, interval=5)
HTTP_PROBE, TCP_PROBE = (
    attrs.evolve(probe, workload=WorkloadKey("docker", "web-1"))
    for probe in (HTTP_OF_WEB, TCP_OF_WEB)
)
CHECKED = workload("web", offers=(offer(checks=(HTTP, TCP)),))


class Prober:
    """Outcomes that the test sets; remembers what was wanted."""

    def __init__(self):
        self.found, self.wanted = {}, {}

    def find(self, status, *probes):
        for probe in probes or (HTTP_PROBE, TCP_PROBE):
            self.found[probe] = CheckResult(status=status)

    def result(self, probe):
        return self.found.get(probe)

    def want(self, who, probes):
        self.wanted[who] = set(probes)


class TestTranslation:
    """What becomes of a check where the registry runs none."""

    translate = staticmethod(make_probing(object()))

    @pytest.mark.parametrize(
        ("check", "probe"),
        [
            (HTTP, HTTP_OF_WEB),
            (Check(kind="http", path="ok"), attrs.evolve(HTTP_OF_WEB, path="/ok")),
            (
                Check(kind="http", tls=True, tls_skip_verify=True, tls_server_name="a.example"),
                attrs.evolve(
                    HTTP_OF_WEB,
                    kind="https",
                    path="/",
                    tls_skip_verify=True,
                    tls_server_name="a.example",
                ),
            ),
            (
                Check(
                    kind="https",
                    method="post",
                    body="x",
                    headers={"B": ("2", "3"), "A": ("1",)},
                    follow_redirects=False,
                ),
                attrs.evolve(
                    HTTP_OF_WEB,
                    kind="https",
                    path="/",
                    method="POST",
                    body="x",
                    headers=(("A", "1"), ("B", "2"), ("B", "3")),
                    follow_redirects=False,
                ),
            ),
            (TCP, TCP_OF_WEB),
            (
                Check(kind="tcp", address="[::1]", port=99, interval=0.2, timeout=3),
                Probe(
                    kind="tcp",
                    address="::1",
                    port=99,
                    own="10.0.0.1",
                    loopback=False,
                    interval=1.0,
                    timeout=3,
                ),
            ),
            (Check(kind="tcp", interval=5, timeout=86_400), attrs.evolve(TCP_OF_WEB, timeout=30)),
            (
                Check(kind="grpc", path="/shop.Cart/", tls=True),
                Probe(kind="grpc", address="10.0.0.1", port=80, path="shop.Cart", tls=True),
            ),
            (
                Check(
                    kind="tcp",
                    success_before_passing=2,
                    failures_before_warning=3,
                    failures_before_critical=4,
                    initial_status=PASSING,
                ),
                Probe(
                    kind="tcp",
                    address="10.0.0.1",
                    port=80,
                    success_before_passing=2,
                    failures_before_warning=3,
                    failures_before_critical=4,
                    initial_status=PASSING,
                ),
            ),
        ],
    )
    def test_a_check_becomes_a_probe(self, check, probe):
        """Address and port are the instance's unless the check has its own."""
        assert self.translate(check, WEB) == probe

    @pytest.mark.parametrize("check", [Check(kind="container"), Check(kind="ttl", fed=True)])
    def test_what_the_status_says_already_needs_no_probe(self, check):
        """The runtime's own health check is in the status of the instance."""
        assert self.translate(check, WEB) is None

    @pytest.mark.parametrize(
        "kind", ["ttl", "udp", "h2ping", "alias", "script", "docker", "something new"]
    )
    def test_what_syncer_cannot_run_is_said(self, kind):
        """A check that would never run is a problem with the check's name in it."""
        answer = self.translate(Check(kind=kind, key="mine"), WEB)
        assert isinstance(answer, Problem)
        assert answer.text.startswith("check mine: this registry runs no checks, and ")

    def test_a_service_without_a_port_cannot_be_probed(self):
        """Port 0 means no port."""
        answer = self.translate(HTTP, attrs.evolve(WEB, port=0))
        assert answer == Problem("check http: the service has no port to check")


def aims(prober, *workloads, sink=None):
    """The aim for these workloads, and what makes it."""
    source = tracker(FakeSource(*workloads), emit=Heard())
    source.relist()
    made = Adjuster(
        sink or PickySink(),
        "me",
        make_probing(),
        tell=lambda *told: None,
        probed=prober.result,
    )

    def adjusted():
        made.update((source.snapshot(),), {})
        return made.adjusted()

    return adjusted, made


class TestStatus:
    """What the probes found is the status that the sink sees, and the checks are gone."""

    @pytest.mark.parametrize(
        ("http", "tcp", "status"),
        [
            (PASSING, PASSING, Status.UP),
            (PASSING, WARNING, Status.UP),
            (CRITICAL, PASSING, Status.UNHEALTHY),
            (None, PASSING, Status.STARTING),
            (None, CRITICAL, Status.UNHEALTHY),
            (None, None, Status.STARTING),
        ],
    )
    def test_the_worst_outcome_counts(self, http, tcp, status):
        """One critical check makes the instance unhealthy; what is not known yet is starting."""
        prober = Prober()
        for probe, found in ((HTTP_PROBE, http), (TCP_PROBE, tcp)):
            if found:
                prober.find(found, probe)
        aim, made = aims(prober, CHECKED)
        (want,) = aim().wanted
        assert (want.instance.status, want.instance.checks) == (status, ())
        assert set(made.probes()) == {HTTP_PROBE, TCP_PROBE}

    def test_the_workloads_own_state_comes_first(self):
        """A container whose own check fails is unhealthy whatever a probe says."""
        prober = Prober()
        prober.find(PASSING)
        aim, _ = aims(prober, attrs.evolve(CHECKED, health=Health.UNHEALTHY))
        assert aim().wanted[0].instance.status is Status.UNHEALTHY

    @pytest.mark.parametrize(
        ("initial", "status"),
        [(PASSING, Status.UP), (WARNING, Status.UP), (CRITICAL, Status.STARTING)],
    )
    def test_an_initial_status_is_believed_until_the_first_outcome(self, initial, status):
        """`SERVICE_CHECK_INITIAL_STATUS` means here what it means to Consul."""
        checked = workload(
            "web", offers=(offer(checks=(attrs.evolve(TCP, initial_status=initial),)),)
        )
        prober = Prober()
        aim, made = aims(prober, checked)
        assert aim().wanted[0].instance.status is status
        prober.find(CRITICAL, *made.probes())
        assert aim().wanted[0].instance.status is Status.UNHEALTHY

    def test_an_outcome_is_worked_out_again_only_if_it_changed(self):
        """Work grows with what changed, here too."""
        prober, sink = Prober(), PickySink()
        prober.find(PASSING)
        aim, _ = aims(prober, CHECKED, workload("other"), sink=sink)
        aim(), sink.adjusted.clear()
        prober.find(PASSING)
        aim()
        assert sink.adjusted == []
        prober.find(CRITICAL, TCP_PROBE)
        aim()
        assert sink.adjusted == ["h:web:80"]

    def test_what_was_not_probed_yet_is_named_with_its_place(self):
        """The planner must know which status is only a guess."""
        prober = Prober()
        aim, _ = aims(prober, CHECKED)
        assert dict(aim().unprobed) == {("h:web:80", "docker", "web-1"): ("10.0.0.1", 80)}
        prober.find(PASSING)
        assert dict(aim().unprobed) == {}


def tells(instance):
    """A sink that keeps the status with the instance."""
    return attrs.evolve(instance, meta={**instance.meta, "status": instance.status.value})


def drops(instance):
    """A sink that lists only what is up."""
    return instance if instance.status is Status.UP else None


class TestAfterARestart:
    """A syncer that has just begun knows no outcome, and must not say so to the registry."""

    def world(self, adjust, prober=None, *workloads, sink=None):
        return World(
            *(workloads or (CHECKED,)),
            sink=sink or PickySink(adjust=adjust),
            translate=make_probing(),
            prober=prober or Prober(),
        )

    def restarted(self, adjust, found=PASSING):
        """A world that has registered what was found, and its successor that knows nothing."""
        before = Prober()
        before.find(found)
        first = self.world(adjust, before)
        first.cycle()
        return self.world(adjust, sink=first.sink)

    def test_a_new_instance_is_registered_as_starting(self):
        """Nothing waits for a probe: consumers see that it is there and not fit yet."""
        world = self.world(tells)
        world.cycle()
        assert [r.instance.meta["status"] for r in world.sink.store.all()] == ["starting"]

    @pytest.mark.parametrize(
        ("adjust", "found"), [(tells, PASSING), (tells, CRITICAL), (drops, PASSING)]
    )
    def test_what_is_registered_stays_until_something_is_known(self, adjust, found):
        """Neither marked as starting nor dropped, whatever was found before."""
        world = self.restarted(adjust, found)
        before = world.sink.store.all()
        report = world.cycle()
        assert report.plan.changes == ()
        assert skips(report.plan) == {"h:web:80": "unprobed"}
        assert world.sink.store.all() == before

    def test_the_first_outcome_ends_it(self):
        """Then the registry gets the result."""
        world = self.restarted(tells)
        world.cycle()
        world.prober.find(CRITICAL, TCP_PROBE)
        report = world.cycle(fresh=False)
        assert [type(change) for change in report.plan.changes] == [Update]

    def test_an_instance_that_moved_is_registered_again(self):
        """Where it is matters more than how it is."""
        world = self.restarted(tells)
        world.source.change(CHECKED.id, offers=(offer(checks=(HTTP,), register_port=81),))
        assert [type(change) for change in world.cycle().plan.changes] == [Update]

    def test_one_that_moved_and_is_dropped_until_it_is_known_goes(self):
        """Its old address would be wrong."""
        world = self.restarted(drops)
        world.source.change(CHECKED.id, offers=(offer(checks=(HTTP,), register_port=81),))
        (change,) = world.cycle().plan.changes
        assert isinstance(change, Deregister)

    def test_what_is_damaged_is_written_again_as_it_stood(self):
        """A lost lease cannot wait for a probe, and the old status is the best there is."""
        world = self.restarted(tells)
        (held,) = world.sink.store.all()
        world.sink.damage[held.id] = "on a lost lease"
        (change,) = world.cycle().plan.changes
        assert isinstance(change, Update)
        assert change.new.instance == held.instance
        assert change.new.mark == held.mark

    def test_a_stopped_workload_goes_at_once(self):
        """Nothing is held back for one that is not there."""
        world = self.restarted(tells)
        world.source.put(exited(CHECKED))
        (change,) = world.cycle().plan.changes
        assert isinstance(change, Deregister)

    def test_each_sink_wants_its_own_probes(self):
        """What is not wanted any more is not probed any more."""
        world = self.world(tells)
        world.cycle()
        assert world.prober.wanted == {"memory": {HTTP_PROBE, TCP_PROBE}}
        world.source.clear()
        world.cycle()
        assert world.prober.wanted == {"memory": set()}
