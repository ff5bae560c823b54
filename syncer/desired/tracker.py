"""The last answer of each source, and what follows from it.

A sink's cycle never waits for a source: it reads a snapshot from here. The loops of
`syncer.engine.scheduler` refresh it. Translation happens once for each change of a workload, in
the thread that learned of it, and is shared by all sinks.
"""

import threading
from collections.abc import Callable, Mapping

from syncer.api.contracts import Source
from syncer.api.fields import EMPTY
from syncer.api.model import Host, View, Workload
from syncer.desired.snapshot import RANDOM_NAME, Entry, Snapshot
from syncer.desired.translate import Translator
from syncer.events import AnyEvent, ProblemsFound, SourceListed, Warned

#: Seconds for which the answer "it is gone" about one workload counts as fresh.
FRESH = 2.0


class Tracker:
    """Keeps what one source said. `relist` is called from one thread, the rest from any."""

    def __init__(
        self,
        name: str,
        source: Source,
        translator: Translator,
        *,
        order: int = 0,
        former_scopes: tuple[str, ...] = (),
        emit: Callable[[AnyEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self.name, self.source = name, source
        self._translator, self._order = translator, order
        self._former, self._emit, self._clock = former_scopes, emit, clock
        self._lock = threading.Lock()
        self._scope = ""
        self._host = Host(name="")
        self._doubt = "it has not listed completely yet"
        self._listing = 0
        self._entries: dict[str, Entry] = {}
        self._unclear: frozenset[str] = frozenset()
        #: The workloads that share another's network, and some that did.
        self._sharing: frozenset[str] = frozenset()
        self._gone: dict[str, tuple[float, Workload | None]] = {}
        #: Questions that were asked, those still open, and the last one answered for each workload.
        self._asked = self._open = 0
        self._answered: dict[str, int] = {}
        #: Whether an answer changed something that nobody was told of.
        self._untold = False

    def relist(self) -> bool:
        """Ask the source for everything; returns whether anything is different now."""
        began = self._clock()
        scope = self.source.scope()
        with self._lock:  # known even if the rest fails: it tells what is ours, to keep it alive
            renamed, self._scope = scope != self._scope, scope
        if renamed and RANDOM_NAME.fullmatch(scope):
            self._emit(Warned(text=_random(self.name, scope)))
        host, view = self.source.host(), self.source.workloads()
        with self._lock:
            before = (self._entries, self._unclear, self._doubt)
            moved, self._host = host != self._host, host
            self._entries = self._merge(view, afresh=moved)
            self._sharing = frozenset(
                i for i, entry in self._entries.items() if entry.workload.namespace
            )
            self._unclear = view.unclear
            self._doubt = "" if view.complete else "its last listing was incomplete"
            self._listing += view.complete
            first = view.complete and self._listing == 1
            self._forget_old_answers()
            changed = renamed or before != (self._entries, self._unclear, self._doubt)
            changed, self._untold = changed or self._untold, False
            instances = sum(len(e.translated.instances) for e in self._entries.values())
        self._emit(
            SourceListed(
                source=self.name,
                workloads=len(view.items),
                instances=instances,
                unclear=len(view.unclear),
                complete=view.complete,
                first=first,
                seconds=self._clock() - began,
            )
        )
        return changed

    def take_over(self, former: "Tracker") -> None:
        """Begin with what is known of an equal source, read by the rules of this one.

        Until this source has listed there is doubt, so that nothing is removed.
        """
        try:
            self.source.take_over(former.source)
        finally:  # what was registered is to be renewed all the same
            self._begin_with(former)

    def _begin_with(self, former: "Tracker") -> None:
        with former._lock:
            scope, host = former._scope, former._host
            entries, unclear = dict(former._entries), former._unclear
        with self._lock:
            self._scope, self._host = scope, host
            self._entries, self._unclear = entries, unclear
            self._entries = {
                id_: self._translated(entry.workload, entry.peer, afresh=True)
                for id_, entry in entries.items()
            }
            self._sharing = frozenset(i for i, e in entries.items() if e.workload.namespace)

    def ask(self, workload_id: str) -> Workload | None:
        """Ask the source about one workload, and remember the answer, unless there is a newer one.

        Sources know a workload by its name too; it is remembered under its id.
        """
        with self._lock:
            self._asked, self._open = self._asked + 1, self._open + 1
            number, began = self._asked, self._clock()
        try:
            answer = self.source.workload(workload_id)
            with self._lock:
                if self._answered.get(workload_id, 0) < number:
                    self._answered[workload_id] = number
                    self._remember(workload_id, answer, began)
        finally:
            with self._lock:
                self._open -= 1
                if not self._open:
                    self._answered.clear()
        return answer

    def hear(self, workload_id: str) -> bool:
        """Something was heard of one workload: ask; returns whether anything is different now.

        Also if that was learned before, by somebody who asked for a confirmation.
        """
        self.ask(workload_id)
        with self._lock:
            changed, self._untold = self._untold, False
            return changed

    def confirm_gone(self, workload_id: str) -> Workload | None:
        """The source's own, fresh word about a workload that seems to be gone."""
        with self._lock:
            asked, answer = self._gone.get(workload_id, (float("-inf"), None))
        if self._clock() - asked <= FRESH:
            return answer
        return self.ask(workload_id)

    def _remember(self, asked: str, answer: Workload | None, when: float) -> None:
        entries, unclear = dict(self._entries), self._unclear
        known = asked if answer is None else answer.id
        before = {id_: entries.pop(id_, None) for id_ in {asked, known}}
        if answer is not None:
            entries[known] = self._entry(answer, self._entries, afresh=False)
            if answer.namespace:
                self._sharing |= {known}
        self._entries = entries
        followed = self._follow(known)
        self._unclear -= {asked, known}
        if answer is None or not answer.state.offered:
            self._gone[asked] = (when, answer)
        else:
            self._gone.pop(asked, None)
        changed = any(entries.get(id_) is not entry for id_, entry in before.items())
        self._untold |= changed or followed or self._unclear != unclear

    def fail(self, error: str) -> None:
        """The source gave no answer: what it said before stays, but is not enough to remove."""
        with self._lock:
            self._doubt = f"no answer: {error}"

    def snapshot(self) -> Snapshot:
        """What is known now; never changes afterwards."""
        with self._lock:
            scopes = {self._scope, *self._former} - {""}
            return Snapshot(
                name=self.name,
                order=self._order,
                scopes=frozenset(scopes) if self._scope else frozenset(),
                doubt=self._doubt,
                listing=self._listing,
                entries=self._entries,
                unclear=self._unclear,
            )

    def _merge(self, view: View[Workload], *, afresh: bool) -> dict[str, Entry]:
        """The entries after a listing: of what is unclear or may be hidden, the old ones stay."""
        old = self._entries
        seen = {workload.id: workload for workload in view.items}
        kept = old if not view.complete else {i: old[i] for i in view.unclear if i in old}
        everything = {**{i: entry.workload for i, entry in kept.items()}, **seen}
        entries = dict(kept)
        for workload in seen.values():
            peer = everything.get(workload.namespace) if workload.namespace else None
            entries[workload.id] = self._translated(workload, peer, afresh=afresh)
        return entries

    def _entry(self, workload: Workload, entries: dict[str, Entry], *, afresh: bool) -> Entry:
        peer = entries.get(workload.namespace) if workload.namespace else None
        return self._translated(workload, peer.workload if peer else None, afresh=afresh)

    def _translated(self, workload: Workload, peer: Workload | None, *, afresh: bool) -> Entry:
        old = self._entries.get(workload.id)
        if old and not afresh and old.workload == workload and old.peer == peer:
            return old
        translated = self._translator.translate(workload, peer, self._host)
        if old and (old.workload, old.peer, old.translated) == (workload, peer, translated):
            return old  # the host changed, but in nothing that matters to it
        if translated.problems != (old.translated.problems if old else ()):
            self._emit(
                ProblemsFound(
                    source=self.name, workload=workload.name, problems=translated.problems
                )
            )
        return Entry(workload=workload, peer=peer, translated=translated)

    def _forget_old_answers(self) -> None:
        """Forget what is not fresh any more, and what a listing has overruled."""
        oldest = self._clock() - FRESH
        runs = {i for i in self._gone if (e := self._entries.get(i)) and e.workload.state.offered}
        self._gone = {
            i: gone for i, gone in self._gone.items() if gone[0] >= oldest and i not in runs
        }

    def _follow(self, workload_id: str) -> bool:
        """Translate again what shares the network of a workload that was asked for.

        Returns whether that changed anything.
        """
        changed = False
        for id_ in self._sharing:
            entry = self._entries.get(id_)
            if entry and entry.workload.namespace == workload_id:
                again = self._entry(entry.workload, self._entries, afresh=False)
                self._entries[entry.workload.id] = again
                changed |= again is not entry
        return changed


def _random(source: str, scope: str) -> str:
    return (
        f"source {source}: its scope {scope} looks like a container's random name; under another, "
        "what is registered now counts as another host's: set the source's option scope "
        "(SYNCER_HOST for Docker)"
    )


class Desired:
    """The trackers of all configured sources, by name."""

    def __init__(self, trackers: Mapping[str, Tracker] = EMPTY) -> None:
        self.trackers = dict(trackers)

    def snapshots(self, names: tuple[str, ...] = ()) -> tuple[Snapshot, ...]:
        """A snapshot of each source named; of all if none is."""
        return tuple(self.trackers[name].snapshot() for name in names or self.trackers)

    def confirm_gone(self, source: str, workload_id: str) -> Workload | None:
        """Ask `source` whether a workload is really gone; None: surely absent."""
        return self.trackers[source].confirm_gone(workload_id)
