"""The running process: a configuration with its engine and its page, and how a reload replaces it.

Whatever is wrong with the new configuration is found before anything is touched. A sink or source
that is no longer configured leaves its entries registered, as over a restart.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from syncer.api.errors import ConfigError, SyncerError
from syncer.cli.daemon.page import Pages
from syncer.cli.daemon.systemd import Notifier, signs_of_life
from syncer.cli.shared import read_config
from syncer.config.files import Contents, Digests, digests
from syncer.config.settings import Config
from syncer.engine.engine import Engine
from syncer.events import AnyEvent, ConfigRefused, ConfigReloaded, Warned
from syncer.events.logs import Log
from syncer.events.status import Condition
from syncer.plugin.assembly import assemble
from syncer.plugin.manager import Plugins


class Gate:
    """Passes on an engine's events until another engine has taken over."""

    def __init__(self, *listeners: Callable[[AnyEvent], None]) -> None:
        self._listeners = listeners

    def __call__(self, event: AnyEvent) -> None:
        """Pass on an event."""
        for listener in self._listeners:
            listener(event)

    def close(self) -> None:
        """Pass on nothing more."""
        self._listeners = ()


@attrs.frozen
class Build:
    """An engine with what it was made from; `files` are the digests of its files with secrets."""

    config: Config
    plugins: Plugins
    files: Digests
    engine: Engine
    gate: Gate

    def again(self) -> Engine:
        """Make another engine of the same configuration."""
        return assemble(self.config, self.plugins, environ=os.environ)

    def reloaded(self, changed: Iterable[str] = ()) -> None:
        """Tell that this configuration is in force, and what has changed."""
        interval = self.config.interval.total_seconds()
        self.engine.tell(ConfigReloaded(changed=changed, interval=interval))


