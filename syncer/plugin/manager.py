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
from syncer.api.text import did_you_mean, shown
from syncer.config.convert import separated
from syncer.config.settings import UriKind
from syncer.events import AnyEvent, Warned
from syncer.plugin.loader import ROLES, AnyKind, Plugin, installed, key_of, load_plugins

K = TypeVar("K", bound=AnyKind)
U = TypeVar("U", bound=UriKind)

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

    def kind(self, role: type[K], name: str) -> K:
        """Return the kind of this role, e.g. `SinkType`, and name.

        Raises ConfigError if no plugin offers it, PluginError if its plugin is broken or two
        plugins offer it. So do the other look-ups.
        """
        self._refuse_ambiguous()
        offers = self._offers(role, name)
        if not offers:
            raise self._unknown(role, name)
        return self._only(role, name, offers)

    def by_scheme(self, role: type[U], uri: str) -> U:
        """Return the kind of this role that takes URIs of this scheme."""
        self._refuse_ambiguous()
        scheme = uri.partition("://")[0].lower()
        offers = [(plugin, kind) for plugin, kind in self._of(role) if scheme in kind.schemes]
        if not offers:
            known = sorted({scheme for _, kind in self._of(role) for scheme in kind.schemes})
            problem = f"no {ROLES[role]} for {scheme}://{did_you_mean(scheme, known)}"
            raise ConfigError(problem + self._known(role, scheme, known))
        return self._only(role, f"{scheme}://", offers)

    def check_translator(self, sink_kind: str) -> CheckTranslator | None:
        """Return the check translator for this kind of sink, if there is one."""
        offers = self._offers(CheckTranslator, sink_kind)
        return self._only(CheckTranslator, sink_kind, offers) if offers else None

    def kinds(self, role: type[K]) -> Mapping[str, K]:
        """Return all usable kinds of a role, e.g. `SinkType`, by name, without conflicts."""
        offers = {name: self._offers(role, name) for name in self.names(role)}
        return frozen_map({name: kinds[0][1] for name, kinds in offers.items() if len(kinds) == 1})

    def names(self, role: type[K]) -> tuple[str, ...]:
        """Return the names of a role's kinds, including conflicts: using one of those fails."""
        return tuple(sorted({key_of(kind) for _, kind in self._of(role)}))

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

    def _offers(self, role: type[K], name: str) -> list[tuple[Plugin, K]]:
        return [(plugin, kind) for plugin, kind in self._of(role) if key_of(kind) == name]

    def _only(self, role: type[K], name: str, offers: list[tuple[Plugin, K]]) -> K:
        if len(offers) > 1:
            rivals = " and ".join(str(plugin) for plugin, _ in offers)
            raise PluginError(
                f"the {ROLES[role]} {name!r} is offered by the plugins {rivals}: "
                "uninstall or disable all but one of them"
            )
        return offers[0][1]

    def _refuse_ambiguous(self) -> None:
        for plugin in self._plugins():
            if plugin.ambiguous and plugin.failure is not None:
                raise plugin.failure

    def _unknown(self, role: type[K], name: str) -> Exception:
        what = f"no {ROLES[role]} of kind {shown(name)}"
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
        known = self.names(role)
        return ConfigError(what + did_you_mean(name, known) + self._known(role, name, known))

    def _known(self, role: type, name: str, known: Iterable[str]) -> str:
        """Return what is known, our plugin to install for this kind or scheme, and failures."""
        ours = [own for own in _FIRST_PARTY.get(role, ()) if f"{name}-".startswith(f"{own}-")]
        install = f"; pip install syncer-{ours[0]}" if ours else ""
        broken = ", ".join(str(plugin) for plugin in self._plugins() if plugin.failure is not None)
        also = f"; broken plugins: {broken}" if broken else ""
        return f" (known: {', '.join(known) or 'none'}){install}{also}"

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
        offers = self._offers(type(kind), key_of(kind))
        rivals = [str(other) for other, _ in offers if other is not plugin]
        role = ROLES[type(kind)]
        return f"{role} {key_of(kind)!r} is also offered by {', '.join(rivals)}" if rivals else ""
