"""The headers of each request: the token, basic authentication."""

import os
from collections.abc import Collection
from threading import Lock

from syncer import TemporaryError
from syncer.kits.http import basic_auth
from syncer_consul.options import AgentOptions


class Headers:
    """Makes the headers of each request. A token file is read again when it changes."""

    def __init__(self, options: AgentOptions) -> None:
        self._fixed = {"User-Agent": "syncer", "Accept-Encoding": "identity"}
        self._auth = options.auth.reveal()
        if self._auth:
            self._fixed["Authorization"] = basic_auth(self._auth)
        self._token = options.token.reveal()
        self._file = options.token_file
        self._stamp: tuple[int, int, int] | None = None
        self._lock = Lock()

    def __call__(self) -> dict[str, str]:
        token = self.token()
        return {**self._fixed, "X-Consul-Token": token} if token else self._fixed

    def token(self) -> str:
        """Return the current token; the last one while its file cannot be read."""
        if self._file is None:
            return self._token
        try:
            found = os.stat(self._file)
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                with self._lock:
                    self._token = self._file.read_text().strip()
                    self._stamp = stamp
        except (OSError, UnicodeDecodeError) as error:
            if self._stamp is None:
                why = (error.strerror if isinstance(error, OSError) else None) or str(error)
                raise TemporaryError(f"token_file {self._file}: {why}") from error
        return self._token

    def secrets(self) -> Collection[str]:
        """Return what no error may show."""
        return (self.token(), self._auth, self._auth.partition(":")[2])
