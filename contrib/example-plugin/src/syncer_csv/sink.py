"""A sink: each registration is a row."""

import syncer
from syncer_csv.table import CsvOptions, read, write


class CsvSink(syncer.Sink):
    """Rewrites the file for each change; a sink of thousands would override `apply`."""

    def __init__(self, options: CsvOptions) -> None:
        self._path = options.path

    def registrations(self) -> syncer.View[syncer.Registration]:
        """All rows. A file that is not there yet holds nothing."""
        try:
            return syncer.View(read(self._path))
        except FileNotFoundError:
            self._check_folder()
            return syncer.View(())
        except OSError as error:
            raise syncer.TemporaryError(f"cannot read {self._path}: {error.strerror}") from error

    def register(self, new: syncer.Registration) -> syncer.Registration:
        """Add a row, unless one with this id has come since."""
        held = self.registrations().items
        if any(row.id == new.id for row in held):
            raise syncer.Conflict(f"{self._path} has a row {new.id} by now")
        write(self._path, (*held, new))
        return new

    def update(self, old: syncer.Registration, new: syncer.Registration) -> syncer.Registration:
        """Replace the row, if it is still as it was."""
        held = self.registrations().items
        if old not in held:
            raise syncer.Conflict(f"the row {old.id} of {self._path} has changed")
        write(self._path, (new if row.id == old.id else row for row in held))
        return new

    def deregister(self, old: syncer.Registration) -> None:
        """Take out the row, if it is still as it was; that there is none is fine."""
        held = self.registrations().items
        if any(row.id == old.id for row in held) and old not in held:
            raise syncer.Conflict(f"the row {old.id} of {self._path} has changed")
        write(self._path, [row for row in held if row.id != old.id])

    def adjust(self, instance: syncer.Instance) -> syncer.Instance | None:
        """What a row can say: unhealthy instances are not listed, tags have no spaces in them."""
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
            raise syncer.TemporaryError(f"there is no folder {self._path.parent}")
