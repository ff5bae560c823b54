"""The source with a synthetic engine that fails on request."""

import gc
import threading
import time
import weakref
from datetime import timedelta

import pytest

import syncer
from servers.waiting import holds_for, wait_until
from syncer import State
from syncer_docker.client import transport
from syncer_docker.client.client import DockerClient
from syncer_docker.source import INSPECTORS


def requests(fake):
    found = dict(fake.control("stats")["requests"])
    fake.control("reset")
    return found


def states(view):
    return {workload.id: workload.state for workload in view.items}


def event(id, action, **attributes):
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"ID": id, "Attributes": {"name": "x", **attributes}},
        "timeNano": time.time_ns(),
    }


def test_listing_costs_what_changed(fake_docker, make_source):
    """The first listing inspects everything once, the second nothing, the third what is new."""
    fake = fake_docker(containers=50)
    source = make_source(fake.address)
    first = source.workloads()
    assert first.complete
    assert not first.unclear
    assert len(first.items) == 50
    assert requests(fake) == {"version": 1, "list": 1, "inspect": 50}
    assert source.workloads() == first
    assert requests(fake) == {"list": 1}
    fake.control("add")
    fake.control("reset")
    assert len(source.workloads().items) == 51
    assert requests(fake) == {"list": 1, "inspect": 1}


def test_connections_are_used_again(fake_docker, make_source, monkeypatch):
    """Many questions need few connections."""
    dialled = []
    dial_unix = transport.dial_unix

    def counting(path):
        dial = dial_unix(path)
        return lambda timeout: dialled.append(path) or dial(timeout)

    monkeypatch.setattr(transport, "dial_unix", counting)
    source = make_source(fake_docker(containers=50).address)
    assert len(source.workloads().items) == 50
    assert len(dialled) <= 1 + INSPECTORS + 1


def test_gone_containers_take_no_room(fake_docker, make_source):
    """The description of a removed container is dropped, even without an event."""
    fake = fake_docker(containers=2)
    source = make_source(fake.address)
    first, _ = source.workloads().items
    fake.control("rm", id=first.id)
    kept = weakref.ref(first)
    del first
    source.workloads()
    gc.collect()
    assert kept() is None


def test_what_the_list_does_not_show(fake_docker, make_source, watch):
    """A list that shows less (as Podman's) is trusted only while events are received."""

    class Client(DockerClient):
        def inspect(self, id):
            found = super().inspect(id)
            return found | {"State": found["State"] | {"Health": {"Status": "healthy"}}}

    fake = fake_docker(containers=3)
    source = make_source(fake.address, client=Client)
    source.workloads()
    source.workloads()
    assert requests(fake)["inspect"] == 6
    watcher = watch(source)
    source.workloads()
    source.workloads()
    assert requests(fake)["inspect"] == 6, "the first time the list may only have been older"
    source.workloads()
    assert "inspect" not in requests(fake)
    before = len(watcher.wakes)
    fake.control("hangup")
    watcher.wait_for(None, since=before)
    source.workloads()
    assert requests(fake)["inspect"] == 3


def test_listing_after_a_targeted_question(fake_docker, make_source):
    """What a targeted question learnt serves the next listing."""
    fake = fake_docker(containers=2)
    source = make_source(fake.address)
    source.workloads()
    id = fake.control("add")["containers"][0]["id"]
    assert source.workload(id).state is State.RUNNING
    fake.control("reset")
    assert len(source.workloads().items) == 3
    assert requests(fake) == {"list": 1}


def test_by_name(fake_docker, make_source):
    """A container can be asked for by its name, too."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    [workload] = source.workloads().items
    assert source.workload("c0") == workload


def test_another_container_is_named_as_a_whole_id(fake_docker, make_source):
    """The engine accepts such a name, and finds that container when the other one is gone."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    [victim] = source.workloads().items
    fake.control("rm", id=victim.id)
    fake.control("add", name=victim.id)
    assert source.workload(victim.id) is None
    assert source.workloads().items[0].name == victim.id


def test_gone_between_list_and_inspect(fake_docker, make_source):
    """A container that vanishes between list and inspection is simply gone."""
    fake = fake_docker(containers=2)
    gone = fake.control("add")["containers"][0]["id"]

    class Client(DockerClient):
        def inspect(self, id):
            if id == gone:
                fake.control("rm", id=id)
            return super().inspect(id)

    view = make_source(fake.address, client=Client).workloads()
    assert (len(view.items), view.unclear, view.complete) == (2, frozenset(), True)


