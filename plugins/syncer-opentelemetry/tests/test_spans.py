"""What each event becomes, in OpenTelemetry's own SDK."""

import pytest
from opentelemetry.trace import StatusCode

from syncer import Deregister, Plan, Reason, Register, Skip, Update
from syncer.events import (
    ChangeApplied,
    CycleFinished,
    GuardPaused,
    LoopFailed,
    LoopRecovered,
    PulseBeaten,
    SourceListed,
    Warned,
)
from syncer.testing import make_instance, make_registration
from syncer_opentelemetry.spans import LONGEST, MOST

SECOND = 10**9
NEW = Register(make_registration(make_instance("new")))
MOVED = Update(
    make_registration(make_instance("moved")),
    make_registration(make_instance("moved", address="10.0.0.6")),
)
GONE = Deregister(make_registration(make_instance("gone")), Reason.WORKLOAD_GONE)
CHANGES = (NEW, MOVED, GONE)


def cycle(**fields):
    """The end of a cycle of the sink `consul`."""
    return CycleFinished(**{"sink": "consul", "plan": Plan(), **fields})


def happened(span):
    """Name and attributes of each event in a span."""
    return [(event.name, dict(event.attributes)) for event in span.events]


def test_a_listing(recorded):
    """It is a span as long as the listing was, with how much there was."""
    event = SourceListed(source="docker", workloads=3, instances=4, unclear=1, seconds=0.5)
    (span,) = recorded.tell(event).values()
    assert (span.name, span.parent, recorded.ago(span)) == ("list docker", None, (0.5, 0.0))
    assert span.attributes == {
        "syncer.source": "docker",
        "syncer.workloads": 3,
        "syncer.instances": 4,
        "syncer.unclear": 1,
        "syncer.complete": True,
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_quiet_cycle_is_one_span(recorded):
    """With what there is, and nothing below it."""
    skips = (Skip("a", "conflict", "x"), Skip("b", "conflict", "x"), Skip("c", "guard", "x"))
    plan = Plan(unchanged=7, ours=8, foreign=9, skipped=skips)
    (span,) = recorded.tell(cycle(plan=plan, seconds=2.0, planned=2.0)).values()
    assert (span.name, span.parent, recorded.ago(span)) == ("cycle consul", None, (2.0, 0.0))
    assert span.attributes == {
        "syncer.sink": "consul",
        "syncer.applied": 0,
        "syncer.failed": 0,
        "syncer.unchanged": 7,
        "syncer.ours": 8,
        "syncer.foreign": 9,
        "syncer.skipped": 3,
        "syncer.skips.conflict": 2,
        "syncer.skips.guard": 1,
        "syncer.planned.register": 0,
        "syncer.planned.update": 0,
        "syncer.planned.deregister": 0,
        "syncer.drift": 0,
    }
    assert happened(span) == []


def test_a_cycle_with_changes(recorded):
    """Below it planning and applying; each change appears at its time, with its id only."""
    told = [ChangeApplied(sink="consul", change=one, drift=one is MOVED) for one in CHANGES]
    assert recorded.tell(*told) == {}
    then, recorded.now = recorded.now, recorded.now + SECOND
    spans = recorded.tell(cycle(plan=Plan(changes=CHANGES), applied=3, seconds=4.0, planned=2.5))
    whole = spans["cycle consul"]
    assert set(spans) == {"cycle consul", "plan consul", "apply consul"}
    assert recorded.ago(spans["plan consul"]) == (4.0, 1.5)
    assert recorded.ago(spans["apply consul"]) == (1.5, 0.0)
    for part in ("plan consul", "apply consul"):
        assert spans[part].parent.span_id == whole.context.span_id
        assert spans[part].context.trace_id == whole.context.trace_id
    assert happened(whole) == [
        ("registered", {"syncer.id": NEW.id}),
        ("updated", {"syncer.id": MOVED.id}),
        ("deregistered", {"syncer.id": GONE.id}),
    ]
    assert {event.timestamp for event in whole.events} == {then}
    assert whole.attributes["syncer.drift"] == 1
    assert whole.attributes["syncer.planned.update"] == 1


def test_changes_belong_to_the_cycle_of_their_sink(recorded):
    """Changes of another sink, or of an earlier cycle, are not repeated."""
    recorded.tell(ChangeApplied(sink="etcd", change=NEW), ChangeApplied(sink="consul", change=GONE))
    assert happened(recorded.tell(cycle())["cycle consul"]) == [
        ("deregistered", {"syncer.id": GONE.id})
    ]
    assert happened(recorded.tell(cycle())["cycle consul"]) == []
    assert len(happened(recorded.tell(cycle(sink="etcd"))["cycle etcd"])) == 1


def test_changes_that_fail(recorded):
    """The span says that it failed, how much, and why."""
    event = cycle(plan=Plan(changes=CHANGES), applied=2, failed={NEW.id: "permission\ndenied"})
    span = recorded.tell(event)["cycle consul"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "1 of 3 changes failed: permission denied"
    assert span.attributes["syncer.failed"] == 1
    failed = {"syncer.id": NEW.id, "syncer.error": "permission denied"}
    assert happened(span) == [("failed", failed)]


@pytest.mark.parametrize(
    ("loop", "name", "attributes"),
    [
        ("sink consul", "cycle consul", {"syncer.sink": "consul"}),
        ("source docker", "list docker", {"syncer.source": "docker"}),
        ("pulse consul", "pulse consul", {}),
        ("watch docker", "watch docker", {}),
    ],
)
def test_work_that_fails(recorded, loop, name, attributes):
    """It is a span of the name that it would have had, without length, that failed."""
    (span,) = recorded.tell(LoopFailed(loop=loop, error="no answer", failures=10)).values()
    assert (span.name, recorded.ago(span)) == (name, (0.0, 0.0))
    assert span.attributes == {**attributes, "syncer.failures": 10}
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "no answer"


def test_failures_that_are_no_news(recorded):
    """Each failed cycle and listing is a span; failed watches, which are frequent, are not."""
    for loop, count in (("sink s", 1), ("source d", 1), ("watch d", 0), ("pulse s", 0)):
        event = LoopFailed(loop=loop, error="no answer", failures=3, news=False)
        assert len(recorded.tell(event)) == count


def test_what_a_failed_cycle_had_done_is_not_told_of_the_next(recorded):
    """They belong to the failure."""
    recorded.tell(ChangeApplied(sink="consul", change=NEW))
    failed = recorded.tell(LoopFailed(loop="sink consul", error="a fault"))["cycle consul"]
    assert happened(failed) == [("registered", {"syncer.id": NEW.id})]
    assert happened(recorded.tell(cycle())["cycle consul"]) == []


def test_all_else_is_no_span(recorded):
    """Pulses, of which there may be one a second, words to people, and whatever comes later."""
    events = (
        PulseBeaten(sink="eureka", held=3),
        GuardPaused(sink="consul", held=20, ours=30),
        LoopRecovered(loop="sink consul", failures=3),
        Warned(text="look at this"),
        object(),
    )
    assert recorded.tell(*events) == {}


def test_a_span_is_bounded(recorded):
    """Spans are bounded, however much changes and however long texts are."""
    many = [
        Register(make_registration(make_instance(id=f"{n}-" + "x" * 5000)))
        for n in range(10 * MOST)
    ]
    recorded.tell(*(ChangeApplied(sink="consul", change=one) for one in many))
    failed = {one.id: "e" * 5000 for one in many}
    span = recorded.tell(cycle(plan=Plan(changes=many), failed=failed))["cycle consul"]
    assert len(span.events) == 2 * MOST
    texts = [text for _, told in happened(span) for text in told.values()]
    assert max(map(len, texts)) == LONGEST
    assert len(span.status.description) < LONGEST + 100


def test_only_ids_and_numbers(recorded):
    """Of an entry only the id is exported, and nothing from labels."""
    rich = make_instance(
        "web", id="the-id", tags=("a-tag",), meta={"a-key": "a-value"}, address="192.0.2.77"
    )
    change = Register(make_registration(rich))
    spans = recorded.tell(
        ChangeApplied(sink="consul", change=change),
        cycle(plan=Plan(changes=(change,), skipped=(Skip("b", "guard", "a-reason"),))),
    )
    shown = "".join(span.to_json() for span in spans.values())
    assert "the-id" in shown
    for text in ("a-tag", "a-key", "a-value", "192.0.2.77", "a-reason"):
        assert text not in shown


def test_text_that_cannot_be_sent_is_escaped(recorded):
    """A half of a character in an id would cost the whole batch."""
    odd = Register(make_registration(make_instance(id="a\ud800b")))
    spans = recorded.tell(ChangeApplied(sink="consul", change=odd), cycle())
    assert happened(spans["cycle consul"]) == [("registered", {"syncer.id": "a\\ud800b"})]


def test_asked_for_within_a_span_it_is_its_child(recorded):
    """A program that embeds the engine sees cycles where it asked for them."""
    with recorded.tracer.start_as_current_span("of the program") as outer:
        span = recorded.tell(cycle())["cycle consul"]
    assert span.parent.span_id == outer.get_span_context().span_id


def test_a_cycle_that_planned_longer_than_it_took(recorded):
    """Clocks that are rounded make no span that ends before it begins."""
    event = cycle(plan=Plan(changes=(NEW,)), seconds=1.0, planned=1.5)
    spans = recorded.tell(event)
    assert recorded.ago(spans["apply consul"]) == (0.0, 0.0)
