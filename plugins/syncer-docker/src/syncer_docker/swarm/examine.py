"""What can be in the way of reading a swarm: the manager, nodes, networks that nobody reaches."""

from collections.abc import Collection, Iterable, Iterator

from syncer import Finding, Level, SyncerError, one_line, some_of
from syncer_docker.describe import Json
from syncer_docker.examine import clock, reaching, refusals, refused_by
from syncer_docker.swarm.client import Manager
from syncer_docker.swarm.nodes import Nodes
from syncer_docker.swarm.options import Mode, SwarmOptions

_PAGE = "docs/sources/swarm.md"


def examined(manager: Manager, options: SwarmOptions) -> Iterator[Finding]:
    """Everything from the socket up; what needs what failed is not looked at."""
    reached = list(reaching(manager))
    yield from reached
    if any(one.level is Level.PROBLEM for one in reached):
        return
    try:
        place = manager.membership()
    except SyncerError as error:
        yield refused_by(error, "GET /info")
        return
    yield (member := _member(place))
    if member.level is Level.PROBLEM:
        return
    refused = list(
        refusals(
            {
                "GET /tasks": manager.tasks,
                "GET /services": manager.services,
                "GET /nodes": manager.nodes,
                "GET /networks": manager.overlays,
                "GET /events": lambda: manager.changes().close(),
            }
        )
    )
    yield from refused
    if not refused:
        yield Finding(Level.OK, "tasks, services and nodes can be listed, and events heard")
        yield from clock(manager)
        yield from _nodes(manager.nodes(), options)
        yield from _networks(manager.services(), manager.overlays(), options.mode)


def _member(place: Json) -> Finding:
    """What the engine is in its swarm, and whether it can speak for it."""
    state, said = str(place.get("LocalNodeState") or "inactive"), str(place.get("Error") or "")
    if state == "locked":
        text = "the engine's part in the swarm is locked"
        return Finding(Level.PROBLEM, text, "open it, with the swarm's key: docker swarm unlock")
    if state in ("inactive", "error") or (state == "pending" and not place.get("ControlAvailable")):
        text = one_line(f"the engine is in no swarm: {state} {said}")
        return Finding(Level.PROBLEM, text, "name a manager as endpoint, or run docker swarm init")
    if not place.get("ControlAvailable"):
        managers = [str(it.get("Addr") or "") for it in place.get("RemoteManagers") or ()]
        known = f"; it knows managers at {some_of(managers)}" if any(managers) else ""
        text = f"the engine is a worker, and workers know no services{known}"
        return Finding(Level.PROBLEM, text, "name a manager as endpoint")
    if not (place.get("Cluster") or {}).get("ID"):
        text = one_line(f"the manager cannot speak for its swarm: {said or 'there is no leader'}")
        advice = (
            "more than half of the managers must run and reach each other; if others are gone for"
            " good: docker swarm init --force-new-cluster"
        )
        return Finding(Level.PROBLEM, text, advice)
    count, all_ = place.get("Managers"), place.get("Nodes")
    return Finding(Level.OK, f"the engine is a manager, of {count}, in a swarm of {all_} nodes")


def _nodes(found: Collection[Json], options: SwarmOptions) -> Iterator[Finding]:
    """Nodes that are away, that nothing is registered of, or whose address is not known."""
    nodes = Nodes.of(found, options)
    names = {id_: _name(node) for id_, node in nodes.by_id.items()}
    silent = [names[id_] for id_, node in nodes.by_id.items() if _is_silent(node)]
    if silent:
        text = f"managers that the others do not reach: {some_of(silent)}"
        advice = "see whether they run: once half of the managers are away, nothing can change"
        yield Finding(Level.WARNING, text, advice)
    away = [names[id_] for id_, node in nodes.by_id.items() if _state(node) != "ready"]
    if away:
        advice = "see whether they run; nothing of them is registered, unless node_states says so"
        yield Finding(Level.WARNING, f"nodes that are not ready: {some_of(away)}", advice)
    chosen = nodes.listens if options.mode is Mode.INGRESS else nodes.wanted
    used = [id_ for id_ in nodes.ids() if chosen(id_)]
    if not used:
        text = "no node is as node_roles, node_labels, node_availability and node_states want it"
        yield Finding(Level.WARNING, text, "nothing is registered so: see docker node ls")
    nowhere = [names[id_] for id_ in used if not _has_address(nodes, id_)]
    if nowhere:
        advice = "give each a label with its address, and name that label in node_address_label"
        yield Finding(Level.WARNING, f"nodes without a known address: {some_of(nowhere)}", advice)
    if used:
        resting = [names[id_] for id_, node in nodes.by_id.items() if _is_resting(node)]
        rest = f"; drained or paused: {some_of(resting)}" if resting else ""
        yield Finding(Level.OK, f"{len(used)} of {len(nodes.by_id)} nodes count{rest}")


def _is_resting(node: Json) -> bool:
    return (node.get("Spec") or {}).get("Availability") not in (None, "active")


def _is_silent(node: Json) -> bool:
    part = node.get("ManagerStatus") or {}
    return bool(part.get("Reachability", "reachable") != "reachable")


def _state(node: Json) -> str:
    return str((node.get("Status") or {}).get("State") or "")


def _name(node: Json) -> str:
    return str((node.get("Description") or {}).get("Hostname") or node["ID"])


def _has_address(nodes: Nodes, id_: str) -> bool:
    try:
        return bool(nodes.address(id_))
    except ValueError:
        return False


def _networks(services: Iterable[Json], overlays: Iterable[Json], mode: Mode) -> Iterator[Finding]:
    """Services that have no address of their own, and addresses that few can reach.

    In mode `ingress` neither matters. Where a port is published at the task's own node, it is
    reached there.
    """
    if mode is Mode.INGRESS:
        return
    known = {str(it["Id"]): it for it in overlays}
    nowhere, closed = [], set()
    for service in services:
        if mode is Mode.TASKS and _at_its_node(service):
            continue
        inside = [known[id_] for id_ in _attached(service) if id_ in known]
        closed |= {str(it.get("Name")) for it in inside if not it.get("Attachable")}
        if not inside:
            nowhere.append(str((service.get("Spec") or {}).get("Name") or service["ID"]))
    if nowhere:
        published = " publish their ports with mode=host," if mode is Mode.TASKS else ""
        yield Finding(
            Level.WARNING,
            f"services without an address in mode {mode.value}: {some_of(sorted(nowhere))}",
            f"put them into an overlay network,{published} or use mode ingress: {_PAGE}",
        )
    if closed:
        yield Finding(
            Level.WARNING,
            f"networks that only services of the swarm can join: {some_of(sorted(closed))}",
            "who is elsewhere does not reach what is registered there: make them attachable, or"
            f" publish ports: {_PAGE}",
        )


def _at_its_node(service: Json) -> bool:
    """Whether a port of it is published where each task runs."""
    ports = (service.get("Endpoint") or {}).get("Ports") or ()
    return any(port.get("PublishMode") == "host" for port in ports)


def _attached(service: Json) -> list[str]:
    """The ids of the networks that it is in."""
    spec = service.get("Spec") or {}
    places = (spec.get("TaskTemplate") or {}).get("Networks") or spec.get("Networks") or ()
    return [str(it.get("Target")) for it in places]
