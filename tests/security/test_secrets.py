"""Tokens and passwords are shown nowhere, and where others could read them syncer says so."""

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest

from servers.echo import echoing
from servers.manager import manager
from servers.secrets import secret
from servers.syncer import command
from syncer.api.kinds import SinkType, SourceType
from syncer.api.options import Secret
from syncer.config.convert import bare_type
from syncer.config.fill import options_of
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


#: In every part of an odd secret, so that a search finds whatever part of it is shown.
SPARK = "Sp4rk"
ODD = {
    "two lines": f"{SPARK}-one\n{SPARK}-two",
    "a letter beyond Latin-1": f"{SPARK}\u20ac-{SPARK}",
    "a zero byte": f"{SPARK}\0-{SPARK}",
    "blanks around it": f" \t{SPARK}-blanks-around-it \r\n",
    "quotes": f"{SPARK}'-\"{SPARK}\\-`{SPARK}",
    "percent": f"{SPARK}%41%-{SPARK}%0a&a=b?c#d",
    "an address": f"{SPARK}:a@b/{SPARK}@c",
    "a byte that is no text": f"{SPARK}\udcff-{SPARK}",
}
#: These cannot be sent at all.
REFUSED = ("two lines", "a zero byte", "a byte that is no text")
COMMANDS = [
    *(["plan"], ["plan", "--json"], ["apply"], ["doctor"], ["doctor", "--json"]),
    *(["services"], ["explain", "web"], ["check-config"], ["purge", "--yes"], ["drain", "web"]),
    *(["run", "--once", "-v"], ["run", "--once", "-v", "--log-format", "json"]),
]
#: Runs these commands one after the other, and prints what each said.
DRIVER = """
import contextlib, io, json, os, sys
from syncer.cli.commands import main
for words, env in json.load(open(sys.argv[1])):
    said = io.StringIO()
    os.environ.update(env)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main(words)
        except SystemExit as end:
            print("exit", end.code)
    print(json.dumps(said.getvalue()))
"""


def leaks(text, value):
    """The places in a text where a part of this secret is shown, in whatever form."""
    raw = value.strip().encode("utf-8", "surrogateescape")
    forms = [SPARK, quote(raw), raw.hex(), repr(value)[1:-1], json.dumps(value)[1:-1]]
    forms += [base64.b64encode(part).decode().rstrip("=") for part in (raw, b"me:" + raw)]
    return [text[max(0, at - 80) : at + 80] for f in forms if (at := text.find(f)) >= 0]


def secret_options():
    """Every option of every kind that has a secret: table, kind, option."""
    plugins = Plugins.discover()
    for table, role in (("sinks", SinkType), ("sources", SourceType)):
        for kind in plugins.kinds(role).values():
            for name, option in options_of(kind.options).items():
                if bare_type(option.wanted) is Secret or name == "token_file":
                    yield table, kind.name, name


def settings_of(table, kind, option, value, port, tmp_path):
    """The configuration file of a kind, whose server is at this port, with this secret."""
    kept = tmp_path / "kept"
    kept.write_bytes(value.encode("utf-8", "surrogateescape"))
    kept.chmod(0o600)
    given = json.dumps(str(kept)) if option == "token_file" else f'{{ file = "{kept}" }}'
    addresses = {
        "consul": f'address = "127.0.0.1:{port}"',
        "consulkv": f'address = "127.0.0.1:{port}"',
        "eureka": f'urls = ["http://127.0.0.1:{port}/eureka/"]',
        "etcd": f'endpoints = ["127.0.0.1:{port}"]',
        "zookeeper": f'servers = ["127.0.0.1:{port}"]',
    }
    lines = [addresses[kind], f"{option} = {given}", 'timeout = "300ms"']
    if option == "password":
        lines.append('user = "me"')
    other = "[sources.file]\npath = 'services.toml'\n" if table == "sinks" else "[sinks.memory]\n"
    path = tmp_path / "odd.toml"
    path.write_text("\n".join([f"[{table}.{kind}]", *lines, other]))
    return path