def test_inspections_fail(fake_docker, make_source):
    """Containers that cannot be inspected are unclear, not gone; those known stay described."""
    fake = fake_docker(containers=20)
    source = make_source(fake.address)
    known = {w.id for w in source.workloads().items}
    new = {c["id"] for c in fake.control("add", count=20)["containers"]}
    fake.control("fault", fail={"inspect": 500})
    view = source.workloads()
    assert {w.id for w in view.items} == known
    assert view.unclear == new
    assert view.complete
    fake.control("fault", fail={})
    view = source.workloads()
    assert {w.id for w in view.items} == known | new
    assert not view.unclear


def test_an_ill_engine_is_not_asked_for_everything(fake_docker, make_source):
    """When inspection after inspection fails, the rest is unclear without being asked for."""
    fake = fake_docker(containers=100)
    fake.control("fault", fail={"inspect": 500})
    view = make_source(fake.address).workloads()
    assert len(view.unclear) == len(view.reasons) == 100
    assert requests(fake)["inspect"] < 20


def test_undescribable_container(fake_docker, make_source):
    """A container whose description makes no sense is unclear, and an error when asked for."""
    fake = fake_docker(containers=1)
    odd = fake.control("add")["containers"][0]["id"]

    class Client(DockerClient):
        def inspect(self, id):
            return super().inspect(id) | ({"State": 5} if id == odd else {})

    source = make_source(fake.address, client=Client)
    view = source.workloads()
    assert view.unclear == {odd}
    assert (
        view.reasons[odd].why
        == "the engine's description of it is not valid: State is not an object"
    )
    assert view.reasons[odd].name
    assert len(view.items) == 1
    with pytest.raises(syncer.TemporaryError, match="cannot be described"):
        source.workload(odd)


@pytest.mark.parametrize(
    "odd",
    [
        {"State": 5},
        {"Config": []},
        {"HostConfig": "x"},
        {"NetworkSettings": 5},
        {"NetworkSettings": {"Networks": ["x"]}},
        {"NetworkSettings": {"Networks": {"n": 5}}},
        {"NetworkSettings": {"Ports": [5]}},
        {"Name": ["x"]},
    ],
    ids=str,
)
def test_many_that_make_no_sense_cost_no_other(fake_docker, make_source, odd):
    """However many there are: the engine answers, so all others are asked for and described."""
    fake = fake_docker(containers=30)
    bad = {c["id"] for c in fake.control("add", count=20)["containers"]}

    class Client(DockerClient):
        def inspect(self, id):
            return super().inspect(id) | (odd if id in bad else {})

    view = make_source(fake.address, client=Client).workloads()
    assert len({w.id for w in view.items} - bad) == 30
    assert view.unclear <= bad
    assert view.complete


def test_why_nothing_can_be_described(fake_docker, make_source):
    """A proxy that forbids to inspect is named as the reason, with the container's name."""
    fake = fake_docker(containers=1)
    fake.control("fault", fail={"inspect": 403})
    view = make_source(fake.address).workloads()
    (reason,) = view.reasons.values()
    assert "(status 403)" in reason.why
    assert reason.name


@pytest.mark.parametrize("status", [500, 503])
def test_listing_fails(fake_docker, make_source, status):
    """A listing that fails is an error, never an empty view."""
    fake = fake_docker(containers=2)
    source = make_source(fake.address)
    source.workloads()
    fake.control("fault", fail={"list": status})
    with pytest.raises(syncer.TemporaryError):
        source.workloads()
    fake.stop()
    with pytest.raises(syncer.TemporaryError):
        source.workloads()
    with pytest.raises(syncer.TemporaryError):
        source.workload("1")


def test_slow_inspections(fake_docker, make_source):
    """Inspections that take longer than the timeout leave their containers unclear."""
    fake = fake_docker(containers=2)
    slow = []

    class Client(DockerClient):
        def inspect(self, id):
            if id in slow:
                fake.control("fault", latency=8)
            return super().inspect(id)

    source = make_source(fake.address, timeout=timedelta(seconds=3), client=Client)
    known = {w.id for w in source.workloads().items}
    fake.control("fault", latency=0.1)
    source.workloads()
    new = fake.control("add")["containers"][0]["id"]
    slow.append(new)
    view = source.workloads()
    assert {w.id for w in view.items} == known
    assert view.unclear == {new}


