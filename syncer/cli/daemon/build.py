"""One configuration in force: what it made, and the gate for its events."""

from collections.abc import Callable, Iterable
from pathlib import Path

import attrs

from syncer.config.settings import Config
from syncer.engine.engine import Engine
from syncer.events import AnyEvent, ConfigReloaded
from syncer.plugin.assembly import assemble
from syncer.plugin.manager import Plugins


class Gate:
    """Passes on an engine's events until another engine has taken over."""

    def __init__(self, *listeners: Callable[[AnyEvent], None]) -> None:
        self._listeners = listeners

    def __call__(self, event: AnyEvent) -> None:
        for listener in self._listeners:
            listener(event)

    def close(self) -> None:
        """Pass on nothing more."""
        self._listeners = ()


@attrs.frozen
class Build:
    """An engine with what it was made from; `secret_files` are to be watched."""

    config: Config
    plugins: Plugins
    secret_files: tuple[Path, ...]
    engine: Engine
    gate: Gate

    def again(self) -> Engine:
        """Make another engine of the same configuration."""
        return assemble(self.config, self.plugins)

    def reloaded(self, changed: Iterable[str] = ()) -> None:
        """Tell that this configuration is in force, and what has changed."""
        interval = self.config.interval.total_seconds()
        self.engine.tell(ConfigReloaded(changed=changed, interval=interval))
