"""What really runs on the hosts of the model, and the sources that tell of it."""

import attrs

from syncer import Health, Offer, Source, State, Status, TemporaryError, View, Workload

#: Of all containers; what has another one was edited.
ADDRESS = "10.0.0.1"


@attrs.frozen
class Container:
    """One container: `inner` is its own port, `outer` the host's, which nobody else ever gets.

    `shared`: it asks for an id that others ask for, too. `since`: when it last changed.
    """

    id: str
    name: str
    service: str
    inner: int
    outer: int
    shared: bool = False
    state: State = State.RUNNING
    health: Health | None = None
    since: float = 0.0

    def workload(self, source, scope):
        """The container as a source describes it."""
        offer = Offer(
            service=self.service,
            id="shared" if self.shared else "",
            port=self.inner,
            register_address=ADDRESS,
            register_port=self.outer,
        )
        fields = {"state": self.state, "health": self.health, "offers": (offer,)}
        return Workload(source=source, scope=scope, id=self.id, name=self.name, **fields)

    def instance_id(self, scope):
        """The id that it is registered under."""
        return "shared" if self.shared else f"{scope}:{self.name}:{self.inner}"

    def shown(self, drop):
        """Whether it is to be registered; with `drop`, only while it is up."""
        if not self.state.offered or self.service == "bad":
            return False
        return not drop or self.workload("", "").status is Status.UP


#: A source's word about a container that it cannot describe.
UNCLEAR = "unclear"


@attrs.define
class Runtime:
    """What runs in one source's world, with the faults of that source.

    A listing says that it lacks what is `hidden`; what is `missed` it leaves out without a word.
    `events` are, by who listens, the ids that it has not yet asked for.
    """

    name: str
    scope: str
    identity: str = ""
    containers: dict = attrs.Factory(dict)
    places: dict = attrs.Factory(dict)
    events: dict = attrs.Factory(dict)
    fails: bool = False
    deaf: bool = False
    hidden: frozenset = frozenset()
    missed: frozenset = frozenset()
    unclear: frozenset = frozenset()

    def put(self, container):
        """Let it run so from now on."""
        self.containers[container.id] = container
        self.places.setdefault(container.id, set()).add(container.outer)
        self._tell(container.id)

    def remove(self, id_):
        """End it."""
        self.containers.pop(id_, None)
        self._tell(id_)

    def heal(self):
        """No more faults."""
        self.fails = self.deaf = False
        self.hidden = self.unclear = self.missed = frozenset()

    def _tell(self, id_):
        if not self.deaf:
            for heard in self.events.values():
                heard.append(id_)


class ModelSource(Source):
    """Tells one syncer of a runtime, as well as its faults allow.

    `told` is its last word about each id: a container, None for gone, or UNCLEAR. `trusted`: its
    last answer was a complete listing.
    """

    def __init__(self, runtime):
        self.runtime = runtime
        self.told, self.trusted = {}, False

    def scope(self):
        return self.runtime.scope

    def identity(self):
        return self.runtime.identity

    def workloads(self):
        runtime = self.runtime
        self._ahead()
        complete = not runtime.hidden & runtime.containers.keys()
        unclear = runtime.unclear & runtime.containers.keys() - runtime.hidden - runtime.missed
        shown = {
            id_: container
            for id_, container in runtime.containers.items()
            if id_ not in runtime.hidden | runtime.missed | unclear
        }
        if complete:
            self.told = dict.fromkeys(self.told)
        self.told |= shown | dict.fromkeys(unclear, UNCLEAR)
        self.trusted = complete
        items = [c.workload(runtime.name, runtime.scope) for c in shown.values()]
        return View(items, complete=complete, unclear=unclear)

    def workload(self, id):
        self._ahead()
        runtime = self.runtime
        if id in runtime.unclear and id in runtime.containers:
            raise TemporaryError(f"{id} cannot be described")
        found = runtime.containers.get(id)
        self.told[id] = found
        return found.workload(runtime.name, runtime.scope) if found else None

    def _ahead(self):
        if self.runtime.fails:
            raise TemporaryError("the engine does not answer")
