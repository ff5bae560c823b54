"""The examples in `docs/sinks/etcd.md` are what the layouts write."""

import re
from pathlib import Path

import pytest

from syncer.kits.keyvalue import record, twin_key
from syncer.testing import make_instance, make_registration
from syncer_etcd import EtcdOptions
from syncer_etcd.options import layout_of

PAGE = Path(__file__).parents[3] / "docs" / "sinks" / "etcd.md"
#: The container that the page speaks of.
WEB = make_registration(
    make_instance(
        "web",
        32768,
        id="host1:web:80",
        address="192.0.2.10",
        tags=("blue",),
        meta={"team": "shop"},
    ),
    scope="host1",
    source="docker",
    workload="9f0c2b7d51aa",
)


def shortened(text):
    """The text with marks, and what is packed into metadata, as the page shortens them."""
    text = re.sub(r'"mark":{[^}]*}', '"mark":{...}', text)
    return re.sub(r'"syncer":"{.*?}"(?=})', '"syncer":"{...}"', text)


@pytest.mark.parametrize(
    "layout", ["registrator", "json", "skydns", "grpc", "traefik", "kratos", "micro"]
)
def test_examples_are_true(layout):
    """Key and value of the example stand on the page as they would stand in etcd."""
    options = {"layout_options": {"domain": "cluster.local"}} if layout == "skydns" else {}
    made = layout_of(EtcdOptions(layout=layout, **options))
    key, value = made.key(WEB.instance), made.value(WEB)
    shown = value if layout in ("json", "registrator") else shortened(value)
    page = PAGE.read_text()
    assert f"    {key}\n    {shown}\n" in page
    if layout == "registrator":
        assert f"    {twin_key(key)}\n    {record.twin_of(WEB)}\n" in page
