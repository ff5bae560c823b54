"""Settings as they were given, each with its origin, and the precedence between them.

A tree of settings is a `dict` whose leaves are `Given`. The upper tree takes precedence leaf by
leaf: a flag overrides one key of a table and leaves its other keys as in the file.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from syncer.api.errors import ConfigError
from syncer.config.toml_text import toml_key

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - only Python 3.10
    import tomli as tomllib

Tree = dict[str, Any]

#: Environment variables with this prefix set any key: SYNCER__SINKS__CONSUL__TOKEN.
PREFIX = "SYNCER__"
#: The shown part of a wrong assignment: what follows the keys may be a secret.
_KEYS = re.compile(r"[\w.'\"-]*")


@attrs.frozen
class KeyPath:
    """The path of a table or key, such as `sinks.consul.token`, and the file if there is one."""

    keys: tuple[str, ...] = ()
    file: str = ""

    def __truediv__(self, key: str) -> "KeyPath":
        return KeyPath((*self.keys, key), self.file)

    def __str__(self) -> str:
        return ".".join(map(toml_key, self.keys))

    def say(self, problem: str, origin: str = "") -> str:
        """Return one line for people: where, and what is wrong. `origin` replaces the file.

        A flag that has the key's own name says where.
        """
        if self.keys and origin == f"--{self.keys[-1]}":
            return f"{origin}: {problem}"
        return ": ".join(part for part in (origin or self.file, str(self), problem) if part)


@attrs.frozen
class Given:
    """A value as it was given. It is never shown, since it may be a secret."""

    value: Any = attrs.field(repr=False)
    origin: str = attrs.field(default="", eq=False)
    #: Set if it comes from a flag or variable, where `8` may mean a number.
    text: bool = False


def origin_of(value: Any) -> str:
    """Return where the value, or the first leaf of a table, was given; "" if unknown."""
    if isinstance(value, Given):
        return value.origin
    if isinstance(value, Mapping):
        return next(filter(None, map(origin_of, value.values())), "")
    return ""


def plain(value: Any) -> Any:
    """Return the value without its origins."""
    if isinstance(value, Given):
        return value.value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def is_text(value: Any) -> bool:
    """Whether any part of the value comes from a flag or variable."""
    if isinstance(value, Given):
        return value.text
    return isinstance(value, Mapping) and any(map(is_text, value.values()))


def files_named(tree: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the file of each `{ file = "..." }` in a tree: secrets are read from them."""
    for value in filter(lambda value: isinstance(value, Mapping), tree.values()):
        name = plain(value["file"]) if list(value) == ["file"] else None
        if isinstance(name, str):
            yield Path(name)
        else:
            yield from files_named(value)


def given_tree(tree: Mapping[str, Any], origin: str, *, text: bool = False) -> Tree:
    """Return the tree with each leaf marked by its origin."""
    return {
        key: given_tree(value, origin, text=text)
        if isinstance(value, Mapping)
        else Given(value, origin, text)
        for key, value in tree.items()
    }


def overlaid(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Tree:
    """Return both trees merged; where both have a value, the upper one takes precedence."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = overlaid(below, value)
        else:
            merged[key] = value
    return merged


def in_order(table: Mapping[str, Any], *firsts: Any) -> Tree:
    """Return the table with the keys of these other tables first, in their order."""
    keys = [key for first in firsts if isinstance(first, Mapping) for key in first]
    return {key: table[key] for key in dict.fromkeys((*keys, *table))}


def from_file(path: Path) -> Tree:
    """Read a TOML file. Raises ConfigError, with the line if the file cannot be parsed."""
    try:
        with path.open("rb") as file:
            return given_tree(tomllib.load(file), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (at byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error


def from_assignments(texts: Iterable[str], flag: str = "--set") -> Tree:
    """Read `KEY.PATH=VALUE` texts; a later one takes precedence.

    Keys with dots are quoted, as in TOML. A value that parses as a TOML list or inline table is
    one; any other is text.
    """
    tree: Tree = {}
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals:
            shown = _KEYS.match(text)
            raise ConfigError(f"{flag} {shown and shown[0]}: must have the form KEY.PATH=VALUE")
        tree = overlaid(tree, _nested(_keys(path, flag), _given(value, flag)))
    return tree


def _keys(path: str, flag: str) -> list[str]:
    try:
        found: Any = tomllib.loads(f"{path} = 0")
    except tomllib.TOMLDecodeError:
        found = None
    keys = []
    while isinstance(found, dict) and len(found) == 1:
        ((key, found),) = found.items()
        keys.append(key)
    if found != 0:  # None, or what a comment or the head of a table has
        shown = _KEYS.match(path)
        text = f"{flag} {shown and shown[0]}: not a key path like sinks.consul.token"
        raise ConfigError(text)
    return keys


def _given(value: str, flag: str) -> Any:
    if value.lstrip()[:1] in ("[", "{"):
        try:
            found = tomllib.loads(f"value = {value}")
        except tomllib.TOMLDecodeError:
            found = {}
        if set(found) == {"value"}:
            return given_tree(found, flag)["value"]
    return Given(value, flag, text=True)


def from_environment(environ: Mapping[str, str], known: Mapping[str, Any]) -> Tree:
    """Read variables like `SYNCER__SINKS__CONSUL__TOKEN`; empty ones are ignored.

    Variables have neither case nor dashes nor dots. So each part of a name means the key in
    `known` (the settings given otherwise) that is equal apart from these, else for the part in
    lower case.
    """
    tree: Tree = {}
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX) or not environ[name]:
            continue
        parts = name[len(PREFIX) :].split("__")
        if not all(parts):
            raise ConfigError(f"{name}: must have the form {PREFIX}TABLE__KEY")
        leaf = Given(environ[name], name, text=True)
        tree = overlaid(tree, _nested(_known_keys(parts, known), leaf))
    return tree


def _known_keys(parts: Iterable[str], table: Any) -> list[str]:
    keys = []
    for part in parts:
        table = table if isinstance(table, Mapping) else {}
        known = {_form(key): key for key in table}
        keys.append(known.get(_form(part), part.lower()))
        table = table.get(keys[-1])
    return keys


def _form(key: str) -> str:
    return re.sub(r"[-.]", "_", key.lower())


def _nested(keys: list[str], value: Any) -> Tree:
    for key in reversed(keys):
        value = {key: value}
    return dict(value)
