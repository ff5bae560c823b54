"""The settings of one port, converted."""

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

import attrs

from syncer import Check, Offer
from syncer.kits.labels import LONGEST_TEXT, Problems, Settings, unfit
from syncer.kits.labels.values import address, limited, name, split_list, whole
from syncer_registrator.labels.checks import CHECK, read_checks
from syncer_registrator.labels.convert import switch, truth
from syncer_registrator.labels.keys import Setting
from syncer_registrator.labels.naming import NAME, TAG, Limits, usable
from syncer_registrator.labels.precedence import PortKeys

K = TypeVar("K")
V = TypeVar("V")

#: Keys of metadata of one service.
MOST_META = 1000
#: Of how many ports with different keys all mistakes are reported.
READ_AT_ONCE = 100


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
    tags: Callable[[], tuple[str, ...]]
    fields: Callable[[], Mapping[str, Any]]


class _Once(dict[K, V]):
    """The answers of `make` by key, made once.

    For the few keys of one workload, making a `functools.cache` takes longer than it saves.
    """

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        found = self[key] = self._make(key)
        return found


class _Shared:
    """Reads what many ports may share: each list, and each group of keys, once."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self.names = _Once(partial(self._texts, NAME))
        self.tags = _Once(partial(self._texts, TAG))
        self.checks, self.meta = _Once(self._checks), _Once(self._meta)
        self.fields = _Once(self._fields)

    def _texts(self, limits: Limits, setting: Setting | None) -> tuple[str, ...]:
        """Return the names or tags that a setting lists. Spaces around names do not matter."""
        if setting is None or not setting.value.strip():
            return ()
        show, parts = not setting.from_env, split_list(setting.value)
        if limits is NAME:
            parts = tuple(dict.fromkeys(part.strip() for part in parts))
        elif any(part != part.strip() for part in parts):
            self._problems.add(setting.origin, "blanks around a tag are kept, as a part of it")
        return usable(parts, limits, setting.origin, self._problems, show=show)

    def _fields(self, keys: PortKeys) -> Mapping[str, Any]:
        settings = Settings("", keys.settings, self._problems)
        return {
            "register_address": settings.get("address", address) or "",
            "internal": settings.get("internal", truth),
            "network": settings.get("network", name) or "",
            "meta": self.meta[tuple(keys.metadata.values())],
            "checks": self.checks[
                tuple(one for key, one in keys.settings.items() if key.startswith(CHECK))
            ],
            "weight": settings.get("weight", limited(Offer, "weight", whole)),
            "warning_weight": settings.get(
                "weight_warning", limited(Offer, "warning_weight", whole)
            ),
            "tag_override": bool(settings.get("enable_tag_override", truth)),
            "mirror_health": switch(settings, "check_container") is not False,
        }

    def _checks(self, settings: tuple[Setting, ...]) -> tuple[Check, ...]:
        by_key = {setting.key: setting for setting in settings}
        return read_checks(Settings("", by_key, self._problems))

    def _meta(self, settings: tuple[Setting, ...]) -> Mapping[str, str]:
        meta, problems = {}, self._problems
        for place, setting in enumerate(sorted(settings, key=lambda setting: setting.key)):
            if place >= MOST_META:
                problems.add(setting.origin, f"not read: one of over {MOST_META} keys of metadata")
            elif reason := unfit(setting.value, LONGEST_TEXT):
                problems.add(setting.origin, f"its value {reason}")
            else:
                meta[setting.key] = setting.value
        return MappingProxyType(meta)


def port_reader(problems: Problems) -> Callable[[PortKeys], PortSettings]:
    """Return what converts the settings of a port, and reports those that are wrong.

    Ports with the same keys share one answer. Of the others only the first report mistakes in
    their tags and fields, which are read later: of thousands of ports only some are registered.
    """
    shared = _Shared(problems)
    count = itertools.count()

    def read(keys: PortKeys) -> PortSettings:
        settings = _read_port_settings(keys, shared, problems)
        if next(count) < READ_AT_ONCE:
            settings.tags(), settings.fields()
        return settings

    return _Once(read).__getitem__


def _read_port_settings(keys: PortKeys, shared: _Shared, problems: Problems) -> PortSettings:
    settings = Settings("", keys.settings, problems)
    names = shared.names[keys.settings.get("name")]
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
        tags=lambda: shared.tags[keys.settings.get("tags")],
        fields=lambda: shared.fields[keys],
    )


def _ignored_by(settings: Settings, register: bool | None) -> str:
    for key, ignored in (("ignore", switch(settings, "ignore")), ("register", register is False)):
        setting = settings.given(key)
        if ignored and setting:
            return setting.origin
    return ""
