"""The sink `file`: registrations in one file, for programs that read files.

Other owners' registrations and everything else in the file are kept. Several syncers may write to
one file: each change is made under a lock, to the current content. A damaged file is never written,
and never treated as empty.

An instance that is not "up" (starting, unhealthy, paused, draining) is kept, with `syncer-status`
in its metadata; the hosts format, which has no status, leaves it out. The option `unhealthy`
overrides this.
"""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from threading import Event

import attrs

from syncer import probing
from syncer.api.changes import Change, Deregister, Outcome, Reason, Register, Update
from syncer.api.checks import Check, Native, Probe, Problem
from syncer.api.contracts import Sink, View
from syncer.api.errors import ConfigError, Conflict, PermanentError, TemporaryError
from syncer.api.kinds import Context
from syncer.api.options import option
from syncer.api.registrations import Instance, Registration, Unhealthy, with_status
from syncer.plugin.builtin import codec
from syncer.plugin.builtin.formats import Entry, Format, FormatName, JsonFormat, PrometheusFormat
from syncer.plugin.builtin.hosts import HostsFormat
from syncer.plugin.builtin.whole_file import WholeFile, signature

#: How often the file is checked for changes by others, in seconds.
POLL = 1.0


@attrs.frozen(kw_only=True)
class FileSinkOptions:
    """Options of the sink `file`."""

    path: Path = option(help="File to write; its directory must exist and be writable")
    format: FormatName | None = option(
        None, help="json, prometheus or hosts (default: by the file name, .json or hosts)"
    )
    unhealthy: Unhealthy | None = option(
        None, help="keep or drop instances that are not up (default: keep; with hosts: drop)"
    )
    probe: bool = option(False, help="Have syncer run the checks itself and use their results")


def check_translator(
    options: FileSinkOptions,
) -> Callable[[Check, Instance], Check | Probe | Problem | None]:
    """Return the translator: checks are written unchanged, or run by syncer as configured."""
    return probing(options) if options.probe else lambda check, instance: check


class FileSink(Sink):
    """Keeps registrations in one file."""

    def __init__(self, path: Path, layout: Format, *, drops: bool = False) -> None:
        self._file = WholeFile(path)
        self._format = layout
        self._drops = drops
        self._closed = Event()
        #: The file as last written by this sink, to tell changes by others from our own.
        self._written = signature(path)

    @classmethod
    def create(cls, options: FileSinkOptions, context: Context) -> "FileSink":
        """Make a sink for the file. Raises `ConfigError` if the format is unknown."""
        layout = _format(options.format or _format_by_name(options.path))
        choice = options.unhealthy
        drops = not layout.tells_status if choice is None else choice is Unhealthy.DROP
        return cls(options.path, layout, drops=drops)

    def registrations(self) -> View[Registration]:
        """Return all registrations; incomplete if an entry is unreadable and has no id."""
        return _Book(self._format, self._parse(self._file.read())).view()

    def register(self, new: Registration) -> Registration:
        """Write one registration."""
        return self._one(Register(new))

    def update(self, old: Registration, new: Registration) -> Registration:
        """Replace one registration."""
        return self._one(Update(old, new))

    def deregister(self, old: Registration) -> None:
        """Remove one registration."""
        (outcome,) = self._commit([Deregister(old, Reason.NOT_OFFERED)])
        if outcome.error is not None:
            raise outcome.error

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make all changes with one write, which succeeds or fails for all."""
        return iter(self._commit(changes))

    def adjust(self, instance: Instance) -> Instance | None:
        """Return the instance as the file will give it back."""
        if self._drops or self._format.tells_status:
            shown = with_status(instance, Unhealthy.DROP if self._drops else Unhealthy.KEEP)
            if shown is None:
                return None
            instance = shown
        if not self._format.runs_checks:
            instance = attrs.evolve(instance, checks=tuple(map(_without_request, instance.checks)))
        held = _through_json(instance)
        self._format.fit(held)
        return attrs.evolve(
            held, status=instance.status, origin=instance.origin, problems=instance.problems
        )

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake when others have changed the file."""
        seen = signature(self._file.path)
        while not stop.wait(POLL) and not self._closed.is_set():
            now = signature(self._file.path)
            if now not in (seen, self._written):
                wake()
            seen = now

    def close(self) -> None:
        """End a blocked `watch`."""
        self._closed.set()

    def _one(self, change: Register | Update) -> Registration:
        (outcome,) = self._commit([change])
        if outcome.registration is None:
            raise outcome.error or TemporaryError(f"{change.id}: not written")
        return outcome.registration

    def _parse(self, content: bytes) -> list[Entry]:
        try:
            return self._format.parse(content.decode(errors=self._format.errors))
        except ValueError as error:
            text = f"{self._file.path}: invalid content, so the file is left unchanged: {error}"
            raise TemporaryError(text) from error

    def _commit(self, changes: Collection[Change]) -> list[Outcome]:
        """Read, change and write the file under the lock."""
        try:
            with self._file.locked():
                before = self._file.read()
                book = _Book(self._format, self._parse(before))
                outcomes = [book.make(change) for change in changes]
                after = self._format.render(book.entries).encode(errors=self._format.errors)
                if book.changed and after != before:
                    self._file.replace(after)
                    self._written = signature(self._file.path)
            return outcomes
        except TemporaryError as error:
            return [Outcome(change, error=error) for change in changes]


