"""The source `csv`: each row is a workload that offers one service."""

import socket
from collections.abc import Callable
from threading import Event

import syncer
from syncer_csv.table import CsvOptions, read

#: How often the file is checked for changes, in seconds.
POLL = 0.5


class CsvSource(syncer.Source):
    """Reads the whole file each time."""

    def __init__(self, options: CsvOptions) -> None:
        self._path = options.path
        self._closed = Event()

    def scope(self) -> str:
        """Return the host name: the file describes this host."""
        return socket.gethostname()

    def workloads(self) -> syncer.View[syncer.Workload]:
        """Return one workload for each row. A missing file is an error: nothing is known then."""
        try:
            return syncer.View([self._workload(row.instance) for row in read(self._path)])
        except OSError as error:
            raise syncer.TemporaryError(f"cannot read {self._path}: {error.strerror}") from error

    def workload(self, id: str) -> syncer.Workload | None:
        """Return the workload of the row with this id; `None` if there is none."""
        return next((found for found in self.workloads().items if found.id == id), None)

    def watch(self, wake: Callable[[str | None], None], stop: Event) -> None:
        """Wake when the file has changed, and once at the beginning."""
        seen = self._signature()
        wake(None)
        while not stop.is_set() and not self._closed.wait(POLL):
            now = self._signature()
            if now != seen:
                seen = now
                wake(None)

    def close(self) -> None:
        """End a watch."""
        self._closed.set()

    def _signature(self) -> tuple[int, int, int]:
        """Return numbers that change when the file is written or replaced."""
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _workload(self, row: syncer.Instance) -> syncer.Workload:
        offer = syncer.Offer(
            id=row.id,
            service=row.service,
            register_address=row.address,
            register_port=row.port,
            tags=row.tags,
            because=f"a row of {self._path.name}",
        )
        return syncer.Workload(
            source="csv", scope=self.scope(), id=row.id, name=row.id, offers=(offer,)
        )
