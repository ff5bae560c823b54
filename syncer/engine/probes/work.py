"""The event loop that runs probes, each at its interval, a limited number at a time.

Imported only when something is probed: `asyncio` is large.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

from syncer.api.checks import CheckResult, CheckStatus, Probe
from syncer.api.text import printable
from syncer.engine.probes.rules import ProbeRules
from syncer.engine.probes.thresholds import Thresholds

#: How many probes run at the same time. Those whose last run was slow are counted apart, so that
#: dead targets never delay the others.
AT_ONCE, SLOW_AT_ONCE = 256, 512
#: How many new probes start each second.
STARTS = 500
#: Seconds over which changes are collected before they are reported.
GATHER = 0.05
#: By which part an interval is varied.
JITTER = 0.1
#: How many characters of output are kept for people.
LONGEST_OUTPUT = 300

Run = Callable[[Probe], Awaitable[CheckResult]]


class Work:
    """The work in the prober's thread."""

    def __init__(
        self,
        note: Callable[[Probe, CheckResult], None],
        tell: Callable[[Mapping[Probe, CheckStatus | None]], None],
        kinds: "Kinds",
    ) -> None:
        self._note, self._tell, self._kinds = note, tell, kinds
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._tasks: dict[Probe, asyncio.Task[None]] = {}
        #: Probes with a new status, each with its former one.
        self._news: dict[Probe, CheckStatus | None] = {}
        self._places, self._slow = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(SLOW_AT_ONCE)

    def tell(self, probes: frozenset[Probe]) -> None:
        """Run exactly these probes from now on; from any thread."""
        self._soon(lambda: self._set(probes))

    def stop(self) -> None:
        """End `run`; from any thread."""
        self._soon(self._over.set)

    def run(self) -> None:
        """Probe until `stop`."""
        try:
            self._loop.run_until_complete(self._until_over())
        finally:
            self._loop.close()

    def _soon(self, do: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(do)
        except RuntimeError:  # the loop is closed: nothing is left to do
            return

    async def _until_over(self) -> None:
        await self._over.wait()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._kinds.close()

    def _set(self, probes: frozenset[Probe]) -> None:
        for probe in self._tasks.keys() - probes:
            self._tasks.pop(probe).cancel()
        new = probes - self._tasks.keys()
        for probe in new:
            delay = random.uniform(0, min(probe.interval, len(new) / STARTS))
            self._tasks[probe] = self._loop.create_task(self._repeat(probe, delay))

    async def _repeat(self, probe: Probe, delay: float) -> None:
        """Probe at each interval, from start to start; never twice at the same time."""
        counted, slow = Thresholds(probe), False
        while True:
            await asyncio.sleep(delay)
            async with self._slow if slow else self._places:
                began = self._loop.time()
                result = await self._once(probe)
                took = self._loop.time() - began
            slow = took > min(1.0, probe.timeout / 2)
            before, status = counted.status, counted.note(result.status)
            if status is not None:
                self._note(probe, CheckResult(status=status, output=result.output))
                if status is not before:
                    self._gather(probe, before)
            pause = probe.interval * random.uniform(1 - JITTER, 1 + JITTER)
            delay = max(0.0, pause - (self._loop.time() - began))

    async def _once(self, probe: Probe) -> CheckResult:
        """Run a probe once; whatever it raises is a failure."""
        try:
            result = await asyncio.wait_for(self._kinds(probe), probe.timeout)
        except (TimeoutError, asyncio.TimeoutError):  # two classes until Python 3.11
            return _failed(f"no answer within {probe.timeout:g} s")
        except Exception as error:  # noqa: BLE001 - a probe may raise anything, the loop goes on
            return _failed(str(error) or type(error).__name__)
        return CheckResult(status=result.status, output=printable(result.output, LONGEST_OUTPUT))

    def _gather(self, probe: Probe, before: CheckStatus | None) -> None:
        if not self._news:
            self._loop.call_later(GATHER, self._tell_news)
        self._news.setdefault(probe, before)

    def _tell_news(self) -> None:
        news, self._news = self._news, {}
        self._tell(news)


class Kinds:
    """The prober of each kind, made in the loop's thread with the first probe of its kind."""

    def __init__(self, given: Mapping[str, Run] | None, rules: ProbeRules) -> None:
        self._rules = rules
        self._made: dict[str, Run] = dict(given or {})
        self._closing: list[Callable[[], Awaitable[None]]] = []

    async def __call__(self, probe: Probe) -> CheckResult:
        run = self._made.get(probe.kind) or self._make(probe.kind)
        return await run(probe)

    async def close(self) -> None:
        for close in self._closing:
            await close()

    def _make(self, kind: str) -> Run:
        if kind == "tcp":
            from syncer.engine.probes.tcp import TcpProber

            self._made[kind] = TcpProber(self._rules)
        elif kind == "grpc":
            from syncer.engine.probes.grpc import GrpcProber

            grpc = GrpcProber(self._rules, AT_ONCE + SLOW_AT_ONCE)
            self._made[kind] = grpc
            self._closing.append(grpc.close)
        else:
            from syncer.engine.probes.http import HttpProber

            http = HttpProber(self._rules)
            self._made["http"] = self._made["https"] = http
            self._closing.append(http.close)
        return self._made[kind]


def _failed(why: str) -> CheckResult:
    return CheckResult(status=CheckStatus.CRITICAL, output=printable(why, LONGEST_OUTPUT))
