"""The file source: services that are listed in a file, or in a directory of files.

    [[services]]
    name = "web"
    address = "10.0.0.5"
    port = 80
    tags = ["blue"]
    checks = [{ kind = "http", path = "/health", interval = "10s" }]

The same in YAML and JSON, where the top level may also be the list itself. All of the
source is read or nothing is: one mistake in one file refuses the whole listing with an error
that names every mistake, and what is registered stays until it is mended. A missing file is
a mistake, too; to say that nothing runs, write an empty list. A directory is read in the
order of names; hidden files and other suffixes are passed over.
"""

import json
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import attrs

from syncer import Context, Host, Source, TemporaryError, View, Workload, one_line, option
from syncer.api.contracts import Wake
from syncer.plugin.builtin.service_entry import Mistakes, read_service, unknown_key
from syncer.plugin.builtin.whole_file import Signature, read_whole, refuse, signature

#: How often files are looked at for changes, in seconds.
POLL = 0.5
_SUFFIXES = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json"}
#: How many mistakes one error names.
_SHOWN = 5


@attrs.frozen(kw_only=True)
class FileSourceOptions:
    """The options of the source `file`."""

    path: Path = option(help="A .toml, .yaml, .yml or .json file, or a directory of these")
    scope: str = option("", help="The part of the world it speaks for (default: the host's name)")


class FileSource(Source):
    """Services that are listed in files."""

    def __init__(self, path: Path, name: str = "file", scope: str = "") -> None:
        self._path = path
        self._name = name
        self._scope = scope or socket.gethostname() or "localhost"
        self._closed = Event()

    @classmethod
    def create(cls, options: FileSourceOptions, context: Context) -> "FileSource":
        """A source for the path; nothing is read yet."""
        return cls(options.path, context.name, options.scope)

    def scope(self) -> str:
        """The scope that was configured, else the host's name."""
        return self._scope

    def host(self) -> Host:
        """This host; services without an address are taken to run on it."""
        return Host(name=self._scope, default_address=_default_address())

    def workloads(self) -> View[Workload]:
        """All services; raises TemporaryError if anything cannot be read or understood."""
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
                    mistakes.append(f"{path}: {place}: {workload.id!r} is there twice: set `id`")
                found[workload.id] = workload
        if mistakes:
            more = len(mistakes) - _SHOWN
            end = f"; and {more} more" if more > 0 else ""
            raise TemporaryError("; ".join(mistakes[:_SHOWN]) + end)
        return View(tuple(found.values()))

    def workload(self, id: str) -> Workload | None:
        """One service, read again."""
        return next((found for found in self.workloads().items if found.id == id), None)

    def watch(self, wake: Wake, stop: Event) -> None:
        """Look at the files' times, sizes and numbers; replaced files differ in the latter."""
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
            raise refuse(self._path, "read", error) from error
        return [name for name in names if name.suffix in _SUFFIXES and name.name[0] != "."]

    def _signatures(self) -> dict[Path, Signature]:
        try:
            return {path: signature(path) for path in self._files()}
        except TemporaryError:
            return {}

    def _load(self, path: Path) -> list[tuple[str, Any]]:
        """The entries of a file, each with its place."""
        try:
            document = _parse(read_whole(path).decode(), path)
            return [(f"services[{at}]", entry) for at, entry in enumerate(_services(document))]
        except FileNotFoundError as error:
            raise TemporaryError(f"{path}: there is no such file") from error
        except (ValueError, RecursionError) as error:
            raise TemporaryError(f"{path}: {error}") from error


def _services(document: Any) -> list[Any]:
    if isinstance(document, Mapping):
        strange = [key for key in document if key != "services"]
        if strange:
            raise ValueError(unknown_key("", strange[0], {"services": None}))
        document = document.get("services")
    if not isinstance(document, list):
        raise ValueError("expected a list named `services` (an empty one says that nothing runs)")
    return document


def _parse(text: str, path: Path) -> Any:
    """What the file says; raises ValueError with line and column."""
    form = _SUFFIXES.get(path.suffix)
    if form == "toml":
        return _parse_toml(text)
    if form == "yaml":
        return _parse_yaml(text)
    if form == "json":
        return json.loads(text)
    raise ValueError(f"the name must end in one of {', '.join(_SUFFIXES)}")


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


def _default_address() -> str:
    """The address that a packet along the default route would carry; nothing is sent."""
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return ""
