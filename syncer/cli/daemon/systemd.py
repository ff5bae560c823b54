"""Reports to the service manager: ready, reloading, stopping, the status, and that syncer lives.

The protocol is systemd's `sd_notify`: a datagram of `NAME=value` lines to the socket that the
environment names. Without one, nothing is sent.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Hashable, Mapping, MutableMapping

from syncer.api.secrets import hidden
from syncer.api.text import printable
from syncer.engine.loops import Loop, Wakes

#: syncer has started or reloaded; begins to stop; gives the sign of life a watchdog waits for.
READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"
#: Seconds without progress after which work counts as stuck: longer than any registry or engine can
#: make it wait, since their answers have deadlines.
STUCK = 600.0
#: Seconds between two looks at the status.
LOOK = 5.0
#: Seconds to wait for a service manager that does not read, and the longest status in characters.
_PATIENCE, _LONGEST = 1.0, 500


class Notifier:
    """Reports to the service manager. Removes its variables, so that no child reports for it."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        address = environ.pop("NOTIFY_SOCKET", "")
        #: An address that begins with @ is an abstract one, which begins with a zero byte.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        micros, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        meant = micros.isdecimal() and pid in ("", str(os.getpid()))
        #: Seconds within which the manager expects a sign of life. `None` if it expects none.
        self.watchdog = int(micros) / 1e6 if meant and int(micros) else None

    def __bool__(self) -> bool:
        return bool(self._address)

    def reloading(self) -> None:
        """Report that a reload begins; `READY` reports its end."""
        self.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def status(self, text: str) -> None:
        """Report the status, as text for people."""
        self.send(f"STATUS={printable(hidden(text, data=True), _LONGEST)}")

    def send(self, *lines: str) -> None:
        """Report one of the states above, or other lines of the protocol."""
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
        """Return the work whose value in `busy`, its progress, is unchanged for `STUCK` seconds."""
        now = self._clock()
        self._since = {what: self._since.get(what, now) for what in busy.items()}
        return [name for (name, _), since in self._since.items() if now - since > STUCK]


def signs_of_life(
    notifier: Notifier,
    busy: Callable[[], Mapping[str, Hashable]],
    status: Callable[[], str],
    clock: Callable[[], float] = time.monotonic,
) -> Loop:
    """Return a loop that gives signs of life while nothing is stuck, and reports new statuses."""
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
            notifier.send(ALIVE)
        return min(LOOK, notifier.watchdog / 2)  # so that a late sign does not end the process

    return Loop("service manager", look, lambda event: None)
