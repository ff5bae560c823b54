"""What probing costs: many http checks of a local server in a process of its own.

    python benchmarks/probes.py [--checks 5000] [--interval 10] [--seconds 60] [--dead 0]

Says how much of a core the prober takes and how late its probes are. Lateness is measured at the
server: how much longer than the interval and its stray of 10 % a target waited for its next
request. Each check has an address of its own in 127.0.0.0/8, as each container has; `--dead` adds
checks of a port that takes connections and never answers.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import socket
import statistics
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from syncer import Probe
from syncer.engine.probes.prober import Prober

STRAY = 1.1
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n"
    b'Connection: close\r\n\r\n{"status":"UP"}'
)
Arrivals = dict[str, list[float]]


class Target(asyncio.Protocol):
    """Answers one request, and notes when it came to which address."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A probe has come."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        address = transport.get_extra_info("sockname")[0]
        self._arrivals.setdefault(address, []).append(time.monotonic())

    def data_received(self, data: bytes) -> None:
        """The request: health checks fit into one packet."""
        self._transport.write(ANSWER)
        self._transport.close()


def serve(pipe: Connection) -> None:
    """The server's process: sends its port, and on a word all arrivals."""
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    arrivals: Arrivals = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Target(arrivals), "0.0.0.0", 0, backlog=4096)
    pipe.send(server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, pipe.recv)
    pipe.send(arrivals)


def probes(count: int, interval: float, port: int) -> list[Probe]:
    """One probe for each of as many addresses."""
    return [
        Probe(
            kind="http",
            address=f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}",
            port=port,
            path="/health",
            interval=interval,
        )
        for number in range(count)
    ]


def lateness(arrivals: Arrivals, interval: float, since: float) -> list[float]:
    """Seconds that each request since then came later than it may."""
    return [
        max(0.0, later - earlier - interval * STRAY)
        for times in arrivals.values()
        for earlier, later in zip(times, times[1:], strict=False)
        if later >= since
    ]


def part(values: Sequence[float], hundredth: int) -> float:
    """The value that this many hundredths of them are below."""
    return statistics.quantiles(values, n=100)[hundredth - 1] if len(values) > 1 else 0.0


def memory() -> float:
    """MiB that this process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def measure(arguments: argparse.Namespace, port: int, dead_port: int) -> tuple[float, float]:
    """Probe for the seconds asked for; returns the part of a core used, and when it began."""
    before = memory()
    told = 0

    def changed(names: frozenset[str]) -> None:
        nonlocal told
        told += 1

    prober = Prober(changed=changed)
    started = time.monotonic()
    live = probes(arguments.checks, arguments.interval, port)
    prober.want("sink", [*live, *probes(arguments.dead, arguments.interval, dead_port)])
    known = prober.wait(10 * arguments.interval)
    say("all known", f"{time.monotonic() - started:.1f} s" if known else "NO")
    time.sleep(arguments.interval)  # the first round is spread in another way
    began, used = time.monotonic(), time.process_time()
    time.sleep(arguments.seconds)
    share = (time.process_time() - used) / (time.monotonic() - began)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    say("all cpu", f"user {usage.ru_utime:.1f} s, system {usage.ru_stime:.1f} s")
    say("memory", f"{memory() - before:.0f} MiB more than without, {memory():.0f} in all")
    say("open files", f"{len(os.listdir('/proc/self/fd'))}")
    say("not passing", f"{sum(not passing(prober, probe) for probe in live)} of {len(live)}")
    say("sinks told", f"{told} times")
    prober.close()
    return share, began


def passing(prober: Prober, probe: Probe) -> bool:
    """Whether the prober has found it well."""
    found = prober.result(probe)
    return found is not None and found.status == "passing"


def say(what: str, value: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"{what:12} {value}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--checks", type=int, default=5000)
    parser.add_argument("--interval", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--dead", type=int, default=0)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    with socket.create_server(("0.0.0.0", 0), backlog=4096) as mute:
        share, began = measure(arguments, ours.recv(), mute.getsockname()[1])
    ours.send("over")
    arrivals: Arrivals = ours.recv()
    server.join(5)
    since = began + arguments.interval
    late = lateness(arrivals, arguments.interval, since)
    count = sum(began <= when <= began + arguments.seconds for t in arrivals.values() for when in t)
    say("a core", f"{share:.1%}")
    say("probes", f"{count / arguments.seconds:.0f} a second")
    say(
        "lateness",
        f"p50 {part(late, 50):.3f} s, p99 {part(late, 99):.3f} s, most {max(late):.3f} s",
    )


if __name__ == "__main__":
    main()
