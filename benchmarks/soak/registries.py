"""The registry servers, each behind a proxy; what they hold is read past it, and past syncer."""

import base64
import json
import threading
import urllib.error
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError
from soak.churn import DOWN, UP

from servers.consul import Consul
from servers.etcd import Etcd
from servers.eureka import Eureka
from servers.faultproxy import FaultProxy
from servers.process import Guard
from servers.zookeeper import ZooKeeper

#: What asking a server that is away, or was just now, may raise.
AWAY = (OSError, ValueError, HTTPException, KazooException, KazooTimeoutError)
Entries = dict[str, dict[str, str]]


class Registry:
    """A server, its proxy, and the sinks that write to it.

    `lock` is held by whoever reads it or makes it come and go; `answers` is false meanwhile.
    """

    name = ""
    #: Whether it still has its data after kill -9.
    keeps_data = True

    def __init__(self, server: Any, address: str) -> None:
        self.server = server
        self.proxy = FaultProxy(address)
        self.lock = threading.Lock()
        self.answers = True

    def sinks(self) -> dict[str, str]:
        """What `--sink` takes for each sink, by its name."""
        raise NotImplementedError

    def read(self) -> Entries:
        """What each sink has registered: its ids, each with its state."""
        raise NotImplementedError

    def holds(self) -> dict[str, int]:
        """How many leases or sessions there are, by a word for them."""
        return {}

    def settings(self) -> dict[str, str]:
        """More settings of syncer, by their paths."""
        return {f"sinks.{sink}.timeout": "2s" for sink in self.sinks()}


class ConsulRegistry(Registry):
    """An agent: its services, and its key-value store with a session."""

    name = "consul"

    def __init__(self, guard: Guard) -> None:
        server = Consul(guard, "consul", persistent=True)
        super().__init__(server, server.address)

    def sinks(self) -> dict[str, str]:
        address = f"http://{self.proxy.address}"
        return {
            "consul": f"consul={address}",
            "consulkv": f"consulkv={address}/services?layout=json&session=30s",
        }

    def settings(self) -> dict[str, str]:
        return super().settings() | {"sinks.consul.lock": "soak-consul"}

    def read(self) -> Entries:
        return {"consul": self._agent(), "consulkv": self._store()}

    def holds(self) -> dict[str, int]:
        return {"Consul sessions": len(self.server.api.get("session/list"))}

    def _agent(self) -> dict[str, str]:
        checks = self.server.api.checks().values()
        bad = {check["ServiceID"] for check in checks if check["Status"] == "critical"}
        services = self.server.api.services().items()
        ours = [id_ for id_, service in services if "syncer-owner" in service["Meta"]]
        return {id_: DOWN if id_ in bad else UP for id_ in ours}

    def _store(self) -> dict[str, str]:
        try:
            found = self.server.api.get("kv/services/", recurse="1")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return {}  # Consul's word for an empty prefix
        return _states(base64.b64decode(entry["Value"]) for entry in found)


class EtcdRegistry(Registry):
    """One member, with a lease for its entries and one for the lock."""

    name = "etcd"

    def __init__(self, guard: Guard) -> None:
        server = Etcd(guard)
        super().__init__(server, server.address)

    def sinks(self) -> dict[str, str]:
        return {"etcd": f"etcd://{self.proxy.address}/services?layout=json&ttl=30s"}

    def settings(self) -> dict[str, str]:
        return super().settings() | {"sinks.etcd.lock": "soak-etcd"}

    def read(self) -> Entries:
        return {"etcd": _states(self.server.api.values("/services/").values())}

    def holds(self) -> dict[str, int]:
        return {"etcd leases": len(self.server.api.leases())}


class EurekaRegistry(Registry):
    """One server, whose lists are at most a second old."""

    name = "eureka"
    keeps_data = False

    def __init__(self, guard: Guard) -> None:
        server = Eureka(guard)
        super().__init__(server, f"127.0.0.1:{server.port}")

    def sinks(self) -> dict[str, str]:
        return {"eureka": f"eureka=http://{self.proxy.address}/eureka/?cache_delay=2s"}

    def read(self) -> Entries:
        found = {}
        for one in self.server.api.instances():
            fields = one.get("metadata") or {}
            if "syncer-id" in fields:
                found[fields["syncer-id"]] = UP if one["status"] == "UP" else DOWN
        return {"eureka": found}


class ZooKeeperRegistry(Registry):
    """One server, whose sessions last 40 s at most, as usual."""

    name = "zookeeper"

    def __init__(self, guard: Guard) -> None:
        server = ZooKeeper(guard, tick=2.0)
        super().__init__(server, server.address)

    def sinks(self) -> dict[str, str]:
        return {"zookeeper": f"zookeeper={self.proxy.address}/services?layout=json"}

    def read(self) -> Entries:
        return {"zookeeper": _states(self.server.values("/services").values())}

    def holds(self) -> dict[str, int]:
        # One line for each session; that of the reader, if there is one, is not counted.
        lines = [line for line in self.server.say("cons").splitlines() if "sid=" in line]
        own = self.server.client.client_id[0]
        return {"ZooKeeper sessions": sum(f"sid=0x{own:x}" not in line for line in lines)}


def all_registries(guard: Guard) -> tuple[Registry, ...]:
    """One of each kind, not started yet."""
    kinds = (ConsulRegistry, EtcdRegistry, EurekaRegistry, ZooKeeperRegistry)
    return tuple(kind(guard) for kind in kinds)


def _states(values: Any) -> dict[str, str]:
    """Ids and states, of values of the layout `json`."""
    entries: list[Mapping[str, Any]] = [json.loads(value) for value in values if value]
    return {it["id"]: UP if it["status"] == "up" else DOWN for it in entries if "syncer" in it}
