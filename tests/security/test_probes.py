"""Labels choose what is probed, and must not make syncer ask what its own host or cloud keeps."""

import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from servers.process import free_port
from syncer import Binding, Check, CheckStatus, Host, Network, Offer, Parsed, Port, Probe, probing
from syncer.api.keys import WorkloadKey
from syncer.desired.addresses import AddressRules
from syncer.desired.translate import Translator
from syncer.engine.probes.places import Names
from syncer.engine.probes.prober import Prober
from syncer.engine.probes.rules import ProbeRules
from syncer.testing import wait_until
from syncer.testing.builders import make_instance, make_workload

sys.path.insert(0, str(Path(__file__).parents[1] / "engine/probes"))
from backend import Backend

PASSING, CRITICAL = CheckStatus.PASSING, CheckStatus.CRITICAL


def why_not(address, *allow, own="10.0.0.1", port=80, **fields):
    probe = Probe(kind="http", address=address, port=80, **fields)
    return ProbeRules(allow=allow).why_not(address, port, probe, {own})


def why_never(*methods, kind="http", **fields):
    probe = Probe(kind=kind, address="10.0.0.1", port=80, **fields)
    return (ProbeRules(methods=methods) if methods else ProbeRules()).why_never(probe)


class TestRules:
    """The instance's own address, and what the operator allows beside it."""

    def test_the_instances_own_address_may_be_probed(self):
        """On any port: a check may have one of its own."""
        assert why_not("10.0.0.1") == why_not("10.0.0.1", port=99) == ""

    def test_at_an_address_of_the_host_only_its_own_ports(self):
        """The others belong to other programs: a Docker API, a Consul agent."""
        own = frozenset({8080})
        assert why_not("10.0.0.1", port=8080, own_ports=own) == ""
        why = why_not("10.0.0.1", port=2375, own_ports=own)
        assert why == (
            "probes may not go to 10.0.0.1, port 2375: the workload does not publish it "
            "(see the setting probes.allow)"
        )
        assert why_not("10.0.0.1", "10.0.0.1:2375", port=2375, own_ports=own) == ""
        assert why_not("10.0.0.1", "10.0.0.0/8:2375", port=2375, own_ports=own) == ""
        assert why_not("10.0.0.1", "10.0.0.0/8", port=2375, own_ports=own) == ""
        assert why_not("10.0.0.1", "10.0.0.1:2376", port=2375, own_ports=own) == why

    def test_a_place_may_be_allowed(self):
        """An address with a port opens that port only, also of IPv6."""
        assert why_not("10.0.0.2", "10.0.0.2:80") == ""
        assert why_not("10.0.0.2", "10.0.0.2:81")
        assert why_not("2001:db8::1", "[2001:db8::1]:80") == ""
        assert why_not("2001:db8::1", "[2001:db8::1]:81")
        assert why_not("127.0.0.1", "127.0.0.1:80", loopback=False) == ""

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({}, ""),
            ({"method": "HEAD"}, ""),
            ({"method": "POST"}, "probes may not use POST (see the setting probes.methods)"),
            ({"method": "DELETE"}, "probes may not use DELETE (see the setting probes.methods)"),
            ({"body": "x"}, "probes send no body with GET (see the setting probes.methods)"),
            ({"kind": "https", "method": "PUT"}, "probes may not use PUT"),
            ({"kind": "tcp", "method": "PUT"}, ""),
        ],
    )
    def test_only_methods_that_change_nothing(self, fields, why):
        """An order to a service that trusts this host is not a check."""
        assert why_never(**fields).startswith(why)
        assert bool(why_never(**fields)) is bool(why)

    def test_other_methods_if_they_are_allowed(self):
        """With a body, too."""
        assert why_never("GET", "post", method="POST", body="x") == ""
        assert why_never("POST") == "probes may not use GET (see the setting probes.methods)"

    @pytest.mark.parametrize("address", ["10.0.0.2", "192.0.2.1", "2001:db8::1"])
    def test_no_other_address(self, address):
        """Unless it is allowed, by itself or in a network."""
        assert address in why_not(address)
        assert "probes.allow" in why_not(address)
        assert why_not(address, address) == ""
        assert why_not(address, "0.0.0.0/0", "::/0") == ""

    @pytest.mark.parametrize(
        "address",
        [
            "169.254.169.254",
            "169.254.170.2",
            "fd00:ec2::254",
            "fe80::1",
            "fe80::1%eth0",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ],
    )
    def test_metadata_and_link_local_never(self, address):
        """Not even as the instance's own address, nor by a network that holds everything."""
        assert why_not(address, own=address)
        assert why_not(address, "0.0.0.0/0", "::/0", own=address)

    def test_metadata_if_it_is_named(self):
        """The operator has the last word."""
        assert why_not("169.254.169.254", "169.254.169.254") == ""
        assert why_not("169.254.169.254", "169.254.0.0/16") == ""
        assert why_not("::ffff:169.254.169.254", "169.254.169.254") == ""
        assert why_not("fe80::1", "fe80::/10") == ""

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"]
    )
    def test_loopback_only_where_the_instance_itself_is_there(self, address):
        """On its own port, and unless labels chose that place."""
        assert why_not(address)
        assert why_not(address, "0.0.0.0/0", "::/0")
        assert why_not(address, own=address) == ""
        assert why_not(address, own=address, port=8500)
        assert why_not(address, own=address, loopback=False)
        assert why_not(address, "127.0.0.0/8", "0.0.0.0/8", "::1", "::", loopback=False) == ""

    @pytest.mark.parametrize(
        "text",
        ["web.example", "10.0.0.0/99", "", "10.0.0.1:0", "10.0.0.1:65536", "web:80", "[::1]:"],
    )
    def test_what_is_no_network_is_refused(self, text):
        """A name could mean another address tomorrow."""
        with pytest.raises(ValueError, match="is not an address or a CIDR"):
            ProbeRules(allow=(text,))


