"""The registration in an entry of a store, alone or with its twin."""

from collections.abc import Mapping

import attrs

from syncer.api.registrations import Registration
from syncer.kits.keyvalue import record
from syncer.kits.keyvalue.layout import Layout


def meaning(
    layout: Layout, key: str, entry: bytes | None, twin: bytes | None
) -> Registration | None:
    """Return the registration of an entry and its twin, either of which may be absent.

    `None` if neither is of this layout. Raises ValueError if they cannot be read. A mark counts
    only under the key it was written to; an entry that differs from what its owner wrote is
    damaged.
    """
    try:
        if twin is not None:
            return _with_twin(layout, key, entry, twin)
        return _alone(layout, key, entry)
    except Exception as error:  # others may write anything, and a layout may be anybody's
        raise ValueError(f"{key} cannot be read: {error}") from error


def parked(layout: Layout, registration: Registration) -> bool:
    """Whether it is drained by hand and the layout cannot say so: then it has only its twin."""
    mark = registration.mark
    return parks(layout) and mark is not None and bool(mark.hold)


def parks(layout: Layout) -> bool:
    """Whether an instance can be kept where the layout's consumers do not see it."""
    return layout.twins and not layout.tells_status


def by_id(found: Mapping[str, Registration], owner: str) -> dict[str, Registration]:
    """Return registrations by id, given by key.

    If several keys have one id, the owner's own registration keeps it, else the first by key; the
    others get their keys as ids.
    """

    def rank(key: str) -> tuple[bool, str]:
        mark = found[key].mark
        return mark is None or mark.owner != owner, key

    items: dict[str, Registration] = {}
    for key in sorted(found, key=rank):
        one = found[key]
        if one.id in items:
            one = attrs.evolve(one, instance=attrs.evolve(one.instance, id=key))
        items[one.id] = one
    return items


def _with_twin(layout: Layout, key: str, entry: bytes | None, twin: bytes) -> Registration | None:
    try:
        found = record.from_twin(twin.decode())
        misplaced = found.mark is None or layout.key(found.instance) != key
    except Exception:  # noqa: BLE001 - others may write anything
        misplaced = True
    if misplaced:
        return _alone(layout, key, entry)
    if parked(layout, found):
        text = "" if entry is None else f"its entry {key} exists, though it is drained"
        return attrs.evolve(found, damaged=text)
    if entry is None:
        return attrs.evolve(found, damaged=f"its entry {key} is gone")
    return _compared(layout, found, entry)


def _alone(layout: Layout, key: str, entry: bytes | None) -> Registration | None:
    if entry is None:
        return None
    found = layout.read(key, entry.decode())
    if found is None or found.mark is None:
        return found
    if layout.key(found.instance) != key:
        # A copy: a mark counts only under its own key.
        return Registration(instance=attrs.evolve(found.instance, id=key))
    return _compared(layout, found, entry)


def _compared(layout: Layout, found: Registration, entry: bytes) -> Registration:
    same = layout.value(found).encode() == entry
    return found if same else attrs.evolve(found, damaged="its entry was edited by hand")
