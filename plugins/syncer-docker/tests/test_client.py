"""How answers and missing answers become errors, with an engine whose answers are scripted."""

import itertools
import os
import socket
import ssl
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

import syncer
from servers.waiting import wait_until
from syncer_docker import addresses
from syncer_docker.client import client, endpoint
from syncer_docker.client.endpoint import is_mounted
from syncer_docker.client.ssh import ssh_argv

LIST, EVENTS = "/containers/json", "/events"


def test_versions(scripted_engine, make_source):
    """The newest version that the engine speaks is spoken."""
    engine = scripted_engine({LIST: []})
    assert make_source(engine.address).workloads() == syncer.View(())
    assert engine.paths[-1].startswith("/v1.52/containers/json")


def test_too_old(scripted_engine, make_source):
    """An engine that is too old is a permanent error that says so."""
    engine = scripted_engine({"/version": {"ApiVersion": "1.18"}})
    with pytest.raises(syncer.PermanentError, match=r"too old: API 1\.24"):
        make_source(engine.address).workloads()


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, syncer.TemporaryError), (503, syncer.TemporaryError), (403, syncer.PermanentError)],
)
def test_refusals(scripted_engine, make_source, status, error):
    """Errors of the engine, or of a proxy before it, are one line with what was said."""
    said = (status, b"<html>\n<h1>No\nway</h1>\n</html>")
    source = make_source(scripted_engine({LIST: said, EVENTS: said}).address)
    with pytest.raises(error, match=r"^Docker engine at tcp://[^<]*No way[^<]*$"):
        source.workloads()
    with pytest.raises(error, match="No way"):
        source.watch(lambda id: None, threading.Event())


def test_wrong_server(scripted_engine, make_source):
    """Another server at the address is no engine, and nothing is concluded from it."""
    for routes in (
        {"/version": (404, b"nope")},
        {"/version": (200, b"<html>")},
        {"/version": []},
        {LIST: {"message": "hello"}},
        {LIST: [{"Name": "no id"}]},
        {LIST: ["text"]},
        {LIST: (200, b"[{]")},
        {LIST: None},
    ):
        address = scripted_engine(routes).address
        with pytest.raises(syncer.SyncerError, match=f"engine at {address}: \\w"):
            make_source(address).workloads()


def test_exchanged_engine(scripted_engine, make_source):
    """After the engine was replaced by one that refuses the old version, the version is renewed."""
    too_old = b'{"message":"client version 1.24 is too old. Minimum supported API version is 1.44"}'
    engine = scripted_engine({"/version": {"ApiVersion": "1.24"}, LIST: (400, too_old)})
    source = make_source(engine.address)
    with pytest.raises(syncer.TemporaryError, match="too old"):
        source.workloads()
    engine.routes |= {"/version": {"ApiVersion": "1.52"}, LIST: []}
    assert source.workloads().complete
    assert engine.paths[-1].startswith("/v1.52/")


def test_nobody_there(make_source, tmp_path):
    """No socket, nobody behind it, and no right to use it are temporary errors, in words."""
    path = tmp_path / "docker.sock"
    source = make_source(f"unix://{path}")
    with pytest.raises(syncer.TemporaryError, match=f"no Docker engine at unix://{path}"):
        source.workloads()
    path.touch()
    with pytest.raises(syncer.TemporaryError, match="refused"):
        source.workload("1")
    with pytest.raises(syncer.TemporaryError, match="refused"):
        make_source("tcp://127.0.0.1:1").workloads()


def test_no_right_to_use_the_socket(make_source, tmp_path):
    """The error says what to do: the socket's group is the one to join."""
    path = tmp_path / "docker.sock"
    path.touch()
    client = make_source(f"unix://{path}")._client
    found = str(client._failed(PermissionError(13, "Permission denied")))
    assert found == f"cannot read {path}: permission denied; add the user to the group root"


def test_default_sockets_are_named(make_source, monkeypatch):
    """If no default socket is there, the error names them all."""
    monkeypatch.setattr(endpoint, "DEFAULT_SOCKETS", ("/nowhere/a.sock", "/nowhere/b.sock"))
    monkeypatch.setattr(client, "DEFAULT_SOCKETS", endpoint.DEFAULT_SOCKETS)
    with pytest.raises(syncer.TemporaryError, match=r"a\.sock or /nowhere/b\.sock"):
        make_source("").workloads()


def test_no_answer(scripted_engine, make_source):
    """An engine that takes a question and never answers is given up after the timeout."""
    engine = scripted_engine()
    engine.routes[LIST] = lambda handler: engine.over.wait(30)
    source = make_source(engine.address, timeout=timedelta(seconds=0.2))
    with pytest.raises(syncer.TemporaryError, match="no answer"):
        source.workloads()


