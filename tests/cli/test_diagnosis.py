"""The findings of `syncer doctor`, from answers of sources and sinks; no server is needed."""

import attrs
import pytest
from fakes import SCOPE, FakeSource

from syncer import (
    Engine,
    Filter,
    Finding,
    Host,
    Level,
    Offer,
    TemporaryError,
    Unclear,
    View,
    clock_finding,
)
from syncer.cli.diagnosis import Installed, diagnosed, failed
from syncer.config.settings import Config, SinkConfig, SourceConfig
from syncer.desired.addresses import AddressRules
from syncer.engine.parts import SourcePart
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import make_instance, make_mark, make_registration, make_workload

CONFIG = Config(
    sources={"docker": SourceConfig(name="docker", kind="docker")},
    sinks={"consul": SinkConfig(name="consul", kind="consul")},
)


def workload(name, address="192.0.2.1", port=80, **fields):
    offer = Offer(service="web", register_address=address, register_port=port, port=port)
    return make_workload(name, offers=(offer,), **fields)


def report_of(*workloads, held=(), config=CONFIG, installed=None, source=None, sink=None):
    sink = sink or MemorySink()
    for one in held:
        sink.register(one)
    source = source or FakeSource(*workloads)
    engine = Engine({"docker": source}, {"consul": sink})
    try:
        return diagnosed(config, installed or Installed(), engine.examine())
    finally:
        engine.stop()


def said(report, level):
    return [
        f"{what}: {one.what}"
        for what, found in report.items()
        for one in found
        if one.level is level
    ]


def test_nothing_wrong_is_all_ok():
    """A healthy set-up has only lines that are ok, and no problem."""
    report = report_of(workload("web"))
    assert said(report, Level.WARNING) == said(report, Level.PROBLEM) == []
    assert "source docker: reachable: 1 workload, 1 instance" in said(report, Level.OK)
    assert not failed(report)


@pytest.mark.parametrize(
    ("workloads", "words"),
    [
        ([workload("a", "127.0.0.1")], "with a loopback address"),
        ([workload("a"), workload("b")], "2 workloads share 192.0.2.1:80"),
        ([workload("a", image="gliderlabs/registrator:v7")], "registrator is also running: a"),
    ],
)
def test_what_looks_wrong_is_a_warning(workloads, words):
    """Addresses, ports and rivals cause warnings, not problems."""
    report = report_of(*workloads)
    assert any(words in line for line in said(report, Level.WARNING))
    assert not failed(report)


@pytest.mark.parametrize("word", ["em1", "team0", "eth9", "typo.invalid", "10.1.0.0/16"])
@pytest.mark.parametrize("workloads", [0, 1])
def test_an_address_to_advertise_that_is_not_there(word, workloads):
    """It is a problem, also while nothing runs that needs it."""

    class Local(FakeSource):
        def host(self):
            return Host(name="h", addresses={"eth0": ("10.0.0.5",)}, default_address="10.0.0.5")

    rules = AddressRules(advertise=word)
    config = attrs.evolve(
        CONFIG, sources={"docker": SourceConfig(name="docker", kind="docker", addresses=rules)}
    )
    made = make_workload("web", offers=(Offer(service="web"),), network_mode="host")
    source = SourcePart(source=Local(*[made] * workloads), rules=rules)
    report = report_of(config=config, source=source)
    (line,) = said(report, Level.PROBLEM)
    assert word in line
    assert f"({workloads} service{'' if workloads == 1 else 's'} without an address)" in line
    assert failed(report)


def test_what_cannot_be_described_is_told_with_its_reason():
    """By reason, with the names that the source knows."""

    class Obscure(FakeSource):
        def workloads(self):
            reasons = {"a": Unclear("403", "one"), "b": Unclear("403", "two"), "c": Unclear("odd")}
            return View((), unclear={*reasons, "d"}, reasons=reasons)

    lines = said(report_of(source=Obscure()), Level.WARNING)
    why = "source docker cannot describe the workload now"
    assert lines == [
        f"source docker: not registered: c: {why}: odd",
        f"source docker: not registered: d: {why}: the source gives no reason",
        f"source docker: not registered: one, two: {why}: 403",
    ]


def test_what_is_not_registered_is_told():
    """Each reason once, with the first workloads; only so many reasons."""
    several = [make_workload(f"w{number}", offers=()) for number in range(1, 6)]
    (line,) = said(report_of(*several), Level.WARNING)
    assert line == (
        "source docker: not registered: w1, w2, w3 and 2 more:"
        " its source says that it offers no service"
    )
    several = [make_workload(f"w{n}", offers=(), problems=(f"p{n}",)) for n in range(12)]
    lines = said(report_of(*several), Level.WARNING)
    assert len(lines) == 11
    assert lines[-1] == "source docker: not registered: 3 more reasons"


