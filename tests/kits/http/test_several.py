"""Several servers that are equals, and several requests at the same time."""

from collections import Counter
from threading import Barrier

import pytest

from syncer import TemporaryError
from syncer.kits.http import Failover, each


def test_the_last_good_server_is_kept():
    """One that failed is asked again only when its turn comes."""
    bad, asked = {"a"}, []

    def send(server):
        asked.append(server)
        if server in bad:
            raise TemporaryError(f"{server} is dead")
        return server.upper()

    servers = Failover(["a", "b", "c"])
    assert servers.ask(send) == "B"
    bad.clear()
    assert servers.ask(send) == "B"
    assert asked == ["a", "b", "b"]
    bad.update("bc")
    assert servers.ask(send) == "A"


def test_all_that_failed_are_named():
    """And no more are asked than `tries`."""

    def send(server):
        raise TemporaryError(f"{server} is dead")

    with pytest.raises(TemporaryError, match=r"^1 is dead; 2 is dead$"):
        Failover([1, 2, 3], tries=2).ask(send)


@pytest.mark.parametrize("workers", [1, 2, 5, 100])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_each_is_called_once(workers, count):
    """Whatever the number of workers."""
    called = Counter()
    results = each(lambda n: called.update([n]) or n * n, range(count), workers)
    assert sorted(results) == [n * n for n in range(count)]
    assert called == Counter(range(count))


def test_workers_work_at_the_same_time():
    """The caller is one of them."""
    barrier = Barrier(3)
    assert sorted(each(lambda n: barrier.wait(30) * 0 + n, range(3), 3)) == [0, 1, 2]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_ends_it(workers):
    """What was done is told first; no further call is begun."""
    called = []

    def call(n):
        called.append(n)
        if n == 1:
            raise ValueError("no")
        return n

    found = each(call, range(100), workers)
    with pytest.raises(ValueError, match="no"):
        for _ in found:
            pass
    assert len(called) < 100


def test_nobody_asks_any_more():
    """Then no further call is begun."""
    called = []
    found = each(lambda n: called.append(n) or n, range(100), 1)
    assert next(found) == 0
    found.close()
    assert called == [0]
