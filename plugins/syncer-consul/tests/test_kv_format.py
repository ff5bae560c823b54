"""What stands in the store, as others read it: over Consul's own API, decoded by the test."""

import json
from datetime import timedelta

import attrs
import pytest

from syncer import PermanentError, Register, Update
from syncer.testing import make_instance, make_registration


def new(sink, instance=None, **mark):
    return make_registration(sink.adjust(instance or make_instance()), **mark)


WEB = make_instance("web", id="host1:web:80", address="192.0.2.10", port=32768)


@pytest.mark.parametrize(
    ("address", "value"),
    [("192.0.2.10", "192.0.2.10:32768"), ("2001:db8::5", "[2001:db8::5]:32768")],
)
def test_registrators_entries(clean_kv, open_kv, address, value):
    """`prefix/<name>/<id>` = `ip:port`, without a slash before it; the mark is elsewhere."""
    sink = open_kv(clean_kv.url)
    sink.register(new(sink, attrs.evolve(WEB, address=address, tags=("blue",))))
    assert clean_kv.values("services/") == {"services/web/host1:web:80": value}
    (twin,) = clean_kv.values("syncer/").items()
    assert twin[0] == "syncer/services/web/host1:web:80"
    found = json.loads(twin[1])
    assert (found["id"], found["tags"], found["mark"]["owner"]) == (WEB.id, ["blue"], "syncer")
    assert len(clean_kv.values()) == 2


def test_json_entries(clean_kv, open_kv):
    """One object with the mark in it, and no other key."""
    sink = open_kv(clean_kv.url, layout="json", prefix="/deep/er/")
    sink.register(new(sink, attrs.evolve(WEB, tags=("blue",), meta={"team": "shop"})))
    ((key, value),) = clean_kv.values().items()
    assert key == "deep/er/web/host1:web:80"
    found = json.loads(value)
    assert found.pop("syncer")["scope"] == "kit-scope"
    assert found == {
        **{"id": "host1:web:80", "name": "web", "address": "192.0.2.10", "port": 32768},
        **{"protocol": "tcp", "status": "up", "tags": ["blue"], "meta": {"team": "shop"}},
    }


@pytest.mark.parametrize("layout", ["registrator", "json"])
@pytest.mark.parametrize(
    ("id_", "part"),
    [
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        ("50% ü?#&=+ x", "50%25 ü?#&=+ x"),
        ("h:web:53:udp", "h:web:53:udp"),
    ],
)
def test_odd_ids(clean_kv, open_kv, layout, id_, part):
    """Any id is one part of a key, and is read back, changed and removed."""
    sink = open_kv(clean_kv.url, layout=layout, prefix="o dd/50%")
    held = sink.register(new(sink, attrs.evolve(WEB, id=id_)))
    assert list(clean_kv.values("o%20dd/50%25/")) == [f"o dd/50%/web/{part}"]
    assert [one.id for one in sink.registrations().items] == [id_]
    held = sink.update(held, new(sink, attrs.evolve(WEB, id=id_, port=1)))
    assert sink.registrations().items == (held,)
    sink.deregister(held)
    assert clean_kv.values() == {}


def test_without_a_port(clean_kv, open_kv):
    """registrator's form has no room for it; JSON says 0."""
    portless = make_instance("cron", 0)
    with pytest.raises(PermanentError, match="no port"):
        open_kv(clean_kv.url).adjust(portless)
    sink = open_kv(clean_kv.url, layout="json")
    sink.register(new(sink, portless))
    ((_, value),) = clean_kv.values().items()
    assert json.loads(value)["port"] == 0


@pytest.mark.parametrize("session", [None, timedelta(seconds=10)])
def test_as_large_as_may_be(clean_kv, open_kv, session):
    """What `adjust` lets pass Consul takes, by whatever way it is written."""
    sink = open_kv(clean_kv.url, session=session)
    large = attrs.evolve(WEB, meta={"x": "y" * 100_000})
    held = sink.register(new(sink, large))
    other = open_kv(clean_kv.url, session=timedelta(seconds=20))
    moved = other.update(held, new(other, attrs.evolve(large, port=1)))
    back = sink.update(moved, new(sink, attrs.evolve(large, port=2)))
    assert [one.version for one in sink.registrations().items] == [back.version]
    with pytest.raises(PermanentError, match="more than Consul takes"):
        sink.adjust(attrs.evolve(WEB, meta={"x": "y" * 200_000}))


def test_a_renamed_service_moves_its_key(clean_kv, open_kv):
    """Another service name is another key: the new one comes and the old one goes at once."""
    sink = open_kv(clean_kv.url)
    held = sink.register(new(sink, WEB))
    sink.update(held, new(sink, attrs.evolve(WEB, service="shop")))
    entries = clean_kv.entries()
    shop = "services/shop/host1:web:80"
    assert sorted(entries) == [shop, f"syncer/{shop}"]
    assert len({one["ModifyIndex"] for one in entries.values()}) == 1


def test_entry_and_twin_come_in_one_transaction(clean_kv, open_kv):
    """Their index is the same, at each change."""
    sink = open_kv(clean_kv.url)
    (held,) = (o.registration for o in sink.apply([Register(new(sink, WEB))]))
    for port in (1, 2):
        changed = new(sink, attrs.evolve(WEB, port=port))
        (held,) = (o.registration for o in sink.apply([Update(held, changed)]))
        assert len({one["ModifyIndex"] for one in clean_kv.entries().values()}) == 1
