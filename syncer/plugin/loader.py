"""Find plugins by their entry points, import them, and ask each what it offers.

The only module that uses pluggy, apart from the hooks. A plugin's failure is recorded with it and
does not affect others: it then offers nothing. Nothing is imported before `load_plugins` is called,
and a disabled plugin never is.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import attrs
import pluggy

from syncer.api.errors import PluginError
from syncer.api.fields import as_tuple
from syncer.api.kinds import CheckTranslator, CommandLine, LabelParser, SinkType, SourceType
from syncer.api.text import did_you_mean
from syncer.config.fill import options_of
from syncer.config.settings import PARSER_KEYS, SINK_KEYS, SOURCE_KEYS, bad_name
from syncer.events import AnyEvent
from syncer.plugin import hookspecs

GROUP = "syncer"

AnyKind = SourceType | SinkType | LabelParser | CheckTranslator | CommandLine
Listener = Callable[[AnyEvent], None]

#: The records that each discovery hook returns.
_RECORDS: Mapping[str, type[AnyKind]] = {
    "syncer_sources": SourceType,
    "syncer_sinks": SinkType,
    "syncer_label_parsers": LabelParser,
    "syncer_check_translators": CheckTranslator,
    "syncer_command_lines": CommandLine,
}
#: How messages name a record of each type.
ROLES: Mapping[type, str] = {
    SourceType: "source",
    SinkType: "sink",
    LabelParser: "label parser",
    CheckTranslator: "check translator",
    CommandLine: "command line",
}
_RESERVED: Mapping[type, tuple[str, ...]] = {SourceType: SOURCE_KEYS, SinkType: SINK_KEYS}


@attrs.frozen(kw_only=True)
class Plugin:
    """One plugin: where it comes from, and what it offers or why it failed.

    `distribution` and `version` are empty for a module that the program registered itself.
    `ambiguous` is set if another plugin has the same name: neither is loaded then.
    """

    name: str
    distribution: str = ""
    version: str = ""
    disabled: bool = False
    ambiguous: bool = False
    failure: Exception | None = attrs.field(default=None, eq=False)
    kinds: tuple[AnyKind, ...] = attrs.field(default=(), converter=as_tuple, eq=False)
    listener: Listener | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def origin(self) -> str:
        """The distribution and its version, for messages."""
        return f"{self.distribution} {self.version}".strip() or "registered by the program"

    def __str__(self) -> str:
        return f"{self.name!r} ({self.origin})"


def key_of(kind: AnyKind) -> str:
    """Return the name under which a kind is looked up; it is unique in its role."""
    return kind.sink_kind if isinstance(kind, CheckTranslator) else kind.name


def installed() -> Iterable[EntryPoint]:
    """Return the entry points of the group; `entry_points` drops duplicates of stale metadata."""
    return entry_points(group=GROUP)


def load_plugins(
    found: Iterable[EntryPoint], modules: Mapping[str, ModuleType], disabled: Collection[str]
) -> tuple[Plugin, ...]:
    """Load all plugins, in the order of their names; `modules` need no import."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    candidates: list[tuple[Plugin, Callable[[], Any]]]
    candidates = [(_described(entry), entry.load) for entry in found]
    candidates += [(Plugin(name=name), partial(modules.get, name)) for name in modules]
    candidates.sort(key=lambda candidate: (candidate[0].name, candidate[0].origin))
    names = Counter(plugin.name for plugin, _ in candidates)
    loaded = []
    for plugin, load in candidates:
        if plugin.name in disabled:
            plugin = attrs.evolve(plugin, disabled=True)
        elif names[plugin.name] > 1:
            rivals = [other.origin for other, _ in candidates if other.name == plugin.name]
            problem = f"{len(rivals)} plugins have the name {plugin.name!r}: {', '.join(rivals)}"
            advice = "uninstall all but one of them, or disable the name"
            failure = PluginError(f"{problem}; {advice}")
            plugin = attrs.evolve(plugin, ambiguous=True, failure=failure)
        else:
            plugin = _loaded(manager, plugin, load)
        loaded.append(plugin)
    return tuple(loaded)


def _described(entry: EntryPoint) -> Plugin:
    try:
        name, version = entry.dist.name, entry.dist.version  # type: ignore[union-attr]
    except Exception:  # noqa: BLE001 - without a name or version; the exception differs by Python
        name, version = "", ""
    name = name or "unknown distribution"
    return Plugin(name=entry.name, distribution=name, version=version or "")


