"""The memory sink keeps the contract and behaves as a strict registry."""

import pytest

from syncer import Conflict, PermanentError
from syncer.plugin.builtin.memory import MemorySink, MemoryStore
from syncer.testing import SinkContract, make_registration


class TestContract(SinkContract):
    """The clauses that apply to a registry inside the process."""

    declines = {
        "unreachable": "it is in this process",
        "unreadable": "it holds what it was given",
        "hostile": "it holds what it was given",
        "rejected": "it can hold everything",
        "secrets": "it has none",
        "park": "it has no consumers, and an instance looks the same in every status",
    }

    @pytest.fixture
    def store(self):
        return MemoryStore()

    @pytest.fixture
    def sink(self, store):
        return MemorySink(store)

    @pytest.fixture
    def reopen(self, store):
        return lambda: MemorySink(store)

    @pytest.fixture
    def unmarked(self, store):
        return lambda instance: store.put(_without_mark(make_registration(instance)), expected=None)


def _without_mark(registration):
    return type(registration)(instance=registration.instance)


def test_each_write_has_a_new_version():
    """Two writes of the same content have different versions."""
    sink = MemorySink()
    first = sink.register(make_registration())
    second = sink.update(first, make_registration())
    assert first.version != second.version
    with pytest.raises(Conflict):
        sink.update(first, make_registration())


def test_update_of_what_is_gone_is_conflict():
    """An update does not bring back what somebody removed."""
    sink = MemorySink()
    held = sink.register(make_registration())
    sink.store.clear()
    with pytest.raises(Conflict):
        sink.update(held, make_registration())
    assert sink.registrations().items == ()


def test_fresh_question():
    """One registration can be asked for by itself."""
    sink = MemorySink()
    held = sink.register(make_registration())
    assert sink.registration(held.id) == held
    assert sink.registration("other") is None


def test_before_is_told_and_can_fail():
    """The hook for tests hears of every operation, and what it raises is raised."""
    heard = []

    def before(operation, id_):
        heard.append((operation, id_))
        if operation == "deregister":
            raise PermanentError("no")

    sink = MemorySink(before=before)
    held = sink.register(make_registration())
    sink.registrations()
    with pytest.raises(PermanentError, match="no"):
        sink.deregister(held)
    assert heard == [("register", held.id), ("registrations", ""), ("deregister", held.id)]
    assert [r.id for r in sink.store.all()] == [held.id]
