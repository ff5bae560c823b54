"""A Docker engine that loses, repeats or garbles what it says, as a made-up one can.

Events only say when to look: whatever they say, the registries hold what runs.
"""

import time

import pytest

from servers.faultbench import DEADLINE, WATCHED
from servers.waiting import wait_until


@pytest.fixture(scope="module")
def running(start_bench, fake_host):
    """The bench on a made-up engine."""
    return start_bench(fake_host)


@pytest.fixture
def engine(bench):
    """The made-up engine; its faults end with the test."""
    return bench.host.engine


@pytest.fixture
def right_again(bench, results, request):
    """A function: waits until all is right, looks that nothing was taken, and notes the result."""

    def wait(fault, promise, stays, took=None):
        seconds = took or bench.settle()
        assert bench.keeps(bench.host.ids())
        bench.never_removed(stays)
        results.add(request, f"Docker: {fault}", promise, seconds)

    return wait


def test_the_stream_ends(bench, engine, right_again):
    """A stream that ends again and again costs nothing: each new one begins with a listing."""
    bench.host.quiet = True
    stays = bench.change()
    bench.host.quiet = False
    for _ in range(3):
        wait_until(lambda: engine.control("hangup")["closed"], 20, "a stream to end")
    right_again("the event stream ends", "listed anew each time", stays)


def test_lost_events(bench, engine, right_again):
    """What no event tells of is found by the next full listing."""
    bench.host.quiet = True
    stays = bench.change()
    right_again("events are lost", "found within `interval`", stays)


def test_repeated_events(bench, engine, right_again):
    """Events that come again, old ones among them, change nothing."""
    stays = bench.change()
    for told in list(engine.control("events")["events"])[-20:]:
        for _ in range(3):
            engine.control("emit", event=told)
    right_again("events come again", "only what runs counts", stays)


def test_reordered_events(bench, engine, right_again):
    """Events in the wrong order, an end after a later start, change nothing."""
    stays = bench.change()
    for told in reversed(engine.control("events")["events"]):
        engine.control("emit", event=told)
    right_again("events come in the wrong order", "only what runs counts", stays)


def test_a_burst_of_events(bench, engine, right_again):
    """A thousand events at once are a few listings, and all of them are followed."""
    engine.control("reset")
    stays = bench.change()
    runs = bench.host.names[-1]
    for _ in range(500):
        engine.control("die", name=runs)
        engine.control("start", name=runs)
    began = time.monotonic()
    wait_until(bench.is_steady, DEADLINE, "the last event to have been followed")
    took = dict.fromkeys(bench.views, time.monotonic() - began - WATCHED)
    stays -= {bench.host.id(runs)}
    right_again("a burst of 1000 events", "followed to the last", stays, took)


def test_half_an_event(bench, engine, right_again):
    """A stream that breaks off within an event, or holds none at all, is opened anew."""
    bench.host.quiet = True
    stays = bench.change()
    bench.host.quiet = False
    engine.control("say", text='{"Type": "container", "Act')
    engine.control("hangup")
    wait_until(lambda: engine.control("stats")["listeners"], 20, "a new stream")
    engine.control("say", text="<html>no event</html>\n")
    right_again("half an event, and garbage", "listed anew", stays)


@pytest.mark.parametrize("kind", ["list", "inspect", "events"])
def test_errors_of_the_engine(bench, engine, right_again, kind):
    """While the engine answers 500 to a kind of question nothing that runs is removed."""
    engine.control("fault", fail={kind: 500})
    engine.control("hangup")  # else nothing would be asked for a while
    stays = bench.change()
    engine.control("reset")
    wait_until(lambda: kind in engine.control("stats")["requests"], 30, "the question to be asked")
    bench.must_keep(stays)
    engine.control("fault", fail={})
    right_again(f"500 for {kind}", "nothing that runs is removed", stays)


@pytest.mark.parametrize("kind", ["list", "inspect"])
def test_half_written_answers(bench, engine, right_again, kind):
    """JSON that ends in the midst is no answer: nothing that runs is removed."""
    engine.control("fault", cut={kind: 100})
    engine.control("hangup")
    stays = bench.change()
    engine.control("reset")
    wait_until(lambda: kind in engine.control("stats")["requests"], 30, "the question to be asked")
    bench.must_keep(stays)
    engine.control("fault", cut={})
    right_again(f"half of the JSON for {kind}", "nothing that runs is removed", stays)


def test_slow_inspect(bench, engine, right_again):
    """Answers about single containers that come after the deadline remove nothing."""
    failures = bench.failures("docker")
    engine.control("fault", slow={"inspect": 3.0})
    stays = bench.change()
    wait_until(lambda: bench.failures("docker") > failures, 30, "the fault to be noticed")
    bench.must_keep(stays)
    engine.control("fault", slow={})
    right_again("inspect is slower than the deadline", "nothing that runs is removed", stays)


def test_containers_that_vanish(bench, engine, right_again):
    """One that is listed and gone when it is asked for is gone, and the others stay."""
    stays = bench.change()
    bench.settle()
    gone = bench.host.names[0]
    bench.host.names.remove(gone)
    engine.control("fault", vanish=[gone])
    bench.host.start()  # a new one, which is inspected; the vanished is known already
    right_again(
        "a container vanishes after the list",
        "it goes, the others stay",
        stays - {bench.host.id(gone)},
    )


def test_a_list_that_lacks_containers(bench, engine, right_again):
    """What a list leaves out but the engine knows when asked for is not removed."""
    stays = bench.host.ids()
    engine.control("fault", hide=list(bench.host.names))
    engine.control("reset")
    wait_until(lambda: engine.control("stats")["requests"].get("list", 0) > 1, 30, "two lists")
    bench.must_keep(stays)
    engine.control("fault", hide=[])
    right_again("lists leave out what runs", "asked for singly, so it stays", stays)
