"""The status page of a running syncer: opened if it is configured, and imported only then."""

from typing import TYPE_CHECKING

from syncer.api.errors import ConfigError

if TYPE_CHECKING:
    from syncer.cli.daemon.build import Build
    from syncer.config.settings import Config
    from syncer.config.web_rules import WebRules
    from syncer.events import AnyEvent
    from syncer.events.status import Status
    from syncer.web.api import About
    from syncer.web.server import Page

#: Where `syncer run --web` listens by default.
LISTEN = "127.0.0.1:8520"


class Pages:
    """The status page, while the configuration asks for one. It listens for what to show."""

    def __init__(self, status: "Status") -> None:
        self._status = status
        self._page: Page | None = None
        self._rules: WebRules | None = None
        #: The page's URL; "" if there is no page.
        self.address = ""

    def __call__(self, event: "AnyEvent") -> None:
        if page := self._page:
            page(event)

    def serve(self, build: "Build") -> None:
        """Serve by the rules of this configuration. Raises ConfigError, then nothing has changed.

        A page that is open already shows the former engine until `show`.
        """
        rules = build.config.web
        if not rules.listen or rules == self._rules:
            return
        if self._page is None:
            self._status.interval = build.config.interval.total_seconds()
            page = _page(self._status)
            self.address = page.open(build.engine, rules, _about(build.config), build.again)
            self._page = page
        else:
            self.address = self._page.serve(rules)
        self._rules = rules

    def show(self, build: "Build") -> None:
        """Show this engine from now on."""
        if self._page:
            self._page.show(build.engine, _about(build.config), build.again)

    def stop(self) -> None:
        """Disconnect every client."""
        page, self._page, self._rules, self.address = self._page, None, None, ""
        if page:
            page.stop()


def _page(status: "Status") -> "Page":
    try:
        from syncer.web.server import Page
    except ImportError as error:
        text = f"{error.name} is not installed: pip install 'syncer-core[web]'"
        raise ConfigError(f"web.listen: {text}") from error
    return Page(status)


def _about(config: "Config") -> "About":
    from syncer.web.api import About

    rules = config.web
    return About(
        owner=config.owner,
        sources={name: source.kind for name, source in config.sources.items()},
        sinks={name: sink.kind for name, sink in config.sinks.items()},
        reading=rules.token_for == "all" and bool(rules.token),
        changing=bool(rules.token),
    )