def test_socket_comes_late(fake_docker, make_source, watch):
    """A source can be made before its engine is there, and works as soon as it is."""
    fake = fake_docker(containers=1)
    fake.stop()
    source = make_source(fake.address)
    with pytest.raises(syncer.TemporaryError):
        source.workloads()
    with pytest.raises(syncer.TemporaryError):
        source.watch(lambda id: None, threading.Event())
    fake.start()
    watch(source)
    assert len(source.workloads().items) == 1


def test_watch(fake_docker, make_source, watch):
    """A start, and an end, wake for the container; then it is as the events said."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    watcher = watch(source)
    id = fake.control("add")["containers"][0]["id"]
    watcher.wait_state(id, State.RUNNING)
    before = len(watcher.wakes)
    fake.control("die", id=id)
    watcher.wait_for(id, since=before)
    assert source.workload(id).state is State.EXITED
    assert id not in states(source.workloads())
    fake.control("start", id=id)
    watcher.wait_state(id, State.RUNNING)


def test_removed_after_a_seen_end(fake_docker, make_source, watch):
    """A container that is gone is `exited` if its end was seen, else not known."""
    fake = fake_docker(containers=2)
    source = make_source(fake.address)
    unseen = fake.control("add")["containers"][0]["id"]
    fake.control("rm", id=unseen)
    known, unknown = list(states(source.workloads()))
    watcher = watch(source)
    fake.control("emit", event=event(unknown, "update"))  # its description is outdated
    watcher.wait_for(unknown)
    for id in known, unknown:
        before = len(watcher.wakes)
        fake.control("rm", id=id)
        watcher.wait_for(id, since=before)
    ended = source.workload(known)
    assert ended.state is State.EXITED
    assert ended.ports
    assert ended.labels
    assert source.workload(unknown).state is State.EXITED
    assert source.workload(unknown).name.startswith("c")
    assert source.workload(unseen) is None


def test_event_makes_a_question(fake_docker, make_source, watch):
    """After an event about a container the next listing asks for it again, and once only."""
    fake = fake_docker(containers=5)
    source = make_source(fake.address)
    watcher = watch(source)
    [id, *_] = states(source.workloads())
    requests(fake)
    for action in ("update", "health_status", "rename", "update"):
        fake.control("emit", event=event(id, action))
    wait_until(lambda: watcher.wakes.count(id) == 4, 5, "four wakes")
    source.workloads()
    source.workloads()
    assert requests(fake) == {"list": 2, "inspect": 1}


def test_network_events(fake_docker, make_source, watch):
    """A container that is connected to a network wakes for the container."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    [id] = states(source.workloads())
    watcher = watch(source)
    actor = {"ID": "n" * 64, "Attributes": {"container": id, "name": "apps"}}
    fake.control("emit", event={"Type": "network", "Action": "connect", "Actor": actor})
    watcher.wait_for(id)


def test_other_events_are_not_even_sent(fake_docker, make_source, watch):
    """Events that change nothing do not wake."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    [id] = states(source.workloads())
    watcher = watch(source)
    for action in ("exec_create: sh", "exec_start: sh", "exec_die", "top", "resize", "attach"):
        fake.control("emit", event=event(id, action))
    fake.control("emit", event=event("last", "start"))
    watcher.wait_for("last")
    assert watcher.wakes == [None, "last"]


def test_stream_ends(fake_docker, make_source, watch):
    """After the stream broke, everything is listed again, and missed events arrive."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    watcher = watch(source)
    fake.control("add")
    before = len(watcher.wakes)
    fake.control("hangup")
    id = fake.control("add")["containers"][0]["id"]
    watcher.wait_for(None, since=before)
    watcher.wait_for(id, since=before)


