"""What is not registered, and why: a row for each kind."""

import attrs
import pytest
from fakes import SOURCE, FakeSink, FakeSource, Heard, PickySink, exited, offer, workload

import syncer
from syncer import Engine, Filter, LeftOutKind, Parsed, SinkPart, SourcePart, Status, Unclear, View
from syncer.api.workloads import Port
from syncer.desired.addresses import AddressRules
from syncer.events import LeftOutChanged

BARE = attrs.evolve(workload("bare"), offers=None, ports=())
EXPOSED = attrs.evolve(BARE, ports=(Port(number=80),))
HOST = attrs.evolve(EXPOSED, network_mode="host")


def engine_of(*workloads, parsers=(), sinks=None, listeners=(), **part):
    source = SourcePart(source=FakeSource(*workloads), **part)
    sinks = sinks or {"memory": FakeSink()}
    return Engine({SOURCE: source}, sinks, parsers=parsers, listeners=listeners)


def answering(*offers, **fields):
    return (("labels", lambda workload, ports: Parsed(offers, **fields)),)


def failing(workload, ports):
    raise KeyError("odd")


NAMES = "the service name 'web' is denied by deny_names"
UNPLACED = offer(register_address="")
ADVERTISED = AddressRules(advertise="eth7")
ROWS = [
    ("no-parser", [HOST], {}, "no label parser is installed: pip install syncer-registrator"),
    ("no-parser", [HOST], {"parsers": answering()}, "its labels offer no service (read by labels)"),
    ("no-port", [BARE], {"parsers": answering()}, "it has no ports: give one in its labels"),
    ("no-port", [EXPOSED], {"parsers": answering()}, "none of its ports is published (80/tcp)"),
    ("no-port", [workload(offers=())], {}, "its source says that it offers no service"),
    ("no-address", [HOST], {"parsers": answering(UNPLACED), "rules": ADVERTISED}, "eth7, which is"),
    ("no-address", [workload(network_mode="none", offers=(UNPLACED,))], {}, "it has no network"),
    ("filtered", [workload()], {"filter": Filter(exclude=("name:web",))}, "excluded by the filter"),
    ("filtered", [workload()], {"filter": Filter(deny_names=("web",))}, NAMES),
    ("filtered", [workload()], {"filter": Filter(include=("tag:x",))}, "not included by any"),
    ("problem", [workload(offers=(offer(), offer(port=81, id="h:web:80")))], {}, "is already used"),
    ("problem", [workload(offers=(), problems=("odd",))], {}, "odd"),
    (
        "unclear",
        [HOST],
        {"parsers": (("labels", failing),)},
        "label parser labels failed: KeyError",
    ),
    ("unclear", [workload(namespace="other")], {}, "whose network it shares, is unknown"),
    ("state", [exited(workload())], {}, "its state is exited"),
    ("warning", [workload(problems=("a typo; did you mean it?",))], {}, "a typo; did you mean"),
    ("ignored", [HOST], {"parsers": answering(ignored="SERVICE_IGNORE")}, "SERVICE_IGNORE"),
]


@pytest.mark.parametrize(("kind", "workloads", "fields", "words"), ROWS)
def test_each_kind(kind, workloads, fields, words):
    """It is in the plan's list and in the engine's, with its name, its reason and what to do."""
    engine = engine_of(*workloads, **fields)
    planned = engine.plan().left_out
    (one,) = [one for one in planned if one.workload and one.kind == kind]
    assert words in one.text
    assert (one.source, one.workload, one.id) == (SOURCE, workloads[0].name, workloads[0].id)
    assert one.missing == (kind not in ("warning", "ignored"))
    assert engine.left_out() == planned
    (story,) = engine.explain(workloads[0].id)
    assert set(story.left_out) <= set(planned)


def test_every_kind_has_a_row():
    """But those that are about no workload."""
    assert {row[0] for row in ROWS} == set(LeftOutKind) - {LeftOutKind.UNKNOWN}


def test_what_is_registered_is_not_in_it():
    """Nor is a change that is held back: that is a skip."""
    assert engine_of(workload()).plan().left_out == ()


def test_what_cannot_be_described():
    """With the reason that its source gives."""

    class Obscure(FakeSource):
        def workloads(self):
            return View((), unclear={"a"}, reasons={"a": Unclear("status 403", "web")})

    (one,) = Engine({SOURCE: Obscure()}, {"memory": FakeSink()}).plan().left_out
    assert (one.kind, one.workload, one.id) == (LeftOutKind.UNCLEAR, "web", "a")
    assert "status 403" in one.reason


@pytest.mark.parametrize("by", ["sink", "withhold"])
def test_what_a_sink_does_not_list_in_its_status(by):
    """Because the sink drops it, or as it is configured."""
    paused = workload(state=syncer.State.PAUSED)
    if by == "sink":
        part = SinkPart(sink=PickySink(lambda one: one if one.status is Status.UP else None))
    else:
        part = SinkPart(sink=FakeSink(), withhold={Status.PAUSED})
    engine = engine_of(paused, sinks={"memory": part})
    (one,) = engine.plan().left_out
    assert (one.kind, one.reason) == (
        "state",
        "sink memory does not list h:web:80 while it is paused",
    )
    (story,) = engine.explain("web")
    assert story.left_out == (one,)


