"""Random histories: containers change, people edit, everything fails, syncers die and come back.

At no step is a promise broken (see `promises.py`), and after the last fault the registry is soon
equal to what runs. `TEST_MODEL=thorough` tries thousands of histories, each time others;
`TEST_MODEL=first` does not look
for the shortest history that fails.
"""

import contextlib
import os

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from model.process import Config, Process
from model.promises import Promises, brief, origin
from model.registry import PULSE, SLOW, Faults, KilledError, Registry
from model.world import ADDRESS, Container, Runtime
from syncer import Health, Instance, Mark, Registration, State, Status
from syncer.plan.brakes import SLOW_CAP
from syncer.plan.guard import PAUSE
from syncer.testing import ManualClock

#: One test that is as long as many: the usual limit is for a machine that does nothing else.
pytestmark = pytest.mark.timeout(7200 if os.environ.get("TEST_MODEL") == "thorough" else 900)
MODE = os.environ.get("TEST_MODEL", "")
THOROUGH = MODE == "thorough"

#: Who runs: a host with two sources, another host, and another owner on the first host.
OWNERS = {"a": "syncer", "b": "syncer", "c": "other"}
SCOPES = {"a": "a", "b": "b", "c": "a"}
SOURCES = {"a": ("docker", "file"), "b": ("docker",), "c": ("docker",)}
#: What tells sources of one scope apart; a file has nothing.
IDENTITIES = {"docker": "engine", "file": ""}
#: In some histories the first host's sources have a second syncer: a lock decides which one writes.
TWIN = "a2"
PLACES = [(who, name) for who, names in SOURCES.items() for name in names]
#: Cycles after which all is as it should be: an id may pass through the hands of two hosts, and
#: the guard waits for a second listing.
BOUND = 3

#: Most of it happens in one place: what breaks a promise comes from several things together.
whos = st.sampled_from(["a", "a", "a", "a", TWIN, TWIN, "b", "c"])
places = st.sampled_from([PLACES[0]] * 5 + PLACES[1:])
#: What the syncer of the place does about an event.
thens = st.sampled_from(["", "hear", "hear", "hear", "work", "work", "work", "cycle"])
containers = st.sampled_from(["c1", "c2", "c3"])
ports = st.sampled_from([80, 80, 81])
names = st.sampled_from(["web", "api"])
services = st.sampled_from(["web", "web", "web", "api", "api", "bad"])
ids = st.sampled_from(["a:web:80", "a:web:80", "a:web:81", "a:api:80", "b:web:80", "shared"])
#: What an operator names, and asks for.
named = st.sampled_from(["", "web", "web", "api", "a:web:80", "shared"])
#: What is not ours in the mark of an entry that somebody else writes; of a ghost all is.
FORGED = ["none", "owner", "scope", "source", "identity", "ghost"]
asked = st.sampled_from(["drain", "drain", "force", "undrain"])
#: How the registry of `a` shows what is not up: with its status, not at all, or not unless drained.
statuses = st.sampled_from(["keep", "keep", "drop", "park"])
policies = st.sampled_from(["sync"] * 6 + ["upsert-only", "create-only"])

#: What can break, and what can change meanwhile, for the rule that puts them together.
FAULTS = ["source fails", "another is hidden", "it is unclear", "restart", "kill", "deaf"]
FAULTS += ["down", "unreadable", "entries are hidden", "entry is unclear", "refuses", "wiped"]
FAULTS += ["before", "after", "refused", "raced", "slow", "leaves"]
FAULTS += ["another is missed"] * 2
CHANGES = ["stop", "remove", "remove all", "rename", "relabel", "move", "ill", "succeed", "start"]
CHANGES += ["share", "share", "drain", "undrain"]
troubles = st.lists(
    st.tuples(
        st.sampled_from(FAULTS),
        containers,
        st.lists(st.sampled_from(CHANGES), max_size=2),
        thens,
        st.sampled_from([True, True, False]),
        thens,
    ),
    min_size=4,
    max_size=12,
)


