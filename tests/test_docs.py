"""The documentation against the code: what it names exists, what exists it names, Python runs.

What commands say is the business of `test_outputs.py`.
"""

import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from doc_programs import doc_program

import syncer
from syncer.api import errors
from syncer.api.changes import SkipKind
from syncer.cli.commands import cli
from syncer.cli.plugins import kinds
from syncer.config.describe import describe_options, describe_settings
from syncer.config.load import load, read_settings
from syncer.desired.addresses import RULES
from syncer.plugin import hookspecs
from syncer.plugin.builtin.file_source import FileSource
from syncer.testing import REACHABLE, make_labelled

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "plugins/*/README.md", "contrib/**/README.md")
    for page in ROOT.glob(pattern)
    if not any(part.startswith(".") for part in page.relative_to(ROOT).parts)
)
FENCE = re.compile(
    r"(?:<!-- write: (?P<name>\S+) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```\n",
    re.DOTALL,
)
GENERATED = re.compile(r"<!-- (?:reference|include): .*?<!-- end -->", re.DOTALL)


reference = doc_program("reference")


def named(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    """The code blocks that are written by hand, in one language."""
    text = GENERATED.sub("", page.read_text())
    return [found for found in FENCE.finditer(text) if found["language"] == language]


def rows(text):
    """The first column of the tables in a text."""
    cells = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    return [cell.strip("`") for cell in cells]


def section(page, heading):
    """The text below a heading, up to the next one of any level."""
    text = page.read_text().partition(f"# {heading}\n")[2]
    assert text, f"{named(page)} has no heading {heading!r}"
    return re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]


every_page = pytest.mark.parametrize("page", PAGES, ids=named)
with_code = [page for page in PAGES if blocks(page, "python")]
with_toml = [page for page in PAGES if blocks(page, "toml")]


# What is written from the code


@pytest.mark.parametrize("page", reference.PAGES, ids=named)
def test_reference_is_up_to_date(page):
    """Tables and included files are what `python docs/reference.py` writes."""
    assert page.read_text() == reference.written(page.read_text())


def test_every_part_is_used():
    """Each part that can be written stands on some page."""
    used = {
        name
        for page in PAGES
        for name in re.findall(r"<!-- reference: (.+?) -->", page.read_text())
    }
    assert used == set(reference.PARTS)


# What exists is documented


def test_settings_and_options_are_documented():
    """Every setting, every option of a kind of ours and every variable is in configuration.md."""
    text = (DOCS / "configuration.md").read_text()
    described = [*describe_settings().values()]
    for place, kind in kinds(reference.first_party()):
        assert f"### `{place}`" in text
        described.append(describe_options(kind.options))
    for option in [option for options in described for option in options]:
        assert f"| `{option.name}` |" in text
        assert option.help, f"{option.name} has no help"
        for variable in option.env:
            assert f"| `{variable}` |" in text


def test_commands_and_flags_are_documented():
    """Every command, flag and variable of a flag is in configuration.md, with its help."""
    text = (DOCS / "configuration.md").read_text()
    for name, command in cli.commands.items():
        assert f"### `syncer {name}" in text
        assert f"`syncer {name}" in (ROOT / "README.md").read_text()
        for option in command.params:
            if isinstance(option, click.Option):
                assert re.search(rf"^\| `[^`]*{option.opts[-1]}\b", text, re.MULTILINE), option
                assert option.help or option.name == "log_format"


def test_hooks_are_documented():
    """Every hook is in plugins.md with its argument."""
    text = (DOCS / "plugins.md").read_text()
    for name, hook in vars(hookspecs).items():
        if name.startswith("syncer_"):
            arguments = ", ".join(inspect.signature(hook).parameters)
            assert f"`{name}({arguments}" in text


@pytest.mark.parametrize("contract", [syncer.Source, syncer.Sink])
def test_contracts_are_documented(contract):
    """Every method and attribute of a contract is in plugins.md."""
    text = (DOCS / "plugins.md").read_text()
    for name, member in vars(contract).items():
        if name.startswith("_"):
            continue
        if inspect.isfunction(member):
            arguments = ", ".join([*inspect.signature(member).parameters][1:])
            assert f"`{name}({arguments})`" in text
        else:
            assert f"`{contract.__name__}.{name}`" in text


