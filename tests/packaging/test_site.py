"""The documentation's site: it is whole, and asks nobody else for anything."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from servers.lifetimes import leave_out

DOCS = Path(__file__).parents[2] / "docs"


def _module(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / "site" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = _module("build")
navigation = _module("navigation")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built once for these tests."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    wrong = build.build(folder)
    assert wrong == ""
    return folder


def test_the_site_is_built_without_a_warning(site):
    """Sphinx warns of nothing, links lead somewhere, and nothing is fetched from elsewhere."""
    assert (site / "index.html").exists()


def test_every_page_is_in_the_navigation(site):
    """From the first page's navigation one comes to every page of docs/ and every README."""
    listed = {
        name for _, names in navigation.sections((DOCS / "index.md").read_text()) for name in names
    }
    pages = {
        str(page.relative_to(DOCS.parent).with_suffix(""))
        for pattern in ("docs/**/*.md", "plugins/*/README.md", "contrib/*/README.md")
        for page in DOCS.parent.glob(pattern)
    }
    assert pages - listed == {navigation.INDEX}
    for name in listed:
        assert (site / f"{name}.html").exists(), name


def small_site(folder, body, style=""):
    (folder / "docs").mkdir()
    (folder / "docs/index.html").write_text(f"<h1 id='top'>A</h1>{body}")
    (folder / "style.css").write_text(style)
    return folder


@pytest.mark.parametrize(
    "body",
    [
        "<img src='https://example.org/a.png'>",
        "<script src='//example.org/a.js'></script>",
        "<link rel='stylesheet' href='https://example.org/a.css'>",
        "<img srcset='a.png 1x, https://example.org/a.png 2x'>",
        "<p style='background: url(https://example.org/a.png)'>",
    ],
)
def test_what_is_fetched_from_elsewhere_is_found(tmp_path, body):
    """Whatever way a page has of fetching from another host, the build fails for it."""
    assert list(build.asked_of_others(small_site(tmp_path, body)))


@pytest.mark.parametrize("style", ["@import '//example.org/a'", "p {src: url('https://a/b')}"])
def test_styles_that_fetch_are_found(tmp_path, style):
    """Fonts and imports of a style count too."""
    assert list(build.asked_of_others(small_site(tmp_path, "", style)))


def test_links_to_others_are_no_requests(tmp_path):
    """A link that a reader may follow is none, and neither is a picture in the page itself."""
    body = "<a href='https://example.org'>a</a><img src='data:image/png;base64,'>"
    assert list(build.asked_of_others(small_site(tmp_path, body, "p {src: url(a.woff)}"))) == []


@pytest.mark.parametrize("link", ["other.html", "#bottom", "index.html#bottom", "../nothing/"])
def test_broken_links_are_found(tmp_path, link):
    """A link to a page or a heading that is not there makes the build fail."""
    assert list(build.broken(small_site(tmp_path, f"<a href='{link}'>a</a>")))


@pytest.mark.parametrize("link", ["#top", "index.html#top", "../style.css", "mailto:a@b"])
def test_good_links_are_not(tmp_path, link):
    """A link to what is there is good."""
    assert list(build.broken(small_site(tmp_path, f"<a href='{link}'>a</a>"))) == []


@pytest.mark.server
def test_a_browser_asks_nobody(site, pytestconfig):
    """In a real Chromium no page, nor the search, asks for anything but the site's own files.

    Of a session at a prompt the button copies the command, without prompt and output.
    """
    program = shutil.which("chromium")
    if not program:
        leave_out(pytestconfig, "Chromium", "not on the PATH: chromium")
    from playwright.sync_api import sync_playwright

    asked = []
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{site}/index.html")
        page.wait_for_url("**/docs/index.html")
        page.goto(f"file://{site}/docs/status-page.html")
        page.goto(f"file://{site}/search.html?q=guard")
        page.locator("#search-results li").first.wait_for()
        page.goto(f"file://{site}/docs/tutorial.html")
        copied = page.evaluate("copied(document.querySelector('.highlight-console'))")
        browser.close()
    assert copied.startswith("docker run -d --name web")
    assert len(copied.splitlines()) == 4
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
