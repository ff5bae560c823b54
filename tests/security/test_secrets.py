"""Tokens and passwords are shown nowhere, and where others could read them syncer says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers.secrets import secret
from servers.syncer import command
from syncer.config.load import load, read_settings
from syncer.plugin.manager import Plugins

TESTS = Path(__file__).parent.parent
PASSWORD = secret("Xq-pass-of-the-tests-1")


def printed(tmp_path, body):
    """Run pytest over one test with the search for secrets; returns code and output."""
    (tmp_path / "test_it.py").write_text(body)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "servers.secrets",
            "-p",
            "no:cacheprovider",
            tmp_path,
        ],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    return done.returncode, done.stdout


START = (
    "import sys\nfrom servers.secrets import secret, search, watch\nS = secret('t0p-' + 's3cret')\n"
)


@pytest.mark.parametrize(
    "leak",
    [
        "def test_it(): print('token', S)",
        "def test_it(): print('token', S, file=sys.stderr)",
        "def test_it(capsys):\n    print('token', S)\n    capsys.readouterr()",
        "def test_it(): search('token ' + S, 'a command')",
        "def test_it(tmp_path):\n    log = tmp_path / 'log'\n    log.write_text(S)\n"
        "    watch(log, 'a process')",
        "import logging\ndef test_it(): logging.getLogger().warning('token %s', S)",
    ],
)
def test_a_run_that_prints_a_secret_fails(tmp_path, leak):
    """Wherever it was printed; the report does not repeat it."""
    code, said = printed(tmp_path, START + leak + "\n")
    assert code == 1
    assert "secrets were printed" in said
    assert "1 passed" in said
    assert "t0p-s3cret" not in said.partition("secrets were printed")[2]


def test_a_run_that_prints_none_passes(tmp_path):
    """Other text is of no interest."""
    code, said = printed(tmp_path, START + "def test_it(): print('token', '***')\n")
    assert (code, "secrets were printed" in said) == (0, False)


@pytest.fixture
def services(tmp_path):
    """A file of services to read."""
    path = tmp_path / "services.toml"
    path.write_text('[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n')
    return path


@pytest.fixture
def config(tmp_path, services):
    """Writes a configuration of a file and Consul; returns the flag for it."""

    def write(token, mode=0o600, address="127.0.0.1:1"):
        path = tmp_path / "syncer.toml"
        path.write_text(
            f'[sources.file]\npath = "{services}"\n'
            f'[sinks.consul]\naddress = "{address}"\ntoken = {token}\n'
        )
        path.chmod(mode)
        return ("--config", str(path))

    return write


class TestReadable:
    """`check-config` and `run` warn of world-readable secrets."""

    @pytest.mark.parametrize("words", [("check-config",), ("run", "--once")])
    def test_in_the_configuration(self, config, words):
        """A token in a file with the usual rights; not in one that only we may read."""
        token = f'"{PASSWORD}"'
        loud = command(*words, *config(token, 0o644))
        assert "a secret in a world-readable file" in loud.stdout + loud.stderr
        quiet = command(*words, *config(token, 0o640))
        assert "world-readable" not in quiet.stdout + quiet.stderr

    @pytest.mark.parametrize("words", [("check-config",), ("run", "--once")])
    def test_in_a_file_of_its_own(self, config, tmp_path, words):
        """A file that the configuration names is held to the same."""
        kept = tmp_path / "token"
        kept.write_text(PASSWORD)
        given = f'{{ file = "{kept}" }}'
        kept.chmod(0o644)
        loud = command(*words, *config(given, 0o644))
        assert f"sinks.consul.token: the file {kept} is world-readable" in loud.stdout + loud.stderr
        kept.chmod(0o600)
        quiet = command(*words, *config(given, 0o644))
        assert "world-readable" not in quiet.stdout + quiet.stderr

    @pytest.mark.parametrize("words", [("check-config",), ("run", "--once")])
    @pytest.mark.parametrize(
        ("given", "mode", "kept", "said"),
        [
            ('"{token}"', 0o644, 0o600, "web.token: a secret in a world-readable file"),
            ('{{ file = "{file}" }}', 0o644, 0o644, "web.token: the file "),
            ('"{token}"', 0o640, 0o600, ""),
            ('{{ file = "{file}" }}', 0o644, 0o600, ""),
        ],
        ids=["here", "in a file", "here, hidden", "in a file, hidden"],
    )
    def test_the_pages_token(self, tmp_path, services, words, given, mode, kept, said):
        """It is held to the same, though it belongs to no source and no sink."""
        file, path = tmp_path / "token", tmp_path / "syncer.toml"
        file.write_text(PASSWORD)
        file.chmod(kept)
        token = given.format(token=PASSWORD, file=file)
        path.write_text(
            f'[web]\ntoken = {token}\n[sources.file]\npath = "{services}"\n[sinks.memory]\n'
        )
        path.chmod(mode)
        done = command(*words, "--config", str(path))
        assert done.returncode == 0
        found = done.stdout + done.stderr
        assert said in found
        assert ("world-readable" in found) == bool(said)

    def test_the_pages_token_on_the_command_line(self, services):
        """Like other secrets there."""
        flags = ("--source", f"file={services}", "--sink", "memory")
        done = command("check-config", *flags, "--set", f"web.token={PASSWORD}")
        assert "web.token: a secret on the command line" in done.stdout + done.stderr

    @pytest.mark.parametrize("way", ["set", "environment"])
    @pytest.mark.parametrize(
        ("option", "variable"),
        [("token_file", "CONSUL_HTTP_TOKEN_FILE"), ("client_key", "CONSUL_CLIENT_KEY")],
    )
    def test_in_a_file_that_an_option_names(self, config, tmp_path, option, variable, way):
        """A token's file or a private key, wherever its name was given."""
        kept = tmp_path / "kept"
        kept.write_text(PASSWORD)
        _, path = config('""')
        by_flag = way == "set"
        environ = {} if by_flag else {variable: str(kept)}
        flags = [f"sinks.consul.{option}={kept}"] if by_flag else []

        def warnings():
            settings = read_settings(Path(path), environ=environ, assignments=flags)
            return load(settings, Plugins.discover()).warnings

        kept.chmod(0o644)
        (warning,) = warnings()
        assert f"sinks.consul.{option}: the file {kept} is world-readable" in warning
        kept.chmod(0o600)
        assert warnings() == ()


