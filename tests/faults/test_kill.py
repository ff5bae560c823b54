"""kill -9 after every single call of a cycle: the next process finishes it, nothing is left over.

For registries a proxy kills syncer when the answer to the n-th request begins, before any of it
arrives: the request was done, and nobody knows. For files the process kills itself.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from servers.faultproxy import FaultProxy
from servers.registries import FileView

#: The faults, in the words of the table in docs/proofs.md.
KILLS = {
    "test_a_cycle_killed_after_each_request": "kill -9 after any request of a cycle",
    "test_a_first_cycle_killed_after_each_request": "kill -9 after any request of the first cycle",
    "test_a_cycle_killed_after_each_call_on_files": "kill -9 after any call on files of a cycle",
}
PROGRAM = Path(__file__).with_name("one_cycle.py")
#: From each to the other one is new, one is changed and one is gone.
ONE = {"same": ["a"], "changed": ["a"], "gone": ["a"]}
OTHER = {"same": ["a"], "changed": ["b"], "new": ["a"]}


@dataclass(frozen=True)
class Side:
    """A file of services, and their tags by the ids that they get."""

    path: Path
    tags: dict


class Program:
    """`one_cycle.py`: starts a process of syncer, kills it, says what became of it."""

    def __init__(self):
        self._server = subprocess.Popen(
            [sys.executable, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._pid = 0

    def close(self):
        """End it."""
        self._server.stdin.close()
        self._server.wait(10)
        self._server.stdout.close()

    def start(self, **wish):
        """Start a process."""
        self._server.stdin.write(json.dumps(wish, default=str) + "\n")
        self._server.stdin.flush()
        self._pid = json.loads(self._server.stdout.readline())["pid"]

    def kill(self):
        """Kill the process, and return when it is dead."""
        process = os.pidfd_open(self._pid)
        try:
            signal.pidfd_send_signal(process, signal.SIGKILL)
            select.select([process], [], [])
        finally:
            os.close(process)

    def finish(self):
        """Wait for its end; true if it was killed. It must not have failed."""
        ended = json.loads(self._server.stdout.readline())
        assert ended["code"] in (0, -signal.SIGKILL), ended["said"]
        self.said = ended["said"]
        return ended["code"] != 0

    def converge(self, sink, services):
        """A process that runs until nothing is left to do, and must come to that."""
        self.start(sink=sink, services=services)
        assert not self.finish()
        assert json.loads(self.said) == {"left": [], "errors": []}


@pytest.fixture(scope="module")
def program():
    """One for all tests."""
    made = Program()
    yield made
    made.close()


@pytest.fixture
def services(tmp_path):
    """A function that writes a file of services: `services({name: tags}) -> Side`."""
    numbers = count(1)

    def write(tags):
        entries = [
            {"name": name, "address": "192.0.2.1", "port": 80 + at, "tags": tags[name]}
            for at, name in enumerate(sorted(tags))
        ]
        path = tmp_path / f"services-{next(numbers)}.json"
        path.write_text(json.dumps({"services": entries}))
        ids = {f"host1:{it['name']}-192.0.2.1:{it['port']}": it["tags"] for it in entries}
        return Side(path, ids)

    return write


def killed_from_outside(program, view):
    """Runs a cycle that a proxy ends at the n-th answer; false when the cycle was over before."""

    def attempt(services, number):
        proxy = FaultProxy(view.address, on_answer=lambda n: n == number and program.kill())
        program.start(sink=view.sink(proxy.address), services=services, once=True)
        killed = program.finish()
        proxy.close()
        return killed

    return attempt


def killed_from_inside(program, view):
    """The same for files, where the process ends itself after the n-th call."""

    def attempt(services, number):
        program.start(sink=view.sink(""), services=services, once=True, die_after=number)
        return program.finish()

    return attempt


def kill_everywhere(program, view, attempt, sides, note):
    """Kill at 1, 2, 3, ... until a cycle is over before; look after each.

    Each time syncer is to bring the registry from one of two `sides` to the other.
    """
    sink = view.sink(view.address)
    seconds = []
    program.converge(sink, sides[0].path)
    for number in count(1):
        was, wanted = sides[(number + 1) % 2], sides[number % 2]
        assert (number, view.content()) == (number, was.tags)
        foreign = view.foreign()
        over = not attempt(wanted.path, number)
        began = time.monotonic()
        program.converge(sink, wanted.path)
        seconds.append(time.monotonic() - began)
        assert (number, view.content(), view.twins()) == (number, wanted.tags, set())
        assert view.foreign() == foreign
        if over:
            break
    assert number > 3, "a cycle has more calls than that"
    note(view.name, max(seconds), number - 1)


@pytest.fixture
def note(results, request):
    """A function that notes how long the next process took to finish a cycle, at most."""
    promise = "the next process finishes the cycle, nothing is left over"

    def add(sink, seconds, kills):
        fault = f"syncer: {KILLS[request.node.originalname]}"
        results.add(request, fault, promise, {sink: seconds}, kills=kills)

    return add


@pytest.mark.server
def test_a_cycle_killed_after_each_request(program, view, services, note):
    """One new, one changed, one gone: whichever request was the last, the next process finishes."""
    sides = services(ONE), services(OTHER)
    kill_everywhere(program, view, killed_from_outside(program, view), sides, note)


@pytest.mark.server
@pytest.mark.parametrize("view", ["etcd", "zookeeper"], indirect=True)
def test_a_first_cycle_killed_after_each_request(program, view, services, note):
    """All are new, so that a lease or session is made as well; or all are gone."""
    sides = services({}), services(ONE)
    kill_everywhere(program, view, killed_from_outside(program, view), sides, note)


def test_a_cycle_killed_after_each_call_on_files(program, services, tmp_path, note):
    """The file is whole and as it was, or whole and new; what a killed writer left goes."""
    folder = tmp_path / "registry"
    folder.mkdir()
    view = FileView(folder / "services.json")
    view.add_foreign()
    sides = services(ONE), services(OTHER)
    kill_everywhere(program, view, killed_from_inside(program, view), sides, note)
