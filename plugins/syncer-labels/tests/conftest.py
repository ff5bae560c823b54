"""Workloads in short form, and the parser that reads them."""

import pytest

from syncer import Binding, Port, Reachable, Workload
from syncer_labels import LabelsOptions, create


def port_of(text):
    """`80`, `53/udp`; `9000!` is a port that is not published."""
    number, _, protocol = text.rstrip("!").partition("/")
    bindings = () if text.endswith("!") else (Binding(port=30_000 + int(number) % 30_000),)
    return Port(number=int(number), protocol=protocol or "tcp", bindings=bindings)


def read_labels(*labels, ports="8080", internal=False, prefix="syncer."):
    """What the parser makes of a workload `box` on `host` with labels such as `web.port=80`."""
    known = tuple(port_of(text) for text in ports.split())
    given = dict(label.split("=", 1) for label in labels)
    box = Workload(
        source="docker",
        scope="host",
        id="c0ffee",
        name="box",
        ports=known,
        labels={prefix + key: value for key, value in given.items()},
    )
    usable = tuple(port for port in known if port.bindings or internal)
    parse = create(LabelsOptions(prefix=prefix))
    return parse(box, Reachable(internal=internal, ports=usable, all_ports=known))


@pytest.fixture(scope="session")
def read():
    """Reads labels in short form: `read("web.port=80", ports="80 443")`."""
    return read_labels
