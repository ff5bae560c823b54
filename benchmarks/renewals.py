"""What keeps registrations alive: etcd's lease, and Eureka's renewal of each instance."""

import statistics
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from benchmarks.figures import keep, part, say
from benchmarks.stage import Stage, stage, wait
from benchmarks.usage import cpu

#: Eureka's rhythm, and seconds watched: three of it.
EVERY, SECONDS = 30.0, 90.0
ETCD_TTL = 15.0


def run(sizes: tuple[int, ...], registries: tuple[str, ...], repeat: int) -> None:
    """Each size with those registries that have leases."""
    rows = []
    for registry in registries:
        for size in sizes:
            if registry == "consul":
                continue
            with stage(registry, size) as made:
                row = etcd(made, size) if registry == "etcd" else eureka(made, size)
            rows.append({"registry": registry, "instances": size, **row})
            say(f"renewals {registry} {size}: {row}")
            keep("renewals", rows)


def etcd(made: Stage, size: int) -> dict[str, str]:
    """Renewals as etcd itself counts them, at a short TTL."""
    began = time.perf_counter()
    syncer = made.syncer("--set", f"sinks.etcd.ttl={ETCD_TTL:.0f}s")
    made.wait_count(size, began)
    before, used = _renewed(made), cpu(syncer.pid)
    time.sleep(2 * ETCD_TTL)
    renewed, used = _renewed(made) - before, cpu(syncer.pid) - used
    syncer.stop()
    return {
        "renewals": f"{renewed / 2:.1f} in a TTL",
        "a core": f"{used / (2 * ETCD_TTL):.1%}",
    }


def eureka(made: Stage, size: int) -> dict[str, str]:
    """Each instance's renewals, as a proxy sees them go by."""
    url = urlsplit(made.registry.server.url)
    notes = made.docker.socket.with_name("notes")
    tap = made.program("-m", "benchmarks.tap", str(url.hostname), str(url.port), str(notes))
    wait(lambda: tap.tail().strip().isdigit())
    made.registry.sink = lambda: f"eureka=http://127.0.0.1:{tap.tail().strip()}/eureka/"  # type: ignore[method-assign]
    began = time.perf_counter()
    syncer = made.syncer()
    made.wait_count(size, began)
    time.sleep(EVERY)
    used, since = cpu(syncer.pid), time.time()
    time.sleep(SECONDS)
    used = cpu(syncer.pid) - used
    syncer.stop()
    times = _times(notes)
    late = [
        max(0.0, later - earlier - EVERY)
        for seen in times.values()
        for earlier, later in zip(seen, seen[1:], strict=False)
        if later > since
    ]
    each = [int(when - since) for seen in times.values() for when in seen if when > since]
    seconds = [each.count(second) for second in range(int(SECONDS))]
    return {
        "renewals": f"{statistics.median(seconds):.0f} a second, at most {max(seconds)}",
        "a core": f"{used / SECONDS:.1%}",
        "late by, s": f"p95 {part(late, 95):.1f}, at most {max(late):.1f}",
    }


def _times(notes: Path) -> dict[str, list[float]]:
    """When each instance was renewed."""
    found: dict[str, list[float]] = defaultdict(list)
    for line in notes.read_text(encoding="utf-8").splitlines():
        when, method, path = line.split(" ", 2)
        if method == "PUT":
            found[path].append(float(when))
    return found


def _renewed(made: Stage) -> int:
    text = urllib3.request("GET", f"{made.registry.server.url}/metrics").data.decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return int(float(lines["etcd_debugging_lease_renewed_total"]))
