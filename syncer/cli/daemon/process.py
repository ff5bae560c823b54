"""What runs until it is stopped: a configuration with its engine and its page.

A reload puts another configuration in their place. What is wrong with it is found before anything
is touched: then all goes on as it was. Else the engine that ran ends what it is writing, the other
one takes over what is known and begins, and only then the former lets go of what it has open. A
sink or source that is not there any more leaves what is registered, as after a restart.
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


class Ear:
    """Passes on what an engine tells, until another has taken its place."""

    def __init__(self, *listeners: Callable[[AnyEvent], None]) -> None:
        self._listeners = listeners

    def __call__(self, event: AnyEvent) -> None:
        """Hear an event."""
        for listener in self._listeners:
            listener(event)

    def close(self) -> None:
        """Hear nothing more."""
        self._listeners = ()


@attrs.frozen
class Made:
    """An engine with what it was made from; `files` are the contents of those with secrets."""

    config: Config
    plugins: Plugins
    files: Digests
    engine: Engine
    ear: Ear

    def again(self) -> Engine:
        """Another engine of the same configuration."""
        return assemble(self.config, self.plugins, environ=os.environ)


class Running:
    """Runs what flags, file and environment describe. All of it is for one thread.

    `stopping` says whether the process was asked to end. Making it raises ConfigError or
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
        #: The files that the configuration names which was read last, taken or refused.
        self._named: Digests = {}
        self._contents = Contents([given["path"]] if given["path"] else [])
        self._now = self._made(*read_config(given))
        self._contents.follow(self._watched(), self._now.files)

    @property
    def config(self) -> Config:
        """The configuration by which it runs."""
        return self._now.config

    def begin(self) -> None:
        """Open the page, and start. ConfigError if the page cannot be opened."""
        now = self._now
        self._warn(now.config.warnings)
        self._pages.serve(now.config, now.engine, now.again)
        self._say_address()
        now.engine.start()
        self._notifier.ready()
        if self._notifier:
            self._signs.start()

    def look(self) -> None:
        """Reload if the file has changed, or one with a secret that it names.

        What was refused may name files too, and it may be they that were wrong.
        """
        if self.config.reload == "auto" and self._contents.changed():
            self.reload()

    def reload(self) -> None:
        """Read the configuration again, and go on by it, or as before if something is wrong."""
        self._notifier.reloading()
        self._reloads, self._reloading, self._named = self._reloads + 1, True, {}
        self._contents.know()
        try:
            made = self._prepared()
        except SyncerError as error:
            self._refuse(str(error).splitlines())
        except Exception as error:  # noqa: BLE001 - whatever it is, what runs goes on
            self._refuse([f"{type(error).__name__}: {error}"])
        else:
            self._go_on_by(made)
        self._reloading = False
        self._notifier.ready()

    def end(self) -> bool:
        """Stop everything; returns whether what was under way ended in time."""
        self._log.say("syncer stops", on_exit=self.config.on_exit)
        self._notifier.stopping()
        ended = self._now.engine.stop() and self._ended
        if not ended:
            self._warn(["work was still running at the end of shutdown_timeout"])
        self._pages.stop()
        self._signs.stop()
        return ended

    def _prepared(self) -> Made | None:
        """Another engine and its place on the page, or None if nothing is another than before.

        If it raises, nothing has changed.
        """
        path = self._given["path"]
        if path and path.exists() and not path.is_file():
            raise ConfigError(f"{path}: what is no file can be read only once")
        try:
            config, plugins = read_config(self._given)
        except ConfigError as error:
            self._named = error.files
            raise
        made = self._made(config, plugins)
        try:
            if not any(_differences(self._now, made)):
                made.engine.stop()
                return None
            self._pages.serve(config, made.engine, made.again)
        except BaseException:
            made.engine.stop()
            raise
        return made

    def _go_on_by(self, made: Made | None) -> None:
        if made is None:
            self._contents.follow(self._watched())
            self._now.engine.tell(ConfigReloaded(interval=self.config.interval.total_seconds()))
            return
        before = self._now
        ended = before.engine.stop(lambda: self._hand_over(before, made))
        if self._now is not made:  # asked to stop meanwhile: the former has ended as it should
            self._ended = ended
            made.engine.stop()
            return
        if not ended:
            self._warn(["work for the configuration before was still running: it is broken off"])
        if not made.config.web.listen:
            self._pages.stop()
        self._contents.follow(self._watched(), made.files)
        self._warn(made.config.warnings)
        self._say_address()

    def _hand_over(self, before: Made, made: Made) -> bool:
        if self._stopping():
            return False
        before.ear.close()
        old, new = before.config, made.config
        sources, sinks = _equal(old.sources, new.sources), _equal(old.sinks, new.sinks)
        made.engine.take_over(before.engine, sources, sinks)
        self._pages.show(made.config, made.engine, made.again)
        interval = made.config.interval.total_seconds()
        made.engine.tell(ConfigReloaded(changed=_differences(before, made), interval=interval))
        made.engine.start()
        self._now = made
        return True

    def _refuse(self, problems: Iterable[str]) -> None:
        self._contents.follow((*self._watched(), *self._named), self._named)
        self._now.engine.tell(ConfigRefused(problems=problems))

    def _made(self, config: Config, plugins: Plugins) -> Made:
        ear = Ear(self._pages, self._condition)
        listeners = (self._log.listen, ear)
        # Before they are used.
        self._named = files = {**config.secret_files, **digests(config.key_files)}
        engine = assemble(config, plugins, environ=os.environ, listeners=listeners)
        return Made(config, plugins, files, engine, ear)

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


def _equal(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The sources, or sinks, that are asked the same in the same way, whatever is made of it."""

    def asked(parts: Mapping[str, Any], name: str) -> object:
        part = parts.get(name)
        return part and (part.kind, part.options)

    return tuple(name for name in after if asked(before, name) == asked(after, name))


def _differences(before: Made, after: Made) -> Iterator[str]:
    """What is another in the configuration, by the names of tables and settings."""
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
