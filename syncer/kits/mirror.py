"""A registry as a source, to copy its entries to another registry.

For migrations, and for clusters in several data centres. Every sink can be read this way. No loop
can arise: the mark of a mirrored entry names its registry, and such entries are not mirrored again.
"""

import time
from collections.abc import Callable, Hashable
from threading import Event, Lock
from typing import Any

from syncer.api.contracts import Sink, Source, Unclear, View, Wake
from syncer.api.errors import TemporaryError
from syncer.api.kinds import Context, SinkType, SourceType
from syncer.api.registrations import STATUS_KEY, Registration
from syncer.api.workloads import Health, Offer, State, Status, Workload

#: Seconds for which a listing made for one question answers others.
FRESH = 2.0

_HEALTH = {Status.STARTING: Health.STARTING, Status.UNHEALTHY: Health.UNHEALTHY}
_STATE = {Status.PAUSED: State.PAUSED, Status.DRAINING: State.STOPPING}


class MirrorSource(Source):
    """The entries of a sink, as workloads with known services.

    `registry` names the registry, not the route to it: it is the scope, and is stored in the marks
    of mirrored entries. Each entry keeps its id.
    """

    def __init__(
        self, sink: Sink, registry: str, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sink, self._registry, self._name, self._clock = sink, registry, name, clock
        self._asked = float("-inf")
        self._known: View[Workload] = View(())
        #: The last listing's entries with their workloads, by id.
        self._made: dict[str, tuple[Registration, Workload]] = {}
        # A sink's methods are for one thread; a source is asked from several.
        self._lock = Lock()

    def scope(self) -> str:
        """Return the name of the registry."""
        return self._registry

    def workloads(self) -> View[Workload]:
        """Return every entry that was not mirrored by a syncer."""
        with self._lock:
            self._asked = float("-inf")  # questions after this listing need a newer one
            return self._list()

    def workload(self, id: str) -> Workload | None:
        """Return one entry. If listings are never late, one listing answers many questions.

        It is a newer one than that of `workloads`, whose missing entries are to be confirmed.
        """
        with self._lock:
            if self._sink.stale_for:
                found = self._sink.registration(id)
                return self._workload(found) if found and not is_mirrored(found) else None
            view = self._fresh()
        workload = next((one for one in view.items if one.id == id), None)
        if workload is None and (not view.complete or id in view.unclear):
            raise TemporaryError(f"{self._registry} does not show every entry; {id} may be hidden")
        return workload

    def watch(self, wake: Wake, stop: Event) -> None:
        """Wake for everything when the sink reports a change of the registry."""
        wake(None)
        self._sink.watch(lambda: wake(None), stop)

    def credentials(self) -> Hashable:
        """Return what the sink does."""
        return self._sink.credentials()

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()

    def _fresh(self) -> View[Workload]:
        asked = self._clock()
        if asked - self._asked >= FRESH:
            self._known = self._list()
            self._asked = asked
        return self._known

    def _list(self) -> View[Workload]:
        view = self._sink.registrations()
        made, reasons = {}, dict(view.reasons)
        for found in view.items:
            if is_mirrored(found):
                continue
            before = self._made.get(found.id)
            try:
                # Sinks list what did not change as the same object.
                if before is None or before[0] is not found:
                    before = (found, self._workload(found))
                made[found.id] = before
            except Exception as error:  # noqa: BLE001 - others may write anything: it costs its own
                reasons[found.id] = Unclear(f"its entry is not valid: {error}")
        self._made = made
        items = [workload for _, workload in made.values()]
        unclear = view.unclear | reasons.keys()
        return View(items, complete=view.complete, unclear=unclear, reasons=reasons)

    def _workload(self, found: Registration) -> Workload:
        return as_workload(found, source=self._name, registry=self._registry)


def as_workload(found: Registration, *, source: str, registry: str, id: str = "") -> Workload:
    """Return an entry of another registry as a workload, with the entry's id unless `id` is given.

    Its offer keeps the entry's id; its status becomes state and health.
    """
    instance = found.instance
    status = _status(found)
    offer = Offer(
        service=instance.service,
        id=found.id,
        port=instance.port,
        protocol=instance.protocol,
        register_address=instance.address,
        register_port=instance.port,
        tags=instance.tags,
        meta={key: text for key, text in instance.meta.items() if key != STATUS_KEY},
        weight=instance.weight,
        warning_weight=instance.warning_weight,
        tag_override=instance.tag_override,
        because=f"registered in {registry}",
    )
    return Workload(
        source=source,
        scope=registry,
        id=id or found.id,
        name=found.id,
        state=_STATE.get(status, State.RUNNING),
        health=_HEALTH.get(status, Health.HEALTHY),
        offers=(offer,),
        via=registry,
    )


def is_mirrored(found: Registration) -> bool:
    """Whether a syncer mirrored it from another registry."""
    return found.mark is not None and bool(found.mark.via)


def mirrored(
    kind: SinkType,
    registry: Callable[[Any], str],
    source: Callable[[Any, str, str], MirrorSource] = MirrorSource,
) -> SourceType:
    """Return the kind of source that reads the registry of a kind of sink, with its options.

    `registry` names the registry from the options, without secrets and always the same:
    `10.0.0.1:2379/services`. `source` makes the source of a sink, the registry and a name.
    """

    def create(options: Any, context: Context) -> MirrorSource:
        sink = kind.create(options, context)
        return source(sink, f"{kind.name}:{registry(options)}", context.name)

    return SourceType(
        name=kind.name,
        options=kind.options,
        create=create,
        summary=f"Entries to mirror from there; options of the sink {kind.name}",
        schemes=kind.schemes,
        from_uri=kind.from_uri,
    )


def _status(found: Registration) -> Status:
    """Return the status that the registry shows, its own or that in the entry's metadata."""
    try:
        return Status(found.instance.shown_status)
    except ValueError:  # others may write anything there
        return found.instance.status
