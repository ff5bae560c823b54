"""Lists in which nothing, or little, has changed since the last."""

import copy

import pytest

from syncer_eureka import EurekaOptions
from syncer_eureka.listing import Listing

ENTRY = {
    "app": "WEB",
    "instanceId": "web-1",
    "hostName": "h",
    "ipAddr": "192.0.2.1",
    "port": {"$": 80, "@enabled": "true"},
    "status": "UP",
    "metadata": {"@class": "empty"},
    "leaseInfo": {"durationInSecs": 90, "lastRenewalTimestamp": 1, "registrationTimestamp": 1},
    "lastUpdatedTimestamp": "1",
    "lastDirtyTimestamp": "1",
}


def listed(*entries):
    """A server's answer with these."""
    return {"applications": {"application": [{"name": "WEB", "instance": list(entries)}]}}


@pytest.fixture
def listing():
    return Listing(EurekaOptions())


def read(listing, *entries):
    """What the list holds, by id."""
    return {one.id: one for one in listing.view(listed(*copy.deepcopy(entries))).items}


def test_a_heartbeat_is_no_change(listing):
    """Nor is what the server notes of its own: it is the very same registration."""
    before = read(listing, ENTRY)
    lease = {**ENTRY["leaseInfo"], "lastRenewalTimestamp": 2, "serviceUpTimestamp": 2}
    after = read(listing, {**ENTRY, "leaseInfo": lease, "lastUpdatedTimestamp": "2"})
    assert after["web-1"] is before["web-1"]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "DOWN"},
        {"ipAddr": "192.0.2.2"},
        {"port": {"$": 81, "@enabled": "true"}},
        {"metadata": {"k": "v"}},
        {"lastDirtyTimestamp": "2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_change_is_seen(listing, change):
    """Whatever of it changes, and when it changes back."""
    before = read(listing, ENTRY)
    after = read(listing, {**ENTRY, **change})
    assert repr(after) != repr(before)
    assert repr(read(listing, ENTRY)) == repr(before)


def test_what_is_gone_takes_no_room(listing):
    """Only the last list is remembered."""
    read(listing, ENTRY, {**ENTRY, "instanceId": "web-2"})
    assert set(read(listing, ENTRY)) == {"web-1"}
    assert len(listing._known) == 1


def test_one_that_makes_no_sense_costs_no_other(listing):
    """Nor does it when it comes again."""
    for _ in range(2):
        assert set(read(listing, ENTRY, {"app": "WEB"}, "nonsense")) == {"web-1"}
