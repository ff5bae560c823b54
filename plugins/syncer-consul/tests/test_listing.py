"""What the last listing showed, while changes are made beside the next."""

import pytest

from syncer import Native
from syncer.testing import make_instance, make_registration
from syncer_consul.agent import wire
from syncer_consul.agent.listing import Listing

CHECK = Native(key="http", definition={"HTTP": "http://10.0.0.1"})
WEB = make_registration(make_instance("web", checks=(CHECK,)))
BARE = make_registration(make_instance("web"))


@pytest.fixture
def listing():
    """One that has been read once, and showed nothing."""
    made = Listing()
    made.read({}, {}, "", made.begin())
    return made


def remember(listing, new):
    listing.remember(new, wire.as_listed(new))


def test_what_is_written_while_it_is_read_stays_known(listing):
    """The listing may not show it yet; its checks are ours to remove all the same."""
    began = listing.begin()
    remember(listing, WEB)
    listing.read({}, {}, "", began)
    assert listing.holds(WEB.id)
    assert listing.stale_checks(WEB, BARE) == [wire.check_id(WEB.id, CHECK)]


def test_what_is_removed_while_it_is_read_stays_gone(listing):
    """Though the listing may show it still."""
    remember(listing, WEB)
    shown = {WEB.id: wire.encode(WEB, [], ()) | {"ID": WEB.id, "Service": "web"}}
    began = listing.begin()
    listing.forget(WEB.id)
    listing.read(shown, {}, "", began)
    assert not listing.holds(WEB.id)


def test_what_was_written_before_it_was_asked_for_is_as_it_shows(listing):
    """Somebody else removed it."""
    remember(listing, WEB)
    listing.read({}, {}, "", listing.begin())
    assert not listing.holds(WEB.id)


def test_a_node_that_moves_takes_its_entries_along(listing):
    """An entry without an address has the node's, as it is now."""
    shown = {"a": {"ID": "a", "Service": "web", "Address": "", "Port": 80}}
    for address in ("10.0.0.1", "10.0.0.2"):
        (found,) = listing.read(shown, {}, address, listing.begin())[0]
        assert found.instance.address == address


@pytest.mark.parametrize("tags", [5, True, {"a": {}}, "text", [["x"]], [5]])
@pytest.mark.parametrize("override", [False, True])
def test_tags_that_are_no_list_cost_their_own_entry(listing, tags, override):
    """All others are listed as they are."""
    good = wire.encode(WEB, [], ()) | {"Service": "web"}
    bad = {"ID": "bad", "Service": "x", "Tags": tags, "EnableTagOverride": override}
    found, unclear = listing.read({WEB.id: good, "bad": bad}, {}, "10.0.0.5", listing.begin())
    assert [one.id for one in found] == [WEB.id]
    assert unclear == {"bad"}


def test_a_check_of_somebody_else_is_not_written_over(listing):
    """The agent has one name space for all checks: those of the node, and of all services."""
    mine = wire.check_id(WEB.id, CHECK)
    for checks, found in (
        ({mine: {"ServiceID": "", "Status": "passing"}}, mine),
        ({mine: {"ServiceID": "theirs", "Status": "passing"}}, mine),
        ({mine: {"ServiceID": WEB.id, "Status": "passing"}}, ""),
        ({"other": {"ServiceID": "theirs", "Status": "passing"}}, ""),
    ):
        listing.read({}, checks, "", listing.begin())
        assert listing.others_check(WEB) == found
