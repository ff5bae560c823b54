"""A real swarm of one node, on an engine of its own in a network namespace of its own.

An engine in a swarm cannot have live restore, and makes a bridge `docker_gwbridge`, of which there
can be one in a namespace. So tests talk to it by its socket only, and nobody reaches what it runs.
"""

import contextlib

import docker

from servers.docker import IMAGE, DockerEngine
from servers.waiting import wait_until

_IN_NAMESPACE = ("unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


class Swarm(DockerEngine):
    """An engine that is the manager and only node of a swarm, and services to look at."""

    def __init__(self, guard, name="swarm"):
        super().__init__(guard, name)
        self.bridge = "none"

    def start(self, live_restore=False):
        """Start what is not running, and make the swarm if there is none."""
        super().start(live_restore)
        if not self.client.info()["Swarm"].get("ControlAvailable"):
            self.client.api.init_swarm(advertise_addr="127.0.0.1", listen_addr="127.0.0.1:2377")

    def restart(self, live_restore=False):
        """Stop the engine and start it again; its tasks end, and are started again."""
        super().restart(live_restore)

    def _dockerd_argv(self, live_restore):
        return [*_IN_NAMESPACE, *super()._dockerd_argv(live_restore)]

    def _network_argv(self):
        return ("--bridge", "none")

    def overlay(self, name):
        """Create an overlay network, or take the one that an earlier test made."""
        there = self.client.networks.list(names=[name])
        return there[0].id if there else self.client.networks.create(name, driver="overlay").id

    def service(self, name, *, replicas=1, ports=(), **options):
        """Create a service; `ports` are such as `(31000, 8000)` or `(31000, 8000, "host")`.

        `options` are those of the SDK's `services.create`: labels, container_labels, networks, ...
        """
        published = [
            {
                "Protocol": "tcp",
                "PublishedPort": port[0],
                "TargetPort": port[1],
                "PublishMode": port[2] if len(port) > 2 else "ingress",
            }
            for port in ports
        ]
        # Tasks are started anew at once, and end at once.
        options.setdefault("restart_policy", docker.types.RestartPolicy("any", delay=0))
        options.setdefault("stop_grace_period", 2_000_000_000)
        return self.client.services.create(
            IMAGE,
            name=name,
            mode=docker.types.ServiceMode("replicated", replicas),
            endpoint_spec=docker.types.EndpointSpec(ports=published) if ports else None,
            **options,
        )

    def tasks(self, service):
        """The tasks of a service that run, and should."""
        found = self.client.api.tasks(filters={"service": service, "desired-state": "running"})
        return [task for task in found if task["Status"]["State"] == "running"]

    def wait_tasks(self, service, count, deadline=60):
        """Wait until so many tasks of a service run; returns their ids."""
        wait_until(
            lambda: len(self.tasks(service)) == count, deadline, f"{count} tasks of {service}"
        )
        return sorted(task["ID"] for task in self.tasks(service))

    def node(self):
        """The SDK's object for the node."""
        return self.client.nodes.list()[0]

    def set_node(self, **labels):
        """Give the node these labels, and no others."""
        spec = {"Role": "manager", "Availability": "active", "Labels": labels}
        self._in_sequence(lambda: self.node().update(spec))

    def scale(self, service, replicas):
        """Have a service run so many tasks."""
        self._in_sequence(lambda: self.client.services.get(service.id).scale(replicas))

    def update(self, service, **changes):
        """Change a service; `force_update=1` is a rolling update that changes nothing."""
        self._in_sequence(lambda: self.client.services.get(service.id).update(**changes))

    def clean(self):
        """Remove all services, which ends what runs of them, and put the node right.

        Overlay networks stay: to remove one takes until all that was in it has ended.
        """
        if not self.running():
            self.start()
        for service in self.client.services.list():
            with contextlib.suppress(docker.errors.NotFound):
                service.remove()
        if self.node().attrs["Spec"]["Labels"]:
            self.set_node()

    def _in_sequence(self, change):
        """Make a change; it is refused if the manager changed the same thing in between."""
        wait_until(lambda: change() is not False, 30, "to be in sequence", ignore=(OSError,))
