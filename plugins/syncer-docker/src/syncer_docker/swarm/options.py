"""What can be set for a source of kind `swarm`."""

from datetime import timedelta
from enum import Enum

import attrs

from syncer import at_least, option
from syncer_docker.options import DockerOptions


class Mode(str, Enum):
    """What an instance stands for."""

    TASKS = "tasks"
    VIP = "vip"
    INGRESS = "ingress"


class Labels(str, Enum):
    """Which labels are read; where both have one, that of the service counts."""

    BOTH = "both"
    SERVICE = "service"
    CONTAINER = "container"


@attrs.frozen(kw_only=True)
class SwarmOptions(DockerOptions):
    """The options of a source of kind `swarm`: where a manager is, and what is registered."""

    scope: str = option("", help="Name of the swarm in ids and marks (default: the swarm's id)")
    mode: Mode = option(
        Mode.TASKS,
        help="An instance for each: tasks (running task), vip (service, at its virtual address),"
        " ingress (service and node, at the port published on all nodes)",
    )
    labels: Labels = option(
        Labels.BOTH, help="Labels that are read: service, container or both (the service's first)"
    )
    node_roles: tuple[str, ...] = option((), help="Only on nodes of these roles: manager, worker")
    node_labels: tuple[str, ...] = option(
        (), help="Only on nodes with all these labels: NAME or NAME=VALUE"
    )
    node_availability: tuple[str, ...] = option(
        (),
        help="Only on nodes of this availability: active, pause, drain"
        " (default: any; with ingress active and pause)",
    )
    node_states: tuple[str, ...] = option(("ready",), help="Only on nodes in these states")
    node_address_label: str = option(
        "", help="Label of nodes that holds the address of their published ports"
    )
    poll: timedelta = option(
        timedelta(seconds=2),
        help="How often tasks are looked at: the engine has no events for them",
        validator=at_least(0.1),
    )
