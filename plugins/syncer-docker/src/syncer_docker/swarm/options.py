"""The options of the source `swarm`."""

from datetime import timedelta
from enum import Enum

import attrs

from syncer import at_least, option
from syncer_docker.options import DockerOptions


class Mode(str, Enum):
    """The thing that each instance represents."""

    TASKS = "tasks"
    VIP = "vip"
    INGRESS = "ingress"


class Labels(str, Enum):
    """Which labels are read; those of the service take precedence."""

    BOTH = "both"
    SERVICE = "service"
    CONTAINER = "container"


@attrs.frozen(kw_only=True)
class SwarmOptions(DockerOptions):
    """Options of the source `swarm`: the manager, and what is registered."""

    scope: str = option("", help="Name of the swarm in ids and marks (default: the swarm's id)")
    mode: Mode = option(
        Mode.TASKS,
        help="One instance for each: tasks (running task), vip (service, at its virtual address),"
        " ingress (service and node, at the port published on all nodes)",
    )
    labels: Labels = option(
        Labels.BOTH,
        help="Labels to read: service, container or both (the service takes precedence)",
    )
    node_roles: tuple[str, ...] = option((), help="Only nodes with these roles: manager, worker")
    node_labels: tuple[str, ...] = option(
        (), help="Only nodes with all these labels: NAME or NAME=VALUE"
    )
    node_availability: tuple[str, ...] = option(
        (),
        help="Only nodes with this availability: active, pause, drain"
        " (default: any; in mode ingress active and pause)",
    )
    node_states: tuple[str, ...] = option(("ready",), help="Only nodes in these states")
    node_address_label: str = option(
        "", help="Node label that holds the address for published ports"
    )
    poll: timedelta = option(
        timedelta(seconds=2),
        help="How often to list tasks, for which the engine has no events",
        validator=at_least(0.1),
    )
