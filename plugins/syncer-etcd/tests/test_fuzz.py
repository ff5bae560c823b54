"""Whatever stands in the store, or comes as an answer: never an exception of Python's own."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.lies import broken, changed
from syncer.kits.keyvalue import Entry, EntryListing, load_layout, record, twin_key
from syncer.testing.builders import make_instance, make_registration
from syncer_etcd.options import GROUP

pytestmark = pytest.mark.usefixtures("uncollected")
LAYOUTS = ("registrator", "json", "skydns", "traefik", "grpc", "kratos", "micro")
SETTINGS = {"skydns": {"domain": "cluster.local"}}
OURS = [
    make_registration(
        make_instance(id=f"h:{name}:80", service=name, tags=("x",), meta={"k": "v"}), owner="me"
    )
    for name in ("a", "b")
]
MANY = settings(max_examples=150, deadline=None)


def entry(key, value):
    return Entry(key=key, value=value, revision=1)


def stored(layout):
    """What stands in the store for two registrations: entries and twins by key."""
    entries = {layout.key(one.instance): layout.value(one).encode() for one in OURS}
    twins = {}
    if layout.twins:
        twins = {twin_key(layout.key(one.instance)): record.twin_of(one).encode() for one in OURS}
    return entries, twins


def read(layout, entries, twins):
    listing = EntryListing(layout, "me")
    listing.note({key: entry(key, value) for key, value in {**entries, **twins}.items()})
    view = listing.view(lambda found: "")
    assert view.complete
    return view


@pytest.fixture(params=LAYOUTS, scope="module")
def layout(request):
    return load_layout(GROUP, request.param, "/base", SETTINGS.get(request.param, {}))


@MANY
@given(data=st.data())
def test_nonsense_in_one_place_costs_nothing_else(layout, data):
    """An entry or twin that is changed or no JSON leaves the other registration as it is.

    Its own id is seen or unclear as long as its entry stands, so that it is never taken for gone.
    """
    entries, twins = stored(layout)
    whole = read(layout, entries, twins)
    assert {found.id for found in whole.items} == {one.id for one in OURS}
    kept = twins if twins and data.draw(st.booleans()) else entries
    key = data.draw(st.sampled_from(sorted(kept)))
    kept[key] = data.draw(spoilt(kept[key]))
    view = read(layout, entries, twins)
    assert len(view.items) + len(view.unclear) >= len(entries)
    assert len({one.id for one in OURS} & {found.id for found in view.items}) >= 1


@MANY
@given(keys=st.lists(st.text(max_size=60), max_size=6), data=st.data())
def test_anything_under_any_key(layout, keys, data):
    """Keys and values that no layout wrote; also where twins stand."""
    found = {f"{layout.base}{key}": data.draw(st.binary(max_size=200) | VALUES) for key in keys}
    twins = {twin_key(key): data.draw(st.binary(max_size=200) | VALUES) for key in found}
    read(layout, found, data.draw(st.sampled_from([{}, twins])))


def spoilt(value):
    """Another value in the place of this one."""
    text = value.decode()
    any_bytes = st.binary(max_size=300)
    if not text.startswith("{"):
        return any_bytes | st.text().map(lambda new: new.encode("utf-8", "surrogatepass"))
    document = json.loads(text)
    return broken(document) | changed(document).map(lambda new: json.dumps(new).encode())


VALUES = st.sampled_from(
    [
        b"10.0.0.1:99999",
        b"[::1]:" + b"9" * 5000,
        b"{}",
        b'{"host": 1e999, "port": 1e999}',
        b'{"Addr": ":", "Metadata": []}',
        b'{"nodes": [{}]}',
        b'{"endpoints": ["://", 1]}',
        b"[" * 100_000,
        b'{"id": "x", "service": "y", "address": "z", "port": 1e999}',
        b'{"id": "x", "mark": {"owner": 1}}',
    ]
)
