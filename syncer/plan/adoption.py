"""Take over entries without a mark that registrator left behind. Pure.

In a plan, such an entry gets the mark that it would have if syncer had written it, so every rule
and brake for our entries applies to it: it is updated in place, replaced only after the new entry
exists, or removed once its source has confirmed that its workload is gone. The mark exists in the
plan only: sinks see the entry without it.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import attrs

from syncer.api.changes import Deregister, Plan, Update
from syncer.api.fields import as_frozenset
from syncer.api.keys import Place
from syncer.api.registrations import Instance, Mark, Registration
from syncer.desired.snapshot import RANDOM_NAME, Snapshot, TrackedWorkload

#: Words among the hosts whose entries are taken over.
OWN, SAME = "own", "same"
#: In the place of a digest: no instance has this one.
_DIGEST = "adopted"
#: The ids that registrator gives, and we do: `<host>:<workload>:<port>`, for UDP with an ending.
_FORM = re.compile(r"(?P<host>.+?):(?P<rest>(?P<workload>[A-Za-z0-9][\w.-]+):\d{1,5}(:udp)?)")


@attrs.frozen
class _Wish:
    """An instance that is wanted, and where it comes from."""

    snapshot: Snapshot
    entry: TrackedWorkload
    instance: Instance

    def fits(self, held: Instance) -> bool:
        """Whether it is the same service at the same address and port."""
        return _place(self.instance) == _place(held)

    def has_written(self, id_: str) -> bool:
        """Whether this id is written on the workload, though it has another now.

        registrator gave it to all of its ports, and to other workloads.
        """
        workload = self.entry.workload
        return id_ in workload.labels.values() or id_ in workload.env.values()


class _Wishes:
    """All that is wanted, by id and by place."""

    def __init__(self, world: Sequence[Snapshot]) -> None:
        self.world = world
        self.by_id: defaultdict[str, list[_Wish]] = defaultdict(list)
        self.by_place: dict[tuple[str, Place], _Wish] = {}
        self.by_name: dict[tuple[str, str], TrackedWorkload] = {}
        for snapshot in world:
            for entry in snapshot.workloads.values():
                self.by_name.setdefault((snapshot.name, entry.workload.name), entry)
                for instance in entry.translated.instances:
                    wish = _Wish(snapshot, entry, instance)
                    self.by_id[instance.id].append(wish)
                    self.by_place.setdefault(_place(instance), wish)

    def at_home(self, host: str) -> Sequence[Snapshot]:
        """The sources that may speak for a host's entries: its own, if it is the scope of any.

        What runs on one engine says nothing about what another left.
        """
        return [one for one in self.world if host in one.scopes] or self.world

    def ending_in(self, rest: str, host: str) -> Sequence[_Wish]:
        """Return the desired instances of this workload and port, under the host's present name."""
        return [
            wish
            for snapshot in self.at_home(host)
            for scope in sorted(snapshot.scopes)
            for wish in self.by_id.get(f"{scope}:{rest}", ())
            if wish.snapshot is snapshot
        ]


@attrs.frozen(kw_only=True)
class Adoption:
    """Which entries without a mark are taken over; by default none.

    `hosts` are names of hosts in ids; `own` is this host's own name, `same` any random one, if
    service, address, port and workload are those of an instance that is wanted. Entries under
    another host's name go once the one under ours is there, and fit for use. With `gone` entries
    of hosts that are named, or own, go if nothing wants them.
    """

    hosts: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset)
    gone: bool = False

    def __call__(
        self, actual: Mapping[str, Registration], world: Sequence[Snapshot], owner: str
    ) -> Mapping[str, Registration]:
        """Return the entries of a sink by id; those to take over get our mark for this plan."""
        if not self.hosts:
            return actual
        unmarked = [one for one in actual.values() if one.mark is None]
        if not unmarked:
            return actual
        wishes = _Wishes(world)
        found = dict(actual)
        for one in unmarked:
            if (adopted := self._adopted(one, wishes, owner, found)) is not None:
                del found[one.id]
                found[adopted.id] = adopted
        return found

    def _adopted(
        self, one: Registration, wishes: _Wishes, owner: str, held: Mapping[str, Registration]
    ) -> Registration | None:
        """The entry with a mark; None if it is not ours to take."""
        parts = _FORM.fullmatch(one.id)
        named = parts is not None and self._names(parts["host"], wishes.world)
        if claims := wishes.by_id.get(one.id):
            return _marked_for(one, claims, owner, named=named)
        wish = wishes.by_place.get(_place(one.instance))
        if wish and wish.has_written(one.id) and _serves(held.get(wish.instance.id), one):
            return _marked(one, wish, owner)
        if parts is None:
            return _without_id(one, wishes, owner, held)
        if here := wishes.ending_in(parts["rest"], parts["host"]):
            random = SAME in self.hosts and RANDOM_NAME.fullmatch(parts["host"]) is not None
            stands = [wish for wish in here if _serves(held.get(wish.instance.id), one)]
            return _marked_for(one, stands, owner, named=named) if named or random else None
        return _unwanted(one, parts, wishes, owner) if named and self.gone else None

    def _names(self, host: str, world: Sequence[Snapshot]) -> bool:
        own = OWN in self.hosts and any(host in snapshot.scopes for snapshot in world)
        return own or host in self.hosts - {OWN, SAME}