def test_mistakes_that_cost_no_registration_are_called_so():
    """In labels, and in settings."""
    source = SourcePart(
        source=FakeSource(attrs.evolve(workload("a"), problems=("a typo",))),
        filter=Filter(exclude=("name:x",)),
    )
    assert said(report_of(source=source), Level.WARNING) == [
        "source docker: settings: exclude name:x fits nothing here",
        "source docker: label problems: a: a typo",
    ]


def test_a_bridge_of_containers_is_no_address_for_others():
    """An address of the host in such a network is a warning."""

    class OnBridge(FakeSource):
        def host(self):
            return Host(name="h", addresses={"docker0": ("172.17.0.1",)})

    lines = said(report_of(source=OnBridge(workload("a", "172.17.0.1"))), Level.WARNING)
    assert any("the address of a bridge (docker0)" in line for line in lines)


def test_an_image_that_is_only_named_like_registrator_is_none():
    """`syncer-registrator` is syncer's own."""
    assert said(report_of(workload("a", image="acme/syncer-registrator:1")), Level.WARNING) == []


def test_a_scope_that_nobody_chose_is_a_warning():
    """A container's id as a scope changes with each start."""
    lines = said(report_of(source=FakeSource(scope="0123456789ab")), Level.WARNING)
    assert any("looks like a container id" in line for line in lines)


def test_entries_of_registrator_are_a_warning_unless_they_are_adopted():
    """Entries in its form, for this host, without a mark; those of other hosts do not count."""
    held = [
        attrs.evolve(make_registration(make_instance(id=id_)), mark=None)
        for id_ in (f"{SCOPE}:web:80", "other:web:80")
    ]
    (line,) = said(report_of(held=held), Level.WARNING)
    assert f"1 entry in registrator's form for this host: {SCOPE}:web:80" in line
    sink = attrs.evolve(CONFIG.sinks["consul"], adopt=("own",))
    adopting = attrs.evolve(CONFIG, sinks={"consul": sink})
    assert said(report_of(held=held, config=adopting), Level.WARNING) == []


def test_entries_of_another_source_of_ours_are_a_warning():
    """Another syncer with our owner and scope shows by a source not configured here."""
    held = attrs.evolve(
        make_registration(), mark=make_mark(owner="syncer", scope=SCOPE, source="other")
    )
    lines = said(report_of(held=[held]), Level.WARNING)
    assert any("come from other sources: other" in line for line in lines)


def test_a_source_without_an_answer_is_a_problem():
    """Its error is reported in one line."""
    source = FakeSource()
    source.failure = TemporaryError("no answer\nTraceback")
    report = report_of(source=source)
    assert said(report, Level.PROBLEM) == ["source docker: no answer"]
    assert failed(report)


def test_what_a_sink_finds_itself_goes_before_its_bare_error():
    """Its own finding has better advice than the error that it raised."""

    class Ill(MemorySink):
        def registrations(self):
            raise TemporaryError("away")

        def examine(self):
            return [Finding(Level.PROBLEM, "the token is wrong", "give another")]

    assert said(report_of(sink=Ill()), Level.PROBLEM) == ["sink consul: the token is wrong"]


def test_an_examination_that_fails_is_a_problem():
    """Whatever a plugin raises there."""

    class Broken(MemorySink):
        def examine(self):
            raise ValueError("oops")

    assert said(report_of(sink=Broken()), Level.PROBLEM) == ["sink consul: oops"]


def test_a_foreign_syncer_is_a_problem():
    """Two distributions that bring a `syncer` cannot live in one environment."""
    report = report_of(installed=Installed(foreign="1.0", failed=("bad",)))
    assert "the package syncer 1.0" in said(report, Level.PROBLEM)[0]
    assert "plugin bad cannot be used" in said(report, Level.WARNING)[0]


def test_warnings_of_the_configuration_are_told():
    """A secret that others can read, above all."""
    config = attrs.evolve(CONFIG, warnings=("token: it is world-readable",))
    assert said(report_of(config=config), Level.WARNING) == [
        "configuration: token: it is world-readable"
    ]


@pytest.mark.parametrize(
    ("now", "level", "words"),
    [
        (784111777.9, Level.OK, "in sync"),
        (784111777 + 60.5, Level.WARNING, "our clock is 60 s ahead of its clock"),
        (784111777 - 59.5, Level.WARNING, "our clock is 60 s behind its clock"),
    ],
)
def test_clocks(now, level, words):
    """More than five seconds apart is a warning."""
    found = clock_finding("Sun, 06 Nov 1994 08:49:37 GMT", now)
    assert found.level is level
    assert words in found.what


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_no_date_says_nothing_of_clocks(date):
    """Not every answer has a date."""
    assert clock_finding(date) is None
