"""A registry, or the way to it, breaks while containers start and stop.

Each fault meets one registry; the other two must go on as if nothing was.
"""

from dataclasses import dataclass, field

import pytest

from servers.faultbench import DEADLINE
from servers.waiting import wait_until

NAMES = ("consul", "etcd", "eureka")
KEEPS = "nothing that runs is removed, the other registries go on"


@dataclass(frozen=True)
class Case:
    """A fault of the line to a registry.

    One that `works` only slows syncer down; one that is `silent` may go unnoticed.
    """

    name: str
    fault: dict = field(default_factory=dict)
    works: bool = False
    silent: bool = False


LINES = (
    Case("connections are refused", {"refuse": True}),
    Case("connections are reset", {"cut": True}),
    Case("connections are half open", {"drop_requests": True, "drop_answers": True}),
    Case("answers are lost, requests are not", {"drop_answers": True}),
    Case("answers come after the deadline", {"delay": 4.0}),
    Case("answers break off", {"truncate": 60}),
    Case("answers are corrupted", {"corrupt": 150}, silent=True),
    Case("answers are late", {"delay": 0.1}, works=True, silent=True),
    Case("the line is slow", {"rate": 20_000}, works=True, silent=True),
)


@pytest.fixture(scope="module")
def running(start_bench, fake_host):
    """The bench on a made-up engine: what starts and stops there does so at once."""
    return start_bench(fake_host)


@pytest.mark.parametrize("case", LINES, ids=lambda case: case.name.replace(" ", "-"))
@pytest.mark.parametrize("name", NAMES)
def test_a_broken_line(bench, results, request, name, case):
    """What runs stays, others go on, and all is made up for when the line works again."""
    others = [other for other in NAMES if other != name]
    proxy, failures = bench.proxies[name], bench.failures(name)
    proxy.set(**case.fault)
    stays = bench.change()
    wait_until(
        lambda: bench.failures(name) > failures or (case.silent and proxy.bites),
        30,
        "the fault to be noticed",
    )
    bench.settle(others, deadline=30)
    if case.works:
        seconds = bench.settle([name])
    else:
        bench.must_keep(stays)
        proxy.heal()
        seconds = bench.settle([name])
    assert bench.keeps(bench.host.ids())
    bench.never_removed(stays)
    promise = "changes get through all the time" if case.works else KEEPS
    results.add(request, f"registry: {case.name}", promise, seconds)


def restart_empty(server):
    """Bring a killed server back without its data."""
    server.restart_empty()


def restart(server):
    """Bring a killed server back with its data."""
    server.start()


@pytest.mark.parametrize("back", [restart_empty, restart], ids=["empty", "with-its-data"])
@pytest.mark.parametrize("name", NAMES)
def test_a_killed_registry(bench, results, request, name, back):
    """After kill -9 a registry is filled again, whether it comes back with its data or without."""
    view, others = bench.views[name], [other for other in NAMES if other != name]
    if back is restart and not view.keeps_data:
        back = restart_empty  # as always with this one; a longer fault of the same kind
    failures = bench.failures(name)
    view.server.kill()
    bench.proxies[name].set(refuse=True)
    stays = bench.change()
    wait_until(lambda: bench.failures(name) > failures, 30, "the fault to be noticed")
    bench.settle(others, deadline=30)
    back(view.server)
    if back is restart_empty:
        bench.foreign_again(name)
    bench.proxies[name].heal()
    seconds = bench.settle([name])
    assert bench.keeps(bench.host.ids())
    bench.never_removed(stays)
    how = "empty" if back is restart_empty else "with its data"
    promise = "all that runs is there again, others go on"
    results.add(request, f"registry: killed, comes back {how}", promise, seconds)


@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_registry(bench, results, request, name):
    """A registry that is stopped and goes on, its connections open, has what runs soon after."""
    view, others = bench.views[name], [other for other in NAMES if other != name]
    failures = bench.failures(name)
    view.server.freeze()
    stays = bench.change()
    wait_until(lambda: bench.failures(name) > failures, DEADLINE, "the fault to be noticed")
    bench.settle(others, deadline=30)
    view.server.thaw()
    seconds = bench.settle([name])
    assert bench.keeps(bench.host.ids())
    bench.never_removed(stays)
    results.add(request, "registry: frozen", KEEPS, seconds)
