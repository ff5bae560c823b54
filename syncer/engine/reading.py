"""Reading a sink, also while changes are being made in it.

A full reading takes long where there is much. Where the sink allows it, it is made beside the
cycles, which go on with what is known; what was written since it began is then newer than it.
"""

from threading import Lock

from syncer.api.contracts import Sink
from syncer.api.model import Registration, View

#: What a sink holds, by id.
Held = dict[str, Registration]


class Reading:
    """Reads one sink. `ahead` is called from one thread, the rest from another."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lock = Lock()
        self._found: View[Registration] | Exception | None = None
        self._written: set[str] = set()
        self._void = False

    def ahead(self) -> None:
        """Read now, for the next `take`; an error is kept for it too."""
        with self._lock:
            self._written, self._void = set(), False
            try:
                self._found = self._sink.registrations()
            except Exception as error:  # noqa: BLE001 - raised where it is asked for
                self._found = error

    def wrote(self, id_: str) -> None:
        """A change has been made: a reading that is under way may not show it."""
        self._written.add(id_)

    def drop(self) -> None:
        """It is not known what became of a change: no reading begun before now will do."""
        self._void = True

    def take(self, known: Held) -> tuple[View[Registration], Held]:
        """What was read ahead, else read now, and that by id, in step with what is `known`.

        Raises what reading raised.
        """
        with self._lock:
            found, self._found = self._found, None
            if found is None or self._void:
                self._written, self._void = set(), False
                found = self._sink.registrations()
        if isinstance(found, Exception):
            raise found
        held = {one.instance.id: one for one in found.items}
        for id_ in self._written:
            held.pop(id_, None)
            if id_ in known:
                held[id_] = known[id_]
        return found, held
