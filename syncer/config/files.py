"""Whether files have other contents than they had: the file of settings, and those it names.

Contents are compared, not times: where a whole folder is put in the place of another by a link, as
Kubernetes does, or a file is written anew with what it had, times say little.
"""

import hashlib
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

Digests = Mapping[Path, str]


def digests(paths: Iterable[Path]) -> Digests:
    """A fingerprint of what stands in each file; "" for what cannot be read, or is no file."""
    return {path: _digest(path) for path in paths}


def _digest(path: Path) -> str:
    try:
        # What a pipe or a terminal had is gone once it was read.
        if not stat.S_ISREG(path.stat().st_mode):
            return ""
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):  # a name may be none
        return ""


class Contents:
    """Looks at files now and then. What is half written is waited for, as far as that can be.

    The first of them has to be there to count as changed: it may just be replaced.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known = self._seen = digests(paths)

    def changed(self) -> bool:
        """Whether they are not as they were known, and were so at the last look too."""
        now = digests(self._known)
        settled, self._seen = now == self._seen, now
        there = all(now[path] for path, known in [*self._known.items()][:1] if known)
        return settled and there and now != self._known

    def know(self) -> None:
        """From now on what stands in them at this moment counts as known."""
        self._known = self._seen = digests(self._known)

    def follow(self, paths: Iterable[Path], read: Digests | None = None) -> None:
        """From now on look at these; what is known of some stays known, others are as `read`."""
        before = {**(read or {}), **self._known}
        self._known = self._seen = {
            path: before[path] if path in before else _digest(path) for path in paths
        }
