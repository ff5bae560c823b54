"""Tables of registered entries, for `syncer services`."""

import attrs
from rich.table import Table

from syncer.api.model import STATUS_KEY, Registration, View
from syncer.cli.show import safe, table


def place(registration: Registration) -> str:
    """Return service, address and id of an entry in one line."""
    instance = registration.instance
    return f"{instance.service} {instance.endpoint} {instance.id}"


def state(registration: Registration) -> str:
    """Return the status that consumers see, and what holds it; "" if the entry is just up."""
    instance = registration.instance
    found = "" if registration.up else instance.meta.get(STATUS_KEY, instance.status.value)
    if registration.mark and registration.mark.hold:
        return f"{found}, held: {registration.mark.hold}".removeprefix(", ")
    return found


def of_owner(view: View[Registration], owner: str) -> View[Registration]:
    """Return the view with the entries of this owner only; all if it is empty."""
    items = (r for r in view.items if not owner or (r.mark and r.mark.owner == owner))
    return attrs.evolve(view, items=tuple(items))


def services_table(sink: str, view: View[Registration], owner: str) -> Table:
    """Return a table of the entries of one sink, by service."""
    states = any(map(state, view.items))
    columns = ("service", "address", "tags", "id", "owner", "workload", *["state"] * states)
    made = table(columns, f"{sink}{'' if view.complete else ' (incomplete)'}")
    for held in sorted(view.items, key=lambda r: (r.instance.service, r.id)):
        mark, instance = held.mark, held.instance
        marked_by = f"{mark.owner}@{mark.scope}" if mark else "unmarked"
        style = None if mark and mark.owner == owner else "dim"
        workload = f"{mark.source}:{mark.workload[:12]}" if mark else ""
        cells = (instance.service, instance.endpoint, ",".join(instance.tags), held.id, marked_by)
        more = [state(held)] if states else []
        made.add_row(*map(safe, (*cells, workload, *more)), style=style)
    return made
