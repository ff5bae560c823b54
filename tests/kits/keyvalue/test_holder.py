"""The lease or session that several processes agree on: found, followed, renewed, replaced."""

import pytest

from syncer.kits.keyvalue import Holder


class Leases(Holder):
    """Leases in memory; those in `fit` have the settings of now."""

    def __init__(self, *alive, fit=()):
        super().__init__()
        self.alive, self.fit, self.made, self.renewed = set(alive), set(fit), 0, []

    def _make(self):
        self.made += 1
        self.alive.add(f"new{self.made}")
        return f"new{self.made}"

    def _lives(self, id_):
        return id_ in self.alive

    def _fits(self, id_):
        return id_ in self.alive & self.fit

    def _renew(self, id_):
        self.renewed.append(id_)
        return id_ in self.alive


def test_one_is_made_with_the_first_write_and_kept():
    """Looking makes none."""
    leases = Leases()
    leases.find({})
    leases.follow({})
    assert (leases.current, leases.made) == ("", 0)
    assert leases.obtain({}) == leases.obtain({"b": 9}) == "new1"


@pytest.mark.parametrize("how", ["find", "obtain"])
def test_the_one_with_most_entries_is_found(how):
    """Of equals that with the smallest id, so that all processes choose the same."""
    leases = Leases("a", "b", "c", fit="abc")
    getattr(leases, how)({"c": 2, "b": 2, "a": 1})
    assert (leases.current, leases.made) == ("b", 0)


def test_one_with_other_settings_is_left_for_good():
    """Else a process with a new length would follow the old lease."""
    leases = Leases("a", fit="")
    assert leases.obtain({"a": 5}) == "new1"
    leases.follow({"a": 5, "new1": 1})
    assert leases.current == "new1"


def test_it_follows_the_majority():
    """Two processes end on one; a dead one is not followed."""
    leases = Leases("a", "b", fit="ab")
    leases.find({"b": 2})
    leases.follow({"b": 2, "a": 2})
    assert leases.current == "a"
    leases.follow({"dead": 3, "a": 2})
    assert leases.current == "a"
    leases.follow({"b": 1})
    assert leases.current == "b"


def test_dead_ones_are_told_and_replaced():
    """Each is renewed once; the next write gets another."""
    leases = Leases("a", fit="a")
    leases.find({"a": 1})
    leases.alive.clear()
    assert sorted(leases.renew(["a", "b", ""])) == ["a", "b"]
    assert sorted(leases.renewed) == ["a", "b"]
    assert leases.current == ""
    assert leases.obtain({}) == "new1"