class Process:
    """Runs what flags, file and environment describe. Used from one thread.

    `stopping` returns whether the process was asked to end. Construction raises ConfigError or
    PluginError.
    """

    def __init__(
        self, given: Mapping[str, Any], log: Log, notifier: Notifier, stopping: Callable[[], bool]
    ) -> None:
        self._given, self._log, self._stopping = given, log, stopping
        self._pages, self._condition, self._notifier = Pages(), Condition(), notifier
        self._signs = signs_of_life(notifier, self._busy, self._condition.text)
        self._address = ""
        self._reloads = 0
        self._reloading = False
        self._ended = True
        #: The files that the configuration read last names, whether it was accepted or refused.
        self._named: Digests = {}
        self._contents = Contents([given["path"]] if given["path"] else [])
        self._now = self._build(*read_config(given))
        self._contents.follow(self._watched(), self._now.files)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._now.config

    def begin(self) -> None:
        """Open the page, and start. Raises ConfigError if the page cannot be opened."""
        self._warn(self.config.warnings)
        self._pages.serve(self._now)
        self._say_address()
        self._now.engine.start()
        self._notifier.ready()
        if self._notifier:
            self._signs.start()

    def look(self) -> None:
        """Reload if the configuration file has changed, or a file with a secret that it names.

        Files named by a refused configuration count too: they may be what was wrong.
        """
        if self.config.reload == "auto" and self._contents.changed():
            self.reload()

    def reload(self) -> None:
        """Read the configuration again, and run by it, or go on as before if it is wrong."""
        self._notifier.reloading()
        self._reloads, self._reloading, self._named = self._reloads + 1, True, {}
        # 1. Remember the files' contents before they are read, so that no later change is missed.
        self._contents.know()
        try:
            # 2. Make the new engine and bind its page. If this fails, nothing has changed.
            new = self._prepare()
        except SyncerError as error:
            self._refuse(str(error).splitlines())
        except Exception as error:  # noqa: BLE001 - whatever it is, the running engine goes on
            self._refuse([f"{type(error).__name__}: {error}"])
        else:
            if new is None:
                self._contents.follow(self._watched())
                self._now.reloaded()
            else:
                self._replace(self._now, new)
        self._reloading = False
        self._notifier.ready()

    def _replace(self, old: Build, new: Build) -> None:
        # 3. Let the old engine end its work, and hand over when it no longer writes.
        started = False

        def hand_over() -> bool:
            nonlocal started
            if started := not self._stopping():
                # 4. Start the new engine with what the old one knows; then the old one closes.
                self._start(new, old)
            return started

        ended = old.engine.stop(hand_over)
        if not started:  # asked to stop meanwhile: the old engine has ended as it should
            self._ended = ended
            new.engine.stop()
            return
        self._now = new
        if not ended:
            self._warn(["the former configuration's work was still running: it is broken off"])
        # 5. Close a page that is no longer configured, and watch the new configuration's files.
        if not new.config.web.listen:
            self._pages.stop()
        self._contents.follow(self._watched(), new.files)
        self._warn(new.config.warnings)
        self._say_address()

    def end(self) -> bool:
        """Stop everything; return whether running work ended in time."""
        self._log.say("syncer stops", on_exit=self.config.on_exit)
        self._notifier.stopping()
        ended = self._now.engine.stop() and self._ended
        if not ended:
            self._warn(["work was still running at the end of shutdown_timeout"])
        self._pages.stop()
        self._signs.stop()
        return ended

    def _prepare(self) -> Build | None:
        """Make another engine, and its place on the page. `None` if nothing has changed."""
        path = self._given["path"]
        if path and path.exists() and not path.is_file():
            raise ConfigError(f"{path} is not a regular file, so it cannot be re-read on reload")
        try:
            config, plugins = read_config(self._given)
        except ConfigError as error:
            self._named = error.files
            raise
        new = self._build(config, plugins)
        try:
            if any(_differences(self._now, new)):
                self._pages.serve(new)
                return new
        except BaseException:
            new.engine.stop()
            raise
        new.engine.stop()
        return None

    def _start(self, new: Build, old: Build) -> None:
        old.gate.close()
        sources = _unchanged(old.config.sources, new.config.sources)
        sinks = _unchanged(old.config.sinks, new.config.sinks)
        new.engine.take_over(old.engine, sources, sinks)
        self._pages.show(new)
        new.reloaded(_differences(old, new))
        new.engine.start()

    def _refuse(self, problems: Iterable[str]) -> None:
        self._contents.follow((*self._watched(), *self._named), self._named)
        self._now.engine.tell(ConfigRefused(problems=problems))

    def _build(self, config: Config, plugins: Plugins) -> Build:
        gate = Gate(self._pages, self._condition)
        # Digests are taken before the files are used.
        self._named = files = {**config.secret_files, **digests(config.key_files)}
        listeners = (self._log.listen, gate)
        engine = assemble(config, plugins, environ=os.environ, listeners=listeners)
        return Build(config, plugins, files, engine, gate)

    def _watched(self) -> Iterator[Path]:
        if path := self._given["path"]:
            yield path
        yield from self.config.secret_files

    def _busy(self) -> Mapping[str, Any]:
        reload = {"reload": self._reloads} if self._reloading else {}
        return {**self._now.engine.busy(), **reload}

    def _warn(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._log.listen(Warned(text=text))

    def _say_address(self) -> None:
        before, self._address = self._address, self._pages.address
        if self._address not in ("", before):
            self._log.say("status page", address=self._address)


def _unchanged(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sources, or sinks, whose kind and options are the same in both configurations."""

    def asked(parts: Mapping[str, Any], name: str) -> object:
        part = parts.get(name)
        return part and (part.kind, part.options)

    return tuple(name for name in after if asked(before, name) == asked(after, name))


def _differences(before: Build, after: Build) -> Iterator[str]:
    """Name the tables and settings that differ."""
    old, new = before.config, after.config
    for field in attrs.fields(Config):
        was, is_ = getattr(old, field.name), getattr(new, field.name)
        if field.name in ("sources", "sinks"):
            yield from _parts_that_differ(field.name, was, is_)
        elif field.eq and was != is_:
            yield field.name
    if any(after.files.get(path, digest) != digest for path, digest in before.files.items()):
        yield "a file with a secret"


def _parts_that_differ(table: str, was: Mapping[str, Any], is_: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*was, *is_)):
        if name not in is_:
            yield f"{table}.{name} removed"
        elif name not in was:
            yield f"{table}.{name} added"
        elif was[name] != is_[name]:
            yield f"{table}.{name}"
    if set(was) == set(is_) and list(was) != list(is_):
        yield f"the order of {table}"