def test_engine_restarts(fake_docker, make_source, watch):
    """An engine that went away and came back is watched again without help."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    watcher = watch(source)
    fake.stop()
    wait_until(lambda: watcher.errors, 5, "the watch to fail")
    before = len(watcher.wakes)
    fake.start()
    watcher.wait_for(None, since=before)
    id = fake.control("add")["containers"][0]["id"]
    watcher.wait_for(id)
    assert len(source.workloads().items) == 2


def test_lost_events(fake_docker, make_source, watch):
    """A change without an event is found by the next listing, if the list shows it."""
    fake = fake_docker(containers=2)
    source = make_source(fake.address)
    watch(source)
    source.workloads()
    id = fake.control("add", quiet=True)["containers"][0]["id"]
    assert id in states(source.workloads())


def test_stop_signal(fake_docker, make_source, watch):
    """From its stop signal on a container is stopping, in both kinds of answer, until it ends."""
    fake = fake_docker(containers=2)
    source = make_source(fake.address)
    id, other = states(source.workloads())
    watcher = watch(source)
    fake.control("emit", event=event(other, "kill", signal="1"))
    fake.control("emit", event=event(id, "kill", signal="15"))
    watcher.wait_state(id, State.STOPPING)
    watcher.wait_for(other)
    assert states(source.workloads()) == {id: State.STOPPING, other: State.RUNNING}
    fake.control("die", id=id)
    watcher.wait_state(id, State.EXITED)
    fake.control("start", id=id)
    watcher.wait_state(id, State.RUNNING)


def test_take_over(fake_docker, make_source, watch):
    """The next source knows of stops, and of those that come before it listens, too."""
    fake = fake_docker(containers=3)
    former = make_source(fake.address)
    first, second, third = states(former.workloads())
    watcher = watch(former)
    fake.control("emit", event=event(first, "kill", signal="15"))
    watcher.wait_state(first, State.STOPPING)
    former.close()
    fake.control("emit", event=event(second, "kill", signal="15"))
    source = make_source(fake.address)
    source.take_over(former)
    assert states(source.workloads())[first] is State.STOPPING
    watch(source).wait_state(second, State.STOPPING)
    expected = {first: State.STOPPING, second: State.STOPPING, third: State.RUNNING}
    assert states(source.workloads()) == expected


def successor(former, fake, make_source, watch):
    """The source that takes over, once it has read all that the stream repeats."""
    former.close()
    source = make_source(fake.address)
    source.take_over(former)
    watcher = watch(source)
    fake.control("emit", event=event("another", "die"))
    watcher.wait_for("another")
    return source, watcher


def test_an_end_that_the_former_saw(fake_docker, make_source, watch):
    """Is known to the next one too: the stream does not tell it again."""
    fake = fake_docker(containers=1)
    former = make_source(fake.address)
    [id] = states(former.workloads())
    watcher = watch(former)
    fake.control("die", id=id)
    fake.control("rm", id=id)
    watcher.wait_state(id, State.EXITED)
    source, _ = successor(former, fake, make_source, watch)
    assert source.workload(id).state is State.EXITED


def test_take_over_from_elsewhere(fake_docker, make_source, watch, tmp_path):
    """What another endpoint said is ignored, even if its container ids are the same."""
    fake = fake_docker(containers=1)
    former = make_source(fake.address)
    [id] = states(former.workloads())
    watcher = watch(former)
    fake.control("emit", event=event(id, "kill", signal="15"))
    watcher.wait_state(id, State.STOPPING)
    (tmp_path / "other.sock").symlink_to(fake.socket)
    source = make_source(f"unix://{tmp_path}/other.sock")
    source.take_over(former)
    assert states(source.workloads()) == {id: State.RUNNING}


def test_survived_stop_signal(fake_docker, make_source, watch):
    """A container that survives its stop signal is running again, and wakes."""
    fake = fake_docker(containers=1)
    now = [1000.0]
    source = make_source(fake.address, clock=lambda: now[0])
    [id] = states(source.workloads())
    watcher = watch(source)
    fake.control("emit", event=event(id, "kill", signal="15"))
    watcher.wait_state(id, State.STOPPING)
    before = len(watcher.wakes)
    now[0] += 15.0
    watcher.wait_for(id, since=before)
    assert source.workload(id).state is State.RUNNING


def test_a_repeated_stop_signal(fake_docker, make_source, watch):
    """Events that a reopened stream repeats do not stop a surviving container again."""
    fake = fake_docker(containers=2)
    now = [1000.0]
    source = make_source(fake.address, clock=lambda: now[0])
    id, other = states(source.workloads())
    watcher = watch(source)
    fake.control("emit", event=event(id, "kill", signal="15"))
    watcher.wait_state(id, State.STOPPING)
    before = len(watcher.wakes)
    now[0] += 600
    watcher.wait_for(id, since=before)
    assert source.workload(id).state is State.RUNNING
    before = len(watcher.wakes)
    fake.control("hangup")
    watcher.wait_for(None, since=before)
    fake.control("emit", event=event(other, "kill", signal="1"))
    watcher.wait_for(other, since=before)  # after all that the new stream repeated
    assert source.workload(id).state is State.RUNNING
    assert id not in watcher.wakes[before:]


def test_a_start_that_is_repeated_ends_no_stop(fake_docker, make_source, watch):
    """Started and stopped within a second: the next source receives the start again."""
    fake = fake_docker(containers=1)
    former = make_source(fake.address)
    [id] = states(former.workloads())
    watcher = watch(former)
    fake.control("emit", event=event(id, "start"))
    fake.control("emit", event=event(id, "kill", signal="15"))
    watcher.wait_state(id, State.STOPPING)
    source, watcher = successor(former, fake, make_source, watch)
    assert id not in watcher.wakes
    assert source.workload(id).state is State.STOPPING


@pytest.mark.parametrize("how", ["close", "stop"])
def test_watch_ends(fake_docker, make_source, watch, how):
    """A watch that waits for events ends on request, either way, without an error."""
    source = make_source(fake_docker(containers=1).address)
    watcher = watch(source)
    if how == "close":
        source.close()
        source.close()
        wait_until(lambda: watcher.returned, 5, "the watch to return")
    watcher.stop.set()
    wait_until(lambda: not watcher.thread.is_alive(), 5, "the watch to end")
    assert watcher.errors == []


def test_settled_stream_is_opened_at_once(fake_docker, make_source, watch):
    """A stream that ends after a while, as behind a proxy, is no error and opened again."""
    fake = fake_docker(containers=1)
    now = [1000.0]
    source = make_source(fake.address, clock=lambda: now[0])
    watcher = watch(source)
    now[0] += 600
    fake.control("hangup")
    watcher.wait_for(None, since=1)
    assert watcher.errors == []


def test_duplicate_events(fake_docker, make_source, watch):
    """Repeated events do no harm."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    [id] = states(source.workloads())
    watcher = watch(source)
    for action in ("die", "die", "destroy", "start", "start"):
        fake.control("emit", event=event(id, action))
    wait_until(lambda: watcher.wakes.count(id) == 4, 30, "all wakes")
    assert source.workload(id).state is State.RUNNING
    assert states(source.workloads()) == {id: State.RUNNING}


