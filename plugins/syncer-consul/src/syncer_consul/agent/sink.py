"""The services of one Consul agent as a sink.

The agent has no compare-and-set. A large batch right after a listing is written at once. Any
other change looks at its own id first, so that nothing that others wrote since then is
overwritten unseen.
"""

import re
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any
from urllib.parse import quote

from syncer import (
    Change,
    Check,
    CheckKey,
    CheckResult,
    Conflict,
    Context,
    Deregister,
    Finding,
    FoundAs,
    Instance,
    Native,
    Outcome,
    PermanentError,
    Register,
    Registration,
    Sink,
    Status,
    View,
    translate_checks,
)
from syncer.kits.http import Failed, Refused, each
from syncer_consul.agent import limits, wire
from syncer_consul.agent.audit import Audit
from syncer_consul.agent.check_fields import COMMAND
from syncer_consul.agent.checks import Translator
from syncer_consul.agent.examine import examined
from syncer_consul.agent.feed import Feed
from syncer_consul.agent.found import found_as
from syncer_consul.agent.listing import Listing
from syncer_consul.agent.nodes import Nodes
from syncer_consul.agent.watch import Watcher
from syncer_consul.http.client import AgentInfo, Client, is_unknown
from syncer_consul.http.transport import Answer
from syncer_consul.locks import ConsulLocks
from syncer_consul.options import ConsulOptions

#: How long, in seconds, a large batch trusts a listing without another look at each id, and how
#: many changes are so few that each one always looks.
FRESH, FEW = 2.0, 32
#: How long own writes must have been quiet before the watch wakes, and the longest wait for it.
_QUIET, _LONGEST_QUIET = 0.2, 0.8
_NO_COMMANDS = "scripts are disabled"
_UNKNOWN_FIELD = re.compile(r'unknown field "(\w+)"')


