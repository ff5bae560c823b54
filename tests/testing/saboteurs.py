"""Sinks and sources with one fault each, and the clauses that must find it.

Not collected by itself: `test_contract_kit.py` runs it in a process of its own and compares what
failed with `FAULTS`. Each class breaks one thing that a plugin's author might break.
"""

import logging
from datetime import timedelta
from threading import Event, Lock
from typing import ClassVar

import attrs
import pytest

from syncer import (
    FoundAs,
    Mark,
    PermanentError,
    Registration,
    Sink,
    TemporaryError,
    Unhealthy,
    View,
    with_status,
)
from syncer.plugin.builtin.memory import MemorySink, MemoryStore
from syncer.testing import (
    FakeSource,
    ManualClock,
    SinkContract,
    SourceContract,
    make_instance,
    make_registration,
    make_workload,
)

#: Class name -> the clauses that must fail, and no other.
FAULTS: dict[str, set[str]] = {}
SECRET = "hunter2"
BAD = "bad"


def finds(*clauses):
    """Notes which clauses must find the fault of the class; none for the healthy."""

    def note(cls):
        FAULTS[cls.__name__] = set(clauses)
        return cls

    return note


# --- sinks ---------------------------------------------------------------------------------


class LeasingSink(MemorySink):
    """A healthy sink with everything that the contract has a clause for, over a memory store."""

    pulse = timedelta(seconds=1)
    ttl = 3.0

    def __init__(self, store, clock, ends):
        super().__init__(store)
        self.clock, self.ends, self.lock = clock, ends, Lock()
        self.broken: set[str] = set()
        self.closed = False

    def registrations(self) -> View[Registration]:
        with self.lock:
            for id_ in [id_ for id_, end in self.ends.items() if end <= self.clock()]:
                del self.ends[id_]
                self._forget(id_)
        view = super().registrations()
        kept = [r for r in view.items if r.id not in self.broken]
        return View(kept, unclear=frozenset(self.broken))

    def _forget(self, id_):
        for held in self.store.all():
            if held.id == id_:
                self.store.drop(id_, held.version)

    def register(self, new):
        if new.instance.service == "refused":
            raise PermanentError(f"{new.id}: refused")
        held = super().register(new)
        self.ends[new.id] = self.clock() + self.ttl
        return held

    def deregister(self, old):
        super().deregister(old)
        self.ends.pop(old.id, None)

    def park(self, instance):
        return with_status(instance, Unhealthy.KEEP)

    def found_as(self, instance):
        meta = instance.meta
        return FoundAs(
            {instance.service, meta.get("alias", instance.service)},
            {instance.address, meta.get("at", instance.address)},
        )

    def renew(self, held):
        lost = []
        with self.lock:
            for one in held:
                if one.id in self.ends and self.ends[one.id] > self.clock():
                    self.ends[one.id] = self.clock() + self.ttl
                else:
                    lost.append(one)
        return lost


class Unreachable(Sink):
    """Nobody answers."""

    def _fail(self, *_):
        raise TemporaryError("no answer")

    registrations = register = update = deregister = _fail


class Healthy(SinkContract):
    """Every clause applies, and every fixture is there."""

    examples: ClassVar[int] = 3
    patience: ClassVar[float] = 1.0
    kind: ClassVar[type[LeasingSink]] = LeasingSink
    silent: ClassVar[type[Sink]] = Unreachable

    @pytest.fixture
    def store(self):
        return MemoryStore()

    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def ends(self):
        return {}

    @pytest.fixture
    def sink(self, store, clock, ends):
        return self.kind(store, clock, ends)

    @pytest.fixture
    def reopen(self, store, clock, ends):
        return lambda: self.kind(store, clock, ends)

    @pytest.fixture
    def unmarked(self, store):
        return lambda instance: store.put(Registration(instance=instance), expected=None)

    @pytest.fixture
    def unreachable(self):
        return self.silent()

    @pytest.fixture
    def spoil(self, sink):
        def add():
            sink.broken.add(BAD)
            return BAD

        return add

    @pytest.fixture
    def elsewhere(self):
        led = make_instance(meta={"alias": "other", "at": "192.0.2.9"})
        return [(led, FoundAs(("other",), ("192.0.2.9",)))]

    @pytest.fixture
    def forge(self, store):
        def write(instance, fields):
            new = Registration(instance=instance, mark=Mark.from_fields(fields))
            store.put(new, expected=None)

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("refused")

    @pytest.fixture
    def secrets(self):
        return [SECRET]

    @pytest.fixture
    def lapse(self, clock):
        def go(meanwhile):
            for _ in range(8):
                meanwhile()
                clock.advance(0.5)

        return go


