"""The event loop that runs probes, each at its interval, a limited number at a time.

Imported only when something is probed: `asyncio` is large.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable, Mapping

from syncer.api.checks import CheckResult, CheckStatus, Probe
from syncer.api.text import printable
from syncer.engine.probes.places import Names, Places, find_places, whose
from syncer.engine.probes.rules import ProbeRules
from syncer.engine.probes.thresholds import Thresholds
from syncer.engine.probes.turns import Turns

#: How many probes run at the same time. Those whose last run was slow are counted apart, so that
#: dead targets do not delay the others. A call of grpc needs a thread.
AT_ONCE, SLOW_AT_ONCE, GRPC_AT_ONCE = 256, 512, 32
#: How many of these are of one workload, whose labels say how many probes it has.
EACH_AT_ONCE = 8
#: How many names are looked up at the same time, and how many for one workload.
NAMES_AT_ONCE, EACH_NAMES = 32, 2
#: Seconds between two reports of probes that are late.
QUIET = 60.0
#: How many new probes start each second.
STARTS = 500
#: Seconds over which changes are collected before they are reported.
GATHER = 0.05
#: By which part an interval is varied.
JITTER = 0.1
#: How many characters of output are kept for people.
LONGEST_OUTPUT = 300

Run = Callable[[Probe, Places], Awaitable[CheckResult]]


class Work:
    """The work in the prober's thread."""

    def __init__(
        self,
        note: Callable[[Probe, CheckResult], None],
        tell: Callable[[Mapping[Probe, CheckStatus | None]], None],
        tell_late: Callable[[Probe, float], None],
        kinds: "Kinds",
        rules: ProbeRules,
    ) -> None:
        self._note, self._tell, self._tell_late = note, tell, tell_late
        self._kinds, self._rules = kinds, rules
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._tasks: dict[Probe, asyncio.Task[None]] = {}
        #: Probes with a new status, each with its former one.
        self._news: dict[Probe, CheckStatus | None] = {}
        self._quick, self._slow = _Lane(AT_ONCE), _Lane(SLOW_AT_ONCE)
        #: Workloads of which it was told that their probes are late.
        self._late: set[Hashable] = set()
        self._quiet_until = 0.0

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
        self._late &= set(map(whose, probes))
        new = probes - self._tasks.keys()
        for probe in new:
            delay = random.uniform(0, min(probe.interval, len(new) / STARTS))
            self._tasks[probe] = self._loop.create_task(self._repeat(probe, delay))

    async def _repeat(self, probe: Probe, delay: float) -> None:
        """Probe at each interval, from start to start; never twice at the same time."""
        counted, slow = Thresholds(probe), False
        while True:
            await asyncio.sleep(delay)
            due, lane = self._loop.time(), self._slow if slow else self._quick
            async with lane.turns(probe).turn(whose(probe)):
                began = self._loop.time()
                self._note_wait(probe, began - due)
                result = await self._once(probe, lane.names)
                took = self._loop.time() - began
            slow = took > min(1.0, probe.timeout / 2)
            before, status = counted.status, counted.note(result.status)
            if status is not None:
                self._note(probe, CheckResult(status=status, output=result.output))
                if status is not before:
                    self._gather(probe, before)
            pause = probe.interval * random.uniform(1 - JITTER, 1 + JITTER)
            delay = max(0.0, pause - (self._loop.time() - began))

    def _note_wait(self, probe: Probe, seconds: float) -> None:
        """Tell once of each workload that its probes wait longer than their interval.

        Not of many workloads at once: if all targets are dead, one line says it.
        """
        now, news = self._loop.time(), whose(probe) not in self._late
        if seconds > probe.interval and news and now >= self._quiet_until:
            self._late.add(whose(probe))
            self._quiet_until = now + QUIET
            self._loop.call_soon(self._tell_late, probe, seconds)

    async def _once(self, probe: Probe, names: Names) -> CheckResult:
        """Run a probe once; whatever it raises is a failure."""
        try:
            places = await find_places(probe, self._rules, names)
            result = await asyncio.wait_for(self._kinds(probe, places), probe.timeout)
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


class _Lane:
    """The turns of probes, those of grpc apart, and of the names that they look up."""

    def __init__(self, most: int) -> None:
        self._turns = Turns(most, EACH_AT_ONCE)
        self._grpc = Turns(GRPC_AT_ONCE, EACH_AT_ONCE)
        self.names = Names(NAMES_AT_ONCE, EACH_NAMES)

    def turns(self, probe: Probe) -> Turns:
        """Return the turns that this kind of probe takes."""
        return self._grpc if probe.kind == "grpc" else self._turns


class Kinds:
    """The prober of each kind, made in the loop's thread with the first probe of its kind."""

    def __init__(self, given: Mapping[str, Run] | None, *, show: bool) -> None:
        self._show = show
        self._made: dict[str, Run] = dict(given or {})
        self._closing: list[Callable[[], Awaitable[None]]] = []

    async def __call__(self, probe: Probe, places: Places) -> CheckResult:
        run = self._made.get(probe.kind) or self._make(probe.kind)
        return await run(probe, places)

    async def close(self) -> None:
        for close in self._closing:
            await close()

    def _make(self, kind: str) -> Run:
        if kind == "tcp":
            from syncer.engine.probes.tcp import TcpProber

            self._made[kind] = TcpProber()
        elif kind == "grpc":
            from syncer.engine.probes.grpc import GrpcProber

            grpc = GrpcProber(2 * GRPC_AT_ONCE, show=self._show)
            self._made[kind] = grpc
            self._closing.append(grpc.close)
        else:
            from syncer.engine.probes.http import HttpProber

            http = HttpProber(show=self._show)
            self._made["http"] = self._made["https"] = http
            self._closing.append(http.close)
        return self._made[kind]


def _failed(why: str) -> CheckResult:
    return CheckResult(status=CheckStatus.CRITICAL, output=printable(why, LONGEST_OUTPUT))
