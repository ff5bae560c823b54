"""What one sink should hold: the sources' instances, in the form that this sink can keep.

Between the desired set and the planner. Checks go through the sink's check translator, what
syncer's own probes found becomes the status, then the sink adjusts the instance. What was worked
out for a workload is kept until the workload or the outcome of one of its probes changes.
"""

from collections.abc import Callable, Collection, Sequence

import attrs

from syncer.changes import Aim, Wanted
from syncer.checks import Check, CheckKey, CheckResult, CheckStatus, Native, Probe
from syncer.contracts import Sink, TranslatedCheck, translate_checks
from syncer.desired import Entry, Snapshot
from syncer.errors import PermanentError
from syncer.model import Instance, Mark, Status

Translate = Callable[[Check, Instance], TranslatedCheck]
Tell = Callable[[str, str, tuple[str, ...]], None]
#: What is known of a probe now; None: nothing yet.
Probed = Callable[[Probe], CheckResult | None]

#: What a fed check shows for each status, with a line for people.
RESULTS = {
    Status.UP: CheckResult(status=CheckStatus.PASSING, output="running"),
    Status.STARTING: CheckResult(status=CheckStatus.CRITICAL, output="health: starting"),
    Status.UNHEALTHY: CheckResult(status=CheckStatus.CRITICAL, output="health: unhealthy"),
    Status.PAUSED: CheckResult(status=CheckStatus.CRITICAL, output="paused"),
    Status.DRAINING: CheckResult(status=CheckStatus.CRITICAL, output="stopping"),
}


@attrs.define
class _Fit:
    """What came of one workload; built once, then only read."""

    entry: Entry
    wanted: list[Wanted] = attrs.Factory(list)
    withheld: dict[str, str] = attrs.Factory(dict)
    rejected: dict[str, str] = attrs.Factory(dict)
    unprobed: dict[str, tuple[str, int]] = attrs.Factory(dict)
    results: dict[CheckKey, CheckResult] = attrs.Factory(dict)
    #: The statuses that the probes had when this was worked out.
    probes: dict[Probe, CheckStatus | None] = attrs.Factory(dict)
    problems: tuple[str, ...] = ()


class Aims:
    """Makes the `Aim` of one sink. `tell` hears of problems: source, workload, texts."""

    def __init__(
        self,
        sink: Sink,
        owner: str,
        translate: Translate | None = None,
        *,
        tell: Tell,
        probed: Probed = lambda probe: None,
    ) -> None:
        self._sink, self._owner, self._translate, self._tell = sink, owner, translate, tell
        self._probed = probed
        self._fits: dict[tuple[str, str], _Fit] = {}
        self._results: dict[CheckKey, CheckResult] = {}

    def of(self, world: Sequence[Snapshot]) -> Aim:
        """The aim for what the sources know now."""
        old, fits = self._fits, {}
        wanted: list[Wanted] = []
        withheld: dict[str, str] = {}
        rejected: dict[str, str] = {}
        unprobed: dict[str, tuple[str, int]] = {}
        results: dict[CheckKey, CheckResult] = {}
        for snapshot in world:
            for id_, entry in snapshot.entries.items():
                key = (snapshot.name, id_)
                fit = old.get(key)
                if fit is None or fit.entry is not entry or self._outdated(fit):
                    fit = self._fit(entry, snapshot, fit)
                fits[key] = fit
                wanted += fit.wanted
                withheld.update(fit.withheld)
                rejected.update(fit.rejected)
                unprobed.update(fit.unprobed)
                results.update(fit.results)
        self._fits, self._results = fits, results
        return Aim(wanted=wanted, withheld=withheld, rejected=rejected, unprobed=unprobed)

    def results(self) -> dict[CheckKey, CheckResult]:
        """What the fed checks should show, as of the last aim."""
        return self._results

    def probes(self) -> Collection[Probe]:
        """What syncer is to probe for this sink, as of the last aim."""
        return {probe for fit in self._fits.values() for probe in fit.probes}

    def _outdated(self, fit: _Fit) -> bool:
        return any(self._status(probe) is not status for probe, status in fit.probes.items())

    def _status(self, probe: Probe) -> CheckStatus | None:
        result = self._probed(probe)
        return result.status if result else None

    def _fit(self, entry: Entry, snapshot: Snapshot, before: _Fit | None) -> _Fit:
        fit = _Fit(entry)
        problems: list[str] = []
        for offered in entry.translated.instances:
            instance = offered
            try:
                instance = self._with_health(instance, fit)
                want = self._want(instance, entry, snapshot)
            except PermanentError as error:
                fit.rejected[instance.id] = str(error)
                problems.append(f"{instance.id}: {error}")
                continue
            if want is None:
                fit.withheld[instance.id] = f"not listed while {instance.status.value}"
                continue
            adjusted = want.instance
            problems += (f"{adjusted.id}: {text}" for text in adjusted.problems)
            fit.wanted.append(want)
            fit.results.update(
                (CheckKey(adjusted.id, check.key), RESULTS[instance.status])
                for check in adjusted.checks
                if isinstance(check, Native) and check.fed
            )
        fit.problems = tuple(problems)
        if fit.problems != (before.problems if before else ()):
            self._tell(snapshot.name, entry.workload.name, fit.problems)
        return fit

    def _with_health(self, instance: Instance, fit: _Fit) -> Instance:
        """The instance with its checks in the sink's form, and the status that its probes found."""
        if self._translate is None or not instance.checks:
            return instance
        try:
            instance, probes = translate_checks(instance, self._translate)
        except Exception as error:  # the plugin's mistake must not cost the other instances
            raise _mistake(error) from error
        found = {probe: self._status(probe) for probe in probes}
        fit.probes.update(found)
        if instance.status is not Status.UP or not found:
            return instance
        status = _status(found)
        if None in found.values() and status is not Status.UNHEALTHY:
            fit.unprobed[instance.id] = (instance.address, instance.port)
        return attrs.evolve(instance, status=status)

    def _want(self, instance: Instance, entry: Entry, snapshot: Snapshot) -> Wanted | None:
        """The instance in the sink's form, marked. Raises PermanentError if it has none."""
        try:
            adjusted = self._sink.adjust(instance)
            if adjusted is None:
                return None
            mark = Mark(
                owner=self._owner,
                scope=entry.workload.scope,
                source=snapshot.name,
                workload=entry.workload.id,
                digest=adjusted.digest(),
                via=entry.workload.via,
            )
            listed = self._sink.listed(adjusted)
        except PermanentError:
            raise
        except Exception as error:
            raise _mistake(error) from error
        return Wanted(instance=adjusted, listed=listed, mark=mark, order=snapshot.order)


def _mistake(error: Exception) -> PermanentError:
    return PermanentError(f"the sink's plugin failed on it: {error!r}")


def _status(found: dict[Probe, CheckStatus | None]) -> Status:
    """The status of an instance that runs, by what its probes found; critical is the worst."""
    statuses = {status or probe.initial_status for probe, status in found.items()}
    if any(status is CheckStatus.CRITICAL for status in found.values()):
        return Status.UNHEALTHY
    return Status.STARTING if statuses & {None, CheckStatus.CRITICAL} else Status.UP