@finds()
class SabotageNothing(Healthy):
    """The healthy sink passes everything, with nothing skipped."""

    examples = 30


def sabotage(*clauses):
    """Makes a contract for a faulty sink class."""

    def build(sink_class):
        name = f"Sabotage{sink_class.__name__}"
        found = {"kind": sink_class, "__module__": __name__}
        if "converges" in clauses:
            found["examples"] = 100
        made = type(name, (Healthy,), found)
        globals()[name] = finds(*clauses)(made)
        return sink_class

    return build


@sabotage("new")
class ShowsAGhost(LeasingSink):
    """Lists something of ours before anything was written."""

    looked = False

    def registrations(self):
        view = super().registrations()
        if self.looked or self.store._writes:
            return view
        self.looked = True
        return View((make_registration(make_instance("ghost")),))


@sabotage("register")
class AnswersWrongOnRegister(LeasingSink):
    """Answers a write with something else than a listing shows."""

    def register(self, new):
        held = super().register(new)
        return held if new.id not in RICH_IDS else attrs.evolve(held, mark=None)


RICH_IDS = {make_instance().id}


@sabotage("register", "converges", "reopened", "lease")
class LosesTags(LeasingSink):
    """Keeps no tags, and does not say so."""

    def register(self, new):
        return super().register(attrs.evolve(new, instance=attrs.evolve(new.instance, tags=())))


@sabotage("update")
class AnswersOldOnUpdate(LeasingSink):
    """Answers an update with what was there before."""

    def update(self, old, new):
        held = super().update(old, new)
        return old if new.instance.service == "web" else held


@sabotage("update")
class UpdateDropsNeighbour(LeasingSink):
    """An update removes what another service has on this port's neighbour."""

    def update(self, old, new):
        held = super().update(old, new)
        if new.instance.service == "web":
            self._forget(make_instance("db", 5432).id)
        return held


@sabotage("deregister")
class DeregistersByPrefix(LeasingSink):
    """Removes everything whose id begins with the id, as a range delete does."""

    def deregister(self, old):
        super().deregister(old)
        if old.instance.port == 80 and old.instance.service == "web":
            for held in self.store.all():
                if held.id.startswith(old.id):
                    self._forget(held.id)


@sabotage("absent")
class AbsentIsAnError(LeasingSink):
    """Takes it ill that something is gone already."""

    def deregister(self, old):
        if old.id not in [held.id for held in self.store.all()]:
            raise PermanentError(f"{old.id}: not found")
        super().deregister(old)


@sabotage("others")
class HidesOtherOwners(LeasingSink):
    """Lists only what carries our owner."""

    def registrations(self):
        view = super().registrations()
        kept = [r for r in view.items if r.mark is None or r.mark.owner == "syncer"]
        return attrs.evolve(view, items=kept)


@sabotage("unmarked")
class ClaimsTheUnmarked(LeasingSink):
    """Takes everything for ours."""

    def registrations(self):
        view = super().registrations()
        kept = [r if r.mark else make_registration(r.instance) for r in view.items]
        return attrs.evolve(view, items=kept)


@sabotage("unmarked")
class HidesTheUnmarked(LeasingSink):
    """Lists only what has a mark."""

    def registrations(self):
        view = super().registrations()
        return attrs.evolve(view, items=[r for r in view.items if r.mark])


@sabotage("converges")
class LosesEmptyTags(LeasingSink):
    """Stores tags as one line, in which an empty tag leaves no trace."""

    def register(self, new):
        return super().register(self._flat(new))

    def update(self, old, new):
        return super().update(old, self._flat(new))

    def _flat(self, new):
        kept = tuple(tag for tag in new.instance.tags if tag)
        return attrs.evolve(new, instance=attrs.evolve(new.instance, tags=kept))


@sabotage("converges")
class RefusesWhatAdjustLetPass(LeasingSink):
    """Refuses IPv6 only when it is written."""

    def register(self, new):
        if ":" in new.instance.address:
            raise PermanentError(f"{new.id}: no IPv6")
        return super().register(new)


@sabotage("adjust")
class AdjustAddsEachTime(LeasingSink):
    """Adds to what it has adjusted already."""

    def adjust(self, instance):
        if instance.service != "pure":
            return instance
        return attrs.evolve(instance, tags=(*instance.tags, f"t{len(instance.tags)}"))


@sabotage("outcomes")
class StopsAtTheFirstError(LeasingSink):
    """One refused change ends the batch."""

    def apply(self, changes):
        for change in changes:
            outcome = self.attempt(change)
            yield outcome
            if outcome.error is not None:
                return