def test_scope(scripted_engine, make_source):
    """The scope is the option, else the engine's name, else its id; never empty."""
    engine = scripted_engine({"/info": {"Name": "engine-host", "ID": "X"}})
    assert make_source(engine.address, scope="mine").scope() == "mine"
    assert make_source(engine.address, scope="").scope() == "engine-host"
    assert make_source(scripted_engine({"/info": {"ID": "X"}}).address, scope="").scope() == "X"
    nameless = scripted_engine({"/info": {"Name": ""}})
    with pytest.raises(syncer.PermanentError, match="scope"):
        make_source(nameless.address, scope="").scope()


def test_identity(scripted_engine, make_source):
    """The engine's id, whatever the scope is."""
    engine = scripted_engine({"/info": {"Name": "engine-host", "ID": "X"}})
    for scope in ("", "mine"):
        source = make_source(engine.address, scope=scope)
        assert [source.identity() for _ in range(3)] == ["X"] * 3


def test_an_id_that_is_made_up_each_time(scripted_engine, make_source):
    """Is no identity."""
    numbers = itertools.count()
    engine = scripted_engine()
    engine.routes["/info"] = lambda handler: engine.answer(
        handler, {"ID": f"made-up-{next(numbers)}"}
    )
    assert make_source(engine.address, scope="mine").identity() == ""


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_an_identity_that_a_proxy_hides(scripted_engine, make_source, status):
    """Costs nothing but the identity."""
    engine = scripted_engine({"/info": (status, b"<html>Forbidden</html>")})
    assert make_source(engine.address, scope="mine").identity() == ""


def test_an_identity_that_cannot_be_asked_for_now(scripted_engine, make_source):
    """Is not known to be none: the question is open."""
    engine = scripted_engine({"/info": (503, b"down")})
    source = make_source(engine.address, scope="mine")
    with pytest.raises(syncer.TemporaryError):
        source.identity()
    engine.routes["/info"] = {"ID": "X"}
    assert source.identity() == "X"


def test_host_of_a_local_engine(make_source, tmp_path):
    """Beside a local engine, the host's addresses are this machine's."""
    host = make_source(f"unix://{tmp_path}/docker.sock").host()
    assert host.name == "host1"
    assert any("127.0.0.1" in found for found in host.addresses.values())
    everywhere = [address for found in host.addresses.values() for address in found]
    assert not host.default_address or host.default_address in everywhere


def test_host_of_a_remote_engine(make_source):
    """Of a remote engine only the address in the endpoint is known."""
    host = make_source("tcp://192.0.2.9:2375").host()
    assert host == syncer.Host(name="host1", default_address="192.0.2.9")
    host = make_source("tcp://[2001:db8::9]:2375").host()
    assert host == syncer.Host(name="host1", default_address="2001:db8::9")
    assert make_source("tcp://nowhere.invalid:2375").host() == syncer.Host(name="host1")


def test_host_of_an_engine_on_loopback(make_source):
    """An endpoint on the loopback interface is this machine, not an address to register."""
    host = make_source("tcp://localhost:2375").host()
    assert host.default_address == addresses.towards_default_route()
    assert host.addresses


