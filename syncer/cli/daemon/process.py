"""The running process: a configuration with its engine and its page, and how a reload replaces it.

Whatever is wrong with the new configuration is found before anything is touched. A sink or source
that is no longer configured leaves its entries registered, as over a restart.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from syncer.api.errors import ConfigError, SyncerError
from syncer.cli.daemon.build import Build, Gate
from syncer.cli.daemon.page import Pages
from syncer.cli.daemon.systemd import READY, STOPPING, Notifier, signs_of_life
from syncer.cli.shared import settings_and_plugins
from syncer.config.files import FileWatch
from syncer.config.load import load
from syncer.config.settings import Config, asks_same
from syncer.events import ConfigRefused, Warned
from syncer.events.logs import Log
from syncer.events.status import Status
from syncer.plugin.assembly import assemble


class Process:
    """Runs what flags, file and environment describe. Used from one thread.

    `stopping` returns whether the process was asked to end. Construction raises ConfigError or
    PluginError.
    """

    def __init__(
        self, flags: Mapping[str, Any], log: Log, notifier: Notifier, stopping: Callable[[], bool]
    ) -> None:
        self._flags, self._log, self._stopping = flags, log, stopping
        self._status, self._notifier = Status(), notifier
        self._pages = Pages(self._status)
        self._signs = signs_of_life(notifier, self._busy, self._status.text)
        self._address = ""
        self._reloads = 0
        self._reloading = False
        self._ended = True
        #: The files to watch for the configuration in force; a refused one may add to them.
        self._watched: tuple[Path, ...] = (flags["path"],) if flags["path"] else ()
        self._files = FileWatch(self._watched)
        self._now = self._build()
        self._watch(self._now)

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
        self._notifier.send(READY)
        if self._notifier:
            self._signs.start()

    def look(self) -> None:
        """Reload if the configuration file has changed, or one with secrets or certificates.

        Files named by a refused configuration count too: they may be what was wrong.
        """
        if self.config.reload == "auto" and self._files.changed():
            self.reload()

    def reload(self) -> None:
        """Read the configuration again, and run by it, or go on as before if it is wrong."""
        self._notifier.reloading()
        self._reloads, self._reloading = self._reloads + 1, True
        # 1. Remember the files' contents before they are read, so that no later change is missed.
        self._files = FileWatch(self._watched)
        try:
            # 2. Make the new engine and bind its page. If this fails, nothing has changed.
            new = self._prepare()
        except SyncerError as error:
            self._now.engine.tell(ConfigRefused(problems=str(error).splitlines()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the running engine goes on
            self._now.engine.tell(ConfigRefused(problems=[f"{type(error).__name__}: {error}"]))
        else:
            if new is None:
                self._now.reloaded()
            else:
                self._replace(self._now, new)
        self._reloading = False
        self._notifier.send(READY)

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
            self._warn(["work of the previous configuration was still running and was cancelled"])
        # 5. Close a page that is no longer configured, and watch the new configuration's files.
        if not new.config.web.listen:
            self._pages.stop()
        self._watch(new)
        self._warn(new.config.warnings)
        self._say_address()

    def end(self) -> bool:
        """Stop everything; return whether running work ended in time."""
        self._notifier.send(STOPPING)
        ended = self._now.engine.stop() and self._ended
        if not ended:
            self._warn(["work was still running at the end of shutdown_timeout"])
        self._pages.stop()
        self._signs.stop()
        on_exit = self.config.on_exit
        kept = "registrations are kept" if on_exit == "keep" else "registrations are removed"
        text = f"{kept} (on_exit={on_exit})"
        if all(sink.kind == "memory" for sink in self.config.sinks.values()):
            text = "what was registered was in memory, and is gone"
        self._log.say("syncer stops", f"stopped; {text}", on_exit=on_exit)
        return ended

    def _prepare(self) -> Build | None:
        """Make another engine, and its place on the page. `None` if nothing has changed."""
        path = self._flags["path"]
        if path and path.exists() and not path.is_file():
            raise ConfigError(f"{path} is not a regular file, so it cannot be re-read on reload")
        new = self._build()
        try:
            if any(_differences(self.config, new.config)):
                self._pages.serve(new)
                return new
            self._watch(new)
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
        new.reloaded(_differences(old.config, new.config))
        new.engine.start()

    def _build(self) -> Build:
        settings, plugins = settings_and_plugins(self._flags)
        self._files.follow((*self._watched, *settings.secret_files))
        config = load(settings, plugins)
        self._files.follow((*self._watched, *settings.secret_files, *config.key_files))
        gate = Gate(self._status, self._pages)
        engine = assemble(config, plugins, listeners=(self._log.listen, gate))
        return Build(config, plugins, settings.secret_files, engine, gate)

    def _watch(self, build: Build) -> None:
        path = self._flags["path"]
        named = (*build.secret_files, *build.config.watched)
        self._watched = (*((path,) if path else ()), *named)
        self._files.follow(self._watched)

    def _busy(self) -> Mapping[str, Any]:
        reload = {"reload": self._reloads} if self._reloading else {}
        return {**self._now.engine.busy(), **reload}

    def _warn(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._log.listen(Warned(text=text))

    def _say_address(self) -> None:
        before, self._address = self._address, self._pages.address
        if self._address not in ("", before):
            text = f"status page at {self._address}"
            self._log.say("status page", text, address=self._address)


def _unchanged(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sources, or sinks, of the same kind and options; secrets may have changed."""
    return tuple(
        name for name, part in after.items() if name in before and asks_same(before[name], part)
    )


def _differences(old: Config, new: Config) -> Iterator[str]:
    """Name the tables and settings that differ."""
    for field in attrs.fields(Config):
        was, is_ = getattr(old, field.name), getattr(new, field.name)
        if field.name in ("sources", "sinks"):
            yield from _parts_that_differ(field.name, was, is_)
        elif field.eq and was != is_:
            yield field.name


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