HOST = Host(name="h", addresses={"eth0": ("192.0.2.7",)}, default_address="192.0.2.7")
PUBLISHED = (
    Port(number=80, bindings=(Binding(address="0.0.0.0", port=8080),)),
    Port(number=81, bindings=(Binding(address="127.0.0.1", port=8081),)),
    Port(number=82),
)


def own_ports(*, ports=PUBLISHED, internal=False, mode="bridge", overrides=("any",), **fields):
    """The ports that the first instance of a container may be probed on."""
    made = make_workload(
        ports=ports,
        network_mode=mode,
        networks=(Network(name="bridge", ipv4="172.17.0.2"),),
        offers=None,
    )
    rules = AddressRules(internal=internal, overrides=overrides)
    offered = Offer(service="web", port=80, **fields)
    parse = ("test", lambda workload, reachable: Parsed((offered,)))
    return Translator((parse,), rules).translate(made, None, HOST).instances[0].own_ports


class TestPorts:
    """Which ports are a workload's own."""

    def test_at_the_host_those_that_it_publishes_there(self):
        """Not those of other programs, nor what is published on another address only."""
        assert own_ports() == {8080}

    def test_at_its_own_address_all(self):
        """Nobody else listens there."""
        assert own_ports(internal=True) is None

    def test_labels_do_not_add_any(self):
        """Neither a port at the host's address, nor that address itself."""
        assert own_ports(register_port=2375) == {8080}
        assert own_ports(register_address="192.0.2.7", register_port=2375) == {8080}

    def test_elsewhere_labels_may_go_by_default(self):
        """`addresses.overrides` decides about that."""
        assert own_ports(register_address="198.51.100.1") is None
        assert own_ports(register_address="198.51.100.1", overrides=()) == {8080}

    def test_in_the_network_of_the_host_those_that_are_known(self):
        """What its image says, and the one that is registered."""
        assert own_ports(mode="host") == {80, 81, 82}
        assert own_ports(mode="host", register_port=9000) == {80, 81, 82, 9000}
        many = tuple(Port(number=n) for n in range(1, 60_000))
        assert own_ports(mode="host", ports=many) == {80}


