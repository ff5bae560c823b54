"""Calls in several threads at the same time."""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(call: Callable[[T], R], items: Collection[T], workers: int) -> Iterator[R]:
    """Yield the result of `call` for each item, in the order in which they come.

    The caller's thread is one of the workers: waking it for each result would cost more than the
    result. When the caller stops asking, or a call raises, no further item is begun, and those
    under way are waited for; the first error is raised.
    """
    calls = _Calls(call, items)
    threads = [
        Thread(target=calls.run, name="each", daemon=True)
        for _ in range(min(workers, len(items)) - 1)
    ]
    for thread in threads:
        thread.start()
    try:
        while calls.run_one():
            while calls.done:
                yield calls.done.popleft()
    finally:
        calls.todo.clear()
        for thread in threads:
            thread.join()
    yield from calls.done
    if calls.errors:
        raise calls.errors[0]


class _Calls(Generic[T, R]):
    def __init__(self, call: Callable[[T], R], items: Collection[T]) -> None:
        self._call, self.todo = call, deque(items)
        self.done: deque[R] = deque()
        self.errors: list[BaseException] = []

    def run(self) -> None:
        while self.run_one():
            continue

    def run_one(self) -> bool:
        """Make the next call; false if none was left."""
        try:
            item = self.todo.popleft()
        except IndexError:
            return False
        try:
            self.done.append(self._call(item))
        except BaseException as error:  # noqa: BLE001 - raised by the caller's thread
            self.errors.append(error)
            self.todo.clear()
        return True