@pytest.mark.parametrize(("table", "kind", "option"), list(secret_options()))
def test_no_command_shows_an_odd_secret(services, tmp_path, table, kind, option):
    """Line ends, letters that no header can have, quotes: with a server that tells all it heard.

    Those that the protocol cannot carry are refused by the option's name, in one line.
    """
    runs = []
    with echoing() as echo:
        for about, value in ODD.items():
            folder = tmp_path / about
            folder.mkdir()
            (folder / "services.toml").write_text(services.read_text())
            path = settings_of(table, kind, option, value, echo.port, folder)
            few = about in REFUSED or table == "sources"  # the options are the same ones
            commands = [*COMMANDS[::4], COMMANDS[-1]] if few else COMMANDS
            runs += [(about, [*words, "--config", str(path)]) for words in commands]
        listed = tmp_path / "runs.json"
        listed.write_text(json.dumps([[words, {}] for _, words in runs]))
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, str(listed)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "OTEL_TRACES_EXPORTER": "console"},
            timeout=400,
        )
    texts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('"')]
    assert len(texts) == len(runs), done.stderr
    for (about, words), text in zip(runs, texts, strict=True):
        assert leaks(text, ODD[about]) == [], (about, words)
        assert "Traceback" not in text, (about, words)
        asks = option != "token_file" or words[0] in ("plan", "apply", "doctor", "run")
        if about in REFUSED and asks:
            assert option in text, (about, words)
    for about, value in ODD.items():
        assert leaks(done.stderr + done.stdout, value) == [], about


ECHOED = {"consul": "token", "consulkv": "auth", "eureka": "password", "etcd": "password"}


@pytest.mark.parametrize("kind", ECHOED)
@pytest.mark.parametrize("about", ["quotes", "percent"])
def test_no_page_shows_an_odd_secret(services, tmp_path, start_syncer, kind, about):
    """Nor log, traces and service manager, while the registry tells it with every answer."""
    value = secret(ODD[about])
    (tmp_path / "services.toml").write_text(services.read_text())
    with echoing() as echo, manager(tmp_path / "notify") as told:
        path = settings_of("sinks", kind, ECHOED[kind], value, echo.port, tmp_path)
        path.write_text(path.read_text().replace("'services.toml'", f'"{services}"'))
        env = {"NOTIFY_SOCKET": told.address, "OTEL_TRACES_EXPORTER": "console"}
        run = start_syncer("--config", path, "--web", "127.0.0.1:0", env=env)
        (line,) = run.wait_said("status page")
        run.wait_said(f"sink {kind} failed")
        base = line["address"].rstrip("/")
        described = json.loads(asked(f"{base}/api/v1/openapi.json"))
        paths = [*described["paths"], "/", "/metrics", "/healthz", "/readyz"]
        told.wait("STATUS=sink")
        found = [asked(base + one.format(name="web")) for one in paths if "stream" not in one]
        found += [
            *told.lines(),
            run.process.log.read_text(),
            asked(f"{base}/api/v1/explain?name=web"),
        ]
    assert any("***" in text for text in found) or kind in ("etcd", "eureka")  # which hide all
    for text in found:
        assert leaks(text, value) == []


