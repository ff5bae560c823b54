"""`make run` and `make demo`: what a newcomer types first, and what it leaves alone."""

import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from servers.lifetimes import leave_out

CONTRIB = Path(__file__).parents[2] / "contrib"
SYNCER = Path(sys.executable).parent / "syncer"
DEMO = [sys.executable, CONTRIB / "demo" / "demo.py", SYNCER, "--pause", "0"]


class TestRun:
    """On a machine with a Consul agent and without a Docker engine: the sample is registered."""

    @pytest.fixture
    def run(self, clean_consul):
        """Runs it once, with this standard input; returns what it said and Consul's services."""

        def run(*options, stdin=subprocess.DEVNULL, **more):
            env = os.environ | {"CONSUL_HTTP_ADDR": clean_consul.address} | more
            done = subprocess.run(
                [CONTRIB / "run.sh", SYNCER, "--once", *options],
                env=env | {"DOCKER_HOST": "unix:///no-such-socket"},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stdout
            assert "Status page: http://127.0.0.1:" in done.stdout
            return done.stdout, len(clean_consul.api.services())

        return run

    def test_nobody_can_be_asked(self, run):
        """Without a terminal nothing is written to Consul."""
        said, registered = run()
        assert "--yes" in said
        assert "Sink: an in-memory registry" in said
        assert registered == 0

    @pytest.mark.parametrize("agreed", [{"options": ["--yes"]}, {"YES": "1"}])
    def test_agreed_beforehand(self, run, agreed):
        """An option or a variable takes the place of the answer; how to undo it is said."""
        said, registered = run(*agreed.pop("options", ()), **agreed)
        assert "Sink: the Consul agent" in said
        assert "purge --source" in said
        assert registered == 3

    @pytest.mark.parametrize(
        ("answer", "options", "expected"),
        [
            ("y", [], 3),
            ("", [], 0),
            ("n", ["--log-format", "json", "-v", "--exclude", "name:no-such"], 0),
            ("y", ["--include", "service:dns", "--log-format=json"], 1),
        ],
    )
    def test_the_plan_is_shown_and_somebody_asked(self, run, answer, options, expected):
        """Only a yes registers anything; the plan is of the same options as the run."""
        ours, theirs = pty.openpty()
        os.write(ours, f"{answer}\n".encode())
        try:
            said, registered = run(*options, stdin=theirs)
        finally:
            os.close(ours)
            os.close(theirs)
        assert said.index(f"{expected or 3} to register") < said.index("Apply to Consul at")
        assert registered == expected

    def test_a_registry_of_ones_own(self, run):
        """It takes Consul's place, and nothing is asked."""
        said, registered = run("--sink", "memory")
        assert "Apply" not in said
        assert registered == 0

    def test_interrupted(self):
        """Ctrl-C is no error of make, and nobody is told that what was in memory is kept."""
        options = ("RUNNABLE=", f"BIN={SYNCER.parent}", "ARGS=--sink memory")
        made = subprocess.Popen(
            ["make", "--directory", CONTRIB.parent, *options, "run"],
            env=os.environ | {"DOCKER_HOST": "unix:///no-such-socket"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while b"in sync" not in made.stdout.readline():
            assert made.poll() is None
        os.killpg(made.pid, signal.SIGINT)
        rest, _ = made.communicate(timeout=60)
        assert b"stopped; what was registered was in memory, and is gone" in rest
        assert b"***" not in rest


class TestDemo:
    """It shows what it says, and leaves nothing behind."""

    @pytest.fixture
    def env(self, tmp_path, request, pytestconfig):
        """The environment, with or without a program `consul`; its temporary folder is empty."""
        folder = tmp_path / "tmp"
        folder.mkdir()
        path = os.environ["PATH"]
        if getattr(request, "param", "file") == "file":
            path = "/nowhere"
        elif not shutil.which("consul"):
            leave_out(pytestconfig, "Consul", "not on the PATH: consul")
        yield os.environ | {"TMPDIR": str(folder), "PATH": path}
        assert list(folder.iterdir()) == []

    @pytest.mark.server
    @pytest.mark.parametrize("env", ["consul", "file"], indirect=True)
    def test_the_whole_tour(self, env):
        """Registered, repaired, drained and back."""
        done = subprocess.run(
            DEMO, env=env, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Registry: {'the file' if env['PATH'] == '/nowhere' else 'Consul'}" in done.stdout
        assert [
            word for word in ("repairs", "1 drained", "1 undrained") if word in done.stdout
        ] == [
            "repairs",
            "1 drained",
            "1 undrained",
        ]
        assert "was all" in done.stdout

    def test_interrupted(self, env):
        """Ctrl-C ends everything at once: its processes hold the end of its output open no more."""
        demo = subprocess.Popen(
            [*DEMO[:-1], "300"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        while b"syncer starts" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=120)
        assert (demo.returncode, rest) == (0, b"\nStopped.\n")
