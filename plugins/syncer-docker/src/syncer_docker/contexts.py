"""Docker contexts: the address and certificates of an engine under a name.

Not read by the SDK, which looks for them in the working directory if there is no `config.json`.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import attrs

from syncer import ConfigError, shown_address
from syncer_docker.client.endpoint import docker_folder
from syncer_docker.options import DockerOptions, check_endpoint

Options = TypeVar("Options", bound=DockerOptions)

#: The built-in context: the local engine.
DEFAULT = "default"
_ENGINE = "docker"


def with_context(options: Options) -> Options:
    """Return the options completed from their context; files given as options take precedence.

    Raises `ConfigError` if the context does not exist or cannot be used.
    """
    name = options.context or ("" if options.endpoint else options.default_context)
    if not name:
        return options
    if options.endpoint:
        endpoint = shown_address(options.endpoint)
        raise ConfigError(
            f"context {name!r} and endpoint {endpoint} (or DOCKER_HOST) name two engines:"
            " set only one of them"
        )
    if name == DEFAULT:
        return options
    try:
        folder = (options.config_dir or docker_folder()) / "contexts"
        engine = _engine(folder, name)
        host = str(engine.get("Host") or "")
        check_endpoint(host)
    except ValueError as error:
        raise ConfigError(f"Docker context {name!r}: {error}") from error
    return attrs.evolve(options, endpoint=host, **_tls(folder, name, engine, options))


def current_context(options: DockerOptions) -> str:
    """Return the context that Docker's own tools use here; "" if it is the built-in one.

    syncer does not follow it: a program that runs for months must not change its engine because
    somebody works with another one.
    """
    try:
        path = (options.config_dir or docker_folder()) / "config.json"
        name = str(json.loads(path.read_text()).get("currentContext") or "")
    except (OSError, ValueError, AttributeError):
        return ""
    return "" if name == DEFAULT else name


def _engine(folder: Path, name: str) -> dict[str, Any]:
    """Read the engine of a context."""
    path = folder / "meta" / _hashed(name) / "meta.json"
    try:
        return {**json.loads(path.read_text())["Endpoints"][_ENGINE]}
    except FileNotFoundError:
        known = ", ".join(sorted(_names(folder))) or "none"
        raise ConfigError(f"no Docker context {name!r} in {folder} (known: {known})") from None
    except OSError as error:
        raise ConfigError(f"cannot read Docker context {name!r}: {error}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"Docker context {name!r}: {path} does not describe an engine") from error


def _tls(folder: Path, name: str, engine: dict[str, Any], given: DockerOptions) -> dict[str, Any]:
    """Return the context's certificates, except those replaced by options."""
    files = folder / "tls" / _hashed(name) / _ENGINE
    found: dict[str, Any] = {
        field: path
        for field in ("ca", "cert", "key")
        if getattr(given, field) is None and (path := files / f"{field}.pem").is_file()
    }
    if engine.get("SkipTLSVerify"):
        found.pop("ca", None)  # a configured authority would be used
    elif found:
        found["tls_verify"] = True
    return found


def _names(folder: Path) -> list[str]:
    """Return the names of all readable contexts."""
    names = []
    for path in folder.glob("meta/*/meta.json"):
        try:
            names.append(str(json.loads(path.read_text())["Name"]))
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return names


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
