"""Diagnosis of a swarm: the manager, nodes, and networks that cannot be reached."""

from collections.abc import Collection, Iterable, Iterator

from syncer import Finding, Level, SyncerError, one_line, some_of
from syncer_docker.examine import (
    Requests,
    check_clock,
    check_connection,
    check_requests,
    failure,
    until_problem,
)
from syncer_docker.fields import Json, items, section
from syncer_docker.swarm.client import SwarmClient
from syncer_docker.swarm.nodes import Nodes
from syncer_docker.swarm.options import Mode, SwarmOptions


def examine_swarm(client: SwarmClient, options: SwarmOptions) -> Iterator[Finding]:
    """Check everything from the connection up; a problem skips the rest."""
    requests: Requests = {
        "GET /tasks": client.tasks,
        "GET /services": client.services,
        "GET /nodes": client.nodes,
        "GET /networks": client.overlays,
        "GET /events": lambda: client.changes().close(),
    }
    good = "tasks, services and nodes can be listed, and events received"
    return until_problem(
        lambda: check_connection(client),
        lambda: [_check_role(client)],
        lambda: check_requests(requests, good, client.advice()),
        lambda: check_clock(client),
        lambda: _check_nodes(client.nodes(), options),
        lambda: _check_networks(client.services(), client.overlays(), options.mode),
    )


def _check_role(client: SwarmClient) -> Finding:
    """Check whether the engine is a manager with access to its swarm."""
    try:
        role = client.membership()
    except SyncerError as unanswered:
        return failure(unanswered, "GET /info", client.advice())
    state, error = str(role.get("LocalNodeState") or "inactive"), str(role.get("Error") or "")
    if state == "locked":
        advice = "unlock it with the swarm's key: docker swarm unlock"
        return Finding(Level.PROBLEM, "the swarm is locked on this engine", advice)
    if state in ("inactive", "error") or (state == "pending" and not role.get("ControlAvailable")):
        text = one_line(f"the engine is not in a swarm: {state} {error}")
        return Finding(Level.PROBLEM, text, "name a manager as endpoint, or run docker swarm init")
    if not role.get("ControlAvailable"):
        managers = [str(it.get("Addr") or "") for it in role.get("RemoteManagers") or ()]
        known = f"; its managers: {some_of(managers)}" if any(managers) else ""
        text = f"the engine is a worker, and workers do not know services{known}"
        return Finding(Level.PROBLEM, text, "name a manager as endpoint")
    if not (role.get("Cluster") or {}).get("ID"):
        text = one_line(f"the manager has no access to its swarm: {error or 'no leader'}")
        advice = (
            "more than half of the managers must run and reach each other; if others are lost for"
            " good: docker swarm init --force-new-cluster"
        )
        return Finding(Level.PROBLEM, text, advice)
    size = f"managers: {role.get('Managers')}, nodes: {role.get('Nodes')}"
    return Finding(Level.OK, f"the engine is a manager ({size})")


def _check_nodes(found: Collection[Json], options: SwarmOptions) -> Iterator[Finding]:
    """Report nodes that are down, filtered out, or have no known address."""
    nodes = Nodes.of(found, options)
    names = {id: _name(node) for id, node in nodes.by_id.items()}
    silent = [names[id] for id, node in nodes.by_id.items() if _is_unreachable(node)]
    if silent:
        text = f"managers that the others cannot reach: {some_of(silent)}"
        advice = "check that they are running: without half of the managers nothing can change"
        yield Finding(Level.WARNING, text, advice)
    down = [names[id] for id, node in nodes.by_id.items() if not _is_ready(node)]
    if down:
        advice = "check that they are running; without node_states, their tasks are not registered"
        yield Finding(Level.WARNING, f"nodes that are not ready: {some_of(down)}", advice)
    chosen = nodes.has_ingress if options.mode is Mode.INGRESS else nodes.is_selected
    used = [id for id in nodes.ids() if chosen(id)]
    if not used:
        text = "no node matches node_roles, node_labels, node_availability and node_states"
        yield Finding(Level.WARNING, text, "nothing is registered: see docker node ls")
    unknown = [names[id] for id in used if not _has_address(nodes, id)]
    if unknown:
        advice = "give each a label with its address, and name that label in node_address_label"
        yield Finding(Level.WARNING, f"nodes without a known address: {some_of(unknown)}", advice)
    if used:
        resting = [names[id] for id, node in nodes.by_id.items() if _is_resting(node)]
        rest = f"; drained or paused: {some_of(resting)}" if resting else ""
        yield Finding(Level.OK, f"{len(used)} of {len(nodes.by_id)} nodes are used{rest}")


def _is_resting(node: Json) -> bool:
    return section(node, "Spec").get("Availability") not in (None, "active")


def _is_unreachable(node: Json) -> bool:
    return bool(section(node, "ManagerStatus").get("Reachability", "reachable") != "reachable")


def _is_ready(node: Json) -> bool:
    return bool(section(node, "Status").get("State") == "ready")


def _name(node: Json) -> str:
    return str(section(node, "Description").get("Hostname") or node["ID"])


def _has_address(nodes: Nodes, id: str) -> bool:
    try:
        return bool(nodes.address(id))
    except ValueError:
        return False


def _check_networks(
    services: Iterable[Json], overlays: Iterable[Json], mode: Mode
) -> Iterator[Finding]:
    """Report services without an address, and networks that others cannot join.

    Neither matters in mode `ingress`, or if a port is published on the task's own node.
    """
    if mode is Mode.INGRESS:
        return
    known = {str(it["Id"]): it for it in overlays}
    without, closed = [], set()
    for service in services:
        if mode is Mode.TASKS and _has_host_port(service):
            continue
        inside = [known[id] for id in _networks_of(service) if id in known]
        closed |= {str(it.get("Name")) for it in inside if not it.get("Attachable")}
        if not inside:
            without.append(str(section(service, "Spec").get("Name") or service["ID"]))
    if without:
        published = " publish their ports with mode=host," if mode is Mode.TASKS else ""
        yield Finding(
            Level.WARNING,
            f"services without an address in mode {mode.value}: {some_of(sorted(without))}",
            f"add them to an overlay network,{published} or use mode ingress",
        )
    if closed:
        yield Finding(
            Level.WARNING,
            f"networks that only services of the swarm can join: {some_of(sorted(closed))}",
            "callers elsewhere cannot reach instances registered there: make the networks"
            " attachable, or publish ports (mode ingress)",
        )


def _has_host_port(service: Json) -> bool:
    """Return whether a port is published on the node of each task."""
    ports = items(section(service, "Endpoint"), "Ports")
    return any(port.get("PublishMode") == "host" for port in ports)


def _networks_of(service: Json) -> list[str]:
    """Return the ids of the service's networks."""
    spec = section(service, "Spec")
    networks = items(section(spec, "TaskTemplate"), "Networks") or items(spec, "Networks")
    return [str(it.get("Target")) for it in networks]
