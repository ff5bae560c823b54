"""The examples in `docs/sinks/consulkv.md` are what stands in Consul's store."""

from pathlib import Path

import pytest

from syncer.testing import make_instance, make_registration

PAGE = Path(__file__).parents[3] / "docs" / "sinks" / "consulkv.md"
#: The container that the page speaks of.
WEB = make_instance(
    "web", 32768, id="host1:web:80", address="192.0.2.10", tags=("blue",), meta={"team": "shop"}
)
MARK = {"scope": "host1", "source": "docker", "workload": "9f0c2b7d51aa"}


@pytest.mark.parametrize("layout", ["registrator", "json"])
def test_examples_are_true(layout, clean_kv, open_kv):
    """Keys and values stand on the page as `consul kv get -recurse` shows them."""
    sink = open_kv(clean_kv.url, layout=layout)
    sink.register(make_registration(sink.adjust(WEB), **MARK))
    lines = [f"    {key}:{value}\n" for key, value in sorted(clean_kv.values().items())]
    assert "".join(lines) in PAGE.read_text()
