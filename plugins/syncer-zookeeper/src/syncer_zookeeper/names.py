"""Parts of paths: what ZooKeeper does not take is escaped."""

from syncer import PermanentError
from syncer.kits.keyvalue import segment

#: From here on come surrogates, characters for private use and others that ZooKeeper refuses.
_FIRST_REFUSED = "\ud7ff"


def node_name(text: str) -> str:
    """A text as a part of a path; no other text gives the same, and `unquote` reverses it."""
    return "".join(c if c <= _FIRST_REFUSED else _escaped(c) for c in segment(text))


def parent(path: str) -> str:
    """The path without its last part; of a node directly under the root, the root."""
    return path.rpartition("/")[0] or "/"


def check_path(path: str) -> None:
    """Raise PermanentError for a path that ZooKeeper would not take."""
    parts = path.removeprefix("/").split("/")
    refused = [c for c in path if c < " " or "\x7f" <= c <= "\x9f" or c > _FIRST_REFUSED]
    if refused or any(part in ("", ".", "..") for part in parts):
        raise PermanentError(f"{path!r} cannot be a path in ZooKeeper")


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())
