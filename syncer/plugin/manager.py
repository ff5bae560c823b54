"""Look up the kinds that plugins offer, by name.

A broken plugin, or a kind that two plugins offer, is an error only if that kind is looked up. Two
plugins of one name always are, since it is unknown then what they would offer. Nothing is imported
before the first look-up.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import TypeVar

import attrs

from syncer.api.errors import ConfigError, PluginError
from syncer.api.fields import EMPTY, frozen_map
from syncer.api.kinds import CheckTranslator, CommandLine, LabelParser, SinkType, SourceType
from syncer.api.text import did_you_mean
from syncer.config.convert import separated
from syncer.events import AnyEvent, Warned
from syncer.plugin.loader import ROLES, AnyKind, Plugin, installed, key_of, load_plugins

K = TypeVar("K", SourceType, SinkType, LabelParser, CheckTranslator, CommandLine)
U = TypeVar("U", SourceType, SinkType)

#: Kinds of syncer's own plugins, by role: errors suggest to install them.
_FIRST_PARTY: Mapping[type, tuple[str, ...]] = {
    SourceType: ("docker",),
    SinkType: ("consul", "etcd"),
    LabelParser: ("registrator",),
    CommandLine: ("registrator",),
}


@attrs.frozen(kw_only=True)
class PluginInfo:
    """A plugin as `syncer plugins` shows it.

    `state` is `ok`, `failed`, `disabled` or `conflict` (another plugin offers the same kind);
    `error` says why. `kinds` are texts like `sink consul`.
    """

    name: str
    distribution: str
    version: str
    state: str
    error: str
    kinds: tuple[str, ...]


class Plugins:
    """The plugins of this program. Safe to use from several threads.

    `Plugins()` has none but those that the program registers; `discover()` has all installed ones.
    """

    def __init__(
        self, found: Callable[[], Iterable[EntryPoint]] = tuple, disabled: Iterable[str] = ()
    ) -> None:
        self._found = found
        self._disabled = frozenset(disabled)
        self._modules: dict[str, ModuleType] = {}
        self._loaded: tuple[Plugin, ...] | None = None
        self._muted: dict[str, str] = {}
        self._lock = threading.RLock()

    @classmethod
    def discover(
        cls, environ: Mapping[str, str] = EMPTY, disabled: Iterable[str] = ()
    ) -> "Plugins":
        """Return the installed plugins.

        Those whose entry points are named in `disabled`, or by SYNCER_DISABLE_PLUGINS in `environ`,
        are not loaded.
        """
        return cls(installed, (*disabled, *separated(environ.get("SYNCER_DISABLE_PLUGINS", ""))))

    def register(self, module: ModuleType, name: str) -> None:
        """Add a module of this program as a plugin. It is checked when kinds are looked up."""
        with self._lock:
            if name in self._modules:
                raise PluginError(f"a module is already registered under the name {name!r}")
            self._modules[name] = module
            self._loaded = None

    def source(self, name: str) -> SourceType:
        """Return the kind of source of this name.

        Raises ConfigError if no plugin offers it, PluginError if its plugin is broken or two
        plugins offer it. So do the other look-ups.
        """
        return self._named(SourceType, name)

    def sink(self, name: str) -> SinkType:
        """Return the kind of sink of this name."""
        return self._named(SinkType, name)

    def label_parser(self, name: str) -> LabelParser:
        """Return the label parser of this name."""
        return self._named(LabelParser, name)

    def check_translator(self, sink_kind: str) -> CheckTranslator | None:
        """Return the check translator for this kind of sink, if there is one."""
        offers = self._offers(CheckTranslator, sink_kind)
        return self._only(CheckTranslator, sink_kind, offers) if offers else None

    def command_line(self, name: str) -> CommandLine:
        """Return the command line of the program of this name."""
        return self._named(CommandLine, name)

    def source_for(self, uri: str) -> SourceType:
        """Return the kind of source that takes URIs of this scheme."""
        return self._by_scheme(SourceType, uri)

    def sink_for(self, uri: str) -> SinkType:
        """Return the kind of sink that takes URIs of this scheme."""
        return self._by_scheme(SinkType, uri)

    def kinds(self, role: type[K]) -> Mapping[str, K]:
        """Return all usable kinds of a role, e.g. `SinkType`, by name, without conflicts."""
        offers = {name: self._offers(role, name) for name in self._names(role)}
        return frozen_map({name: kinds[0][1] for name, kinds in offers.items() if len(kinds) == 1})

    def label_parser_names(self) -> tuple[str, ...]:
        """Return the names of all label parsers, including conflicts: using one of those fails."""
        return self._names(LabelParser)

    def report(self) -> list[PluginInfo]:
        """Describe every plugin: its state and what it offers. Never raises."""
        return [self._info(plugin) for plugin in self._plugins()]

    def notify(self, event: AnyEvent) -> tuple[Warned, ...]:
        """Pass the event to every plugin that listens.

        A plugin that raises receives no further events. It is named once, by one of the warnings
        returned, which the caller passes on to other listeners.
        """
        warnings = []
        for plugin in self._plugins():
            if plugin.listener is None or plugin.name in self._muted:
                continue
            try:
                plugin.listener(event)
            except Exception as error:  # noqa: BLE001 - a plugin must never stop the engine
                text = f"syncer_event raised {type(error).__name__}: {error}; not called again"
                with self._lock:
                    if self._muted.setdefault(plugin.name, text) is text:
                        warnings.append(Warned(text=f"plugin {plugin}: {text}"))
        return tuple(warnings)

    def _plugins(self) -> tuple[Plugin, ...]:
        with self._lock:
            if self._loaded is None:
                self._loaded = load_plugins(self._found(), self._modules, self._disabled)
            return self._loaded

    def _of(self, role: type[K]) -> list[tuple[Plugin, K]]:
        plugins = self._plugins()
        return [(plug, kind) for plug in plugins for kind in plug.kinds if isinstance(kind, role)]

    def _names(self, role: type[K]) -> tuple[str, ...]:
        return tuple(sorted({key_of(kind) for _, kind in self._of(role)}))

    def _offers(self, role: type[K], name: str) -> list[tuple[Plugin, K]]:
        return [(plugin, kind) for plugin, kind in self._of(role) if key_of(kind) == name]

    def _named(self, role: type[K], name: str) -> K:
        self._refuse_ambiguous()
        offers = self._offers(role, name)
        if not offers:
            raise self._unknown(role, name)
        return self._only(role, name, offers)

    def _by_scheme(self, role: type[U], uri: str) -> U:
        self._refuse_ambiguous()
        scheme = uri.partition("://")[0].lower()
        offers = [(plugin, kind) for plugin, kind in self._of(role) if scheme in kind.schemes]
        if not offers:
            known = sorted({scheme for _, kind in self._of(role) for scheme in kind.schemes})
            raise ConfigError(
                f"no {ROLES[role]} for {scheme}://{did_you_mean(scheme, known)} "
                f"({_known(known)}){_install_hint(role, scheme)}{self._broken()}"
            )
        return self._only(role, f"{scheme}://", offers)

    def _only(self, role: type[K], name: str, offers: list[tuple[Plugin, K]]) -> K:
        (_, kind), *others = offers
        if others:
            rivals = " and ".join(str(plugin) for plugin, _ in offers)
            raise PluginError(
                f"the {ROLES[role]} {name!r} is offered by the plugins {rivals}: "
                "uninstall or disable all but one of them"
            )
        return kind

    def _refuse_ambiguous(self) -> None:
        for plugin in self._plugins():
            if plugin.ambiguous and plugin.failure is not None:
                raise plugin.failure

    def _unknown(self, role: type[K], name: str) -> Exception:
        what = f"no {ROLES[role]} of kind {name!r}"
        for plugin in self._plugins():
            if plugin.name == name and plugin.disabled:
                return ConfigError(f"{what}: the plugin {plugin} is disabled")
            if plugin.name == name and plugin.failure is not None:
                error = PluginError(
                    f"{what}: the plugin {plugin} is broken: {plugin.failure}; "
                    "update it, or uninstall it"
                )
                error.__cause__ = plugin.failure.__cause__ or plugin.failure
                return error
        known = self._names(role)
        hint = did_you_mean(name, known)
        return ConfigError(
            f"{what}{hint} ({_known(known)}){_install_hint(role, name)}{self._broken()}"
        )

    def _broken(self) -> str:
        broken = [str(plugin) for plugin in self._plugins() if plugin.failure is not None]
        return f"; broken plugins: {', '.join(broken)}" if broken else ""

    def _info(self, plugin: Plugin) -> PluginInfo:
        error = str(plugin.failure or self._muted.get(plugin.name, ""))
        state = "failed" if plugin.failure else "disabled" if plugin.disabled else "ok"
        if conflicts := [text for kind in plugin.kinds if (text := self._conflict(plugin, kind))]:
            state, error = "conflict", "; ".join(conflicts)
        return PluginInfo(
            name=plugin.name,
            distribution=plugin.distribution,
            version=plugin.version,
            state=state,
            error=error,
            kinds=tuple(f"{ROLES[type(kind)]} {key_of(kind)}" for kind in plugin.kinds),
        )

    def _conflict(self, plugin: Plugin, kind: AnyKind) -> str:
        rivals = [
            str(other)
            for other in self._plugins()
            if other is not plugin
            and any(type(k) is type(kind) and key_of(k) == key_of(kind) for k in other.kinds)
        ]
        role = ROLES[type(kind)]
        return f"{role} {key_of(kind)!r} is also offered by {', '.join(rivals)}" if rivals else ""


def _known(names: Iterable[str]) -> str:
    return f"known: {', '.join(names) or 'none'}"


def _install_hint(role: type, name: str) -> str:
    """Return how to install syncer's own plugin for this name or scheme, if there is one."""
    for kind in _FIRST_PARTY.get(role, ()):
        if name == kind or name.startswith(f"{kind}-"):
            return f"; pip install syncer-{kind}"
    return ""
