"""What the tests of drains have in common: a sink that shows a status, and the command."""

import attrs
from fakes import PickySink, workload

from syncer import STATUS_KEY, Unhealthy, with_status
from syncer.plan.drain import DRAIN


def marking(unhealthy=Unhealthy.KEEP):
    """A sink that shows the status in the metadata, or drops what is not up."""
    return PickySink(adjust=lambda one: with_status(one, unhealthy))


def dropping():
    """A sink that lists only what is up."""
    return marking(Unhealthy.DROP)


def instances(*names, **fields):
    """Workloads that are one instance each of the service `web`."""
    made = (workload(name, **fields) for name in names)
    return [
        attrs.evolve(w, offers=(attrs.evolve(w.offers[0], service="web", id=w.name),)) for w in made
    ]


def shown(sink):
    """The status that consumers see, by id."""
    held = sink.store.all()
    return {one.id: one.instance.meta.get(STATUS_KEY, "up") for one in held}


def holds(sink):
    """What holds each registration."""
    return {one.id: one.mark.hold for one in sink.store.all()}


def drain(world, *services, hold=DRAIN, force=True):
    """What the command does; returns the report."""
    world.tracker.relist()
    reconciler = world.reconciler
    plan = reconciler.plan_hold(lambda one: one.instance.service in services, hold, force=force)
    return reconciler.carry_out(plan, 0.0).finished
