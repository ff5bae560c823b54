"""Events as metrics for Prometheus. Imported only where they are served: the extra `web`.

Labels have few values: names of configured sources and sinks, a source's one scope, and words of
syncer's own. Never the name of a service, an id or an address: there may be any number of those.
"""

import time
from collections import Counter as Count
from collections.abc import Callable, Iterator
from functools import partial, singledispatchmethod
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase

from syncer import __version__, events
from syncer.api.changes import Change, SkipKind, Treat
from syncer.api.left_out import LeftOutKind

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: Bounds of the histograms, in seconds: from a cycle without changes to a registry that hangs.
_CYCLE = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0)
#: A lease outlasts two pulses at least, so that a delay of some seconds does no harm.
_LATE = (0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """Listens to an engine's events and counts; Prometheus reads `text()`.

    `interval` is the engine's, in seconds: alerts compare ages with it. `clock` is the time of day.
    """

    def __init__(self, *, interval: float = 30.0, clock: Callable[[], float] = time.time) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock
        self._skips: dict[str, set[SkipKind]] = {}
        #: When each sink was last known to be in sync, or first heard of.
        self._in_sync_at: dict[str, float] = {}
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._build = Info(
            "syncer_build", "The version of syncer, in the label version", registry=self.registry
        )
        self._build.info({"version": __version__})
        self._define()
        self._define_sinks()
        self(events.ConfigReloaded(interval=interval))

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def described(self) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
        """Name, type, labels and meaning of each of syncer's own metrics, for the documentation."""
        for made in vars(self).values():
            if isinstance(made, MetricWrapperBase):
                (family,) = made.describe()
                ending = {"counter": "_total", "info": "_info"}.get(family.type, "")
                yield family.name + ending, family.type, made._labelnames, family.documentation

    def _define(self) -> None:
        gauge = partial(Gauge, namespace="syncer", registry=self.registry)
        counter = partial(Counter, namespace="syncer", registry=self.registry)
        self._interval = gauge("interval_seconds", "The configured interval of full reads")
        self._config = gauge(
            "config_last_reload_successful", "1 if the configuration was accepted when last read"
        )
        self._configured = gauge(
            "config_last_reload_success_timestamp_seconds",
            "Time of the last accepted configuration",
        )
        source = ("source",)
        about = "The scope of a source, usually its host's name, in the label scope"
        self._scope = Info("syncer_source", about, source, registry=self.registry)
        self._workloads = gauge("source_workloads", "Workloads in the last listing", source)
        self._instances = gauge("source_instances", "Instances that these workloads offer", source)
        self._unclear = gauge(
            "source_unclear", "Workloads that exist but could not be read", source
        )
        self._left_out = gauge(
            "not_registered",
            "Workloads and ports that are not registered, by why",
            (*source, "kind"),
        )
        self._listings = counter(
            "source_listings", "Listings, by whether they were complete", (*source, "complete")
        )
        self._listed = gauge(
            "source_last_success_timestamp_seconds", "Time of the last complete listing", source
        )
        self._problems = counter("label_problems", "Problems found in labels", source)
        loop = ("part", "name")
        self._errors = counter(
            "errors", "Failures; part is source, sink, pulse, watch or election", loop
        )
        self._row = gauge("consecutive_failures", "Failures in a row; 0 once it works again", loop)
        self._health = counter(
            "health_changes", "Changes of status found by syncer's own probes", ("status",)
        )

    def _define_sinks(self) -> None:
        gauge = partial(Gauge, namespace="syncer", registry=self.registry)
        counter = partial(Counter, namespace="syncer", registry=self.registry)
        histogram = partial(Histogram, namespace="syncer", registry=self.registry)
        sink = ("sink",)
        self._cycles = counter("cycles", "Finished cycles", sink)
        self._duration = histogram(
            "cycle_duration_seconds", "Length of cycles", sink, buckets=_CYCLE
        )
        self._cycled = gauge(
            "sink_last_success_timestamp_seconds", "Time of the last finished cycle", sink
        )
        self._in_sync = gauge(
            "in_sync", "1 if the sink holds what it should, and no change is held back", sink
        )
        self._synced = gauge(
            "in_sync_timestamp_seconds",
            "Time when the sink was last known to be in sync; the first attempt if it never was",
            sink,
        )
        self._changes = counter("changes", "Changes that the sink accepted", (*sink, "change"))
        self._failed = counter("failed_changes", "Changes that failed", (*sink, "change"))
        self._drift = counter(
            "drift", "Repairs of entries that others had changed or removed", sink
        )
        self._registrations = gauge(
            "registrations", "Entries in the sink, ours or foreign", (*sink, "whose")
        )
        self._unchanged = gauge("unchanged", "Entries that were up to date", sink)
        self._skipped = gauge("skips", "Changes held back, by reason", (*sink, "reason"))
        self._guard = gauge("guard_held", "Removals and moves held by the guard", sink)
        self._leads = gauge("leads", "1 if this syncer has the lock and writes", sink)
        self._lost = counter("lost", "Entries and checks that the registry had lost", sink)
        self._pulses = counter("pulses", "Pulses: renewals and health reports", sink)
        self._held = gauge("pulse_held", "Entries that the last pulse renewed", sink)
        self._every = gauge("pulse_interval_seconds", "Time between two pulses", sink)
        self._late = gauge("pulse_late_seconds", "Delay of the last pulse", sink)
        self._lateness = histogram(
            "pulse_lateness_seconds", "Delays of pulses", sink, buckets=_LATE
        )
        self._beaten = gauge(
            "pulse_last_success_timestamp_seconds", "Time of the last successful pulse", sink
        )

    @singledispatchmethod
    def __call__(self, event: Any) -> None:
        """Count an event, if anything of it is counted."""

    @__call__.register
    def _(self, event: events.SourceListed) -> None:
        self._scope.labels(event.source).info({"scope": event.scope})
        self._workloads.labels(event.source).set(event.workloads)
        self._instances.labels(event.source).set(event.instances)
        self._unclear.labels(event.source).set(event.unclear)
        self._listings.labels(event.source, str(event.complete).lower()).inc()
        if event.complete:
            self._listed.labels(event.source).set(self._clock())

    @__call__.register
    def _(self, event: events.LoopFailed) -> None:
        self._errors.labels(event.loop.role, event.loop.name).inc()
        self._row.labels(event.loop.role, event.loop.name).set(event.failures)
        if event.loop.role == "sink":
            self._note_sync(event.loop.name, False)

    @__call__.register
    def _(self, event: events.LoopRecovered) -> None:
        self._row.labels(event.loop.role, event.loop.name).set(0)

    @__call__.register
    def _(self, event: events.ProblemsFound) -> None:
        self._problems.labels(event.source).inc(len(event.problems))

    @__call__.register
    def _(self, event: events.LeftOutChanged) -> None:
        counts = Count(one.kind for one in event.left_out)
        for kind in LeftOutKind:
            self._left_out.labels(event.source, kind).set(counts[kind])

    @__call__.register
    def _(self, event: events.ChangeApplied) -> None:
        self._changes.labels(event.sink, _word(event.change)).inc()
        if event.drift:
            self._drift.labels(event.sink).inc()

    @__call__.register
    def _(self, event: events.CycleFinished) -> None:
        sink, plan = event.sink, event.plan
        self._cycles.labels(sink).inc()
        self._duration.labels(sink).observe(event.seconds)
        self._cycled.labels(sink).set(self._clock())
        self._note_sync(sink, event.in_sync and not event.held_back)
        self._drift.labels(sink)
        for change in plan.changes:
            if change.id in event.failed:
                self._failed.labels(sink, _word(change)).inc()
        self._registrations.labels(sink, "ours").set(event.ours)
        self._registrations.labels(sink, "foreign").set(plan.foreign)
        self._unchanged.labels(sink).set(plan.unchanged)
        counts = Count(skip.kind for skip in plan.skipped)
        from_start = {kind for kind in SkipKind if Treat.COUNT in kind.treat}
        seen = self._skips.setdefault(sink, from_start)
        seen.update(counts)
        for kind in seen:
            self._skipped.labels(sink, kind).set(counts[kind])
        self._guard.labels(sink).set(counts[SkipKind.GUARD])

    @__call__.register
    def _(self, event: events.LeaseLost) -> None:
        self._lost.labels(event.sink).inc(event.lost)

    @__call__.register
    def _(self, event: events.PulseBeaten) -> None:
        self._pulses.labels(event.sink).inc()
        self._held.labels(event.sink).set(event.held)
        self._every.labels(event.sink).set(event.every)
        self._late.labels(event.sink).set(event.late)
        self._lateness.labels(event.sink).observe(event.late)
        self._beaten.labels(event.sink).set(self._clock())

    @__call__.register
    def _(self, event: events.Elected) -> None:
        self._leads.labels(event.sink).set(event.leads)

    @__call__.register
    def _(self, event: events.ConfigReloaded) -> None:
        self._interval.set(event.interval)
        self._config.set(1)
        self._configured.set(self._clock())
        if event.changed:
            self._forget()

    @__call__.register
    def _(self, event: events.ConfigRefused) -> None:
        self._config.set(0)

    @__call__.register
    def _(self, event: events.HealthChanged) -> None:
        self._health.labels(event.status.value).inc()

    def _note_sync(self, sink: str, in_sync: bool) -> None:
        now = self._clock()
        since = self._in_sync_at.setdefault(sink, now)
        self._in_sync_at[sink] = now if in_sync else since
        self._in_sync.labels(sink).set(in_sync)
        self._synced.labels(sink).set(self._in_sync_at[sink])

    def _forget(self) -> None:
        """Forget the state of parts, which may be gone; keep the counters."""
        for made in vars(self).values():
            if isinstance(made, (Gauge, Info)) and made._labelnames:
                made.clear()


def _word(change: Change) -> str:
    return type(change).__name__.lower()
