"""An engine behind ssh: the command, and what ssh says if it fails.

ssh is connected to an ordinary socket. Its words would otherwise stand on the terminal, without
time and source, and in no log.
"""

import contextlib
import shlex
import shutil
import socket
import subprocess
import threading
from urllib.parse import unquote, urlsplit

#: How much of ssh's own words is kept, in bytes, and how long to wait for them, in seconds.
_KEPT, _PATIENCE = 2000, 2.0


def check_ssh(endpoint: str) -> None:
    """Raise `ValueError` if this is not `ssh://[user@]host[:port][/path/of/socket]`."""
    parts = urlsplit(endpoint)
    if not parts.hostname:
        raise ValueError("it names no host")
    if parts.password or parts.query or parts.fragment:
        raise ValueError("only ssh://[user@]host[:port][/path/of/socket] is possible")
    _ = parts.port  # reading it checks it


def ssh_argv(endpoint: str) -> list[str]:
    """Return the command that connects to the engine there, as Docker's own tools do."""
    parts = urlsplit(endpoint)
    argv = ["ssh", "-T", "-o", "BatchMode=yes"]
    if parts.username:
        argv += ["-l", unquote(parts.username)]
    if parts.port:
        argv += ["-p", str(parts.port)]
    path = unquote(parts.path).rstrip("/")
    there = f" --host {shlex.quote(f'unix://{path}')}" if path else ""
    return [*argv, "--", parts.hostname or "", f"docker{there} system dial-stdio"]


class SshLine:
    """A connection through an ssh process, which ends when the socket is closed."""

    def __init__(self, endpoint: str, timeout: float | None) -> None:
        if shutil.which("ssh") is None:
            raise OSError("there is no program `ssh` here")
        ours, its = socket.socketpair()
        try:
            with its:
                self._process = subprocess.Popen(
                    ssh_argv(endpoint),
                    stdin=its.fileno(),
                    stdout=its.fileno(),
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
        except OSError:
            ours.close()
            raise
        self._words = b""
        self._ended = threading.Event()
        threading.Thread(target=self._listen, name="ssh", daemon=True).start()
        ours.settimeout(timeout)
        self.socket = ours

    def failure(self) -> str:
        """Return what ssh said before it ended, and its exit status; "" if it said nothing."""
        ended = self._ended.wait(_PATIENCE)
        words = " ".join(self._words.decode("utf-8", "replace").split())
        if ended and self._process.returncode:
            return f"ssh ended with status {self._process.returncode}: {words or 'no words'}"
        return f"ssh says: {words}" if words else ""

    def _listen(self) -> None:
        """Read what ssh says until it ends: it would stop at a full pipe."""
        said = self._process.stderr
        assert said is not None  # noqa: S101 - it is a pipe
        with said, contextlib.suppress(OSError):
            while more := said.read1(4096):  # type: ignore[attr-defined]
                self._words = (self._words + more)[-_KEPT:]
        self._process.wait()
        self._ended.set()
