"""The options of the source `docker`, and the value of `--source docker=...`."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from syncer import option, positive, shown_address

SCHEMES = ("unix", "tcp", "http", "https", "npipe", "ssh")


def check_endpoint(endpoint: str) -> None:
    """Raise `ValueError` if this cannot be the address of an engine."""
    scheme, found, rest = endpoint.partition("://")
    if not found or scheme not in SCHEMES:
        known = ", ".join(f"{known}://" for known in SCHEMES)
        what = shown_address(endpoint)
        raise ValueError(f"not the address of a Docker engine: {what!r} (use {known})")
    if scheme not in ("unix", "ssh", "npipe") and "@" in rest:
        raise ValueError(f"user and password are not possible in {shown_address(endpoint)!r}")
    if not rest.strip("/"):
        raise ValueError(f"not the address of a Docker engine: nothing follows {scheme}://")


def _valid(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if value:
        check_endpoint(value)


@attrs.frozen(kw_only=True)
class DockerOptions:
    """Options of the source `docker`."""

    endpoint: str = option(
        "",
        help="Engine to read: unix://, tcp://, ssh:// or npipe:// (default: the local socket)",
        env=("DOCKER_HOST",),
        validator=_valid,
    )
    context: str = option("", help="Docker context with the engine's address and certificates")
    default_context: str = option(
        "",
        help="Docker context that is used if neither endpoint nor context is set",
        env=("DOCKER_CONTEXT",),
    )
    config_dir: Path | None = option(
        None, help="Folder with Docker contexts (default: ~/.docker)", env=("DOCKER_CONFIG",)
    )
    scope: str = option(
        "",
        help="Name of this host in ids and marks (default: the engine's name)",
        env=("SYNCER_HOST",),
    )
    tls_verify: bool = option(
        False, help="Use TLS and verify the engine's certificate", env=("DOCKER_TLS_VERIFY",)
    )
    cert_path: Path | None = option(
        None,
        help="Folder with ca.pem, cert.pem and key.pem",
        env=("DOCKER_CERT_PATH",),
        watched=True,
    )
    ca: Path | None = option(None, help="File with the CA certificate of the engine", watched=True)
    cert: Path | None = option(None, help="File with the client certificate", watched=True)
    key: Path | None = option(
        None, help="File with the key of the client certificate", secret=True, watched=True
    )
    timeout: timedelta = option(
        timedelta(seconds=10), help="Timeout of each request", validator=positive
    )

    def warnings(self) -> Iterator[str]:
        """Yield what a person should change: certificates that are used, but not checked."""
        from syncer_docker.client.endpoint import find_endpoint, tls_of

        with suppress(ValueError):  # told when the source is made
            tls = tls_of(self, find_endpoint(self.endpoint))
            if tls and not tls.verify:
                yield (
                    "the engine's certificate is not checked: name its authority by ca, or set"
                    " tls_verify"
                )


def from_uri(value: str) -> Mapping[str, Any]:
    """Return the options for `--source docker=VALUE`: an address, or the path of a socket."""
    endpoint = f"unix://{value}" if value.startswith("/") else value
    check_endpoint(endpoint)
    return {"endpoint": endpoint}
