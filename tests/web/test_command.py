"""`syncer run --web` as a process of its own."""

import subprocess
import sys
import urllib.request

import pytest

from servers.process import free_port
from servers.syncer import command
from servers.syncer_fixtures import start_syncer  # noqa: F401
from syncer.cli.daemon.page import LISTEN
from syncer.config.web_rules import WebRules, address_of

SERVICE = '[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n'
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def flags(tmp_path):
    """A file as the source, and a sink in memory."""
    (tmp_path / "services.toml").write_text(SERVICE)
    return ("--source", f"file={tmp_path}/services.toml", "--sink", "memory")


def test_it_serves_and_ends(start_syncer, flags):  # noqa: F811
    """It says where; it is ready once its loops have succeeded; SIGTERM ends it."""
    port = free_port()
    made = start_syncer(*flags, "--web", f"127.0.0.1:{port}")
    (said,) = made.wait_said("status page")
    assert said["address"] == f"http://127.0.0.1:{port}/"
    made.wait_said("registered")
    with _OPENER.open(said["address"] + "readyz", timeout=30) as answer:
        assert answer.status == 200
    asked = command("status", "--web", f"127.0.0.1:{port}")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert asked.stdout.splitlines()[1].split()[:5] == ["file", "1", "workload,", "1", "instance,"]
    made.stop()
    assert command("status", "--web", f"127.0.0.1:{port}").returncode == 5
    assert not made.running()


def test_nothing_of_it_is_imported_when_it_is_off(flags):
    """No server, no metrics: a syncer without a page does not pay for them."""
    code = (
        "import sys\nfrom syncer.cli.commands import cli\n"
        f"cli.main({['run', '--once', *flags]!r}, standalone_mode=False)\n"
        "names = ('syncer.web', 'prometheus_client', 'waitress', 'werkzeug')\n"
        "print(*(name for name in names if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == ""


def test_what_is_not_installed_is_named(flags):
    """With what brings it; nothing is started."""
    code = (
        "import sys\nsys.modules['waitress'] = None\nfrom syncer.cli.commands import main\n"
        f"main({['run', '--web', *flags]!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode != 0
    assert "is not installed: pip install 'syncer-core[web]'" in done.stderr


def test_the_usual_address_is_one():
    """The one that the flag takes by itself is on loopback."""
    assert address_of(LISTEN)[0] == "127.0.0.1"
    assert WebRules(listen=LISTEN).warnings() == ()
