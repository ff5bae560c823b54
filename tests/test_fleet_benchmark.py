"""The fleet benchmark: it counts messages right, and each part runs to its end."""

import pytest

from benchmarks.fleet import beside, together
from benchmarks.fleet.meter import PROTOCOLS

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


def packet(body):
    """One of ZooKeeper's."""
    return len(body).to_bytes(4, "big") + body


def frame(kind, stream, body):
    """One of HTTP/2."""
    return len(body).to_bytes(3, "big") + bytes([kind, 0]) + stream.to_bytes(4, "big") + body


def message(body):
    """One of gRPC."""
    return b"\0" + len(body).to_bytes(4, "big") + body


LARGE, SMALL = message(b"x" * 300), message(b"y") + message(b"")
SAID = {
    "http": (ANSWER * 3, 3),
    "zookeeper": (packet(b"abc") + packet(b"") + packet(b"x" * 300), 3),
    "grpc": (
        frame(4, 0, b"settings")
        + frame(1, 1, b"head")
        + frame(0, 1, LARGE[:100])  # a message in three frames, and one of two others between
        + frame(0, 3, SMALL)
        + frame(0, 1, LARGE[100:103])
        + frame(0, 1, LARGE[103:]),
        3,
    ),
}


@pytest.mark.parametrize("piece", [1, 2, 7, 10_000])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_messages_are_counted_however_they_are_cut(protocol, piece):
    """Pieces of the network know nothing of messages."""
    told = []
    count = PROTOCOLS[protocol](lambda: told.append(1))
    data, expected = SAID[protocol]
    for at in range(0, len(data), piece):
        count.feed(data[at : at + piece])
    assert len(told) == expected


@pytest.mark.server
class TestParts:
    """With a real etcd, for as short a time as can be: no figure matters here."""

    @pytest.fixture(autouse=True)
    def _etcd(self, pytestconfig):
        from servers.lifetimes import program

        program(pytestconfig, "etcd", "etcd")

    def test_one_host_beside_others(self):
        """It is registered, and what the registry tells it is counted."""
        found = beside.measure("etcd", 40, changes=20, seconds=0.1)
        assert found["failed"] == 0
        assert float(found["MB at the start"]) > 0

    def test_hosts_together(self):
        """It ends once all is equal after a start, changes, and the registry lost twice."""
        found = together.measure("etcd", 1, changes=10, seconds=0.1)
        assert float(found["after an empty restart, s"]) >= 0
