"""Calls in a few threads at a time."""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: So many calls are not worth a thread.
_FEW = 4


def each(call: Callable[[T], R], items: Collection[T], workers: int) -> Iterator[R]:
    """The results of `call` for each item, in the order in which they come.

    When the caller stops asking, or a call raises, no further item is begun, and those that are
    under way are waited for.
    """
    if workers < 2 or len(items) <= _FEW:
        yield from map(call, items)
        return
    with ThreadPoolExecutor(min(workers, len(items)), "eureka") as pool:
        try:
            for done in as_completed([pool.submit(call, item) for item in items]):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
