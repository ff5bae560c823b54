"""The catalog of a datacenter as a source: what is registered in Consul, to be mirrored elsewhere.

It is read node by node: two requests for all services of a node, with all its checks.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from functools import partial
from threading import Event
from typing import Any
from urllib.parse import quote

import attrs

from syncer import (
    Context,
    PermanentError,
    Registration,
    Source,
    TemporaryError,
    Unclear,
    View,
    Workload,
    as_workload,
    is_mirrored,
)
from syncer.kits.http import Refused, each
from syncer_consul.agent import wire
from syncer_consul.agent.wire import Found
from syncer_consul.http.client import Client
from syncer_consul.http.endpoints import Consul
from syncer_consul.http.index_watch import IndexWatcher
from syncer_consul.http.transport import Answer
from syncer_consul.options import CatalogOptions, Consistency

#: Consul's own service on its servers.
_CONSUL = "consul"
_UNCLEAR = Unclear("its entry is not valid: control characters in its id, or a part of a mark")


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
        hidden = answer.filtered or any(node.filtered for node in nodes)
        unclear = {f"{node.name}/{id_}": _UNCLEAR for node in nodes for id_ in node.unclear}
        return View(
            self._workloads(nodes),
            complete=not hidden and not self._client.may_hide(info),
            unclear=unclear.keys(),
            reasons=unclear,
        )

    def workload(self, id: str) -> Workload | None:
        """Read one service again."""
        name, _, service = id.partition("/")
        node = self._node(name)
        if service in node.unclear:
            raise TemporaryError(f"{id} cannot be described now")
        found = next((one for one in node.services if one.id == service), None)
        if found is None and (node.filtered or self._client.may_hide(self._client.info())):
            raise TemporaryError(f"ACLs hide a part of the catalog, perhaps {id}")
        if found is None or is_mirrored(found):
            return None
        return self._workload(node.name, found)

    def watch(self, wake: Callable[[str | None], None], stop: Event) -> None:
        """Wake when a service or the status of a check has changed anywhere in the datacenter."""
        client = Client(self._options, idle=2)
        consul = self._as_configured(client)
        # The filter matches nothing: it spares the body.
        checks = consul.asking(filter='CheckID == ""').health
        queries = [consul.catalog.services, partial(checks.state, "any")]
        watcher = IndexWatcher(queries, client.close)
        self._watcher = watcher
        if self._closed.is_set():
            watcher.close()
        watcher.run(lambda: wake(None), stop)

    def credentials(self) -> Hashable:
        """Return what differs as soon as `token_file` has another token."""
        return self._client.credentials()

    def close(self) -> None:
        """Close all connections, which ends a watch."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.close()
        self._client.close()

    def _workloads(self, nodes: Iterable[_Node]) -> Iterator[Workload]:
        every = [
            (node.name, found)
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

    def _node(self, name: str) -> _Node:
        quoted = quote(name, safe="")
        services = self._read(self._consul.catalog.node, quoted)
        if services.data is None:
            return _Node(name, filtered=services.filtered)
        checks = self._read(self._consul.health.node, quoted)
        by_service = _by_service(checks.data or ())
        address = str((services.data.get("Node") or {}).get("Address", ""))
        found, unclear = [], set()
        for id_, entry in (services.data.get("Services") or {}).items():
            every = (*by_service.get(id_, ()), *by_service.get("", ()))
            try:
                if entry.get("Kind") or entry.get("Service") == _CONSUL:
                    continue
                registration = wire.decode(id_, entry, every, address)
            except Exception:  # noqa: BLE001 - others may register anything
                registration = None
            if registration is None:
                unclear.add(id_)
            else:
                found.append(registration)
        filtered = services.filtered or checks.filtered
        return _Node(name, tuple(found), frozenset(unclear), filtered)

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


def _by_service(checks: Collection[Any]) -> dict[str, list[Found]]:
    """Return the checks of each service id; those of the node itself under ""."""
    found: dict[str, list[Found]] = {}
    for check in checks:
        if not isinstance(check, Mapping):
            continue
        one = Found(str(check.get("CheckID", "")), str(check.get("Status", "")))
        found.setdefault(str(check.get("ServiceID", "")), []).append(one)
    return found
