"""Reading a sink, also while cycles go on.

A full read of a large registry takes long. Where the sink allows it, another thread reads ahead
while cycles go on with what is known; what was written since that read began is newer than it.
"""

from enum import Enum, auto
from threading import Lock

from syncer.api.contracts import Sink, View
from syncer.api.registrations import Registration

#: The entries of a sink, by id.
Entries = dict[str, Registration]


class ReadState(Enum):
    """The result of a read made ahead."""

    IDLE = auto()
    #: A read has begun, or is about to.
    READING = auto()
    #: A result waits for `take`.
    READY = auto()


class Reading:
    """Reads one sink. `read_ahead` is called in a thread of its own, the rest in the cycle's.

    IDLE -> `begin` -> READING -> `read_ahead` -> READY -> `take` -> IDLE. `take` also leads from
    READING to IDLE, with a read of its own: it waits for a running one, since a sink is read by one
    thread at a time.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._busy = Lock()
        self._state = ReadState.IDLE
        self._found: View[Registration] | Exception | None = None
        #: Whether what is known of the sink is good enough for a plan, and a read since then too.
        self.trusted = False
        #: How often the sink was read completely.
        self.count = 0
        self._written: set[str] = set()

    @property
    def state(self) -> ReadState:
        """The result of a read made ahead."""
        return self._state

    def begin(self) -> bool:
        """Begin to read ahead, if cycles can go on meanwhile; return whether they can."""
        if not (self._sink.reads_beside and self.trusted and self._state is ReadState.IDLE):
            return False
        self._written, self._state = set(), ReadState.READING
        return True

    def read_ahead(self) -> None:
        """Read for the next `take`, unless it came first; `take` raises what this raises."""
        with self._busy:
            if self._state is ReadState.READING:
                try:
                    self._found = self._sink.registrations()
                except Exception as error:  # noqa: BLE001 - raised by `take`
                    self._found = error
                self._state = ReadState.READY

    def wrote(self, id_: str) -> None:
        """Note a change: a read that has begun may not show it."""
        self._written.add(id_)

    def distrust(self) -> None:
        """Use no read that began before now: the fate of a change is unknown, say."""
        self.trusted = False

    def take(self, known: Entries) -> tuple[View[Registration], Entries]:
        """Return what was read ahead, or else read now; and that by id, updated with our writes.

        `known` has the entries that we wrote. Raises what reading raised.
        """
        with self._busy:
            found, self._found, self._state = self._found, None, ReadState.IDLE
        trusted, self.trusted = self.trusted, False  # until this read has succeeded
        if found is None or not trusted:
            self._written = set()
            found = self._sink.registrations()
        if isinstance(found, Exception):
            raise found
        self.trusted = True
        self.count += 1
        entries = {one.instance.id: one for one in found.items}
        for id_ in self._written:
            entries.pop(id_, None)
            if id_ in known:
                entries[id_] = known[id_]
        return found, entries
