"""What a request needs to be let in: the token, basic authentication, TLS."""

import os
import ssl
from pathlib import Path
from threading import Lock

from urllib3.util import make_headers

from syncer import ConfigError, TemporaryError
from syncer_consul.options import AgentOptions


class Headers:
    """Makes the headers of each request; a token file is read again when it changes."""

    def __init__(self, options: AgentOptions) -> None:
        self._fixed = {"User-Agent": "syncer", "Accept-Encoding": "identity"}
        if options.auth:
            self._fixed |= make_headers(basic_auth=options.auth.reveal())
        self._token = options.token.reveal()
        self._file = options.token_file
        self._stamp: tuple[int, int, int] | None = None
        self._lock = Lock()

    def __call__(self) -> dict[str, str]:
        token = self.token()
        return {**self._fixed, "X-Consul-Token": token} if token else self._fixed

    def token(self) -> str:
        """The token as it is now.

        A file that cannot be read just now leaves the token that was read before.
        """
        if self._file is None:
            return self._token
        try:
            return self._from_file(self._file)
        except (OSError, UnicodeDecodeError) as error:
            if self._stamp is not None:
                return self._token
            raise TemporaryError(f"token_file {self._file}: {_why(error)}") from error

    def _from_file(self, path: Path) -> str:
        found = os.stat(path)
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            with self._lock:
                self._token = path.read_text().strip()
                self._stamp = stamp
        return self._token


def tls_context(options: AgentOptions) -> ssl.SSLContext:
    """TLS as configured. Raises ConfigError naming the option whose file cannot be used."""
    context = ssl.create_default_context()
    if options.ca_file or options.ca_path:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load(context, options)
    if not options.ssl_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.client_cert:
        try:
            context.load_cert_chain(options.client_cert, options.client_key, password=_no_password)
        except (OSError, ValueError) as error:
            text = f"client_cert {options.client_cert}, client_key {options.client_key or '(none)'}"
            raise ConfigError(f"{text}: {_why(error)}") from error
    elif options.client_key:
        raise ConfigError("client_key is given without client_cert")
    return context


def _load(context: ssl.SSLContext, options: AgentOptions) -> None:
    if options.ca_path and not options.ca_path.is_dir():
        raise ConfigError(f"ca_path {options.ca_path}: not a folder")
    if options.ca_file:
        try:
            context.load_verify_locations(cafile=options.ca_file)
        except OSError as error:
            raise ConfigError(f"ca_file {options.ca_file}: {_why(error)}") from error
    for path in sorted(options.ca_path.iterdir()) if options.ca_path else ():
        # Consul takes every file of the folder, whatever its name; OpenSSL only hashed names.
        if path.is_file():
            try:
                context.load_verify_locations(cafile=path)
            except OSError as error:
                raise ConfigError(f"ca_path {path}: {_why(error)}") from error


def _no_password() -> str:
    """Instead of OpenSSL's question on the terminal, which would hang a daemon."""
    raise ValueError("the key is encrypted")


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
