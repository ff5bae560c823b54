"""Where the engine is: the default sockets, what is local, and the client's settings for it."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from syncer_docker.options import DockerOptions

#: In this order. The second is where registrator's images have the socket. Podman's are not
#: among them: an engine that is not up yet must not be mistaken for another that runs nothing.
DEFAULT_SOCKETS = ("/var/run/docker.sock", "/tmp/docker.sock")  # noqa: S108
DEFAULT_PIPE = "npipe:////./pipe/docker_engine"


def find_endpoint(endpoint: str) -> str:
    """The endpoint as configured, else the first default socket that exists, else the first."""
    if endpoint:
        return endpoint
    if sys.platform == "win32":
        return DEFAULT_PIPE
    found = [path for path in DEFAULT_SOCKETS if Path(path).exists()]
    return f"unix://{found[0] if found else DEFAULT_SOCKETS[0]}"


def host_of(endpoint: str) -> str:
    """The host in an endpoint; "" for sockets and pipes, which are on this machine."""
    if endpoint.startswith(("unix:", "npipe:")):
        return ""
    return urlsplit(endpoint).hostname or ""


@attrs.frozen
class TLS:
    """The files of a TLS connection; `client` is certificate and key, if there are any."""

    verify: bool
    ca: str = ""
    client: tuple[str, str] | None = None


def tls_of(options: DockerOptions, endpoint: str) -> TLS | None:
    """How to speak TLS to a remote endpoint, as Docker's own tools decide it; None: not at all.

    Raises ValueError if a file is missing, or a certificate is without its key.
    """
    explicit = options.ca or options.cert or options.key
    wanted = options.tls_verify or options.cert_path or explicit or endpoint.startswith("https:")
    if not wanted or endpoint.startswith("ssh:") or not host_of(endpoint):
        return None
    folder = options.cert_path
    if folder is None and options.tls_verify and not explicit:
        folder = dockers_folder()
    ca, cert, key = (
        str(given or _in_folder(folder, name))
        for given, name in (
            (options.ca, "ca.pem"),
            (options.cert, "cert.pem"),
            (options.key, "key.pem"),
        )
    )
    for path in filter(None, (ca, cert, key)):
        if not Path(path).is_file():
            raise ValueError(f"no such file: {path}")
    if bool(cert) != bool(key):
        raise ValueError("a client certificate needs its key, and a key its certificate")
    # Docker's tools check the engine's certificate only if told to. Naming an authority, or
    # nothing at all but https://, says so too.
    verify = options.tls_verify or options.ca is not None or not (options.cert_path or explicit)
    return TLS(verify=verify, ca=ca, client=(cert, key) if cert else None)


def dockers_folder() -> Path:
    """Where Docker's tools keep what is theirs; ValueError where there is no home."""
    try:
        return Path("~/.docker").expanduser()
    except RuntimeError:
        text = "~/.docker is nowhere: there is no home directory here ($HOME); name the folder"
        raise ValueError(f"{text}, by DOCKER_CONFIG or DOCKER_CERT_PATH") from None


def _in_folder(folder: Path | None, name: str) -> str:
    """The file in the folder, or "" if it is not there: not every set-up has all three."""
    return str(folder / name) if folder is not None and (folder / name).is_file() else ""
