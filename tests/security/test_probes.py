"""Labels choose what is probed, and must not make syncer ask what its own host or cloud keeps."""

import socket
import sys
import threading
from pathlib import Path

import pytest

from syncer import Check, CheckStatus, Probe, probing
from syncer.engine.probes.prober import Prober
from syncer.engine.probes.rules import ProbeRules
from syncer.testing import wait_until
from syncer.testing.builders import make_instance

sys.path.insert(0, str(Path(__file__).parents[1] / "engine/probes"))
from backend import Backend

PASSING, CRITICAL = CheckStatus.PASSING, CheckStatus.CRITICAL


def why_not(address, *allow, own="10.0.0.1", port=80, **fields):
    probe = Probe(kind="http", address=address, port=80, **fields)
    return ProbeRules(allow=allow).why_not(address, port, probe, {own})


class TestRules:
    """The instance's own address, and what the operator allows beside it."""

    def test_the_instances_own_address_may_be_probed(self):
        """On any port: a check may have one of its own."""
        assert why_not("10.0.0.1") == why_not("10.0.0.1", port=99) == ""

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

    @pytest.mark.parametrize("text", ["web.example", "10.0.0.0/99", ""])
    def test_what_is_no_network_is_refused(self, text):
        """A name could mean another address tomorrow."""
        with pytest.raises(ValueError, match="is not an address or a CIDR"):
            ProbeRules(allow=(text,))


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
        wanted = Probe(kind=kind, port=port, **{"address": "127.0.0.1", "timeout": 5.0, **fields})
        prober.want("test", [wanted])
        assert prober.wait(20), "the probe came to an end"
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
            assert "may not go to 127.0.0.2" in output or "canonical" in output
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
