"""The settings of one port, converted."""

from collections.abc import Mapping
from typing import Any

import attrs

from syncer import Offer
from syncer.kits.labels import LONGEST_TEXT, Problems, Settings, unfit
from syncer.kits.labels.values import address, limited, name, split_list, whole
from syncer_registrator.labels.checks import read_checks
from syncer_registrator.labels.convert import switch, truth
from syncer_registrator.labels.keys import Setting
from syncer_registrator.labels.naming import NAME, TAG, Limits, usable
from syncer_registrator.labels.precedence import PortKeys

#: Metadata of one service.
MOST_META = 1000


@attrs.frozen(kw_only=True, eq=False)
class PortSettings:
    """The settings of a port, whichever port it is.

    `ignored_by` names the setting that forbids to register it. `fields` are those of its offers
    that depend on nothing else.
    """

    name: Setting | None
    names: tuple[str, ...]
    id: str
    id_setting: Setting | None
    ignored_by: str
    chosen: bool
    asked: bool
    internal: bool | None
    register_port: int | None
    port_setting: Setting | None
    tags: tuple[str, ...]
    fields: Mapping[str, Any]


def read_port_settings(keys: PortKeys, problems: Problems) -> PortSettings:
    """Convert the settings of a port, and report those that are wrong."""
    settings = Settings("", keys.settings, problems)
    names = _texts(settings, "name", NAME)
    register = settings.get("register", truth)
    return PortSettings(
        name=keys.settings.get("name"),
        names=names,
        id=settings.get("id", name) or "",
        id_setting=keys.settings.get("id"),
        ignored_by=_ignored_by(settings, register),
        chosen=bool(names) or register is True,
        asked=register is True,
        internal=settings.get("internal", truth),
        register_port=settings.get("port", limited(Offer, "register_port", whole)),
        port_setting=keys.settings["port"] if settings.given("port") else None,
        tags=_texts(settings, "tags", TAG),
        fields=_fields(settings, keys.metadata),
    )


def _ignored_by(settings: Settings, register: bool | None) -> str:
    for key, ignored in (("ignore", switch(settings, "ignore")), ("register", register is False)):
        setting = settings.given(key)
        if ignored and setting:
            return setting.origin
    return ""


def _texts(settings: Settings, key: str, limits: Limits) -> tuple[str, ...]:
    """Return the names or tags that a setting lists. Spaces around names do not matter."""
    setting = settings.given(key)
    if setting is None:
        return ()
    show, parts = not setting.from_env, split_list(setting.value)
    if limits is NAME:
        parts = tuple(dict.fromkeys(part.strip() for part in parts))
    return usable(parts, limits, setting.origin, settings.problems, show=show)


def _fields(settings: Settings, metadata: Mapping[str, Setting]) -> dict[str, Any]:
    return {
        "register_address": settings.get("address", address) or "",
        "internal": settings.get("internal", truth),
        "network": settings.get("network", name) or "",
        "meta": _meta(metadata, settings.problems),
        "checks": read_checks(settings),
        "weight": settings.get("weight", limited(Offer, "weight", whole)),
        "warning_weight": settings.get("weight_warning", limited(Offer, "warning_weight", whole)),
        "tag_override": bool(settings.get("enable_tag_override", truth)),
        "mirror_health": switch(settings, "check_container") is not False,
    }


def _meta(metadata: Mapping[str, Setting], problems: Problems) -> dict[str, str]:
    meta = {}
    for place, key in enumerate(sorted(metadata)):
        setting = metadata[key]
        if place >= MOST_META:
            problems.add(setting.origin, f"not read: one of over {MOST_META} keys of metadata")
        elif reason := unfit(setting.value, LONGEST_TEXT):
            problems.add(setting.origin, f"its value {reason}")
        else:
            meta[key] = setting.value
    return meta
