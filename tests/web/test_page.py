"""The page in a real Chromium: what a person sees, without a reload."""

from contextlib import contextmanager

import attrs
import pytest
from fakes import FakeSink, FakeSource, PickySink, exited, held, offer, workload

import syncer
from servers.webpage import TOKEN
from servers.webpage_fixtures import sees, violations
from syncer.api.registrations import Unhealthy, with_status
from syncer.events import ConfigRefused, ConfigReloaded
from syncer.testing import wait_until

pytestmark = pytest.mark.server
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


def test_a_workload_appears_by_itself(site, browse):
    """It starts, and is on the page with its address and sink; it stops, and is gone."""
    made = site(workload("web"))
    page = browse(made.url)
    sees(page, "connected")
    sees(page, "10.0.0.1:80")
    made.sources["docker"].put(workload("shop", address="10.0.0.77"))
    sees(page, "10.0.0.77:80")
    sees(page, "In sync: 2 instances registered in memory.")
    made.sources["docker"].remove("shop-1")
    page.get_by_text("10.0.0.77:80", exact=True).wait_for(state="detached")
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"


def test_a_registry_that_is_down_is_said_in_words(site, browse):
    """Which one, since when and why, once; the others are in sync. Then that it is back."""
    made = site(workload("web"), sinks={"east": FakeSink(), "west": FakeSink()})
    page = browse(made.url)
    sees(page, "Both registries are in sync.")
    made.sinks["east"].fail["registrations"] = syncer.TemporaryError("connection refused")
    sees(page, "east is unreachable since")
    sees(page.locator("#headline"), "west is in sync.")
    numbers = page.locator("#numbers")
    sees(numbers, "? / 1")
    sees(numbers, "1 / 1")
    sees(page.locator("#rows"), "east: unreachable")
    sees(page.locator("#problems"), "east: connection refused")
    assert page.locator("main").get_by_text("connection refused").count() == 1 + in_changes(page)
    del made.sinks["east"].fail["registrations"]
    sees(page, "Both registries are in sync.")
    sees(page, "registry east is back")
    page.locator("#problems").wait_for(state="hidden")


def in_changes(page):
    """How often the list of changes says it: each failure is a change, too."""
    return page.locator("#events").get_by_text("connection refused").count()


def test_a_registry_that_was_never_reached(site, browse):
    """Nothing is known of it: no number, no renewal."""
    sink = FakeSink()
    sink.fail["registrations"] = syncer.TemporaryError("no route to host")
    made = site(workload("web"), sinks={"memory": sink}, begin=False)
    made.engine.start()
    page = browse(made.url)
    sees(page, "memory is unreachable since")
    sees(page, "? / 1")
    sees(page, "Its entries are unknown.")
    assert page.get_by_text("Renewed").count() == 0
    assert page.get_by_text("in sync").count() == 0


def test_the_host_is_in_the_title(site, browse):
    """So that many tabs can be told apart."""
    page = browse(site(workload("web")).url)
    page.get_by_role("heading", name="h syncer").wait_for()
    assert page.title() == "h - syncer"


def test_what_is_ill_comes_first(site, browse):
    """With its status and what its check said; it is counted, and there is a filter for it."""
    ill = {"health": syncer.Health.UNHEALTHY, "health_output": "exit 1: no disk"}
    made = site(workload("a"), workload("b", port=81), workload("c", port=82, **ill))
    page = browse(made.url)
    sees(page, "1 instance is unhealthy.")
    first = page.locator("#rows tr").first
    for words in ("c", "unhealthy", "exit 1: no disk"):
        first.get_by_text(words, exact=True).first.wait_for()
    page.get_by_role("button", name="Unhealthy 1").click()
    sees(page, "1 service, 1 instance match")
    assert page.locator("#rows tr").count() == 1
    assert violations(page) == []
    page.get_by_role("button", name="All 3").click()
    sees(page, "3 services, 3 instances")


def test_what_a_registry_finds_is_the_status(site, browse):
    """A check of the registry itself fails, though the container is well: which one, and why."""
    made = site(workload("web"))
    wait_until(lambda: made.sinks["memory"].ids(), 30)
    (one,) = made.sinks["memory"].store.all()
    ill = attrs.evolve(one.instance, status=syncer.Status.UNHEALTHY)
    found = attrs.evolve(one, instance=ill, failing="http: status 503")
    made.sinks["memory"].store.put(found, one.version)
    page = browse(made.url)
    sees(page.locator("#rows"), "by the checks in memory: http: status 503")
    page.get_by_role("button", name="Explain web 10.0.0.1:80").click()
    sees(page.get_by_role("dialog"), "unhealthy by its checks there: http: status 503")


