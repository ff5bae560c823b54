"""The page of a real `syncer run --web` in Chromium: over a real Docker engine, Consul and etcd."""

import pytest

from servers.process import free_port
from servers.syncer import Syncer
from servers.webpage_fixtures import open_in, sees, violations

pytestmark = pytest.mark.server


class Live:
    """The page, opened once and never loaded again, and what stands behind it."""

    def __init__(self, page, engine, registries):
        self.page, self.engine, self.registries = page, engine, registries

    def run(self, name):
        """Start a container of this name, which offers a service of the same name."""
        labels = {"SERVICE_NAME": name}
        self.engine.run(name, labels=labels, ports={"8000/tcp": None})
        return self.row(name)

    def row(self, name):
        """The row of a service."""
        button = self.page.get_by_role("button", name=f"Explain {name} ")
        return self.page.locator("#rows tr").filter(has=button)

    def card(self, name):
        """What the page says of a registry."""
        title = self.page.get_by_role("heading", name=name, exact=True)
        return self.page.locator("#sinks > li").filter(has=title)

    def same_page(self):
        """Whether nobody has loaded it again."""
        return self.page.evaluate("window.neverLoadedAgain === true")


@pytest.fixture(scope="module")
def live(docker_engine, consul, etcd, server_guard, chromium):
    """One syncer and one page for all tests here."""
    for server in (docker_engine, consul, etcd):
        server.clean()
    address = f"127.0.0.1:{free_port()}"
    syncer = Syncer(
        server_guard,
        "syncer-live",
        *("--source", f"docker={docker_engine.address}", "--set", "sources.docker.scope=host1"),
        *("--sink", f"consul=http://{consul.address}"),
        *("--sink", f"etcd://{etcd.address}/services"),
        *("--advertise", "127.0.0.1", "--set", "interval=1s", "--web", address),
    )
    syncer.start()
    errors = []
    context = chromium.new_context()
    page = open_in(context, f"http://{address}/", errors)
    page.evaluate("window.neverLoadedAgain = true")
    page.get_by_text("connected", exact=True).wait_for()
    yield Live(page, docker_engine, {"consul": consul, "etcd": etcd})
    context.close()
    syncer.stop()
    for server in (docker_engine, consul, etcd):
        server.clean()
    assert errors == []


def test_a_container_appears_and_goes(live):
    """It starts, and the page says how it stands in both registries; it stops, and is gone."""
    row = live.run("shop")
    for name in live.registries:
        row.get_by_text(name, exact=True).wait_for()
    row.get_by_text(f"127.0.0.1:{live.engine.host_port('shop')}").wait_for()
    assert violations(live.page) == []
    live.engine.container("shop").stop(timeout=5)
    row.wait_for(state="detached")
    assert live.same_page()


def test_a_container_without_a_port(live):
    """It is registered nowhere, and the page says why."""
    live.engine.run("worker", labels={"SERVICE_NAME": "worker"})
    sees(live.page.locator("#leftout"), "worker")
    assert violations(live.page) == []
    live.engine.remove("worker")
    live.page.locator("#leftout").wait_for(state="hidden")


@pytest.mark.parametrize("name", ["consul", "etcd"])
def test_a_registry_is_killed_and_comes_back(live, name):
    """The page says which does not answer, keeps what it showed, and says that it is back."""
    other = {"consul": "etcd", "etcd": "consul"}[name]
    row, card, registry = live.run(f"web-{name}"), live.card(name), live.registries[name]
    row.get_by_text(name, exact=True).wait_for()
    registry.kill()
    sees(card, "unreachable since")
    sees(live.page.locator("#headline"), f"{name} is unreachable since")
    sees(live.page, f"registry {name} is unreachable")
    row.get_by_text(f"{name}: unreachable", exact=True).wait_for()
    row.get_by_text(other, exact=True).wait_for()
    assert violations(live.page) == []
    registry.start()
    sees(live.page, f"registry {name} is back")
    card.get_by_text("unreachable").wait_for(state="detached")
    row.get_by_text(name, exact=True).wait_for()
    assert violations(live.page) == []
    assert live.same_page()
    live.engine.remove(f"web-{name}")
    row.wait_for(state="detached")
