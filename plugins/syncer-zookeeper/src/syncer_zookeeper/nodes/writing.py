"""Writing: many changes at the same time, each on the condition that its node is unchanged.

A node is held by the session that created it. A node of another session, that of an earlier
process for example, is removed and created again in one transaction: nobody sees it missing, and
it does not expire with the other session. Changes that share a path, since an instance moves to
the place of another, are made in one transaction too.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import attrs
from kazoo.exceptions import NoNodeError

from syncer import Change, Conflict, Deregister, Outcome, Register, SyncerError
from syncer.kits.keyvalue import Layout, prepared
from syncer_zookeeper.failures import UNTRIED, is_first, translated
from syncer_zookeeper.nodes.folders import make_folders
from syncer_zookeeper.nodes.listing import Version
from syncer_zookeeper.nodes.paths import check_path, parent
from syncer_zookeeper.session import Ask, Session, exists


@attrs.frozen
class Step:
    """A change with the node that must exist before (`old`), and the node after it."""

    change: Change
    old: Version | None = None
    path: str = ""
    value: bytes = b""

    @property
    def paths(self) -> set[str]:
        """All paths that it touches."""
        return {path for path in (self.path, self.old.path if self.old else "") if path}


class Writer:
    """Makes the changes of one sink. Used by one thread."""

    def __init__(self, session: Session, layout: Layout) -> None:
        self._session, self._layout = session, layout
        #: The paths of nodes that were written here, and not removed since.
        self.held: set[str] = set()

    def write(self, changes: Collection[Change], folders: Collection[str]) -> Iterator[Outcome]:
        """Make the changes; return an outcome for each. `folders` are paths known to exist."""
        left = {id(change): change for change in changes}
        try:
            for outcome in self._written(changes, folders):
                left.pop(id(outcome.change), None)
                yield outcome
        except SyncerError as error:
            for change in left.values():
                yield Outcome(change, error=error)

    def _written(self, changes: Iterable[Change], folders: Collection[str]) -> Iterator[Outcome]:
        steps, refused = prepared(changes, self._step)
        yield from refused
        ready: list[Step] = []
        for looked in self._looked_at(steps):
            if isinstance(looked, Outcome):
                yield looked
            else:
                ready.append(looked)
        wanted = {parent(step.path) for step in ready if step.path}
        unmade = make_folders(self._session, wanted, folders)
        for step in ready:
            if parent(step.path) in unmade:
                yield Outcome(step.change, error=unmade[parent(step.path)])
        ready = [step for step in ready if parent(step.path) not in unmade]
        yield from self._sent(groups(ready))

    def _step(self, change: Change) -> Step:
        old: Version | None = None
        if not isinstance(change, Register):
            # Without a version, only the place of the entry is known.
            nowhere = Version(self._layout.key(change.old.instance), -1, 0, 0)
            old = Version.parse(change.old.version) if change.old.version else nowhere
        if isinstance(change, Deregister):
            return Step(change, old)
        path = self._layout.key(change.new.instance)
        check_path(path)
        return Step(change, old, path, self._layout.value(change.new).encode())

    def _looked_at(self, steps: Sequence[Step]) -> Iterator[Step | Outcome]:
        """Yield the steps whose old nodes are unchanged, and the outcomes of the others.

        A node's version alone is not enough: it starts again in a node that is created again.
        """
        yield from (step for step in steps if step.old is None)
        olds = [(step, step.old) for step in steps if step.old is not None]
        answers = self._session.gather(exists(old.path) for _, old in olds)
        for (step, old), stat in zip(olds, answers, strict=True):
            if isinstance(stat, BaseException):
                yield Outcome(step.change, error=translated(stat, step.change.id))
            elif stat is None:
                if isinstance(step.change, Deregister):
                    self.held.discard(old.path)
                    yield Outcome(step.change)
                else:
                    yield _conflict(step, "it is gone")
            elif old.version not in (-1, stat.version) or old.made not in (0, stat.czxid):
                yield _conflict(step, "it was changed")
            else:
                now = Version(old.path, stat.version, stat.czxid, stat.ephemeralOwner)
                yield attrs.evolve(step, old=now)

    def _sent(self, batches: Sequence[Sequence[Step]]) -> Iterator[Outcome]:
        """Send the groups and look at the new nodes. A refused group is sent again one by one."""
        session = self._session.current
        asks: list[Ask] = []
        for group in batches:
            asks.append(self._request(group, session))
            asks += [exists(step.path) for step in group if step.path]
        answers = iter(self._session.gather(asks))
        again: list[list[Step]] = []
        for group in batches:
            failure = _failure(next(answers))
            stats = {step.path: next(answers) for step in group if step.path}
            if len(group) > 1 and is_first(failure):
                again += [[step] for step in group]
                continue
            for step in group:
                yield self._outcome(step, failure, stats.get(step.path))
        if again:
            yield from self._sent(again)

    def _request(self, group: Sequence[Step], session: int) -> Ask:
        (first, *more) = group
        path, value, old = first.path, first.value, first.old
        if more or (path and old and (path != old.path or old.session != session)):
            return self._transaction(group)
        if old is None:
            return lambda client: client.create_async(path, value, self._session.acl, True)
        if not path:
            return lambda client: client.delete_async(old.path, old.version)
        return lambda client: client.set_async(path, value, old.version)

    def _transaction(self, group: Sequence[Step]) -> Ask:
        """Return one transaction that removes all old nodes, then creates all new ones."""

        def commit(client: Any) -> Any:
            request = client.transaction()
            for step in group:
                if step.old:
                    request.delete(step.old.path, step.old.version)
            for step in group:
                if step.path:
                    request.create(step.path, step.value, self._session.acl, True)
            return request.commit_async()

        return commit

    def _outcome(self, step: Step, failure: BaseException | None, stat: Any) -> Outcome:
        change = step.change
        if isinstance(failure, NoNodeError) and isinstance(change, Deregister):
            failure = None  # somebody else removed it
        if failure is not None:
            where = f"{change.id} at {step.path}" if step.path else change.id
            return Outcome(change, error=translated(failure, where))
        if step.old is not None:
            self.held.discard(step.old.path)
        if isinstance(change, Deregister):
            return Outcome(change)
        self.held.add(step.path)
        version = _version(step, stat)
        return Outcome(change, attrs.evolve(change.new, version=str(version), damaged=""))


def groups(steps: Iterable[Step]) -> list[list[Step]]:
    """Return the steps in groups that share no path."""
    found: list[list[Step]] = []
    place: dict[str, int] = {}
    for step in steps:
        met = sorted({place[path] for path in step.paths if path in place})
        if not met:
            met = [len(found)]
            found.append([])
        home = met[0]
        found[home].append(step)
        for other in met[1:]:
            found[home] += found[other]
            found[other] = []
        for path in {path for member in found[home] for path in member.paths}:
            place[path] = home
    return [group for group in found if group]


def _version(step: Step, stat: Any) -> Version:
    """Return the version of the step's node; `stat` is what was read right after the write."""
    if isinstance(stat, BaseException) or stat is None:
        return Version(step.path, -2, 0, 0)  # gone already: the next change is a conflict
    in_place = step.old is not None and step.old.path == step.path
    expected = {0, step.old.version + 1} if in_place and step.old else {0}
    version = stat.version if stat.version in expected else -2
    return Version(step.path, version, stat.czxid, stat.ephemeralOwner)


def _failure(answer: Any) -> BaseException | None:
    """Return the error of an answer, whatever a transaction says; `None` if there is none."""
    if isinstance(answer, BaseException):
        return answer
    for part in answer if isinstance(answer, list) else ():
        if isinstance(part, BaseException) and not isinstance(part, UNTRIED):
            return part
    return None


def _conflict(step: Step, why: str) -> Outcome:
    text = f"{step.change.id}: somebody else was first: {why}"
    return Outcome(step.change, error=Conflict(text))