class TestTranslation:
    """What labels chose is in the probe."""

    @pytest.mark.parametrize(
        ("check", "by_labels", "own", "loopback"),
        [
            ({}, False, "", True),
            ({}, True, "", False),
            ({"port": 81}, False, "", False),
            ({"port": 80}, False, "", True),
            ({"address": "10.9.9.9"}, False, "127.0.0.1", True),
            ({"address": "[127.0.0.1]"}, False, "", True),
        ],
    )
    def test_a_probe_knows_whose_place_it_is(self, check, by_labels, own, loopback):
        """Its instance's own address, and whether the loopback is the instance's place."""
        instance = make_instance(address="127.0.0.1", port=80, by_labels=by_labels)
        probe = probing()(Check(kind="tcp", **check), instance)
        assert (probe.own, probe.loopback) == (own, loopback)


@pytest.fixture
def ask():
    """Probes once under rules; returns status and output."""
    probers = []

    def ask(kind, port, *allow, **fields):
        prober = Prober(changed=lambda names: None, rules=ProbeRules(allow=allow))
        probers.append(prober)
        wanted = Probe(kind=kind, port=port, **{"address": "127.0.0.1", "timeout": 30.0, **fields})
        prober.want("test", [wanted])
        assert prober.wait(60), "the probe came to an end"
        found = prober.result(wanted)
        return found.status, found.output

    yield ask
    for prober in probers:
        prober.close()


@pytest.fixture
def backend():
    made = Backend()
    yield made
    made.close()


class Listener:
    """Counts the connections that it gets, on an address of the loopback's own."""

    def __init__(self, address="127.0.0.1", port=0):
        self._own, self._accepted = 0, []
        self._socket = socket.create_server((address, port))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, place = self._socket.accept()
            except OSError:
                return
            self._accepted.append(place[1])
            peer.close()

    @property
    def count(self):
        """Connections so far; one of our own shows that those before it have been counted."""
        with socket.create_connection(self._socket.getsockname()) as own:
            port = own.getsockname()[1]
            wait_until(lambda: port in self._accepted, 20, "the listener to accept")
        self._own += 1
        return len(self._accepted) - self._own

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["http", "https", "tcp", "grpc"])
class TestEveryKind:
    """No kind of probe opens a connection that the rules forbid."""

    def test_another_address_is_not_connected_to(self, ask, listener, kind):
        """The check is critical and says why; nobody was asked."""
        status, output = ask(kind, listener.port, own="192.0.2.1")
        assert status is CRITICAL
        assert "probes may not go to 127.0.0.1" in output
        assert listener.count == 0

    def test_a_name_is_judged_by_its_address(self, ask, listener, kind):
        """`localhost` is the loopback, however it is called."""
        status, output = ask(kind, listener.port, address="localhost", loopback=False)
        assert status is CRITICAL
        assert "probes may not go to" in output
        assert listener.count == 0

    def test_what_is_allowed_is_connected_to(self, ask, listener, kind):
        """The setting is what opens it."""
        ask(kind, listener.port, "127.0.0.0/8", own="192.0.2.1")
        assert listener.count > 0


class TestRedirects:
    """Each hop is held to the same rule."""

    @pytest.mark.parametrize("form", ["127.0.0.2", "localhost.example", "2130706434"])
    def test_to_another_place_of_the_host(self, ask, backend, monkeypatch, form):
        """By address, by name, or in another form of writing."""
        _resolve(monkeypatch, {"localhost.example": ["127.0.0.2"]})
        there = Listener("127.0.0.2")
        try:
            status, output = ask("http", backend.port, path=f"/to/http:/{form}:{there.port}/")
            assert status is CRITICAL
            assert there.count == 0
            assert "may not go to 127.0.0.2" in output or "not valid" in output
        finally:
            there.close()

    def test_to_another_port_of_the_loopback(self, ask, backend, listener):
        """The instance is on one port; another one belongs to somebody else."""
        status, output = ask("http", backend.port, path=f"/to/http:/127.0.0.1:{listener.port}/")
        assert status is CRITICAL
        assert "probes may not go to 127.0.0.1" in output
        assert listener.count == 0

    def test_to_the_instance_itself(self, ask, backend):
        """By its whole address, as servers like to write it."""
        path = f"/to/http:/127.0.0.1:{backend.port}/status/200"
        assert ask("http", backend.port, path=path)[0] is PASSING

    def test_to_what_is_allowed(self, ask, backend, listener):
        """Then it is followed."""
        path = f"/to/http:/127.0.0.1:{listener.port}/"
        ask("http", backend.port, "127.0.0.1", path=path)
        assert listener.count > 0


