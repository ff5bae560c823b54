"""A registry read as a source, and services kept equal between two registries."""

from datetime import timedelta
from threading import Event

import attrs
import pytest
from fakes import Heard

from syncer import (
    Context,
    Engine,
    Health,
    MirrorSource,
    SinkType,
    State,
    Status,
    TemporaryError,
    View,
    mirrored,
)
from syncer.desired.filters import Filter
from syncer.engine.engine import SourcePart
from syncer.kits.mirror import FRESH
from syncer.plugin.builtin.memory import MemoryOptions, MemorySink, MemoryStore
from syncer.testing import ManualClock, SourceContract
from syncer.testing.builders import make_instance, make_registration


class Registry(MemorySink):
    """A memory sink that shows what a registry may show: changes, gaps and faults."""

    def __init__(self, store=None):
        super().__init__(store, self._ahead_of)
        self.unclear, self.complete, self.failure = set(), True, None
        self.calls, self._over = [], Event()

    def _ahead_of(self, operation, id_):
        self.calls.append(operation)
        if self.failure:
            raise self.failure

    def registrations(self):
        view = super().registrations()
        items = [one for one in view.items if one.id not in self.unclear]
        return View(items, complete=self.complete, unclear=self.unclear)

    def watch(self, wake, stop):
        seen = self.store.all()
        while not stop.is_set() and not self._over.wait(0.01):
            if (now := self.store.all()) != seen:
                seen = now
                wake()
        if not stop.is_set():
            self._over.clear()

    def close(self):
        self._over.set()

    def add(self, service="web", *, mark=None, **fields):
        made = attrs.evolve(make_registration(make_instance(service, **fields)), mark=mark)
        return self.register(made)


class TestTheContract(SourceContract):
    """A mirror is a source like any other."""

    declines = {"secrets": "it has none"}

    @pytest.fixture
    def registry(self):
        return Registry()

    @pytest.fixture
    def source(self, registry):
        return MirrorSource(registry, "memory:here", "mirror")

    @pytest.fixture
    def reopen(self, registry):
        return lambda: MirrorSource(registry, "memory:here", "mirror")

    @pytest.fixture
    def start(self, registry):
        return lambda name: registry.add(name).id

    @pytest.fixture
    def end(self, registry, source):
        def end(id_):
            registry.deregister(registry.registration(id_))
            source._asked = float("-inf")

        return end

    @pytest.fixture
    def unreachable(self, source, registry):
        registry.failure = TemporaryError("no answer")
        return source

    @pytest.fixture
    def obscure(self, registry):
        return registry.unclear.add

    @pytest.fixture
    def break_watch(self, registry):
        return registry.close


class TestWhatIsRead:
    """A registration becomes a workload that knows its service."""

    @pytest.fixture
    def registry(self):
        return Registry()

    def read(self, registry):
        (workload,) = MirrorSource(registry, "memory:here", "mirror").workloads().items
        return workload

    def test_all_that_a_registry_says_is_offered(self, registry):
        """Id, service, address, port, tags, metadata and weight stay as they are."""
        fields = {"tags": ("a", "b"), "meta": {"k": "v"}, "weight": 5, "protocol": "udp"}
        registry.add(**fields)
        workload = self.read(registry)
        (offer,) = workload.offers
        assert (offer.service, offer.id) == ("web", "kit-scope:web:8080")
        assert (offer.register_address, offer.register_port) == ("10.0.0.5", 8080)
        assert (offer.tags, dict(offer.meta)) == (("a", "b"), {"k": "v"})
        assert (offer.weight, offer.protocol) == (5, "udp")
        assert (workload.via, workload.scope, workload.source) == ("memory:here",) * 2 + ("mirror",)

    @pytest.mark.parametrize(
        ("status", "seen"),
        [
            (Status.UP, (State.RUNNING, Health.HEALTHY)),
            (Status.STARTING, (State.RUNNING, Health.STARTING)),
            (Status.UNHEALTHY, (State.RUNNING, Health.UNHEALTHY)),
            (Status.PAUSED, (State.PAUSED, Health.HEALTHY)),
            (Status.DRAINING, (State.STOPPING, Health.HEALTHY)),
        ],
    )
    @pytest.mark.parametrize("kept", ["as a field", "in the metadata"])
    def test_the_status_is_read(self, registry, status, seen, kept):
        """Whichever way a registry keeps it, and never as metadata of the copy."""
        fields = {"status": status} if kept == "as a field" else {"meta": {"syncer-status": status}}
        registry.add(**fields)
        workload = self.read(registry)
        assert (workload.state, workload.health) == seen
        assert dict(workload.offers[0].meta) == {}

    def test_a_status_that_is_no_word_of_ours_is_passed_over(self, registry):
        """Others may write there what they like."""
        registry.add(meta={"syncer-status": "splendid"})
        assert self.read(registry).health is Health.HEALTHY

    def test_what_was_mirrored_is_not_mirrored_on(self, registry):
        """Else two registries would keep each other's dead entries alive for ever."""
        mark = make_registration(via="consul:dc1").mark
        copied = registry.add("copied", mark=mark)
        registry.add("real", mark=attrs.evolve(mark, via=""))
        source = MirrorSource(registry, "memory:here", "mirror")
        assert [workload.name for workload in source.workloads().items] == ["kit-scope:real:8080"]
        assert source.workload(copied.id) is None

    def test_one_listing_answers_many_questions(self, registry):
        """A thousand services that went are confirmed by one request."""
        for n in range(20):
            registry.add(f"s{n}")
        clock = ManualClock()
        source = MirrorSource(registry, "memory:here", "mirror", clock)
        for n in range(20):
            assert source.workload(f"kit-scope:s{n}:8080") is not None
        assert registry.calls.count("registrations") == 1
        clock.advance(FRESH + 0.1)
        source.workload("kit-scope:s1:8080")
        assert registry.calls.count("registrations") == 2

    def test_what_did_not_change_is_the_same_workload(self, registry):
        """Thousands of them cost nothing when one changes."""
        held = registry.add(tags=("old",))
        registry.add("api")
        source = MirrorSource(registry, "memory:here", "mirror")
        before = {one.id: one for one in source.workloads().items}
        registry.update(held, attrs.evolve(held, instance=make_instance(tags=("new",))))
        after = {one.id: one for one in source.workloads().items}
        assert after["kit-scope:api:8080"] is before["kit-scope:api:8080"]
        assert after[held.id].offers[0].tags == ("new",)

    def test_what_a_listing_left_out_is_asked_for(self, registry):
        """One listing that says too little removes nothing: the question makes another."""
        held = registry.add()
        source = MirrorSource(registry, "memory:here", "mirror")
        registry.store.drop(held.id, held.version)
        assert source.workloads().items == ()
        held = registry.add()
        assert source.workload(held.id) is not None
        registry.store.drop(held.id, held.version)
        source.workloads()
        assert source.workload(held.id) is None

    def test_where_listings_are_late_each_one_is_asked_for(self, registry):
        """What a stale listing does not show may be there."""
        registry.stale_for = timedelta(seconds=30)
        held = registry.add()
        source = MirrorSource(registry, "memory:here", "mirror")
        assert source.workload(held.id) == source.workloads().items[0]
        assert source.workload("other") is None
        assert "registration" in registry.calls

    def test_what_a_partial_listing_does_not_show_is_not_gone(self, registry):
        """No answer is an error, never None."""
        registry.complete = False
        with pytest.raises(TemporaryError, match="does not show every entry"):
            MirrorSource(registry, "memory:here", "mirror").workload("web")


