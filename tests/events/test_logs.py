"""Events as log lines."""

import io
import json
import re
from datetime import datetime
from typing import get_args

import attrs
import pytest
from fakes import held, wanted

from syncer import CheckStatus, Deregister, Plan, Reason, Register, Skip, Update
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
    LoopFailed,
    LoopRecovered,
    ProblemsFound,
    PulseBeaten,
    SkipsChanged,
    SourceListed,
    Warned,
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
        [("debug", "source listed", {"source": "d", "workloads": 3})],
    ),
    (
        SourceListed(source="d", workloads=3, first=True, unclear=1),
        [("info", "source listed", {"source": "d", "workloads": 3, "unclear": 1})],
    ),
    (
        SourceListed(source="d", workloads=3, complete=False),
        [("debug", "source listed", {"source": "d", "workloads": 3, "complete": False})],
    ),
    (
        LoopFailed(loop="sink s", error="down", failures=2, retry_in=1.26),
        [
            (
                "warning",
                "sink s failed",
                {"of": "sink s", "error": "down", "failures": 2, "retry_in": "1.3s"},
            )
        ],
    ),
    (
        LoopFailed(loop="sink s", error="bug", trace="Traceback"),
        [("warning", "sink s failed", {"of": "sink s", "error": "bug", "trace": "Traceback"})],
    ),
    (
        LoopFailed(loop="sink s", error="down", failures=3, news=False),
        [("debug", "sink s failed", {"of": "sink s", "error": "down"})],
    ),
    (
        LoopRecovered(loop="sink s", failures=2),
        [("info", "sink s recovered", {"of": "sink s", "failures": 2})],
    ),
    (
        ProblemsFound(source="d", workload="w", problems=("a", "b")),
        [
            ("warning", "problem", {"source": "d", "workload": "w", "problem": text})
            for text in "ab"
        ],
    ),
    (
        ProblemsFound(source="d", workload="w", problems=["a"] * 120),
        [("warning", "problem", {"source": "d", "workload": "w", "problem": "a"})] * 20
        + [
            (
                "warning",
                "100 more problems, shown by explain",
                {"source": "d", "workload": "w"},
            )
        ],
    ),
    (ProblemsFound(source="d", workload="w", problems=()), []),
    (ChangeApplied(sink="s", change=NEW), [("info", "registered", AT)]),
    (
        ChangeApplied(sink="s", change=NEW, drift=True),
        [("info", "registered", {**AT, "drift": True})],
    ),
    (
        ChangeApplied(sink="s", change=MOVED),
        [("info", "updated", {**WEB, "address": "10.0.0.1:81", "changed": "port"})],
    ),
    (
        ChangeApplied(sink="s", change=Update(held(), held(scope="old"))),
        [("info", "updated", {**AT, "changed": "mark"})],
    ),
    (
        ChangeApplied(sink="s", change=GONE),
        [("info", "deregistered", {**WEB, "address": "[::1]:80", "reason": "workload gone"})],
    ),
    (
        ChangeFailed(sink="s", change=NEW, error="no"),
        [("warning", "not registered", {**AT, "error": "no"})],
    ),
    (
        ChangeFailed(sink="s", change=NEW, error="no", permanent=True),
        [("warning", "not registered", {**AT, "error": "no", "refused": True})],
    ),
    (
        SkipsChanged(sink="s", skips=(skip(1), skip(2, "conflict"))),
        [
            (
                "info",
                "change held back",
                {"sink": "s", "id": "id1", "why": "doubt", "reason": "because"},
            ),
            (
                "warning",
                "change held back",
                {"sink": "s", "id": "id2", "why": "conflict", "reason": "because"},
            ),
        ],
    ),
    (
        GuardPaused(sink="s", held=5, ours=9),
        [("warning", "guard paused: too many removals at once", {"sink": "s", "held": 5, "of": 9})],
    ),
    (GuardReleased(sink="s"), [("info", "guard released", {"sink": "s"})]),
    (
        HealthChanged(target="tcp://a:1", status=CheckStatus.CRITICAL, output="refused"),
        [
            (
                "warning",
                "health changed",
                {"target": "tcp://a:1", "status": "critical", "output": "refused"},
            )
        ],
    ),
    (
        HealthChanged(target="tcp://a:1", status=CheckStatus.PASSING),
        [
            (
                "info",
                "health changed",
                {"target": "tcp://a:1", "status": "passing", "output": ""},
            )
        ],
    ),
    (Elected(sink="s", leads=True), [("info", "became leader", {"sink": "s"})]),
    (Elected(sink="s", leads=False), [("info", "became standby", {"sink": "s"})]),
    (
        PulseBeaten(sink="s", held=2, late=0.12344, seconds=0.5),
        [("debug", "pulse", {"sink": "s", "held": 2, "late": 0.1234, "seconds": 0.5})],
    ),
    (LeaseLost(sink="s", lost=2), [("warning", "registry lost entries", {"sink": "s", "lost": 2})]),
    (
        CycleFinished(
            sink="s",
            plan=Plan(unchanged=4, foreign=1, skipped=(skip(1),)),
            applied=2,
            failed={"a": "x"},
            seconds=0.123456,
        ),
        [
            (
                "debug",
                "cycle finished",
                {
                    "sink": "s",
                    "applied": 2,
                    "failed": 1,
                    "unchanged": 4,
                    "skipped": 1,
                    "foreign": 1,
                    "seconds": 0.1235,
                },
            )
        ],
    ),
    (ConfigReloaded(), [("info", "configuration unchanged", {})]),
    (
        ConfigReloaded(changed=("interval", "sinks.a added")),
        [("info", "configuration reloaded", {"changed": "interval, sinks.a added"})],
    ),
    (
        ConfigRefused(problems=("a", "b")),
        [("warning", "configuration refused", {"problem": text}) for text in "ab"],
    ),
    (Warned(text="look at this"), [("warning", "look at this", {})]),
    ("an event of a later version", []),
]


