"""Runs the probes of all sinks whose registries run no checks.

One thread with an event loop, started with the first probe. Equal probes of several sinks are one
probe. Results are kept while a sink wants the probe.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from syncer.api.checks import CheckResult, CheckStatus, Probe
from syncer.engine.probes.rules import ProbeRules
from syncer.events import AnyEvent, HealthChanged, Warned

if TYPE_CHECKING:
    from syncer.engine.probes.work import Run, Work

#: Seconds for which a former prober's results are kept, although no sink wants the probes yet.
FORMER = 60.0


class Prober:
    """Runs the probes that sinks want.

    `changed` is called in the prober's thread, with the names of the sinks whose probes have a new
    status or their first. `emit` hears of changes of status. `rules` say where probes may connect.
    """

    def __init__(
        self,
        *,
        changed: Callable[[frozenset[str]], None],
        emit: Callable[[AnyEvent], None] = lambda event: None,
        kinds: "Mapping[str, Run] | None" = None,
        rules: ProbeRules | None = None,
    ) -> None:
        self._changed, self._emit = changed, emit
        self._kinds, self._rules = kinds, rules or ProbeRules()
        self._lock = threading.Condition()
        self._wanted: dict[str, frozenset[Probe]] = {}
        self._results: dict[Probe, CheckResult] = {}
        self._pending: set[Probe] = set()
        self._thread: threading.Thread | None = None
        self._work: Work | None = None
        self._closed = False
        #: How many results have arrived.
        self.arrived = 0
        #: Probes of a former prober, whose results are kept until that time if no sink wants them.
        self._former: frozenset[Probe] = frozenset()
        self._former_until = 0.0

    def want(self, sink: str, probes: Collection[Probe]) -> None:
        """Run these probes for a sink from now on, and no others; return at once."""
        wanted = frozenset(probes)
        with self._lock:
            if self._closed or wanted == self._wanted.get(sink, frozenset()):
                return
            self._wanted[sink] = wanted
            every = frozenset[Probe]().union(*self._wanted.values())
            if time.monotonic() > self._former_until:
                self._former = frozenset()
            kept = every | self._former
            self._results = {p: found for p, found in self._results.items() if p in kept}
            self._pending = set(every - self._results.keys())
            if self._work is None:
                self._begin()
            assert self._work is not None
            self._work.tell(every)
            self._lock.notify_all()

    def result(self, probe: Probe) -> CheckResult | None:
        """Return the last result of a wanted probe. `None` if there is none yet."""
        return self._results.get(probe)

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until every probe has a result; return whether it has."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._pending or self._closed, timeout)

    def take_over(self, former: "Prober") -> None:
        """Start with another prober's results, until the same is probed here.

        They are kept for a while, since each sink wants its probes at its first cycle only.
        """
        with former._lock:
            results = dict(former._results)
        with self._lock:
            self._results, self._former = results, frozenset(results)
            self._former_until = time.monotonic() + FORMER

    def close(self) -> None:
        """End the thread; nothing is probed afterwards. A second call does nothing."""
        with self._lock:
            self._closed = True
            work, thread = self._work, self._thread
            self._lock.notify_all()
        if work and thread:
            work.stop()
            thread.join(5.0)

    def _begin(self) -> None:
        from syncer.engine.probes.work import Kinds, Work  # with asyncio, which is large

        kinds = Kinds(self._kinds, show=self._rules.show_answers)
        self._work = work = Work(self._note, self._tell, self._tell_late, kinds, self._rules)
        self._thread = threading.Thread(target=work.run, name="syncer prober", daemon=True)
        self._thread.start()

    def _note(self, probe: Probe, result: CheckResult) -> None:
        """Keep a result, if its probe is still wanted."""
        with self._lock:
            if not any(probe in wanted for wanted in self._wanted.values()):
                return
            self._results[probe] = result
            self.arrived += 1
            self._pending.discard(probe)
            if not self._pending:
                self._lock.notify_all()

    def _tell(self, news: Mapping[Probe, CheckStatus | None]) -> None:
        """Report probes whose status is not the former one, which is given, to people and sinks."""
        for probe, before in news.items():
            now = self._results.get(probe)
            if now and now.status is not (before or CheckStatus.PASSING):
                self._emit(HealthChanged(target=probe.target, status=now.status, output=now.output))
        with self._lock:
            names = frozenset(
                sink for sink, wanted in self._wanted.items() if not wanted.isdisjoint(news)
            )
        if names:
            self._changed(names)

    def _tell_late(self, probe: Probe, seconds: float) -> None:
        """Report that the probes of a workload wait for each other, or for those of others."""
        self._emit(
            Warned(
                text=f"probe {probe.target}: waited {seconds:.0f} s for its turn, longer than its "
                f"interval of {probe.interval:g} s. A few probes of a workload run at the same "
                "time: give its checks longer intervals or shorter timeouts, or have fewer"
            )
        )