def test_what_trails_an_end_is_no_news(fake_docker, make_source, watch):
    """A stop, a disconnect and a removal wake, but not after an observed end."""
    fake = fake_docker(containers=2)
    source = make_source(fake.address)
    ended, lives = states(source.workloads())
    watcher = watch(source)
    trail = ("stop", "disconnect", "destroy")
    for action in ("die", *trail, "start"):
        fake.control("emit", event=event(ended, action))
    wait_until(lambda: watcher.wakes.count(ended) == 2, 30, "its end and its start")
    assert source.workload(ended).state is State.RUNNING
    for id in (ended, lives):  # it was described as running: what it ended before is over
        for action in trail:
            fake.control("emit", event=event(id, action))
    wait_until(lambda: watcher.wakes.count(lives) == 3, 30, "each of the trail")
    assert watcher.wakes.count(ended) == 5


def test_a_container_that_lives_has_not_ended(fake_docker, make_source, watch):
    """An end that arrives after the start that followed it does not hide later events."""
    fake = fake_docker(containers=1)
    source = make_source(fake.address)
    [id] = states(source.workloads())
    watcher = watch(source)
    fake.control("emit", event=event(id, "die"))
    wait_until(lambda: watcher.wakes.count(id) == 1, 30, "the late end")
    assert source.workload(id).state is State.RUNNING
    fake.control("emit", event=event(id, "stop"))
    wait_until(lambda: watcher.wakes.count(id) == 2, 30, "the next")


def test_quiet_engine_costs_nothing(fake_docker, make_source, watch):
    """While nothing happens, watching asks nothing."""
    fake = fake_docker(containers=1)
    watcher = watch(make_source(fake.address, timeout=timedelta(seconds=1)))
    requests(fake)
    holds_for(lambda: len(watcher.wakes) == 1, 2.5, "a wake without an event")
    assert requests(fake) == {}
