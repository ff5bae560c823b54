"""The Docker engine, or the way to it, breaks while containers start and stop.

All is read from three registries at once, past every proxy.
"""

import contextlib
import os
import signal

import pytest

from servers.waiting import wait_until

KEEPS = "nothing that runs is removed"

#: The faults of the line, and whether syncer may not notice them.
LINES = {
    "connections are refused": ({"refuse": True}, False),
    "connections are reset": ({"cut": True}, False),
    "connections are half open": ({"drop_requests": True, "drop_answers": True}, False),
    "answers come after the deadline": ({"delay": 4.0}, False),
    "answers break off": ({"truncate": 300}, False),
    "answers are corrupted": ({"corrupt": 150}, True),
    "the line is slow": ({"rate": 20_000}, True),
}


@pytest.fixture(scope="module")
def running(start_bench, real_host):
    """The bench on a real engine."""
    return start_bench(real_host)


@pytest.mark.parametrize("name", LINES, ids=lambda name: name.replace(" ", "-"))
def test_a_broken_line_to_docker(bench, results, request, name):
    """What runs stays in every registry, and what changed meanwhile is made up for."""
    fault, silent = LINES[name]
    failures = bench.failures("docker")
    bench.engine.set(**fault)
    stays = bench.change()
    wait_until(
        lambda: bench.failures("docker") > failures or (silent and bench.engine.bites),
        30,
        "the fault to be noticed",
    )
    bench.must_keep(stays)
    bench.engine.heal()
    seconds = bench.settle()
    assert bench.keeps(bench.host.ids())
    bench.never_removed(stays)
    results.add(request, f"Docker: {name}", KEEPS, seconds)


def end_quietly(engine, name):
    """End a container's process while no engine is there to see it."""
    pid = engine.container(name).attrs["State"]["Pid"]

    def end():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    return end


def test_a_killed_engine(bench, results, request):
    """After kill -9 of dockerd what runs stays, and what ended meanwhile goes when it is back."""
    engine, failures = bench.host.engine, bench.failures("docker")
    gone = bench.host.names[0]
    end = end_quietly(engine, gone)
    engine.kill()
    end()
    wait_until(lambda: bench.failures("docker") > failures, 30, "the fault to be noticed")
    bench.must_keep(bench.host.ids())
    bench.host.names.remove(gone)
    engine.start()
    seconds = bench.settle()
    bench.host.start()
    bench.settle()
    bench.never_removed(bench.host.ids())
    results.add(request, "Docker: killed, comes back", KEEPS, seconds)


def test_a_frozen_engine(bench, results, request):
    """While dockerd is stopped what runs stays, and when it goes on all is followed again."""
    engine, failures = bench.host.engine, bench.failures("docker")
    stays = bench.host.ids()
    engine.freeze()
    wait_until(lambda: bench.failures("docker") > failures, 30, "the fault to be noticed")
    bench.must_keep(stays)
    engine.thaw()
    stays = bench.change()
    seconds = bench.settle()
    assert bench.keeps(bench.host.ids())
    bench.never_removed(stays)
    results.add(request, "Docker: frozen", KEEPS, seconds)