def registrator_host(id: str) -> str:
    """The host in an id of registrator's form, `<host>:<container>:<port>`; "" for any other."""
    parts = _FORM.fullmatch(id)
    return parts["host"] if parts else ""


def unadopted(plan: Plan) -> Plan:
    """The plan with what is taken over as the sink knows it: without a mark."""
    changes = tuple(
        attrs.evolve(change, old=attrs.evolve(change.old, mark=None))
        if isinstance(change, (Update, Deregister)) and is_adopted(change.old)
        else change
        for change in plan.changes
    )
    return attrs.evolve(plan, changes=changes)


def _without_id(
    one: Registration, wishes: _Wishes, owner: str, held: Mapping[str, Registration]
) -> Registration | None:
    """The entry of a registry that has no room for ids, under the id that it should have.

    Such entries go by their place, `<service>/<address>:<port>`.
    """
    wish = wishes.by_place.get(_place(one.instance))
    if wish is None or wish.instance.id in held:
        return None
    if one.id != f"{one.instance.service}/{one.instance.endpoint}":
        return None
    named = attrs.evolve(one, instance=attrs.evolve(one.instance, id=wish.instance.id))
    return _marked(named, wish, owner)


def _unwanted(
    one: Registration, parts: re.Match[str], wishes: _Wishes, owner: str
) -> Registration | None:
    """The entry of a workload that does not offer it, or is gone: as its name says."""
    of_host = wishes.at_home(parts["host"])
    for snapshot in of_host:
        if entry := wishes.by_name.get((snapshot.name, parts["workload"])):
            return _with_mark(one, snapshot, entry.workload.scope, entry.workload.id, owner)
    if len(of_host) != 1 or not of_host[0].scopes:
        return None
    # Sources find a workload by its name as well, and so can confirm that it is gone.
    scope = min(of_host[0].scopes)
    return _with_mark(one, of_host[0], scope, parts["workload"], owner)


def _serves(found: Registration | None, old: Registration) -> bool:
    """Whether an entry with a mark is there in the place of the old one, and as fit for use."""
    return found is not None and found.mark is not None and (found.up or not old.up)


def _marked_for(
    one: Registration, claims: Sequence[_Wish], owner: str, *, named: bool
) -> Registration | None:
    """The entry with the mark of the claim that it belongs to; None if it is somebody's by hand.

    An id of a host that is named belongs to the workload of which syncer makes it. One that was
    given shows no workload: service, address and port must.
    """
    for wish in claims:
        if wish.fits(one.instance) or (named and not wish.instance.given_id):
            return _marked(one, wish, owner)
    return None


def _marked(one: Registration, wish: _Wish, owner: str) -> Registration:
    workload = wish.entry.workload
    return _with_mark(one, wish.snapshot, workload.scope, workload.id, owner)


def _with_mark(
    one: Registration, snapshot: Snapshot, scope: str, workload: str, owner: str
) -> Registration:
    mark = Mark(owner=owner, scope=scope, source=snapshot.name, workload=workload, digest=_DIGEST)
    return attrs.evolve(one, mark=mark)


def is_adopted(one: Registration) -> bool:
    """Whether the entry has no mark of its own: it is to be taken over."""
    return one.mark is not None and one.mark.digest == _DIGEST


def _place(instance: Instance) -> tuple[str, Place]:
    return instance.service, instance.place
