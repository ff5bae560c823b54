"""Flags that say one thing for every source or every sink, over whatever the file says."""

from collections.abc import Mapping
from typing import Any

import attrs

from syncer.api.errors import ConfigError
from syncer.config.settings import Config

#: Flag -> the field of each source's address rules, of each source, of each sink.
_ADDRESSES = ("internal", "advertise")
_SOURCES = ("include", "exclude")
_SINKS = ("policy",)


def for_all(config: Config, flags: Mapping[str, Any]) -> Config:
    """The configuration with these flags applied. Raises ConfigError naming the flag."""
    rules = _given(flags, _ADDRESSES)
    filters = _given(flags, _SOURCES)
    sinks = _given(flags, _SINKS)
    try:
        return attrs.evolve(
            config,
            sources={
                name: attrs.evolve(part, addresses=attrs.evolve(part.addresses, **rules), **filters)
                for name, part in config.sources.items()
            },
            sinks={name: attrs.evolve(part, **sinks) for name, part in config.sinks.items()},
        )
    except ValueError as error:
        named = ", ".join(f"--{name}" for name in (*rules, *filters, *sinks))
        raise ConfigError(f"{named}: {error}") from error


def _given(flags: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: flags[name] for name in names if flags[name]}
