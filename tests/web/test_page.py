"""The page in a real Chromium: what a person sees, without a reload."""

import pytest
from fakes import FakeSink, held, offer, workload

import syncer
from servers.webpage import TOKEN
from servers.webpage_fixtures import sees, violations
from syncer.events import ConfigRefused, ConfigReloaded

pytestmark = pytest.mark.server
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


def test_a_workload_appears_by_itself(site, browse):
    """It starts, and is on the page with its address and sink; it stops, and is gone."""
    made = site(workload("web"))
    page = browse(made.url)
    sees(page, "live")
    sees(page, "10.0.0.1:80")
    made.sources["docker"].put(workload("shop", address="10.0.0.77"))
    sees(page, "10.0.0.77:80")
    sees(page, "memory: registered")
    made.sources["docker"].remove("shop-1")
    page.get_by_text("10.0.0.77:80", exact=True).wait_for(state="detached")
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"


def test_a_registry_that_is_down_is_said_in_words(site, browse):
    """Which one, why, and how old what is shown is; then that it is back."""
    made = site(workload("web"))
    page = browse(made.url)
    sees(page, "memory: registered")
    made.sinks["memory"].fail["registrations"] = syncer.TemporaryError("connection refused")
    sees(page, "Unreachable: connection refused")
    sees(page, "Unreachable: memory.")
    del made.sinks["memory"].fail["registrations"]
    page.get_by_text("Unreachable: memory.").wait_for(state="detached")
    sees(page, "sink memory is back")


def test_what_is_in_the_way(site, browse):
    """Conflicts and refusals with their reasons, and a source that is down."""
    sink = FakeSink()
    sink.store.put(held("h:web:80", owner="else"), None)
    sink.fail["register", "h:bad:80"] = syncer.PermanentError("the name is too long")
    made = site(workload("web"), workload("bad"), sinks={"memory": sink})
    page = browse(made.url)
    sees(page, "1 conflict: id already taken")
    sees(page, "the name is too long")
    made.sources["docker"].failure = syncer.TemporaryError("no such socket")
    made.engine.refresh()
    sees(page, "Unreachable: no such socket")


def test_the_story_of_one(site, browse):
    """From label to registration; by keyboard alone."""
    one = offer(service="web", tags=("blue",), because="SERVICE_NAME", id="h:web:80")
    made = site(workload("web", offers=(one,), image="nginx:1"))
    page = browse(made.url)
    sees(page, "memory: registered")
    page.get_by_role("searchbox").focus()
    page.get_by_role("button", name="web").focus()
    page.keyboard.press("Enter")
    story = page.get_by_role("dialog")
    for words in ("nginx:1", "SERVICE_NAME", "h:web:80", "up to date"):
        story.get_by_text(words).first.wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    story.wait_for(state="hidden")


def test_a_configuration_that_is_refused(site, browse):
    """Is said, with what is wrong, until one is taken."""
    made = site(workload("web"))
    page = browse(made.url)
    sees(page, "of 1 instance registered")
    made.engine.tell(ConfigRefused(problems=("syncer.toml: no sink",)))
    sees(page, "The configuration was refused at")
    sees(page, "syncer.toml: no sink")
    assert violations(page) == []
    made.engine.tell(ConfigReloaded(interval=0.2))
    page.get_by_text("The configuration was refused at").wait_for(state="detached")


