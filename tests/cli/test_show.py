"""The reports of commands."""

import attrs
from fakes import SOURCE, FakeSink, FakeSource, held, offer, workload

from syncer import (
    Deregister,
    Engine,
    Reason,
    Register,
    Skip,
    SourcePart,
    TemporaryError,
    Update,
)
from syncer.api.changes import Plan
from syncer.api.fields import EMPTY
from syncer.api.keys import Part
from syncer.api.left_out import LeftOut
from syncer.api.workloads import Host
from syncer.cli.shared import has_failed
from syncer.cli.show import leads_into, nothing_from, plan_lines, report_lines, story_lines
from syncer.desired.addresses import AddressRules
from syncer.engine.as_json import plan_json
from syncer.engine.queries import Once
from syncer.events import CycleFinished, Elected


def report(*kinds, **fields):
    """Return a report of a cycle with a skip of each of these kinds."""
    skips = tuple(Skip(f"id{number}", kind, "why") for number, kind in enumerate(kinds))
    return CycleFinished(sink="s", plan=Plan(skipped=skips), **fields)


def reported(found, leads=EMPTY):
    """The lines that `apply` prints of one sink's cycle."""
    return list(report_lines(Once(answers={"s": found}), leads))


def test_a_plan_begins_with_failures_and_ends_with_the_summary():
    """The last line is the answer; a digest is shown only of a plan that can be applied."""
    plan = Plan(changes=(Register(held("web")),), unchanged=38, foreign=1)
    lines = list(plan_lines(Once(answers={"s": plan})))
    assert "+ register" in lines[0]
    assert lines[-2].startswith("digest ")
    assert lines[-1] == "[bold]s[/]: 1 to register, 38 unchanged, 1 foreign"
    silent = {Part("source", "docker"): "no answer"}
    lines = list(plan_lines(Once(answers={"s": plan}, errors=silent)))
    assert lines[0] == "[red]source docker failed[/]: no answer"
    assert not [line for line in lines if line.startswith("digest")]
    assert lines[-1].endswith("1 foreign, incomplete without source docker")


def test_several_sinks_have_a_heading_each():
    """Only those with something to say; the summaries follow all of them."""
    plan = Plan(changes=(Register(held("web")),))
    lines = list(plan_lines(Once(answers={"a": plan, "b": plan, "c": Plan()})))
    heads = ["[bold]a[/]", "[bold]b[/]"]
    assert [line for line in lines if line in (*heads, "[bold]c[/]")] == heads
    assert lines[-1] == "[bold]c[/]: no changes"


def test_nothing_is_counted_that_is_not_known():
    """Without an answer of the source there is no "0 to remove"; else "no changes" is said."""
    silent = {Part("source", "docker"): "no answer"}
    unknown = list(plan_lines(Once(answers={"s": Plan()}, errors=silent)))
    assert unknown[-1] == "[bold]s[/]: incomplete without source docker"
    assert list(plan_lines(Once(answers={"s": Plan(unchanged=2)}))) == [
        "[bold]s[/]: no changes, 2 unchanged"
    ]


def test_entries_of_a_source_that_does_not_answer_are_not_foreign():
    """Whether they are ours is known when it answers; until then they are kept."""

    class Away(FakeSource):
        def scope(self):
            raise TemporaryError("no answer")

    sink = FakeSink()
    for one in (
        held(),
        held("other", scope="b"),
        held("x", owner="other"),
        held("y", source="old"),
    ):
        sink.store.put(one, None)
    plans = Engine({SOURCE: Away()}, {"s": sink}).plan()
    kept = f"2 entries kept, unknown until source {SOURCE} answers"
    assert list(plan_lines(plans))[-1] == f"[bold]s[/]: 2 foreign, {kept}"


def test_equal_skips_share_a_line():
    """Of the same kind and for the same reason; another reason has a line of its own."""
    skips = [Skip(f"id{number}", "stray", "why") for number in range(600)]
    plan = Plan(skipped=(*skips, Skip("web", "conflict", "taken")))
    assert list(plan_lines(Once(answers={"s": plan})))[:-1] == [
        "  [dim]. skip[/]     id0, id1, id2, id3, id4 and 595 more: stray: why",
        "  [dim]. skip[/]     web: conflict: taken",
    ]


def test_an_address_that_is_gone_is_told_once():
    """For all entries that stay because of it; `plan` and `apply` say it alike."""
    web = workload("web", offers=(offer(register_address=""), offer(register_address="", port=81)))
    db = workload("db", offers=(offer("db", register_address="", port=5432),))
    source = FakeSource(*(attrs.evolve(one, network_mode="host") for one in (web, db)))
    part, sink = SourcePart(source=source, rules=AddressRules(advertise="eth7")), FakeSink()
    source.host = lambda: Host(name="h", addresses={"eth7": ("192.0.2.9",)})
    Engine({SOURCE: part}, {"s": sink}).reconcile()
    source.host = lambda: Host(name="h", addresses={"eth0": ("192.0.2.9",)})
    engine = Engine({SOURCE: part}, {"s": sink})
    for lines in ([*plan_lines(engine.plan())], [*report_lines(engine.reconcile())]):
        assert [line for line in lines if ". skip" in line] == lines[:1]
        assert lines[0].endswith(": unclear: the reason is below")
        assert all(id_ in lines[0] for id_ in ("h:web:80", "h:web:81", "h:db:5432"))
        assert sum("cannot advertise eth7" in line for line in lines) == 1


