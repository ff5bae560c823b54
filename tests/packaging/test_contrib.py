"""What contrib/ offers to start syncer with: it says what syncer understands."""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

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
    expect_good(by_kind["ConfigMap"]["data"]["syncer.toml"], tmp_path)
    pod = by_kind["DaemonSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts)
    assert f"{mounts['config']}/syncer.toml" in container["args"]


def test_nomad(tmp_path):
    """The configuration in the job is good."""
    job = (CONTRIB / "nomad" / "syncer.nomad.hcl").read_text()
    (settings,) = re.findall(r"<<-EOF\n(.*?)^ *EOF$", job, re.DOTALL | re.MULTILINE)
    expect_good(textwrap.dedent(settings), tmp_path)


def test_compose():
    """syncer's command in the compose file is one that syncer takes."""
    services = yaml.safe_load((CONTRIB / "docker" / "compose.yaml").read_text())["services"]
    name, *arguments = services["syncer"]["command"].split()
    assert name == "run"
    checked = syncer("check-config", *arguments)
    assert checked.returncode == 0, checked.stderr
    assert (CONTRIB.parent / services["syncer"]["build"]["dockerfile"]).exists()


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
