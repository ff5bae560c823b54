"""The status page beside `syncer run`: opened if it is asked for, and imported only then."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from syncer.errors import ConfigError

if TYPE_CHECKING:
    from syncer.engine import Engine, Listener
    from syncer.events import AnyEvent
    from syncer.settings import Config
    from syncer.web.server import Page
    from syncer.web_rules import WebRules

#: Where `syncer run --web` listens unless it is told otherwise.
LISTEN = "127.0.0.1:8520"


class Hearing:
    """A listener for those who come once the engine is made, as it is known what is asked for."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: "Listener") -> None:
        """From now on this one hears every event too."""
        self._listeners.append(listener)

    def __call__(self, event: "AnyEvent") -> None:
        """Tell everybody."""
        for listener in self._listeners:
            listener(event)


def open_page(
    config: "Config", engine: "Engine", hearing: Hearing, again: "Callable[[], Engine]"
) -> "tuple[Page, str] | None":
    """The page and its address; None if none is asked for. ConfigError if it cannot be.

    `again` makes another engine of the same configuration.
    """
    rules = config.web
    if not rules.listen:
        return None
    try:
        from syncer.web.api import About
        from syncer.web.server import Page
    except ImportError as error:
        text = f"{error.name} is not installed; pip install 'syncer-core[web]' brings it"
        raise ConfigError(f"web.listen: {text}") from error
    page = Page(interval=config.interval.total_seconds())
    hearing.add(page)
    about = About(
        owner=config.owner,
        sources={name: source.kind for name, source in config.sources.items()},
        sinks={name: sink.kind for name, sink in config.sinks.items()},
        takes={name: frozenset(sink.sources) for name, sink in config.sinks.items()},
        reading=rules.token_for == "all" and bool(rules.token),
        changing=_changing(rules),
    )
    return page, page.open(engine, rules, about, again)


def _changing(rules: "WebRules") -> bool | None:
    """Whether something can be changed: with the token, or (None) not at all."""
    return True if rules.token else None
