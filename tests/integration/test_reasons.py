"""Why something is not registered reaches whoever asks: commands, and the log."""

import json
import os
import shutil
import subprocess

import pytest

from servers.syncer import COMMAND, command

GOOD = {"name": "web", "address": "192.0.2.5", "port": 80}


@pytest.fixture
def services(tmp_path):
    """Writes the services file: `services(row, ...)`; returns its flags and those of a sink."""

    def write(*rows):
        (tmp_path / "services.json").write_text(json.dumps(rows))
        source = ("--source", f"file={tmp_path}/services.json", "--set", "sources.file.scope=s")
        return (*source, "--sink", f"file={tmp_path}/out.json")

    return write


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"address": "http://192.0.2.5"}, "services[1].address: 'http://192.0.2.5' is neither"),
        ({"address": "192.0.2.5:80"}, "services[1].address: '192.0.2.5:80' is neither"),
        ({"address": "fe80::1%eth0"}, "services[1].address: 'fe80::1%eth0' has a zone"),
        ({"name": "web "}, "services[1].name: has blanks at an end: 'web '"),
        ({"protocol": "tpc"}, "services[1].protocol: must be one of tcp, udp, sctp, not 'tpc'"),
    ],
)
def test_a_mistake_in_a_services_file_changes_nothing(services, tmp_path, change, words):
    """Every command shows it and ends with 1; what is registered stays."""
    other = {"name": "other", "address": "192.0.2.6", "port": 81}
    assert command("apply", *services(other, GOOD)).returncode == 0
    before = (tmp_path / "out.json").read_text()
    flags = services(other, GOOD | change)
    for name in ("plan", "apply", "doctor"):
        done = command(name, *flags)
        assert done.returncode == 1, name
        assert words in done.stdout, name
    assert command("run", "--once", *flags).returncode == 1
    assert (tmp_path / "out.json").read_text() == before


@pytest.fixture
def forbidden(fake_docker):
    """The flags of an engine behind a proxy that forbids to inspect its one container."""
    fake = fake_docker(containers=1)
    fake.control("fault", fail={"inspect": 403})
    return ("--source", f"docker={fake.address}", "--set", "sources.docker.scope=s")


def test_what_cannot_be_described(forbidden):
    """The container and the reason stand everywhere, and `plan` does not end well."""
    flags = (*forbidden, "--sink", "memory")
    planned = command("plan", *flags)
    assert planned.returncode == 1
    (line,) = [one for one in planned.stdout.splitlines() if one.startswith("  unclear ")]
    assert "(status 403)" in line
    found = json.loads(command("plan", "--json", *flags).stdout)
    assert found["errors"] == {}
    (one,) = found["not_registered"]
    name = one["workload"]
    assert f"docker: {name}: " in line
    assert name != one["id"]
    for asked in (name, one["id"][:8]):
        told = command("explain", asked, *flags)
        assert told.returncode == 0, told.stderr
        assert f"{name} ({one['id'][:12]}), source docker, state and image" in told.stdout
        assert "(status 403)" in told.stdout
    (story,) = json.loads(command("explain", "--json", name, *flags).stdout)
    assert story["state"] == "unknown"
    assert "(status 403)" in command("doctor", *flags).stdout
    ran = command("run", "--once", *flags)
    assert ran.returncode == 1
    (warning,) = [one for one in ran.stderr.splitlines() if "docker: cannot describe" in one]
    assert name in warning
    assert "(status 403)" in warning


@pytest.mark.skipif(
    not shutil.which("unshare") or os.geteuid(), reason="needs a network of its own"
)
def test_without_a_default_route(services):
    """What has no address for now is shown, and `plan` does not end well."""
    flags = services({"name": "web", "port": 80})
    alone = ["unshare", "--net", *COMMAND, "plan", *flags]
    done = subprocess.run(alone, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "no-address file: web 80/tcp: the host's address towards its default" in done.stdout
