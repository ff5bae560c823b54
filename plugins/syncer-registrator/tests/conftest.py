"""Workloads in short form, and the parser that reads them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from syncer import Binding, Parsed, Port, Reachable, Workload
from syncer_registrator import RegistratorOptions, create

Read = Callable[..., Parsed]


def port_of(text: str) -> Port:
    """`80`, `53/udp`; `9000!` is a port that is not published."""
    number, _, protocol = text.rstrip("!").partition("/")
    bindings = () if text.endswith("!") else (Binding(port=30_000 + int(number) % 30_000),)
    return Port(number=int(number), protocol=protocol or "tcp", bindings=bindings)


def read_workload(
    labels: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    ports: str = "80",
    options: Mapping[str, Any] | None = None,
    internal: bool = False,
    **workload: Any,
) -> Parsed:
    """What the parser makes of a workload `box` on `host`, which runs the image `acme/shop:1`."""
    known = tuple(port_of(text) for text in ports.split())
    given = {"source": "docker", "scope": "host", "id": "c0ffee", "name": "box", **workload}
    given = {"image": "acme/shop:1", "hostname": "inside", **given}
    box = Workload(labels=labels or {}, env=env or {}, ports=known, **given)
    everywhere = internal or box.network_mode == "host"
    usable = tuple(port for port in known if port.bindings or everywhere)
    parse = create(RegistratorOptions(**(options or {})))
    return parse(box, Reachable(internal=internal, ports=usable, all_ports=known))


@pytest.fixture(scope="session")
def read() -> Read:
    """Reads a workload in short form."""
    return read_workload
