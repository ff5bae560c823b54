"""Access to a server: TLS certificates, user and password."""

import base64
import ssl
from pathlib import Path

from syncer.api.errors import ConfigError
from syncer.api.secrets import remember


def basic_auth(user_and_password: str) -> str:
    """Return the Authorization header for `user:password`; no text shows it from now on."""
    encoded = base64.b64encode(user_and_password.encode()).decode()
    for secret in (user_and_password.partition(":")[2], encoded):
        remember(secret)
    return f"Basic {encoded}"


def tls_context(
    *,
    ca_file: Path | None = None,
    ca_path: Path | None = None,
    client_cert: Path | None = None,
    client_key: Path | None = None,
    verify: bool = True,
) -> ssl.SSLContext:
    """Return TLS as configured by options of these names; without authorities the system's count.

    Raises ConfigError that names the option whose file cannot be used.
    """
    context = ssl.create_default_context()
    if ca_file or ca_path:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if ca_path and not ca_path.is_dir():
            raise ConfigError(f"ca_path {ca_path}: not a folder")
        if ca_file:
            _trust(context, "ca_file", ca_file)
        for path in sorted(ca_path.iterdir()) if ca_path else ():
            # Every file of the folder, whatever its name; OpenSSL takes only hashed names.
            if path.is_file():
                _trust(context, "ca_path", path)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert:
        try:
            context.load_cert_chain(client_cert, client_key, password=_no_password)
        except (OSError, ValueError) as error:
            text = f"client_cert {client_cert}, client_key {client_key or '(none)'}"
            raise ConfigError(f"{text}: {_why(error)}") from error
    elif client_key:
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
