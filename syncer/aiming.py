"""What one sink should hold: the sources' instances, in the form that this sink can keep.

Between the desired set and the planner. Checks go through the sink's check translator, what
syncer's own probes found becomes the status, then the sink adjusts the instance. What was worked
out for a workload is kept until the workload, the outcome of one of its probes or a hold changes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import attrs

from syncer.changes import Aim, Wanted
from syncer.checks import Check, CheckKey, CheckResult, CheckStatus, Native, Probe
from syncer.contracts import Sink, TranslatedCheck, translate_checks
from syncer.desired import Entry, Snapshot
from syncer.errors import PermanentError
from syncer.model import Instance, Mark, Status
from syncer.values import EMPTY

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
    Status.DRAINING: CheckResult(status=CheckStatus.CRITICAL, output="draining"),
}


@attrs.define
class _Fit:
    """What came of one workload; built once, then only read."""

    entry: Entry
    wanted: list[Wanted] = attrs.Factory(list)
    withheld: dict[str, tuple[str, int]] = attrs.Factory(dict)
    rejected: dict[str, str] = attrs.Factory(dict)
    unprobed: dict[str, tuple[str, int]] = attrs.Factory(dict)
    results: dict[CheckKey, CheckResult] = attrs.Factory(dict)
    #: The statuses that the probes had when this was worked out.
    probes: dict[Probe, CheckStatus | None] = attrs.Factory(dict)
    #: What an operator asked for, by id, when this was worked out.
    holds: dict[str, str] = attrs.Factory(dict)
    problems: tuple[str, ...] = ()


class Aims:
    """Makes the `Aim` of one sink. `tell` hears of problems: source, workload, texts.

    `withhold` are the statuses in which instances are not listed.
    """

    def __init__(
        self,
        sink: Sink,
        owner: str,
        translate: Translate | None = None,
        *,
        tell: Tell,
        probed: Probed = lambda probe: None,
        withhold: Collection[Status] = (),
    ) -> None:
        self._sink, self._owner, self._translate, self._tell = sink, owner, translate, tell
        self._probed, self._withhold = probed, frozenset(withhold)
        self._fits: dict[tuple[str, str], _Fit] = {}
        self._results: dict[CheckKey, CheckResult] = {}

    def of(self, world: Sequence[Snapshot], held: Mapping[str, Mark] = EMPTY) -> Aim:
        """The aim for what the sources know now.

        `held` are, by id, the marks of registrations that an operator wants kept as they are.
        """
        old, fits = self._fits, {}
        wanted: list[Wanted] = []
        withheld: dict[str, tuple[str, int]] = {}
        rejected: dict[str, str] = {}
        unprobed: dict[str, tuple[str, int]] = {}
        results: dict[CheckKey, CheckResult] = {}
        for snapshot in world:
            for id_, entry in snapshot.entries.items():
                key = (snapshot.name, id_)
                fit = old.get(key)
                holds = _holds(entry, snapshot, held) if held else {}
                if fit is None or fit.entry is not entry or self._outdated(fit, holds):
                    fit = self._fit(entry, snapshot, holds, fit)
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

    def _outdated(self, fit: _Fit, holds: dict[str, str]) -> bool:
        if fit.holds != holds:
            return True
        return any(self._status(probe) is not status for probe, status in fit.probes.items())

    def _status(self, probe: Probe) -> CheckStatus | None:
        result = self._probed(probe)
        return result.status if result else None

    def _fit(
        self, entry: Entry, snapshot: Snapshot, holds: dict[str, str], before: _Fit | None
    ) -> _Fit:
        fit = _Fit(entry, holds=holds)
        problems: list[str] = []
        for offered in entry.translated.instances:
            hold = holds.get(offered.id, "")
            instance = attrs.evolve(offered, status=Status.DRAINING) if hold else offered
            try:
                instance = self._with_health(instance, fit)
                want = self._want(instance, entry, snapshot, hold)
            except PermanentError as error:
                fit.rejected[instance.id] = str(error)
                problems.append(f"{instance.id}: {error}")
                continue
            if want is None:
                self._left_out(instance, offered if hold else None, fit)
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

    def _left_out(self, instance: Instance, free: Instance | None, fit: _Fit) -> None:
        """Note an instance that is not listed.

        `free` is one that is held, as it would be without that: if it is listed then, the sink has
        no place for the hold, and what stands there stays.
        """
        if free is None or free.status in self._withhold or self._sink.adjust(free) is None:
            fit.withheld[instance.id] = (instance.address, instance.port)
        else:
            text = f"this sink has no place for an instance that is {instance.status.value}"
            fit.rejected[instance.id] = text

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

    def _drained(self, instance: Instance) -> Instance | None:
        """The form in which consumers see that it is draining, or do not see it at all."""
        adjusted = self._sink.adjust(instance)
        as_up = self._sink.adjust(attrs.evolve(instance, status=Status.UP))
        return adjusted if adjusted not in (None, as_up) else self._sink.park(instance)

    def _want(
        self, instance: Instance, entry: Entry, snapshot: Snapshot, hold: str
    ) -> Wanted | None:
        """The instance in the sink's form, marked; None if it is not listed in its status.

        Raises PermanentError if the sink has no form for it.
        """
        if instance.status in self._withhold and not hold:
            return None
        try:
            adjusted = self._drained(instance) if hold else self._sink.adjust(instance)
            if adjusted is None:
                return None
            mark = Mark(
                owner=self._owner,
                scope=entry.workload.scope,
                source=snapshot.name,
                workload=entry.workload.id,
                digest=adjusted.digest(),
                via=entry.workload.via,
                hold=hold,
            )
            listed = self._sink.listed(adjusted)
        except PermanentError:
            raise
        except Exception as error:
            raise _mistake(error) from error
        return Wanted(instance=adjusted, listed=listed, mark=mark, order=snapshot.order)


def _holds(entry: Entry, snapshot: Snapshot, held: Mapping[str, Mark]) -> dict[str, str]:
    """What holds this very workload's instances, by id: another one under an id is not held."""
    holder = (snapshot.name, entry.workload.id)
    return {
        instance.id: mark.hold
        for instance in entry.translated.instances
        if (mark := held.get(instance.id)) and (mark.source, mark.workload) == holder
    }


def _mistake(error: Exception) -> PermanentError:
    return PermanentError(f"the sink's plugin failed on it: {error!r}")


def _status(found: dict[Probe, CheckStatus | None]) -> Status:
    """The status of an instance that runs, by what its probes found; critical is the worst."""
    statuses = {status or probe.initial_status for probe, status in found.items()}
    if any(status is CheckStatus.CRITICAL for status in found.values()):
        return Status.UNHEALTHY
    return Status.STARTING if statuses & {None, CheckStatus.CRITICAL} else Status.UP
