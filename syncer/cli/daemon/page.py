"""The status page beside `syncer run`: opened if it is asked for, and imported only then."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from syncer.api.errors import ConfigError

if TYPE_CHECKING:
    from syncer.config.settings import Config
    from syncer.config.web_rules import WebRules
    from syncer.engine.engine import Engine
    from syncer.events import AnyEvent
    from syncer.web.api import About
    from syncer.web.server import Page

#: Where `syncer run --web` listens unless it is told otherwise.
LISTEN = "127.0.0.1:8520"


class Pages:
    """The status page of what runs, for as long as its configuration asks for one.

    A listener too: it hears what the page is to show.
    """

    def __init__(self) -> None:
        self._page: Page | None = None
        self._rules: WebRules | None = None
        #: Where it is; "" while there is none.
        self.address = ""

    def __call__(self, event: "AnyEvent") -> None:
        """Tell the page, if there is one."""
        if page := self._page:
            page(event)

    def serve(self, config: "Config", engine: "Engine", again: "Callable[[], Engine]") -> None:
        """Serve by the rules of this configuration; ConfigError if that cannot be.

        Then nothing has changed. A page that was there before goes on to show what it showed,
        until `show`. `again` makes another engine of the same configuration.
        """
        rules = config.web
        if not rules.listen or rules == self._rules:
            return
        if self._page is None:
            page = _page(config.interval.total_seconds())
            self.address = page.open(engine, rules, _about(config), again)
            self._page = page
        else:
            self.address = self._page.serve(rules)
        self._rules = rules

    def show(self, config: "Config", engine: "Engine", again: "Callable[[], Engine]") -> None:
        """Show this engine from now on."""
        if self._page:
            self._page.show(engine, _about(config), again)

    def stop(self) -> None:
        """Let go of every client."""
        page, self._page, self._rules, self.address = self._page, None, None, ""
        if page:
            page.stop()


def _page(interval: float) -> "Page":
    try:
        from syncer.web.server import Page
    except ImportError as error:
        text = f"{error.name} is not installed; pip install 'syncer-core[web]' brings it"
        raise ConfigError(f"web.listen: {text}") from error
    return Page(interval=interval)


def _about(config: "Config") -> "About":
    from syncer.web.api import About

    rules = config.web
    return About(
        owner=config.owner,
        sources={name: source.kind for name, source in config.sources.items()},
        sinks={name: sink.kind for name, sink in config.sinks.items()},
        reading=rules.token_for == "all" and bool(rules.token),
        changing=_changing(rules),
    )


def _changing(rules: "WebRules") -> bool | None:
    """Whether something can be changed: with the token, or (None) not at all."""
    return True if rules.token else None
