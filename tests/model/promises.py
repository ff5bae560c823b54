"""What no write of a syncer may ever do, whatever has happened: checked at each single write."""

from model.registry import TTL
from model.world import UNCLEAR
from syncer import Deregister, Register, Update
from syncer.desired import FRESH
from syncer.plan import POLICIES


class Promises:
    """Looks at each write and each end of a lease; `processes` are those that run now, by name.

    What was broken is kept in `broken`: an exception would be to the engine a write that failed.
    """

    def __init__(self, processes, registry, clock):
        self.broken = []
        self._processes, self._registry, self._clock = processes, registry, clock

    def write(self, who, before, after):
        """A syncer has changed `before` to `after`; None is nothing there."""
        process = self._processes[who]
        self._require(self._ours(process, before), "touched what is not its own", before)
        self._require(self._ours(process, after), "wrote another's mark", after)
        kind = Deregister if after is None else Update if before else Register
        allowed = POLICIES[process.config.policy]
        self._require(kind in allowed, f"did what {process.config.policy} forbids", before)
        if after is None:
            self._removal(process, before)
        else:
            self._put(process, before, after)

    def expiry(self, gone):
        """A registration has ended because nobody renewed it."""
        for process in self._processes.values():
            calm = self._clock() - process.disturbed > TTL
            known = gone.id in {held.id for held in process.reconciler.held()}
            mine = gone.mark is not None and self._ours(process, gone)
            self._require(not (mine and calm and known), "let a lease run out", gone)

    def _removal(self, process, before):
        mark = before.mark
        runtime = process.runtimes[mark.source]
        told = runtime.told.get(mark.workload)
        runs = runtime.containers.get(mark.workload)
        self._require(runtime.trusted, "removed without its source's complete word", before)
        self._require(process.sink.complete, "removed by an incomplete listing", before)
        self._require(told != UNCLEAR, "removed what cannot be described", before)
        wanted = self._wants(process, told, before.id)
        self._require(not wanted, "removed what its source says is to be there", before)
        if told is None or not told.state.offered:
            settled = runs and self._clock() - runs.since > FRESH
            alive = settled and runs.state.offered
            self._require(not alive, "removed what runs by an old word", before)
        self._not_the_last(process, before, told)

    def _put(self, process, before, after):
        runtime = process.runtimes[after.mark.source]
        told = runtime.told.get(after.mark.workload)
        places = runtime.places.get(after.mark.workload, ())
        self._require(after.instance.port in places, "wrote an address that never was", after)
        gone = told is None or (told != UNCLEAR and not told.state.offered)
        self._require(not gone, "registered what its source says is gone", after)
        if before is None or before.mark.workload == after.mark.workload:
            return
        holder = process.runtimes[before.mark.source]
        told = holder.told.get(before.mark.workload)
        # What the sink cannot hold claims nothing.
        unfit = told not in (None, UNCLEAR) and told.service == "bad"
        kept = told == UNCLEAR or (not unfit and self._wants(process, told, before.id))
        self._require(not kept, "gave away the id of one that runs", before)
        other = before.mark.source != after.mark.source
        self._require(holder.trusted or not other, "took over without its source's word", before)

    def _not_the_last(self, process, before, told):
        """No service loses its last registration while a running container offers it."""
        service, mark = before.instance.service, before.mark
        left = [
            registration
            for registration in self._registry.held.values()
            if registration.instance.service == service and self._ours(process, registration)
        ]
        if any(left):
            return
        own = told if told not in (None, UNCLEAR) else None
        replaced = own and own.service == service and own.shown(process.config.drop)
        successor = replaced and own.instance_id(mark.scope)
        # One that somebody has deleted since it looked stands as far as it can know.
        same = replaced and successor not in {*self._registry.held, *process.sink.known}
        self._require(not same, "removed the last one before its successor stood", before)
        for runtime in (process.runtimes[name] for name in process.config.sources):
            for other in runtime.told.values():
                if other in (None, UNCLEAR) or other.service != service:
                    continue
                id_ = other.instance_id(runtime.scope)
                free = id_ not in self._registry.held and id_ not in process.refused
                free = free and id_ not in process.sink.known  # one deleted by hand since it looked
                free = free and id_ not in process.sink.failed and id_ not in process.faults.unclear
                due = other.shown(process.config.drop) and free and not self._registry.lag
                self._require(not due, "removed the old one before the new one stood", before)

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
        )

    def _require(self, holds, what, about):
        if not holds:
            self.broken.append(f"{what}: {brief(about) if about else 'nothing'}")


def brief(registration):
    """A registration in few words."""
    instance, mark = registration.instance, registration.mark
    whose = f"{mark.owner}/{mark.scope}/{mark.source}/{mark.workload}" if mark else "unmarked"
    return f"{instance.id} {instance.service} at {instance.endpoint} of {whose}"
