"""What the settings for one port ask for, all read and checked."""

from collections.abc import Mapping
from typing import Any

import attrs

from syncer import Offer
from syncer_registrator.labels.addresses import address
from syncer_registrator.labels.checks import mirrors_health, read_checks
from syncer_registrator.labels.convert import LONGEST_NAME, LONGEST_TEXT, Reader
from syncer_registrator.labels.keys import Setting
from syncer_registrator.labels.naming import given_names
from syncer_registrator.labels.precedence import Layer
from syncer_registrator.labels.problems import Problems, unfit
from syncer_registrator.labels.tags import split_list, usable_tags

#: Attributes of one service; registries take far fewer.
MOST_ATTRIBUTES = 1000


@attrs.frozen(kw_only=True, eq=False)
class Wish:
    """What is asked for a port, whichever port it is.

    `refused` says in words for people why it is not to be registered; `fields` are those of
    its offers that need nothing more.
    """

    name: Setting | None
    names: tuple[str, ...]
    id: str
    id_setting: Setting | None
    refused: str
    chosen: bool
    internal: bool | None
    register_port: int | None
    port_setting: Setting | None
    tags: tuple[str, ...]
    fields: Mapping[str, Any]


def read_wish(layer: Layer, problems: Problems) -> Wish:
    """Read what a layer asks for; everything that cannot be had is reported."""
    reader = Reader(layer.known, problems)
    name = layer.known.get("name")
    names = given_names(name, problems)
    register = reader.flag("register")
    return Wish(
        name=name,
        names=names,
        id=reader.text("id", longest=LONGEST_NAME).strip(),
        id_setting=reader.given("id"),
        refused=_refused(reader, register),
        chosen=bool(names) or register is True,
        internal=reader.flag("internal"),
        register_port=reader.number(Offer, "register_port", "port"),
        port_setting=reader.given("port"),
        tags=_tags(reader),
        fields=_fields(reader, layer, problems),
    )


def _refused(reader: Reader, register: bool | None) -> str:
    for key, refused in (("ignore", reader.switch("ignore")), ("register", register is False)):
        setting = reader.given(key)
        if refused and setting:
            return setting.origin
    return ""


def _tags(reader: Reader) -> tuple[str, ...]:
    setting = reader.given("tags")
    if setting is None:
        return ()
    tags = split_list(setting.value)
    return usable_tags(tags, setting.origin, reader.problems, show=not setting.from_env)


def _fields(reader: Reader, layer: Layer, problems: Problems) -> dict[str, Any]:
    return {
        "register_address": reader.value(address, "address") or "",
        "internal": reader.flag("internal"),
        "network": reader.text("network", longest=LONGEST_NAME).strip(),
        "meta": _meta(layer, problems),
        "checks": read_checks(reader),
        "weight": reader.number(Offer, "weight", "weight"),
        "warning_weight": reader.number(Offer, "warning_weight", "weight_warning"),
        "tag_override": bool(reader.flag("enable_tag_override")),
        "mirror_health": mirrors_health(reader),
    }


def _meta(layer: Layer, problems: Problems) -> dict[str, str]:
    meta = {}
    names = sorted(layer.attributes)
    for name in names[MOST_ATTRIBUTES:]:
        reason = f"more than {MOST_ATTRIBUTES} attributes are not kept"
        problems.add(layer.attributes[name].origin, reason)
    for name in names[:MOST_ATTRIBUTES]:
        setting = layer.attributes[name]
        reason = unfit(setting.value, LONGEST_TEXT)
        if reason:
            problems.add(setting.origin, f"its value {reason}")
        else:
            meta[name] = setting.value
    return meta
