"""Notices that a source or sink uses other credentials than before: what failed is tried again."""

from collections.abc import Callable, Hashable, Sequence

import attrs

from syncer.engine.loops import Wakes

#: Seconds between two looks, and those to the next where no credentials can change.
LOOK, NEVER = 1.0, 3600.0


@attrs.frozen
class Used:
    """The credentials of one source or sink, and the way to have it work again at once."""

    credentials: Callable[[], Hashable]
    retry: Callable[[], None]


class CredentialsWork:
    """The work of a loop that looks at the credentials of all sources and sinks."""

    def __init__(self, parts: Sequence[Used]) -> None:
        self._parts = parts
        self._known: list[Hashable] | None = None

    def __call__(self, wakes: Wakes) -> float:
        """Look, and have those retried whose credentials changed; return the pause."""
        found = [part.credentials() for part in self._parts]
        known, self._known = self._known or found, found
        for part, before, now in zip(self._parts, known, found, strict=True):
            if now != before:
                part.retry()
        return NEVER if all(one is None for one in found) else LOOK
