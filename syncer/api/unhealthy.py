"""What becomes of instances that are not up, in registries that have no status of their own."""

from enum import Enum

import attrs

from syncer.api.model import STATUS_KEY, Instance, Status


class Unhealthy(str, Enum):
    """What a sink does with instances that are not up: the values of its option `unhealthy`."""

    KEEP = "keep"
    DROP = "drop"


def with_status(instance: Instance, unhealthy: Unhealthy) -> Instance | None:
    """The instance for a registry that has no status of its own.

    A status other than up stands in `meta` under `STATUS_KEY`, so that a change of it is seen;
    None if such an instance is to be dropped.
    """
    if instance.status is Status.UP:
        return instance
    if unhealthy is Unhealthy.DROP:
        return None
    meta = {**instance.meta, STATUS_KEY: instance.status.value}
    return attrs.evolve(instance, meta=meta)
