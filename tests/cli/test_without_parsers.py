"""A source of containers without any label parser: an error before anything begins."""

import os
import subprocess
import sys

import pytest

INSTALL = "pip install syncer-registrator"


def command(*arguments, disable="registrator,labels,traefik"):
    """Run syncer as an environment without the dialects would."""
    return subprocess.run(
        [sys.executable, "-m", "syncer", *arguments, "--sink", "memory"],
        env={**os.environ, "SYNCER_DISABLE_PLUGINS": disable},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def refused():
    """The exit code of another mistake in the configuration."""
    return command("plan", "--source", "no-such-kind").returncode


@pytest.mark.parametrize("name", ["run", "plan", "apply", "doctor", "check-config"])
def test_commands_refuse_it(name, refused):
    """They name the source and what to install, and do nothing."""
    done = command(name, "--source", "docker")
    assert done.returncode == refused, done.stderr
    assert "sources.docker: no container can be registered" in done.stderr
    assert INSTALL in done.stderr


@pytest.mark.parametrize("source", ["docker", "swarm"])
def test_an_empty_order_is_named(source):
    """It is the setting that is to be changed; nothing has to be installed."""
    done = command("plan", "--source", source, "--set", "parsers.order=", disable="")
    assert "parsers.order: no container can be registered" in done.stderr
    assert INSTALL not in done.stderr


def test_services_that_are_listed_need_none(tmp_path):
    """A file says itself what is offered."""
    path = tmp_path / "services.toml"
    path.write_text('[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n')
    done = command("plan", "--source", f"file={path}")
    assert "1 to register" in done.stdout, done.stderr
