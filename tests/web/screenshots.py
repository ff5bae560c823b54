"""Makes the pictures of the status page in docs/images: python tests/web/screenshots.py"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from fakes import FakeSink, FakeSource, held, offer, workload  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

import syncer  # noqa: E402
from servers.webpage import Site  # noqa: E402

#: Name, width, height, and the colours that are asked for.
PICTURES = (
    ("light", 1280, 900, "light"),
    ("dark", 1280, 900, "dark"),
    ("phone", 390, 844, "light"),
)
NAMES = ("shop", "cart", "search", "mail", "login", "images")


def example():
    """A host on which most is well, one id is somebody else's, and one registry is down."""
    consul, etcd = FakeSink(), FakeSink()
    consul.store.put(held("h:mail:80", service="mail", owner="team-b"), None)
    etcd.fail["registrations"] = syncer.TemporaryError("connection refused")
    runs = [
        workload(name, offers=(offer(service=name, tags=("v2",), register_address=f"10.0.0.{n}"),))
        for n, name in enumerate(NAMES, 10)
    ]
    sinks = {"consul": consul, "etcd": etcd}
    return Site({"docker": FakeSource(*runs)}, sinks, begin=False, interval=2.0)


def main():
    """Write them."""
    site = example()
    site.engine.start()
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, width, height, colours in PICTURES:
            size = {"width": width, "height": height}
            page = browser.new_page(viewport=size, color_scheme=colours)
            page.goto(site.url)
            page.locator("#sinks .failing").wait_for()
            page.get_by_text("consul: registered").first.wait_for()
            page.screenshot(path=ROOT / f"docs/images/status-{name}.png")
        browser.close()
    site.close()


if __name__ == "__main__":
    main()
