"""pytest's side of `servers.webpage`; a conftest that wants it imports it.

| fixture    | for a test                                                                  |
|------------|-----------------------------------------------------------------------------|
| `site`     | a function: `site(workload(...), sinks=None, **rules) -> Site`, of its own   |
| `chromium` | Debian's Chromium, driven by playwright, one for a module                   |
| `browse`   | a function: `browse(url, dark=False, phone=False)` opens a page              |
"""

import shutil

import pytest
from fakes import FakeSink, FakeSource

from servers.lifetimes import leave_out
from servers.webpage import Site

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
#: Milliseconds that anything on a page may take to appear.
PATIENCE = 60_000


@pytest.fixture
def site():
    """Makes a site of workloads, which ends with the test."""
    made = []

    def make(*workloads, sinks=None, sources=None, **options):
        sources = sources or {"docker": FakeSource(*workloads)}
        made.append(Site(sources, sinks or {"memory": FakeSink()}, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def chromium(pytestconfig):
    """Debian's Chromium, driven by playwright."""
    program = shutil.which("chromium")
    if not program:
        leave_out(pytestconfig, "Chromium", "not on the PATH: chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium):
    """Opens a page; afterwards no error and nothing against its policy may have been logged."""
    contexts, errors = [], []

    def opened(url, *, dark=False, phone=False):
        size, colours = PHONE if phone else DESK, "dark" if dark else "light"
        context = chromium.new_context(viewport=size, color_scheme=colours)
        contexts.append(context)
        return open_in(context, url, errors)

    opened.errors = errors
    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def open_in(context, url, errors):
    """A page of this context; `errors` is told what goes wrong in it, and what is forbidden it."""
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.extend(_forbidden(said.text)))
    page.goto(url)
    return page


def _forbidden(text):
    return [text] if "Content Security Policy" in text else []


def sees(page, words):
    """Wait until these words are on the page, where they can be seen."""
    page.get_by_text(words).first.wait_for()


def violations(page):
    """What axe finds wrong, in words."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})
    return [
        (one["id"], [node["html"] for node in one["nodes"]]) for one in found.response["violations"]
    ]