def test_a_service_of_many_is_one_row(site, browse):
    """Until it is opened, by keyboard too; all of its instances are shown if that is asked for."""
    same = [offer("web", id="", register_address=f"10.0.0.{n}") for n in range(1, 9)]
    made = site(*(workload(f"w{n}", offers=(one,)) for n, one in enumerate(same)))
    page = browse(made.url)
    sees(page, "1 service, 8 instances")
    sees(page, "8 up")
    assert page.locator("#rows tr").count() == 1
    page.get_by_role("button", name="web", exact=True).press("Enter")
    rows = page.locator("#rows")
    sees(rows, "10.0.0.5:80")
    assert rows.get_by_text("10.0.0.8:80").count() == 0
    page.get_by_role("button", name="Show all 8 of web").click()
    sees(rows, "10.0.0.8:80")
    assert violations(page) == []


def test_nothing_is_offered_yet(site, browse):
    """What to do about it is said."""
    page = browse(site().url)
    sees(page, "No container offers a service yet.")
    sees(page, "--label SERVICE_NAME=web")
    sees(page, "Nothing to register yet.")
    assert not page.locator("#table").is_visible()
    assert not page.get_by_role("navigation").is_visible()
    assert violations(page) == []


def test_nothing_is_known_of_what_runs(site, browse):
    """While the source is away nobody is advised to start a container."""
    source = FakeSource()
    made = site(sources={"docker": source})
    page = browse(made.url)
    sees(page, "No container offers a service yet.")
    source.failure = syncer.TemporaryError("no route")
    source.break_watch()
    sees(page, "What runs is not known while docker cannot be read.")


def test_a_drain_is_in_the_row(site, browse):
    """It asks for the token once; the last instance of a service only goes when told so twice."""
    same = [offer("web", id="", register_address=f"10.0.0.{n}") for n in (1, 2)]
    sink = PickySink(lambda instance: with_status(instance, Unhealthy.KEEP))
    made = site(
        *(workload(f"w{n}", offers=(one,)) for n, one in enumerate(same)),
        sinks={"memory": sink},
        token=TOKEN,
    )
    page = browse(made.url)
    page.get_by_role("button", name="web", exact=True).click()
    page.get_by_role("button", name="Drain web 10.0.0.1:80").click()
    dialog = page.get_by_role("dialog")
    sees(dialog, "Drain web 10.0.0.1:80?")
    assert violations(page) == []
    dialog.get_by_label("Token").fill("wrong")
    dialog.get_by_role("button", name="Drain").click()
    sees(dialog, "wrong token")
    dialog.get_by_label("Token").fill(TOKEN)
    dialog.get_by_role("button", name="Drain").click()
    sees(page, "Done: 1 change in memory.")
    page.get_by_role("button", name="Undrain web 10.0.0.1:80").wait_for()
    sees(page, "1 draining")
    sees(page, "In sync: 2 instances registered in memory. 1 instance is draining.")
    page.get_by_role("button", name="Drain web 10.0.0.2:80").click()
    dialog.get_by_role("button", name="Drain").click()
    sees(dialog, "no other instance of web is up here")
    dialog.get_by_role("button", name="Drain anyway").click()
    page.get_by_role("button", name="Undrain all instances of web").click()
    dialog.get_by_role("button", name="Undrain").click()
    sees(page, "2 up")
    assert TOKEN not in page.content()


@contextmanager
def overview(made, page, **fields):
    """Have the page see other fields in the overview."""
    page.route(
        "**/api/v1/status", lambda route: route.fulfill(json={**made.get("status"), **fields})
    )
    yield
    page.unroute_all(behavior="ignoreErrors")


def test_what_is_not_registered(site, browse):
    """Is counted, listed with its reason, and found by the search; what stopped is not missed."""
    made = site(workload("web"), workload("worker", offers=()), exited(workload("old")))
    page = browse(made.url)
    listed, services = page.locator("#leftout"), page.locator("#services")
    sees(listed, "worker: its source says that it offers no service")
    page.locator("#numbers").get_by_role("link", name="1", exact=True).wait_for()
    page.get_by_role("searchbox").fill("worker")
    sees(services, "No service matches.")
    sees(services, "worker: its source says that it offers no service")
    assert violations(page) == []
    services.get_by_role("button", name="Explain worker").click()
    sees(page.get_by_role("dialog"), "Not registered")
    made.sources["docker"].put(workload("web", problems=("a typo",)))
    made.sources["docker"].remove("worker-1", "old-1")
    sees(listed.get_by_role("heading"), "Problems in labels and settings")
    sees(listed, "label problem")
    made.sources["docker"].put(workload("web"))
    listed.wait_for(state="hidden")


