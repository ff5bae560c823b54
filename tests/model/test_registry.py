"""The registry of the model keeps the contract of every sink, so that it may stand for one."""

import pytest

from model.registry import PULSE, TTL, Faults, ModelSink, Registry
from syncer import Registration
from syncer.testing import ManualClock, SinkContract, make_instance


class TestModelSink(SinkContract):
    """A strict registry without leases."""

    declines = {"secrets": "it has none", "hostile": "it holds what it was given"}

    @pytest.fixture
    def registry(self):
        return Registry(ManualClock())

    @pytest.fixture
    def sink(self, registry):
        return ModelSink(registry)

    @pytest.fixture
    def reopen(self, registry):
        return lambda: ModelSink(registry)

    @pytest.fixture
    def unmarked(self, registry):
        return lambda instance: registry.by_hand(instance.id, Registration(instance=instance))

    @pytest.fixture
    def unreachable(self, registry):
        return ModelSink(registry, faults=Faults(down=True))

    @pytest.fixture(params=["hidden", "unclear"])
    def spoil(self, registry, sink, request):
        def spoil():
            registry.by_hand("spoilt", Registration(instance=make_instance(id="spoilt")))
            setattr(sink.faults, request.param, frozenset({"spoilt"}))
            return "" if request.param == "hidden" else "spoilt"

        return spoil

    @pytest.fixture
    def refused(self):
        return make_instance("bad")


class TestLeased(TestModelSink):
    """With leases."""

    @pytest.fixture
    def registry(self):
        return Registry(ManualClock(), leases=True)

    @pytest.fixture
    def lapse(self, registry):
        def lapse(meanwhile):
            for _ in range(int(2 * TTL / PULSE)):
                registry.clock.advance(PULSE)
                meanwhile()

        return lapse
