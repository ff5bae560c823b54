"""Calls in several threads at a time."""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(call: Callable[[T], R], items: Collection[T], workers: int) -> Iterator[R]:
    """The results of `call` for each item, in the order in which they come.

    `call` must not raise. The caller's thread works with the others: waking it for each result
    would cost more than the result. When the caller stops asking, no further item is begun, and
    those that are under way are waited for.
    """
    todo, done = deque(items), deque[R]()

    def work() -> None:
        while todo:
            try:
                item = todo.popleft()
            except IndexError:
                return
            done.append(call(item))

    threads = [
        Thread(target=work, name="consul", daemon=True) for _ in range(min(workers, len(items)) - 1)
    ]
    for thread in threads:
        thread.start()
    try:
        while todo:
            try:
                item = todo.popleft()
            except IndexError:
                break
            yield call(item)
            while done:
                yield done.popleft()
    finally:
        todo.clear()
        for thread in threads:
            thread.join()
    yield from done