def test_tls(scripted_engine, make_source, watch, tmp_path, monkeypatch):
    """The engine is spoken to over TLS, is checked, and its event stream can be ended."""
    ca, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    argv += ["-keyout", key, "-out", ca, "-subj", "/CN=localhost"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run(argv, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/other-ca.pem")
    engine = scripted_engine({LIST: []}, context)
    source = make_source(engine.address, ca=ca)
    assert source.workloads().complete
    engine.routes[EVENTS] = engine.stream(b"\n")
    watcher = watch(source)
    watcher.stop.set()
    wait_until(lambda: not watcher.thread.is_alive(), 5, "the watch to end")
    with pytest.raises(syncer.TemporaryError, match="certificate verify failed"):
        make_source(engine.address, tls_verify=True, cert_path=tmp_path / "none").workloads()


SSH = """#!{python}
import os, socket, sys, threading
assert sys.argv[1:-1] == "-T -o BatchMode=yes -l me -p 2222 -- engine".split()
assert sys.argv[-1] == "docker --host unix:///run/user/1000/docker.sock system dial-stdio"
engine = socket.socket(socket.AF_UNIX)
engine.connect("{socket}")
def back():
    while data := engine.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    engine.sendall(data)
"""


def test_ssh(fake_docker, make_source, watch, tmp_path, monkeypatch):
    """An engine behind ssh is listed and watched, and its stream can be ended."""
    fake = fake_docker(containers=2)
    program = tmp_path / "ssh"
    program.write_text(SSH.format(python=sys.executable, socket=fake.socket))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    source = make_source("ssh://me@engine:2222/run/user/1000/docker.sock")
    assert len(source.workloads().items) == 2
    watcher = watch(source)
    id = fake.control("add")["containers"][0]["id"]
    watcher.wait_for(id)
    source.close()
    watcher.stop.set()
    wait_until(lambda: not watcher.thread.is_alive(), 5, "the watch to end")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'Permission denied (publickey).' >&2; exit 255",
         "ssh ended with status 255: Permission denied (publickey)."),
        ("exit 127", "ssh ended with status 127: no words"),
        ("echo -n one >&2; echo; echo two >&2; exit 1", "ssh ended with status 1: onetwo"),
        ("i=0; while [ $i -lt 3000 ]; do echo 'a long line of a banner, again and again' >&2;"
         " i=$((i+1)); done; echo the end >&2; exit 3", "the end"),
    ],
)  # fmt: skip
def test_what_ssh_says_is_in_the_error(make_source, tmp_path, monkeypatch, capfd, script, words):
    """Its words and its exit status, and nothing of it on the terminal."""
    (tmp_path / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    source = make_source("ssh://me@engine")
    with pytest.raises(syncer.TemporaryError) as caught:
        source.workloads()
    assert words in str(caught.value)
    assert capfd.readouterr().err == ""
    (found,) = source.examine()
    assert words in found.what
    by_hand = "ssh -T -o BatchMode=yes -l me -- engine 'docker system dial-stdio'"
    assert found.advice == f"run this by hand, as the user of syncer: {by_hand}"


def test_without_ssh(make_source, tmp_path, monkeypatch):
    """A container image may have no ssh: the error says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(syncer.TemporaryError, match="there is no program `ssh` here"):
        make_source("ssh://me@engine").workloads()


def test_ssh_that_hangs(make_source, tmp_path, monkeypatch):
    """What it has said so far stands beside the timeout."""
    (tmp_path / "ssh").write_text("#!/bin/sh\necho waiting for a hardware key >&2\nread x\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(syncer.TemporaryError, match="ssh says: waiting for a hardware key"):
        make_source("ssh://me@engine", timeout=timedelta(seconds=3)).workloads()


@pytest.mark.parametrize(
    ("endpoint", "command"),
    [
        ("ssh://h", "docker system dial-stdio"),
        ("ssh://h/", "docker system dial-stdio"),
        ("ssh://h/run/a%20b.sock", "docker --host 'unix:///run/a b.sock' system dial-stdio"),
        ("ssh://h/x;reboot", "docker --host 'unix:///x;reboot' system dial-stdio"),
    ],
)
def test_the_command_behind_ssh(endpoint, command):
    """A path goes to the docker command there, as one word of the shell's."""
    assert ssh_argv(endpoint)[-2:] == ["h", command]


def test_a_socket_that_was_replaced_below_a_mount(make_source, monkeypatch, tmp_path):
    """A mount of a single file goes on showing the old socket: what helps is said."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(path))
    (plain,) = make_source(f"unix://{path}").examine()
    assert plain.advice == "check that the engine is running and that its address is correct"
    monkeypatch.setattr(client, "is_mounted", lambda where: where == str(path))
    (found,) = make_source(f"unix://{path}").examine()
    assert "restart this container, or mount the folder" in found.advice


def test_what_is_mounted():
    """The kernel says at which paths something is mounted."""
    assert is_mounted("/proc")
    assert not is_mounted("/proc/self/mountinfo")


def test_broken_stream(scripted_engine, make_source):
    """Nonsense on the event stream ends it with an error, after the good events."""
    start = b'{"Type":"container","Action":"start","Actor":{"ID":"1"},"timeNano":5000000000}\n'
    engine = scripted_engine()
    engine.routes[EVENTS] = engine.stream(start[:30], start[30:] + b"}{\n")
    wakes = []
    source = make_source(engine.address)
    with pytest.raises(syncer.TemporaryError, match="event stream ended: not JSON"):
        source.watch(wakes.append, threading.Event())
    assert wakes == [None, "1"]


def test_silent_stream(scripted_engine, make_source, watch, monkeypatch):
    """A stream that is silent for too long is reopened from the last event."""
    monkeypatch.setattr(client, "QUIET", 0.1)
    monkeypatch.setattr("syncer_docker.events.follow.SETTLED", 0.05)
    start = b'{"Type":"container","Action":"start","Actor":{"ID":"1"},"timeNano":5000000000}\n'
    engine = scripted_engine()
    engine.routes[EVENTS] = engine.stream(start)
    watcher = watch(make_source(engine.address))
    wait_until(lambda: watcher.wakes.count(None) >= 3, 10, "the stream to be opened again")
    assert watcher.errors == []
    asked = [path for path in engine.paths if EVENTS in path]
    assert all("since=4.000000000" in path for path in asked[1:])
