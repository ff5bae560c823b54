"""Probes of real listeners: http, https, tcp and grpc."""

import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from servers.process import free_port
from syncer import CheckStatus, Probe
from syncer.api.keys import WorkloadKey
from syncer.engine.probes.prober import Prober
from syncer.engine.probes.rules import ProbeRules
from syncer.events import Warned
from syncer.testing import wait_until

sys.path.insert(0, str(Path(__file__).parent))
from backend import Backend

PASSING, WARNING, CRITICAL = CheckStatus.PASSING, CheckStatus.WARNING, CheckStatus.CRITICAL


@pytest.fixture
def ask():
    """Probes once; returns status and output."""
    rules = ProbeRules(methods=("get", "POST"), show_answers=True)
    prober = Prober(changed=lambda names: None, rules=rules)

    def ask(kind, port, **fields):
        fields = {"address": "127.0.0.1", "timeout": 30.0, **fields}
        wanted = Probe(kind=kind, port=port, **fields)
        prober.want("test", [wanted])
        assert prober.wait(60), "the probe came to an end"
        found = prober.result(wanted)
        return found.status, found.output

    yield ask
    prober.close()


@pytest.fixture
def backend():
    made = Backend()
    yield made
    made.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for web.example that nobody vouches for, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = (folder / "cert.pem", folder / "key.pem")
    subject = ["-subj", "/CN=web.example", "-addext", "subjectAltName=DNS:web.example"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
        + ["-out", made[0], "-keyout", made[1]],
        check=True,
        capture_output=True,
    )
    return made


@pytest.fixture
def secure(certificate):
    made = Backend(certificate)
    yield made
    made.close()


def late(event):
    """Whether this only says that probes wait for their turn."""
    return isinstance(event, Warned)


def _grpc_threads():
    return sum(thread.name.startswith("syncer grpc") for thread in threading.enumerate())


class TestHttp:
    """2xx is passing, 429 a warning, everything else critical."""

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            (200, PASSING),
            (204, PASSING),
            (299, PASSING),
            (304, CRITICAL),
            (404, CRITICAL),
            (429, WARNING),
            (500, CRITICAL),
            (503, CRITICAL),
        ],
    )
    def test_the_code_decides(self, ask, backend, code, status):
        """With the beginning of the answer as output."""
        found, output = ask("http", backend.port, path=f"/status/{code}")
        assert found is status
        assert output.startswith(str(code))

    @pytest.mark.parametrize(("follow", "status"), [(True, PASSING), (False, CRITICAL)])
    def test_redirects_are_followed_unless_told_otherwise(self, ask, backend, follow, status):
        """A redirect itself is no success."""
        path = "/redirect/status/200"
        assert ask("http", backend.port, path=path, follow_redirects=follow)[0] is status

    def test_the_request_is_what_was_asked_for(self, ask, backend):
        """Method, headers and body; ours only where the user set none."""
        headers = (("X-A", "1"), ("user-agent", "mine"))
        ask("http", backend.port, path="/echo?a=b", method="POST", headers=headers, body="hello")
        ((method, path, sent, body),) = backend.asked
        assert (method, path, body) == ("POST", "/echo?a=b", b"hello")
        assert (sent["X-A"], sent["user-agent"]) == ("1", "mine")
        assert "User-Agent" not in sent
        assert sent["Accept"] == "text/plain, text/*, */*"

    def test_an_answer_that_does_not_come_is_critical(self, ask, backend):
        """After the time-out."""
        found, output = ask("http", backend.port, path="/slow", timeout=0.2)
        assert found is CRITICAL
        assert "0.2 s" in output

    def test_a_long_answer_is_not_read_to_its_end(self, ask, backend):
        """A beginning is enough for people."""
        found, output = ask("http", backend.port, path="/big")
        assert found is PASSING
        assert len(output) < 400

    def test_a_closed_port_is_critical(self, ask):
        """With the system's words."""
        found, output = ask("http", free_port(), path="/")
        assert found is CRITICAL
        assert "refused" in output or "Cannot connect" in output

    def test_what_is_no_http_is_critical(self, ask):
        """A server that says something else does not pass."""
        with socket.create_server(("127.0.0.1", 0)) as server:

            def babble():
                peer, _ = server.accept()
                with peer:
                    peer.recv(1000)
                    peer.sendall(b"SSH-2.0-nonsense\r\n\r\n")

            thread = threading.Thread(target=babble)
            thread.start()
            assert ask("http", server.getsockname()[1], path="/")[0] is CRITICAL
            thread.join()

    def test_a_certificate_that_nobody_vouches_for_is_critical(self, ask, secure):
        """Unless the user said that it need not be checked."""
        found, output = ask("https", secure.port, path="/status/200")
        assert found is CRITICAL
        assert "certificate" in output.lower()
        assert ask("https", secure.port, path="/status/200", tls_skip_verify=True)[0] is PASSING

    def test_the_name_in_the_certificate_can_be_given(self, ask, secure, certificate, monkeypatch):
        """A service is registered by address, its certificate is for a name."""
        import syncer.engine.probes.tls as tls

        tls.client_context.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        try:
            given = {"path": "/status/200", "tls_server_name": "web.example"}
            assert ask("https", secure.port, **given)[0] is PASSING
            assert ask("https", secure.port, path="/status/200")[0] is CRITICAL
            assert ask("tcp", secure.port, tls=True, tls_server_name="web.example")[0] is PASSING
            assert ask("tcp", secure.port, tls=True)[0] is CRITICAL
        finally:
            tls.client_context.cache_clear()