def asked(url):
    """What is at this address, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('token = "Sp4rk\\nmore"', "sinks.consul.token: has more than one line"),
        ('token = "Sp4rk\\u0007"', "sinks.consul.token: has a control character in it"),
        ('token = "Sp4rk\\u20ac"', "sinks.consul.token: has letters that no header can carry"),
        ('auth = "me:Sp4rk\\nmore"', "sinks.consul.auth: has more than one line"),
        ('token = { env = "ODD" }', "sinks.consul.token: the environment variable ODD has more"),
        ('token = { file = "odd" }', "sinks.consul.token: odd has more than one line"),
        ('token_file = "odd"', "token_file odd: has more than one line"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_name(tmp_path, services, table, said):
    """Wherever it comes from; the value is not shown."""
    (tmp_path / "odd").write_text("Sp4rk-one\n# rotated\n")
    path = tmp_path / "syncer.toml"
    path.write_text(f'[sources.file]\npath = "{services}"\n[sinks.consul]\n{table}\n')
    done = subprocess.run(
        [sys.executable, "-m", "syncer", "plan", "--config", str(path)],
        cwd=tmp_path,
        env={**os.environ, "ODD": "Sp4rk\nmore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said in done.stdout + done.stderr
    assert SPARK not in done.stdout + done.stderr
    assert done.returncode != 0


def test_the_pages_token_is_one_that_a_header_can_carry(services):
    """A browser sends others in one way, curl in another: neither would be let in."""
    flags = ("--source", f"file={services}", "--sink", "memory")
    done = command("check-config", *flags, "--set", f"web.token={SPARK}\u20ac")
    assert "web.token: has letters that no header can carry" in done.stderr
    assert SPARK not in done.stdout + done.stderr


ADDRESSES = [
    "{kind}:admin:{pw}@h",
    "{kind}:http:/admin:{pw}@h",
    "{kind}=http://admin:{pw}@h:port/x",
    "{kind}://admin:{pw}@h:port/x",
    "{kind}://admin:{pw}@h:1:2/x",
    "{kind}://h:1/x?{pw}",
    "{kind}://h:1/x?{pw}=1",
    "{kind}://admin:{pw}/b@h:1/x",
    "{kind}://admin:a/{pw}@h:1/x",
    "{kind}://admin:a?{pw}@h:1/x",
    "{kind}://admin:a#{pw}@h:1/x",
    "{kind}2://admin:{pw}@h:1/x",
    "x{kind}=admin:{pw}@h:1",
    "admin:{pw}@h:1",
    "x:y:admin:{pw}@h:1",
]


VARIABLES = ("DOCKER_HOST", "CONSUL_HTTP_ADDR", "ETCDCTL_ENDPOINTS", "SYNCER_SINK")


@pytest.mark.parametrize("kind", ["consul", "consulkv", "etcd", "zookeeper", "eureka", "docker"])
def test_no_error_about_an_address_shows_its_password(tmp_path, kind):
    """Nothing before the @, and nothing after the ?, however it is mistyped."""
    table, other = ("source", "--sink=memory") if kind == "docker" else ("sink", "--source=docker")
    runs = []
    for address in ADDRESSES:
        text = address.format(kind="tcp" if kind == "docker" else kind, pw=SPARK)
        for words in (
            ["check-config", other, f"--{table}", text],
            ["check-config", f"--{table}", text, "--set", f"{table}s.{kind}.a b={text}"],
            ["registrator", "consul:", text],
            ["registrator", f"-ttl={text}", "consul:"],
            ["registrator", f"-{text}", "consul:"],
            *([["registrator", text]] if not address.startswith("{kind}://") else []),
            ["plan", text],
            ["plan", "--set", text],
            ["run", "--web", text, other, "--sink", "memory"],
        ):
            runs.append([words, dict.fromkeys(VARIABLES, "")])
        bare = text.partition("=")[2] or text
        words = ["check-config", "--source", "docker", "--sink", "etcd", "--sink", "consul"]
        runs += [[words, dict.fromkeys(VARIABLES, "") | {name: bare}] for name in VARIABLES]
        runs.append([["check-config", other], dict.fromkeys(VARIABLES, "") | {"SYNCER_SINK": text}])
    listed = tmp_path / "runs.json"
    listed.write_text(json.dumps(runs))
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(listed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    texts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('"')]
    assert len(texts) == len(runs), done.stderr
    for (words, env), text in zip(runs, texts, strict=True):
        assert SPARK not in text, (words, env)
    assert SPARK not in done.stderr
