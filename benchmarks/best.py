"""How many requests at a time suit a bare client best: tried out."""

import time
from collections.abc import Callable

from benchmarks.figures import say

CHOICES = (1, 4, 8, 16, 32)
#: How often each is tried; its quickest time counts.
TRIES = 2


def best(what: str, do: Callable[[int], object], before: Callable[[], object]) -> int:
    """The quickest number of workers for `do`; `before` goes before each try and is not timed."""

    def seconds(workers: int) -> float:
        before()
        began = time.perf_counter()
        do(workers)
        return time.perf_counter() - began

    times = {choice: min(seconds(choice) for _ in range(TRIES)) for choice in CHOICES}
    found = min(times, key=lambda choice: times[choice])
    told = ", ".join(f"{choice}: {spent:.2f} s" for choice, spent in times.items())
    say(f"{what}: a bare client is quickest with {found} at a time ({told})")
    return found
