"""The file of both kinds: a heading, one row for each instance, tags separated by spaces.

id,service,address,port,tags,mark
web-1,web,10.0.0.5,8080,blue fast,
"""

import csv
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import attrs

import syncer

COLUMNS = ("id", "service", "address", "port", "tags", "mark")


@attrs.frozen(kw_only=True)
class CsvOptions:
    """Options of the source and of the sink `csv`."""

    path: Path = syncer.option(help="The CSV file")


def read(path: Path) -> list[syncer.Registration]:
    """Return all rows. Raises `FileNotFoundError`, and `TemporaryError` for an invalid row."""
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                found.append(_registration(row))
            except Exception as error:  # others may write anything
                raise syncer.TemporaryError(f"{path}, row {number}: {error}") from error
    return found


def _registration(row: dict[str, str]) -> syncer.Registration:
    instance = syncer.Instance(
        id=row["id"],
        service=row["service"],
        address=row["address"],
        port=int(row["port"]),
        tags=row["tags"].split(),
    )
    mark = syncer.Mark.from_fields(json.loads(row["mark"])) if row["mark"] else None
    return syncer.Registration(instance=instance, mark=mark)


def write(path: Path, registrations: Iterable[syncer.Registration]) -> None:
    """Replace the file in one step, so that a reader never sees half of it.

    Raises `PermanentError` for text that cannot be encoded, `TemporaryError` if writing fails.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)  # others are meant to read it
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows(map(_row, registrations))
        os.replace(name, path)
    except UnicodeEncodeError as error:
        Path(name).unlink()
        raise syncer.PermanentError(f"cannot write {path}: not valid text: {error}") from error
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise syncer.TemporaryError(f"cannot write {path}: {error.strerror}") from error


def _row(registration: syncer.Registration) -> tuple[object, ...]:
    instance, mark = registration.instance, registration.mark
    return (
        instance.id,
        instance.service,
        instance.address,
        instance.port,
        " ".join(instance.tags),
        json.dumps(mark.fields()) if mark else "",
    )
