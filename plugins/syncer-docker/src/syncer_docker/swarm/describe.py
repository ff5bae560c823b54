"""Turn a manager's answers into workloads; pure.

Invalid answers raise `ValueError`: the workload is unclear then, and its entries are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from syncer import Binding, Health, Network, Port, State, Unclear, Workload
from syncer_docker.fields import Json, environment, items
from syncer_docker.swarm.nodes import Nodes
from syncer_docker.swarm.options import Labels, Mode

RUNNING = "running"
#: The states of a task before it runs; all others except `running` mean that it has ended.
BEFORE = frozenset(
    "new allocated pending assigned accepted preparing ready starting".split()  # noqa: SIM905
)
_UPDATING = frozenset({"updating", "rollback_started"})
_HOST = "host"


@attrs.frozen(kw_only=True)
class Snapshot:
    """A manager's answers, requested in this order: a task without its service is being removed."""

    tasks: tuple[Json, ...]
    services: Mapping[str, Json]
    nodes: Nodes
    networks: Mapping[str, str]


@attrs.frozen(kw_only=True)
class Describer:
    """Makes workloads, with the configured mode and labels."""

    source: str
    scope: str
    mode: Mode
    labels: Labels

    def workloads(self, snapshot: Snapshot) -> tuple[list[Workload], dict[str, Unclear]]:
        """Return all workloads that are up, and why others cannot be described, by id."""
        found, unclear = [], {}
        for id, make in self._makers(snapshot):
            try:
                found.append(make())
            except KeyError as error:
                unclear[id] = Unclear(f"the manager's description of it has no {error}")
            except Exception as error:  # noqa: BLE001 - it costs what it describes
                unclear[id] = Unclear(f"the manager's description of it is not valid: {error}")
        return [workload for workload in found if workload.state.offered], unclear

    def _makers(self, snapshot: Snapshot) -> Iterator[tuple[str, Callable[[], Workload]]]:
        """Yield the id of everything that may be up, and a function that describes it."""
        if self.mode is Mode.TASKS:
            for task in snapshot.tasks:
                if task.get("ServiceID") in snapshot.services:
                    yield task["ID"], partial(self.task, task, snapshot)
            return
        for id, service in snapshot.services.items():
            if self.mode is Mode.VIP:
                yield id, partial(self.service, service, snapshot)
            elif _ingress_ports(service):
                for node in snapshot.nodes.ids():
                    yield f"{id}.{node}", partial(self.node, service, node, snapshot)

    def task(self, task: Json, snapshot: Snapshot) -> Workload:
        """Describe a task; it is `exited` if its node is filtered out."""
        service = snapshot.services[task["ServiceID"]]
        node = str(task.get("NodeID") or "")
        state = state_of(task)
        if state.offered and not snapshot.nodes.is_selected(node):
            state = State.EXITED
        attached = items(task, "NetworksAttachments")
        return self._workload(
            service,
            task["Spec"],
            id=task["ID"],
            name=f"{_name(service)}.{task.get('Slot') or node}",
            state=state,
            ports=_task_ports(service, task, snapshot.nodes, node) if state.offered else (),
            networks=_attachments(attached, snapshot.nodes, node) if state.offered else (),
        )

    def service(self, service: Json, snapshot: Snapshot) -> Workload:
        """Describe a service at its virtual addresses."""
        state, health = _service_state(service, snapshot.tasks)
        return self._workload(
            service,
            service["Spec"]["TaskTemplate"],
            id=service["ID"],
            name=_name(service),
            state=state,
            health=health,
            ports=_bound({_target(port): set() for port in _ports(service)}, ""),
            networks=_virtual(service, snapshot.networks),
        )

    def node(self, service: Json, node: str, snapshot: Snapshot) -> Workload:
        """Describe a service at the ports that one node publishes for it."""
        state, health = _service_state(service, snapshot.tasks)
        if not snapshot.nodes.has_ingress(node):
            state = State.EXITED
        address = snapshot.nodes.address(node) if state.offered else ""
        bound: dict[tuple[int, str], set[int]] = {}
        for port in _ingress_ports(service):
            bound.setdefault(_target(port), set()).add(int(port["PublishedPort"]))
        return self._workload(
            service,
            service["Spec"]["TaskTemplate"],
            id=f"{service['ID']}.{node}",
            name=f"{_name(service)}.{node}",
            state=state,
            health=health,
            ports=_bound(bound, address),
        )

    def _workload(self, service: Json, spec: Json, **fields: Any) -> Workload:
        """Return a workload of a service; `spec` is that of its tasks."""
        container = spec.get("ContainerSpec") or {}  # plugins and attachments have none
        labels: dict[str, str] = {}
        if self.labels is not Labels.SERVICE:
            labels |= container.get("Labels") or {}
        if self.labels is not Labels.CONTAINER:
            labels |= service["Spec"].get("Labels") or {}
        hostname = str(container.get("Hostname") or "")
        return Workload(
            source=self.source,
            scope=self.scope,
            image=str(container.get("Image") or ""),
            hostname="" if "{{" in hostname else hostname,
            labels={str(key): str(value) for key, value in labels.items()},
            env=environment(container),
            **fields,
        )


def state_of(task: Json) -> State:
    """Return the state of a task; one that runs but should not is stopping."""
    state = task["Status"]["State"]
    if state in BEFORE:
        return State.CREATED
    if state != RUNNING:
        return State.EXITED
    return State.RUNNING if task.get("DesiredState") == RUNNING else State.STOPPING


def _service_state(service: Json, tasks: Iterable[Json]) -> tuple[State, Health | None]:
    """Return the state of a service: running while one of its tasks runs.

    During an update it stays, as starting, while no task runs but one is about to.
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


def _ports(service: Json) -> list[Json]:
    return items(service.get("Endpoint") or {}, "Ports")


def _ingress_ports(service: Json) -> list[Json]:
    return [
        port
        for port in _ports(service)
        if port.get("PublishMode", "ingress") == "ingress" and port.get("PublishedPort")
    ]


def _target(port: Json) -> tuple[int, str]:
    return int(port["TargetPort"]), str(port.get("Protocol") or "tcp")


def _task_ports(service: Json, task: Json, nodes: Nodes, node: str) -> tuple[Port, ...]:
    """Return the service's ports; those published on the task's own node are bound there."""
    bound: dict[tuple[int, str], set[int]] = {_target(port): set() for port in _ports(service)}
    for port in items(task["Status"].get("PortStatus") or {}, "Ports"):
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
    """Return the task's networks; in the host's network it has the address of its node."""
    found = []
    for place in attached:
        network = place["Network"]["Spec"]
        addresses = [str(it) for it in items(place, "Addresses")]
        if network["Name"] == _HOST and not addresses:
            addresses = [nodes.address(node)]
        if not network.get("Ingress"):
            found.append(_network(str(network["Name"]), addresses))
    return tuple(found)


def _virtual(service: Json, names: Mapping[str, str]) -> tuple[Network, ...]:
    found = items(service.get("Endpoint") or {}, "VirtualIPs")
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
