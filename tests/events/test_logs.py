"""Events as log lines."""

import io
import json
import os
import re
from datetime import datetime
from typing import get_args

import attrs
import pytest
from fakes import held, wanted

from syncer import (
    STATUS_KEY,
    CheckStatus,
    Deregister,
    Plan,
    Reason,
    Register,
    Skip,
    Status,
    Update,
)
from syncer.api.left_out import LeftOut
from syncer.events import (
    AnyEvent,
    ChangeApplied,
    ChangeFailed,
    ConfigRefused,
    ConfigReloaded,
    CycleFinished,
    Elected,
    GuardPaused,
    GuardReleased,
    HealthChanged,
    LeaseLost,
    LeftOutChanged,
    LoopFailed,
    LoopRecovered,
    ProblemsFound,
    PulseBeaten,
    SkipsChanged,
    SourceListed,
    Warned,
    lines,
    logs,
)

NEW = Register(wanted().registration)
MOVED = Update(held(), wanted(port=81).registration)
GONE = Deregister(held(address="::1"), Reason.WORKLOAD_GONE)
WEB = {"sink": "s", "service": "web", "id": "h:web:80"}
AT = {**WEB, "address": "10.0.0.1:80"}


def skip(number, kind="doubt"):
    return Skip(f"id{number}", kind, "because")


