"""Entries that somebody edited, removed or copied by hand."""

from syncer.testing import make_instance, make_registration

WEB = make_instance(id="host1:web:80", tags=("blue", "v1"), meta={"team": "shop"}, weight=3)


def new(sink, instance):
    return make_registration(sink.adjust(instance))


def test_edited_by_hand_is_damaged(clean_etcd, open_sink):
    """An entry whose value or twin was changed by hand is damaged, and put right by an update."""
    for layout in ("registrator", "json"):
        sink = open_sink(clean_etcd.address, layout=layout, prefix=f"/{layout}")
        held = sink.register(new(sink, WEB))
        key = f"/{layout}/web/host1:web:80"
        lease = clean_etcd.api.lease_of(key)
        value = clean_etcd.api.values()[key]
        clean_etcd.api.put(key, value.replace("8080", "9999"), lease)
        (found,) = sink.registrations().items
        assert found.damaged if layout == "registrator" else found.instance.port == 9999
        fixed = sink.update(found, new(sink, WEB))
        assert clean_etcd.api.values()[key] == value
        assert sink.registrations().items == (fixed,)
        assert held == fixed


def test_entry_or_twin_that_is_gone(clean_etcd, open_sink):
    """When only the entry or only the twin was removed, both come back, in place."""
    sink = open_sink(clean_etcd.address, layout="registrator")
    sink.register(new(sink, WEB))
    before = clean_etcd.api.values()
    for prefix, words in (("/services/", "is gone"), ("/syncer/", "mark is gone")):
        clean_etcd.api.delete(prefix)
        (found,) = sink.registrations().items
        assert words in found.damaged
        assert found.mark is not None
        sink.update(found, new(sink, WEB))
        assert clean_etcd.api.values() == before
        (found,) = sink.registrations().items
        assert found.damaged == ""


def test_a_copy_of_an_entry_is_not_ours(clean_etcd, open_sink):
    """A mark counts only under the key that it was put under."""
    sink = open_sink(clean_etcd.address)
    held = sink.register(new(sink, WEB))
    clean_etcd.api.put("/services/web/copy", clean_etcd.api.values()["/services/web/host1:web:80"])
    found = {r.id: bool(r.mark) for r in sink.registrations().items}
    assert found == {held.id: True, "/services/web/copy": False}