def test_each_failure_and_each_skip_has_a_line():
    """With its reason, and nothing in it is markup."""
    lines = reported(report("policy", applied=2, failed={"[red]x": "no [b]"}))
    assert lines == [
        "  [red]! failed[/]     \\[red]x: no \\[b]",
        "  [dim]. skipped[/]  id0: policy: why",
        "[bold]s[/]: 2 changes applied, 1 failed",
    ]


def test_what_apply_did_is_named():
    """Each change that was made, in one line; not those that failed."""
    changes = (
        Register(held("web")),
        Update(held("db"), held("db", tags=("blue",))),
        Deregister(held("old"), Reason.WORKLOAD_GONE),
        Register(held("bad")),
    )
    done = CycleFinished(sink="s", plan=Plan(changes=changes), applied=3, failed={"bad": "refused"})
    lines = reported(done)
    assert [line.split("]", 1)[1].split("[/]")[0] for line in lines[:-2]] == [
        "+ registered",
        "~ updated   ",
        "- removed   ",
    ]
    assert "web" in lines[0]
    assert lines[1].endswith(": tags")
    assert reported(report(applied=1)) == ["[bold]s[/]: 1 change applied"]


def left(number, reason, kind="no-port", **fields):
    made = {"source": "docker", "workload": f"w{number}", "id": f"i{number}"} | fields
    return LeftOut(kind=kind, reason=reason, **made)


def test_what_is_not_registered_is_a_part_of_a_plan():
    """A line for each reason, as plain text, and what labels ask for is only counted.

    Settings, and mistakes that cost no registration, have headings of their own.
    """
    found = [
        left(0, "it fits [b]", "unknown", workload="", id=""),
        left(1, "no [b]", "unclear"),
        *(left(number, "no ports", advice="give one") for number in range(2, 9)),
        left(9, "denied", "filtered", port="80/tcp"),
        left(1, "a typo", "warning"),
        left(2, "a typo", "warning"),
        left(10, "label", "ignored"),
        left(11, "label", "ignored"),
    ]
    once = Once(answers={"s": Plan()}, left_out=found)
    assert list(plan_lines(once)) == [
        "[bold]settings[/]: 1",
        "  [yellow]unknown   [/] docker: it fits \\[b]",
        "[bold]not registered[/]: 9",
        "  [yellow]unclear   [/] docker: w1: no \\[b]",
        "  [yellow]no-port   [/] docker: w2, w3, w4, w5, w6 and 2 more: no ports: give one",
        "  [yellow]filtered  [/] docker: w9 80/tcp: denied",
        "[bold]label problems[/]: 2",
        "  [yellow]warning   [/] docker: w1, w2: a typo",
        "[dim]ignored, as their labels ask: 2[/]",
        "[bold]s[/]: no changes, 9 workloads not registered",
    ]
    assert plan_json(once)["not_registered"][1] == {
        "source": "docker",
        "kind": "unclear",
        "workload": "w1",
        "id": "i1",
        "port": "",
        "reason": "no [b]",
        "advice": "",
    }


def test_a_story_begins_with_the_result():
    """The line of each registry comes before what it is made of."""
    engine = Engine({SOURCE: FakeSource(workload())}, {"memory": FakeSink()})
    (story,) = engine.explain("web")
    found = [line.split()[0] for line in story_lines(story)]
    assert found[1:4] == ["port", "in", "address"]
    assert found.index("in") < found.index("id")


def test_only_so_many_reasons_are_lines():
    """JSON has all."""
    many = Once(answers={}, left_out=[left(number, f"{number}") for number in range(60)])
    assert list(plan_lines(many))[-1] == "  [dim]10 more reasons: --json lists all[/]"
    assert len(plan_json(many)["not_registered"]) == 60


def test_what_is_unknown_of_a_workload_is_a_failure():
    """What it offers was not seen; a problem that costs a setting is none."""
    assert has_failed(Once(answers={}, partial=True))
    assert not has_failed(Once(answers={}, left_out=[left(1, "x")]))


def test_what_a_standby_leaves_is_one_line():
    """However many changes there are; other skips keep a line each."""
    assert reported(report(*["standby"] * 5000, "conflict")) == [
        "  [dim]. skipped[/]  id5000: conflict: why",
        "[bold]s[/]: 0 changes applied, 5000 changes left to another syncer, which holds the lock",
    ]


def test_what_a_lost_lead_leaves_is_one_line():
    """The command fails: its changes were not finished."""
    lost = report(*["lost"] * 5000, applied=3)
    assert reported(lost) == [
        "[bold]s[/]: 3 changes applied, 5000 changes not made, since the lock was lost during the"
        " cycle",
    ]
    assert has_failed(Once(answers={"s": lost}))
    assert not has_failed(Once(answers={"s": report("standby")}))


def test_a_standby_is_told_also_if_nothing_is_to_do():
    """Otherwise nobody would learn why later changes are not made."""
    leads = {}
    listen = leads_into(leads)
    listen(Elected(sink="s", leads=False))
    listen(report())
    assert leads == {"s": False}
    assert "another syncer" in reported(report(), leads)[-1]
    assert "another syncer" not in reported(report())[-1]


def test_what_there_is_instead_is_told_by_source():
    """The nearest name, and the first services of each source; no line can be forged."""
    many = [held(f"id{number}", service=f"w{number:02}", source="docker") for number in range(12)]
    one = held("p", service="printer\u2028syncer: all is well", source="old")
    text = nothing_from("dcker", Once(answers={"a": tuple(many), "b": (*many, one)}))
    names = ", ".join(f"w{number:02}" for number in range(10))
    assert text.splitlines() == [
        "this syncer has no entries from source 'dcker'; did you mean 'docker'?",
        f"source docker: {names} and 2 more",
        "source old: printer\\u2028syncer: all is well",
    ]
