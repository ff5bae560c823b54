"""The reports of commands."""

from fakes import held

from syncer import Skip
from syncer.api.changes import Plan
from syncer.cli.shared import has_failed
from syncer.cli.show import leads_into, nothing_from, plan_lines, report_lines
from syncer.engine.as_json import plan_json
from syncer.engine.queries import Once, Trouble
from syncer.events import CycleFinished, Elected


def report(*kinds, **fields):
    """Return a report of a cycle with a skip of each of these kinds."""
    skips = tuple(Skip(f"id{number}", kind, "why") for number, kind in enumerate(kinds))
    return CycleFinished(sink="s", plan=Plan(skipped=skips), **fields)


def test_each_failure_and_each_skip_has_a_line():
    """With its reason, and nothing in it is markup."""
    lines = list(report_lines("s", report("policy", applied=2, failed={"[red]x": "no [b]"})))
    assert lines == [
        "s: 2 changes applied, 1 failed",
        "  \\[red]x: no \\[b]",
        "  skipped id0: policy: why",
    ]


def trouble(number, *problems, unknown=False):
    return Trouble(
        source="docker", id=f"i{number}", name=f"w{number}", problems=problems, unknown=unknown
    )


def test_problems_of_workloads_are_lines_of_a_plan():
    """Each with its workload, as plain text; only so many, and JSON has all."""
    found = [trouble(1, "no [b]", unknown=True), trouble(2, "one", "two")]
    once = Once(answers={"s": Plan()}, troubles=found)
    assert list(plan_lines(once))[1:-1] == [
        "[red]unknown[/] docker: w1: no \\[b]",
        "[yellow]problem[/] docker: w2: one",
        "[yellow]problem[/] docker: w2: two",
    ]
    many = Once(answers={}, troubles=[trouble(number, "x") for number in range(60)])
    assert list(plan_lines(many))[-2] == (
        "[yellow]problem[/] 10 more workloads have problems: --json lists all"
    )
    assert len(plan_json(many)["problems"]) == 60
    assert plan_json(once)["problems"][0] == {
        "source": "docker",
        "workload": "i1",
        "name": "w1",
        "unknown": True,
        "problems": ["no [b]"],
    }


def test_what_is_unknown_of_a_workload_is_a_failure():
    """What it offers was not seen; a problem that costs a setting is none."""
    assert has_failed(Once(answers={}, troubles=[trouble(1, "x", unknown=True)]))
    assert not has_failed(Once(answers={}, troubles=[trouble(1, "x")]))


def test_what_a_standby_leaves_is_one_line():
    """However many changes there are; other skips keep a line each."""
    lines = list(report_lines("s", report(*["standby"] * 5000, "conflict")))
    assert lines[1:] == [
        "  another syncer holds the lock; 5000 changes are left to it",
        "  skipped id5000: conflict: why",
    ]


def test_what_a_lost_lead_leaves_is_one_line():
    """The command fails: its changes were not finished."""
    lost = report(*["lost"] * 5000, applied=3)
    assert list(report_lines("s", lost)) == [
        "s: 3 changes applied",
        "  the lock was lost during the cycle; 5000 changes were not made",
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
    assert "another syncer" in list(report_lines("s", report(), leads=leads["s"]))[1]
    assert len(list(report_lines("s", report()))) == 1


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
