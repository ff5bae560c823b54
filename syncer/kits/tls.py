"""TLS by files: certificates of authorities, and a certificate and key of our own."""

import os
import ssl
from pathlib import Path
from threading import Lock

import attrs

from syncer.api.errors import ConfigError

#: The times, sizes and inodes of files: they change with the content.
Stamps = tuple[tuple[Path, int, int, int] | Path, ...]
#: The contents of `ca_file`, `client_cert` and `client_key`; `None` for one that is not set.
Contents = tuple[bytes | None, bytes | None, bytes | None]


@attrs.frozen(kw_only=True)
class _Files:
    ca_file: Path | None = None
    ca_path: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    verify: bool = True


class TlsFiles:
    """TLS as configured by options of these names; without authorities the system's count.

    Each connection uses what the files hold when it is opened. While one of them cannot be used,
    since it is just being written, say, or its key is still that of another certificate, what they
    held before is used. Safe in threads.
    """

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        ca_path: Path | None = None,
        client_cert: Path | None = None,
        client_key: Path | None = None,
        verify: bool = True,
    ) -> None:
        """Read the files. Raises ConfigError that names the option whose file cannot be used."""
        self._files = _Files(
            ca_file=ca_file,
            ca_path=ca_path,
            client_cert=client_cert,
            client_key=client_key,
            verify=verify,
        )
        self._lock = Lock()
        self._stamps = _stamps(self._files)
        self._context, self._contents = _load(self._files, self._stamps)
        #: Why the files cannot be used as they are now; "" if they can.
        self.problem = ""

    @property
    def verify(self) -> bool:
        """Whether the server's certificate is checked."""
        return self._files.verify

    def context(self) -> ssl.SSLContext:
        """Return the context for the next connection."""
        with self._lock:
            self._look()
            return self._context

    def contents(self) -> Contents:
        """Return what the files hold, for libraries that make their own context of it."""
        with self._lock:
            self._look()
            return self._contents

    def _look(self) -> None:
        """Read the files again if they changed, and can be used as they are."""
        stamps = _stamps(self._files)
        if stamps == self._stamps:
            return
        try:
            self._context, self._contents = _load(self._files, stamps)
        except ConfigError as error:
            self.problem = str(error)
        else:
            self._stamps, self.problem = stamps, ""


def _load(files: _Files, stamps: Stamps) -> tuple[ssl.SSLContext, Contents]:
    """Return the context and the contents of files that had these stamps before."""
    context = _context(files)
    try:
        ca, cert, key = (
            path.read_bytes() if path else None
            for path in (files.ca_file, files.client_cert, files.client_key)
        )
    except OSError as error:
        raise ConfigError(f"{error.filename}: {_why(error)}") from error
    if _stamps(files) != stamps:
        raise ConfigError("the files of TLS were changed while they were read")
    return context, (ca, cert, key)


def _stamps(files: _Files) -> Stamps:
    named = [files.ca_file, files.client_cert, files.client_key]
    if not (files.ca_file or files.ca_path):
        system = ssl.get_default_verify_paths()
        named += [Path(path) for path in (system.cafile, system.capath) if path]
    return tuple(map(_stamp, [*filter(None, named), *_in_folder(files.ca_path)]))


def _stamp(path: Path) -> tuple[Path, int, int, int] | Path:
    try:
        found = os.stat(path)
    except OSError:
        return path
    return path, found.st_mtime_ns, found.st_size, found.st_ino


def _in_folder(folder: Path | None) -> list[Path]:
    """Return every file of a folder, whatever its name; OpenSSL takes only hashed names."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_file()) if folder else []
    except OSError:
        return []


def _context(files: _Files) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if files.ca_file or files.ca_path:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if files.ca_path and not files.ca_path.is_dir():
            raise ConfigError(f"ca_path {files.ca_path}: not a folder")
        if files.ca_file:
            _trust(context, "ca_file", files.ca_file)
        for path in _in_folder(files.ca_path):
            _trust(context, "ca_path", path)
        if not context.cert_store_stats()["x509"]:
            raise ConfigError(f"ca_path {files.ca_path}: there is no certificate in it")
    if not files.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.client_cert:
        try:
            context.load_cert_chain(files.client_cert, files.client_key, password=_no_password)
        except (OSError, ValueError) as error:
            text = f"client_cert {files.client_cert}, client_key {files.client_key or '(none)'}"
            raise ConfigError(f"{text}: {_why(error)}") from error
    elif files.client_key:
        raise ConfigError("client_key is given without client_cert")
    return context


def _trust(context: ssl.SSLContext, option: str, path: Path) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        raise ConfigError(f"{option} {path}: {_why(error)}") from error


def _no_password() -> str:
    """Refuse an encrypted key. OpenSSL would ask on the terminal, which would hang a daemon."""
    raise ValueError("the key is encrypted")


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
