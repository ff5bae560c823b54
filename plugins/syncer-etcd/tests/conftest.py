"""What the tests of this plugin share: sinks that are closed again, one for each layout."""

import re
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

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

README = Path(__file__).parents[1] / "README.md"


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
        options = {"timeout": 20.0, "ttl": 60.0, **LAYOUTS.get(layout, {}), **options}
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


def readme_blocks():
    """The indented blocks of the README."""
    found = re.findall(r"(?:^(?: {4}.*)?\n)+", README.read_text(), re.MULTILINE)
    return [textwrap.dedent(block).strip() for block in found if block.strip()]


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """Installs the README's distribution with a layout of its own; returns the layout's name."""
    (code,) = [block for block in readme_blocks() if "class LinesLayout" in block]
    (points,) = [block for block in readme_blocks() if "entry-points" in block]
    heading, point = points.splitlines()
    group = heading.split('"')[1]
    (tmp_path / "my_package.py").write_text(code)
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{point.replace(chr(34), '')}\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield point.split()[0]
    sys.modules.pop("my_package", None)
