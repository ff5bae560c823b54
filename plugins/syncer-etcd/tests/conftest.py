"""What the tests of this plugin share: sinks that are closed again, one for each layout."""

from datetime import timedelta

import pytest

from syncer import Context, Secret
from syncer_etcd import EtcdOptions
from syncer_etcd.sink import EtcdSink

#: Every layout that comes with the plugin, with the options that it needs.
LAYOUTS = {
    "registrator": {},
    "json": {},
    "skydns": {"layout_options": {"domain": "cluster.local"}},
    "grpc": {},
    "traefik": {},
    "kratos": {},
    "micro": {},
}


@pytest.fixture(autouse=True)
def _no_etcd_environment(monkeypatch):
    """Servers that the developer uses must not be touched."""
    for name in ("ENDPOINTS", "USER", "PASSWORD", "CACERT", "CERT", "KEY"):
        monkeypatch.delenv(f"ETCDCTL_{name}", raising=False)


@pytest.fixture
def open_sink():
    """Makes sinks: `open_sink("127.0.0.1:2379", layout="json", owner="me", ...)`."""
    opened = []

    def make(*endpoints, owner="syncer", layout="json", **options):
        options = {"timeout": 5.0, "ttl": 60.0, **LAYOUTS.get(layout, {}), **options}
        for name in ("timeout", "ttl"):
            options[name] = timedelta(seconds=options[name])
        for name in ("user", "password"):
            options[name] = Secret(options.get(name, ""))
        made = EtcdOptions(endpoints=endpoints, layout=layout, **options)
        opened.append(EtcdSink(made, Context(name="etcd", owner=owner)))
        return opened[-1]

    yield make
    for sink in opened:
        sink.close()


@pytest.fixture
def sink(clean_etcd, open_sink):
    """A sink over an empty real server, in JSON."""
    return open_sink(clean_etcd.address)