class TestAnswers:
    """What a server says is for whoever asked for the check, not for whoever reads the log."""

    SECRET = "TOPSECRET-INTERNAL-CONFIG-abc"

    @pytest.fixture
    def secretive(self):
        """A server that answers each connection with the bytes that the test sets."""
        said = []
        server = socket.create_server(("127.0.0.1", 0))

        def serve():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(4096)
                    peer.sendall(said[0].encode())

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], said
        server.shutdown(socket.SHUT_RDWR)
        server.close()

    @pytest.mark.parametrize(
        ("answer", "shown"),
        [
            ("HTTP/1.1 404 SECRET\r\nContent-Length: 29\r\n\r\nSECRET", "404 Not Found"),
            ("HTTP/1.1 200 SECRET\r\nContent-Length: 29\r\n\r\nSECRET", "200 OK"),
            ("HTTP/1.1 599 SECRET\r\nContent-Length: 0\r\n\r\n", "599"),
            ("SSH-2.0-SECRET\r\n\r\n", "the answer is not valid"),
            ("HTTP/1.1 SECRET\r\n\r\n", "the answer is not valid"),
            ("HTTP/1.1 200 OK\r\nSECRET\r\n\r\n", "the answer is not valid"),
            ("HTTP/1.1 302 F\r\nLocation: SECRET://x\r\n\r\n", "the answer is not valid"),
            ("HTTP/1.1 302 F\r\nLocation: http://[SECRET\r\n\r\n", "the answer is not valid"),
            ("HTTP/1.1 302 F\r\nLocation: http://SECRET.invalid/\r\n\r\n", "of a redirect"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nSECRET", ""),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nSECRET\r\n", ""),
        ],
    )
    def test_it_is_not_shown(self, ask, secretive, answer, shown):
        """Neither what it says, nor how it says it wrongly; only how it ended."""
        port, said = secretive
        said.append(answer.replace("SECRET", self.SECRET))
        _, output = ask("http", port, path="/")
        assert "SECRET" not in output
        assert shown in output

    def test_nor_what_a_server_of_grpc_says(self, ask):
        """Its code is shown; the library does not tell whose words come with it."""
        grpc = pytest.importorskip("grpc")

        def check(request, context):
            context.abort(grpc.StatusCode.UNAVAILABLE, self.SECRET)

        handlers = {"Check": grpc.unary_unary_rpc_method_handler(check)}
        running = grpc.server(ThreadPoolExecutor(2))
        running.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),)
        )
        port = running.add_insecure_port(f"127.0.0.1:{free_port()}")
        running.start()
        assert ask("grpc", port) == (CRITICAL, "UNAVAILABLE")
        running.stop(None).wait()
        assert ask("grpc", port)[1] == "UNAVAILABLE"


