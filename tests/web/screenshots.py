"""Makes the pictures of the status page in docs/images: python tests/web/screenshots.py"""

import shutil
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import attrs  # noqa: E402
from fakes import FakeSink, FakeSource, held, offer, workload  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

import syncer  # noqa: E402
from servers.webpage import TOKEN, Site  # noqa: E402
from syncer.testing import wait_until  # noqa: E402

HOST = "ops1"
SERVICES = {"orders": 3, "db": 1, "cart": 2, "search": 1, "mail": 1, "login": 4, "images": 2}
DESK, TALL, PHONE = (1280, 900), (1280, 1400), (390, 844)
DOWN = syncer.TemporaryError("GET http://10.1.0.5:8500/v1/agent/services: connection refused")


def container(name, port, service=None, **fields):
    """A container that offers a service at a port of the host."""
    service = service or name
    one = offer(
        service=service,
        tags=("blue",) if service in ("orders", "cart") else (),
        register_address="192.0.2.10",
        register_port=port,
        id=f"{HOST}:{name}:{port}",
    )
    return workload(name, offers=(one,), scope=HOST, image=f"{service}:1.4", **fields)


def containers():
    """Some containers of some services."""
    found, port = [], 8100
    for service, count in SERVICES.items():
        for number in range(1, count + 1):
            port += 1
            name = service if count == 1 else f"{service}-{number}"
            found.append(container(name, port, service))
    return found


def machines(count=35):
    """Services of other machines, from a file."""
    return [
        workload(
            f"machine-{number}",
            offers=(offer(service=f"metrics-{number % 12}", register_address=f"192.0.2.{number}"),),
            source="machines",
            scope=HOST,
        )
        for number in range(20, 20 + count)
    ]


def with_faults(found):
    """The same: one is ill, one pauses, and three are not registered, each for a reason."""
    ill = {"health": syncer.Health.UNHEALTHY, "health_output": "connection refused"}
    for at, one in enumerate(found):
        if one.name == "db":
            found[at] = attrs.evolve(one, **ill)
        if one.name == "login-4":
            found[at] = attrs.evolve(one, state=syncer.State.PAUSED)
    return [*found, workload("worker", offers=(), scope=HOST, image="worker:2")]


def site(docker, file=(), registries=("consul", "targets"), **options):
    """A site of these workloads, whose registries are there."""
    sources = {"docker": FakeSource(*docker, scope=HOST)}
    if file:
        sources["machines"] = FakeSource(*file, scope=HOST)
    sinks = {name: FakeSink() for name in registries}
    return Site(sources, sinks, begin=False, token=TOKEN, interval=2.0, **options)


def settled(made):
    """Start it, and wait until what can be registered is."""
    made.engine.start()
    made.settle()
    return made


def healthy():
    """A host on which all is well."""
    return settled(site(containers(), machines()))


def faults():
    """One registry of three is away, and some containers have problems."""
    made = site(with_faults(containers()), machines(), ("consul", "consul-east", "targets"))
    taken = held(f"{HOST}:mail:8108", service="mail", owner="team-b", scope="ops2")
    made.sinks["consul"].store.put(taken, None)
    made.sinks["consul-east"].fail["registrations"] = DOWN
    made.engine.start()
    wait_until(lambda: made.get("status")["sinks"][1]["state"] == "failing", 30)
    (one,) = [entry for entry in made.sinks["targets"].store.all() if entry.id.endswith(":8101")]
    edited = attrs.evolve(one.instance, port=9999)
    made.sinks["targets"].store.put(attrs.evolve(one, instance=edited), one.version)
    made.engine.refresh()
    wait_until(lambda: made.get("drift"), 30)
    return made


def engine_down():
    """Docker is away: what is registered stays."""
    made = healthy()
    error = syncer.TemporaryError("/var/run/docker.sock: connection refused")
    made.sources["docker"].failure = error
    made.engine.refresh()
    wait_until(lambda: made.get("status")["sources"][0]["state"] == "failing", 30)
    return made


def nothing():
    """Nothing offers a service yet."""
    return settled(site([], registries=("consul",)))


def many():
    """Five thousand instances of four hundred services."""
    names = [
        f"{team}-{number:02}" for team in ("shop", "pay", "web", "data") for number in range(100)
    ]
    found = [
        container(
            f"{names[number % 400]}-{number // 400 + 1}", 10_000 + number, names[number % 400]
        )
        for number in range(5000)
    ]
    for at in (17, 444, 1203):
        found[at] = attrs.evolve(
            found[at], health=syncer.Health.UNHEALTHY, health_output="HTTP 503"
        )
    made = settled(site(found))
    wait_until(lambda: made.get("instances?state=registered&limit=1")["total"] == 5000, 60)
    return made


#: Name, scene, size and colours.
PICTURES = (
    ("light", faults, TALL, "light"),
    ("dark", faults, TALL, "dark"),
    ("phone", faults, PHONE, "light"),
    ("healthy", healthy, DESK, "light"),
    ("engine-down", engine_down, DESK, "light"),
    ("nothing", nothing, DESK, "light"),
    ("many", many, DESK, "light"),
)


def main(folder=ROOT / "docs/images", *wanted):
    """Write those pictures, or all."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, scene, (width, height), colours in PICTURES:
            if wanted and name not in wanted:
                continue
            with closing(scene()) as made:
                size = {"width": width, "height": height}
                page = browser.new_page(viewport=size, color_scheme=colours)
                page.on("pageerror", lambda error: sys.exit(str(error)))
                page.goto(made.url)
                page.locator("body[data-loaded]").wait_for()
                page.get_by_text("connected", exact=True).wait_for()
                page.screenshot(path=f"{folder}/status-{name}.png")
                page.close()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