LINES = [
    (
        SourceListed(source="d", workloads=3),
        ("debug", "source listed", "d listed: 3 workloads", {"source": "d", "workloads": 3}),
    ),
    (
        SourceListed(source="d", workloads=1, first=True, unclear=1),
        (
            "info",
            "source listed",
            "d listed: 1 workload, 1 cannot be read",
            {"source": "d", "workloads": 1, "unclear": 1},
        ),
    ),
    (
        SourceListed(source="d", workloads=3, complete=False),
        (
            "debug",
            "source listed",
            "d listed: 3 workloads; the listing is incomplete",
            {"source": "d", "workloads": 3, "complete": False},
        ),
    ),
    (
        LoopFailed(loop="sink s", error="down", failures=2, retry_in=1.26),
        (
            "warning",
            "sink s failed",
            "sink s: down (retry in 1 s)",
            {"of": "sink s", "error": "down", "failures": 2, "retry_in": "1.3s"},
        ),
    ),
    (
        LoopFailed(loop="sink s", error="bug", trace="Traceback"),
        (
            "warning",
            "sink s failed",
            "sink s: bug",
            {"of": "sink s", "error": "bug", "trace": "Traceback"},
        ),
    ),
    (
        LoopFailed(loop="sink s", error="down", failures=3, news=False),
        ("debug", "sink s failed", "sink s: down", {"of": "sink s", "error": "down"}),
    ),
    (
        LoopRecovered(loop="sink s", failures=2),
        (
            "info",
            "sink s recovered",
            "sink s recovered after 2 failures",
            {"of": "sink s", "failures": 2},
        ),
    ),
    (
        ProblemsFound(source="d", workload="w", problems=("a", "b")),
        *(
            (
                "warning",
                "problem",
                f"w (d): {text}",
                {"source": "d", "workload": "w", "problem": text},
            )
            for text in "ab"
        ),
    ),
    (
        ProblemsFound(source="d", workload="w", problems=["a"] * 120),
        *[("warning", "problem", "w (d): a", {"source": "d", "workload": "w", "problem": "a"})]
        * 20,
        (
            "warning",
            "more problems",
            "w (d): 100 more problems, shown by explain",
            {"source": "d", "workload": "w", "more": 100},
        ),
    ),
    (ProblemsFound(source="d", workload="w", problems=()),),
    (
        ChangeApplied(sink="s", change=NEW),
        ("info", "registered", "web (h:web:80) registered in s at 10.0.0.1:80", AT),
    ),
    (
        ChangeApplied(sink="s", change=NEW, drift=True),
        (
            "info",
            "registered",
            "web (h:web:80) registered again in s at 10.0.0.1:80",
            {**AT, "drift": True},
        ),
    ),
    (
        ChangeApplied(sink="s", change=MOVED),
        (
            "info",
            "updated",
            "web (h:web:80) updated in s: port 80 -> 81",
            {**WEB, "address": "10.0.0.1:81", "changed": ["port"]},
        ),
    ),
    (
        ChangeApplied(sink="s", change=MOVED, drift=True),
        (
            "info",
            "updated",
            "web (h:web:80) restored in s: port 80 -> 81",
            {**WEB, "address": "10.0.0.1:81", "changed": ["port"], "drift": True},
        ),
    ),
    (
        ChangeApplied(sink="s", change=Update(held(), held(status=Status.PAUSED, tags=["a"]))),
        (
            "info",
            "updated",
            "web (h:web:80) in s: up -> paused, tags",
            {**AT, "changed": ["tags", "status"]},
        ),
    ),
    (
        ChangeApplied(sink="s", change=Update(held(meta={STATUS_KEY: "starting"}), held())),
        (
            "info",
            "updated",
            "web (h:web:80) in s: starting -> up",
            {**AT, "changed": ["status"]},
        ),
    ),
    (
        ChangeApplied(sink="s", change=Update(held(), held(scope="old"))),
        ("info", "updated", "web (h:web:80) updated in s: mark", {**AT, "changed": ["mark"]}),
    ),
    (
        ChangeApplied(sink="s", change=GONE),
        (
            "info",
            "deregistered",
            "web (h:web:80) removed from s: workload gone",
            {**WEB, "address": "[::1]:80", "reason": "workload gone"},
        ),
    ),
    (
        ChangeFailed(sink="s", change=NEW, error="h:web:80: no"),
        (
            "warning",
            "not registered",
            "web (h:web:80) not registered in s: no",
            {**AT, "error": "h:web:80: no"},
        ),
    ),
    (
        ChangeFailed(sink="s", change=NEW, error="no", permanent=True),
        (
            "warning",
            "not registered",
            "web (h:web:80) not registered in s: no",
            {**AT, "error": "no", "refused": True},
        ),
    ),
    (
        SkipsChanged(sink="s", skips=(skip(1), skip(2, "conflict"))),
        (
            "info",
            "change held back",
            "id1 held back in s (doubt): because",
            {"sink": "s", "id": "id1", "why": "doubt", "reason": "because"},
        ),
        (
            "warning",
            "change held back",
            "id2 held back in s (conflict): because",
            {"sink": "s", "id": "id2", "why": "conflict", "reason": "because"},
        ),
    ),
    (
        GuardPaused(sink="s", held=5, ours=9),
        (
            "warning",
            "guard paused: too many removals at once",
            "guard holds back 5 removals and moves of 9 entries in s: too many at once"
            " (see syncer plan)",
            {"sink": "s", "held": 5, "of": 9},
        ),
    ),
    (
        GuardReleased(sink="s"),
        ("info", "guard released", "guard holds nothing back in s any more", {"sink": "s"}),
    ),
    (
        HealthChanged(target="tcp://a:1", status=CheckStatus.CRITICAL, output="refused"),
        (
            "warning",
            "health changed",
            "tcp://a:1 is critical: refused",
            {"target": "tcp://a:1", "status": "critical", "output": "refused"},
        ),
    ),
    (
        HealthChanged(target="tcp://a:1", status=CheckStatus.PASSING),
        (
            "info",
            "health changed",
            "tcp://a:1 is passing",
            {"target": "tcp://a:1", "status": "passing", "output": ""},
        ),
    ),
    (
        Elected(sink="s", leads=True),
        ("info", "became leader", "s: leader: this syncer writes", {"sink": "s"}),
    ),
    (
        Elected(sink="s", leads=False),
        ("info", "became standby", "s: standby: another syncer holds the lock", {"sink": "s"}),
    ),
    (
        PulseBeaten(sink="s", held=2, late=0.12344, seconds=0.5),
        (
            "debug",
            "pulse",
            "s: 2 entries renewed in 0.5 s, 0.1234 s late",
            {"sink": "s", "held": 2, "late": 0.1234, "seconds": 0.5},
        ),
    ),
    (
        LeaseLost(sink="s", lost=2),
        (
            "warning",
            "registry lost entries",
            "s lost 2 entries or checks; writing them again",
            {"sink": "s", "lost": 2},
        ),
    ),
    (
        CycleFinished(
            sink="s",
            plan=Plan(unchanged=4, foreign=1, skipped=(skip(1),)),
            applied=2,
            failed={"a": "x"},
            seconds=0.123456,
        ),
        (
            "debug",
            "cycle finished",
            "s: cycle took 0.1235 s: 2 applied, 1 failed, 4 unchanged, 1 held back",
            {
                "sink": "s",
                "applied": 2,
                "failed": 1,
                "unchanged": 4,
                "skipped": 1,
                "foreign": 1,
                "seconds": 0.1235,
            },
        ),
    ),
    (ConfigReloaded(), ("info", "configuration unchanged", "configuration unchanged", {})),
    (
        ConfigReloaded(changed=("interval", "sinks.a added")),
        (
            "info",
            "configuration reloaded",
            "configuration reloaded: interval, sinks.a added",
            {"changed": ["interval", "sinks.a added"]},
        ),
    ),
    (
        ConfigRefused(problems=("a", "b")),
        *(
            (
                "warning",
                "configuration refused",
                f"configuration refused, the previous one stays in use: {text}",
                {"problem": text},
            )
            for text in "ab"
        ),
    ),
    (
        LeftOutChanged(
            source="docker",
            left_out=[
                LeftOut(source="docker", kind="unknown", reason="include name:x fits nothing here"),
                LeftOut(source="docker", kind="no-port", workload="a", id="1", reason="no ports"),
                LeftOut(source="docker", kind="no-port", workload="b", id="2", reason="no ports"),
                LeftOut(source="docker", kind="ignored", workload="c", id="3", reason="label"),
            ],
        ),
        (
            "info",
            "left out",
            "docker: 2 workloads not registered, for example: include name:x fits nothing here",
            {"source": "docker", "no_port": 2, "for_example": "include name:x fits nothing here"},
        ),
    ),
    (
        LeftOutChanged(
            source="docker",
            left_out=[LeftOut(source="docker", kind="unknown", reason="include x fits nothing")],
        ),
        (
            "info",
            "left out",
            "docker: 0 workloads not registered; include x fits nothing",
            {"source": "docker", "for_example": "include x fits nothing"},
        ),
    ),
    (
        LeftOutChanged(
            source="docker",
            left_out=[
                LeftOut(source="docker", kind="ignored", workload="c", id="3", reason="label"),
            ],
        ),
        ("info", "left out", "docker: 0 workloads not registered", {"source": "docker"}),
    ),
    (
        LeftOutChanged(source="docker", left_out=[], news=False),
        (
            "debug",
            "left out",
            "docker: 0 workloads not registered",
            {"source": "docker"},
        ),
    ),
    (Warned(text="look at this"), ("warning", "look at this", "look at this", {})),
    ("an event of a later version",),
]