def test_labels_are_text(site, browse):
    """A script in a label is shown, and not run; a long one does not widen the page."""
    one = offer(service=SCRIPT, tags=(SCRIPT, "x" * 3000), meta={"k": SCRIPT}, id="bad")
    made = site(workload(SCRIPT, offers=(one,), image=SCRIPT))
    page = browse(made.url, phone=True)
    page.get_by_role("button", name=SCRIPT).click()
    page.get_by_role("dialog").get_by_text("<img src=x").first.wait_for()
    assert page.title() == "syncer"
    assert page.locator("main script, main img, dialog img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_searching_and_turning_pages(site, browse):
    """Among 5,000 instances; only a page of them is in the document."""
    many = [workload(f"svc{n:04}", address=f"10.1.{n // 250}.{n % 250}") for n in range(5000)]
    made = site(*many, interval=5.0)
    page = browse(made.url)
    sees(page, "of 5,000 instances registered")
    sees(page, "1 to 50 of 5,000")
    assert page.locator("#rows tr").count() == 50
    page.get_by_role("button", name="Next").click()
    sees(page, "51 to 100 of 5,000")
    page.get_by_role("searchbox").fill("svc4321")
    sees(page, "1 to 1 of 1")
    sees(page, "10.1.17.71:80")
    page.get_by_role("searchbox").fill("")
    page.get_by_label("State").select_option("failed")
    sees(page, "0 instances")
    made.sources["docker"].put(workload("newest", address="10.200.0.1"))
    page.get_by_label("State").select_option("")
    page.get_by_role("searchbox").fill("newest")
    sees(page, "10.200.0.1:80")


def test_pages_that_end_early(site, browse, monkeypatch):
    """An answer ends when it is long; the next page begins where it ended."""
    monkeypatch.setattr("syncer.web.api.LARGEST", 4000)
    tags = ("x" * 1500,)
    made = site(*(workload(f"w{n}", offers=(offer(f"w{n}", id="", tags=tags),)) for n in range(5)))
    page = browse(made.url)
    sees(page, "1 to 2 of 5")
    page.get_by_role("button", name="Next").click()
    sees(page, "3 to 4 of 5")
    page.get_by_role("button", name="Next").click()
    sees(page, "5 to 5 of 5")
    assert page.get_by_role("button", name="Next").is_disabled()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
def test_axe_finds_nothing(site, browse, dark, phone):
    """In light and dark, wide and narrow, with a registry down and things in the way."""
    sink, down = FakeSink(), FakeSink()
    sink.store.put(held("h:web:80", owner="else"), None)
    down.fail["registrations"] = syncer.TemporaryError("connection refused")
    sinks = {"memory": sink, "down": down}
    made = site(workload("web"), workload("db"), sinks=sinks, begin=False, token=TOKEN)
    made.engine.start()
    page = browse(made.url, dark=dark, phone=phone)
    sees(page, "Unreachable: connection refused")
    sees(page, "id already taken")
    page.get_by_text("live", exact=True).wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_a_token_it_asks_for_one(site, browse):
    """Where reading needs one; and goes on with it."""
    made = site(workload("web"), token=TOKEN, token_for="all")
    page = browse(made.url)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Token").fill(TOKEN)
    assert violations(page) == []
    dialog.get_by_role("button", name="Continue").click()
    sees(page, "10.0.0.1:80")
    sees(page, "live")
    assert TOKEN not in page.content()


def test_looking_again_needs_the_token(site, browse):
    """What changes something says what came of it."""
    made = site(workload("web"), token=TOKEN)
    page = browse(made.url)
    page.get_by_role("button", name="Refresh").click()
    sees(page, "token required")
    page.get_by_label("Token").first.fill(TOKEN)
    page.get_by_role("button", name="Refresh").click()
    sees(page, "reading every source and sink again")


def test_when_syncer_itself_is_gone(site, browse):
    """The page says so, and from when it is what it shows."""
    made = site(workload("web"))
    page = browse(made.url)
    sees(page, "memory: registered")
    made.close()
    sees(page, "syncer is unreachable. Data from")


def test_more_pages_than_streams(site, browse):
    """One that cannot be live asks now and then."""
    made = site(workload("web"), streams=1)
    first = browse(made.url)
    first.get_by_text("live", exact=True).wait_for()
    second = browse(made.url)
    sees(second, "not live, polling every 5 s")
    made.sources["docker"].put(workload("shop", address="10.0.0.77"))
    sees(second, "10.0.0.77:80")