class TestTcp:
    """A connection that opens is passing."""

    def test_an_open_port_passes_and_a_closed_one_does_not(self, ask):
        """Nothing is sent."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            assert ask("tcp", server.getsockname()[1]) == (PASSING, "connected")
        assert ask("tcp", free_port())[0] is CRITICAL

    def test_ipv6(self, ask):
        """An address of either family."""
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
            assert ask("tcp", server.getsockname()[1], address="::1")[0] is PASSING

    def test_a_name_that_does_not_resolve_is_critical(self, ask):
        """And not an error of syncer."""
        assert ask("tcp", 80, address="nowhere.invalid")[0] is CRITICAL


class TestGrpc:
    """The standard health service must say SERVING."""

    @pytest.fixture
    def server(self):
        """A health service written by hand: answers as set, by the name of the service."""
        grpc = pytest.importorskip("grpc")
        statuses = {"": 1, "shop.Cart": 1, "shop.Down": 2}
        self.calls = []

        def check(request, context):
            name = request[2:].decode() if request else ""
            self.calls.append(name)
            if name == "shop.Long":
                return bytes([0x08, 1, *bytes(3_500_000)])
            if name not in statuses:
                context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
            return bytes([0x08, statuses[name]])

        handlers = {"Check": grpc.unary_unary_rpc_method_handler(check)}
        running = grpc.server(ThreadPoolExecutor(2))
        running.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),)
        )
        port = running.add_insecure_port("127.0.0.1:0")
        running.start()
        yield port
        running.stop(None).wait()

    @pytest.mark.parametrize(
        ("service", "status", "output"),
        [
            ("", PASSING, "SERVING"),
            ("shop.Cart", PASSING, "SERVING"),
            ("shop.Down", CRITICAL, "NOT_SERVING"),
            ("shop.Unknown", CRITICAL, "NOT_FOUND: unknown service"),
            ("shop.Long", CRITICAL, "RESOURCE_EXHAUSTED"),
        ],
    )
    def test_the_health_service_decides(self, ask, server, service, status, output):
        """By the name of the service, or for the whole server."""
        found, said = ask("grpc", server, path=service)
        assert found is status
        assert said.startswith(output)

    def test_dead_servers_do_not_make_others_fail(self, server):
        """A call that waits for a thread would run out of time, though its server is well."""
        changes = []
        prober = Prober(changed=lambda names: None, emit=changes.append)
        often = {"kind": "grpc", "interval": 1.0, "timeout": 2.0}
        good = Probe(address="127.0.0.1", port=server, **often)
        with socket.create_server(("0.0.0.0", 0), backlog=1024) as mute:
            port = mute.getsockname()[1]
            dead = [Probe(address=f"127.1.0.{n}", port=port, **often) for n in range(1, 41)]
            prober.want("test", [good, *dead])
            # Each says once that it does not answer; then they are probed on beside the other.
            known = lambda: sum(not late(change) for change in changes) >= len(dead)  # noqa: E731
            wait_until(known, 30, "the dead are known")
            wait_until(lambda: self.calls.count("") >= 6, 30, "the other is probed")
        prober.close()
        assert good.target not in [change.target for change in changes if not late(change)]

    def test_many_checks_of_a_few_workloads_take_a_few_threads(self):
        """Each call takes one, for as long as a server does not answer."""
        before = _grpc_threads()  # of other tests, while a server of theirs does not answer
        prober = Prober(changed=lambda names: None)
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as mute:
            port = mute.getsockname()[1]
            hostile = [
                Probe(
                    kind="grpc",
                    address="127.0.0.1",
                    port=port,
                    path=f"s{n}",
                    workload=WorkloadKey("docker", name),
                )
                for name in "abc"
                for n in range(99)
            ]
            prober.want("test", hostile)
            wait_until(lambda: _grpc_threads() >= 24, 30, "they hang")
            assert _grpc_threads() <= before + 24
            prober.close()
        wait_until(lambda: _grpc_threads() <= before, 30, "closing ends calls that hang")

    def test_a_closed_port_is_critical(self, ask):
        """With grpc's word for it."""
        found, output = ask("grpc", free_port(), timeout=2.0)
        assert found is CRITICAL
        assert "UNAVAILABLE" in output or "DEADLINE" in output or "no answer" in output
