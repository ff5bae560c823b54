"""Workloads in short form, and the parser that reads them."""

import pytest

from syncer import Binding, Port, Reachable, Workload
from syncer_traefik import TraefikOptions, create


def port_of(text):
    """`80`, `53/udp`; `9000!` is a port that is not published."""
    number, _, protocol = text.rstrip("!").partition("/")
    bindings = () if text.endswith("!") else (Binding(port=30_000 + int(number) % 30_000),)
    return Port(number=int(number), protocol=protocol or "tcp", bindings=bindings)


def read_labels(*labels, ports="80", internal=False, other=None, name="my_box", **options):
    """What the parser makes of a workload with labels such as `http.routers.a.rule=b`."""
    known = tuple(port_of(text) for text in ports.split())
    given = dict(label.split("=", 1) for label in labels)
    box = Workload(
        source="docker",
        scope="host",
        id="c0ffee",
        name=name,
        ports=known,
        labels={f"traefik.{key}": value for key, value in given.items()} | (other or {}),
    )
    usable = tuple(port for port in known if port.bindings or internal)
    parse = create(TraefikOptions(**options))
    return parse(box, Reachable(internal=internal, ports=usable, all_ports=known))


@pytest.fixture(scope="session")
def read():
    """Reads labels in short form: `read("enable=true", ports="80 443")`."""
    return read_labels