class TestSettings:
    """Patterns that fit nothing, which nobody would see otherwise."""

    def test_filters_that_fit_nothing(self):
        """Each, and that everything would go; not while something is unknown."""
        sink = FakeSink()
        engine_of(workload("web"), workload("db", port=81), sinks={"memory": sink}).reconcile()
        judge = Filter(
            include=("name:nothere", "name:web*x"), exclude=("tag:no",), allow_names=("no-*",)
        )
        engine = engine_of(
            workload("web"), workload("db", port=81), sinks={"memory": sink}, filter=judge
        )
        found = [one.text for one in engine.plan().left_out if not one.workload]
        assert found == [
            "the filters leave out all 2 workloads that run: 2 entries would be removed",
            "include name:nothere fits nothing here",
            "include name:web*x fits nothing here",
            "exclude tag:no fits nothing here",
            "allow_names no-* fits nothing here",
        ]

    def test_patterns_that_fit_are_not_told(self):
        """By a workload, or by an offer that another filter leaves out."""
        judge = Filter(include=("name:w*", "tag:t"), deny_names=("web",), allow_names=("WEB",))
        one = workload(offers=(offer(tags=("t",)),))
        assert {one.kind for one in engine_of(one, filter=judge).plan().left_out} == {"filtered"}

    def test_without_filters_none_leaves_anything_out(self):
        """One-off containers are left out by a rule of their own."""
        one = attrs.evolve(HOST, labels={"com.docker.compose.oneoff": "True"})
        (found,) = engine_of(one, parsers=answering(offer())).plan().left_out
        assert (found.workload, found.kind) == ("bare", "filtered")

    def test_overrides(self):
        """Told if labels give addresses, and none of them lies there."""
        rules = AddressRules(overrides=("10.1.0.0/16", "192.0.2.0/24"))
        given = offer(register_address="192.0.2.7")
        (one,) = engine_of(HOST, parsers=answering(given), rules=rules).plan().left_out
        assert one.reason == "addresses.overrides 10.1.0.0/16 fits no address in labels"

    def test_a_source_that_no_sink_takes(self):
        """Nothing of it is registered anywhere."""
        sources = {SOURCE: FakeSource(), "file": FakeSource(workload())}
        engine = Engine(sources, {"memory": SinkPart(sink=FakeSink(), sources=(SOURCE,))})
        (one,) = engine.plan().left_out
        assert (one.source, one.reason) == ("file", "no sink takes anything from source file")
        (story,) = engine.explain("web")
        assert story.left_out == (one,)


def test_what_a_sink_changes_or_drops():
    """It is registered, though not as its labels ask; once for each workload and sink."""
    odd = "metadata key 'a b' is left out"
    sink = PickySink(lambda one: attrs.evolve(one, problems=(*one.problems, odd)))
    two = workload(offers=(offer(), offer("other", port=81, id="o")))
    engine = engine_of(two, workload("api"), sinks={"picky": sink, "memory": FakeSink()})
    found = engine.plan().left_out
    assert [(one.kind, one.workload, one.reason) for one in found] == [
        ("warning", name, f"sink picky: {odd}") for name in ("api", "web")
    ]
    (story,) = engine.explain("web")
    assert story.left_out == found[1:]
    assert engine.left_out() == found
    for name in ("web-1", "api-1"):
        engine._trackers[SOURCE].source.remove(name)
    assert engine.plan().left_out == ()


class TestTold:
    """The event, which metrics and the log are made of."""

    def heard(self, source):
        heard = Heard()
        engine = Engine({SOURCE: source}, {"memory": FakeSink()}, listeners=[heard])
        return engine, lambda: [
            ([one.workload for one in event.left_out], event.news)
            for event in heard.of(LeftOutChanged)
        ]

    def test_it_is_told_when_it_changes(self):
        """The first time in any case, then only if something else is missing."""
        source = FakeSource(workload("web"), workload("worker", offers=()))
        engine, told = self.heard(source)
        engine.plan()
        engine.plan()
        assert told() == [(["worker"], True)]
        source.put(workload("cron", offers=()))
        engine._trackers[SOURCE].refresh("cron-1")
        assert told()[1:] == [(["cron", "worker"], True)]
        source.put(workload("other"))
        engine._trackers[SOURCE].refresh("other-1")
        assert len(told()) == 2

    def test_a_batch_is_told_once(self):
        """The list is made once for all events that came together, not for each."""
        source = FakeSource(workload("web"))
        engine, told = self.heard(source)
        engine.plan()
        source.put(*(workload(name, offers=()) for name in ("a", "b", "c")))
        assert engine._trackers[SOURCE].refresh("a-1", "b-1", "c-1")
        assert told() == [([], False), (["a", "b", "c"], True)]

    def test_a_state_is_no_news(self):
        """Containers end all the time; the metric counts them."""
        source = FakeSource(workload("web"))
        engine, told = self.heard(source)
        engine.plan()
        source.put(exited(workload("web")))
        engine.plan()
        assert told() == [([], False), (["web"], False)]
