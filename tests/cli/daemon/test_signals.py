"""What signals ask for."""

import signal
import subprocess
import sys

import pytest

from syncer.cli.daemon.signals import RELOAD, STOP, Requests

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.fixture
def requests():
    """Requests of this process, which gets its own handling of signals back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield Requests()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_nothing_is_asked(requests):
    """For a while."""
    assert requests.next(0.01) == ""
    assert not requests.stopping


def test_a_reload_is_asked_for_once(requests):
    """However many signals came before it is begun; one that comes later is another."""
    for _ in range(3):
        signal.raise_signal(signal.SIGHUP)
    assert requests.next(30) == RELOAD
    assert requests.next(0.01) == ""
    signal.raise_signal(signal.SIGHUP)
    assert requests.next(30) == RELOAD


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_to_stop_goes_before(requests, number):
    """It is known at once, and stays."""
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(number)
    assert requests.stopping
    signal.raise_signal(signal.SIGHUP)
    assert requests.next(30) == STOP
    assert requests.next(30) == STOP


def test_a_second_one_ends_the_process():
    """At once, whatever it does."""
    code = (
        "import signal\nfrom syncer.cli.daemon.signals import Requests\nRequests()\n"
        "signal.raise_signal(signal.SIGTERM)\nprint('on', flush=True)\n"
        "signal.raise_signal(signal.SIGTERM)\nprint('not here')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "on\n")
