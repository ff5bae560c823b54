"""Whether a word to advertise is a host name: the only part of this room that asks the system.

Words are also used for interfaces, which come and go. One that was an interface is never taken for
a host name, whatever a name server says of it.
"""

import socket
import threading

import attrs

from syncer.api.fields import is_address
from syncer.api.workloads import Host
from syncer.desired.networking import is_interface

#: Seconds to wait for the name server before the last answer is used again.
PATIENCE = 1.0
#: The answers that there is no such name; all others say that nobody knows now.
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


class HostNames:
    """Notes on a host whether the word to advertise is a name that resolves."""

    def __init__(self, word: str) -> None:
        self._word = "" if "/" in word or is_address(word) else word
        self._resolves = self._was_interface = False
        self._asking: threading.Thread | None = None

    def noted_on(self, host: Host) -> Host:
        """Return the host with the word among its `names` if it is a host name."""
        if not self._word:
            return host
        here = (name for _, name in socket.if_nameindex())
        self._was_interface |= is_interface(self._word, host) or self._word in here
        if self._was_interface or not self._ask():
            return host
        return attrs.evolve(host, names=frozenset((self._word,)))

    def _ask(self) -> bool:
        """Return whether the word resolves, as far as known: a name server may not answer."""
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(target=self._resolve, name="resolve", daemon=True)
            self._asking.start()
        self._asking.join(PATIENCE)
        return self._resolves

    def _resolve(self) -> None:
        try:
            self._resolves = bool(socket.getaddrinfo(self._word, None))
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_NAME:
                self._resolves = False
        except (OSError, UnicodeError):
            self._resolves = False
