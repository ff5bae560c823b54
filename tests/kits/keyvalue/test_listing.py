"""Listings of entries: what is decoded, whose holders are counted, which marks are healed."""

import attrs
import pytest

from syncer.kits.keyvalue import Entry, EntryListing, RegistratorLayout, Version, twin_key, values
from syncer.testing import OWNER, make_instance, make_registration


class Counting(RegistratorLayout):
    """Counts what it decodes."""

    def __init__(self):
        super().__init__("/base", {})
        self.decoded = 0

    def value(self, registration):
        self.decoded += 1
        return super().value(registration)


@pytest.fixture
def layout():
    return Counting()


@pytest.fixture
def listing(layout):
    return EntryListing(layout, OWNER)


def stored(layout, *names, holder="x"):
    """The entries and twins of ours by key."""
    found = {}
    for name in names:
        ours = make_registration(make_instance(name))
        for key, value in values(layout, ours).items():
            found[key] = Entry(key, value.encode(), len(found) + 1, holder)
    layout.decoded = 0
    return found


def seen(listing):
    return {one.instance.service: one for one in listing.view(lambda found: "").items}


def test_what_has_not_changed_is_not_decoded_again(layout, listing):
    """With thousands of entries most have not."""
    found = stored(layout, "a", "b")
    listing.note(found)
    assert (len(seen(listing)), layout.decoded) == (2, 2)
    key = layout.key(make_instance("a"))
    listing.note({**found, key: Entry(key, b"10.0.0.9:1", 99, "x")})
    assert layout.decoded == 3
    assert seen(listing)["a"].damaged


def test_holders_are_counted_of_ours_at_home(layout, listing):
    """Of what was written since the last listing, too; entries without a holder do not count."""
    found = stored(layout, "a", "b") | stored(layout, "c", holder="")
    listing.note(found)
    home = frozenset({("kit-scope", "")})
    assert listing.holders(home) == {"x": 2}
    assert listing.holders(frozenset({("other", "")})) == {}
    assert listing.holders(frozenset({("kit-scope", "another engine")})) == {}
    new = make_registration(make_instance("d"))
    key = layout.key(new.instance)
    listing.wrote(attrs.evolve(new, version=str(Version(key, 9, 9, "y", "y"))))
    assert listing.holders(home) == {"x": 2, "y": 1}


def test_a_mark_that_is_gone_is_known(layout, listing):
    """While the entry has not changed since; a process that never saw the mark leaves it alone."""
    found = stored(layout, "a")
    listing.note(found)
    key = layout.key(make_instance("a"))
    del found[twin_key(key)]
    listing.note(found)
    healed = seen(listing)["a"]
    assert (healed.mark is None, healed.damaged) == (False, "its mark is gone")
    listing.note(found)
    assert seen(listing)["a"] == healed
    listing.note({key: Entry(key, found[key].value, 99, "x")})
    assert seen(listing)["a"].mark is None
    other = EntryListing(layout, OWNER)
    other.note(found)
    assert (seen(other)["a"].mark, seen(other)["a"].damaged) == (None, "")


def test_only_ours_have_faults(layout, listing):
    """What others hold is not for us to repair; damage that was found first is kept."""
    found = stored(layout, "a")
    key = layout.key(make_instance("b"))
    listing.note({**found, key: Entry(key, b"10.0.0.9:1", 99)})
    view = {one.instance.service: one for one in listing.view(lambda found: "wrong").items}
    assert (view["a"].damaged, view["b"].damaged) == ("wrong", "")
    assert not listing.view(lambda found: "", hidden=True).complete
