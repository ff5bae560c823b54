"""A source: each row is a workload that offers one service."""

import socket

import syncer
from syncer_csv.table import CsvOptions, read


class CsvSource(syncer.Source):
    """Reads the whole file each time it is asked."""

    def __init__(self, options: CsvOptions) -> None:
        self._path = options.path

    def scope(self) -> str:
        """The host's name: the file speaks for this host."""
        return socket.gethostname()

    def workloads(self) -> syncer.View[syncer.Workload]:
        """One workload for each row. No file is no answer, and so an error."""
        try:
            return syncer.View([self._workload(row.instance) for row in read(self._path)])
        except OSError as error:
            raise syncer.TemporaryError(f"cannot read {self._path}: {error.strerror}") from error

    def workload(self, id: str) -> syncer.Workload | None:  # noqa: A002 - the contract's word
        """The workload of the row with this id; None if there is none."""
        return next((found for found in self.workloads().items if found.id == id), None)

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