class Histories(RuleBasedStateMachine):
    """What can happen, one rule for each kind of event."""

    @initialize(
        leases=st.booleans(),
        lag=st.sampled_from([0.0, 0.0, 3.0]),
        policy=policies,
        shows=statuses,
        keep_last=st.sampled_from([False, False, True]),
        twin=st.booleans(),
    )
    def begin(self, leases, lag, policy, shows, keep_last, twin):
        """The configuration of all; all but the first two are of `a`."""
        self.clock = ManualClock()
        self.registry = Registry(self.clock, leases=leases, lag=lag)
        self.runtimes = {
            who: {name: Runtime(name, SCOPES[who], IDENTITIES[name]) for name in SOURCES[who]}
            for who in OWNERS
        }
        self.runtimes[TWIN] = self.runtimes["a"]
        self.faults = {who: Faults() for who in (*OWNERS, TWIN)}
        self.configs = {who: Config(OWNERS[who], SOURCES[who]) for who in OWNERS}
        self.configs["a"] = attrs.evolve(
            self.configs["a"],
            policy=policy,
            drop=shows != "keep",
            parks=shows == "park",
            keep_last=keep_last,
            locked=twin,
        )
        self.processes = {}
        self.outer, self.waiting = 8000, False
        self.pair = ("a", TWIN) if twin else ("a",)
        for who in dict.fromkeys((*self.pair, *OWNERS)):
            self._start(who)
        self.promises = Promises(self.processes, self.registry, self.clock)
        self.registry.on_wait = self._beside
        self.registry.on_write = self.promises.write
        self.registry.on_expiry = self.promises.expiry
        for place in PLACES:
            for number, name in enumerate(("web", "api", "api")):
                fields = {"name": f"{name}{number}" if number > 1 else name, "service": name}
                self._put(place, f"c{number + 1}", inner=80, **fields)
        self.all_work()

    # What runs.

    @rule(place=places, id=containers, name=names, service=services, port=ports, then=thens)
    def run(self, place, id, name, service, port, then):
        """A container starts, or goes on under another name, with other labels, on another port."""
        self._put(place, id, name=name, service=service, inner=port, shared=False)
        self._then(place[0], then)

    @rule(place=places, id=containers, service=services, then=thens)
    def run_shared(self, place, id, service, then):
        """One starts that asks for the id that others ask for, too."""
        self._put(place, id, name=id, service=service, inner=80, shared=True)
        self._then(place[0], then)

    @rule(place=places, id=containers, state=st.sampled_from(State), then=thens)
    def state(self, place, id, state, then):
        """A container is stopped, paused, started again."""
        self._alter(place, id, state=state)
        self._then(place[0], then)

    @rule(place=places, id=containers, health=st.sampled_from(Health), then=thens)
    def health(self, place, id, health, then):
        """Its health changes."""
        self._alter(place, id, health=health)
        self._then(place[0], then)

    @rule(place=places, id=containers, then=thens)
    def moves(self, place, id, then):
        """It is published on another port of the host."""
        self._alter(place, id, outer=self._new_port())
        self._then(place[0], then)

    @rule(place=places, id=containers, then=thens)
    def remove(self, place, id, then):
        """It is gone."""
        self._runtime(place).remove(id)
        self._then(place[0], then)

    @rule(place=places, then=thens)
    def remove_all(self, place, then):
        """All of a source's containers go at once."""
        for id_ in list(self._runtime(place).containers):
            self._runtime(place).remove(id_)
        self._then(place[0], then)

    # What syncers do.

    @rule(who=whos)
    def hears(self, who):
        """It asks for what events named."""
        self._alive(who, Process.hear)

    @rule(place=places)
    def lists(self, place):
        """It lists a source."""
        self._alive(place[0], lambda process: process.relist(place[1]))

    @rule(who=whos, fresh=st.booleans())
    def cycles(self, who, fresh):
        """It runs a cycle."""
        self._alive(who, lambda process: process.cycle(fresh=fresh))

    @rule(who=whos)
    def works(self, who):
        """It lists everything and runs a cycle."""
        self._alive(who, Process.work)

    @rule()
    def all_work(self):
        """All of them do."""
        for who in list(self.processes):
            self._alive(who, Process.work)

    @rule(who=whos, policy=policies, without=st.sampled_from(["", "", "file"]))
    def restarts(self, who, policy, without):
        """It is restarted, perhaps with another policy or without one of its sources."""
        host = "a" if who == TWIN else who
        sources = tuple(name for name in SOURCES[host] if name != without)
        self.configs[host] = attrs.evolve(self.configs[host], policy=policy, sources=sources)
        for who in self.pair if host == "a" else (host,):
            self._alive(who, Process.resign)
            self._start(who)

    @rule(who=st.sampled_from(["a", TWIN]), resigns=st.booleans())
    def leaves(self, who, resigns):
        """One of two that share their sources ends, or dies, and stays away."""
        if len(self.pair) == 2 and self.processes.keys() >= set(self.pair):
            with contextlib.suppress(KilledError):
                if resigns:
                    self.processes[who].resign()
            del self.processes[who]

    @rule()
    def returns(self):
        """It is started again."""
        for who in self.pair:
            if who not in self.processes:
                self._start(who)

    @rule(who=whos, calls=st.integers(1, 6), done=st.booleans())
    def dies_soon(self, who, calls, done):
        """It is killed at one of its next calls of the registry, before or after the effect."""
        self.faults[who].death = (calls, done)

    @rule(seconds=st.sampled_from([1.0, 3.0, 10.0, 100.0]))
    def time_passes(self, seconds):
        """Leases are renewed meanwhile, as far as they can be."""
        self._pass(seconds)

    def _pass(self, seconds):
        while seconds > 0:
            self.clock.advance(min(seconds, PULSE))
            seconds -= PULSE
            for who in list(self.processes):
                self._alive(who, Process.beat)
                self._alive(who, Process.campaign)
            self.registry.read()

    def _beside(self, who):
        """A write of one takes long; meanwhile the others go on."""
        self.clock.advance(SLOW)
        if self.waiting:
            return
        self.waiting = True
        for other in [other for other in self.processes if other != who]:
            for work in (Process.beat, Process.campaign, _cached):
                self._alive(other, work)
        self.waiting = False

    # What breaks.

    @rule(place=places)
    def source_heals(self, place):
        """A source is well again."""
        self._runtime(place).heal()

    @rule(who=whos, how=st.sampled_from(["hidden", "unclear"]), ids=st.frozensets(ids, min_size=1))
    def registry_shows_part(self, who, how, ids):
        """Rights hide a part of the registry, or some entries cannot be read."""
        setattr(self.faults[who], how, ids)

    @rule()
    def registry_is_wiped(self):
        """It comes back empty."""
        self.registry.wipe()

    @rule(who=whos)
    def registry_heals(self, who):
        """All is well between this syncer and the registry."""
        self._heal(who)

    @rule(place=places, troubles=troubles)
    def trouble(self, place, troubles):
        """Faults, each with changes while it lasts: what each alone does not break, both may.

        Each is the fault, a container, what changes, what syncer does about it, whether all is
        well afterwards, and what it does then.
        """
        for fault, id_, changes, then, heals, more in troubles:
            self._break(place, id_, fault)
            for change in changes:
                self._change(place, id_, change)
                self._pass(1.0)
            self._then(place[0], then)
            if heals:
                self._heal(place[0])
                self._runtime(place).heal()
            self._then(place[0], more)

    # What people do.

    @rule(who=whos, name=named, asked=asked)
    def drains(self, who, name, asked):
        """An operator takes something out of use, or ends that, by a command of its own."""
        self._operate(who, name, asked)

    def _operate(self, who, name, asked):
        who = "a" if who == TWIN else who
        operator = Process(
            "operator",
            self.configs[who],
            self.runtimes[who],
            self.registry,
            self.faults[who],
            self.clock,
        )
        self.promises.operator = operator
        with contextlib.suppress(KilledError):
            operator.hold(name, asked)

    @rule(id=ids, what=st.sampled_from(["address", "tags", "damaged", "service"]))
    def edited(self, id, what):
        """Somebody edits an entry, and leaves its mark."""
        if held := self.registry.held.get(id):
            changes = {"address": "10.9.9.9", "tags": ("edited",), "service": "edited"}
            if what == "damaged":
                new = attrs.evolve(held, damaged="its check is gone")
            else:
                instance = attrs.evolve(held.instance, **{what: changes[what]})
                new = attrs.evolve(held, instance=instance)
            self.registry.by_hand(id, new)

    @rule(id=ids)
    def deleted(self, id):
        """Somebody deletes an entry."""
        self.registry.by_hand(id, None)

    @rule(id=ids, mark=st.sampled_from(FORGED))
    def written(self, id, mark):
        """Somebody writes an entry of their own, or one that looks like ours."""
        instance = Instance(id=id, service="web", address="10.8.8.8", port=1)
        fields = {"owner": "syncer", "scope": "a", "source": "docker", "workload": "ghost"}
        fields |= {} if mark == "ghost" else {mark: "theirs"}  # by identity: a namesake's
        mark = None if mark == "none" else Mark(digest="0" * 32, **fields)
        self.registry.by_hand(id, Registration(instance=instance, mark=mark))

    # What comes of it.

    @rule()
    @precondition(lambda self: self.registry.held)
    def all_is_well(self):
        """The last fault is over: soon desired equals actual, and then there is nothing to do."""
        self._heal_all()
        self._pass(SLOW_CAP)
        for _ in range(BOUND):
            for who in list(self.processes):
                self._alive(who, Process.work)
            self.clock.advance(PAUSE + 1)
        if len(self.pair) == 2:
            lead = [who for who in self.pair if self._leads(who)]
            assert len(lead) == 1, f"these lead: {lead}\n{self._shown()}"
        for who, process in self.processes.items():
            for name in process.trackers:
                process.relist(name)
            plan = process.reconciler.plan()
            assert not plan.changes, f"{who} would still change {plan.changes}\n{self._shown()}"
        self._equal()

    @invariant()
    def no_promise_is_broken(self):
        """By any write so far."""
        if hasattr(self, "promises"):
            hasty = [process.hasty for process in self.processes.values() if process.hasty]
            broken = [*self.promises.broken, *(f"too much at once: {ids}" for ids in hasty)]
            assert not broken, "\n".join([*broken, self._shown()])

    def teardown(self):
        """Every history ends well."""
        if hasattr(self, "registry"):
            self.all_is_well()
            self._nothing_is_drained()
            self.no_promise_is_broken()

    def _nothing_is_drained(self):
        """Whatever was drained comes back when that ends."""
        for who in OWNERS:
            self._operate(who, "", "undrain")
        self.all_is_well()
        for registration in self.registry.held.values():
            who = self._whose(registration.mark)
            if who is None or self.configs[who].policy == "create-only":
                continue
            runtime = self.runtimes[who][registration.mark.source]
            container = runtime.containers.get(registration.mark.workload)
            # What is refused in its present form cannot be written, nor what is another one: that
            # only waits for its successor.
            instance = registration.instance
            place = (instance.service, instance.address, instance.port)
            asks = container and (
                container.instance_id(runtime.scope) == registration.id
                or (container.service, ADDRESS, container.outer) == place
            )
            if asks and container.service != "bad":
                assert not registration.mark.hold, f"{brief(registration)} is drained"

    def _leads(self, who):
        return who in self.processes and self.processes[who].reconciler.election.leads()

    def _claims(self):
        """By id, the containers that are to have it: whose each is, of which source, and it."""
        claims = {}
        for who, config in self.configs.items():
            for name in config.sources:
                runtime = self.runtimes[who][name]
                for container in runtime.containers.values():
                    if container.shown(config.drop) or self._parked(who, name, container):
                        id_ = container.instance_id(runtime.scope)
                        claims.setdefault(id_, []).append((who, name, container))
        return claims

    def _equal(self):
        """The registry holds what runs, as far as policies and others' entries let it."""
        claims, held = self._claims(), self.registry.held
        for id_ in claims.keys() - held.keys():
            raise AssertionError(f"{id_} is missing\n{self._shown()}")
        for id_, registration in held.items():
            who = self._whose(registration.mark)
            if who is None:
                continue
            policy, mark = self.configs[who].policy, registration.mark
            mine = [claim for claim in claims.get(id_, ()) if claim[0] == who]
            if self._unfit(mark, registration):
                continue
            if not mine:
                left = policy != "sync" or self._kept(mark, registration)
                assert left, f"{id_} is left over\n{self._shown()}"
            elif policy != "create-only":
                right = [(name, container.id) for _, name, container in mine]
                fits = origin(registration) in right and self._fits(who, registration)
                assert fits, f"{id_} is none of {right}\n{self._shown()}"

    def _fits(self, who, registration):
        """Whether an entry shows its container as it is, unless an operator drained it."""
        mark, instance = registration.mark, registration.instance
        container = self.runtimes[who][mark.source].containers[mark.workload]
        up = container.workload("", "").status is Status.UP and not mark.hold
        last = self.configs[who].keep_last and registration.up
        placed = (instance.address, instance.port) == (ADDRESS, container.outer)
        return placed and not registration.damaged and (last or registration.up is up)

    def _unfit(self, mark, registration):
        """Whether its workload still asks for its id, in a form that the registry refuses."""
        runtime = self.runtimes[self._whose(mark)][mark.source]
        container = runtime.containers.get(mark.workload)
        return (
            container is not None
            and container.service == "bad"
            and container.state.offered
            and container.instance_id(runtime.scope) == registration.id
        )

    def _parked(self, who, name, container):
        """Whether an operator drained it, and the registry can keep it so though it is not up."""
        found = self.registry.held.get(container.instance_id(self.runtimes[who][name].scope))
        return (
            self.configs[who].parks
            and found is not None
            and self._whose(found.mark) == who
            and origin(found) == (name, container.id)
            and found.mark.hold != ""
            and container.state.offered
            and container.service != "bad"
        )

    def _kept(self, mark, registration):
        """Whether it stays though its workload is not to have it.

        It runs, and somebody else has the id that it asks for now, or the registry refuses what it
        offers now; or it is the last that is up.
        """
        who = self._whose(mark)
        config, runtime = self.configs[who], self.runtimes[who][mark.source]
        container = runtime.containers.get(mark.workload)
        if container is None or not container.state.offered:
            return False
        id_ = container.instance_id(runtime.scope)
        if id_ == registration.id:
            return config.keep_last and registration.up
        found = self.registry.held.get(id_)
        own = found and self._whose(found.mark) == who and origin(found) == origin(registration)
        parked = config.parks and registration.mark.hold
        same = container.service == registration.instance.service
        same = same and (container.shown(config.drop) or parked)
        bad = container.service == "bad" and container.outer == registration.instance.port
        return (same or bad) and not own

    def _whose(self, mark):
        """Whose a mark is; None: nobody's."""
        for who, config in self.configs.items():
            runtime = self.runtimes[who].get(mark.source) if mark else None
            if (
                runtime is not None
                and mark.source in config.sources
                and (mark.owner, mark.scope) == (config.owner, runtime.scope)
                and mark.identity in ("", runtime.identity)
            ):
                return who
        return None

    def _shown(self):
        held = [brief(registration) for registration in self.registry.held.values()]
        runs = [
            f"{who}/{name}: {container}"
            for who, name in PLACES
            for container in self.runtimes[who][name].containers.values()
        ]
        skips = [
            f"{who}: {skip.id} {skip.kind}, {skip.reason}"
            for who, process in self.processes.items()
            for skip in sorted(process.reconciler.plan(fresh=False).skipped, key=str)
        ]
        parts = ("the registry holds", *held, "there run", *runs, "it is held back", *skips)
        return "\n".join(parts)

    def _break(self, place, id, fault):
        who, runtime = place[0], self._runtime(place)
        container, faults = runtime.containers.get(id), self.faults[who]
        entry = frozenset({container.instance_id(runtime.scope)} if container else {"shared"})
        others = frozenset({"c1", "c2", "c3"} - {id})
        breaks = {
            "source fails": lambda: setattr(runtime, "fails", True),
            "another is missed": lambda: setattr(runtime, "missed", others),
            "another is hidden": lambda: setattr(runtime, "hidden", others),
            "it is unclear": lambda: setattr(runtime, "unclear", frozenset({id})),
            "deaf": lambda: setattr(runtime, "deaf", True),
            "restart": lambda: self._start(who),
            "kill": lambda: setattr(faults, "death", (self.clock.now % 5 + 1, True)),
            "entries are hidden": lambda: setattr(faults, "hidden", frozenset({"a:api:80"})),
            "entry is unclear": lambda: setattr(faults, "unclear", entry),
            "refuses": lambda: setattr(self.registry, "refused", frozenset({"a:web:81"})),
            "wiped": self.registry.wipe,
            "slow": lambda: setattr(faults, "slow", True),
            "leaves": lambda: self.leaves("a" if id == "c1" else TWIN, id == "c2"),
        }
        if fault in breaks:
            breaks[fault]()
        elif fault in ("down", "unreadable"):
            setattr(faults, fault, True)
        else:
            faults.writes = [fault] * 2
        self._then(who, "work")

    def _change(self, place, id, change):
        """What happens to a container; its successor has its name and asks for its id."""
        runtime = self._runtime(place)
        container = runtime.containers.get(id)
        if container is None:
            self._put(place, id, name="web", service="web", inner=80)
            return
        fields = {
            "stop": {"state": State.EXITED},
            "rename": {"name": "api" if container.name == "web" else "web"},
            "relabel": {"inner": 161 - container.inner},
            "move": {"outer": self._new_port()},
            "ill": {"health": Health.UNHEALTHY},
            "start": {"state": State.RUNNING, "health": None},
            "share": {"shared": not container.shared},
        }
        if change == "remove":
            runtime.remove(id)
        elif change == "remove all":
            for id_ in list(runtime.containers):
                runtime.remove(id_)
        elif change in ("drain", "undrain"):
            self._operate(place[0], container.service, change)
        elif change == "succeed":
            runtime.remove(id)
            other = "c1" if id != "c1" else "c2"
            self._put(place, other, name=container.name, service=container.service, inner=80)
        else:
            self._alter(place, id, **fields[change])

    def _then(self, who, what):
        """What a syncer does about an event, if it hears of it or happens to look."""
        works = {
            "": [],
            "hear": [Process.hear, _cached],
            "work": [Process.work],
            "cycle": [_cached],
        }
        for work in works[what]:
            self._alive(who, work)

    def _start(self, who):
        host = "a" if who == TWIN else who
        self.processes.pop(who, None)  # who begins anew asks for the lock after the other
        self.processes[who] = Process(
            who,
            self.configs[host],
            self.runtimes[who],
            self.registry,
            self.faults[who],
            self.clock,
        )
        for runtime in self.runtimes[who].values():
            runtime.events.setdefault(who, [])

    def _alive(self, who, work):
        """Let a process do this; when it is killed, its next life begins with nothing.

        If it is not there, the other one that shares its sources does it.
        """
        if who not in self.processes:
            (who,) = self.processes.keys() & {"a", TWIN}
        try:
            work(self.processes[who])
        except KilledError:
            self._start(who)

    def _runtime(self, place):
        return self.runtimes[place[0]][place[1]]

    def _put(self, place, id, **fields):
        old = self._runtime(place).containers.get(id)
        outer = old.outer if old else self._new_port()
        self._runtime(place).put(Container(id, outer=outer, since=self.clock(), **fields))

    def _alter(self, place, id, **fields):
        if old := self._runtime(place).containers.get(id):
            self._runtime(place).put(attrs.evolve(old, since=self.clock(), **fields))

    def _new_port(self):
        self.outer += 1
        return self.outer

    def _heal(self, who):
        for field in attrs.fields(Faults):
            setattr(self.faults[who], field.name, getattr(Faults(), field.name))

    def _heal_all(self):
        self.registry.refused = frozenset()
        for who, runtimes in self.runtimes.items():
            self._heal(who)
            for runtime in runtimes.values():
                runtime.heal()


def _cached(process):
    process.cycle(fresh=False)


Histories.TestCase.settings = settings(
    max_examples=4000 if THOROUGH else 600,
    stateful_step_count=60 if THOROUGH else 40,
    phases=(Phase.generate,) if MODE == "first" else tuple(Phase),
    deadline=None,
    database=None,
    derandomize=not THOROUGH,
    suppress_health_check=list(HealthCheck),
)
TestHistories = Histories.TestCase