@pytest.mark.parametrize("case", LINES, ids=lambda case: type(case[0]).__name__)
def test_the_lines_of_an_event(case):
    """Each event says what a person or a search needs, and no more."""
    event, *expected = case
    assert [attrs.astuple(one, recurse=False) for one in lines.records(event)] == expected


def test_every_event_has_its_line():
    """No event of this version is forgotten."""
    assert set(get_args(AnyEvent)) <= {type(event) for event, *_ in LINES}


def test_common_lines_fit_a_terminal():
    """The usual news of one instance fit 80 columns, with the time and the level."""
    on = {"id": "ops1:web:8000", "address": "192.0.2.2", "port": 8000}
    entry = held(**on)
    for change in (
        Register(entry),
        Deregister(entry, Reason.NOT_OFFERED),
        Update(entry, held(**on, status=Status.PAUSED)),
        Update(held(**on, meta={STATUS_KEY: "starting"}), entry),
    ):
        line = printed(ChangeApplied(sink="consul", change=change), stream=Terminal())
        assert len(re.sub(r"\x1b\[\d+m", "", line).rstrip()) <= 80


def test_many_skips_of_one_kind_are_one_line():
    """A source that is down does not fill the log."""
    event = SkipsChanged(sink="s", skips=[skip(n) for n in range(lines.MANY + 1)])
    (record,) = lines.records(event)
    held_back = f"{lines.MANY + 1} changes held back"
    assert (record.level, record.event) == ("info", "changes held back")
    assert record.fields["held"] == lines.MANY + 1
    assert record.text == f"{held_back} in s (doubt), for example id0: because"
    assert (record.fields["id"], record.fields["for_example"]) == ("id0", True)
    event = SkipsChanged(sink="s", skips=[skip(n) for n in range(lines.MANY)])
    assert len(list(lines.records(event))) == lines.MANY


def test_many_of_one_reason_are_one_line():
    """Of a kind whose reason says it all, one id is enough; another reason is another line."""
    skips = [Skip(f"id{n}", "namesake", reason) for n, reason in enumerate(("x", "x", "y"))]
    (two, one) = lines.records(SkipsChanged(sink="s", skips=skips))
    assert (two.event, two.fields["for_example"]) == ("changes held back", True)
    assert (one.event, one.fields["id"]) == ("change held back", "id2")


class Terminal(io.StringIO):
    """A stream that shows colours."""

    def isatty(self):
        return True


def printed(*events, stream=None, form="console", verbose=False):
    """What events print in a log of this form."""
    stream = stream or io.StringIO()
    log = logs.Log(stream, form=logs.Form(form), verbose=verbose)
    for event in events:
        log.listen(event)
    return stream.getvalue()


