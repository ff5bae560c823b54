"""registrator's command line, translated to syncer's settings. Pure, except for the host's name."""

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from syncer import ConfigError, Invocation, __version__, shown_address
from syncer_registrator.command_line.flags import ALL, UNSUPPORTED
from syncer_registrator.command_line.registries import Registry, registry_of
from syncer_registrator.go.flags import FlagError, ParsedFlags, describe_flags, parse_flags

#: The exit code of Go's flags and of registrator.
USAGE_ERROR = 2
#: Registries whose consumers see no health in registrator's form of entries.
_WITHOUT_HEALTH = ("consulkv", "etcd", "zookeeper")
#: The shortest TTL of the etcd sink, in seconds.
_SHORTEST_TTL = 5
#: The flags that settings come from.
_ORIGINS = {
    "interval": "-resync",
    "sources.docker.addresses.advertise": "-ip",
    "sources.docker.addresses.label": "-useIpFromLabel",
    "sources.docker.addresses.networks": "-useIpFromNetworkName",
    "parsers.registrator.tags": "-tags",
    "parsers.registrator.tags_template": "-tags",
    "sinks.etcd.ttl": "-ttl",
}
_RANDOM = re.compile("[0-9a-f]{12}")

Table = dict[str, Any]


def read(arguments: Sequence[str], environ: Mapping[str, str]) -> Invocation:
    """Translate registrator's arguments. Raises `ConfigError` for unsupported ones."""
    try:
        parsed = parse_flags(ALL, arguments)
        if parsed.values["version"]:
            return Invocation(text=f"syncer {__version__}, in place of registrator")
        uri = _only_argument(parsed.rest)
    except FlagError as error:
        text = f"{error}\n{usage()}".lstrip()
        return Invocation(text=text, exit_code=0 if error.asked else USAGE_ERROR)
    _refuse_unsupported(parsed)
    registry = registry_of(uri)
    return Invocation(
        sources=("docker",),
        sinks=(registry.sink,),
        settings=_settings(parsed, registry, environ, socket.gethostname()),
        origins=_ORIGINS,
        only_print=bool(parsed.values["print-config"]),
        warnings=tuple(_warnings(parsed, registry)),
    )


def usage() -> str:
    """Return the text of `-help`."""
    first = "Usage of registrator:\n  registrator [options] <registry URI>\n"
    return f"{first}\n{describe_flags(ALL)}"


def _only_argument(rest: Sequence[str]) -> str:
    if not rest:
        raise FlagError("Missing required argument for registry URI.\n")
    if len(rest) > 1:
        more = " ".join(map(shown_address, rest[1:]))
        raise FlagError(
            f"Extra unparsed arguments:\n  {more}\n"
            "Options should come before the registry URI argument.\n"
        )
    return rest[0]


def _refuse_unsupported(parsed: ParsedFlags) -> None:
    """Raise `ConfigError` for unsupported flags, and for those that registrator refuses."""
    values = parsed.values
    for name, instead in UNSUPPORTED.items():
        if values[name]:
            raise ConfigError(f"-{name} is not supported: {instead}")
    if values["deregister"] == "on-success":
        raise ConfigError(
            "-deregister on-success is not supported: entries of stopped containers are always"
            " removed, whatever the exit code; leave the flag out"
        )
    if values["deregister"] != "always":
        raise ConfigError('-deregister must be "always"')
    ttl, refresh = int(values["ttl"]), int(values["ttl-refresh"])
    if (ttl > 0) != (refresh > 0):
        raise ConfigError("-ttl and -ttl-refresh must be specified together or not at all")
    if ttl and ttl <= refresh:
        raise ConfigError("-ttl must be greater than -ttl-refresh")
    if int(values["retry-interval"]) <= 0:
        raise ConfigError("-retry-interval must be greater than 0")


def _settings(
    parsed: ParsedFlags, registry: Registry, environ: Mapping[str, str], hostname: str
) -> Table:
    values = parsed.values
    settings: Table = {
        "sources": {"docker": _source(parsed, environ, hostname)},
        "sinks": {registry.kind: _sink(parsed, registry, environ, hostname)},
        "parsers": {"order": ["registrator"], "registrator": _parser(parsed)},
    }
    if int(values["resync"]) > 0:
        settings = {"interval": f"{values['resync']}s", **settings}
    return settings


def _source(parsed: ParsedFlags, environ: Mapping[str, str], hostname: str) -> Table:
    values = parsed.values
    network = values["useIpFromNetworkName"]
    internal = bool(values["internal"] or network)
    addresses: Table = {"internal": True} if internal else {}
    if values["ip"] and not internal:  # as in registrator, -internal takes precedence
        addresses["advertise"] = values["ip"]
    if values["useIpFromLabel"]:
        addresses["label"] = values["useIpFromLabel"]
    if network:
        addresses["networks"] = [network]
    found: Table = {"healthcheck": "ignore", "one_offs": True, "ids": "any"}
    if not environ.get("SYNCER_HOST") and not _RANDOM.fullmatch(hostname):
        found["scope"] = hostname
    if values["require-label"]:
        found["include"] = ["label:SERVICE_REGISTER"]
    return found | ({"addresses": addresses} if addresses else {})


def _sink(
    parsed: ParsedFlags, registry: Registry, environ: Mapping[str, str], hostname: str
) -> Table:
    values = parsed.values
    hosts = ["own"]
    if _RANDOM.fullmatch(hostname):
        # registrator's ids had the name of its own container, which is gone.
        hosts += [] if values["internal"] else ["same"]
    elif environ.get("SYNCER_HOST", hostname) != hostname:
        hosts.append(hostname)
    hosts += [name for name in str(values["adopt"]).split(",") if name and name not in hosts]
    found: Table = {"adopt": hosts}
    if values["cleanup"]:
        found["adopt_gone"] = True
    if values["deregister-on-stop"]:
        found["withhold"] = ["draining"]
    if registry.kind in _WITHOUT_HEALTH and "unhealthy" not in parse_qs(
        urlsplit(registry.sink).query
    ):
        found["unhealthy"] = "keep"  # registrator knows of no health there
    if values["ttl"] and registry.kind == "etcd":
        found["ttl"] = f"{max(int(values['ttl']), _SHORTEST_TTL)}s"
    return found


def _parser(parsed: ParsedFlags) -> Table:
    tags = str(parsed.values["tags"])
    found: Table = {"dotted_prefix": ""}
    if parsed.values["explicit"]:
        found["explicit"] = True
    if "{" in tags or "}" in tags:
        found["tags_template"] = tags
    elif tags:
        found["tags"] = tags
    return found


def _warnings(parsed: ParsedFlags, registry: Registry) -> Iterator[str]:
    """Yield warnings about flags without effect."""
    values = parsed.values
    if values["ttl"] and registry.kind != "etcd":
        yield f"-ttl has no effect with {registry.kind}, as in registrator"
    elif 0 < int(values["ttl"]) < _SHORTEST_TTL:
        yield f"-ttl {values['ttl']} is too short: using {_SHORTEST_TTL} s"
    if values["ip"] and values["internal"]:
        yield "-ip has no effect with -internal, as in registrator"