def test_errors_are_documented():
    """Every error is in operations.md with its exit code; plugins.md says when to raise it."""
    codes = section(DOCS / "operations.md", "Exit codes")
    for error in vars(errors).values():
        if inspect.isclass(error) and issubclass(error, errors.SyncerError):
            assert f"| {error.exit_code} | `{error.__name__}` |" in codes
    when = rows(section(DOCS / "plugins.md", "7. Errors"))
    for name in ("TemporaryError", "PermanentError", "Conflict", "ConfigError"):
        assert name in when


def test_public_names_are_documented():
    """Every name of the facade is in embedding.md."""
    listed = rows(section(DOCS / "embedding.md", "Names"))
    assert set(syncer.__all__) - {"__version__"} <= set(listed)


def test_address_rules_are_documented_in_order():
    """The table of addresses.md is the order in which the rules are asked."""
    listed = rows((DOCS / "addresses.md").read_text().partition("## Examples")[0])
    assert [cell for cell in listed if cell in RULES] == list(RULES)


def test_every_kind_of_skip_is_made():
    """No word is documented that no skip can have."""
    made = {
        found
        for module in (ROOT / "syncer").rglob("*.py")
        for found in re.findall(r"\bSkip\(\s*[^,]+, SkipKind\.([A-Z]+)", module.read_text())
    }
    assert made == set(SkipKind.__members__)


def test_labels_are_documented():
    """The labels reference names every key that the parser knows, and no other."""
    known_keys = pytest.importorskip("syncer_registrator.labels.known_keys")
    page = ROOT / "plugins/syncer-registrator/README.md"
    written = [
        key.removeprefix("SERVICE_").lower()
        for heading in ("Keys", "Checks")
        for line in section(page, heading).splitlines()
        if line.startswith(("| `SERVICE_", "| `_"))
        for key in re.findall(r"`([A-Z_0-9]+)`", line.split("|")[1])
    ]
    plain = {key for key in written if not key.startswith("_")}
    assert plain == known_keys.PLAIN | set(known_keys._ALIASES)
    checks = {key[1:] for key in written if key.startswith("_")}
    known = known_keys.CHECK_SETTINGS | set(known_keys.CHECK_KINDS) | set(known_keys._CHECK_ALIASES)
    assert checks == known


def test_short_label_guide_is_right():
    """What labels.md and health.md write as labels are keys that the parser knows."""
    known_keys = pytest.importorskip("syncer_registrator.labels.known_keys")
    shown_as_wrong = {"SERVICE_FOO", "SERVICE_CHEK_HTTP", "SERVICE_CHECK_INTERVALL"}
    for page in (DOCS / "labels.md", DOCS / "health.md", DOCS / "tutorial.md", ROOT / "README.md"):
        for key in set(re.findall(r"\bSERVICE_[A-Z0-9_-]*[A-Z0-9]\b", page.read_text())):
            word = re.sub(r"^SERVICE_([\d-]+_)?", "", key).lower()
            known = known_keys.look_up(word).kind is known_keys.KeyKind.SETTING
            assert known or key in shown_as_wrong, f"{named(page)}: {key}"


# What is documented exists


def slugs(page):
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return set(plain)


@every_page
def test_links_lead_somewhere(page):
    """Files and anchors that a page links to exist."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"no such file: {target}"
        if anchor:
            assert anchor in slugs(there), f"no such heading: {target}"


def test_every_page_is_on_the_first_one():
    """docs/index.md links to all pages and decisions."""
    linked = set(re.findall(r"\]\(([^)#\s]+)", (DOCS / "index.md").read_text()))
    for page in DOCS.rglob("*.md"):
        assert page.name == "index.md" or str(page.relative_to(DOCS)) in linked


@every_page
def test_no_paths_of_a_machine(page):
    """No page shows where somebody's files were."""
    found = re.findall(r"(?:/home/|/srv/|/root/|/tmp/|site-packages)\S*", page.read_text())
    assert [path for path in found if not path.startswith("/tmp/docker.sock")] == []


