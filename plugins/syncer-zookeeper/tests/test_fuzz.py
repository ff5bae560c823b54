"""Whatever stands in the nodes of others: never an exception of Python's own, nothing left out."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.lies import broken, changed
from syncer.kits.keyvalue import load_layout
from syncer.testing.builders import make_instance, make_registration
from syncer_zookeeper.nodes.listing import NodeListing
from syncer_zookeeper.nodes.tree import Node
from syncer_zookeeper.sink import GROUP

pytestmark = pytest.mark.usefixtures("uncollected")
OURS = [
    make_registration(
        make_instance(id=f"h:{name}:80", service=name, tags=("x",), meta={"k": "v"}), owner="me"
    )
    for name in ("a", "b")
]
MANY = settings(max_examples=150, deadline=None)
STAT = SimpleNamespace(version=1, czxid=1, ephemeralOwner=0)
VALUES = st.sampled_from([b"", b"{}", b"10.0.0.1:99999", b"[" * 100_000, b'{"port": 1e999}'])


@pytest.fixture(params=["curator", "json", "registrator", "spring"], scope="module")
def layout(request):
    return load_layout(GROUP, request.param, "/base", {})


def read(layout, values):
    nodes = {path: Node(value, STAT) for path, value in values.items()}
    listing = NodeListing(layout, "me")
    listing.note(nodes)
    view = listing.view(lambda found: "")
    assert view.complete
    return view


@MANY
@given(data=st.data())
def test_nonsense_in_one_node_costs_nothing_else(layout, data):
    """The other registration stays as it is; the node's own is seen or unclear, never gone."""
    values = {layout.key(one.instance): layout.value(one).encode() for one in OURS}
    assert {found.id for found in read(layout, values).items} == {one.id for one in OURS}
    path = data.draw(st.sampled_from(sorted(values)))
    text = values[path].decode()
    spoilt = st.binary(max_size=300)
    if text.startswith("{"):
        document = json.loads(text)
        spoilt = broken(document) | changed(document).map(lambda new: json.dumps(new).encode())
    values[path] = data.draw(spoilt)
    view = read(layout, values)
    assert len(view.items) + len(view.unclear) >= len(values)
    assert {one.id for one in OURS} & {found.id for found in view.items}


@MANY
@given(paths=st.lists(st.text(max_size=60), max_size=6), data=st.data())
def test_anything_in_any_node(layout, paths, data):
    """Nodes and values that no layout wrote."""
    values = st.binary(max_size=200) | VALUES
    read(layout, {f"{layout.base}{path}": data.draw(values) for path in paths})
