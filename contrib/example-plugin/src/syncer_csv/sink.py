"""The sink `csv`: one row for each registration."""

import syncer
from syncer_csv.table import CsvOptions, read, write


class CsvSink(syncer.Sink):
    """Rewrites the file for each change; with thousands of rows, override `apply`."""

    def __init__(self, options: CsvOptions) -> None:
        self._path = options.path

    def registrations(self) -> syncer.View[syncer.Registration]:
        """Return all rows; none if the file does not exist yet."""
        try:
            return syncer.View(read(self._path))
        except FileNotFoundError:
            self._check_folder()
            return syncer.View(())
        except OSError as error:
            raise syncer.TemporaryError(f"cannot read {self._path}: {error.strerror}") from error

    def register(self, new: syncer.Registration) -> syncer.Registration:
        """Add a row, unless the id is taken by now."""
        held = self.registrations().items
        if any(row.id == new.id for row in held):
            raise syncer.Conflict(f"{self._path} already has a row {new.id}")
        write(self._path, (*held, new))
        return new

    def update(self, old: syncer.Registration, new: syncer.Registration) -> syncer.Registration:
        """Replace the row, unless it has changed."""
        held = self.registrations().items
        if old not in held:
            raise syncer.Conflict(f"the row {old.id} of {self._path} has changed")
        write(self._path, (new if row.id == old.id else row for row in held))
        return new

    def deregister(self, old: syncer.Registration) -> None:
        """Remove the row, unless it has changed; a missing row is fine."""
        held = self.registrations().items
        if any(row.id == old.id for row in held) and old not in held:
            raise syncer.Conflict(f"the row {old.id} of {self._path} has changed")
        write(self._path, [row for row in held if row.id != old.id])

    def adjust(self, instance: syncer.Instance) -> syncer.Instance | None:
        """Return what a row can hold: no unhealthy instances, no spaces in tags."""
        if instance.status is not syncer.Status.UP:
            return None
        problems = list(instance.problems)
        lost = [name for name in ("meta", "checks", "weight") if getattr(instance, name)]
        if lost:
            problems.append(f"a CSV file cannot hold {', '.join(lost)}")
        return syncer.Instance(
            id=instance.id,
            service=instance.service,
            address=instance.address,
            port=instance.port,
            tags=["-".join(tag.split()) for tag in instance.tags if tag.split()],
            status=instance.status,
            origin=instance.origin,
            problems=problems,
        )

    def _check_folder(self) -> None:
        if not self._path.parent.is_dir():
            raise syncer.TemporaryError(f"no such directory: {self._path.parent}")
