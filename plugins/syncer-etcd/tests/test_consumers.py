"""Programs that find services in etcd, none of them ours: CoreDNS, Go's gRPC client, Traefik."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from servers.waiting import wait_until
from syncer import Engine, Filter, Offer, SourcePart
from syncer.testing import FakeSource, make_workload
from syncer_etcd.layouts.skydns import label_of


def container(name, address, port=8080, service="web", **fields):
    """A container on `kit-scope` that offers one service."""
    offer = Offer(service=service, port=80, register_address=address, register_port=port, **fields)
    return make_workload(name, offers=(offer,))


class Host:
    """A host whose containers are in etcd; `run` and `end` are followed by a cycle."""

    def __init__(self, sink, **rules):
        self._source = FakeSource()
        part = SourcePart(source=self._source, filter=Filter(**rules))
        self._engine = Engine({"kit": part}, {"etcd": sink})

    def run(self, *containers):
        self._source.put(*containers)
        self._follow()

    def end(self, name):
        self._source.remove(name)
        self._follow()

    def _follow(self):
        report = self._engine.reconcile()["etcd"]
        assert not report.failed
        self.skipped = {skip.id: (skip.kind, skip.reason) for skip in report.plan.skipped}
        assert report.applied or self.skipped


class TestCoreDns:
    """CoreDNS, with its plugin `etcd`, on what the layout `skydns` writes."""

    @pytest.fixture
    def host(self, clean_etcd, open_sink):
        return Host(open_sink(clean_etcd.address, layout="skydns"))

    @pytest.fixture
    def names(self, clean_etcd, start_coredns):
        return start_coredns(clean_etcd.url, "cluster.local")

    def test_addresses_and_ports(self, host, names):
        """A service's name has the addresses of both families, and the ports, of what runs."""
        host.run(
            container("web1", "10.0.0.1", 8001),
            container("web2", "10.0.0.2", 8002),
            container("web6", "fd00::6", 8006),
            container("db1", "10.0.0.9", 5432, service="db"),
        )
        name = "web.cluster.local"
        assert names.addresses(name) == ["10.0.0.1", "10.0.0.2", "fd00::6"]
        assert names.servers(name) == {
            f"{label_of(f'kit-scope:{which}:80')}.{name}": port
            for which, port in (("web1", 8001), ("web2", 8002), ("web6", 8006))
        }
        assert names.addresses("db.cluster.local") == ["10.0.0.9"]

    def test_each_has_a_name_of_its_own(self, host, names):
        """The target of a port is a name that has the address of just that instance."""
        host.run(container("web1", "10.0.0.1", 8001), container("web2", "10.0.0.2", 8002))
        found = {
            port: names.addresses(target)
            for target, port in names.servers("web.cluster.local").items()
        }
        assert found == {8001: ["10.0.0.1"], 8002: ["10.0.0.2"]}

    def test_what_goes_is_no_answer(self, host, names):
        """A container that ends is gone from the answers, and with the last one the name."""
        host.run(container("web1", "10.0.0.1"), container("web2", "10.0.0.2"))
        assert names.addresses("web.cluster.local") == ["10.0.0.1", "10.0.0.2"]
        host.end("web1")
        assert names.addresses("web.cluster.local") == ["10.0.0.2"]
        host.end("web2")
        assert names.addresses("web.cluster.local") == []
        assert names.servers("web.cluster.local") == {}

    def test_dots_are_levels(self, host, names):
        """A service `api.shop` is asked for as `api.shop`, and is an answer for `shop` too."""
        host.run(container("web1", "10.0.0.1", service="api.shop"))
        assert names.addresses("api.shop.cluster.local") == ["10.0.0.1"]
        assert names.addresses("shop.cluster.local") == ["10.0.0.1"]

    @pytest.mark.parametrize("service", ["team-a.payments", "team-a.x.Payments"])
    @pytest.mark.parametrize("setting", ["deny_names", "allow_names"])
    def test_a_name_above_must_be_allowed_too(self, clean_etcd, open_sink, names, service, setting):
        """Else any subdomain would get a share of what is asked of the name above it."""
        clean_etcd.api.put("/skydns/local/cluster/payments/real", '{"host": "10.0.0.7"}')
        globs = ("payments",) if setting == "deny_names" else ("team-*",)
        host = Host(open_sink(clean_etcd.address, layout="skydns"), **{setting: globs})
        host.run(container("thief", "10.6.6.6", service=service))
        kind, reason = host.skipped["kit-scope:thief:80"]
        assert kind == "forbidden"
        assert setting in reason
        assert names.addresses("payments.cluster.local") == ["10.0.0.7"]

    def test_an_id_that_is_a_name(self, host, names, clean_etcd, open_sink):
        """It answers below its service: that name is judged as well."""
        thief = container("thief", "10.6.6.6", id="payments")
        host.run(thief)
        assert names.addresses("payments.web.cluster.local") == ["10.6.6.6"]
        strict = Host(open_sink(clean_etcd.address, layout="skydns"), deny_names=("payments.*",))
        strict.run(thief)  # removes it
        strict.run(thief)
        assert strict.skipped["payments"][0] == "forbidden"
        assert names.addresses("payments.web.cluster.local") == []


