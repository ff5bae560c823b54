"""Describe options and settings, for `syncer plugins` and the documentation."""

from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs

from syncer.api.options import Secret
from syncer.config.convert import bare_type
from syncer.config.fill import options_of
from syncer.config.settings import Config, ParserSettings, PluginSettings, SinkConfig, SourceConfig
from syncer.config.toml_text import toml_value
from syncer.config.web_rules import WebRules
from syncer.desired.addresses import AddressRules
from syncer.engine.probes.rules import ProbeRules
from syncer.plan.guard import GuardRules

_TYPE_TEXTS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "duration",
    Path: "path",
    Secret: "secret",
}


@attrs.frozen
class OptionInfo:
    """One option, described in texts. An empty default means that it is unset."""

    name: str
    type: str
    default: str
    env: tuple[str, ...]
    help: str


def describe_options(options_class: type) -> list[OptionInfo]:
    """Describe every option of a class, in the order of its fields."""
    return [
        OptionInfo(
            name=name,
            type=_type_text(option.wanted),
            default="required" if option.required else _default_text(option.attribute.default),
            env=option.env,
            help=option.attribute.metadata.get("help", ""),
        )
        for name, option in options_of(options_class).items()
    ]


def _type_text(wanted: Any) -> str:
    bare = bare_type(wanted)
    if isinstance(bare, type) and issubclass(bare, Enum):
        return " | ".join(str(member.value) for member in bare)
    if get_origin(bare) is tuple:
        return f"list of {_type_text(get_args(bare)[0])}"
    if get_origin(bare) is dict:
        return f"table of {_type_text(get_args(bare)[1])}"
    return _TYPE_TEXTS.get(bare, str(getattr(bare, "__name__", bare)))


def _default_text(value: Any) -> str:
    """Return the default as it would be written in a file."""
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type]  # a class, typed as a function
        value = None if value.takes_self else value.factory()
    if value is None:
        return ""
    return '"***"' if isinstance(value, Secret) and value else toml_value(value)


def describe_settings() -> dict[str, list[OptionInfo]]:
    """Describe our own settings by table; "" is the top of the file, NAME a configured name."""
    tables = {
        "": Config,
        "guard": GuardRules,
        "probes": ProbeRules,
        "web": WebRules,
        "plugins": PluginSettings,
        "parsers": ParserSettings,
        "sources.NAME": SourceConfig,
        "sources.NAME.addresses": AddressRules,
        "sinks.NAME": SinkConfig,
    }
    return {name: describe_options(table) for name, table in tables.items()}
