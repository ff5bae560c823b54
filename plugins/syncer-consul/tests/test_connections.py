"""An agent that lets in only some connections, and certificates that are renewed."""

import contextlib
import shutil
import socket
from datetime import datetime, timedelta, timezone

import pytest

from servers.authority import client_files, make_authority, renew
from servers.process import free_port
from servers.waiting import wait_until
from syncer import Register, TemporaryError
from syncer.testing import make_instance, make_registration

#: Connections that the agent of these tests accepts from one address.
MOST = 8
TTL = timedelta(seconds=30)


@pytest.fixture
def limited(start_consul):
    """An agent with a limit of connections."""
    return start_consul(config={"limits": {"http_max_conns_per_client": MOST}})


@contextlib.contextmanager
def held_by_others(agent, count):
    """So many connections that somebody else holds; each was let in."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            line = socket.create_connection(tuple(agent.address.split(":")), timeout=10)
            stack.enter_context(line)
            line.sendall(b"GET /v1/status/leader HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(65_536)
        yield


def many(count):
    return [Register(make_registration(make_instance(f"s{n}"))) for n in range(count)]


def test_a_limit_of_connections(limited, open_sink, monkeypatch):
    """With the few that it has, syncer registers everything, while others hold most of them."""
    # A machine that stalls would let each of them try to open another one meanwhile.
    monkeypatch.setattr("syncer.kits.http.connections.FULL", 60)
    sink = open_sink(limited.address)
    sink.registrations()  # one connection is open
    with held_by_others(limited, MOST - 3):
        outcomes = list(sink.apply(many(300)))
        assert [one.error for one in outcomes if one.error] == []
        assert len(sink.registrations().items) == 300
    assert len(limited.api.services()) == 300


def test_when_others_hold_all_of_them(limited, open_sink):
    """The error names the limit, and all goes on once there is room."""
    with held_by_others(limited, MOST):
        with pytest.raises(TemporaryError, match=r"limits\.http_max_conns_per_client"):
            open_sink(limited.address).registrations()
        findings = " ".join(map(str, open_sink(limited.address).examine()))
        assert "limits.http_max_conns_per_client" in findings
    sink = open_sink(limited.address)
    wait_until(lambda: sink.registrations().complete, 30, "room", ignore=(TemporaryError,))


@pytest.fixture
def guarded(start_consul, tmp_path):
    """An agent that asks for a client's certificate, with the folder of the authority."""
    authority = make_authority(tmp_path / "tls", "DNS:localhost,IP:127.0.0.1")
    port = free_port()
    files = {"ca_file": "ca.pem", "cert_file": "server.pem", "key_file": "server.key"}
    agent = start_consul(
        config={
            "ports": {"https": port},
            "verify_incoming_https": True,
            **{option: str(authority / name) for option, name in files.items()},
        }
    )
    agent.https, agent.authority = f"https://127.0.0.1:{port}", authority
    return agent


@pytest.mark.parametrize("opens", ["open_sink", "open_kv"])
def test_a_certificate_that_is_renewed(guarded, request, opens):
    """Its key stays the same; the former certificate has ended when the agent is back."""
    authority = guarded.authority
    end = renew(authority, "client", 15)
    ours = {"ca_file": authority / "ca.pem", **client_files(authority)}
    former = {**ours, "client_cert": shutil.copy(authority / "client.pem", authority / "former")}
    opened = request.getfixturevalue(opens)
    sink, stays = opened(guarded.https, **ours), opened(guarded.https, **former)
    assert sink.locks.take("x", TTL)
    assert sink.registrations().complete
    assert stays.registrations().complete
    renew(authority, "client", 3600)
    wait_until(lambda: datetime.now(timezone.utc) > end, 30, "the end of the first certificate")
    guarded.restart()
    wait_until(lambda: sink.registrations().complete, 30, "the agent", ignore=(TemporaryError,))
    sink.locks.release("x")
    assert sink.locks.take("y", TTL)
    with pytest.raises(TemporaryError, match="TLS failed"):
        stays.registrations()
