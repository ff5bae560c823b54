"""python-consul2's client over our transport, and the little that it cannot say.

Its methods make the requests and read the answers; each returns an `Answer`. Ids and keys must be
quoted by the caller: the library puts them into paths as they are.
"""

import json
from collections.abc import Mapping
from typing import Any

from consul import base

from syncer.kits.http import Refused
from syncer_consul.http.transport import Transport


class Service(base.Consul.Agent.Service):  # type: ignore[misc]
    """Services of the agent. The library reads none, and registers no weights and one check."""

    def get(self, service_id: str) -> Any:
        """Read one service."""
        return self.agent.http.get(base.CB.json(), f"/v1/agent/service/{service_id}")

    def register_definition(self, definition: Mapping[str, Any]) -> Any:
        """Register a service by its whole definition, in the words of Consul's API."""
        data = json.dumps(definition)
        return self.agent.http.put(base.CB.bool(), "/v1/agent/service/register", data=data)


class Check(base.Consul.Agent.Check):  # type: ignore[misc]
    """Checks of the agent. The library sends their output in the URL, which has too little room."""

    def update(self, check_id: str, status: str, output: str) -> Any:
        """Report the status of a TTL check."""
        data = json.dumps({"Status": status, "Output": output})
        return self.agent.http.put(base.CB.bool(), f"/v1/agent/check/update/{check_id}", data=data)


class Session(base.Consul.Session):  # type: ignore[misc]
    """Sessions, which hold keys. The library cannot free them from the health of the node.

    Consul ends a session between once and twice its length after the last renewal.
    """

    def make(self, name: str, ttl: str, behavior: str) -> str:
        """Make a session that only ends when nobody renews it; return its id.

        `behavior` is the fate of its keys: `release` or `delete`.
        """
        wanted = {
            "Name": name,
            "TTL": ttl,
            "Behavior": behavior,
            "LockDelay": "0s",  # else nobody could take the keys over for 15 s
            "NodeChecks": [],  # the session is syncer's: the node's health does not end it
        }
        data = json.dumps(wanted)
        made = self.agent.http.put(base.CB.json(is_id=True), "/v1/session/create", data=data)
        return str(made.data)

    def lives_on(self, id_: str) -> bool:
        """Renew a session for its whole length; return false if it is dead."""
        try:
            self.renew(id_)
        except Refused as error:
            if error.code == 404:
                return False
            raise
        return True


class Consul(base.Consul):  # type: ignore[misc]
    """The library's client, with the parts that syncer uses.

    Its constructor is not called: it reads CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN and more, prefers
    them to its arguments, and raises on addresses that it cannot split.
    """

    def __init__(self, http: Transport) -> None:
        self.http = http
        # The transport knows the token; datacenter and consistency are given to each request.
        self.token, self.dc, self.consistency = None, None, "default"
        self.agent: Any = base.Consul.Agent(self)
        self.agent.service, self.agent.check = Service(self), Check(self)
        self.catalog: Any = base.Consul.Catalog(self)
        self.health: Any = base.Consul.Health(self)
        self.kv: Any = base.Consul.KV(self)
        self.session = Session(self)
        self.status: Any = base.Consul.Status(self)
        self.txn: Any = base.Consul.Txn(self)

    def tree(self, prefix: str) -> Any:
        """Read every key under a prefix, with values as Consul encodes them."""
        return self.http.get(base.CB.json(), f"/v1/kv/{prefix}", [("recurse", "1")])

    def asking(self, **query: str) -> "Consul":
        """Return a client that adds these parameters, unless empty, to each request.

        Not all of the library's methods take those that Consul does: `filter`, `stale`, `dc`.
        """
        return Consul(self.http.asking({key: value for key, value in query.items() if value}))
