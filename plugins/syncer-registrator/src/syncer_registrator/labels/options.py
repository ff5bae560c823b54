"""What an operator can set for this dialect."""

from enum import Enum
from typing import Any

import attrs

from syncer import option
from syncer_registrator.go.template import go_template
from syncer_registrator.labels.tags import split_list
from syncer_registrator.labels.template import compiled

DEFAULT_PREFIX = "SERVICE_"
DOTTED_FOR_DEFAULT_PREFIX = "service."


class Suffix(str, Enum):
    """When `-<port>` is added to a name that was not given for this very port."""

    #: Where more than one port of the workload can be registered, as registrator does.
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def _with_separator(prefix: str) -> str:
    """`SVC` means `SVC_`."""
    return f"{prefix}_" if prefix and prefix[-1].isalnum() else prefix


def _with_dot(prefix: str | None) -> str | None:
    """`svc` means `svc.`."""
    return f"{prefix}." if prefix and prefix[-1].isalnum() else prefix


def _some_prefix(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not value:
        raise ValueError(f"{attribute.name} must not be empty: every label would be read")


def _one_template(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not value:
        raise ValueError(f"{attribute.name} must not be empty")
    compiled(value)


def _templates(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    for text in split_list(value):
        compiled(text)


def _go_template(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    go_template(value)


@attrs.frozen(kw_only=True)
class RegistratorOptions:
    """How `SERVICE_*` labels and environment are read."""

    prefix: str = option(
        DEFAULT_PREFIX,
        help="What keys begin with, in labels and environment",
        converter=_with_separator,
        validator=_some_prefix,
    )
    dotted_prefix: str | None = option(
        None,
        help="What lower-case labels begin with (service.name); empty: none are read;"
        " not given: `service.`, and none with another prefix than SERVICE_",
        converter=_with_dot,
    )
    explicit: bool = option(
        False, help="Register only what has a name of its own, or SERVICE_REGISTER=true"
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
        help="More tags for every service: a Go template that makes a comma list, as"
        " registrator's -tags takes it",
        validator=_go_template,
    )
    meta_from_env: bool = option(
        False, help="Publish environment variables of unknown keys as metadata, as registrator does"
    )

    @property
    def dotted(self) -> str:
        """What dotted labels begin with; empty if none are read."""
        if self.dotted_prefix is not None:
            return self.dotted_prefix
        return DOTTED_FOR_DEFAULT_PREFIX if self.prefix == DEFAULT_PREFIX else ""
