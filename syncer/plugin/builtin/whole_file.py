"""One file that is always whole: read in one go, replaced in one step, locked while changed.

A reader sees the old content or the new, whatever happens to the writer: the new content goes
to a file beside it, is forced to disk, and takes the name. Writers hold a lock on a third file,
`.NAME.lock`, since the file itself is replaced under them. Errors of the system become
`TemporaryError`: disks fill up, mounts come late, rights are put right.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from syncer import TemporaryError

#: How long a writer waits for another one: so many tries, that many seconds apart.
LOCK_TRIES, LOCK_PAUSE = 250, 0.02

Signature = tuple[int, ...]


def signature(path: Path) -> Signature:
    """Numbers that change whenever the file is written or replaced; () if there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def refuse(path: Path, doing: str, error: OSError) -> TemporaryError:
    """The error of the system in words for people."""
    hint = ""
    if error.errno == errno.EBUSY:
        hint = " (a single mounted file cannot be replaced: mount its directory instead)"
    return TemporaryError(f"{path}: cannot {doing}: {error.strerror or error}{hint}")


def read_whole(path: Path) -> bytes:
    """The content of a regular file; others (a pipe, say) could block for ever.

    Raises TemporaryError, and FileNotFoundError if there is no file.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise TemporaryError(f"{path}: is not a regular file")
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise refuse(path, "read", error) from error


class WholeFile:
    """A file that several programs replace; a symbolic link is followed, and stays."""

    def __init__(self, path: Path) -> None:
        self._named = path

    @property
    def path(self) -> Path:
        """Where the content really is."""
        return Path(os.path.realpath(self._named))

    def read(self) -> bytes:
        """The content, empty if there is no file in an existing directory."""
        path = self.path
        try:
            return read_whole(path)
        except FileNotFoundError as error:
            if path.parent.is_dir():
                return b""
            raise TemporaryError(f"{path}: there is no directory {path.parent}") from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out; raises TemporaryError if one holds the lock for too long."""
        path = self.path
        lock = path.with_name(f".{path.name}.lock")
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise refuse(lock, "open the lock", error) from error
        try:
            self._take(handle, lock)
            yield
        finally:
            os.close(handle)

    def _take(self, handle: int, lock: Path) -> None:
        pause = Event()
        for _ in range(LOCK_TRIES):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                pause.wait(LOCK_PAUSE)
            except OSError as error:
                raise refuse(lock, "lock", error) from error
        raise TemporaryError(f"{lock}: another writer holds the lock")

    def replace(self, content: bytes) -> None:
        """Put the content in the file's place; mode and owner stay. Only under the lock."""
        path = self.path
        self._sweep(path)
        new = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        try:
            self._write(new, content, path)
            os.replace(new, path)
            _sync_directory(path.parent)
        except OSError as error:
            raise refuse(path, "write", error) from error
        finally:
            with contextlib.suppress(OSError):
                new.unlink()

    def _write(self, new: Path, content: bytes, like: Path) -> None:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with open(handle, "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                self._keep_rights(handle, like.stat())
            file.write(content)
            file.flush()
            os.fsync(handle)

    def _keep_rights(self, handle: int, like: os.stat_result) -> None:
        # Only root may give a file away; a group of one's own can be kept without.
        for user in (like.st_uid, -1):
            with contextlib.suppress(PermissionError):
                os.fchown(handle, user, like.st_gid)
                break
        os.fchmod(handle, stat.S_IMODE(like.st_mode))

    def _sweep(self, path: Path) -> None:
        """Remove what a killed writer left; nobody else writes while we hold the lock."""
        for name in path.parent.glob(f".{_literal(path.name)}.*.tmp"):
            with contextlib.suppress(OSError):
                name.unlink()


def _literal(name: str) -> str:
    """The name with everything escaped that a glob pattern would take for its own."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
