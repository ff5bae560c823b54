"""What a service manager is told: that syncer is ready, reloads, stops, how it does, that it lives.

The protocol is systemd's `sd_notify`: a datagram of `NAME=value` lines to the socket that the
environment names. Without one nobody is told anything.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Hashable, Mapping, MutableMapping

from syncer.api.text import printable
from syncer.engine.loops import Loop

#: Seconds after which what does one thing without coming on counts as hanging: longer than any
#: registry or engine can make it wait, since their answers have deadlines.
HANGS = 600.0
#: Seconds between two looks at how it does.
LOOK = 5.0
#: Seconds to wait for a service manager that does not read, and characters that it is told.
_PATIENCE, _LONGEST = 1.0, 500


class Notifier:
    """Tells the service manager, if there is one.

    Takes its variables out of the environment, so that no program that syncer starts speaks for it.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        address = environ.pop("NOTIFY_SOCKET", "")
        #: A name that begins with @ stands for one that begins with a zero byte: it is no file.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        micros, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        meant = micros.isdecimal() and pid in ("", str(os.getpid()))
        #: Seconds within which the manager wants a sign of life; None: it wants none.
        self.watchdog = int(micros) / 1e6 if meant and int(micros) else None

    def __bool__(self) -> bool:
        """Whether somebody listens."""
        return bool(self._address)

    def ready(self) -> None:
        """It is started, or has reloaded."""
        self._send("READY=1")

    def reloading(self) -> None:
        """It begins to reload; `ready` says that this is over."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """It begins to stop."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """How it does, for people."""
        self._send(f"STATUS={printable(text, _LONGEST)}")

    def alive(self) -> None:
        """The sign of life that a watchdog waits for."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # A manager that is away, or does not read, is no reason to stop.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE)
            line.sendto("\n".join(lines).encode(), self._address)


class Progress:
    """Finds what hangs, from looks at what is being done. `clock` never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[tuple[str, Hashable], float] = {}

    def hanging(self, busy: Mapping[str, Hashable]) -> list[str]:
        """What has been at the same thing for longer than `HANGS`.

        `busy` has what is being done now, each with what changes when that comes on.
        """
        now = self._clock()
        self._since = {what: self._since.get(what, now) for what in busy.items()}
        return [name for (name, _), since in self._since.items() if now - since > HANGS]


def signs_of_life(
    notifier: Notifier,
    busy: Callable[[], Mapping[str, Hashable]],
    status: Callable[[], str],
    clock: Callable[[], float] = time.monotonic,
) -> Loop:
    """A loop that gives signs of life while nothing hangs, and tells how it does when that changes.

    Half of the watchdog's time is between two: one that comes late is no death.
    """
    progress, told = Progress(clock), ""

    def look(wakes: frozenset[Hashable]) -> float:
        nonlocal told
        hanging = progress.hanging(busy())
        text = f"hangs: {', '.join(hanging)}" if hanging else status()
        if text != told:
            notifier.status(text)
            told = text
        if notifier.watchdog is None:
            return LOOK
        if not hanging:
            notifier.alive()
        return min(LOOK, notifier.watchdog / 2)

    return Loop("service manager", look, lambda event: None)