@sabotage("outcomes")
class ForgetsAnOutcome(LeasingSink):
    """Does not answer for removals in a batch."""

    def apply(self, changes):
        for outcome in super().apply(changes):
            if outcome.registration is not None or outcome.error is not None:
                yield outcome


@sabotage("reopened")
class RemembersMarksItself(LeasingSink):
    """Keeps marks in the process, where a restart loses them."""

    def __init__(self, *args):
        super().__init__(*args)
        self.mine: set[str] = set()

    def register(self, new):
        self.mine.add(new.id)
        return super().register(new)

    def registrations(self):
        view = super().registrations()
        if not self.mine:
            view = attrs.evolve(
                view,
                items=[
                    attrs.evolve(r, mark=None) if r.mark and r.instance.service == "kept" else r
                    for r in view.items
                ],
            )
        return view


@finds("unreachable")
class SabotageEmptyWhenUnreachable(Healthy):
    """Takes no answer for an empty registry."""

    class silent(Unreachable):
        def registrations(self):
            return View(())


@finds("unreachable")
class SabotageLeaksTheClientsError(Healthy):
    """Lets the client library's exception through on a write."""

    class silent(Unreachable):
        def register(self, new):
            raise ConnectionError("refused")


@finds("unreachable")
class SabotageUnreachableIsPermanent(Healthy):
    """Gives up on a registry that is only down."""

    class silent(Unreachable):
        def registrations(self):
            raise PermanentError("no answer")


@sabotage("unreadable")
class PassesOverTheUnreadable(LeasingSink):
    """Lists what it can read, and calls that complete."""

    def registrations(self):
        return View(super().registrations().items)


@sabotage("unreadable")
class OneBadHidesAll(LeasingSink):
    """Shows nothing any more when one registration cannot be read."""

    def registrations(self):
        view = super().registrations()
        return View((), complete=False) if self.broken else view


@sabotage("found")
class TellsNoAlias(LeasingSink):
    """Says nothing of the names and addresses that its metadata has."""

    def found_as(self, instance):
        return Sink.found_as(self, instance)


@sabotage("found")
class TellsAliasesOnly(LeasingSink):
    """Forgets what it is registered as."""

    def found_as(self, instance):
        found = super().found_as(instance)
        return FoundAs(found.names - {instance.service}, found.addresses - {instance.address})


@sabotage("hostile")
class BelievesThatMarksAreText(LeasingSink):
    """Lists nothing any more once somebody has written a mark that is none."""

    def registrations(self):
        view = super().registrations()
        if any(r.mark is None and r.instance.service == "hostile" for r in view.items):
            raise TemporaryError("not a mark")
        return view


@sabotage("hostile")
class KnowsNotWhatIsThere(LeasingSink):
    """Calls the whole listing incomplete for one mark that is none, so that nothing is removed."""

    def registrations(self):
        view = super().registrations()
        hostile = [r for r in view.items if r.mark is None and r.instance.service == "hostile"]
        return attrs.evolve(view, complete=view.complete and not hostile)


@sabotage("rejected")
class RejectsAsTemporary(LeasingSink):
    """Has what is refused tried again and again."""

    def register(self, new):
        if new.instance.service == "refused":
            raise TemporaryError("try again")
        return super().register(new)


@sabotage("rejected")
class SwallowsTheRejected(LeasingSink):
    """Says yes to everything."""

    def register(self, new):
        return new if new.instance.service == "refused" else super().register(new)


@sabotage("race")
class LastWriterWins(LeasingSink):
    """Updates without looking at the version."""

    def update(self, old, new):
        now = {held.id: held for held in self.store.all()}.get(old.id, old)
        return super().update(now, new)


@sabotage("race", "outcomes")
class RegisterOverwrites(LeasingSink):
    """Registers over what somebody else has written."""

    def register(self, new):
        self._forget(new.id)
        return super().register(new)


@sabotage("race")
class RemovesWhatHasChanged(LeasingSink):
    """Removes without looking at the version."""

    def deregister(self, old):
        self._forget(old.id)
        super().deregister(old)


@sabotage("lease")
class NeverExpires(LeasingSink):
    """Its registrations outlive it."""

    ttl = 1e9


@sabotage("lease")
class RenewsNothing(LeasingSink):
    """Says that all is well and renews nothing."""

    def renew(self, held):
        return [one for one in held if one.id not in self.ends]


@sabotage("lease")
class NeverSaysLost(LeasingSink):
    """Does not tell what is lost."""

    def renew(self, held):
        super().renew(held)
        return []


