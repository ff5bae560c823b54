"""What no write of a syncer may ever do, whatever has happened: checked at each single write."""

from model.registry import LOCK, TTL
from model.world import UNCLEAR
from syncer import Deregister, Register, Update
from syncer.desired.tracker import FRESH
from syncer.plan.brakes import POLICIES


class Promises:
    """Looks at each write and each end of a lease; `processes` are those that run now, by name.

    `operator` is the one that an operator has started, if there is one just now. What was broken is
    kept in `broken`: an exception would be to the engine a write that failed.
    """

    def __init__(self, processes, registry, clock):
        self.broken, self.operator = [], None
        self._processes, self._registry, self._clock = processes, registry, clock

    def write(self, who, before, after):
        """A syncer has changed `before` to `after`; None is nothing there."""
        process = self.operator if who == "operator" else self._processes[who]
        if process.config.locked and not process.asked:
            leads = self._registry.leader(LOCK.name) is process.sink
            self._require(leads, "wrote without the lock", before or after)
        owns = self._ours(process, before) or self._squats(process, before, after)
        self._require(owns, "touched what is not its own", before)
        self._require(self._ours(process, after), "wrote another's mark", after)
        kind = Deregister if after is None else Update if before else Register
        allowed = POLICIES[process.config.policy]
        self._require(kind in allowed, f"did what {process.config.policy} forbids", before)
        if after is None:
            self._removal(process, before)
        else:
            self._put(process, before, after)
            self._hold(process, before, after)
        if before is not None:
            self._last_up(process, before, after)

    def expiry(self, gone):
        """A registration has ended because nobody renewed it."""
        for process in self._processes.values():
            calm = self._clock() - process.disturbed > TTL
            known = gone.id in {held.id for held in process.reconciler.alive()}
            mine = gone.mark is not None and self._ours(process, gone)
            self._require(not (mine and calm and known), "let a lease run out", gone)

    def _removal(self, process, before):
        mark = before.mark
        runtime, source = process.runtimes[mark.source], process.sources[mark.source]
        told = source.told.get(mark.workload)
        runs = runtime.containers.get(mark.workload)
        self._require(source.trusted, "removed without its source's complete word", before)
        self._require(process.sink.complete, "removed by an incomplete listing", before)
        self._require(told != UNCLEAR, "removed what cannot be described", before)
        wanted = self._wants(process, told, before.id)
        self._require(not wanted, "removed what its source says is to be there", before)
        if told is None or not told.state.offered:
            settled = runs and process.began - runs.since > FRESH
            alive = settled and runs.state.offered
            self._require(not alive, "removed what runs by an old word", before)
        self._not_the_last(process, before, told)

    def _put(self, process, before, after):
        runtime = process.runtimes[after.mark.source]
        told = process.sources[after.mark.source].told.get(after.mark.workload)
        places = runtime.places.get(after.mark.workload, ())
        self._require(after.instance.port in places, "wrote an address that never was", after)
        gone = told is None or (told != UNCLEAR and not told.state.offered)
        self._require(not gone, "registered what its source says is gone", after)
        if before is None or origin(before) == origin(after) or not self._ours(process, before):
            return
        holder = process.sources[before.mark.source]
        told = holder.told.get(before.mark.workload)
        kept = told == UNCLEAR or self._wants(process, told, before.id)
        self._require(not kept, "gave away the id of one that runs", before)
        other = before.mark.source != after.mark.source
        self._require(holder.trusted or not other, "took over without its source's word", before)

    def _hold(self, process, before, after):
        """Only an operator begins and ends a drain. A new entry has that of the one it replaces."""
        if before is None or origin(before) != origin(after):
            then = process.sink.planned_on.values()
            was = any(one.mark.hold for one in then if self._replaces(process, after, one))
        else:
            was = before.mark.hold != ""
        held = after.mark.hold != ""
        self._require(was or not held or process.asked in ("drain", "force"), "drained", after)
        self._require(held or not was or process.asked == "undrain", "ended a drain", after)

    def _replaces(self, process, after, one):
        """Whether an entry takes the place of this one, which its workload asks for no more."""
        same = one.id != after.id and one.mark is not None and self._ours(process, one)
        same = same and origin(one) == origin(after)
        same = same and one.instance.service == after.instance.service
        return same and one.instance.endpoint == after.instance.endpoint

    def _last_up(self, process, before, after):
        """The last of a service that is up stays so, where that is asked for."""
        if not (process.config.keep_last or process.asked == "drain") or process.asked == "force":
            return
        runs = process.sources[before.mark.source].told.get(before.mark.workload)
        stays = runs not in (None, UNCLEAR) and runs.state.offered
        if after is None:
            scope = process.runtimes[before.mark.source].scope
            stays = stays and runs.instance_id(scope) == before.id
            stays = stays and runs.service == before.instance.service
            stays = stays and before.instance.port == runs.outer
        else:
            stays = stays and after.instance.endpoint == before.instance.endpoint
        taken = before.up and stays and (after is None or not after.up)
        others = {**process.sink.known, **self._registry.held}
        if self._registry.lag:  # what others did a moment ago it cannot know
            known = process.sink.known.items()
            others |= {id_: one for id_, one in known if self._others_did(process, one)}
        others.pop(before.id, None)
        left = [
            one
            for one in others.values()
            if one.up and one.instance.service == before.instance.service
        ]
        self._require(not taken or left, "took the last one that is up", before)

    def _not_the_last(self, process, before, told):
        """No service loses its last registration while a running container offers it."""
        service = before.instance.service
        own = told if told not in (None, UNCLEAR) else None
        if own and own.service == service and own.shown(process.config.drop):
            # One that somebody has deleted since it looked stands as far as it can know.
            successor = process.sink.known.get(own.instance_id(before.mark.scope))
            stands = successor and origin(successor) == origin(before)
            stands = stands and self._ours(process, successor)
            self._require(stands, "removed what runs before its own new one stood", before)
        left = [
            registration
            for registration in self._registry.held.values()
            if registration.instance.service == service and self._ours(process, registration)
        ]
        if any(left):
            return
        for name in process.config.sources:
            runtime = process.runtimes[name]
            for other in process.sources[name].told.values():
                if other in (None, UNCLEAR) or other.service != service:
                    continue
                id_ = other.instance_id(runtime.scope)
                free = id_ not in self._registry.held and id_ not in process.refused
                free = free and id_ not in process.sink.known  # one deleted by hand since it looked
                free = free and id_ not in process.sink.failed and id_ not in process.faults.unclear
                due = other.shown(process.config.drop) and free and not self._registry.lag
                self._require(not due, "removed the old one before the new one stood", before)

    def _others_did(self, process, known):
        """Whether what became of a known entry since was another process's doing.

        An operator's process does nothing but drain.
        """
        if not self._ours(process, known):
            return True
        now = self._registry.held.get(known.id)
        return bool(process.asked) and (now is None or now.mark is None or not now.mark.hold)

    def _wants(self, process, told, id_):
        if told is None or told == UNCLEAR:
            return False
        scope = next(iter(process.runtimes.values())).scope
        bad = told.service == "bad" and told.state.offered
        return (told.shown(process.config.drop) or bad) and told.instance_id(scope) == id_

    def _ours(self, process, registration):
        if registration is None:
            return True
        mark, config = registration.mark, process.config
        return (
            mark is not None
            and mark.owner == config.owner
            and mark.source in config.sources
            and mark.scope == process.runtimes[mark.source].scope
            and mark.identity in ("", process.runtimes[mark.source].identity)
        )

    def _squats(self, process, before, after):
        """Whether it had the own id of a container here, as labels on another host may choose."""
        mark = before.mark
        if mark is None or after is None or mark.owner != process.config.owner:
            return False
        return after.id != "shared" and not before.id.startswith(f"{mark.scope}:")

    def _require(self, holds, what, about):
        if not holds:
            self.broken.append(f"{what}: {brief(about) if about else 'nothing'}")


def origin(registration):
    """Which workload of which source it is of."""
    return registration.mark.source, registration.mark.workload


def brief(registration):
    """A registration in few words."""
    instance, mark = registration.instance, registration.mark
    whose = f"{mark.owner}/{mark.scope}/{mark.source}/{mark.workload}" if mark else "unmarked"
    return f"{instance.id} {instance.service} at {instance.endpoint} of {whose}"
