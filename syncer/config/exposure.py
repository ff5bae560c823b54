"""Warnings about secrets that others on this machine can read."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from syncer.api.options import Secret
from syncer.config.convert import bare_type
from syncer.config.fill import option_types, secret_files
from syncer.config.settings import Kind, Part
from syncer.config.tree import Given, KeyPath, origin_of, plain


def exposed(
    parts: Iterable[tuple[Part, Kind]], path: Path | None, environ: Mapping[str, str]
) -> Iterator[str]:
    """Warnings about secrets that others can read where they were given."""
    for part, kind in parts:
        yield from exposed_in(kind.options, part.options, part.where, path)
        for name, given in secret_files(kind.options, part.options, environ).items():
            if problem := _exposed_file(plain(given)):
                yield (part.where / name).say(problem, origin_of(given))


def exposed_in(
    options_class: type, table: Mapping[str, Any], where: KeyPath, path: Path | None
) -> Iterator[str]:
    for name, wanted in option_types(options_class).items():
        given = table.get(name)
        if bare_type(wanted) is Secret and (problem := _exposure(given, path)):
            yield (where / name).say(problem, origin_of(given))


def _exposure(given: Any, path: Path | None) -> str:
    """Who else can read this secret, and what to do about it; "" if nobody can."""
    value, instead = plain(given), 'use { file = "..." } or { env = "..." }'
    if isinstance(value, Mapping):
        return _exposed_file(value.get("file"))
    origin = given.origin if isinstance(given, Given) else ""
    if origin.startswith("--"):
        return f"a secret on the command line is shown to everybody who lists processes: {instead}"
    if path is not None and origin == str(path) and _is_public(path):
        return f"a secret in a file that everybody may read: {instead}"
    return ""


def _exposed_file(name: Any) -> str:
    """What is wrong with the rights of a file that has a secret in it; "" if nothing is."""
    if isinstance(name, (str, Path)) and _is_public(Path(name)):
        return f"everybody may read the file {name}: take that right from it (chmod o-r)"
    return ""


def _is_public(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except (OSError, ValueError):  # a name may be none
        return False
