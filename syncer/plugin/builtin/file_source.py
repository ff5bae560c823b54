"""The source `file`: services listed in a file, or in a directory of files.

    [[services]]
    name = "web"
    address = "10.0.0.5"
    port = 80
    tags = ["blue"]
    checks = [{ kind = "http", path = "/health", interval = "10s" }]

YAML and JSON have the same form; the top level may also be the list itself. All files are read
or none: any mistake fails the whole listing with an error that names all mistakes, and existing
entries are kept until it is corrected. A missing file is a mistake, too; if nothing runs, write an
empty list. A directory is read in the order of names, without hidden files and other suffixes.
"""

import json
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import attrs

from syncer import Context, Host, Source, TemporaryError, View, Workload, one_line, option
from syncer.api.contracts import Wake
from syncer.plugin.builtin.service_entry import Mistakes, read_service, unknown_key
from syncer.plugin.builtin.whole_file import Signature, failure, read_whole, signature

#: How often files are checked for changes, in seconds.
POLL = 0.5
#: How many mistakes an error shows.
_SHOWN = 5


@attrs.frozen(kw_only=True)
class FileSourceOptions:
    """Options of the source `file`."""

    path: Path = option(help=".toml, .yaml, .yml or .json file, or a directory of these")
    scope: str = option("", help="Name of this host in ids and marks (default: the host name)")


class FileSource(Source):
    """Reads services from files."""

    def __init__(self, path: Path, name: str = "file", scope: str = "") -> None:
        self._path = path
        self._name = name
        self._scope = scope or socket.gethostname() or "localhost"
        self._closed = Event()

    @classmethod
    def create(cls, options: FileSourceOptions, context: Context) -> "FileSource":
        """Make a source for the path, without reading it."""
        return cls(options.path, context.name, options.scope)

    def scope(self) -> str:
        """Return the configured scope, else the host name."""
        return self._scope

    def host(self) -> Host:
        """Return this host, on which services without an address run."""
        return Host(name=self._scope, default_address=_default_address())

    def workloads(self) -> View[Workload]:
        """Return all services. Raises `TemporaryError` if anything is unreadable or invalid."""
        found: dict[str, Workload] = {}
        mistakes: list[str] = []
        for path in self._files():
            for place, entry in self._load(path):
                try:
                    workload = read_service(entry, place, self._name, self._scope)
                except Mistakes as error:
                    mistakes += [f"{path}: {text}" for text in error.found]
                    continue
                if workload.id in found:
                    mistakes.append(f"{path}: {place}: {workload.id!r} is listed twice: set `id`")
                found[workload.id] = workload
        if mistakes:
            more = len(mistakes) - _SHOWN
            end = f"; and {more} more" if more > 0 else ""
            raise TemporaryError("; ".join(mistakes[:_SHOWN]) + end)
        return View(tuple(found.values()))

    def workload(self, id: str) -> Workload | None:
        """Read and return one service."""
        return next((found for found in self.workloads().items if found.id == id), None)

    def watch(self, wake: Wake, stop: Event) -> None:
        """Wake when times, sizes or inodes of the files change; replaced files have a new inode."""
        seen = self._signatures()
        wake(None)
        while not stop.wait(POLL) and not self._closed.is_set():
            now = self._signatures()
            if now != seen:
                seen = now
                wake(None)

    def close(self) -> None:
        """End a blocked `watch`."""
        self._closed.set()

    def _files(self) -> list[Path]:
        try:
            if not self._path.is_dir():
                return [self._path]
            names = sorted(self._path.iterdir())
        except OSError as error:
            raise failure(self._path, "read", error) from error
        return [name for name in names if name.suffix in _PARSERS and name.name[0] != "."]

    def _signatures(self) -> dict[Path, Signature]:
        try:
            return {path: signature(path) for path in self._files()}
        except TemporaryError:
            return {}

    def _load(self, path: Path) -> list[tuple[str, Any]]:
        """Return the entries of a file, each with its place."""
        try:
            document = _parse(read_whole(path).decode(), path)
            return [(f"services[{at}]", entry) for at, entry in enumerate(_services(document))]
        except FileNotFoundError as error:
            raise TemporaryError(f"{path}: no such file") from error
        except (ValueError, RecursionError) as error:
            raise TemporaryError(f"{path}: {error}") from error


def _services(document: Any) -> list[Any]:
    if isinstance(document, Mapping):
        strange = [key for key in document if key != "services"]
        if strange:
            raise ValueError(unknown_key("", strange[0], {"services": None}))
        document = document.get("services")
    if not isinstance(document, list):
        raise ValueError("expected a list named `services` (empty if nothing runs)")
    return document


def _parse(text: str, path: Path) -> Any:
    """Parse a file. Raises `ValueError` with line and column."""
    if path.suffix not in _PARSERS:
        raise ValueError(f"the file name must end in one of {', '.join(_PARSERS)}")
    return _PARSERS[path.suffix](text)


def _parse_toml(text: str) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    return tomllib.loads(text)


def _parse_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (at line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{error.problem or error}{place}") from error
    except yaml.YAMLError as error:
        raise ValueError(one_line(error)) from error


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    ".toml": _parse_toml,
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
    ".json": json.loads,
}


def _default_address() -> str:
    """Return the source address of packets along the default route; nothing is sent."""
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return ""
