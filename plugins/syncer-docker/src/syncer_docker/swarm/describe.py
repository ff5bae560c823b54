"""From a manager's answers to workloads; pure.

What makes no sense raises ValueError: then the workload is unclear, and what is registered
for it stays.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from syncer import Binding, Health, Network, Port, State, Workload
from syncer_docker.describe import Json
from syncer_docker.swarm.nodes import Nodes
from syncer_docker.swarm.options import Labels, Mode

RUNNING = "running"
#: What a task is called before it runs; all other words but `running` mean that it has ended.
BEFORE = frozenset(
    "new allocated pending assigned accepted preparing ready starting".split()  # noqa: SIM905
)
_UPDATING = frozenset({"updating", "rollback_started"})
_HOST = "host"


@attrs.frozen(kw_only=True)
class Snapshot:
    """What a manager said at one time, tasks first: one without a service is being removed."""

    tasks: tuple[Json, ...]
    services: Mapping[str, Json]
    nodes: Nodes
    networks: Mapping[str, str]


@attrs.frozen(kw_only=True)
class Describer:
    """Makes workloads in the mode and with the labels that are configured."""

    source: str
    scope: str
    mode: Mode
    labels: Labels

    def workloads(self, snapshot: Snapshot) -> tuple[list[Workload], set[str]]:
        """All that is up, and the ids of what cannot be described."""
        found, unclear = [], set()
        for id, make in self._things(snapshot):
            try:
                found.append(make())
            except (ValueError, TypeError, AttributeError, KeyError):
                unclear.add(id)
        return [workload for workload in found if workload.state.offered], unclear

    def _things(self, snapshot: Snapshot) -> Iterator[tuple[str, Any]]:
        """The id of each thing that may be up, and what describes it."""
        if self.mode is Mode.TASKS:
            for task in snapshot.tasks:
                if task.get("ServiceID") in snapshot.services:
                    yield task["ID"], lambda task=task: self.task(task, snapshot)
            return
        for id, service in snapshot.services.items():
            if self.mode is Mode.VIP:
                yield id, lambda service=service: self.service(service, snapshot)
            elif _ingress_ports(service):
                for node in snapshot.nodes.ids():
                    yield (
                        f"{id}.{node}",
                        lambda service=service, node=node: self.node(service, node, snapshot),
                    )

    def task(self, task: Json, snapshot: Snapshot) -> Workload:
        """A task; it is `exited` where the filter of nodes leaves it out."""
        service = snapshot.services[task["ServiceID"]]
        node = str(task.get("NodeID") or "")
        state = state_of(task)
        if state.offered and not snapshot.nodes.wanted(node):
            state = State.EXITED
        name = _name(service)
        container = _container(task["Spec"])
        attached = _list(task, "NetworksAttachments")
        return Workload(
            source=self.source,
            scope=self.scope,
            id=task["ID"],
            name=f"{name}.{task.get('Slot') or node}",
            state=state,
            ports=_task_ports(service, task, snapshot.nodes, node) if state.offered else (),
            networks=_attachments(attached, snapshot.nodes, node) if state.offered else (),
            **self._common(service, container),
        )

    def service(self, service: Json, snapshot: Snapshot) -> Workload:
        """A service at its virtual addresses."""
        state, health = _service_state(service, snapshot.tasks)
        ports = [
            Port(number=number, protocol=protocol)
            for number, protocol in sorted({_target(port) for port in _ports(service)})
        ]
        return Workload(
            source=self.source,
            scope=self.scope,
            id=service["ID"],
            name=_name(service),
            state=state,
            health=health,
            ports=ports,
            networks=_virtual(service, snapshot.networks),
            **self._common(service, _container(service["Spec"]["TaskTemplate"])),
        )

    def node(self, service: Json, node: str, snapshot: Snapshot) -> Workload:
        """A service at the ports that one node publishes for it."""
        state, health = _service_state(service, snapshot.tasks)
        if not snapshot.nodes.listens(node):
            state = State.EXITED
        address = snapshot.nodes.address(node) if state.offered else ""
        bound: dict[tuple[int, str], set[int]] = {}
        for port in _ingress_ports(service):
            bound.setdefault(_target(port), set()).add(int(port["PublishedPort"]))
        return Workload(
            source=self.source,
            scope=self.scope,
            id=f"{service['ID']}.{node}",
            name=f"{_name(service)}.{node}",
            state=state,
            health=health,
            ports=_bound(bound, address),
            **self._common(service, _container(service["Spec"]["TaskTemplate"])),
        )

    def _common(self, service: Json, container: Json) -> dict[str, Any]:
        labels: dict[str, str] = {}
        if self.labels is not Labels.SERVICE:
            labels |= container.get("Labels") or {}
        if self.labels is not Labels.CONTAINER:
            labels |= service["Spec"].get("Labels") or {}
        lines = (str(line).partition("=") for line in _list(container, "Env"))
        hostname = str(container.get("Hostname") or "")
        return {
            "image": str(container.get("Image") or ""),
            "hostname": "" if "{{" in hostname else hostname,
            "labels": {str(key): str(value) for key, value in labels.items()},
            "env": {name: value for name, _, value in lines},
        }


def state_of(task: Json) -> State:
    """Where a task is in its life: told to end and still alive, it is stopping."""
    word = task["Status"]["State"]
    if word in BEFORE:
        return State.CREATED
    if word != RUNNING:
        return State.EXITED
    return State.RUNNING if task.get("DesiredState") == RUNNING else State.STOPPING


def _service_state(service: Json, tasks: Iterable[Json]) -> tuple[State, Health | None]:
    """A service runs while a task of it does.

    Under an update it stays, as starting, though for a moment none does: one is on its way.
    """
    states = {state_of(task) for task in tasks if task.get("ServiceID") == service["ID"]}
    if State.RUNNING in states:
        return State.RUNNING, None
    updating = (service.get("UpdateStatus") or {}).get("State") in _UPDATING
    if updating and State.CREATED in states:
        return State.RUNNING, Health.STARTING
    return (State.STOPPING if State.STOPPING in states else State.EXITED), None


def _name(service: Json) -> str:
    return str(service["Spec"]["Name"])


def _container(spec: Json) -> Json:
    """What is said of the container; plugins and attachments are no services for us."""
    return spec.get("ContainerSpec") or {}


def _ports(service: Json) -> list[Json]:
    return _list(service.get("Endpoint") or {}, "Ports")


def _ingress_ports(service: Json) -> list[Json]:
    return [
        port
        for port in _ports(service)
        if port.get("PublishMode", "ingress") == "ingress" and port.get("PublishedPort")
    ]


def _target(port: Json) -> tuple[int, str]:
    return int(port["TargetPort"]), str(port.get("Protocol") or "tcp")


def _task_ports(service: Json, task: Json, nodes: Nodes, node: str) -> tuple[Port, ...]:
    """The service's ports; those published on the task's own node are bound there."""
    bound: dict[tuple[int, str], set[int]] = {_target(port): set() for port in _ports(service)}
    for port in _list(task["Status"].get("PortStatus") or {}, "Ports"):
        if port.get("PublishMode") == "host" and port.get("PublishedPort"):
            bound.setdefault(_target(port), set()).add(int(port["PublishedPort"]))
    return _bound(bound, nodes.address(node) if any(bound.values()) else "")


def _bound(bound: Mapping[tuple[int, str], set[int]], address: str) -> tuple[Port, ...]:
    return tuple(
        Port(
            number=number,
            protocol=protocol,
            bindings=[Binding(address=address, port=published) for published in sorted(ports)],
        )
        for (number, protocol), ports in sorted(bound.items())
    )


def _attachments(attached: list[Json], nodes: Nodes, node: str) -> tuple[Network, ...]:
    """The task's places in networks; in the host's it has the address of its node."""
    found = []
    for place in attached:
        network = place["Network"]["Spec"]
        addresses = [str(it) for it in _list(place, "Addresses")]
        if network["Name"] == _HOST and not addresses:
            addresses = [nodes.address(node)]
        if not network.get("Ingress"):
            found.append(_network(str(network["Name"]), addresses))
    return tuple(found)


def _virtual(service: Json, names: Mapping[str, str]) -> tuple[Network, ...]:
    found = _list(service.get("Endpoint") or {}, "VirtualIPs")
    return tuple(
        _network(names[it["NetworkID"]], [str(it["Addr"])])
        for it in found
        if it["NetworkID"] in names and it.get("Addr")
    )


def _network(name: str, addresses: Iterable[str]) -> Network:
    bare = [address.partition("/")[0] for address in addresses]
    v4 = [address for address in bare if ":" not in address]
    v6 = [address for address in bare if ":" in address]
    return Network(name=name, ipv4=v4[0] if v4 else "", ipv6=v6[0] if v6 else "")


def _list(fields: Json, key: str) -> list[Any]:
    value = fields.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{key} is not a list")
    return value
