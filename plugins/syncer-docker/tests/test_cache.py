"""What is kept of containers, and when it is not trusted any more."""

import attrs
import pytest

from syncer import State, Workload
from syncer_docker.containers import cache as module
from syncer_docker.containers.appearance import listed
from syncer_docker.containers.cache import Cache, Description

ID = "a" * 64


@pytest.fixture
def description(inspected):
    return Description.of(inspected(), "docker", "host1")


@pytest.fixture
def cache():
    return Cache()


def keep(cache, description, seen=None):
    cache.keep(ID, cache.begin(ID), description, seen)


def test_proven(cache, description, entry):
    """A description that the list agrees with is used again, watched or not."""
    assert cache.lookup(ID, listed(entry())) is None
    keep(cache, description)
    assert cache.lookup(ID, listed(entry())) is description
    cache.set_watched(True)
    cache.set_watched(False)
    assert cache.lookup(ID, listed(entry())) is description


def test_disproved(cache, description, entry):
    """A description that the list disagrees with is not used."""
    keep(cache, description)
    assert cache.lookup(ID, listed(entry(Names=["/other"]))) is None


def test_unproven(cache, inspected, entry):
    """Where the list shows less than all, a description holds while events are received."""
    description = Description.of(
        inspected(State={"Health": {"Status": "healthy"}}), "docker", "host1"
    )
    shown = listed(entry())  # as Podman: no word on health
    keep(cache, description, seen=shown)
    assert cache.lookup(ID, shown) is None
    cache.set_watched(True)
    assert cache.lookup(ID, shown) is None, "described before events were received"
    keep(cache, description, seen=shown)
    assert cache.lookup(ID, shown) is None, "the list may only have been older"
    keep(cache, description, seen=shown)
    assert cache.lookup(ID, shown) is description
    assert cache.lookup(ID, listed(entry(Ports=[]))) is None
    cache.set_watched(True)
    assert cache.lookup(ID, shown) is None, "events may have been missed in between"


def test_a_list_that_was_older(cache, inspected, entry):
    """A list from before a change proves nothing later, when the container is so again."""
    healthy = Description.of(inspected(State={"Health": {"Status": "healthy"}}), "docker", "host1")
    ill = listed(entry(Status="Up 1 second (unhealthy)"))
    cache.set_watched(True)
    keep(cache, healthy, seen=ill)
    assert cache.lookup(ID, ill) is None
    assert cache.lookup(ID, listed(entry(Status="Up 1 second (healthy)"))) is healthy


def test_change_during_the_question(cache, description, entry):
    """A description that was on its way when an event came is not kept."""
    ticket = cache.begin(ID)
    assert cache.forget(ID) is None
    cache.keep(ID, ticket, description)
    assert cache.lookup(ID, listed(entry())) is None
    ticket = cache.begin(ID)
    cache.set_watched(True)
    cache.keep(ID, ticket, description)
    assert cache.lookup(ID, listed(entry())) is None


def test_forget(cache, description, entry):
    """After an event the old description is handed out once, and not used any more."""
    keep(cache, description)
    assert cache.forget(ID) is description
    assert cache.forget(ID) is None
    assert cache.lookup(ID, listed(entry())) is None


def test_retain(cache, description, entry):
    """Containers that are gone take no room."""
    keep(cache, description)
    cache.retain({ID})
    assert cache.lookup(ID, listed(entry())) is description
    ticket = cache.begin(ID)
    cache.retain(set())
    assert cache.lookup(ID, listed(entry())) is None
    cache.keep(ID, ticket, description)
    assert cache.lookup(ID, listed(entry())) is None


def test_ended(monkeypatch):
    """Ended containers are remembered until they start again, and not without limit."""
    monkeypatch.setattr(module, "ENDED_SECONDS", -1.0)
    monkeypatch.setattr(module, "OVER_KEPT", 2)
    cache = Cache()
    for id in "1", "2", "3":
        cache.note_end(Workload(source="s", scope="h", id=id, name=id, state=State.EXITED))
    assert [cache.ended(id) is not None for id in ("1", "2", "3")] == [False, True, True]
    cache.note_start("3")
    cache.note_start("3")
    assert cache.ended("3") is None


def test_ended_a_while_ago(description):
    """After a minute it is only known that it ended, and after an hour nothing; by listings too."""
    now = 0.0
    cache = Cache(clock=lambda: now)
    one, two = (attrs.evolve(description.workload, id=id, state=State.EXITED) for id in "12")
    cache.note_end(one)
    now = module.ENDED_SECONDS
    cache.retain(())
    assert cache.ended("1") is one
    assert one.labels
    cache.note_end(two)
    now += 1
    cache.retain(())
    assert cache.ended("2") is two
    bare = cache.ended("1")
    assert (bare.id, bare.name, bare.state, bare.labels) == ("1", one.name, State.EXITED, {})
    now = module.OVER_SECONDS + 1
    cache.retain(())
    assert cache.ended("1") is None
    assert cache.ended("2").state is State.EXITED
    cache.note_start("2")
    assert cache.ended("2") is None


@pytest.mark.parametrize("section", [{"Config": {"Labels": 5}}, {"State": []}, {"Config": "x"}])
def test_nonsense(inspected, section):
    """A description that makes no sense is a ValueError, whatever is wrong in it."""
    with pytest.raises(ValueError, match=r"\S"):
        Description.of(inspected(**section), "docker", "host1")
