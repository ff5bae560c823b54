"""The last answer of each source, translated.

A sink's cycle never waits for a source: it reads a snapshot from here. The loops of
`syncer.engine.scheduler` refresh it. Each change of a workload is translated once, in the thread
that received it, for all sinks.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from syncer.api.contracts import Source, Unclear, View
from syncer.api.fields import EMPTY
from syncer.api.left_out import LeftOut, LeftOutKind
from syncer.api.text import printable, some_of
from syncer.api.workloads import Host, Workload
from syncer.desired.host_names import HostNames
from syncer.desired.left_out import lacks, left_out
from syncer.desired.limits import Limits
from syncer.desired.snapshot import (
    RANDOM_NAME,
    Snapshot,
    TrackedWorkload,
    by_reason,
    reasons_in,
)
from syncer.desired.translate import Translated, Translator
from syncer.events import AnyEvent, LeftOutChanged, ProblemsFound, SourceListed, Warned

#: Seconds for which the answer that a workload is gone may be used again.
FRESH = 2.0


class Tracker:
    """Keeps the state of one source. `relist` is called from one thread, the rest from any.

    Listings and questions about single workloads run at the same time. They are numbered when
    they begin; where two answers disagree, the one with the higher number takes precedence.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        translator: Translator,
        *,
        order: int = 0,
        former_scopes: tuple[str, ...] = (),
        former_identities: tuple[str, ...] = (),
        emit: Callable[[AnyEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self.name, self.source = name, source
        self._translator, self._order = translator, order
        self._limits = Limits(translator.filter, translator.rules)
        self._former_scopes, self._emit, self._clock = former_scopes, emit, clock
        self._lock = threading.Lock()
        self._scope = ""
        #: The source's identity, and all that are ours: what it was before, in this process too.
        self._identity: str | None = None
        self._identities = frozenset(former_identities)
        self._host, self._names = Host(name=""), HostNames(translator.rules.advertise)
        #: Whether an address is missing that may come back.
        self._lacking = False
        self._doubt = "it has not listed completely yet"
        self._listings = 0
        self._workloads: dict[str, TrackedWorkload] = {}
        self._unclear: frozenset[str] = frozenset()
        self._reasons: Mapping[str, Unclear] = EMPTY
        #: Workloads that share another's network, and some that used to.
        self._sharing: frozenset[str] = frozenset()
        #: Workloads found gone or stopped: when they were asked for, and the answer.
        self._gone: dict[str, tuple[float, Workload | None]] = {}
        #: The last number given, how many questions are open, and the number of the last complete
        #: listing and of the last answer about each workload.
        self._asked = self._open = self._listed = 0
        self._answered: dict[str, int] = {}
        #: Whether an answer changed something that no caller has been told yet.
        self._unreported = False
        #: The list of what is not registered as told last, and whether it may have changed.
        self._left_out: tuple[LeftOut, ...] | None = None
        self._may_differ = False

    def relist(self) -> bool:
        """Ask the source for everything. Return whether anything changed."""
        began = self._clock()
        scope = self.source.scope()
        with self._lock:  # known even if the rest fails: entries of this scope must be renewed
            renamed, self._scope = scope != self._scope, scope
        moved = self._identify(self.source.identity())
        if renamed and RANDOM_NAME.fullmatch(scope):
            self._emit(Warned(text=_random(self.name, scope)))
        host = self._names.noted_on(self.source.host())
        with self._question() as number:
            view = self.source.workloads()
            with self._lock:
                changed = self._take(view, host, number) or renamed or moved or self._unreported
                self._unreported = False
                first = view.complete and self._listings == 1
                instances = sum(len(one.translated.instances) for one in self._workloads.values())
                before, self._reasons = self._reasons, reasons_in(view)
        news = {i: one for i, one in self._reasons.items() if before.get(i) != one}
        for why, names in by_reason(news).items():
            self._emit(Warned(text=_undescribed(self.name, names, why)))
        self._emit(
            SourceListed(
                source=self.name,
                workloads=len(view.items),
                instances=instances,
                unclear=len(view.unclear),
                complete=view.complete,
                first=first,
                seconds=self._clock() - began,
                scope=scope,
            )
        )
        self._tell_left_out()
        return changed

    def _tell_left_out(self) -> None:
        """Tell what is not registered, if that has changed."""
        self._may_differ = False
        before, found = self._left_out, left_out(self.snapshot())
        if before != found:
            self._left_out = found
            news = set(filter(_is_news, found)) ^ set(filter(_is_news, before or ()))
            self._emit(LeftOutChanged(source=self.name, left_out=found, news=bool(news)))

    @property
    def lacks_address(self) -> bool:
        """Whether an address is missing that may come back without an event."""
        return self._lacking

    def address_is_back(self) -> bool:
        """Whether an address is missing and the host has changed. The source lists nothing."""
        return self._lacking and self._names.noted_on(self.source.host()) != self._host

    def _identify(self, identity: str) -> bool:
        """Note the source's identity. Return whether it is another one than before."""
        with self._lock:
            changed, self._identity = identity != self._identity, identity
            self._identities |= {identity} - {""}
            return changed

    def take_over(self, former: "Tracker") -> None:
        """Start with the state of a tracker of the same source, translated by these rules.

        The source stays in doubt until it has listed, so nothing is removed.
        """
        try:
            self.source.take_over(former.source)
        finally:  # entries must be renewed even if the source failed
            self._begin_with(former)

    def _begin_with(self, former: "Tracker") -> None:
        with former._lock:
            scope, host = former._scope, former._host
            workloads, unclear = dict(former._workloads), former._unclear
            identity, identities = former._identity, former._identities
            self._reasons = former._reasons
        with self._lock:
            self._scope, self._host = scope, host
            self._identity, self._identities = identity, self._identities | identities
            self._workloads, self._unclear = workloads, unclear
            self._workloads = {
                id_: self._translated(one.workload, one.peer, again=True)
                for id_, one in workloads.items()
            }
            self._sharing = _sharing(workloads)

    def ask(self, workload_id: str) -> Workload | None:
        """Ask the source about one workload, and keep the answer unless a newer one is known.

        A source may accept a name; the answer is kept under the workload's id.
        """
        with self._question() as number:
            began = self._clock()
            answer = self.source.workload(workload_id)
            ids = {workload_id, answer.id if answer else workload_id}
            with self._lock:
                if number > max(self._listed, *(self._answered.get(id_, 0) for id_ in ids)):
                    self._answered |= dict.fromkeys(ids, number)
                    self._remember(workload_id, answer, began)
        return answer

    @contextmanager
    def _question(self) -> Iterator[int]:
        """Number a question to the source. Answers are compared only while one is open."""
        with self._lock:
            self._asked, self._open = self._asked + 1, self._open + 1
            number = self._asked
        try:
            yield number
        finally:
            with self._lock:
                self._open -= 1
                if not self._open:
                    self._answered.clear()

    def refresh(self, *workload_ids: str) -> bool:
        """Ask about workloads that may have changed. Return whether anything changed.

        Includes changes found earlier by callers that asked for a confirmation.
        """
        for workload_id in workload_ids:
            self.ask(workload_id)
        with self._lock:
            changed, self._unreported = self._unreported, False
        if self._may_differ:
            self._tell_left_out()
        return changed

    def confirm_gone(self, workload_id: str) -> Workload | None:
        """Ask the source whether a workload is really gone. `None` if it does not exist."""
        with self._lock:
            asked, answer = self._gone.get(workload_id, (float("-inf"), None))
        if self._clock() - asked <= FRESH:
            return answer
        return self.ask(workload_id)

    def note_failure(self, error: str) -> None:
        """Note that the source did not answer: its state is kept, but nothing may be removed."""
        with self._lock:
            self._doubt = f"no answer: {error}"

    def snapshot(self) -> Snapshot:
        """Return the current state. It never changes afterwards."""
        with self._lock:
            scopes = {self._scope, *self._former_scopes} - {""}
            return Snapshot(
                name=self.name,
                order=self._order,
                scopes=frozenset(scopes) if self._scope else frozenset(),
                identity=self._identity or "",
                identities=None if self._identity is None else self._identities,
                doubt=self._doubt,
                listing=self._listings,
                workloads=self._workloads,
                unclear=self._unclear,
                host=self._host,
                limits=self._limits,
                reasons={i: self._reasons[i] for i in sorted(self._unclear) if i in self._reasons},
            )

    def _take(self, view: View[Workload], host: Host, number: int) -> bool:
        """Keep a listing that began with this number. Return whether anything changed."""
        before = (self._workloads, self._unclear, self._doubt)
        moved, self._host = host != self._host, host
        newer = frozenset(id_ for id_, answered in self._answered.items() if answered > number)
        self._workloads = self._merge(view, newer, again=moved)
        self._sharing = _sharing(self._workloads)
        self._unclear = view.unclear - newer
        self._doubt = "" if view.complete else "its last listing was incomplete"
        if view.complete:
            self._listings, self._listed = self._listings + 1, number
        self._lacking = any(_is_lacking(one.translated) for one in self._workloads.values())
        self._forget_old_answers()
        return before != (self._workloads, self._unclear, self._doubt)

    def _merge(
        self, view: View[Workload], newer: frozenset[str], *, again: bool
    ) -> dict[str, TrackedWorkload]:
        """Return the workloads after a listing.

        Kept as they are: unclear workloads, those that an incomplete listing does not show, and
        those in `newer`, which were asked for after the listing began.
        """
        old = self._workloads
        seen = {workload.id: workload for workload in view.items if workload.id not in newer}
        seen |= {id_: old[id_].workload for id_ in newer if id_ in old}
        unclear = view.unclear - newer
        kept = dict(old) if not view.complete else {i: old[i] for i in unclear if i in old}
        for id_ in newer - old.keys():
            kept.pop(id_, None)
        everything = {**{i: one.workload for i, one in kept.items()}, **seen}
        for workload in seen.values():
            peer = everything.get(workload.namespace) if workload.namespace else None
            kept[workload.id] = self._translated(workload, peer, again=again)
        return kept

    def _remember(self, asked: str, answer: Workload | None, when: float) -> None:
        """Keep the answer to a question about one workload."""
        workloads, unclear = dict(self._workloads), self._unclear
        known = asked if answer is None else answer.id
        before = {id_: workloads.pop(id_, None) for id_ in {asked, known}}
        if answer is not None:
            workloads[known] = self._track(answer)
            if answer.namespace:
                self._sharing |= {known}
        self._workloads = workloads
        followed = self._follow(known)
        self._unclear -= {asked, known}
        if answer is None or not answer.state.offered:
            self._gone[asked] = (when, answer)
        else:
            self._gone.pop(asked, None)
        changed = any(workloads.get(id_) is not old for id_, old in before.items())
        now = [one for id_ in before if (one := workloads.get(id_))]
        self._may_differ |= followed or any(map(lacks, filter(None, before.values())))
        self._may_differ |= any(map(lacks, now))
        self._unreported |= changed or followed or self._unclear != unclear

    def _track(self, workload: Workload) -> TrackedWorkload:
        peer = self._workloads.get(workload.namespace) if workload.namespace else None
        return self._translated(workload, peer.workload if peer else None)

    def _translated(
        self, workload: Workload, peer: Workload | None, *, again: bool = False
    ) -> TrackedWorkload:
        """Return the workload with its translation: the known one if nothing changed.

        `again` translates in any case: the host or the rules may have changed.
        """
        old = self._workloads.get(workload.id)
        if old and not again and old.workload == workload and old.peer == peer:
            return old
        translated = self._translator.translate(workload, peer, self._host)
        self._lacking |= _is_lacking(translated)
        if old and (old.workload, old.peer, old.translated) == (workload, peer, translated):
            return old  # the host changed, but not for this workload
        if translated.problems != (old.translated.problems if old else ()):
            self._emit(
                ProblemsFound(
                    source=self.name, workload=workload.name, problems=translated.problems
                )
            )
        return TrackedWorkload(workload=workload, peer=peer, translated=translated)

    def _forget_old_answers(self) -> None:
        """Forget answers that are too old, or that a listing has contradicted."""
        oldest = self._clock() - FRESH
        runs = {i for i in self._gone if (e := self._workloads.get(i)) and e.workload.state.offered}
        self._gone = {
            i: gone for i, gone in self._gone.items() if gone[0] >= oldest and i not in runs
        }

    def _follow(self, workload_id: str) -> bool:
        """Translate workloads that share this one's network. Return whether any changed."""
        changed = False
        for id_ in self._sharing:
            tracked = self._workloads.get(id_)
            if tracked and tracked.workload.namespace == workload_id:
                again = self._track(tracked.workload)
                self._workloads[id_] = again
                changed |= again is not tracked
        return changed


def _is_lacking(translated: Translated) -> bool:
    return translated.failed and any(one.choice.unknown for one in translated.explained)


def _is_news(one: LeftOut) -> bool:
    return one.kind not in (LeftOutKind.STATE, LeftOutKind.WARNING, LeftOutKind.IGNORED)


def _sharing(workloads: Mapping[str, TrackedWorkload]) -> frozenset[str]:
    return frozenset(id_ for id_, one in workloads.items() if one.workload.namespace)


def _undescribed(source: str, names: list[str], why: str) -> str:
    shown = printable(some_of(names))
    return f"source {source}: cannot describe {shown}, and leaves their entries alone: {why}"


def _random(source: str, scope: str) -> str:
    return (
        f"source {source}: its scope {scope} looks like a container's random name; under another "
        "name, existing entries count as another host's: set the source's option scope "
        "(SYNCER_HOST for Docker)"
    )


class Desired:
    """The trackers of all configured sources, by name."""

    def __init__(self, trackers: Mapping[str, Tracker] = EMPTY) -> None:
        self.trackers = dict(trackers)

    def snapshots(self, names: tuple[str, ...] = ()) -> tuple[Snapshot, ...]:
        """Return a snapshot of each named source, or of all if no name is given."""
        return tuple(self.trackers[name].snapshot() for name in names or self.trackers)

    def confirm_gone(self, source: str, workload_id: str) -> Workload | None:
        """Ask `source` whether a workload is really gone. `None` if it does not exist."""
        return self.trackers[source].confirm_gone(workload_id)