def _loaded(manager: pluggy.PluginManager, plugin: Plugin, load: Callable[[], Any]) -> Plugin:
    module = None
    try:
        module = load()
        _register(manager, plugin.name, module)
        kinds = tuple(_kinds(manager, module))
        _check_kinds(kinds)
        return attrs.evolve(plugin, kinds=kinds, listener=_listener(manager, module))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - kept with the plugin, see above
        if module is not None and manager.get_plugin(plugin.name) is module:
            manager.unregister(module, plugin.name)
        if not isinstance(error, PluginError):
            failure = PluginError(f"{type(error).__name__}: {error}")
            failure.__cause__ = error
            return attrs.evolve(plugin, failure=failure)
        return attrs.evolve(plugin, failure=error)


def _register(manager: pluggy.PluginManager, name: str, module: Any) -> None:
    """Register the module with pluggy, and refuse what pluggy would ignore silently."""
    if not isinstance(module, ModuleType):
        raise PluginError(f"names a {type(module).__name__}; a plugin is a module")
    manager.register(module, name)
    callers = manager.get_hookcallers(module) or []
    if not callers:
        raise PluginError("has no function marked by @syncer.hookimpl")
    known = [caller.name for caller in callers if caller.has_spec()]
    for caller in callers:
        for impl in caller.get_hookimpls():
            if impl.plugin is not module:
                continue
            if impl.wrapper or impl.hookwrapper:
                raise PluginError(f"{caller.name} is a wrapper: wrappers are refused")
            if caller.name not in known and not impl.optionalhook:
                hooks = [name for name, hook in vars(manager.hook).items() if hook.has_spec()]
                hint = did_you_mean(caller.name, hooks)
                raise PluginError(f"{caller.name} is not a hook of syncer{hint}")


def _impls(manager: pluggy.PluginManager, hook: str, module: ModuleType) -> list[pluggy.HookImpl]:
    """Return the module's own implementations. They are called one by one, to know whose failed."""
    impls = getattr(manager.hook, hook).get_hookimpls()
    return [impl for impl in impls if impl.plugin is module]


def _kinds(manager: pluggy.PluginManager, module: ModuleType) -> Iterator[AnyKind]:
    for hook, record in _RECORDS.items():
        for impl in _impls(manager, hook, module):
            try:
                offered: Any = impl.function()
                kinds = list(offered)  # a generator raises here, not when called
            except Exception as error:
                raise PluginError(f"{hook} raised {type(error).__name__}: {error}") from error
            for kind in kinds:
                if not isinstance(kind, record):
                    raise PluginError(
                        f"{hook} returned a {type(kind).__name__}, not a {record.__name__}"
                    )
                yield kind


def _check_kinds(kinds: Iterable[AnyKind]) -> None:
    """Refuse records that would fail later, where the plugin is no longer known."""
    seen = set()
    for kind in kinds:
        what = f"{ROLES[type(kind)]} {kind.name!r}"
        for name in (kind.name, key_of(kind)):
            if problem := bad_name(name):
                raise PluginError(f"{what}: {problem}")
        if (type(kind), key_of(kind)) in seen:
            raise PluginError(f"offers the {what} twice")
        seen.add((type(kind), key_of(kind)))
        if not callable(kind.create):
            raise PluginError(f"{what}: create is not callable")
        if isinstance(kind, LabelParser) and kind.name in PARSER_KEYS:
            raise PluginError(f"{what}: this name is reserved for a key of syncer's own")
        if not isinstance(kind, (CheckTranslator, CommandLine)):
            _check_options(kind, what)


def _check_options(kind: SourceType | SinkType | LabelParser, what: str) -> None:
    if not (inspect.isclass(kind.options) and attrs.has(kind.options)):
        raise PluginError(f"{what}: options is not an attrs class")
    reserved = set(options_of(kind.options)) & set(_RESERVED.get(type(kind), ()))
    if reserved:
        taken = ", ".join(sorted(reserved))
        raise PluginError(f"{what}: options have names reserved for syncer's own keys: {taken}")
    schemes: Any = getattr(kind, "schemes", ())
    if isinstance(schemes, str):
        raise PluginError(f"{what}: schemes is a string, not a tuple of strings")


def _listener(manager: pluggy.PluginManager, module: ModuleType) -> Listener | None:
    impls = _impls(manager, "syncer_event", module)

    def listen(event: AnyEvent) -> None:
        for impl in impls:
            impl.function(*(event for _ in impl.argnames))

    return listen if impls else None