@sabotage("beside")
class RenewDisturbsApply(LeasingSink):
    """Renewing writes back everything that was there when it last looked."""

    def renew(self, held):
        if len(held) > 1:
            raise RuntimeError("dictionary changed size during iteration")
        return super().renew(held)


@sabotage("locks")
class GivesTheLockToAll(LeasingSink):
    """Everybody has every lock."""

    def __init__(self, *args):
        super().__init__(*args)
        self.locks.take = lambda name, ttl: True


@sabotage("locks")
class NeverLetsGo(LeasingSink):
    """A lock that is released is nobody's."""

    def __init__(self, *args):
        super().__init__(*args)
        self.locks.release = lambda name: None


@sabotage("locks")
class LetsGoOfOthers(LeasingSink):
    """Releases the lock that another has."""

    def __init__(self, *args):
        super().__init__(*args)
        self.locks.release = lambda name: self.store._locks.pop(name, None)


@sabotage("secrets")
class TellsInItsRepr(LeasingSink):
    """Shows its token in its repr."""

    def __repr__(self):
        return f"Sink(token={SECRET})"


@sabotage("secrets")
class TellsInItsLog(LeasingSink):
    """Logs its requests with all headers."""

    def registrations(self):
        logging.getLogger("client").debug("GET / token=%s", SECRET)
        return super().registrations()


@sabotage("secrets")
class TellsInItsCredentials(LeasingSink):
    """Hands on the token itself."""

    def credentials(self):
        return SECRET


@sabotage("credentials")
class CredentialsOfEachRequest(LeasingSink):
    """Counts the tokens that it made, of which each request needs one."""

    made = 0

    def registrations(self):
        self.made += 1
        return super().registrations()

    def credentials(self):
        return self.made


@sabotage("watch")
class WatchesForEver(LeasingSink):
    """Does not look at the stop event."""

    def watch(self, wake, stop):
        Event().wait()


@sabotage("close")
class ClosesOnce(LeasingSink):
    """Cannot be closed again."""

    def close(self):
        if self.closed:
            raise ValueError("closed already")
        self.closed = True


@finds(*Healthy.clauses())
class SabotageDeclinesWhatIsNot(Healthy):
    """A clause that does not exist cannot be declined."""

    declines = {"no-such-clause": "because"}


@finds("race", "reopened", "locks")
class SabotageGivesNoFixture(Healthy):
    """A missing fixture is a failure, not a skip."""

    reopen = SinkContract.reopen


@finds()
class SabotageDeclinesTheClause(Healthy):
    """A clause that is declined asks for no fixture."""

    declines = {
        "race": "no compare-and-set",
        "reopened": "nothing is kept",
        "locks": "it has none",
    }
    reopen = SinkContract.reopen


# --- sources -------------------------------------------------------------------------------


class World:
    """What runs; several sources can look at it."""

    def __init__(self):
        self.source = None
        self.count = 0


class UnreachableSource(FakeSource):
    def __init__(self):
        super().__init__()
        self.failure = TemporaryError("no answer")


class HealthySource(SourceContract):
    """Every clause applies, and every fixture is there."""

    patience: ClassVar[float] = 1.0
    kind: ClassVar[type[FakeSource]] = FakeSource
    silent: ClassVar[type[FakeSource]] = UnreachableSource

    @pytest.fixture
    def source(self):
        return self.kind()

    @pytest.fixture
    def reopen(self, source):
        def again():
            other = self.kind()
            other._held = source._held
            return other

        return again

    @pytest.fixture
    def start(self, source):
        def run(name):
            source.put(make_workload(name))
            return name

        return run

    @pytest.fixture
    def end(self, source):
        return source.remove

    @pytest.fixture
    def unreachable(self):
        return self.silent()

    @pytest.fixture
    def obscure(self, source):
        def make(id_):
            source.unclear = frozenset({id_})

        return make

    @pytest.fixture
    def break_watch(self, source):
        return source.break_watch

    @pytest.fixture
    def secrets(self):
        return [SECRET]


@finds()
class SabotageNothingOfTheSource(HealthySource):
    """The fake source keeps the contract."""


def sabotage_source(*clauses):
    """Makes a contract for a faulty source class."""

    def build(source_class):
        name = f"Sabotage{source_class.__name__}"
        made = type(name, (HealthySource,), {"kind": source_class, "__module__": __name__})
        globals()[name] = finds(*clauses)(made)
        return source_class

    return build


@sabotage_source("scope")
class ScopeOfTheProcess(FakeSource):
    """Each process speaks for another scope."""

    def __init__(self):
        super().__init__()
        self.held_scope = ""

    def scope(self):
        return self.held_scope or "kit-scope"

    def host(self):
        self.held_scope = "other"
        return attrs.evolve(super().host(), name="")