@pytest.mark.parametrize(("event", "lines"), LINES, ids=lambda v: type(v).__name__)
def test_the_lines_of_an_event(event, lines):
    """Each event says what a person or a search needs, and no more."""
    assert list(logs.records(event)) == lines


def test_every_event_has_its_line():
    """No event of this version is forgotten."""
    assert set(get_args(AnyEvent)) <= {type(event) for event, _ in LINES}


def test_many_skips_of_one_kind_are_one_line():
    """A source that is down does not fill the log."""
    event = SkipsChanged(sink="s", skips=[skip(n) for n in range(logs.MANY + 1)])
    ((level, message, fields),) = logs.records(event)
    assert (level, message) == ("info", f"{logs.MANY + 1} changes held back")
    assert (fields["id"], fields["for_example"]) == ("id0", True)
    event = SkipsChanged(sink="s", skips=[skip(n) for n in range(logs.MANY)])
    assert len(list(logs.records(event))) == logs.MANY


def test_many_of_one_reason_are_one_line():
    """Of a kind whose reason says it all, one id is enough; another reason is another line."""
    skips = [Skip(f"id{n}", "namesake", reason) for n, reason in enumerate(("x", "x", "y"))]
    (two, one) = logs.records(SkipsChanged(sink="s", skips=skips))
    assert (two[:2], two[2]["for_example"]) == (("warning", "2 changes held back"), True)
    assert (one[:2], one[2]["id"]) == (("warning", "change held back"), "id2")


class Terminal(io.StringIO):
    """A stream that shows colours."""

    def isatty(self):
        return True


def printed(event, *, stream=None, as_json=False, verbose=False):
    """What an event prints in a log of this form."""
    stream = stream or io.StringIO()
    logs.Log(stream, as_json=as_json, verbose=verbose).listen(event)
    return stream.getvalue()


