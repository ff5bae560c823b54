"""Curator's layout with the payload that Spring Cloud Zookeeper needs.

    "payload": {"@class": "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance",
                "id": "host1:web:80", "name": "web",
                "metadata": {"team": "shop", "instance_status": "UP"}}

Programs that have no such class on their class path cannot read it: they need `curator`.
"""

from typing import Any, ClassVar

from syncer import STATUS_KEY, FoundAs, Instance
from syncer_zookeeper.layouts.curator import CuratorLayout, shown_meta

_MANAGEMENT = "management.address"
_CLASS = "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance"


class SpringLayout(CuratorLayout):
    """Instances for Spring Cloud's discovery and load balancer.

    The metadata `instance_status` of one that is not up is OUT_OF_SERVICE.
    """

    knows: ClassVar[tuple[str, ...]] = ()

    def found_as(self, instance: Instance) -> FoundAs:
        """Return also where Spring Boot Admin looks for its actuator."""
        management = instance.meta.get(_MANAGEMENT) or instance.address
        return FoundAs((instance.service,), (instance.address, management))

    def payload(self, instance: Instance) -> dict[str, Any]:
        """Return a `ZookeeperInstance`; tags are in its metadata, having no other place."""
        status = "OUT_OF_SERVICE" if STATUS_KEY in instance.meta else "UP"
        tags = {"tags": ",".join(instance.tags)} if instance.tags else {}
        return {
            "@class": _CLASS,
            "id": instance.id,
            "name": instance.service,
            "metadata": {**tags, **shown_meta(instance), "instance_status": status},
        }
