"""Answers that come drop by drop, redirects, and certificates that are renewed."""

import itertools
import shutil
import ssl
import threading
from datetime import timedelta

import pytest

import syncer
from servers.authority import make_authority, renew
from syncer_docker.client import client as docker_client

LIST, EVENTS = "/containers/json", "/events"
INSPECT = "/containers/"
ONE = [{"Id": "a" * 64}]
FAR = 60


def slowly(engine, head):
    """An answer that never ends: this, and then a byte now and then."""

    def answer(handler):
        handler.wfile.write(head)
        for _ in itertools.count():
            if engine.over.wait(0.05):
                return
            handler.wfile.write(b" ")

    return answer


HEADS = {
    "with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n",
    "until it is closed": b"HTTP/1.0 200 OK\r\n\r\n",
    "headers": b"HTTP/1.1 200 OK\r\nX-",
}


def ends(ask):
    """Call it in a thread of its own; it must end. Returns the error's text."""
    said = []

    def run():
        try:
            ask()
        except syncer.TemporaryError as error:
            said.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(FAR)
    assert not thread.is_alive(), "the request goes on"
    return said[0]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("path", ["/version", LIST, INSPECT])
def test_drop_by_drop(scripted_engine, make_source, head, path):
    """Each question ends within its timeout, whatever of the answer comes so slowly."""
    engine = scripted_engine({LIST: ONE} if path == INSPECT else {})
    engine.routes = {path: slowly(engine, HEADS[head]), **engine.routes} | (
        {} if path == INSPECT else {path: slowly(engine, HEADS[head])}
    )
    source = make_source(engine.address, timeout=timedelta(seconds=0.3))
    ask = (lambda: source.workload("a" * 64)) if path == INSPECT else source.workloads
    said = ends(ask)
    assert "did not end in time" in said or "timed out" in said


def test_a_quiet_stream_is_no_slow_answer(scripted_engine, make_source, watch):
    """Events may come long after the timeout for answers."""
    engine = scripted_engine({LIST: []})

    def events(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        engine.over.wait(1.0)
        handler.wfile.write(
            b'{"Type":"container","Action":"start","Actor":{"ID":"%s"},"timeNano":1}\n'
            % (b"a" * 64)
        )
        engine.over.wait(20)

    engine.routes[EVENTS] = events
    stream = docker_client.DockerClient(
        make_source(engine.address, timeout=timedelta(seconds=0.3))._client._options
    ).events()
    assert next(iter(stream)).id == "a" * 64
    stream.release()


@pytest.mark.parametrize("path", ["/version", LIST, INSPECT, EVENTS])
def test_a_redirect_is_not_followed(scripted_engine, make_source, path):
    """Another engine was not configured; where it would be is told."""
    other = scripted_engine({LIST: []})
    there = other.address.replace("tcp", "http")

    def moved(handler):
        handler.send_response(307)
        handler.send_header("Location", there + handler.path)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    engine = scripted_engine({LIST: ONE} if path == INSPECT else {})
    engine.routes = (
        {path: moved, **engine.routes} if path == INSPECT else {**engine.routes, path: moved}
    )
    source = make_source(engine.address)
    asks = {
        INSPECT: lambda: source.workload("a" * 64),
        EVENTS: lambda: source.watch(lambda _: None, threading.Event()),
    }
    with pytest.raises(
        syncer.SyncerError, match=f"it redirects to {there}/: set this as the address"
    ):
        asks.get(path, source.workloads)()
    assert other.paths == []


def test_a_certificate_that_is_renewed(scripted_engine, make_source, tmp_path):
    """The next connection shows it, though its key stays the same."""
    authority = make_authority(tmp_path / "tls", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    context.load_verify_locations(authority / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    engine = scripted_engine({LIST: []}, context)
    ours = tmp_path / "ours"
    ours.mkdir()
    renew(authority, "client", -60)  # has ended
    for given, name in (("ca", "ca"), ("client", "cert")):
        shutil.copy(authority / f"{given}.pem", ours / f"{name}.pem")
    shutil.copy(authority / "client.key", ours / "key.pem")
    source = make_source(engine.address, tls_verify=True, cert_path=ours)
    with pytest.raises(syncer.TemporaryError, match="certificate|EOF|reset"):
        source.workloads()
    renew(authority, "client", 3600)
    shutil.copy(authority / "client.pem", ours / "cert.pem")
    assert source.workloads().complete
    (ours / "ca.pem").write_text("")
    source._client.close()
    assert source.workloads().complete
