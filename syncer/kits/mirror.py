"""A registry as a source: what is registered in one can be kept equal in another.

For migrations, and for clusters in several data centres. Every sink can be read so, since it
lists what it holds. No loop can arise: what a syncer mirrored carries in its mark where it came
from, and is not mirrored on.
"""

import time
from collections.abc import Callable
from threading import Event, Lock
from typing import Any

from syncer.api.contracts import Sink, Source, Wake
from syncer.api.errors import TemporaryError
from syncer.api.kinds import Context, SinkType, SourceType
from syncer.api.model import STATUS_KEY, Health, Offer, Registration, State, Status, View, Workload

#: Seconds for which a listing made for one question answers others too.
FRESH = 2.0

_HEALTH = {Status.STARTING: Health.STARTING, Status.UNHEALTHY: Health.UNHEALTHY}
_STATE = {Status.PAUSED: State.PAUSED, Status.DRAINING: State.STOPPING}


class MirrorSource(Source):
    """What a sink lists, as workloads that know their services.

    `registry` names the registry, not the way to it: it is the scope, and stands in the marks
    of what is mirrored. Each registration keeps its id.
    """

    def __init__(
        self,
        sink: Sink,
        registry: str,
        name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sink, self._registry, self._name, self._clock = sink, registry, name, clock
        self._asked = float("-inf")
        self._known: View[Workload] = View(())
        # The sink's methods are for one thread, a source is asked from several.
        self._lock = Lock()

    def scope(self) -> str:
        """The registry."""
        return self._registry

    def workloads(self) -> View[Workload]:
        """Every registration that was not mirrored by a syncer."""
        with self._lock:
            self._asked = float("-inf")  # questions about this listing are answered by a later one
            return self._list()

    def workload(self, id: str) -> Workload | None:
        """One registration. One listing answers many questions, where a listing is never late.

        It is not the one that `workloads` made: what that left out is asked for once more.
        """
        with self._lock:
            if self._sink.stale_for:
                found = self._sink.registration(id)
                return self._workload(found) if found and not is_mirrored(found) else None
            view = self._fresh()
        workload = next((one for one in view.items if one.id == id), None)
        if workload is None and (not view.complete or id in view.unclear):
            raise TemporaryError(f"{self._registry} does not show everything, {id} perhaps")
        return workload

    def watch(self, wake: Wake, stop: Event) -> None:
        """Wake for everything when the sink says that the registry changed."""
        wake(None)
        self._sink.watch(lambda: wake(None), stop)

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
        items = [self._workload(found) for found in view.items if not is_mirrored(found)]
        return View(items, complete=view.complete, unclear=view.unclear)

    def _workload(self, found: Registration) -> Workload:
        return as_workload(found, source=self._name, registry=self._registry)


def as_workload(found: Registration, *, source: str, registry: str, id: str = "") -> Workload:
    """A registration of another registry as a workload; `id` if it is not the registration's.

    Its offer keeps the registration's id, its status becomes state and health.
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
    """Whether a syncer mirrored it from elsewhere: then it is not mirrored on."""
    return found.mark is not None and bool(found.mark.via)


def mirrored(kind: SinkType, registry: Callable[[Any], str]) -> SourceType:
    """The kind of source that reads the registry of a kind of sink, with the same options.

    `registry` says from the options which registry it is, in the same words after a restart
    and without secrets: `10.0.0.1:2379/services`.
    """

    def create(options: Any, context: Context) -> MirrorSource:
        sink = kind.create(options, context)
        return MirrorSource(sink, f"{kind.name}:{registry(options)}", context.name)

    return SourceType(
        name=kind.name,
        options=kind.options,
        create=create,
        summary=f"What is registered there, to be mirrored; options of the sink {kind.name}",
        schemes=kind.schemes,
        from_uri=kind.from_uri,
    )


def _status(found: Registration) -> Status:
    """The status that the registry shows, in its own way or in the entry's metadata."""
    try:
        return Status(found.instance.meta.get(STATUS_KEY, found.instance.status))
    except ValueError:  # others may write anything there
        return found.instance.status
