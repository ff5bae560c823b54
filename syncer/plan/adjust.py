"""What one sink should hold: the sources' instances, in the form that this sink can keep.

Between the desired set and the planner. Checks go through the sink's check translator, what
syncer's own probes found becomes the status, then the sink adjusts the instance. What was worked
out for a workload is kept until the workload, the outcome of one of its probes or a hold changes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import attrs

from syncer.api.checks import Check, CheckKey, CheckResult, CheckStatus, Native, Probe
from syncer.api.contracts import Sink
from syncer.api.errors import PermanentError
from syncer.api.fields import frozen_map
from syncer.api.keys import Claim, Place, WorkloadKey
from syncer.api.kinds import TranslatedCheck, translate_checks
from syncer.api.model import Instance, Mark, Status
from syncer.desired.snapshot import Snapshot, TrackedWorkload
from syncer.plan.adjusted import Aim, Rejected, Wanted
from syncer.plan.drain import Held, drained, with_holds

Translate = Callable[[Check, Instance], TranslatedCheck]
Tell = Callable[[str, str, tuple[str, ...]], None]
#: Nothing is held.
_NOTHING: Mapping[WorkloadKey, Sequence[Held]] = frozen_map({})
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

    entry: TrackedWorkload
    wanted: list[Wanted] = attrs.Factory(list)
    withheld: dict[str, Place] = attrs.Factory(dict)
    rejected: dict[str, Rejected] = attrs.Factory(dict)
    unprobed: dict[str, Place] = attrs.Factory(dict)
    results: dict[CheckKey, CheckResult] = attrs.Factory(dict)
    #: The statuses that the probes had when this was worked out.
    probes: dict[Probe, CheckStatus | None] = attrs.Factory(dict)
    #: What stood of it when this was worked out, if an operator held any of that.
    held: Sequence[Held] = ()
    problems: tuple[str, ...] = ()

    def ids(self) -> set[str]:
        """All ids that it says something about."""
        return {*(want.instance.id for want in self.wanted), *self.withheld, *self.rejected}


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
        self._fits: dict[WorkloadKey, _Fit] = {}
        #: By id, the workload that has something to say about it.
        self._claims: dict[str, WorkloadKey] = {}
        self._rivals = self._renamed = False
        self._results: dict[CheckKey, CheckResult] = {}
        self._probes: frozenset[Probe] = frozenset()

    def of(
        self, world: Sequence[Snapshot], held: Mapping[WorkloadKey, Sequence[Held]] = _NOTHING
    ) -> Aim:
        """The aim for what the sources know now.

        `held` is all that stands of workloads of which an operator holds something.
        """
        old = self._fits
        self._fits = {
            key: self._fitted(entry, snapshot, held, old.get(key))
            for snapshot in world
            for id_, entry in snapshot.workloads.items()
            for key in (WorkloadKey(snapshot.name, id_),)
        }
        self._claims, self._rivals = _claims(self._fits)
        fits = self._fits.values()
        self._results = {key: result for fit in fits for key, result in fit.results.items()}
        self._probes = frozenset(probe for fit in fits for probe in fit.probes)
        return _aim(self._fits)

    def of_some(
        self,
        keys: Collection[WorkloadKey],
        world: Sequence[Snapshot],
        held: Mapping[WorkloadKey, Sequence[Held]],
    ) -> Aim | None:
        """The aim for these workloads alone, while all others are as they were last time.

        None if that does not do, and `of` is needed: two workloads have something to say about
        one id, or syncer is to probe them.
        """
        snapshots = {snapshot.name: snapshot for snapshot in world}
        old = {key: self._fits.pop(key) for key in keys if key in self._fits}
        new = {
            key: self._fitted(entry, snapshots[key[0]], held, old.get(key))
            for key in keys
            if (entry := snapshots[key[0]].workloads.get(key[1]))
        }
        self._fits |= new
        for key, fit in old.items():
            for id_ in fit.ids():
                if self._claims.get(id_) == key:
                    del self._claims[id_]
        claims, rivals = _claims(new)
        taken = rivals or claims.keys() & self._claims.keys()
        if taken or any(fit.probes for fit in new.values()):
            return None
        self._claims |= claims
        results = dict(self._results)
        for fit in old.values():
            for check in fit.results:
                results.pop(check, None)
        for fit in new.values():
            results |= fit.results
        self._results = results
        return _aim(new)

    def heed(self, holders: Mapping[str, WorkloadKey]) -> None:
        """Where several workloads ask for one id, its fed checks show the one that has it."""
        self._results = {
            check: result
            for key, fit in self._fits.items()
            for check, result in fit.results.items()
            if holders.get(check.instance, key) == key
        }

    def rivals(self) -> bool:
        """Whether two workloads have something to say about one id, as of the last aim."""
        return self._rivals

    def renamed(self) -> bool:
        """Whether a workload asks for other ids than before, since this was asked last."""
        renamed, self._renamed = self._renamed, False
        return renamed

    def claimants(self, ids: Iterable[str]) -> set[WorkloadKey]:
        """The workloads that have something to say about these ids, as of the last aim."""
        return {self._claims[id_] for id_ in ids if id_ in self._claims}

    def ids(self, keys: Iterable[WorkloadKey]) -> set[str]:
        """The ids that these workloads have something to say about, as of the last aim."""
        return {id_ for key in keys if key in self._fits for id_ in self._fits[key].ids()}

    def wanted(self, keys: Iterable[WorkloadKey]) -> int:
        """How many instances of these workloads are wanted, as of the last aim."""
        return sum(len(self._fits[key].wanted) for key in keys if key in self._fits)

    def results(self) -> dict[CheckKey, CheckResult]:
        """What the fed checks should show, as of the last aim."""
        return self._results

    def probes(self) -> Collection[Probe]:
        """What syncer is to probe for this sink, as of the last aim."""
        return self._probes

    def _fitted(
        self,
        entry: TrackedWorkload,
        snapshot: Snapshot,
        held: Mapping[WorkloadKey, Sequence[Held]],
        before: _Fit | None,
    ) -> _Fit:
        """What was worked out before, if it still holds; else anew."""
        own = held.get(WorkloadKey(snapshot.name, entry.workload.id), ())
        if before and before.entry is entry and not self._outdated(before, own):
            return before
        fit = self._fit(entry, snapshot, own, before)
        if before:
            old, new = before.ids(), fit.ids()
            self._renamed |= not (old <= new or new <= old)
        return fit

    def _outdated(self, fit: _Fit, held: Sequence[Held]) -> bool:
        if fit.held != held:
            return True
        return any(self._status(probe) is not status for probe, status in fit.probes.items())

    def _status(self, probe: Probe) -> CheckStatus | None:
        result = self._probed(probe)
        return result.status if result else None

    def _fit(
        self, entry: TrackedWorkload, snapshot: Snapshot, held: Sequence[Held], before: _Fit | None
    ) -> _Fit:
        fit = _Fit(entry, held=held)
        problems: list[str] = []
        for offered, hold in with_holds(entry.translated.instances, held):
            instance = attrs.evolve(offered, status=Status.DRAINING) if hold else offered
            try:
                instance = self._with_health(instance, fit)
                want = self._want(instance, entry, snapshot, hold)
            except PermanentError as error:
                fit.rejected[instance.id] = _rejected(offered, str(error))
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
            fit.withheld[instance.id] = instance.place
        else:
            text = f"this sink has no place for an instance that is {instance.status.value}"
            fit.rejected[instance.id] = _rejected(free, text)

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
            fit.unprobed[instance.id] = instance.place
        return attrs.evolve(instance, status=status)

    def _want(
        self, instance: Instance, entry: TrackedWorkload, snapshot: Snapshot, hold: str
    ) -> Wanted | None:
        """The instance in the sink's form, marked; None if it is not listed in its status.

        Raises PermanentError if the sink has no form for it.
        """
        if instance.status in self._withhold and not hold:
            return None
        try:
            adjusted = drained(self._sink, instance) if hold else self._sink.adjust(instance)
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


def _claims(fits: Mapping[WorkloadKey, _Fit]) -> tuple[dict[str, WorkloadKey], bool]:
    """By id, the workload that has something to say about it; and whether there are several."""
    claims = [(id_, key) for key, fit in fits.items() for id_ in fit.ids()]
    by_id = dict(claims)
    return by_id, len(by_id) < len(claims)


def _aim(fits: Mapping[WorkloadKey, _Fit]) -> Aim:
    return Aim(
        wanted=[want for fit in fits.values() for want in fit.wanted],
        withheld={
            Claim(i, *key): place for key, fit in fits.items() for i, place in fit.withheld.items()
        },
        rejected={
            Claim(i, *key): one for key, fit in fits.items() for i, one in fit.rejected.items()
        },
        unprobed={
            Claim(i, *key): place for key, fit in fits.items() for i, place in fit.unprobed.items()
        },
    )


def _rejected(offered: Instance, reason: str) -> Rejected:
    return Rejected(reason, offered.service, offered.place)


def _mistake(error: Exception) -> PermanentError:
    return PermanentError(f"the sink's plugin failed on it: {error!r}")


def _status(found: dict[Probe, CheckStatus | None]) -> Status:
    """The status of an instance that runs, by what its probes found; critical is the worst."""
    statuses = {status or probe.initial_status for probe, status in found.items()}
    if any(status is CheckStatus.CRITICAL for status in found.values()):
        return Status.UNHEALTHY
    return Status.STARTING if statuses & {None, CheckStatus.CRITICAL} else Status.UP
