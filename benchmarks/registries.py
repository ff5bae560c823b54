"""The registries that are measured: how to start them, what they hold, and a bare client's writes.

Nothing of syncer is used, and no more of a client library than the writes need.
"""

import json
import urllib.parse
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3

from servers.consul import Consul
from servers.etcd import Etcd
from servers.eureka import Eureka
from servers.process import Guard

#: One instance as a bare client knows it: service, id, address, port.
Instance = tuple[str, str, str, int]
SCOPE = "bench"
#: Bytes of meta beside a registration, as many as syncer's mark has.
_MARK = {"syncer-owner": "syncer", "syncer-scope": SCOPE, "syncer-source": "docker"}
_MARK |= {"syncer-workload": "0" * 64, "syncer-digest": "0" * 32}


class Registry(ABC):
    """One real server. `best` is the bare client's concurrency for many writes; see `at_best`."""

    name = ""
    best = 16
    #: Whether a single change needs a look at the entry before: no compare-and-set.
    looks = False
    #: Seconds after a start until all goes on as it always will.
    rest = 2.0

    def __init__(self, server: Any) -> None:
        """`server` is the tests', or only has its `url` and `address`."""
        self.server = server
        self.http = urllib3.PoolManager(maxsize=32, retries=False)

    @staticmethod
    @abstractmethod
    def make(guard: Guard) -> Any:
        """A server, not started yet."""

    @property
    def pid(self) -> int:
        """The server's process."""
        return int(self.server.process.pid)

    @abstractmethod
    def sink(self) -> str:
        """The value of `--sink`."""

    @abstractmethod
    def count(self) -> int:
        """How many instances it holds."""

    @abstractmethod
    def has(self, instance: Instance) -> bool:
        """Whether it holds this one."""

    @abstractmethod
    def put(self, instance: Instance) -> None:
        """Register one."""

    @abstractmethod
    def drop(self, instance: Instance) -> None:
        """Remove one."""

    def put_all(self, instances: Sequence[Instance]) -> None:
        """Register all, at the best concurrency."""
        each(self.put, instances, self.best)


def each(do: Callable[[Any], object], items: Iterable[Any], workers: int) -> list[Any]:
    """Do this for each item, several at a time."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(do, items))


class ConsulRegistry(Registry):
    """A development agent."""

    name, looks = "consul", True

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.url = f"{server.url}/v1/agent"

    @staticmethod
    def make(guard: Guard) -> Any:
        """A development agent: it keeps nothing on disk."""
        return Consul(guard, config={"log_level": "WARN"})

    def sink(self) -> str:
        """By its address."""
        return f"consul={self.server.url}"

    def count(self) -> int:
        """Counted without understanding more than needed."""
        return self.http.request("GET", f"{self.url}/services").data.count(b'"EnableTagOverride"')

    def has(self, instance: Instance) -> bool:
        """Asked for this one alone."""
        path = f"{self.url}/service/{urllib.parse.quote(instance[1])}"
        return self.http.request("GET", path).status == 200

    def put(self, instance: Instance) -> None:
        """The request that syncer makes."""
        service, id_, address, port = instance
        body = {"ID": id_, "Name": service, "Address": address, "Port": port, "Meta": _MARK}
        body |= {"Tags": ["bench", service], "Checks": []}
        self._ask(f"{self.url}/service/register", json.dumps(body))

    def drop(self, instance: Instance) -> None:
        """The request that syncer makes."""
        self._ask(f"{self.url}/service/deregister/{urllib.parse.quote(instance[1])}", "")

    def _ask(self, url: str, body: str) -> None:
        answer = self.http.request("PUT", url, body=body)
        assert answer.status == 200, answer.data


class EtcdRegistry(Registry):
    """One member; entries and twins in registrator's layout."""

    name, best = "etcd", 4
    #: Registrations in a transaction of 128 operations: each has a twin.
    batch = 64

    @staticmethod
    def make(guard: Guard) -> Any:
        """A cluster of one."""
        return Etcd(guard)

    def sink(self) -> str:
        """By its address, with a prefix."""
        return f"etcd://{self.server.address}/services"

    def count(self) -> int:
        """The number of entries, as etcd counts them."""
        return self._range("/services/", "/services0", count_only=True)

    def has(self, instance: Instance) -> bool:
        """Asked for this one alone."""
        return bool(self._range(_key(instance), "", count_only=True))

    def put(self, instance: Instance) -> None:
        """One transaction."""
        self._put_some([instance])

    def put_all(self, instances: Sequence[Instance]) -> None:
        """In full transactions, on several connections."""
        batches = [instances[i : i + self.batch] for i in range(0, len(instances), self.batch)]
        each(self._put_some, batches, self.best)

    def drop(self, instance: Instance) -> None:
        """One transaction."""
        from pyetcd import etcdrpc

        keys = (_key(instance), f"/syncer{_key(instance)}")
        ops = [
            etcdrpc.RequestOp(request_delete_range=etcdrpc.DeleteRangeRequest(key=key.encode()))
            for key in keys
        ]
        self._stub().Txn(etcdrpc.TxnRequest(success=ops), timeout=10)

    def _put_some(self, instances: Sequence[Instance]) -> None:
        from pyetcd import etcdrpc

        ops = []
        for one in instances:
            twin = json.dumps({"id": one[1], "service": one[0], "mark": _MARK, "tags": ["bench"]})
            texts = {_key(one): f"{one[2]}:{one[3]}", f"/syncer{_key(one)}": twin}
            for key, value in texts.items():
                put = etcdrpc.PutRequest(key=key.encode(), value=value.encode())
                ops.append(etcdrpc.RequestOp(request_put=put))
        self._stub().Txn(etcdrpc.TxnRequest(success=ops), timeout=10)

    def _stub(self) -> Any:
        import grpc
        from pyetcd import etcdrpc

        if not hasattr(self, "_kv"):
            self._kv = etcdrpc.KVStub(grpc.insecure_channel(self.server.address))
        return self._kv

    def _range(self, key: str, end: str, *, count_only: bool) -> int:
        from pyetcd import etcdrpc

        request = etcdrpc.RangeRequest(
            key=key.encode(), range_end=end.encode(), count_only=count_only
        )
        return int(self._stub().Range(request, timeout=10).count)