class ConsulSink(Sink):
    """Registers at one agent; see `ConsulOptions`."""

    reads_beside = True
    folds_case = True

    def __init__(self, options: ConsulOptions, context: Context) -> None:
        self._options, self._name = options, context.name
        workers = options.concurrency
        self._client = Client(options, idle=workers + 4)
        self._translate = Translator(options)
        pulse = options.health_ttl.total_seconds() / 3
        self.pulse: timedelta | None = timedelta(seconds=pulse)
        self._feed = Feed(self._client, every=pulse, workers=workers)
        self._listing = Listing()
        self.locks = ConsulLocks(self._client)
        self._refused: frozenset[str] = frozenset()
        self._met: AgentInfo | None = None
        self._version: tuple[int, ...] | None = None
        self._wrote_at = 0.0
        self._nodes, self._audit = Nodes(self._client), Audit(self._client, context.owner)
        self._watcher: Watcher | None = None
        self._closed = Event()

    def registrations(self) -> View[Registration]:
        """Read the services and the checks of the agent, in two requests."""
        info = self._meet_agent()
        started = self._listing.begin()
        services, checks = self._client.agent.services(), self._client.agent.checks()
        items, unclear = self._listing.read(
            services.object(), checks.object(), info.address, started
        )
        hidden = services.filtered or checks.filtered or self._client.may_hide(info)
        items = self._audit.view(items, services.data, checks.data)
        problems = [self._nodes.met(info.node, checks.data), *self._audit.problems()]
        if info.commands is None and COMMAND in self._refused:
            problems.append("the agent takes no checks that run commands: they are left out")
        return View(
            items,
            complete=not hidden and not problems[0],
            unclear=unclear,
            problems=filter(None, problems),
            hides_own=bool(problems[0]),  # who may write a service may read it
        )

    def registration(self, id: str) -> Registration | None:
        """Read one registration again."""
        return next((one for one in self.registrations().items if one.id == id), None)

    def register(self, new: Registration, look: bool = True) -> Registration:
        """Write a registration that the registry does not hold."""
        if (look or self._listing.holds(new.id)) and self._look(new.id) is not None:
            raise Conflict(f"{new.id} was registered by somebody else since the last listing")
        written = self._write(new, new.instance.tags)
        self._listing.remember(new, written)
        self._audit.wrote(new.id)
        return written

    def update(self, old: Registration, new: Registration, look: bool = True) -> Registration:
        """Replace a registration; checks that are not ours, maintenance mode above all, stay."""
        if look:
            self._expect(old)
        # A registration without a mark has been checked until now: after a take-over its new
        # checks begin as passing, so that consumers do not miss it until they have run.
        was_passing = old.mark is None and old.instance.status is Status.UP
        first = "passing" if was_passing else ""
        written = self._write(new, self._tags_for(new.instance), first)
        for check in self._listing.stale_checks(old, new):
            self._remove(self._client.agent.check, check)
        self._listing.remember(new, written)
        self._audit.wrote(new.id)
        return written

    def deregister(self, old: Registration, look: bool = True) -> None:
        """Remove a registration with its checks."""
        if self._audit.is_ghost(old.id):
            if self._look(old.id) is not None:
                raise Conflict(f"{old.id} was registered again since the last listing")
            return self._audit.bury(old.id)
        if look and self._expect(old) is None:
            return
        self._remove(self._client.agent.service, old.id)
        self._listing.forget(old.id)
        self._audit.wrote(old.id)

    def apply(self, changes: Collection[Change]) -> Iterator[Outcome]:
        """Make the changes, several at the same time; removals come last."""
        look = len(changes) <= FEW or not self._listing.is_fresh(FRESH)
        gone = [change for change in changes if isinstance(change, Deregister)]
        rest = [change for change in changes if not isinstance(change, Deregister)]
        for part in (rest, gone):
            yield from each(
                lambda c: self._make(c, look or self._listing.disputes(c)),
                part,
                self._options.concurrency,
            )

    def adjust(self, instance: Instance) -> Instance | None:
        """Return what Consul can hold; a status that forbids its use becomes a check."""
        if any(isinstance(check, Check) for check in instance.checks):
            # Nobody translated these: an engine without check translators.
            instance, _ = translate_checks(instance, self._translate)
        return limits.fit_instance(instance, self._version, self._refused)

    def found_as(self, instance: Instance) -> FoundAs:
        """Return the service, and the services and servers of Traefik in its tags."""
        return found_as(instance)

    def listed(self, instance: Instance) -> Instance:
        """Return the instance without checks, with Consul's default weights."""
        return wire.listed(instance)

    def report(self, results: Mapping[CheckKey, CheckResult]) -> Collection[CheckKey]:
        """Report to the TTL checks that mirror a container's health."""
        return self._feed.report(results)

    def watch(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake within a second of a change on this node, and when the agent comes back."""
        beside = partial(self._audit.run, meanwhile=self._nodes.look)
        watcher = Watcher(Client(self._options, idle=4), self._client, self._settle, beside)
        self._watcher = watcher
        if self._closed.is_set():
            watcher.close()
        watcher.run(wake, stop)

    def credentials(self) -> Hashable:
        """Return what differs as soon as `token_file` has another token."""
        return self._client.credentials()

    def examine(self) -> Iterator[Finding]:
        """Examine the agent, its clock, and the rights of the token."""
        return examined(self._client, self._audit)

    def close(self) -> None:
        """Close all connections, which ends a watch."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.close()
        self._client.close()

    def _meet_agent(self) -> AgentInfo:
        info = self._client.info()
        wanted = self._options.datacenter
        if wanted and info.datacenter and info.datacenter != wanted:
            text = f"the agent belongs to datacenter {info.datacenter!r}, not {wanted!r}"
            raise PermanentError(f"Consul at {self._client.address}: {text}")
        if info is not self._met:
            refused = [] if info.commands is not False else [COMMAND]
            self._met, self._version, self._refused = info, info.version, frozenset(refused)
        return info

    def _make(self, change: Change, look: bool) -> Outcome:
        try:
            if isinstance(change, Deregister):
                self.deregister(change.old, look)
                return Outcome(change)
            if isinstance(change, Register):
                return Outcome(change, self.register(change.new, look))
            return Outcome(change, self.update(change.old, change.new, look))
        except Exception as error:  # noqa: BLE001 - the outcome carries it
            return Outcome(change, error=error)

    def _look(self, id_: str) -> Mapping[str, Any] | None:
        """Return what the agent holds under this id now."""
        try:
            found: Answer = self._client.agent.service.get(quote(id_, safe=""))
            return found.object()
        except Refused as error:
            if is_unknown(error):
                return None
            raise

    def _expect(self, old: Registration) -> Mapping[str, Any] | None:
        """Read a registration. Raises Conflict if it is not the listed one any more."""
        entry = self._look(old.id)
        if entry is not None and wire.mark_of(entry) != old.mark:
            raise Conflict(f"{old.id} was written by somebody else since the last listing")
        return entry

    def _tags_for(self, instance: Instance) -> tuple[str, ...]:
        """Return the tags to send: with tag override the registered ones, unless ours are new."""
        present = self._listing.overridden(instance.id)
        if not instance.tag_override or present is None:
            return instance.tags
        written, tags = present
        return tags if written == wire.fingerprint(instance.tags) else instance.tags

    def _write(self, new: Registration, tags: Iterable[str], first: str = "") -> Registration:
        """Write it. `first` is the initial status of checks that name none."""
        tags = tuple(tags)
        if check := self._listing.others_check(new):
            raise Conflict(f"{new.id}: the agent has a check {check!r} that is somebody else's")
        while True:
            try:
                register = self._client.agent.service.register_definition
                self._send(register, self._body(new, tags, first))
                break
            except Refused as error:
                if not self._note_refused_field(error):
                    raise
        self._feed.forget(new.id)
        self._listing.remember_tags(new, tags)
        return wire.as_listed(new)

    def _note_refused_field(self, error: Refused) -> bool:
        """Note a field that the agent refused; return whether it is new.

        For agents that do not tell their version, or whether they run commands, or which lack a
        field that their version should have.
        """
        named = _UNKNOWN_FIELD.search(error.reason)
        field = named[1] if named else COMMAND if _NO_COMMANDS in error.reason.lower() else ""
        if not field or field in self._refused:
            return False
        self._refused |= {field}
        return True

    def _body(self, new: Registration, tags: Iterable[str], first: str) -> dict[str, Any]:
        checks = []
        for native in new.instance.checks:
            if not isinstance(native, Native):
                raise PermanentError(f"check {native.key} is not in Consul's form")
            # Again: the agent may be older than the one that the instance was adjusted for.
            fitting = limits.fit_check(native, self._version, self._refused, [])
            if fitting is None:
                continue
            fields = dict(fitting.definition)
            if native.fed:
                fields.setdefault("Status", wire.first_status(new.instance))
            if first:
                fields.setdefault("Status", first)
            checks.append((wire.check_id(new.id, fitting), fields))
        return wire.encode(new, checks, tags)

    def _remove(self, resource: Any, id_: str) -> None:
        """Remove a service or check; one that is gone is success."""
        try:
            self._send(resource.deregister, quote(id_, safe=""))
        except (Refused, Failed) as error:
            if not is_unknown(error):
                raise

    def _send(self, call: Callable[[Any], Any], argument: Any) -> None:
        """Make a call that writes."""
        try:
            call(argument)
        finally:
            self._wrote_at = time.monotonic()

    def _settle(self, ended: Event) -> None:
        """Wait until own writes have been quiet for a moment: a burst makes one wake."""
        latest = time.monotonic() + _LONGEST_QUIET
        while (now := time.monotonic()) < latest and now - self._wrote_at < _QUIET:
            if ended.wait(min(self._wrote_at + _QUIET, latest) - now):
                return