def texts(*events, **how):
    """What a log says of events, without times and levels."""
    return [line.split(" ", 2)[2].lstrip() for line in printed(*events, **how).splitlines()]


def finished(**fields):
    """A cycle of a sink whose sources have all listed."""
    return CycleFinished(**{"sink": "s", "plan": Plan(ours=6), "listed": True, **fields})


class TestPrinting:
    """What the log prints."""

    def test_a_line_for_people(self):
        """The time to the second with its zone, the level, and a sentence."""
        line = printed(ChangeApplied(sink="s", change=NEW))
        time, rest = line.split(" ", 1)
        assert datetime.fromisoformat(time).utcoffset() is not None
        assert "." not in time
        assert rest == "info  web (h:web:80) registered in s at 10.0.0.1:80\n"

    def test_a_name_with_spaces_is_quoted(self):
        """A label cannot write a sentence of its own into the line."""
        change = Register(held(service="x (y) registered in s"))
        (text,) = texts(ChangeApplied(sink="s", change=change))
        assert text.startswith("'x (y) registered in s' (h:web:80) registered")

    def test_a_terminal_shows_the_same_in_colours(self):
        """Without the date: who watches knows the day."""
        line = printed(ChangeApplied(sink="s", change=NEW), stream=Terminal())
        assert "\x1b[32minfo" in line
        plain = re.sub(r"\x1b\[\d+m", "", line)
        assert re.fullmatch(r"\d\d:\d\d:\d\d[+-]\d\d:\d\d info  web .*80\n", plain)

    def test_a_line_for_machines(self):
        """As JSON every field is a key, and the time is UTC."""
        found = json.loads(printed(ChangeApplied(sink="s", change=MOVED), form="json"))
        assert found.pop("timestamp").endswith("Z")
        assert found == {
            **WEB,
            "address": "10.0.0.1:81",
            "changed": ["port"],
            "event": "updated",
            "level": "info",
            "message": "web (h:web:80) updated in s: port 80 -> 81",
        }

    @pytest.mark.parametrize(("event", "priority"), [(NEW, 6), ("look", 4)])
    def test_a_line_for_the_journal(self, event, priority):
        """The journal has a time already; it reads the priority from the line."""
        event = Warned(text=event) if event == "look" else ChangeApplied(sink="s", change=event)
        (record,) = lines.records(event)
        assert printed(event, form="journald") == f"<{priority}>{record.text}\n"

    def test_the_journal_is_recognised(self, tmp_path):
        """By the variable that systemd sets, if standard error is the stream that it names."""
        with (tmp_path / "err").open("w") as stream:
            found = os.fstat(stream.fileno())
            journal = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
            assert logs.form_for(None, stream, journal) is logs.Form.JOURNALD
            assert logs.form_for("json", stream, journal) is logs.Form.JSON
            for other in ({}, {"JOURNAL_STREAM": "1:2"}):
                assert logs.form_for(None, stream, other) is logs.Form.CONSOLE
        assert logs.form_for(None, io.StringIO(), journal) is logs.Form.CONSOLE

    def test_what_no_event_stands_for_can_be_said(self):
        """The process's own lines look like all others."""
        stream = io.StringIO()
        log = logs.Log(stream, form=logs.Form.JSON, verbose=False)
        log.say("started", "syncer 1", version="1\n2", sinks=["a", "b\n"])
        found = json.loads(stream.getvalue())
        assert (found["event"], found["message"]) == ("started", "syncer 1")
        assert (found["version"], found["sinks"], found["level"]) == (
            "1\\n2",
            ["a", "b\\n"],
            "info",
        )

    def test_details_are_printed_when_asked_for(self):
        """An idle cycle prints nothing unless somebody wants to see it."""
        event = CycleFinished(sink="s", plan=Plan())
        assert printed(event) == ""
        assert "cycle took" in printed(event, verbose=True)

    @pytest.mark.parametrize("form", ["json", "console", "journald"])
    def test_no_text_can_forge_a_line(self, form):
        """What labels and registries say stays on its line, without control characters."""
        evil = "x\n2026-01-01T00:00:00 [info] deregistered everything \x1b[31m\r\u2028\x85"
        events = [
            ProblemsFound(source="d", workload=evil, problems=(evil,)),
            LoopFailed(loop="sink s", error=evil),
            SkipsChanged(sink="s", skips=(Skip(evil, "doubt", evil),)),
            ChangeFailed(sink="s", change=NEW, error=evil),
            ConfigReloaded(changed=(evil,)),
            ConfigRefused(problems=(evil,)),
            Warned(text=evil),
        ]
        for event in events:
            line = printed(event, form=form)
            assert line.count("\n") == 1
            assert "\x1b[31m" not in line
            assert not {"\r", "\u2028", "\x85"} & set(line)

    @pytest.mark.parametrize("form", ["json", "console"])
    def test_a_traceback_is_whole_and_can_forge_no_line(self, form):
        """It may be long, and what an error's text holds cannot break out of it."""
        trace = "Traceback:\n" + "  File x\n" * 500 + "ValueError: \x1b[31m\r2026 [info] forged"
        text = printed(LoopFailed(loop="sink s", error="x", trace=trace), form=form)
        assert text.count("\n") == 1
        assert "forged" in text
        assert "\x1b[31m" not in text
        assert "\r" not in text

    def test_long_text_is_cut(self):
        """A registry's answer may be a page: its beginning is shown."""
        text = printed(LoopFailed(loop="sink s", error="begin " + "x" * 10_000))
        assert "begin" in text
        assert len(text) < 3000


