"""What contrib/ offers to start syncer with: it says what syncer understands."""

import http.server
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
import yaml

from servers.process import free_port
from syncer.web.app import _OPEN

CONTRIB = Path(__file__).parents[2] / "contrib"


def syncer(*arguments):
    """Run a command of syncer to its end."""
    command = [sys.executable, "-m", "syncer", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def expect_good(settings, folder):
    """Have syncer check a configuration."""
    path = folder / "syncer.toml"
    path.write_text(settings)
    path.chmod(0o600)
    checked = syncer("check-config", "--config", path)
    assert checked.returncode == 0, checked.stderr
    assert "sources docker" in checked.stdout


def test_kubernetes(tmp_path):
    """The DaemonSet mounts what its arguments name, and its configuration is good."""
    parts = yaml.safe_load_all((CONTRIB / "kubernetes" / "daemonset.yaml").read_text())
    by_kind = {part["kind"]: part for part in parts}
    settings = by_kind["ConfigMap"]["data"]["syncer.toml"]
    expect_good(settings, tmp_path)
    pod = by_kind["DaemonSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts)
    assert f"{mounts['config']}/syncer.toml" in container["args"]
    for probe in ("liveness", "readiness"):
        asked = container[f"{probe}Probe"]["httpGet"]
        assert f'listen = "{asked["host"]}:{asked["port"]}"' in settings
        assert asked["path"] in _OPEN


def test_one_place_names_the_image():
    """Nothing is pulled from an index under a name that somebody else could have taken."""
    folder = CONTRIB / "kubernetes"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    (image,) = kustomization["images"]
    assert image["newName"].startswith("registry.example/")
    for name in kustomization["resources"]:
        named = re.findall(r"^ *image: (\S+)", (folder / name).read_text(), re.MULTILINE)
        assert named == [image["name"]]
    job = (CONTRIB / "nomad" / "syncer.nomad.hcl").read_text()
    assert re.search(r"^ +image += var\.image$", job, re.MULTILINE)
    compose = yaml.safe_load((CONTRIB / "docker" / "compose.yaml").read_text())
    assert compose["services"]["syncer"]["image"] == "${SYNCER_IMAGE:-syncer}"


def test_nomad(tmp_path):
    """The configuration in the job is good."""
    job = (CONTRIB / "nomad" / "syncer.nomad.hcl").read_text()
    (settings,) = re.findall(r"<<-EOF\n(.*?)^ *EOF$", job, re.DOTALL | re.MULTILINE)
    expect_good(textwrap.dedent(settings), tmp_path)
    (port,) = re.findall(r"static = (\d+)", job)
    assert f'listen = "127.0.0.1:{port}"' in settings
    (path,) = re.findall(r'path +=\s"(.*)"', job)
    assert path in _OPEN


def test_compose():
    """syncer's command in the compose file is one that syncer takes."""
    services = yaml.safe_load((CONTRIB / "docker" / "compose.yaml").read_text())["services"]
    name, *arguments = services["syncer"]["command"].split()
    assert name == "run"
    assert arguments.pop() == "--web"  # of `run` alone
    checked = syncer("check-config", *arguments)
    assert checked.returncode == 0, checked.stderr
    assert (CONTRIB.parent / services["syncer"]["build"]["dockerfile"]).exists()


@pytest.mark.parametrize("status", [200, 503, None])
def test_the_health_of_the_image(status):
    """It is what the page says; without a page there is nothing to say."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            self.send_error(status)

    page = http.server.HTTPServer(("127.0.0.1", free_port()), Answer)
    if status:
        threading.Thread(target=page.serve_forever, daemon=True).start()
    else:
        page.server_close()
    command = [sys.executable, CONTRIB / "docker" / "healthcheck.py", str(page.server_port)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if status:
        page.shutdown()
        page.server_close()
    assert done.returncode == (status == 503), done.stderr


def test_systemd(tmp_path):
    """systemd finds nothing wrong with the unit."""
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("there is no systemd-analyze")
    unit = (CONTRIB / "systemd" / "syncer.service").read_text()
    # Its program and its manual are not installed here.
    unit = unit.replace("/opt/syncer/bin/syncer", sys.executable)
    unit = re.sub("(?m)^Documentation=.*$", "", unit)
    (tmp_path / "syncer.service").write_text(unit)
    found = subprocess.run(
        [analyze, "verify", tmp_path / "syncer.service"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    about_it = [line for line in found.stderr.splitlines() if "syncer.service" in line]
    assert about_it == []
