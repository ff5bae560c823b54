"""Atomic reading and replacing of one file, under a lock.

A reader sees the old content or the new one, whatever happens to the writer: new content is written
to another file in the directory, flushed to disk, and renamed. Writers lock a third file,
`.NAME.lock`, since the file itself is replaced. Only the user who writes may open the lock:
any other program that held it would keep all writers out. Errors of the system become
`TemporaryError`: disks fill up, mounts appear late, permissions get corrected.
"""

import contextlib
import errno
import fcntl
import glob
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from syncer import TemporaryError

#: How long a writer waits for another: number of attempts, and seconds between them.
LOCK_TRIES, LOCK_PAUSE = 250, 0.02
#: The modes of the lock, and of a file that is new.
LOCK_MODE, NEW_MODE = 0o600, 0o640

Signature = tuple[int, ...]


def signature(path: Path) -> Signature:
    """Return numbers that change whenever the file is written or replaced; () without a file."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def failure(path: Path, doing: str, error: OSError) -> TemporaryError:
    """Return the error of the system with file, action and hint."""
    hint = ""
    if error.errno == errno.EBUSY:
        hint = " (a file that is mounted by itself cannot be replaced: mount its directory)"
    return TemporaryError(f"{path}: cannot {doing}: {error.strerror or error}{hint}")


def read_whole(path: Path) -> bytes:
    """Return the content of a regular file; reading others, such as pipes, could block for ever.

    Raises `TemporaryError`, and `FileNotFoundError` if there is no file.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise TemporaryError(f"{path}: not a regular file")
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise failure(path, "read", error) from error


class WholeFile:
    """A file that several programs replace; symbolic links are followed and kept."""

    def __init__(self, path: Path) -> None:
        self._named = path

    @property
    def path(self) -> Path:
        """The path after following symbolic links."""
        return Path(os.path.realpath(self._named))

    def read(self) -> bytes:
        """Return the content; empty if the directory exists but the file does not."""
        path = self.path
        try:
            return read_whole(path)
        except FileNotFoundError as error:
            if path.parent.is_dir():
                return b""
            raise TemporaryError(f"{path}: no such directory: {path.parent}") from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock out other writers. Raises `TemporaryError` if one holds the lock for too long."""
        path = self.path
        lock = path.with_name(f".{path.name}.lock")
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, LOCK_MODE)
        except OSError as error:
            raise failure(lock, "open the lock", error) from error
        try:
            with contextlib.suppress(OSError):  # one that is there already, of another mode
                os.fchmod(handle, LOCK_MODE)
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
                raise failure(lock, "lock", error) from error
        raise TemporaryError(f"{lock}: another writer holds the lock")

    def replace(self, content: bytes) -> None:
        """Replace the content, but not mode and owner. Only under the lock."""
        path = self.path
        self._sweep(path)
        new = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        try:
            self._write(new, content, path)
            os.replace(new, path)
            _sync_directory(path.parent)
        except OSError as error:
            raise failure(path, "write", error) from error
        finally:
            with contextlib.suppress(OSError):
                new.unlink()

    def _write(self, new: Path, content: bytes, like: Path) -> None:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, NEW_MODE)
        with open(handle, "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                self._keep_rights(handle, like.stat())
            file.write(content)
            file.flush()
            os.fsync(handle)

    def _keep_rights(self, handle: int, like: os.stat_result) -> None:
        # Only root may change the owner; anybody may set one of their own groups.
        for user in (like.st_uid, -1):
            with contextlib.suppress(PermissionError):
                os.fchown(handle, user, like.st_gid)
                break
        os.fchmod(handle, stat.S_IMODE(like.st_mode))

    def _sweep(self, path: Path) -> None:
        """Remove files left by a killed writer; there is no other writer while we hold the lock."""
        for name in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            with contextlib.suppress(OSError):
                name.unlink()


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