def _key(instance: Instance) -> str:
    return f"/services/{instance[0]}/{instance[1]}"


class EurekaRegistry(Registry):
    """One server, by its REST interface."""

    name, best = "eureka", 4
    #: The first heartbeat comes half an interval after the registration, or up to a whole later.
    rest = 46.0

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.url = server.url.rstrip("/")

    @staticmethod
    def make(guard: Guard) -> Any:
        """One server, without its response cache."""
        return Eureka(guard)

    def sink(self) -> str:
        """By its address."""
        return f"eureka={self.server.url}"

    def count(self) -> int:
        """Counted without understanding more than needed."""
        headers = {"Accept": "application/json"}
        return self.http.request("GET", f"{self.url}/apps", headers=headers).data.count(
            b'"instanceId"'
        )

    def has(self, instance: Instance) -> bool:
        """Asked for this one alone, past the server's cache."""
        return self.http.request("GET", self._path(instance)).status == 200

    def put(self, instance: Instance) -> None:
        """The request that syncer makes."""
        service, id_, address, port = instance
        kind = "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"
        fields = {
            "instanceId": id_,
            "app": service.upper(),
            "hostName": address,
            "ipAddr": address,
            "status": "UP",
            "vipAddress": service,
            "port": {"$": port, "@enabled": "true"},
            "dataCenterInfo": {"@class": kind, "name": "MyOwn"},
            "metadata": _MARK,
        }
        self._ask("POST", f"{self.url}/apps/{service.upper()}", json.dumps({"instance": fields}))

    def drop(self, instance: Instance) -> None:
        """The request that syncer makes."""
        self._ask("DELETE", self._path(instance), "")

    def _path(self, instance: Instance) -> str:
        return f"{self.url}/apps/{instance[0].upper()}/{urllib.parse.quote(instance[1])}"

    def _ask(self, method: str, url: str, body: str) -> None:
        headers = {"Content-Type": "application/json"}
        answer = self.http.request(method, url, body=body, headers=headers)
        assert answer.status in (200, 204), answer.data


KINDS: dict[str, type[Registry]] = {
    kind.name: kind for kind in (ConsulRegistry, EtcdRegistry, EurekaRegistry)
}
