"""Reports to the service manager: ready, reloading, stopping, the status, and that syncer lives.

The protocol is systemd's `sd_notify`: a datagram of `NAME=value` lines to the socket that the
environment names. Without one, nothing is sent.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Hashable, Mapping, MutableMapping

from syncer.api.text import printable
from syncer.engine.loops import Loop, Wakes

#: Seconds without progress after which work counts as stuck: longer than any registry or engine can
#: make it wait, since their answers have deadlines.
STUCK = 600.0
#: Seconds between two looks at the status.
LOOK = 5.0
#: Seconds to wait for a service manager that does not read, and the longest status in characters.
_PATIENCE, _LONGEST = 1.0, 500


class Notifier:
    """Reports to the service manager, if there is one.

    Its variables are removed from the environment, so that no program that syncer starts reports
    for it.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        address = environ.pop("NOTIFY_SOCKET", "")
        #: An address that begins with @ is an abstract one, which begins with a zero byte.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        micros, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        meant = micros.isdecimal() and pid in ("", str(os.getpid()))
        #: Seconds within which the manager expects a sign of life. `None` if it expects none.
        self.watchdog = int(micros) / 1e6 if meant and int(micros) else None

    def __bool__(self) -> bool:
        """Return whether there is a service manager."""
        return bool(self._address)

    def ready(self) -> None:
        """Report that syncer has started, or has reloaded."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Report that a reload begins; `ready` reports its end."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Report that syncer begins to stop."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Report the status, as text for people."""
        self._send(f"STATUS={printable(text, _LONGEST)}")

    def alive(self) -> None:
        """Give the sign of life that a watchdog waits for."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # A manager that is gone, or does not read, must not stop syncer.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE)
            line.sendto("\n".join(lines).encode(), self._address)


class Progress:
    """Finds stuck work by looking at what runs. `clock` never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[tuple[str, Hashable], float] = {}

    def stuck(self, busy: Mapping[str, Hashable]) -> list[str]:
        """Return the names of work that has made no progress for `STUCK` seconds.

        `busy` maps the running work to a value that changes with its progress.
        """
        now = self._clock()
        self._since = {what: self._since.get(what, now) for what in busy.items()}
        return [name for (name, _), since in self._since.items() if now - since > STUCK]


def signs_of_life(
    notifier: Notifier,
    busy: Callable[[], Mapping[str, Hashable]],
    status: Callable[[], str],
    clock: Callable[[], float] = time.monotonic,
) -> Loop:
    """Return a loop that gives signs of life while nothing is stuck, and reports each new status.

    They are half of the watchdog's time apart, so that a late one does not end the process.
    """
    progress, told = Progress(clock), ""

    def look(wakes: Wakes) -> float:
        nonlocal told
        stuck = progress.stuck(busy())
        text = f"stuck: {', '.join(stuck)}" if stuck else status()
        if text != told:
            notifier.status(text)
            told = text
        if notifier.watchdog is None:
            return LOOK
        if not stuck:
            notifier.alive()
        return min(LOOK, notifier.watchdog / 2)

    return Loop("service manager", look, lambda event: None)