def test_one_workload_with_many_mistakes(site, browse):
    """Does not push the others off the list: a few of its own are shown, and how many more."""
    worst = workload("worst", problems=tuple(f"mistake {n}" for n in range(100)))
    made = site(worst, workload("worker", offers=()), interval=60.0)
    listed = browse(made.url).locator("#leftout")
    sees(listed, "worker: its source says that it offers no service")
    sees(listed, "And 97 more of worst.")
    assert listed.get_by_text("worst: mistake").count() == 3
    assert made.get("not-registered?q=worst&limit=7&offset=95")["total"] == 100


def test_a_hint_where_drains_would_be(site, browse):
    """Without a token: how to start with one, once; with one the buttons are there."""
    page = browse(site(workload("web"), workload("db", port=81)).url)
    sees(page, "start syncer with a token: SYNCER_WEB_TOKEN or web.token.")
    assert page.get_by_text("SYNCER_WEB_TOKEN").count() == 1
    assert violations(page) == []
    page = browse(site(workload("web"), token=TOKEN).url)
    page.get_by_role("button", name="Drain web 10.0.0.1:80").wait_for()
    assert not page.get_by_text("SYNCER_WEB_TOKEN").is_visible()


def test_events_that_do_not_come(site, browse):
    """A source without its event stream is no failure yet, and not well either."""
    made = site(workload("web"))
    page = browse(made.url)
    source = {**made.get("sources")[0], "state": "degraded", "why": "no events: broken pipe"}
    with overview(made, page, sources=[source]):
        sees(page, "The event stream of docker is interrupted.")
        sees(page.locator("#problems"), "docker: no events: broken pipe")
        page.locator("#sources > li.wait").wait_for()


def test_the_flow(site, browse):
    """A line for each source, service and registry; broken where one is away; the same as text."""
    away = FakeSink()
    away.fail["registrations"] = syncer.TemporaryError("connection refused")
    sources = {"docker": FakeSource(*(workload(f"s{n}", port=80 + n) for n in range(9)))}
    made = site(sources=sources, sinks={"memory": FakeSink(), "away": away}, begin=False)
    made.engine.start()
    page = browse(made.url)
    sees(page, "away is unreachable")
    flow = page.locator("#flow")
    for words in ("docker", "9 instances", "s0", "5 more services", "memory", "in sync"):
        flow.locator("text", has_text=words).first.wait_for()
    assert (flow.locator("path").count(), flow.locator("path.away").count()) == (15, 5)
    text = page.locator("#flow-text")
    assert "5 more services: 5 up, from docker, registered in memory and away (unreachable)." in (
        text.inner_text()
    )


def test_drift_is_a_sentence(site, browse):
    """Who changed what, and what came of it."""
    made = site(workload("web"))
    wait_until(lambda: made.sinks["memory"].ids(), 30)
    (one,) = made.sinks["memory"].store.all()
    edited = attrs.evolve(one.instance, port=9999)
    made.sinks["memory"].store.put(attrs.evolve(one, instance=edited), one.version)
    page = browse(made.url)
    sees(page, "web 10.0.0.1:80 was edited in memory (port); restored.")


@pytest.mark.parametrize("width", [360, 768, 1024, 1600])
def test_widths(site, browse, width):
    """Nothing is cut, and no address is broken."""
    long = [workload(f"{'long-' * 12}{n}", address=f"2001:db8:{n}::1234:5678") for n in (1, 2)]
    down = FakeSink()
    down.fail["registrations"] = syncer.TemporaryError("http://10.0.0.1:8500/" + "x" * 500)
    made = site(*long, sinks={"memory": FakeSink(), "down": down}, begin=False, token=TOKEN)
    made.engine.start()
    page = browse(made.url)
    page.set_viewport_size({"width": width, "height": 900})
    sees(page, "down is unreachable")
    sees(page, "[2001:db8:1::1234:5678]:80")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    height = page.locator(".address").first.bounding_box()["height"]
    assert height < 30, "an address has more than one line"


