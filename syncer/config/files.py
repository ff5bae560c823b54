"""Notice when files change: the configuration file, and secrets and certificates that it names.

Contents are compared, not times: times say little where a whole folder is swapped by a link, as
Kubernetes does, or where a file is rewritten with the same content.
"""

import hashlib
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

Digests = Mapping[Path, str]


def digests(paths: Iterable[Path]) -> Digests:
    """Return a digest of each file's content, or that of all files of a folder.

    It is "" if there is none to read: a missing file, or a pipe.
    """
    return {path: _digest(path) for path in paths}


def _digest(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _of_all(path)
        # A pipe or terminal gives its content only once.
        if not stat.S_ISREG(mode):
            return ""
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):  # the path may be invalid
        return ""


def _of_all(folder: Path) -> str:
    found = [(path.name, _digest(path)) for path in sorted(folder.iterdir()) if path.is_file()]
    return hashlib.sha256(repr(found).encode()).hexdigest()


class FileWatch:
    """Compares files with their content at an earlier time."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known = self._seen = digests(paths)

    def changed(self) -> bool:
        """Report a change that two calls in a row have seen: a file may be half written."""
        now = digests(self._known)
        settled, self._seen = now == self._seen, now
        # The first file must exist to count as changed: it may just be being replaced.
        exists = all(now[path] for path, known in [*self._known.items()][:1] if known)
        return settled and exists and now != self._known

    def follow(self, paths: Iterable[Path]) -> None:
        """Watch these files from now on. Files that were watched before keep their known content.

        Call it before a file is read, so that no change in between is missed.
        """
        known = self._known
        self._known = self._seen = {
            path: known[path] if path in known else _digest(path) for path in paths
        }