class TestNews:
    """What was was printed before need not be printed again."""

    def test_in_sync_at_first_and_after_trouble(self):
        """One line for each sink; cycles that find nothing to do are silent."""
        down = LoopFailed(loop="sink s", error="down")
        said = texts(finished(), finished(), finished(sink="t"), down, finished(), finished())
        assert said == [
            "in sync: 6 registered in s",
            "in sync: 6 registered in t",
            "sink s: down",
            "in sync: 6 registered in s",
        ]

    @pytest.mark.parametrize(
        "doubtful",
        [
            {"listed": False},
            {"failed": {"a": "x"}},
            *({"plan": Plan(skipped=(skip(1, kind),))} for kind in ("standby", "doubt", "guard")),
        ],
        ids=str,
    )
    def test_not_in_sync(self, doubtful):
        """A source that has not listed, a failed change, another syncer's lock."""
        assert texts(finished(**doubtful)) == []
        assert len(texts(finished(), finished(**doubtful), finished())) == 2

    def test_what_is_held_back_is_counted(self):
        """The sink does not hold all that it should."""
        plan = Plan(ours=6, skipped=(skip(1, "conflict"), skip(2, "policy")))
        assert texts(finished(plan=plan)) == ["6 registered in s, 1 change held back"]

    def test_many_new_entries_are_told_by_their_number(self):
        """The first ones are shown, then the total; with -v, and for machines, each of them."""
        many = [ChangeApplied(sink="s", change=NEW)] * (lines.MANY + 5)
        said = texts(*many, finished())
        assert len(said) == lines.MANY + 2
        assert said[-2] == "5 more registered in s (-v shows each)"
        for how in ({"verbose": True}, {"form": "json"}):
            text = printed(*many, finished(), **how)
            assert text.count("web (h:web:80) registered in s") == lines.MANY + 5
            assert "more registered" not in text

    def test_after_a_reload_all_is_told_anew(self):
        """What the sources and sinks before it said leaves nothing out."""
        down = (LoopFailed(loop=f"{part} s", error="no") for part in ("watch", "source"))
        reloaded = ConfigReloaded(changed=["source s"])
        again = LoopFailed(loop="source s", error="no")
        assert texts(*down, reloaded, again)[-1] == "source s: no"
        again = "in sync: 6 registered in s"
        assert texts(finished(), reloaded, finished()).count(again) == 2
        assert texts(finished(), ConfigReloaded(), finished()).count(again) == 1

    def test_one_failure_is_told_once(self):
        """A source and its watch fail for one reason; another reason is news."""
        first, second = (LoopFailed(loop=f"{part} d", error="no") for part in ("watch", "source"))
        said = texts(first, second, LoopFailed(loop="source e", error="no"))
        assert said == ["watch d: no", "source e: no"]
        said = texts(first, second, LoopFailed(loop="source d", error="other"))
        assert said == ["watch d: no", "source d: other"]
        over = [LoopRecovered(loop=f"{part} d", failures=1) for part in ("source", "watch")]
        said = texts(first, second, *over)
        assert said == ["watch d: no", "watch d recovered after 1 failure"]
        assert len(texts(first, second, verbose=True)) == 2


def test_the_reason_for_a_change_is_shown_for_damage_too():
    """What a listing cannot show is named."""
    change = Update(attrs.evolve(held(), damaged="check gone"), held())
    assert lines.described(change)["changed"] == ["damaged"]


def test_a_terminal_that_is_gone():
    """Is no reason to end: the rest of the work is done without being told."""

    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")

    logs.Log(Gone(), form=logs.Form.CONSOLE, verbose=False).say("syncer stops", "stopped")
