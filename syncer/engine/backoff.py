"""How long to wait before the next try: doubling, jittered, without an upper count."""

import random
from collections.abc import Callable


class Backoff:
    """Delays in seconds that double from `first` up to `cap`, each varied by its jitter.

    The delay lies between half and the whole of the present step, so that many hosts that
    failed together do not come back together.
    """

    def __init__(
        self, first: float = 1.0, cap: float = 30.0, rand: Callable[[], float] = random.random
    ) -> None:
        self._first, self._cap, self._rand = first, cap, rand
        self.failures = 0

    def next(self) -> float:
        """Count one more failure; returns the seconds to wait."""
        step = min(self._cap, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return step * (0.5 + self._rand() / 2)

    def reset(self) -> int:
        """Forget the failures after a success; returns how many there were."""
        failures, self.failures = self.failures, 0
        return failures


def jittered(seconds: float, rand: Callable[[], float] = random.random) -> float:
    """An interval varied by ten percent either way."""
    return seconds * (0.9 + 0.2 * rand())
