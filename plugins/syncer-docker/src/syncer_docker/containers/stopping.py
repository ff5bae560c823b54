"""Containers that were told to stop and still run, so that they can be drained.

The engine reports a stop only when it is over. But it first sends the container's stop signal,
which is an event; the container then has its stop timeout to end. A container that still runs
after that uses the signal for something else.
"""

import threading
from collections.abc import Callable

import attrs

from syncer import State, Workload
from syncer_docker.fields import Json

#: Seconds added to the stop timeout for the engine's own work.
MARGIN = 5.0
DEFAULT_TIMEOUT = 10.0
TERM = 15

# Numbered as on Linux, wherever syncer runs: so are the signals of containers.
_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP"
    " TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_NUMBERS = {name: number for number, name in enumerate(_NAMES.split(" "), start=1)}
_REAL_TIME = {"RTMIN": 34, "RTMAX": 64}


@attrs.frozen
class StopRule:
    """How a container is stopped: the signal's number, and the seconds to end."""

    signal: int = TERM
    timeout: float = DEFAULT_TIMEOUT


def stop_rule(container: Json) -> StopRule:
    """Return the rule of an inspected container; a negative timeout means no limit."""
    config = container.get("Config") or {}
    timeout = config.get("StopTimeout")
    seconds = float(timeout) if isinstance(timeout, (int, float)) else DEFAULT_TIMEOUT
    return StopRule(
        signal=signal_number(config.get("StopSignal") or TERM) or TERM,
        timeout=seconds if seconds >= 0 else float("inf"),
    )


def signal_number(text: object) -> int:
    """Return the number of `15`, `TERM`, `SIGTERM` or `SIGRTMIN+3`; 0 if unknown."""
    word = str(text).strip().upper().removeprefix("SIG")
    if word.isdecimal():
        return int(word)
    base, sign, offset = (*word.partition("+"),) if "+" in word else (*word.partition("-"),)
    if base in _REAL_TIME and (not sign or offset.isdecimal()):
        return _REAL_TIME[base] + int(f"{sign}{offset}" or 0)
    return _NUMBERS.get(word, 0)


@attrs.define
class _Signal:
    number: int
    at: float
    until: float | None = None


class Stopping:
    """The signals that containers were sent; thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._signals: dict[str, _Signal] = {}

    def sent(self, id: str, signal: int) -> None:
        """Note a signal that was just sent. A stop in progress is not ended by another signal."""
        with self._lock:
            held = self._signals.get(id)
            if held is None or held.until is None:
                self._signals[id] = _Signal(signal, self._clock())

    def take_over(self, former: "Stopping") -> None:
        """Copy the signals that another has noted."""
        with former._lock:
            signals = {id: attrs.evolve(sent) for id, sent in former._signals.items()}
        with self._lock:
            self._signals = signals

    def clear(self, id: str) -> None:
        """Forget the signal of a container that ended or was started."""
        with self._lock:
            self._signals.pop(id, None)

    def ids(self) -> set[str]:
        """Return the containers that were sent a signal and are not known to have ended."""
        with self._lock:
            return set(self._signals)

    def overlay(self, workload: Workload, rule: StopRule) -> Workload:
        """Return the workload, as `stopping` if it is within the timeout of its stop signal."""
        with self._lock:
            sent = self._signals.get(workload.id)
            running = workload.state is State.RUNNING
            if sent is None or not running or sent.number != rule.signal:
                return workload
            sent.until = sent.at + rule.timeout + MARGIN
            if self._clock() >= sent.until:
                return workload
        return attrs.evolve(workload, state=State.STOPPING)

    def overdue(self) -> list[str]:
        """Remove and return the containers that should have ended by now."""
        with self._lock:
            now = self._clock()
            late = [
                id
                for id, sent in self._signals.items()
                if sent.until is not None and sent.until <= now
            ]
            for id in late:
                del self._signals[id]
            return late
