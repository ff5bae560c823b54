"""What the guard holds, on the page and by the API; and that only what was shown is let go."""

import json

import pytest
from fakes import FakeSink, workload

from servers.webpage import TOKEN, check
from servers.webpage_fixtures import sees, violations
from syncer.events import Warned
from syncer.plan.guard import GuardRules
from syncer.testing import wait_until

MANY = 12
REFUSE = GuardRules(mode="refuse")


def many():
    """So many workloads; more than may go at once."""
    return [workload(f"w{n:02}", address=f"10.0.0.{n + 1}") for n in range(MANY)]


@pytest.fixture
def emptied(site):
    """Makes sites whose workloads have all gone, which the guard does not believe."""

    def make(**options):
        sink = FakeSink()
        made = site(*many(), sinks={"memory": sink}, guard=REFUSE, **{"token": TOKEN} | options)
        wait_until(lambda: len(sink.ids()) == MANY, 30)
        made.sources["docker"].clear()
        wait_until(lambda: held(made) and held(made)["removals"] == MANY, 30)
        return made

    return make


def held(made):
    """What the guard holds, as the API tells it; None if nothing."""
    found = check("/api/v1/guard", made.get("guard"))
    return found[0] if found else None


def override(made, status=200, token=TOKEN, **asked):
    """Ask for it; returns what was said."""
    given = {"sink": "memory", "digest": held(made)["digest"], **asked}
    found, _, text = made.ask("/api/v1/override", "POST", body=json.dumps(given), token=token)
    assert found == status, text
    return check("/api/v1/override", json.loads(text), status, "post")


class TestByTheApi:
    """`GET guard` and `POST override`."""

    def test_what_is_held_is_told_and_overridden(self, emptied):
        """Each change, and the digest; then they are done, and a line in the log says that."""
        made = emptied()
        found = held(made)
        assert (found["sink"], found["moves"], len(found["changes"])) == ("memory", 0, MANY)
        first = found["changes"][0]
        assert (first["action"], first["service"], first["from"]) == (
            "deregister",
            "w00",
            "10.0.0.1:80",
        )
        assert override(made)["changes"] == MANY
        wait_until(lambda: not made.sinks["memory"].ids(), 30)
        wait_until(lambda: held(made) is None, 30)
        assert found["digest"] in made.heard.of(Warned)[0].text

    def test_moves_are_told_with_both_addresses(self, emptied):
        """From where to where."""
        made = emptied()
        moved = [workload(f"w{n:02}", address=f"10.9.0.{n + 1}") for n in range(MANY)]
        made.sources["docker"].put(*moved)
        wait_until(lambda: held(made)["moves"] == MANY, 30)
        first = held(made)["changes"][0]
        assert (first["from"], first["address"]) == ("10.0.0.1:80", "10.9.0.1:80")

    def test_a_plan_that_was_not_shown_is_not_overridden(self, emptied):
        """Nothing is done by another digest, at another sink, or once one more would go."""
        made = emptied()
        shown = held(made)["digest"]
        override(made, 409, digest="0" * 12)
        override(made, 409, sink="other")
        made.sources["docker"].put(many()[0])
        wait_until(lambda: held(made)["removals"] == MANY - 1, 30)
        assert "now holds other changes" in override(made, 409, digest=shown)["error"]
        assert len(made.sinks["memory"].ids()) == MANY

    @pytest.mark.parametrize("asked", [{"sink": ""}, {"digest": 3}, {"digest": "x" * 300}])
    def test_what_it_takes(self, emptied, asked):
        """A sink and a digest."""
        assert "is missing" in override(emptied(), 400, **asked)["error"]

    def test_it_needs_the_token(self, emptied):
        """Like all that changes something."""
        override(emptied(), 401, token="wrong")

    def test_without_a_token_it_cannot_be(self, emptied):
        """What is held is told all the same."""
        override(emptied(token=""), 403)


@pytest.mark.server
class TestOnThePage:
    """In a real Chromium."""

    def opened(self, made, browse):
        """The page with the dialog that shows what is held."""
        page = browse(made.url)
        page.get_by_role("button", name="What the guard holds at memory").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("remove w00 at 10.0.0.1:80: workload gone").wait_for()
        return page, dialog

    def test_a_person_reads_and_overrides(self, emptied, browse):
        """It says what will be removed, asks for the token, does it, and says so."""
        made = emptied()
        page, dialog = self.opened(made, browse)
        assert dialog.get_by_role("listitem").count() == MANY
        sees(dialog, held(made)["digest"])
        assert violations(page) == []
        button = dialog.get_by_role("button", name="Make 12 removals")
        dialog.get_by_label("Token").fill("wrong")
        button.click()
        sees(dialog, "wrong token")
        assert len(made.sinks["memory"].ids()) == MANY
        dialog.get_by_label("Token").fill(TOKEN)
        button.click()
        sees(dialog, "guard overridden at memory: 12 changes")
        button.wait_for(state="hidden")
        wait_until(lambda: not made.sinks["memory"].ids(), 30)
        dialog.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="What the guard holds").wait_for(state="detached")

    def test_what_changed_meanwhile_is_shown_anew(self, emptied, browse):
        """Nothing is done by a press of the button that was meant for another plan."""
        made = emptied()
        page, dialog = self.opened(made, browse)
        made.sources["docker"].put(many()[0])
        wait_until(lambda: held(made)["removals"] == MANY - 1, 30)
        dialog.get_by_label("Token").fill(TOKEN)
        dialog.get_by_role("button", name="Make 12 removals").click()
        sees(dialog, "now holds other changes: nothing was done")
        dialog.get_by_role("button", name="Make 11 removals").wait_for()
        assert len(made.sinks["memory"].ids()) == MANY

    def test_where_nothing_can_be_changed(self, emptied, browse):
        """It is shown, and said why there is no button."""
        _, dialog = self.opened(emptied(token=""), browse)
        sees(dialog, "web.token is not set")
        assert dialog.get_by_role("button", name="Make").count() == 0