class _Book:
    """The entries of a file, to which changes are made."""

    def __init__(self, layout: Format, entries: list[Entry]) -> None:
        self._format = layout
        self.entries = entries
        self.changed = False

    def view(self) -> View[Registration]:
        found: dict[str, Registration] = {}
        for entry in self.entries:
            if entry.registration is None:
                continue
            first = found.setdefault(entry.id, entry.registration)
            if first is not entry.registration:
                found[entry.id] = attrs.evolve(first, damaged="the file contains it twice")
        broken = [entry.id for entry in self.entries if entry.broken]
        unclear = frozenset(id_ for id_ in broken if id_ and id_ not in found)
        return View(tuple(found.values()), complete=all(broken), unclear=unclear)

    def make(self, change: Change) -> Outcome:
        try:
            if isinstance(change, Deregister):
                self._put(change.id, change.old, None)
                return Outcome(change)
            old = change.old if isinstance(change, Update) else None
            return Outcome(change, self._put(change.id, old, change.new))
        except PermanentError as error:
            return Outcome(change, error=error)

    def _put(
        self, id_: str, old: Registration | None, new: Registration | None
    ) -> Registration | None:
        """Replace `old` by `new`, if the file contains `old`."""
        places = [at for at, entry in enumerate(self.entries) if entry.id == id_]
        if not places and new is None:
            return None
        self._expect(id_, places, old)
        made = None if new is None else self._entry(new)
        if made is not None:
            at = places.pop(0) if places else len(self.entries)
            self.entries[at : at + 1] = [made]
        for at in reversed(places):
            del self.entries[at]
        self.changed = True
        return made.registration if made else None

    def _expect(self, id_: str, places: list[int], old: Registration | None) -> None:
        held = [self.entries[at].registration for at in places]
        found = held[0].version if held and held[0] else "unreadable" if held else "none"
        expected = old.version if old else "none"
        if found != expected:
            text = f"{id_}: the file holds version {found}, the last listing showed {expected}"
            raise Conflict(text)

    def _entry(self, new: Registration) -> Entry:
        self._format.fit(new.instance)
        try:
            return self._format.entry(new)
        except (ValueError, TypeError) as error:
            raise PermanentError(f"{new.id}: cannot be written: {error}") from error


def _without_request(check: Check | Native) -> Check | Native:
    """Return the check without the headers and body that its requests carry."""
    return attrs.evolve(check, headers={}, body="") if isinstance(check, Check) else check


def _through_json(instance: Instance) -> Instance:
    """Return the instance as JSON gives it back; other values would differ for ever."""
    try:
        fields = codec.loads(codec.dumps(codec.fields_of(Registration(instance=instance))))
        return codec.registration_of(fields).instance
    except (ValueError, TypeError) as error:
        raise PermanentError(f"{instance.id}: cannot be written: {error}") from error


def _format_by_name(path: Path) -> FormatName:
    if path.suffix == ".json":
        return FormatName.JSON
    if "hosts" in (path.name, path.suffix[1:]):
        return FormatName.HOSTS
    names = ", ".join(name.value for name in FormatName)
    raise ConfigError(
        f"{path}: cannot tell the format from the name; set `format` to one of {names}"
    )


def _format(name: FormatName) -> Format:
    if name is FormatName.JSON:
        return JsonFormat()
    return PrometheusFormat() if name is FormatName.PROMETHEUS else HostsFormat()
