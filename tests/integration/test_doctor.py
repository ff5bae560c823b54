"""`syncer doctor` between a real engine and real registries, with real faults."""

import grp
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from servers.consul import ACL
from servers.counting import CountingProxy
from servers.docker_proxy import DockerProxy
from servers.secrets import secret
from servers.syncer import command

WRONG = secret("d0c70r00-0000-4000-8000-00000000dead")
#: A question by POST: what the token may do.
ASKING = "POST /v1/internal/acl/authorize"
PASSWORD = secret("pa55word-for-the-doctor")


def docker_flags(address):
    flags = ("--source", f"docker={address}", "--advertise", "192.0.2.1")
    return (*flags, "--set", "sources.docker.scope=host1")


def doctor(*flags, env=None):
    """Exit code, and the findings as (level, about, what, advice)."""
    done = command("doctor", "--json", *flags, env=env)
    assert done.stderr == ""
    found = json.loads(done.stdout)["findings"]
    return done.returncode, [(f["level"], f["about"], f["what"], f["advice"]) for f in found]


def of_level(found, level):
    return [one[1:] for one in found if one[0] == level]


@pytest.fixture
def file_source(tmp_path):
    """Flags for a source that is well."""
    path = tmp_path / "services.toml"
    path.write_text('[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n')
    return ("--source", f"file={path}")


def test_all_is_well_and_nothing_is_written(clean_docker, clean_consul):
    """Exit 0, a line for each thing that is well, and the registry is only asked."""
    clean_docker.run("web", labels={"SERVICE_NAME": "web"}, ports={"8000/tcp": None})
    proxy = CountingProxy(clean_consul.address)
    try:
        flags = (*docker_flags(clean_docker.address), "--sink", f"consul=http://{proxy.address}")
        done = command("doctor", *flags)
        asked = set(proxy.counts)
    finally:
        proxy.close()
    assert done.returncode == 0, done.stdout
    assert "ok       source docker: the engine at" in done.stdout
    assert "ok       sink consul: token can read and write all services" in done.stdout
    assert "clocks are in sync" in done.stdout
    assert {one for one in asked if not one.startswith("GET ")} <= {ASKING}
    assert clean_consul.api.services() == {}


def test_a_token_that_consul_does_not_know(file_source, start_consul):
    """It is a problem, with the place to look, and the token is not shown."""
    consul = start_consul(config=ACL)
    flags = (*file_source, "--sink", f"consul=http://{consul.address}")
    code, found = doctor(*flags, env={"CONSUL_HTTP_TOKEN": WRONG})
    ((about, what, advice),) = of_level(found, "problem")
    assert (code, about) == (1, "sink consul")
    assert "ACL not found" in what
    assert "CONSUL_HTTP_TOKEN" in advice
    assert WRONG not in str(found)


def test_a_token_that_may_only_read(file_source, start_consul):
    """It is told before the first change fails."""
    consul = start_consul(config=ACL)
    token = consul.api.create_token('service_prefix "" { policy = "read" }')
    flags = (*file_source, "--sink", f"consul=http://{consul.address}")
    code, found = doctor(*flags, env={"CONSUL_HTTP_TOKEN": token})
    assert code == 0
    assert any("may not write services" in one[1] for one in of_level(found, "warning"))
    assert not any("may not read" in one[1] for one in of_level(found, "warning"))


def test_registries_that_are_away(file_source):
    """Each is named, with what to look at."""
    sinks = ("--sink", "consul=http://127.0.0.1:1", "--sink", "etcd=127.0.0.1:1")
    code, found = doctor(*file_source, *sinks, "--set", "sinks.etcd.timeout=1s")
    problems = of_level(found, "problem")
    assert code == 1
    assert [one[0] for one in problems] == ["sink consul", "sink etcd"]
    assert all("that the address" in one[2] for one in problems)


def test_etcd_with_and_without_the_right_password(file_source, start_etcd):
    """The right one is well; a wrong one is a problem, and is not shown."""
    etcd = start_etcd()
    etcd.enable_auth(me=PASSWORD)
    flags = (*file_source, "--sink", f"etcd={etcd.address}", "--set", "sinks.etcd.user=me")
    code, found = doctor(*flags, env={"SYNCER__SINKS__ETCD__PASSWORD": PASSWORD})
    assert (code, of_level(found, "problem")) == (0, [])
    code, found = doctor(*flags, env={"SYNCER__SINKS__ETCD__PASSWORD": WRONG})
    ((about, _, advice),) = of_level(found, "problem")
    assert (code, about) == (1, "sink etcd")
    assert "user and password" in advice
    assert WRONG not in str(found)


def test_a_proxy_that_forbids_one_thing(clean_docker, tmp_path, monkeypatch):
    """What must be let through is named."""
    monkeypatch.setattr("servers.docker_proxy.ALLOWED", ("/_ping", "/version", "/info",
                        "/containers/json", "/containers/ID/json"))  # fmt: skip
    proxy = DockerProxy(clean_docker.folder / "doctor.sock", clean_docker.socket)
    try:
        sink = ("--sink", f"file={tmp_path / 'out.json'}")
        code, found = doctor(*docker_flags(proxy.address), *sink)
    finally:
        proxy.close()
        (clean_docker.folder / "doctor.sock").unlink()
    ((about, what, advice),) = of_level(found, "problem")
    assert (code, about) == (1, "source docker")
    assert "GET /events" in what
    assert advice.endswith("allow GET /events")


def test_a_socket_that_is_not_there(tmp_path):
    """The path is named, and how a container comes by it; no sink's file is made."""
    out = tmp_path / "out.json"
    code, found = doctor(*docker_flags(f"unix://{tmp_path}/no.sock"), "--sink", f"file={out}")
    ((about, what, advice),) = of_level(found, "problem")
    assert (code, about) == (1, "source docker")
    assert f"no socket at {tmp_path}/no.sock" in what
    assert f"-v {tmp_path}/no.sock" in advice
    assert not out.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_socket_without_permission():
    """The group that is needed is named, to a user who has it not."""
    code = (
        "import os, sys, syncer, syncer_docker\n"
        "from syncer_docker import source\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "options = syncer_docker.DockerOptions(endpoint=sys.argv[1])\n"
        "made = syncer_docker.create(options, syncer.Context(name='docker'))\n"
        "print(*made.examine())\n"
    )
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        path = Path(folder) / "docker.sock"
        listening.bind(str(path))
        path.chmod(0o660)
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", code, f"unix://{path}"],
            capture_output=True,
            text=True,
            check=True,
        )
    assert f"no permission to open {path}" in done.stdout
    assert f"it belongs to group {path_group()}, mode 660" in done.stdout
    assert "syncer runs as user 65534" in done.stdout


def path_group():
    """The name of the group of what this process makes."""
    return grp.getgrgid(os.getegid()).gr_name


def test_hostile_names_are_printed_safely(tmp_path):
    """An id that would turn the terminal's text around is shown escaped."""
    source = tmp_path / "services.toml"
    source.write_text(
        '[[services]]\nname = "we\\u202eb"\naddress = "127.0.0.1"\nport = 80\nid = "a\\u202eb"\n'
    )
    done = command(
        "doctor", "--source", f"file={source}", "--sink", f"file={tmp_path / 'out.json'}"
    )
    assert "a\\u202eb" in done.stdout
    assert "\u202e" not in done.stdout