@every_page
def test_files_in_the_text_exist(page):
    """Files of this repository that a page names are there."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for path in re.findall(r"`((?:syncer|plugins|contrib|tests|docs)/[\w./-]*)`", text):
        assert (ROOT / path).exists() or (page.parent / path).exists(), path


def test_layers_in_short_are_in_order():
    """The picture in CONTRIBUTING.md goes down the layers that the import linter holds."""
    (line,) = re.findall(
        r"^    (\w+(?:(?:, | > )\w+)+)$", (ROOT / "CONTRIBUTING.md").read_text(), re.M
    )
    shown = [set(layer.split(", ")) for layer in line.split(" > ")]
    layers = [set(re.findall(r"\w+", layer)) for layer in reference.layers().splitlines()]
    assert shown == [layer for layer in layers if layer & set().union(*shown)]


def commands(page):
    """The syncer commands that a page shows, in blocks and in the text."""
    text = GENERATED.sub("", page.read_text())
    shown = re.findall(r"^\$ (syncer .+)$", text, re.MULTILINE)
    shown += re.findall(r"^    (syncer .+)$", text, re.MULTILINE)
    return shown + re.findall(r"`(syncer [a-z][^`]*)`", text)


@every_page
def test_commands_can_be_given(page):
    """Commands that a page shows have the names, flags and arguments that exist."""
    for shown in commands(page):
        _, name, *arguments = shlex.split(shown, comments=True)
        assert name in cli.commands or name == "...", shown
        try:
            cli.commands[name].make_context(name, arguments)
        except click.MissingParameter:
            assert not arguments  # `syncer explain`, named in the text
        except click.UsageError as error:
            pytest.fail(f"{shown}: {error}")


@pytest.mark.parametrize("page", with_toml, ids=named)
def test_configuration_examples_are_right(page, tmp_path):
    """TOML on a page is a configuration or a list of services that syncer takes."""
    (tmp_path / "consul.token").write_text("secret")
    for number, found in enumerate(blocks(page, "toml")):
        path = tmp_path / f"example-{number}.toml"
        path.write_text(
            found["code"].replace("/etc/syncer/consul.token", f"{tmp_path}/consul.token")
        )
        if "services" in reference.tomllib.loads(found["code"]):
            assert FileSource(path).workloads().items
        else:
            load(read_settings(path, environ={}), reference.first_party())


def compose_labels():
    """The labels of each service in the compose files that pages show."""
    for page in PAGES:
        for found in blocks(page, "yaml"):
            for name, service in (yaml.safe_load(found["code"]).get("services") or {}).items():
                if "labels" in service:
                    yield pytest.param(service["labels"], id=f"{named(page)}: {name}")


@pytest.mark.parametrize("labels", [*compose_labels()])
def test_labels_in_compose_files_are_right(labels):
    """registrator's dialect reads a page's labels without a problem, and offers what they name."""
    registrator = pytest.importorskip("syncer_registrator")
    parse = registrator.create(registrator.RegistratorOptions(explicit=True))
    read = parse(make_labelled({key: str(labels[key]) for key in labels}), REACHABLE)
    assert read.problems == ()
    assert {offer.service.partition("-")[0] for offer in read.offers} == {labels["SERVICE_NAME"]}


def test_flags_of_sources_and_sinks_are_right():
    """Each form of --source and --sink in configuration.md is understood."""
    shown = rows(section(DOCS / "configuration.md", "Flags"))
    forms = [form.split() for form in shown if form.startswith("--s")]
    assert len(forms) > 5
    for flag, value in forms:
        given = {"sources": ["file=x.toml"], "sinks": ["memory"], f"{flag[2:]}s": [value]}
        load(read_settings(environ={}, **given), reference.first_party())


# Examples run


def environment():
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SYNCER_", "CONSUL_"))}
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run(arguments, folder):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def write_files(page, folder):
    for found in blocks(page, "toml"):
        if found["name"]:
            (folder / found["name"]).write_text(found["code"])


@pytest.mark.parametrize("page", with_code, ids=named)
def test_python_runs(page, tmp_path):
    """The Python on a page runs, from its first block to its last."""
    write_files(page, tmp_path)
    code = "\n\n".join(found["code"] for found in blocks(page, "python"))
    (tmp_path / "example.py").write_text(code)
    done = run(["-W", "error", "example.py"], tmp_path)
    assert done.returncode == 0, done.stdout


def test_plugin_guide_shows_the_whole_example():
    """Every module of the example plugin, and its tests, is on the page."""
    text = (DOCS / "plugins.md").read_text()
    example = ROOT / "contrib/example-plugin"
    for path in (*example.glob("src/*/*.py"), *example.glob("tests/*.py")):
        assert f"<!-- include: {path.relative_to(ROOT)} -->" in text


def test_a_built_in_import_costs_little():
    """`import syncer` imports no library, as embedding.md says."""
    code = (
        "import sys, syncer; print(*sorted({'attr', 'cattrs', 'click', 'rich'} & {*sys.modules}))"
    )
    assert run(["-c", code], ROOT).stdout.strip() == ""
