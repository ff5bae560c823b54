"""The headers of each request: the token, basic authentication."""

import os
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from syncer import Secret, TemporaryError, sendable
from syncer.kits.http import basic_auth
from syncer_consul.options import AgentOptions


class Headers:
    """Makes the headers of each request. A token file is read again when it changes."""

    def __init__(self, options: AgentOptions) -> None:
        self._fixed = {"User-Agent": "syncer", "Accept-Encoding": "identity"}
        self._auth = options.auth.reveal()
        if self._auth:
            self._fixed["Authorization"] = basic_auth(self._auth)
        self._file = options.token_file
        self._token = "" if self._file else options.token.reveal()
        self._wrong = ""
        self._stamp: tuple[int, int, int] | None = None
        self._lock = Lock()

    def __call__(self) -> dict[str, str]:
        token = self.token()
        return {**self._fixed, "X-Consul-Token": token} if token else self._fixed

    def token(self) -> str:
        """Return the current token; the last one while its file has none that can be used.

        A file that is empty, or cannot be read, is just being replaced.
        """
        if self._file is None:
            return self._token
        try:
            found = os.stat(self._file)
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                with self._lock:
                    self._read(self._file, stamp)
        except OSError as error:
            if not self._token:
                why = error.strerror or str(error)
                raise TemporaryError(f"token_file {self._file}: {why}") from error
        return self._token

    def expect_usable(self) -> None:
        """Raise TemporaryError for a file with something else than a token, as is not to pass."""
        self.token()
        if self._wrong:
            raise TemporaryError(self._wrong)

    def credentials(self) -> Hashable:
        """Return what differs as soon as another token is in use; `None` if none can be."""
        if self._file is None:
            return None
        with suppress(TemporaryError):  # told where it is needed
            return hash(self.token())
        return ""

    def _read(self, file: Path, stamp: tuple[int, int, int]) -> None:
        try:
            token = Secret(sendable(file.read_text(encoding="utf-8"), header=True)).reveal()
        except UnicodeDecodeError:
            self._wrong = f"token_file {file}: is not UTF-8 text"
        except ValueError as error:
            self._wrong = f"token_file {file}: {error}"
        else:
            if token:
                self._token, self._stamp, self._wrong = token, stamp, ""
            elif not self._token:
                raise TemporaryError(f"token_file {file}: is empty")
        if not self._token:
            raise TemporaryError(self._wrong)
