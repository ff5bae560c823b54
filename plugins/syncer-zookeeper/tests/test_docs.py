"""The examples in `docs/sinks/zookeeper.md` are what stands in ZooKeeper."""

from pathlib import Path

import pytest

from syncer.testing import make_instance

PAGE = Path(__file__).parents[3] / "docs" / "sinks" / "zookeeper.md"
#: The container that the page speaks of.
WEB = make_instance(
    "web", 32768, id="host1:web:80", address="192.0.2.10", tags=("blue",), meta={"team": "shop"}
)
MARK = {"scope": "host1", "source": "docker", "workload": "9f0c2b7d51aa"}


@pytest.fixture
def written(clean_zookeeper, open_sink, register):
    """Path and value of the container's node in a layout."""

    def write(layout):
        register(open_sink(clean_zookeeper.address, layout=layout), WEB, **MARK)
        ((path, value),) = clean_zookeeper.values().items()
        return path, value

    return write


@pytest.mark.parametrize("layout", ["registrator", "curator", "json"])
def test_examples_are_true(layout, written):
    """Path and value stand on the page as they stand in ZooKeeper."""
    path, value = written(layout)
    assert f"    {path}\n    {value}\n" in PAGE.read_text()


def test_springs_payload_is_true(written):
    """The payload that Spring needs stands on the page as it does in the node's value."""
    (line,) = (one for one in PAGE.read_text().splitlines() if one.startswith('    "payload":'))
    _, value = written("spring")
    assert line.strip() in value
