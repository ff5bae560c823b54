"""The options of this dialect."""

from enum import Enum
from typing import Any

import attrs

from syncer import option
from syncer.kits.labels.values import split_list
from syncer_registrator.go.template import parse_go_template
from syncer_registrator.labels.template import parse_template

DEFAULT_PREFIX = "SERVICE_"
DOTTED_FOR_DEFAULT_PREFIX = "service."


class Suffix(str, Enum):
    """When `-<port>` is added to a name that was not given for this port."""

    #: If more than one port of the workload can be registered, as in registrator.
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def _with_separator(prefix: str) -> str:
    """Complete `SVC` to `SVC_`."""
    return f"{prefix}_" if prefix and prefix[-1].isalnum() else prefix


def _with_dot(prefix: str | None) -> str | None:
    """Complete `svc` to `svc.`."""
    return f"{prefix}." if prefix and prefix[-1].isalnum() else prefix


def _not_empty(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not value:
        raise ValueError(f"{attribute.name} must not be empty: every label would be read")


def _one_template(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not value:
        raise ValueError(f"{attribute.name} must not be empty")
    parse_template(value)


def _templates(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    for text in split_list(value):
        parse_template(text)


@attrs.frozen(kw_only=True)
class RegistratorOptions:
    """The options of the label parser `registrator`."""

    prefix: str = option(
        DEFAULT_PREFIX,
        help="Prefix of the keys, in labels and environment",
        converter=_with_separator,
        validator=_not_empty,
    )
    dotted_prefix: str | None = option(
        None,
        help="Prefix of lower-case labels (service.name); empty: none are read;"
        " not given: `service.`, or none if prefix is not SERVICE_",
        converter=_with_dot,
    )
    explicit: bool = option(
        False, help="Register only services with SERVICE_NAME or SERVICE_REGISTER=true"
    )
    suffix: Suffix = option(
        Suffix.AUTO,
        help="When -<port> is added to a name: auto (several ports), always, never",
        converter=Suffix,
    )
    default_name: str = option(
        "{image}",
        help="Name of services without SERVICE_NAME: text with {image} {container} {hostname}"
        " {compose_service} {compose_project} {port} {protocol} {label:NAME}; {a|b}: a, else b",
        validator=_one_template,
    )
    tags: str = option(
        "",
        help="Tags for every service: a comma list with the placeholders of default_name",
        validator=_templates,
    )
    tags_template: str = option(
        "",
        help="More tags for every service: a Go template of a comma list, as in"
        " registrator's -tags",
        validator=lambda instance, attribute, text: parse_go_template(text),
    )
    added_from_env: bool = option(
        False,
        help="Read keys that registrator does not have (SERVICE_IP, SERVICE_NETWORK, ...) from"
        " variables too, not only from labels",
    )
    meta_from_env: bool = option(
        False, help="Publish variables with unknown keys as metadata too, as registrator does"
    )

    @property
    def dotted(self) -> str:
        """The prefix of dotted labels; empty if none are read."""
        if self.dotted_prefix is not None:
            return self.dotted_prefix
        return DOTTED_FOR_DEFAULT_PREFIX if self.prefix == DEFAULT_PREFIX else ""