class TestNames:
    """A name is resolved once, and the connection goes to what was checked."""

    @pytest.mark.parametrize("kind", ["http", "tcp", "grpc"])
    def test_a_name_that_changes_its_mind(self, ask, listener, monkeypatch, kind):
        """The second answer, another loopback address, is never connected to."""
        other = Listener("127.0.0.3", listener.port)
        asked = _resolve(monkeypatch, {"web.example": ["127.0.0.1"]}, then=["127.0.0.3"])
        try:
            ask(kind, listener.port, address="web.example")
            assert listener.count > 0
            assert other.count == 0
        finally:
            other.close()
        assert asked == ["web.example"]

    def test_of_several_addresses_those_that_are_allowed(self, ask, backend, monkeypatch):
        """A name with a metadata address among its own leads to the others."""
        _resolve(monkeypatch, {"web.example": ["169.254.169.254", "127.0.0.1"]})
        assert ask("http", backend.port, address="web.example", path="/status/200")[0] is PASSING
        assert ask("tcp", backend.port, address="web.example")[0] is PASSING

    def test_a_check_of_the_name_that_is_the_instances(self, ask, listener, monkeypatch):
        """A check's address that resolves to the instance's is the instance's."""
        _resolve(monkeypatch, {"web.example": ["127.0.0.1"]})
        assert ask("tcp", listener.port, address="web.example", own="127.0.0.1")[0] is PASSING


class TestShares:
    """Whoever writes labels has a share of the probing, and no more."""

    def test_servers_that_never_answer_delay_nobody(self, backend):
        """Three workloads with 99 checks each, of the longest time there is."""
        prober = Prober(changed=lambda names: None)
        victim = probe_of("victim", backend.port, kind="http", interval=1.0)
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as mute:
            port = mute.getsockname()[1]
            hostile = [
                probe_of(name, port, kind="http", path=f"/{n}", timeout=86_400)
                for name in ("a", "b", "c")
                for n in range(99)
            ]
            prober.want("test", hostile)
            prober.want("other", [victim])
            wait_until(lambda: prober.result(victim), 20, "the victim is probed")
            backend.answer(500)
            wait_until(lambda: prober.result(victim).status is CRITICAL, 20, "it is noticed")
            prober.close()

    def test_names_that_resolve_slowly_fail_nobody_else(self, listener, monkeypatch):
        """Who is registered by name is looked up beside them, each time."""
        over, asked = threading.Event(), []
        system = socket.getaddrinfo

        def resolve(host, *args, **kwargs):
            if not host.endswith(".slow.example"):
                return system(host, *args, **kwargs)
            asked.append(host)
            over.wait(60)
            raise socket.gaierror("no such name")

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        heard = []
        prober = Prober(changed=lambda names: None, emit=heard.append)
        victim = probe_of("victim", listener.port, address="localhost", interval=0.1, timeout=5.0)
        slow = [
            probe_of("hostile", 80, address=f"a{n}.slow.example", own="10.0.0.1", timeout=0.1)
            for n in range(40)
        ]
        prober.want("test", slow)
        wait_until(lambda: len(asked) >= 2, 20, "they are looked up")
        prober.want("test", [*slow, victim])
        wait_until(lambda: prober.result(victim), 20, "the victim is probed")
        before = prober.arrived
        wait_until(lambda: prober.arrived > before + 10, 20, "it is probed again and again")
        prober.close()
        over.set()
        assert prober.result(victim).status is PASSING
        assert not [event for event in heard if getattr(event, "target", "") == victim.target]
        assert len(asked) <= 2 * 2

    def test_names_in_redirects_have_the_same_share(self, ask, backend, monkeypatch):
        """They are looked up like the names of checks."""
        looked_up = []
        look_up = Names.addresses

        async def note(names, name, **rest):
            looked_up.append(name)
            return await look_up(names, name, **rest)

        monkeypatch.setattr(Names, "addresses", note)
        _resolve(monkeypatch, {"there.example": ["127.0.0.2"]})
        ask("http", backend.port, path="/to/http:/there.example/")
        assert "there.example" in looked_up


def probe_of(name, port, **fields):
    """A probe that a workload of this name asks for."""
    fields = {"kind": "tcp", "address": "127.0.0.1", **fields}
    return Probe(port=port, workload=WorkloadKey("docker", name), **fields)


def _resolve(monkeypatch, names, then=None):
    """Let names mean these addresses; with `then`, those from the second question on."""
    system, asked = socket.getaddrinfo, []

    def resolve(host, port, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in names:
            return system(host, port, *args, **kwargs)
        asked.append(name)
        found = then if then and len(asked) > 1 else names[name]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked
