"""Parts of paths: characters that ZooKeeper does not allow are escaped."""

from urllib.parse import quote

from syncer import PermanentError
from syncer.kits.keyvalue import segment

#: After this come surrogates, characters for private use and others that ZooKeeper refuses.
_FIRST_REFUSED = "\ud7ff"


def node_name(text: str) -> str:
    """Return a text as a part of a path; no other text gives the same. `unquote` reverses it."""
    return "".join(c if c <= _FIRST_REFUSED else quote(c) for c in segment(text))


def parent(path: str) -> str:
    """Return the path without its last part; directly under the root, the root."""
    return path.rpartition("/")[0] or "/"


def check_path(path: str) -> None:
    """Raise PermanentError for a path that ZooKeeper does not allow."""
    parts = path.removeprefix("/").split("/")
    refused = [c for c in path if c < " " or "\x7f" <= c <= "\x9f" or c > _FIRST_REFUSED]
    if refused or any(part in ("", ".", "..") for part in parts):
        raise PermanentError(f"{path!r} cannot be a path in ZooKeeper")
