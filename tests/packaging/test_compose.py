"""The compose file in contrib/, run by compose itself, from nothing to a registered container."""

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from servers import compose
from servers.lifetimes import leave_out, start
from servers.usage import USAGE
from servers.waiting import wait_until

ROOT = Path(__file__).parents[2]
FILE = ROOT / "contrib" / "docker" / "compose.yaml"
SERVER = "Docker compose"


@pytest.fixture(scope="module")
def compose_host(pytestconfig, server_guard):
    """A machine with compose, and with the images that the file names."""
    if missing := compose.missing():
        leave_out(pytestconfig, SERVER, missing)
    made = compose.ComposeHost(server_guard)
    start(pytestconfig, SERVER, made.start)
    pytestconfig.stash[USAGE].versions[SERVER] = made.version
    services = yaml.safe_load(FILE.read_text())["services"]
    made.image(services["consul"]["image"], compose.consul_files(), 'ENTRYPOINT ["/bin/consul"]')
    made.image(services["web"]["image"], compose.busybox_files())
    # Its files are mounted, see `mounts`: the image has what leads to them.
    links = {"lib": "usr/lib", "lib64": "usr/lib64", "bin": "usr/bin", "tmp": None}
    entry = json.dumps([sys.executable, "-m", "syncer"])
    path = f"ENV PATH={Path(sys.executable).parent}"  # no compiler is in it, as in an image
    made.image("syncer", links, path, f"ENTRYPOINT {entry}")
    yield made
    made.close()


@pytest.fixture
def mounts(tmp_path):
    """A file beside the compose file: this environment in the place of what an image brings."""
    folders = dict.fromkeys(["/usr", str(ROOT), sys.prefix, sys.base_prefix])
    volumes = [f"{folder}:{folder}:ro" for folder in folders]
    path = tmp_path / "mounts.yaml"
    syncer = {"volumes": volumes, "environment": {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}}
    path.write_text(json.dumps({"services": {"syncer": syncer}}))
    return path


@pytest.fixture
def up(compose_host, mounts):
    """What the file describes, started by one command, and removed."""
    host, files = compose_host, (FILE, mounts)
    done = host.compose("up", "--detach", "--no-build", files=files)
    assert done.returncode == 0, done.stderr
    yield host
    sys.stdout.write(
        host.compose("logs", "--no-color", "syncer", "web", files=files).stdout
    )  # with a failure
    done = host.compose("down", "--timeout", "1", files=files)
    assert done.returncode == 0, done.stderr
    assert host.client.containers.list(all=True) == []


def test_it_can_be_read(compose_host):
    """Compose finds nothing wrong with it, and has three services."""
    done = compose_host.compose("config", "--services", files=[FILE])
    assert (done.returncode, sorted(done.stdout.split())) == (0, ["consul", "syncer", "web"])


def test_one_command_registers_a_container(up):
    """Consul lists the service with its tag, and its own check passes; the page says so too."""
    (found,) = wait_until(
        lambda: json.loads(up.get("http://127.0.0.1:8500/v1/health/service/web?passing")),
        120,
        "the service to pass",
        ignore=(OSError,),
    )
    service = found["Service"]
    assert (service["Address"], service["Tags"]) == (compose.ADDRESS, ["demo"])
    assert up.get(f"http://{service['Address']}:{service['Port']}/").strip() == "hello"
    assert up.get("http://127.0.0.1:8520/readyz")
