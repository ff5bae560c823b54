"""Warnings about secrets that other users of this machine can read."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from syncer.api.options import Secret
from syncer.config.convert import bare_type
from syncer.config.fill import files_of, options_of
from syncer.config.tree import Given, KeyPath, origin_of, plain


def exposed(
    options_class: type,
    table: Mapping[str, Any],
    where: KeyPath,
    path: Path | None,
    environ: Mapping[str, str],
) -> Iterator[str]:
    """Warn of each secret in this table, of the file `path`, that others can read."""
    files = files_of(options_class, table, environ, "secret")
    for name, option in options_of(options_class).items():
        given = files.get(name, table.get(name))
        if name in files:
            problem = _exposed_file(plain(given))
        else:
            problem = _exposed_value(given, path) if bare_type(option.wanted) is Secret else ""
        if problem:
            yield (where / name).say(problem, origin_of(given))


def _exposed_value(given: Any, path: Path | None) -> str:
    """Return who else can read this secret and what to do about it; "" if nobody can."""
    value, instead = plain(given), 'use { file = "..." } or { env = "..." }'
    if isinstance(value, Mapping):
        return _exposed_file(value.get("file"))
    origin = given.origin if isinstance(given, Given) else ""
    if origin.startswith("--"):
        return f"a secret on the command line is visible in the process list: {instead}"
    if path is not None and origin == str(path) and _is_world_readable(path):
        return f"a secret in a world-readable file: {instead}"
    return ""


def _exposed_file(name: Any) -> str:
    if isinstance(name, (str, Path)) and _is_world_readable(Path(name)):
        return f"the file {name} is world-readable: restrict it (chmod o-r)"
    return ""


def _is_world_readable(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except (OSError, ValueError):  # the path may be invalid
        return False