ASKS = [
    ("plan",),
    ("plan", "--json"),
    ("apply",),
    ("explain", "file-web"),
    ("services", "--all"),
    ("purge", "--yes"),
    ("run", "--once", "--verbose"),
    ("run", "--once", "--log-format", "json"),
    ("check-config",),
    ("plugins", "--verbose"),
]


SINKS = {
    "consul": f"consul=http://me:{PASSWORD}@127.0.0.1:1",
    "consulkv": f"consulkv://me:{PASSWORD}@127.0.0.1:1/services",
    "etcd": f"etcd://me:{PASSWORD}@127.0.0.1:1/services",
    "eureka": f"eureka=http://me:{PASSWORD}@127.0.0.1:1/eureka/",
}
CASES = [(SINKS["consul"], words) for words in ASKS]
CASES += [(SINKS[name], ASKS[place]) for name in ("consulkv", "etcd", "eureka") for place in (0, 7)]


@pytest.mark.parametrize(("sink", "words"), CASES)
def test_no_command_shows_a_password_of_an_address(services, words, sink):
    """A registry that is not there is named without it, in every command and format."""
    here = () if words[0] == "plugins" else ("--sink", sink, "--source", f"file={services}")
    env = {"CONSUL_HTTP_TOKEN": PASSWORD, "SYNCER__SINKS__CONSUL__TIMEOUT": "1s"}
    done = command(*words, *here, env=env)
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        f'token = ["{PASSWORD}"]',
        f'token = {{ text = "{PASSWORD}" }}',
        f'token = "{PASSWORD}',
        f'tokn = "{PASSWORD}"',
        f'address = "http://me:{PASSWORD}@h:port/"',
        f'auth = {{ file = "{PASSWORD}", env = "{PASSWORD}" }}',
    ],
)
def test_a_configuration_that_is_wrong_is_told_without_its_values(tmp_path, wrong):
    """A secret of the wrong type, under a wrong name or in a line that is no TOML."""
    path = tmp_path / "syncer.toml"
    path.write_text(f'[sources.file]\npath = "x.toml"\n[sinks.consul]\n{wrong}\n')
    done = command("check-config", "--config", str(path))
    assert done.returncode != 0
    assert PASSWORD not in done.stdout + done.stderr


def test_an_error_that_nobody_expected_shows_no_secret(services):
    """A traceback has the lines of the program, and not what is in its variables."""
    breaking = (
        "import syncer.plugin.assembly as a\n"
        "from syncer.cli.commands import main\n"
        "def broken(*args, **kwargs): raise RuntimeError('unexpected')\n"
        "a.assemble = broken\n"
        f"main(['plan', '--source', 'file={services}', '--sink', 'consul', "
        f"'--set', 'sinks.consul.token={PASSWORD}'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", breaking], capture_output=True, text=True, check=False, timeout=60
    )
    assert "RuntimeError: unexpected" in done.stderr
    assert PASSWORD not in done.stderr.replace(breaking, "")
