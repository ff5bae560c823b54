"""The desired state of one sink: the sources' instances, in the form that this sink can keep.

Between the desired set and the planner. Checks go through the sink's check translator, results of
syncer's own probes become the status, then the sink adjusts the instance. The outcome is kept
for each workload until the workload, one of its probes or an operator's hold changes.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import attrs

from syncer.api.checks import Check, CheckKey, CheckResult, CheckStatus, Native, Probe
from syncer.api.contracts import Sink
from syncer.api.errors import PermanentError
from syncer.api.keys import Claim, Place, WorkloadKey
from syncer.api.kinds import TranslatedCheck, translate_checks
from syncer.api.registrations import Instance, Mark
from syncer.api.text import fold_case, printable
from syncer.api.workloads import State, Status, Workload
from syncer.desired.snapshot import Snapshot, TrackedWorkload
from syncer.plan.drain import Held, drained, with_holds
from syncer.plan.wanted import Adjusted, Forbidden, Rejected, Wanted

Translate = Callable[[Check, Instance], TranslatedCheck]
#: Called with problems of a workload: source, workload's name, texts.
Tell = Callable[[str, str, tuple[str, ...]], None]
#: Returns the last result of a probe; `None` if there is none yet.
Probed = Callable[[Probe], CheckResult | None]

#: The result of a fed check for each status, with a line for people.
RESULTS = {
    Status.UP: CheckResult(status=CheckStatus.PASSING, output="running"),
    Status.STARTING: CheckResult(status=CheckStatus.CRITICAL, output="health: starting"),
    Status.UNHEALTHY: CheckResult(status=CheckStatus.CRITICAL, output="health: unhealthy"),
    Status.PAUSED: CheckResult(status=CheckStatus.CRITICAL, output="paused"),
    Status.DRAINING: CheckResult(status=CheckStatus.CRITICAL, output="draining"),
}


#: Characters of what a runtime's health check printed.
LONGEST_OUTPUT = 200


@attrs.define
class _Adjustment:
    """The outcome for one workload; filled once, then only read."""

    entry: TrackedWorkload
    identity: str
    #: The workload's entries at that time, if an operator holds any of them.
    held: Sequence[Held] = ()
    wanted: list[Wanted] = attrs.Factory(list)
    withheld: dict[str, Place] = attrs.Factory(dict)
    rejected: dict[str, Rejected] = attrs.Factory(dict)
    unprobed: dict[str, Place] = attrs.Factory(dict)
    results: dict[CheckKey, CheckResult] = attrs.Factory(dict)
    #: The statuses of the probes at that time.
    probes: dict[Probe, CheckStatus | None] = attrs.Factory(dict)
    problems: tuple[str, ...] = ()

    def ids(self) -> set[str]:
        """All ids that the workload claims."""
        return {*(want.instance.id for want in self.wanted), *self.withheld, *self.rejected}

    def changed(self) -> tuple[str, ...]:
        """Return what the sink changed or dropped of instances that it lists."""
        return tuple(dict.fromkeys(it for want in self.wanted for it in want.instance.problems))


class Adjuster:
    """Keeps what one sink should hold, workload by workload.

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
        self._adjustments: dict[WorkloadKey, _Adjustment] = {}
        #: Makes ids equal that are one to the registry.
        self.fold: Callable[[str], str] = fold_case if sink.folds_case else str
        #: The workloads that claim each id, folded.
        self._claimants: defaultdict[str, set[WorkloadKey]] = defaultdict(set)
        self._probing: set[WorkloadKey] = set()
        self._withholding: set[WorkloadKey] = set()
        self._troubled: set[WorkloadKey] = set()
        self._renamed = False
        self._results: dict[CheckKey, CheckResult] = {}

    def update(
        self,
        world: Sequence[Snapshot],
        held: Mapping[WorkloadKey, Sequence[Held]],
        keys: Collection[WorkloadKey] | None = None,
    ) -> None:
        """Adjust these workloads, as far as they changed; all of them if `keys` is `None`.

        `held` are all entries of each workload of which an operator holds one.
        """
        snapshots = {snapshot.name: snapshot for snapshot in world}
        if keys is None:
            there = [WorkloadKey(s.name, id_) for s in world for id_ in s.workloads]
            keys = [*there, *(self._adjustments.keys() - set(there))]
        old = {key: self._adjustments.pop(key) for key in keys if key in self._adjustments}
        new = {
            key: self._adjusted(entry, snapshots[key.source], held.get(key, ()), old.get(key))
            for key in keys
            if key.source in snapshots and (entry := snapshots[key.source].workloads.get(key.id))
        }
        self._adjustments |= new
        for key in keys:
            self._note_claims(key, old.get(key), new.get(key))
        self._replace_results(
            [check for one in old.values() for check in one.results],
            [item for one in new.values() for item in one.results.items()],
        )

    def adjusted(self, keys: Collection[WorkloadKey] | None = None) -> Adjusted:
        """Return what the sink should hold of these workloads; of all if `keys` is `None`."""
        known = self._adjustments
        chosen = known.items() if keys is None else [(k, known[k]) for k in keys if k in known]
        return Adjusted(
            wanted=[want for _, one in chosen for want in one.wanted],
            withheld={Claim(i, *key): p for key, one in chosen for i, p in one.withheld.items()},
            rejected={Claim(i, *key): r for key, one in chosen for i, r in one.rejected.items()},
            unprobed={Claim(i, *key): p for key, one in chosen for i, p in one.unprobed.items()},
        )

    def wanted(self, keys: Iterable[WorkloadKey]) -> int:
        """Count the instances that are wanted of these workloads."""
        known = self._adjustments
        return sum(len(known[key].wanted) for key in keys if key in known)

    def related(
        self, keys: Iterable[WorkloadKey], ids: Iterable[str]
    ) -> tuple[set[WorkloadKey], set[str]]:
        """Return these workloads and ids with everything that shares an id with them."""
        found, names, known = set(keys), set(ids), self._adjustments
        while True:
            names |= {id_ for key in found if key in known for id_ in known[key].ids()}
            folded = map(self.fold, names)
            more = {key for id_ in folded for key in self._claimants.get(id_, ())} - found
            if not more:
                return found, names
            found |= more

    def shared(self, ids: Iterable[str] | None = None) -> set[str]:
        """Return the ids that several workloads claim, of these or of all."""
        known, claimants, fold = self._adjustments, self._claimants, self.fold
        chosen = claimants.keys() if ids is None else set(map(fold, ids))
        several = [(id_, claimants[id_]) for id_ in chosen if len(claimants.get(id_, ())) > 1]
        return {
            id_
            for folded, keys in several
            for key in keys
            for id_ in known[key].ids()
            if fold(id_) == folded
        }

    def prefer_holders(self, holders: Mapping[str, WorkloadKey]) -> None:
        """Have the fed checks of an id that several workloads claim show the one that holds it."""
        found = [
            (key == holder, check, result)
            for id_, holder in holders.items()
            for key in self._claimants.get(self.fold(id_), ())
            for check, result in self._adjustments[key].results.items()
            if check.instance == id_
        ]
        self._replace_results(
            [check for _, check, _ in found], [(c, result) for holds, c, result in found if holds]
        )

    def probing(self) -> Collection[WorkloadKey]:
        """Return the workloads that syncer probes: their health changes without an event."""
        return self._probing

    def withheld(self) -> tuple[Claim, ...]:
        """Return the claims of instances that are not listed in their present status."""
        keys = sorted(self._withholding)
        return tuple(Claim(id_, *key) for key in keys for id_ in self._adjustments[key].withheld)

    def problems(self) -> Mapping[WorkloadKey, tuple[str, ...]]:
        """Return what the sink changed or dropped of instances that it lists, and why."""
        return {key: self._adjustments[key].changed() for key in sorted(self._troubled)}

    def renamed(self) -> bool:
        """Whether a workload claims other ids than before; asking resets it."""
        renamed, self._renamed = self._renamed, False
        return renamed

    def results(self) -> Mapping[CheckKey, CheckResult]:
        """Return the results that fed checks should have."""
        return self._results

    def probes(self) -> Collection[Probe]:
        """Return the probes that syncer has to run for this sink."""
        return frozenset(probe for key in self._probing for probe in self._adjustments[key].probes)

    def _replace_results(
        self, gone: Iterable[CheckKey], new: Iterable[tuple[CheckKey, CheckResult]]
    ) -> None:
        results = dict(self._results)  # replaced, never changed: other threads read it
        for check in gone:
            results.pop(check, None)
        results.update(new)
        self._results = results

    def _note_claims(
        self, key: WorkloadKey, old: _Adjustment | None, new: _Adjustment | None
    ) -> None:
        """Keep in step which ids the workload claims, and whether syncer probes it."""
        if old is new:
            return
        for id_ in map(self.fold, old.ids() if old else ()):
            self._claimants[id_].discard(key)
            if not self._claimants[id_]:
                del self._claimants[id_]
        for id_ in map(self.fold, new.ids() if new else ()):
            self._claimants[id_].add(key)
        self._probing.discard(key)
        if new and new.probes:
            self._probing.add(key)
        self._withholding.discard(key)
        if new and new.withheld:
            self._withholding.add(key)
        self._troubled.discard(key)
        if new and new.changed():
            self._troubled.add(key)

    def _adjusted(
        self,
        entry: TrackedWorkload,
        snapshot: Snapshot,
        held: Sequence[Held],
        before: _Adjustment | None,
    ) -> _Adjustment:
        """Return the earlier outcome if nothing changed, else a new one."""
        same = before and before.entry is entry and before.identity == snapshot.identity
        if before and same and not self._outdated(before, held):
            return before
        new = self._adjust(entry, snapshot, held)
        if new.problems != (before.problems if before else ()):
            self._tell(snapshot.name, entry.workload.name, new.problems)
        if before:
            old_ids, new_ids = before.ids(), new.ids()
            self._renamed |= not (old_ids <= new_ids or new_ids <= old_ids)
        return new

    def _outdated(self, one: _Adjustment, held: Sequence[Held]) -> bool:
        if one.held != held:
            return True
        return any(self._status(probe) is not status for probe, status in one.probes.items())

    def _status(self, probe: Probe) -> CheckStatus | None:
        result = self._probed(probe)
        return result.status if result else None

    def _adjust(
        self, entry: TrackedWorkload, snapshot: Snapshot, held: Sequence[Held]
    ) -> _Adjustment:
        made = _Adjustment(entry, snapshot.identity, held=held)
        problems: list[str] = []
        for offered, hold in with_holds(entry.translated.instances, held):
            instance = attrs.evolve(offered, status=Status.DRAINING) if hold else offered
            try:
                instance = self._with_health(instance, made)
                want = self._want(instance, entry, snapshot, hold)
            except PermanentError as error:
                made.rejected[instance.id] = rejected = Rejected.of(offered, error)
                problems.append(f"{instance.id}: {rejected.reason}")
                continue
            if want is None:
                self._leave_out(instance, offered if hold else None, made)
                continue
            problems += (f"{want.instance.id}: {text}" for text in want.instance.problems)
            made.wanted.append(want)
            result = _result(instance.status, entry.workload)
            made.results.update(
                (CheckKey(want.instance.id, check.key), result)
                for check in want.instance.checks
                if isinstance(check, Native) and check.fed
            )
        made.problems = tuple(problems)
        return made

    def _leave_out(self, instance: Instance, undrained: Instance | None, made: _Adjustment) -> None:
        """Note an instance that is not listed.

        `undrained` is the same instance without its drain. If the sink lists that but cannot
        show a drained one, the drain is refused and the entry is kept.
        """
        if (
            undrained is None
            or undrained.status in self._withhold
            or self._sink.adjust(undrained) is None
        ):
            made.withheld[instance.id] = instance.place
        else:
            text = f"this sink cannot show that an instance is {instance.status.value}"
            made.rejected[instance.id] = Rejected.of(undrained, PermanentError(text))

    def _with_health(self, instance: Instance, made: _Adjustment) -> Instance:
        """Translate the checks for the sink, and set the status that the probes found."""
        if self._translate is None or not instance.checks:
            return instance
        try:
            instance, probes = translate_checks(instance, self._translate)
        except Exception as error:  # the plugin's mistake must not cost the other instances
            raise _mistake(error) from error
        found = {probe: self._status(probe) for probe in probes}
        made.probes.update(found)
        if instance.status is not Status.UP or not found:
            return instance
        status = _worst(found)
        if None in found.values() and status is not Status.UNHEALTHY:
            made.unprobed[instance.id] = instance.place
        return attrs.evolve(instance, status=status)

    def _want(
        self, instance: Instance, entry: TrackedWorkload, snapshot: Snapshot, hold: str
    ) -> Wanted | None:
        """Return the instance in the sink's form, with its mark.

        `None` if it is not listed in its status. Raises PermanentError if the sink cannot hold
        it, or consumers must not find it so.
        """
        if instance.status in self._withhold and not hold:
            return None
        try:
            adjusted = drained(self._sink, instance) if hold else self._sink.adjust(instance)
            if adjusted is None:
                return None
            found = self._sink.found_as(adjusted)
            mark = Mark(
                owner=self._owner,
                scope=entry.workload.scope,
                source=snapshot.name,
                workload=entry.workload.id,
                digest=adjusted.digest(),
                via=entry.workload.via,
                hold=hold,
                identity=snapshot.identity,
            )
            listed = self._sink.listed(adjusted)
        except PermanentError:
            raise
        except Exception as error:
            raise _mistake(error) from error
        if why := snapshot.limits.why_not(instance, found):
            raise Forbidden(why)
        given, order = instance.given_id, snapshot.order
        return Wanted(instance=adjusted, listed=listed, mark=mark, order=order, given_id=given)


def _result(status: Status, workload: Workload) -> CheckResult:
    """Return the result of fed checks, with the runtime's words if the status is by its check."""
    result, said = RESULTS[status], printable(workload.health_output, LONGEST_OUTPUT)
    by_check = workload.health is not None and workload.state is State.RUNNING
    if said and by_check and status is workload.status:
        return attrs.evolve(result, output=f"{result.output}: {said}")
    return result


def _mistake(error: Exception) -> PermanentError:
    return PermanentError(f"the sink's plugin failed on it: {error!r}")


def _worst(found: Mapping[Probe, CheckStatus | None]) -> Status:
    """Return the status of a running instance; any critical probe makes it unhealthy."""
    statuses = {status or probe.initial_status for probe, status in found.items()}
    if any(status is CheckStatus.CRITICAL for status in found.values()):
        return Status.UNHEALTHY
    return Status.STARTING if statuses & {None, CheckStatus.CRITICAL} else Status.UP
