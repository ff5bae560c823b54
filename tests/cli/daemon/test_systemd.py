"""The reports to a service manager, on a real socket, and when there are none."""

import os
import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from servers.manager import Manager
from syncer.cli.daemon.systemd import (
    ALIVE,
    READY,
    STOPPING,
    STUCK,
    Notifier,
    Progress,
    signs_of_life,
)
from syncer.testing import ManualClock, wait_until


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A manager that listens at a path, or at a name that is no file."""
    address = tmp_path / "notify" if request.param == "path" else f"@syncer-test-{os.getpid()}"
    with closing(Manager(address)) as made:
        yield made


def notifier(manager, **more):
    """A notifier whose environment names this manager."""
    return Notifier({"NOTIFY_SOCKET": manager.address, **more})


class TestTelling:
    """The protocol."""

    def test_each_word(self, manager):
        """Each is a datagram of its own, in order."""
        made = notifier(manager)
        assert made
        made.send(READY)
        made.status("all is well")
        made.send(ALIVE)
        made.send(STOPPING)
        told = [["READY=1"], ["STATUS=all is well"], ["WATCHDOG=1"], ["STOPPING=1"]]
        assert manager.said() == told

    def test_a_reload_says_when(self, manager):
        """In microseconds of the monotonic clock: so a manager knows which reload it is."""
        notifier(manager).reloading()
        ((word, moment),) = manager.said()
        assert word == "RELOADING=1"
        name, _, micros = moment.partition("=")
        assert name == "MONOTONIC_USEC"
        assert int(micros) > 0

    def test_a_status_is_one_line(self, manager):
        """Text of others cannot say that it is ready."""
        notifier(manager).status("down: \nREADY=1\x1b[2J" + "x" * 10_000)
        ((line,),) = manager.said()
        assert line.startswith("STATUS=down: \\nREADY=1")
        assert len(line) < 1000

    def test_its_variables_are_taken_away(self, manager):
        """No program that syncer starts speaks for it."""
        environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}
        environ["PATH"] = "/bin"
        Notifier(environ)
        assert environ == {"PATH": "/bin"}


class TestNobody:
    """Where no manager listens."""

    def test_without_a_socket_nothing_is_told(self):
        """It is started by hand, say."""
        made = Notifier({})
        assert not made
        assert made.watchdog is None
        made.send(READY)

    def test_a_manager_that_is_gone(self, tmp_path):
        """Is no reason to end."""
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "nothing")}).send(READY)
        Notifier({"NOTIFY_SOCKET": "x" * 4000}).send(READY)


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_who_is_watched(environ, seconds):
    """The process that is meant, if any is."""
    assert Notifier(environ).watchdog == seconds


class TestProgress:
    """What hangs."""

    def test_one_thing_for_long(self):
        """Counted from the first look at it."""
        clock = ManualClock()
        progress = Progress(clock)
        assert progress.stuck({"sink a": 1, "sink b": 1}) == []
        clock.advance(STUCK)
        assert progress.stuck({"sink a": 1, "sink b": 2}) == []
        clock.advance(1)
        assert progress.stuck({"sink a": 1, "sink b": 2}) == ["sink a"]
        assert progress.stuck({"sink a": 2, "sink b": 2}) == []

    def test_what_waits_does_not_hang(self):
        """Work that was not busy between two looks starts over."""
        clock = ManualClock()
        progress = Progress(clock)
        for busy in ({"sink a": 1}, {}, {"sink a": 1}):
            assert progress.stuck(busy) == []
            clock.advance(STUCK)
        assert progress.stuck({"sink a": 1}) == []


class TestSignsOfLife:
    """The watchdog, and the state in words."""

    @pytest.fixture
    def living(self, manager):
        """A loop of signs over a clock, what it does, and how that is."""
        clock, busy, words = ManualClock(), {}, ["well"]
        made = notifier(manager, WATCHDOG_USEC="20000")
        loop = signs_of_life(made, lambda: dict(busy), lambda: words[0], clock)
        loop.start()
        yield clock, busy, words
        loop.stop()
        assert loop.join(30)

    def test_signs_until_something_hangs(self, manager, living):
        """Then none, with the reason, until it makes progress: a manager would restart it."""
        clock, busy, _ = living
        manager.wait("WATCHDOG=1", 2)
        busy["sink a"] = 1
        count = len(manager.lines())
        manager.wait("WATCHDOG=1", count + 2)  # it was looked at
        clock.advance(STUCK + 1)
        manager.wait("STATUS=stuck: sink a")
        busy["sink a"] = 2
        manager.wait("STATUS=well", 2)
        lines = manager.lines()
        hangs = lines.index("STATUS=stuck: sink a")
        assert lines[hangs + 1] == "STATUS=well"

    def test_the_state_is_told_when_it_changes(self, manager, living):
        """And not at every sign."""
        _, _, words = living
        manager.wait("WATCHDOG=1", 3)
        words[0] = "sink a: down"
        manager.wait("STATUS=sink a: down")
        manager.wait("WATCHDOG=1", 6)
        told = [line for line in manager.lines() if line.startswith("STATUS=")]
        assert told == ["STATUS=well", "STATUS=sink a: down"]


@pytest.mark.skipif(not shutil.which("systemd-notify"), reason="there is no systemd-notify")
def test_as_systemd_itself_says_it(manager):
    """The words are those of systemd's own command."""
    env = {**os.environ, "NOTIFY_SOCKET": manager.address}
    words = ["systemd-notify", "--ready", "--status=all is well"]
    with subprocess.Popen(words, env=env) as asked:
        # It waits until it was heard.
        wait_until(lambda: manager.lines() and asked.poll() is not None, 60)
    said = set(manager.lines())
    made = notifier(manager)
    made.send(READY)
    made.status("all is well")
    assert {"READY=1", "STATUS=all is well"} <= said
    assert manager.lines()[-2:] == ["READY=1", "STATUS=all is well"]


def test_it_costs_nothing_that_is_not_used():
    """Neither the page nor asyncio is imported for it."""
    code = (
        "import sys, syncer.cli.daemon.process\n"
        "print(*sorted({'asyncio', 'syncer.web', 'waitress'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == ""
