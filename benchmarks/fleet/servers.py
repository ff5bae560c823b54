"""The registries that hosts share: how to start them, and where hosts find them."""

import shutil
import urllib.error
from collections.abc import Sequence
from typing import Any

from benchmarks.registries import ConsulRegistry, EtcdRegistry, EurekaRegistry
from benchmarks.usage import cpu
from servers.consul import Consul, ConsulCluster
from servers.etcd import Etcd
from servers.eureka import Eureka
from servers.process import Guard
from servers.waiting import wait_until
from servers.zookeeper import ZooKeeper


class Shared:
    """One registry of one server. `sink` is the value of `--sink` for a server at an address."""

    protocol = "http"

    def __init__(self, guard: Guard) -> None:
        self.servers: Sequence[Any] = (self.make(guard),)

    def make(self, guard: Guard) -> Any:
        """A server, not started yet."""
        raise NotImplementedError

    def sink(self, address: str) -> str:
        """Where a host writes."""
        raise NotImplementedError

    def count(self) -> int:
        """How many entries it holds, asked past syncer."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it answers."""
        for server in self.servers:
            server.begin()
        for server in self.servers:
            server.wait_ready()

    def addresses(self) -> list[str]:
        """The addresses of its servers."""
        return [str(server.address) for server in self.servers]

    def cpu(self) -> float:
        """CPU seconds that its servers have used so far."""
        return sum(cpu(server.process.pid) for server in self.servers)

    def restart_empty(self) -> None:
        """Have it come back with nothing."""
        for server in self.servers:
            server.kill()
            if server.data:
                shutil.rmtree(server.data, ignore_errors=True)
        self.start()

    def part(self) -> None:
        """Keep it from answering, as a partition does."""
        for server in self.servers:
            server.freeze()

    def heal(self) -> None:
        """End that."""
        for server in self.servers:
            server.thaw()


class SharedEtcd(Shared):
    """One member."""

    protocol = "grpc"

    def make(self, guard: Guard) -> Any:
        return Etcd(guard)

    def sink(self, address: str) -> str:
        return f"etcd://{address}/services"

    def count(self) -> int:
        return EtcdRegistry(self.servers[0]).count()


class SharedConsul(Shared):
    """One agent that all hosts write to."""

    def make(self, guard: Guard) -> Any:
        return Consul(guard, config={"log_level": "WARN"})

    def sink(self, address: str) -> str:
        return f"consul=http://{address}"

    def count(self) -> int:
        return ConsulRegistry(self.servers[0]).count()


class SharedConsulKv(SharedConsul):
    """The key-value store of one agent."""

    def sink(self, address: str) -> str:
        return f"consulkv=http://{address}/services"

    def count(self) -> int:
        return _keys(self.servers[0])


class ConsulServers(SharedConsulKv):
    """The key-value store of three servers."""

    def __init__(self, guard: Guard) -> None:
        self._cluster = ConsulCluster(guard)
        self.servers = self._cluster.servers

    def start(self) -> None:
        super().start()
        wait_until(self._cluster.leader, 60, "a leader", ignore=(OSError,))


class SharedZooKeeper(Shared):
    """One server."""

    protocol = "zookeeper"

    def make(self, guard: Guard) -> Any:
        return ZooKeeper(guard, tick=2.0)

    def sink(self, address: str) -> str:
        return f"zookeeper={address}/services?layout=json"

    def count(self) -> int:
        return len(self.servers[0].values("/services"))


class SharedEureka(Shared):
    """One server."""

    def make(self, guard: Guard) -> Any:
        return Eureka(guard)

    def addresses(self) -> list[str]:
        return [f"127.0.0.1:{server.port}" for server in self.servers]

    def sink(self, address: str) -> str:
        return f"eureka=http://{address}/eureka/"

    def count(self) -> int:
        return EurekaRegistry(self.servers[0]).count()


def _keys(server: Any) -> int:
    """How many keys of hosts there are: with a 404 Consul says that there are none."""
    try:
        return len(server.api.get("kv/services/", keys="1"))
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 404:
                raise
        return 0