class TestBetweenTwoRegistries:
    """What an engine makes of mirrors."""

    def engine(self, source, target, name="a", **fields):
        part = SourcePart(source=MirrorSource(source, f"memory:{name}", name), **fields)
        return Engine({name: part}, {"target": target}, listeners=[Heard()])

    def services(self, registry):
        return sorted(one.instance.service for one in registry.store.all())

    def test_the_target_follows(self):
        """What appears, changes and goes in one does so in the other; each copy says whence."""
        one, two = Registry(), Registry()
        held, other = one.add(tags=("v1",)), one.add("api")
        engine = self.engine(one, two)
        engine.reconcile()
        assert self.services(two) == ["api", "web"]
        assert {copy.mark.via for copy in two.store.all()} == {"memory:a"}
        one.update(held, attrs.evolve(held, instance=make_instance(tags=("v2",))))
        engine.reconcile()
        assert {copy.instance.tags for copy in two.store.all()} == {("v2",), ()}
        one.deregister(other)
        clock_free = self.engine(one, two)  # its knowledge is not older than its question
        clock_free.reconcile()
        clock_free.reconcile()
        assert self.services(two) == ["web"]

    def test_both_ways_at_once_end(self):
        """Two registries that mirror each other hold the same, and nothing of it twice."""
        one, two = Registry(), Registry()
        one.add("mine"), two.add("yours")
        for _ in range(3):
            self.engine(one, two, "a").reconcile()
            self.engine(two, one, "b").reconcile()
        assert self.services(one) == self.services(two) == ["mine", "yours"]

    def test_both_ways_at_once_forget(self):
        """What is gone where it came from goes in the other, though that was mirrored too."""
        one, two = Registry(), Registry()
        held = one.add("mine")
        self.engine(one, two, "a").reconcile(), self.engine(two, one, "b").reconcile()
        one.deregister(held)
        for _ in range(3):
            self.engine(one, two, "a").reconcile()
            self.engine(two, one, "b").reconcile()
        assert self.services(one) == self.services(two) == []

    def test_what_is_there_already_is_not_taken_over(self):
        """In a migration the services register in both: the target's own entry stays."""
        one, two = Registry(), Registry()
        one.add(tags=("old",)), two.add(tags=("new",))
        plan = self.engine(one, two).plan()["target"]
        assert [skip.kind for skip in plan.skipped] == ["conflict"]

    @pytest.mark.parametrize(
        ("rules", "expected"),
        [
            ({"include": ["service:web*"]}, ["web", "web-admin"]),
            ({"exclude": ["tag:intern*"]}, ["api", "web"]),
            ({"include": ["service:web*"], "exclude": ["tag:internal"]}, ["web"]),
        ],
    )
    def test_services_and_tags_are_filtered(self, rules, expected):
        """Only a part may be mirrored."""
        one, two = Registry(), Registry()
        one.add(), one.add("api"), one.add("web-admin", tags=("internal",))
        self.engine(one, two, filter=Filter(**rules)).reconcile()
        assert self.services(two) == expected


def test_a_kind_of_sink_makes_a_kind_of_source():
    """With its options, its URI, and the registry's name as the scope."""
    kind = SinkType(
        name="memory",
        options=MemoryOptions,
        create=lambda options, context: MemorySink(MemoryStore()),
        schemes=("memory",),
    )
    made = mirrored(kind, lambda options: "here")
    source = made.create(MemoryOptions(), Context(name="old"))
    assert (made.name, made.options, made.schemes) == ("memory", MemoryOptions, ("memory",))
    assert source.scope() == "memory:here"