class TestPrinting:
    """What stands in the log."""

    def test_a_line_for_people(self):
        """One line for each change, with its level."""
        line = printed(ChangeApplied(sink="s", change=NEW))
        assert line.count("\n") == 1
        assert re.search(r"info.*registered.*address=10.0.0.1:80.*id=h:web:80", line)

    def test_a_line_can_be_taken_apart(self):
        """What has spaces, quotes or = in it stands in quotes; fields are in the order of names."""
        fields = {"seconds": 0.5, "error": "not a=b", "id": "h:web:80", "drift": True, "by": ""}
        stream = io.StringIO()
        logs.Log(stream, as_json=False, verbose=False).say("failed", **fields)
        time, rest = stream.getvalue().split(" ", 1)
        assert datetime.fromisoformat(time)
        wanted = "by= drift=True error='not a=b' id=h:web:80 seconds=0.5"
        assert rest == f"[info     ] {'failed':<28} {wanted}\n"

    def test_a_terminal_shows_the_same_in_colours(self):
        """Without the colours it is the line that a file would have got."""
        event = ChangeApplied(sink="s", change=NEW)
        line = printed(event, stream=Terminal())
        assert "\x1b[32minfo" in line
        plain = re.sub(r"\x1b\[\d+m", "", line)
        assert plain.split(" ", 1)[1] == printed(event).split(" ", 1)[1]

    def test_a_line_for_machines(self):
        """As JSON every field is a key."""
        found = json.loads(printed(ChangeApplied(sink="s", change=NEW), as_json=True))
        assert found.pop("timestamp").endswith("Z")
        assert found == {**AT, "event": "registered", "level": "info"}

    def test_what_no_event_stands_for_can_be_said(self):
        """The process's own lines look like all others."""
        stream = io.StringIO()
        logs.Log(stream, as_json=True, verbose=False).say("started", version="1\n2")
        found = json.loads(stream.getvalue())
        assert (found["event"], found["version"], found["level"]) == ("started", "1\\n2", "info")

    def test_details_are_printed_when_asked_for(self):
        """An idle cycle prints nothing unless somebody wants to see it."""
        event = CycleFinished(sink="s", plan=Plan())
        assert printed(event) == ""
        assert "cycle finished" in printed(event, verbose=True)

    @pytest.mark.parametrize("form", [{"as_json": True}, {"as_json": False}])
    def test_no_text_can_forge_a_line(self, form):
        """What labels and registries say stays on its line, without control characters."""
        evil = "x\n2026-01-01T00:00:00 [info] deregistered everything \x1b[31m\r\u2028\x85"
        events = [
            ProblemsFound(source="d", workload=evil, problems=(evil,)),
            LoopFailed(loop="sink s", error=evil),
            SkipsChanged(sink="s", skips=(Skip(evil, "doubt", evil),)),
            ChangeFailed(sink="s", change=NEW, error=evil),
            ConfigRefused(problems=(evil,)),
            Warned(text=evil),
        ]
        for event in events:
            line = printed(event, **form)
            assert line.count("\n") == 1
            assert "\x1b[31m" not in line
            assert not {"\r", "\u2028", "\x85"} & set(line)

    @pytest.mark.parametrize("form", [{"as_json": True}, {"as_json": False}])
    def test_a_traceback_is_whole_and_can_forge_no_line(self, form):
        """It may be long, and what an error's text holds cannot break out of it."""
        trace = "Traceback:\n" + "  File x\n" * 500 + "ValueError: \x1b[31m\r2026 [info] forged"
        text = printed(LoopFailed(loop="sink s", error="x", trace=trace), **form)
        assert text.count("\n") == 1
        assert "forged" in text
        assert "\x1b[31m" not in text
        assert "\r" not in text

    def test_long_text_is_cut(self):
        """A registry's answer may be a page: its beginning is shown."""
        text = printed(LoopFailed(loop="sink s", error="begin " + "x" * 10_000))
        assert "begin" in text
        assert len(text) < 3000


def test_the_reason_for_a_change_is_shown_for_damage_too():
    """What a listing cannot show is named."""
    change = Update(attrs.evolve(held(), damaged="check gone"), held())
    assert logs.described(change)["changed"] == "damaged"


def test_a_terminal_that_is_gone():
    """Is no reason to end: the rest of the work is done without being told."""

    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")

    logs.Log(Gone(), as_json=False, verbose=False).say("syncer stops")
