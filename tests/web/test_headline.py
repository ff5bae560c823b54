"""What the headline says: "in sync" only if nothing that should be done is undone or held back.

`syncer status` answers the same question from the same answer of the API.
"""

import re

import pytest
from fakes import FakeSink, FakeSource, workload

import syncer
from servers.webpage_fixtures import sees, violations
from syncer.api.changes import Plan, Skip, SkipKind
from syncer.cli.commands import main
from syncer.events import CycleFinished, LoopFailed
from syncer.plan.guard import GuardRules
from syncer.testing import wait_until

#: Changes that somebody asked to be held back, and those that are made in a moment.
ASKED = {SkipKind.HELD, SkipKind.POLICY, SkipKind.UNREPLACED, SkipKind.UNPROBED}


@pytest.fixture
def status(capsys):
    """Runs `syncer status`; returns its exit code and what it said."""

    def run(made):
        with pytest.raises(SystemExit) as ended:
            main(["status", "--web", made.url])
        return ended.value.code, capsys.readouterr().out

    return run


def headline(page, words):
    """Wait until the headline says this; its colour does not say that all is well."""
    sees(page.locator("#headline"), words)
    assert page.locator("#summary.good").count() == 0


@pytest.mark.parametrize("kind", SkipKind, ids=str)
def test_each_kind_of_held_changes(site, kind):
    """Whoever may expect a change is told that it is not made, whatever the numbers say."""
    made = site(workload("web"), interval=60.0)
    wait_until(lambda: made.get("status")["in_sync"], 30)
    plan = Plan(skipped=(Skip("h:old:80", kind, "why"),), ours=1, unchanged=1)
    made.status(CycleFinished(sink="memory", plan=plan, listed=True))
    found = made.get("status")
    assert found["in_sync"] is found["sinks"][0]["in_sync"] is (kind in ASKED)
    assert found["sinks"][0]["held_back"] == ({} if kind in ASKED else {kind.value: 1})
    assert made.ask("/readyz")[0] == 200


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            CycleFinished(sink="memory", plan=Plan(ours=1), failed={"x": "no"}, listed=True),
            "1 failed",
        ),
        (LoopFailed(loop="pulse memory", error="no answer"), "renewals fail"),
        (LoopFailed(loop="watch docker", error="broken pipe", retry_in=9.0), "next try in "),
        (LoopFailed(loop="watch memory", error="broken pipe"), "no events: broken pipe"),
    ],
    ids=str,
)
def test_other_troubles(site, status, event, words):
    """Though every instance is registered: said, and the exit code is 1."""
    made = site(workload("web"), interval=60.0)
    wait_until(lambda: status(made)[0] == 0, 30)
    made.status(event)
    code, said = status(made)
    assert code == 1
    assert "h: not in sync" in said
    assert words in said
    (sink,) = made.get("status")["sinks"]
    assert sink["in_sync"] is ("docker" in words_of(event))


def words_of(event):
    """The part that fails; "" for a change."""
    return str(getattr(event, "loop", ""))


def test_a_source_that_has_just_failed(site):
    """Its registries are not in sync from then on: not only after their next cycle."""
    made = site(workload("web"), interval=60.0)
    wait_until(lambda: made.get("status")["in_sync"], 30)
    made.sources["docker"].failure = syncer.TemporaryError("no such socket")
    made.sources["docker"].wake()
    wait_until(lambda: made.get("status")["sources"][0]["state"] == "failing", 30)
    assert not made.get("status")["sinks"][0]["in_sync"]


@pytest.mark.server
class TestThePage:
    """In a browser, with `syncer status` beside it."""

    def test_removals_that_the_guard_holds(self, site, browse, status):
        """Nothing is missing, and yet it is not in sync."""
        many = [workload(f"w{n:02}", address=f"10.0.0.{n + 1}") for n in range(12)]
        made = site(*many, guard=GuardRules(mode="refuse"))
        wait_until(lambda: len(made.sinks["memory"].ids()) == 12, 30)
        made.sources["docker"].clear()
        page = browse(made.url)
        headline(page, "memory has 12 changes held back (guard).")
        code, said = status(made)
        assert (code, "12 guard" in said) == (1, True)

    def test_a_removal_that_the_registry_refuses(self, site, browse, status):
        """It holds more than it should."""
        sink = FakeSink()
        sink.fail["deregister", "h:old:80"] = syncer.PermanentError("not allowed")
        made = site(workload("web"), workload("old", address="10.0.0.2"), sinks={"memory": sink})
        wait_until(lambda: len(sink.ids()) == 2, 30)
        made.sources["docker"].remove("old-1")
        page = browse(made.url)
        headline(page, "memory has 1 change held back (refused).")
        assert status(made)[0] == 1

    def test_a_source_in_doubt(self, site, browse, status):
        """Its listing was incomplete, or it does not answer: the registry may hold too much."""
        made = site(workload("web"))
        made.sources["docker"].complete = False
        made.engine.refresh()
        page = browse(made.url)
        headline(page, "docker: its last listing was incomplete. memory holds what was last read.")
        code, said = status(made)
        assert (code, "ago: its last listing was incomplete" in said) == (1, True)
        made.sources["docker"].failure = syncer.TemporaryError("no such socket")
        made.engine.refresh()
        headline(page, "memory holds what was last read.")
        sees(page, "docker is unreachable since")
        assert violations(page) == []

    def test_when_it_tries_again(self, site, browse, status):
        """A source or registry that fails says when the next try is."""
        made = site(workload("web"), interval=60.0)
        for part in ("source docker", "sink memory"):
            made.status(LoopFailed(loop=part, error="no route", failures=4, retry_in=1000.0))
        page = browse(made.url)
        for part in ("docker", "memory"):
            one = page.locator(f"[data-key='away {part}']")
            sees(one, f"{part}: no route")
            sees(one, re.compile(r"4 tries so far, next try in \d+ s\."))
        assert status(made)[1].count(", next try in ") == 2

    def test_two_registries_of_which_one_is_behind(self, site, browse):
        """Each is told for itself."""
        sinks = {"east": FakeSink(), "west": FakeSink()}
        sinks["east"].fail["register"] = syncer.TemporaryError("try later")
        sources = {"docker": FakeSource()}
        page = browse(site(sources=sources, sinks=sinks).url)
        sees(page, "Nothing to register yet.")
        sources["docker"].put(workload("web"))
        headline(page, "east holds 0 of 1 instance and has 1 failed change.")