@sabotage_source("scope")
class IdentityOfTheMoment(FakeSource):
    """Makes up an identity each time that it is asked for it."""

    asked = 0

    def identity(self):
        self.asked += 1
        return f"identity-{self.asked}"


@sabotage_source("scope")
class IdentityOfTheProcess(FakeSource):
    """Each process has another identity for the same engine."""

    def __init__(self):
        super().__init__()
        self.own_identity = f"identity-{id(self)}"


@sabotage_source("lists", "asks", "stable", "wakes", "gone", "unclear")
class ListsNothing(FakeSource):
    """Says that nothing runs."""

    def workloads(self):
        return View(())


@sabotage_source("lists")
class ListsAnotherScope(FakeSource):
    """Its workloads are of another scope than it says itself."""

    def scope(self):
        return "another"


@sabotage_source("asks")
class AsksLess(FakeSource):
    """Describes one workload otherwise than in the listing."""

    def workload(self, id):
        found = super().workload(id)
        return found and attrs.evolve(found, image="fresh")


@sabotage_source("stable")
class IdsOfTheProcess(FakeSource):
    """Numbers workloads anew in each process."""

    numbers: ClassVar[list[int]] = []

    def __init__(self):
        super().__init__()
        self.numbers.append(1)
        self.image = str(len(self.numbers))

    def workloads(self):
        view = super().workloads()
        return attrs.evolve(view, items=[attrs.evolve(w, image=self.image) for w in view.items])

    def workload(self, id):
        found = super().workload(id)
        return found and attrs.evolve(found, image=self.image)


@sabotage_source("gone")
class KeepsTheDead(FakeSource):
    """Answers from a memory that it never clears."""

    def __init__(self):
        super().__init__()
        self.memory = {}

    def put(self, *workloads):
        self.memory.update({w.id: w for w in workloads})
        super().put(*workloads)

    def workload(self, id):
        return self.memory.get(id)


@finds("unreachable")
class SabotageNoneWhenUnreachable(HealthySource):
    """Takes no answer for a workload's end."""

    class silent(UnreachableSource):
        def workload(self, id):
            return None


@finds("unreachable")
class SabotageNothingRunsWhenUnreachable(HealthySource):
    """Takes no answer for an empty host."""

    class silent(UnreachableSource):
        def workloads(self):
            return View(())


@sabotage_source("unclear")
class PassesOverTheUnclear(FakeSource):
    """Leaves out what it cannot describe."""

    def workloads(self):
        return View(super().workloads().items)


@sabotage_source("begins")
class BeginsWithAnId(FakeSource):
    """Its first wake names a workload only."""

    def watch(self, wake, stop):
        super().watch(lambda id_: wake(id_ or "first"), stop)


@sabotage_source("wakes", "breaks")
class WakesOnlyAtTheBeginning(FakeSource):
    """Never wakes again."""

    def watch(self, wake, stop):
        self._watches.append(over := Event())
        wake(None)
        while not stop.is_set() and not over.wait(0.01):
            pass


@sabotage_source("wakes")
class WakesOnceForChanges(FakeSource):
    """After the first change of a watch it hears no other."""

    def watch(self, wake, stop):
        heard = []

        def once(id_):
            heard.append(id_)
            if len(heard) <= 2:
                wake(id_)

        super().watch(once, stop)


@sabotage_source("breaks")
class DeafAfterABreak(FakeSource):
    """Goes on with a dead stream."""

    def watch(self, wake, stop):
        if not self.calls["watch"]:
            super().watch(wake, stop)
            return
        stop.wait()


@sabotage_source("stops")
class CannotBeStopped(FakeSource):
    """Looks at neither stop nor close while others run."""

    def close(self):
        self.calls["close"] += 1


@sabotage_source("secrets")
class SourceTellsInItsRepr(FakeSource):
    """Shows its token in its repr."""

    def __repr__(self):
        return f"Source(token={SECRET})"


@sabotage_source("secrets")
class SourceTellsInItsCredentials(FakeSource):
    """Hands on the token itself."""

    def credentials(self):
        return SECRET


@sabotage_source("credentials")
class SourceCredentialsOfEachRequest(FakeSource):
    """Counts its requests."""

    def credentials(self):
        return self.calls.total()


@sabotage_source("close")
class SourceClosesOnce(FakeSource):
    """Cannot be closed again."""

    def close(self):
        if self.calls["close"]:
            raise ValueError("closed already")
        super().close()