def test_what_is_in_the_way(site, browse):
    """Conflicts and refusals with their reasons, and a source that is down."""
    sink = FakeSink()
    sink.store.put(held("h:web:80", owner="else"), None)
    sink.fail["register", "h:bad:80"] = syncer.PermanentError("the name is too long")
    made = site(workload("web"), workload("bad"), sinks={"memory": sink})
    page = browse(made.url)
    problems = page.locator("#problems")
    sees(problems, "h:web:80 in memory: this id belongs to owner 'else'")
    sees(problems, "Remove that entry, or give the container another id.")
    sees(problems, "the name is too long")
    made.sources["docker"].failure = syncer.TemporaryError("no such socket")
    made.engine.refresh()
    sees(problems, "docker: no such socket")
    sees(problems, "Its entries are kept until it is back.")


def test_the_story_of_one(site, browse):
    """From label to registration; by keyboard alone."""
    one = offer(service="web", tags=("blue",), because="SERVICE_NAME", id="h:web:80")
    twin = offer(service="admin", port=81, id="h:web:80")
    made = site(workload("web", offers=(one, twin), image="nginx:1"))
    page = browse(made.url)
    sees(page, "1 / 1")
    page.get_by_role("button", name="Explain web 10.0.0.1:80").focus()
    page.keyboard.press("Enter")
    story = page.get_by_role("dialog")
    taken = "not registered: its id 'h:web:80' is already used by web"
    for words in ("nginx:1", "SERVICE_NAME", "h:web:80", "up to date", taken):
        story.get_by_text(words).first.wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    story.wait_for(state="hidden")


def test_a_configuration_that_is_refused(site, browse):
    """Is said, with what is wrong, until one is taken."""
    made = site(workload("web"))
    page = browse(made.url)
    sees(page, "In sync: 1 instance registered in memory.")
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
    page.get_by_role("button", name=f"Explain {SCRIPT}").click()
    page.get_by_role("dialog").get_by_text("<img src=x").first.wait_for()
    assert page.title() == "h - syncer"
    assert page.locator("main script, main img, dialog img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_searching_and_turning_pages(site, browse):
    """Among 5,000 instances; only a page of them is in the document."""
    many = [workload(f"svc{n:04}", address=f"10.1.{n // 250}.{n % 250}") for n in range(5000)]
    made = site(*many, interval=5.0)
    page = browse(made.url)
    sees(page, "In sync: 5,000 instances registered in memory.")
    sees(page, "1 to 50 of 5,000")
    assert page.locator("#rows tr").count() == 50
    page.get_by_role("button", name="Next").click()
    sees(page, "51 to 100 of 5,000")
    page.get_by_role("searchbox").fill("svc4321")
    sees(page, "1 service, 1 instance match")
    sees(page, "10.1.17.71:80")
    assert not page.get_by_role("button", name="Next").is_visible()
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Registration").select_option("failed")
    sees(page, "No service matches.")
    made.sources["docker"].put(workload("newest", address="10.200.0.1"))
    page.get_by_label("Registration").select_option("")
    page.get_by_role("searchbox").fill("newest")
    sees(page, "10.200.0.1:80")


def test_pages_that_end_early(site, browse, monkeypatch):
    """An answer ends when it is long; the next page begins where it ended."""
    monkeypatch.setattr("syncer.web.lists.LARGEST", 4000)
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
    sees(page, "down: connection refused")
    sees(page, "this id belongs to")
    page.get_by_text("connected", exact=True).wait_for()
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
    sees(page, "connected")
    assert TOKEN not in page.content()


def test_looking_again_needs_the_token(site, browse):
    """What changes something says what came of it."""
    made = site(workload("web"), token=TOKEN)
    page = browse(made.url)
    page.get_by_role("button", name="Refresh").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Refresh").click()
    sees(dialog, "token required")
    dialog.get_by_label("Token").fill(TOKEN)
    dialog.get_by_role("button", name="Refresh").click()
    sees(page, "reading every source and sink again")


def test_when_syncer_itself_is_gone(site, browse):
    """The page says so, and from when it is what it shows."""
    made = site(workload("web"))
    page = browse(made.url)
    sees(page, "In sync: 1 instance registered in memory.")
    made.close()
    sees(page, "syncer is unreachable. Data from")


def test_more_pages_than_streams(site, browse):
    """One that cannot be live asks now and then."""
    made = site(workload("web"), streams=1)
    first = browse(made.url)
    first.get_by_text("connected", exact=True).wait_for()
    second = browse(made.url)
    sees(second, "not connected, polling every 5 s")
    made.sources["docker"].put(workload("shop", address="10.0.0.77"))
    sees(second, "10.0.0.77:80")