class TestGrpc:
    """A Go program that hands a target to grpc, on what the layout `grpc` writes."""

    @pytest.fixture
    def host(self, clean_etcd, open_sink):
        return Host(open_sink(clean_etcd.address, layout="grpc"))

    @pytest.fixture
    def backends(self):
        """Two servers that say that they are well: their ports."""
        servers, ports = [], []
        for _ in range(2):
            server = grpc.server(ThreadPoolExecutor(2))
            server.add_generic_rpc_handlers((Healthy(),))
            ports.append(server.add_insecure_port("127.0.0.1:0"))
            server.start()
            servers.append(server)
        yield ports
        for server in servers:
            server.stop(None).wait()

    def test_calls_go_to_what_runs(self, clean_etcd, host, backends, start_caller):
        """All instances get calls; one that ends gets none any more, one that comes does."""
        first, second = (f"127.0.0.1:{port}" for port in backends)
        host.run(container("web1", "127.0.0.1", backends[0]))
        caller = start_caller(clean_etcd.url, "etcd:///services/web")
        assert caller.call() == first
        host.run(container("web2", "127.0.0.1", backends[1]))
        calls_reach(caller, {first, second})
        host.end("web1")
        calls_reach(caller, {second})
        host.run(container("web1", "127.0.0.1", backends[0]))
        calls_reach(caller, {first, second})


class TestTraefik:
    """Traefik's provider for etcd, on what the layout `traefik` writes."""

    @pytest.fixture
    def host(self, clean_etcd, open_sink):
        return Host(open_sink(clean_etcd.address, layout="traefik"))

    @pytest.fixture
    def traefik(self, clean_etcd, start_traefik):
        return start_traefik(clean_etcd.address)

    @staticmethod
    def comes_to(traefik, kind, service, servers):
        """Wait until Traefik has exactly these servers, in any order."""
        wait_until(
            lambda: sorted(traefik.servers(kind, service)) == servers, 20, f"{servers} in Traefik"
        )

    def test_servers_come_and_go(self, host, traefik):
        """Traefik balances over what runs: each server once, and none that has gone."""
        host.run(container("web1", "10.0.0.1", 8001), container("web2", "fd00::2", 8002))
        self.comes_to(traefik, "http", "web", ["http://10.0.0.1:8001", "http://[fd00::2]:8002"])
        host.end("web1")
        self.comes_to(traefik, "http", "web", ["http://[fd00::2]:8002"])
        host.end("web2")
        self.comes_to(traefik, "http", "web", [])

    def test_servers_of_tcp_and_udp(self, host, traefik):
        """Addresses of TCP and UDP stand where Traefik looks for these."""
        host.run(
            container("db1", "10.0.0.1", 5432, "db", meta={"traefik_kind": "tcp"}),
            container("dns1", "10.0.0.2", 53, "dns", protocol="udp"),
        )
        self.comes_to(traefik, "tcp", "db", ["10.0.0.1:5432"])
        self.comes_to(traefik, "udp", "dns", ["10.0.0.2:53"])

    def test_the_index_is_shared(self, clean_etcd, host, traefik):
        """Servers by hand, at 0 and 1, and a router are used beside ours, and stay."""
        place = "traefik/http/services/web/loadbalancer/servers"
        by_hand = {f"{place}/{n}/url": f"http://192.0.2.{n}:80" for n in (0, 1)}
        by_hand["traefik/http/routers/web/rule"] = "Host(`web.example.com`)"
        for key, value in by_hand.items():
            clean_etcd.api.put(key, value)
        host.run(container("web1", "10.0.0.1"))
        both = ["http://10.0.0.1:8080", "http://192.0.2.0:80", "http://192.0.2.1:80"]
        self.comes_to(traefik, "http", "web", both)
        host.end("web1")
        self.comes_to(traefik, "http", "web", both[1:])
        assert clean_etcd.api.values() == by_hand


class Healthy(grpc.GenericRpcHandler):
    """Answers any call with grpc's health message for SERVING."""

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"\x08\x01")


def calls_reach(caller, servers):
    """Wait until eight calls in a row reach these servers and no other."""
    wait_until(
        lambda: {caller.call() for _ in range(8)} == servers, 20, f"calls reach {sorted(servers)}"
    )
