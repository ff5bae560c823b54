"""The catalog of a datacenter as a source: what is registered in Consul, to be mirrored elsewhere.

It is read node by node, and then all checks that are critical: the others do not matter. Without
a change of a service only those are read again, and the services whose checks they are.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from threading import Event, Lock
from urllib.parse import quote

import attrs

from syncer import (
    Context,
    PermanentError,
    Registration,
    Source,
    Status,
    TemporaryError,
    Unclear,
    View,
    Workload,
    as_workload,
    is_mirrored,
)
from syncer.kits.http import Refused, each
from syncer_consul.agent import wire
from syncer_consul.http.client import Client
from syncer_consul.http.endpoints import Consul
from syncer_consul.http.index_watch import IndexWatcher
from syncer_consul.http.transport import Answer
from syncer_consul.options import CatalogOptions, Consistency

#: Consul's own service on its servers.
_CONSUL = "consul"
#: Text that can stand between quotes in a filter, in all versions.
_PLAIN = re.compile(r"[\w.:/@ -]+", re.ASCII)
#: More changes than this at once are read by a listing.
MOST = 50
_UNCLEAR = Unclear("its entry is not valid: control characters in its id, or a part of a mark")


@attrs.frozen
class _Critical:
    """The nodes and ids of the services with a critical check; id "" is for the node itself."""

    places: frozenset[tuple[str, str]] = frozenset()
    filtered: bool = False

    def shown(self, node: str, found: Registration) -> Registration:
        """Return a service of a node with its health."""
        if self.places.isdisjoint({(node, found.id), (node, "")}):
            return found
        instance = attrs.evolve(found.instance, status=Status.UNHEALTHY)
        return attrs.evolve(found, instance=instance)


@attrs.frozen
class _Node:
    """The services of a node."""

    name: str
    services: tuple[Registration, ...] = ()
    unclear: frozenset[str] = frozenset()
    filtered: bool = False


class CatalogSource(Source):
    """Every service of a datacenter; see `CatalogOptions`. Ids are `<node>/<service id>`."""

    def __init__(self, options: CatalogOptions, context: Context) -> None:
        self._options, self._name = options, context.name
        self._client = Client(options, idle=options.concurrency)
        self._consul = self._as_configured(self._client)
        #: Service ids that several nodes had in the last listing.
        self._shared: frozenset[str] = frozenset()
        #: The critical checks as last read, by a listing or by the watch.
        self._known: _Critical | None = None
        self._lock = Lock()
        self._watcher: IndexWatcher | None = None
        self._closed = Event()

    def scope(self) -> str:
        """Return the datacenter. Raises TemporaryError while the agent does not tell it."""
        datacenter = self._options.datacenter or self._client.info().datacenter
        if not datacenter:
            raise PermanentError("the token may not read the datacenter: set `datacenter`")
        return f"consul:{datacenter}"

    def workloads(self) -> View[Workload]:
        """Read every service of every node, except Consul, proxies, and mirrored services."""
        info = self._client.info()
        answer = self._read(self._consul.catalog.nodes)
        names = [str(node.get("Node", "")) for node in answer.data or ()]
        nodes = list(each(self._node, names, self._options.concurrency))
        # After the services: what becomes critical later wakes.
        with self._lock:
            critical = self._known = self._critical()
        hidden = critical.filtered or answer.filtered or any(node.filtered for node in nodes)
        unclear = {f"{node.name}/{id_}": _UNCLEAR for node in nodes for id_ in node.unclear}
        return View(
            self._workloads(nodes, critical),
            complete=not hidden and not self._client.may_hide(info),
            unclear=unclear.keys(),
            reasons=unclear,
        )

    def workload(self, id: str) -> Workload | None:
        """Read one service again."""
        name, _, service = id.partition("/")
        node, critical = self._node(name, service), self._critical(name, service)
        if service in node.unclear:
            raise TemporaryError(f"{id} cannot be described now")
        found = next((one for one in node.services if one.id == service), None)
        hidden = node.filtered or critical.filtered
        if found is None and (hidden or self._client.may_hide(self._client.info())):
            raise TemporaryError(f"ACLs hide a part of the catalog, perhaps {id}")
        if found is None or is_mirrored(found):
            return None
        return self._workload(node.name, critical.shown(name, found))

    def watch(self, wake: Callable[[str | None], None], stop: Event) -> None:
        """Wake for everything when a service has changed, for one whose check became critical,
        or no longer is.
        """
        client = Client(self._options, idle=2)
        consul = self._as_configured(client)
        # The filter matches nothing: it spares the body.
        checks = consul.asking(filter='CheckID == ""').health
        critical = partial(checks.state, "critical")
        watcher = IndexWatcher([consul.catalog.services, critical], client.close)
        self._watcher = watcher
        if self._closed.is_set():
            watcher.close()

        def told() -> None:
            for id_ in self._changed():
                wake(id_)

        watcher.run(lambda: wake(None), stop, {critical: told})

    def credentials(self) -> Hashable:
        """Return what differs as soon as `token_file` has another token."""
        return self._client.credentials()

    def close(self) -> None:
        """Close all connections, which ends a watch."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.close()
        self._client.close()

    def _changed(self) -> list[str] | list[None]:
        """Return whose checks became critical, or no longer are: `None` for everything."""
        with self._lock:
            before, now = self._known, self._critical()
            self._known = now
        if before is None:
            return [None]
        changed = before.places ^ now.places
        if len(changed) > MOST or any(not service for _, service in changed):
            return [None]
        return sorted(f"{node}/{service}" for node, service in changed)

    def _workloads(self, nodes: Iterable[_Node], critical: _Critical) -> Iterator[Workload]:
        every = [
            (node.name, critical.shown(node.name, found))
            for node in nodes
            for found in node.services
            if not is_mirrored(found)
        ]
        ids = Counter(found.id for _, found in every)
        self._shared = frozenset(id_ for id_, count in ids.items() if count > 1)
        return (self._workload(node, found) for node, found in every)

    def _workload(self, node: str, found: Registration) -> Workload:
        """Return the workload; an id that several nodes have is offered as `<node>:<id>`."""
        id_ = f"{node}/{found.id}"
        if found.id in self._shared:
            instance = attrs.evolve(found.instance, id=f"{node}:{found.id}")
            found = attrs.evolve(found, instance=instance)
        return as_workload(found, source=self._name, registry=self.scope(), id=id_)

    def _node(self, name: str, service: str = "") -> _Node:
        """Read a node's services without their health, or, if that can be asked, only one."""
        consul = self._consul.asking(filter=_matching(f'ID == "{service}"', service))
        answer = self._read(consul.catalog.node, quote(name, safe=""))
        if answer.data is None:
            return _Node(name, filtered=answer.filtered)
        address = str((answer.data.get("Node") or {}).get("Address", ""))
        found, unclear = [], set()
        for id_, entry in (answer.data.get("Services") or {}).items():
            try:
                if entry.get("Kind") or entry.get("Service") == _CONSUL:
                    continue
                registration = wire.decode(id_, entry, (), address)
            except Exception:  # noqa: BLE001 - others may register anything
                registration = None
            if registration is None:
                unclear.add(id_)
            else:
                found.append(registration)
        return _Node(name, tuple(found), frozenset(unclear), answer.filtered)

    def _critical(self, node: str = "", service: str = "") -> _Critical:
        """Read where checks are critical, or, if that can be asked, only of one service."""
        one = f'Node == "{node}" and (ServiceID == "{service}" or ServiceID == "")'
        consul = self._consul.asking(filter=_matching(one, node, service))
        answer = self._read(consul.health.state, "critical")
        checks = [check for check in answer.data or () if isinstance(check, Mapping)]
        places = ((str(one.get("Node", "")), str(one.get("ServiceID", ""))) for one in checks)
        return _Critical(frozenset(places), answer.filtered)

    def _read(self, call: Callable[..., Answer], *arguments: str) -> Answer:
        try:
            answer = call(*arguments)
        except Refused as error:
            if error.code == 403:
                raise TemporaryError(str(error)) from error
            raise
        if not answer.has_leader:
            # With `stale`, a server that lost the others shows what it remembers, perhaps nothing.
            raise TemporaryError(f"Consul at {self._client.address}: no cluster leader")
        return answer

    def _as_configured(self, client: Client) -> Consul:
        """Return a client that asks for the datacenter and the consistency of the options."""
        consistency = self._options.consistency
        asked = {} if consistency is Consistency.DEFAULT else {consistency.value: "1"}
        return client.asking(dc=self._options.datacenter, **asked)


def _matching(condition: str, *texts: str) -> str:
    """Return a filter, or none if one of these texts of it is empty or cannot be quoted."""
    return condition if all(map(_PLAIN.fullmatch, texts)) else ""
