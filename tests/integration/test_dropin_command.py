"""The command `syncer registrator`, as far as it needs no server."""

import pytest

from servers.syncer import command
from syncer.config.tree import tomllib

CONSUL = "consul://localhost:8500"


def test_a_mistyped_flag():
    """Told as Go tells it, with the usage, on stderr; the exit code is Go's."""
    done = command("registrator", "-clenup", CONSUL)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("flag provided but not defined: -clenup\nUsage of registrator:\n")


def test_help():
    """The usage, and no error."""
    done = command("registrator", "-help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "registrator [options] <registry URI>" in done.stdout


def test_what_cannot_be_had():
    """One line, which says what to do."""
    done = command("registrator", "-deregister", "on-success", CONSUL)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "leave the flag out" in done.stderr


def test_a_template_that_cannot_be_had():
    """It is found at the start, not at some container."""
    done = command("registrator", "-tags", "{{range .Config.Env}}x{{end}}", CONSUL)
    assert done.returncode == 3
    assert "range is not supported" in done.stderr


def test_the_configuration_is_printed():
    """As TOML, with what registrator's environment said left to the environment."""
    env = {"CONSUL_HTTP_TOKEN": "hunter2", "SYNCER_HOST": "vm1"}
    line = ("-ip", "10.0.0.5", "-resync=60", "-cleanup", "-tags", "a,b", CONSUL)
    done = command("registrator", "-print-config", *line, env=env)
    assert done.returncode == 0
    found = tomllib.loads(done.stdout)
    assert found["interval"] == "60s"
    assert found["sources"]["docker"]["addresses"] == {"advertise": "10.0.0.5"}
    assert found["sinks"]["consul"]["address"] == "localhost:8500"
    assert found["sinks"]["consul"]["adopt_gone"] is True
    assert "kind" not in found["sinks"]["consul"]
    assert found["parsers"]["registrator"]["tags"] == "a,b"


@pytest.mark.parametrize("flags", [("-internal", "-ip", "10.0.0.5"), ("-ttl=9", "-ttl-refresh=3")])
def test_what_has_no_effect_is_told(flags):
    """A warning, and it goes on."""
    done = command("registrator", "-print-config", *flags, CONSUL)
    assert done.returncode == 0
    assert "syncer: warning: -" in done.stderr


def test_without_the_plugin():
    """It is said what to install."""
    done = command("registrator", CONSUL, env={"SYNCER_DISABLE_PLUGINS": "registrator"})
    assert done.returncode == 3
    assert "registrator" in done.stderr
