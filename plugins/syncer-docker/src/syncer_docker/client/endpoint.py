"""The engine's endpoint: default sockets, whether it is local, and TLS."""

import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from syncer import ConfigError
from syncer.kits.http import TlsFiles
from syncer_docker.options import DockerOptions

#: In order of preference. The second is where registrator's images mount the socket. Podman's are
#: missing on purpose: while Docker starts, an empty Podman must not be mistaken for it.
DEFAULT_SOCKETS = ("/var/run/docker.sock", "/tmp/docker.sock")  # noqa: S108
_OCTAL = re.compile(r"\\([0-7]{3})")
DEFAULT_PIPE = "npipe:////./pipe/docker_engine"


def find_endpoint(endpoint: str) -> str:
    """Return the configured endpoint, else the first default socket that exists, else the first."""
    if endpoint:
        return endpoint
    if sys.platform == "win32":
        return DEFAULT_PIPE
    found = [path for path in DEFAULT_SOCKETS if Path(path).exists()]
    return f"unix://{found[0] if found else DEFAULT_SOCKETS[0]}"


def host_of(endpoint: str) -> str:
    """Return the host in an endpoint; "" for sockets and pipes, which are local."""
    if endpoint.startswith(("unix:", "npipe:")):
        return ""
    return urlsplit(endpoint).hostname or ""


def socket_in(endpoint: str) -> str:
    """Return the path of the socket in an endpoint; "" if it names no socket."""
    # `unix://run/x` means `/run/x`, as in the SDK.
    return "/" + endpoint.removeprefix("unix:").lstrip("/") if endpoint.startswith("unix:") else ""


def group_of(path: str) -> str:
    """Return the group of a file: a number if it has no name here, as in a container."""
    try:
        return Path(path).group()
    except KeyError:
        return str(os.stat(path).st_gid)
    except OSError:
        return "docker"


def is_mounted(path: str) -> bool:
    """Whether something is mounted at exactly this path: a container's view of a single file."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return False
    resolved = str(Path(path).resolve())
    # The kernel writes blanks and the like as octal numbers.
    points = (line.split()[4] for line in mounts)
    return resolved in (_OCTAL.sub(lambda found: chr(int(found[1], 8)), one) for one in points)


@attrs.frozen
class TLS:
    """The files for a TLS connection; `client` holds certificate and key, if any."""

    verify: bool
    ca: str = ""
    client: tuple[str, str] | None = None

    def files(self) -> TlsFiles:
        """Return the files as connections use them. Raises ConfigError if one cannot be used."""
        cert, key = self.client or ("", "")
        try:
            return TlsFiles(
                ca_file=Path(self.ca) if self.ca else None,
                client_cert=Path(cert) if cert else None,
                client_key=Path(key) if key else None,
                verify=self.verify,
            )
        except ConfigError as error:
            # By the names of the options here.
            text = str(error).replace("client_", "").replace("ca_file", "ca")
            raise ConfigError(text) from error


def tls_of(options: DockerOptions, endpoint: str) -> TLS | None:
    """Return the TLS settings that Docker's own tools would use; `None` for no TLS.

    Raises `ValueError` if a file is missing, or a certificate has no key.
    """
    explicit = options.ca or options.cert or options.key
    wanted = options.tls_verify or options.cert_path or explicit or endpoint.startswith("https:")
    if not wanted or endpoint.startswith("ssh:") or not host_of(endpoint):
        return None
    folder = options.cert_path
    if folder is None and options.tls_verify and not explicit:
        folder = docker_folder()
    ca = str(options.ca or _in_folder(folder, "ca.pem"))
    cert = str(options.cert or _in_folder(folder, "cert.pem"))
    key = str(options.key or _in_folder(folder, "key.pem"))
    for path in filter(None, (ca, cert, key)):
        if not Path(path).is_file():
            raise ValueError(f"no such file: {path}")
    if bool(cert) != bool(key):
        raise ValueError("client certificate and key must be given together")
    # Docker's tools check the engine's certificate only on request. An authority, in the folder
    # too, or https:// without any files, is a request as well.
    verify = options.tls_verify or bool(ca) or not (options.cert_path or explicit)
    return TLS(verify=verify, ca=ca, client=(cert, key) if cert else None)


def docker_folder() -> Path:
    """Return the configuration folder of Docker's tools; `ValueError` without a home directory."""
    try:
        return Path("~/.docker").expanduser()
    except RuntimeError:
        text = "cannot find ~/.docker: there is no home directory here ($HOME); set DOCKER_CONFIG"
        raise ValueError(f"{text} or DOCKER_CERT_PATH") from None


def _in_folder(folder: Path | None, name: str) -> str:
    """Return the path of a file; "" if it is missing: not every set-up has all three."""
    return str(folder / name) if folder is not None and (folder / name).is_file() else ""
