"""What people type by habit: each is understood, or answered with the right form."""

import re
import threading

import click
import pytest
from click.shell_completion import ShellComplete

from syncer.cli import shared
from syncer.cli.commands import cli
from syncer.config.variables import FLAGS

FILE = 'services = [{ name = "cart", address = "192.0.2.9", port = 90 }]'


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("list", "Did you mean 'services'?"),
        ("validate", "Did you mean 'check-config'?"),
        ("plna", "Did you mean 'plan'?"),
        ("run --dry-run", "Hint: `syncer plan` shows what would change"),
        ("apply --dry-run", "Hint: `syncer plan` shows what would change"),
        ("services -o json", "Hint: use --json"),
        ("plan --jsn", "--json"),
        ("drain", "give a service or container, or --all"),
    ],
)
def test_wrong_usage(typed, line, words):
    """The code is 2, and what is near is named."""
    code, said = typed(line)
    assert code == 2
    assert words in said


def test_help_and_version_are_commands(typed):
    """As in most programs."""
    assert typed("version") == typed("--version")
    assert typed("help plan") == typed("plan --help")
    assert typed("help") == typed("--help")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--sink consul:8500", "--sink consul:8500: did you mean --sink consul=localhost:8500?"),
        ("--sink localhost:8500", "did you mean --sink consul=localhost:8500?"),
        ("--sink db1.example:2379", "did you mean --sink etcd=db1.example:2379?"),
        ("--sink http://10.0.0.1:8761/eureka", "--sink eureka=http://10.0.0.1:8761/eureka?"),
        ("--sink https://registry.example", "--sink KIND=https://registry.example"),
        ("--sink consul,eureka", "give --sink once for each: --sink consul --sink eureka"),
        ("--source podman --sink memory", "--source docker=unix:///run/podman/podman.sock"),
        ("--source docker:2375 --sink memory", "--source docker=tcp://localhost:2375?"),
        ("--sink east=consul://127.0.0.1:9", "did you mean --sink east:consul=127.0.0.1:9?"),
        ("--sink east:consul://127.0.0.1:9", "did you mean --sink east:consul=127.0.0.1:9?"),
        ("--sink east=consul", "did you mean --sink east:consul?"),
        ("--sink consul:127.0.0.1:9", "did you mean --sink consul=127.0.0.1:9?"),
        ("--source d=docker=unix:///x --sink memory", "--source d:docker=unix:///x?"),
        ("--source docker:10.0.0.1:2375 --sink memory", "--source docker=tcp://10.0.0.1:2375?"),
        ("--sink conusl=http://10.0.0.1:8500", "did you mean 'consul'?"),
        ("--sink conusl", "did you mean 'consul'?"),
        ("--sink memory --interval soon", "syncer: --interval: must be a duration"),
    ],
)
def test_flags_that_are_not_understood(typed, flags, words):
    """The flag that was typed is named, with the form that would be right."""
    code, said = typed(f"check-config --source file=s.toml {flags}")
    assert code == 3
    assert words in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("-ip nonsense! consul://127.0.0.1:1", "syncer: -ip: "),
        ("-resync 9999999 consul://127.0.0.1:1", "syncer: -resync: "),
    ],
)
def test_flags_of_registrator(typed, flags, words):
    """They are named as they were typed too."""
    code, said = typed(f"registrator {flags}")
    assert (code, said[: len(words)]) == (3, words)


@pytest.mark.parametrize("place", ["me:s3cret@10.0.0.1:8500", "10.0.0.1:8500/x?token=s3cret"])
def test_a_secret_in_a_wrong_address_is_not_repeated(typed, place):
    """No hint is better than a password on the screen."""
    code, said = typed(f"check-config --source file=s.toml --sink http://{place}")
    assert code == 3
    assert "s3cret" not in said


class TestTheDefaultFile:
    @pytest.fixture
    def default(self, folder):
        """The file that is read if no other is named."""
        path = folder / "etc" / "syncer.toml"
        path.parent.mkdir()
        path.write_text('[sources.file]\npath = "s.toml"\n[sinks.memory]\n')
        return path

    def test_it_is_read(self, typed, default):
        """Then a command needs no flags."""
        assert typed("check-config")[0] == 0
        assert typed("plan")[1].endswith("memory: 1 to register\n")

    def test_without_it_nothing_is_read(self, typed):
        """There is no source then."""
        code, said = typed("check-config")
        assert code == 3
        assert "no source configured" in said

    @pytest.mark.parametrize(("named", "words"), [("''", "no source"), ("o.toml", "o.toml: no s")])
    def test_another_or_none(self, typed, default, folder, named, words):
        """A named file takes its place, and an empty name means none."""
        (folder / "o.toml").write_text("[sinks.memory]\n")
        code, said = typed(f"check-config --config {named}")
        assert code == 3
        assert words in said

    def test_a_wrong_one_is_named(self, typed, default):
        """It is not skipped in silence, and neither is a link to nowhere."""
        default.write_text("[sources")
        assert str(default) in typed("plan")[1]
        default.unlink()
        default.symlink_to("nowhere")
        code, said = typed("plan")
        assert code == 3
        assert str(default) in said

    def test_flags_that_say_all_are_all(self, typed, default):
        """With sources and sinks on the command line, those of the file do not come on top."""
        default.write_text('[sources.x]\nkind = "file"\npath = "x"\n[sinks.x]\nkind = "memory"\n')
        code, said = typed("check-config --source file=s.toml --sink memory")
        assert (code, "x" in said.split()) == (0, False)
        assert "sinks memory;" in said


class TestVariables:
    def test_those_of_flags_are_known(self):
        """Each that a flag reads."""
        names = {p.envvar for command in cli.commands.values() for p in command.params}
        assert names - {None} == set(FLAGS)

    def test_one_that_sets_nothing_is_told(self, typed, monkeypatch):
        """With the nearest that does; but not those that Kubernetes makes of a service's name."""
        given = {
            "SYNCER_INTERVAL": "5s",
            "SYNCER_GUARD_SHARE": "1",
            "SYNCER_SERVICE_HOST": "10.0.0.1",
            "SYNCER_PORT_8520_TCP_ADDR": "10.0.0.1",
            "SYNCER_HOST": "h",
            "SYNCER__OWNER": "me",
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        _, said = typed("check-config --source file=s.toml --sink memory")
        assert said.splitlines()[:-1] == [
            "warning: the environment variable SYNCER_GUARD_SHARE sets nothing; did you mean"
            " SYNCER__GUARD__SHARE?",
            "warning: the environment variable SYNCER_INTERVAL sets nothing; did you mean"
            " SYNCER__INTERVAL?",
        ]


class TestInit:
    def test_a_file_to_begin_with(self, typed, folder):
        """It is valid as it is, and each key in its comments exists."""
        code, said = typed("init")
        assert (code, said.split(";")[0]) == (0, "wrote syncer.toml")
        assert typed("check-config --config syncer.toml")[0] == 0
        text = (folder / "syncer.toml").read_text()
        every = re.sub(r"^#(?=\[|[a-z_.]+ = )", "", text, flags=re.MULTILINE)
        every = re.sub(r"\{ file = .*\}", '"x"', every)
        (folder / "every.toml").write_text(every)
        assert typed("check-config --config every.toml")[0] == 0
        assert typed("init -") == (0, text)

    def test_nothing_is_overwritten(self, typed, folder):
        """Neither a file nor what a link names; and a folder that is not there is told."""
        (folder / "mine.toml").write_text("mine")
        assert typed("init mine.toml") == (1, "syncer: mine.toml exists, and is not overwritten\n")
        assert (folder / "mine.toml").read_text() == "mine"
        code, said = typed("init no/where.toml")
        assert code == 1
        assert "no/where.toml: No such file" in said


class TestCompletion:
    @pytest.fixture
    def offered(self, folder, monkeypatch):
        """The words that a shell offers for the last of these, however slow this machine is."""
        monkeypatch.setattr(shared, "PATIENCE", 60)

        def ask(*words):
            found = ShellComplete(cli, {}, "syncer", "_SYNCER_COMPLETE")
            return [one.value for one in found.get_completions(list(words[:-1]), words[-1])]

        return ask

    def test_kinds_and_settings(self, offered):
        """Of sources, sinks and the configuration; nothing that does not begin so."""
        assert "docker" in offered("plan", "--source", "d")
        assert {"consul", "consul-tls://"} <= set(offered("plan", "--sink", "cons"))
        assert offered("plan", "--set", "sinks.consul.tok") == [
            "sinks.consul.token=",
            "sinks.consul.token_file=",
        ]
        assert offered("plan", "--set", "guard.sh") == ["guard.share="]

    def test_services_and_containers(self, offered):
        """Of the sources that are given; if they cannot be had, nothing, and no error."""
        here = ("--source", "file=s.toml", "--sink", "memory")
        assert "web" in offered("explain", *here, "w")
        assert "web" in offered("drain", *here, "we")
        assert offered("drain", "--source", "file=gone.toml", "--sink", "memory", "w") == []
        assert offered("drain", "--source", "nonsense", "w") == []

    def test_an_engine_that_hangs(self, offered, monkeypatch):
        """Tab offers nothing, and the shell goes on."""
        answer, late = threading.Event(), []

        def hang(flags):
            late.append(answer.wait(60))
            raise SystemExit

        monkeypatch.setattr(shared, "make_engine", hang)
        monkeypatch.setattr(shared, "PATIENCE", 0.01)
        assert offered("explain", "--source", "file=s.toml", "w") == []
        assert not late
        answer.set()

    def test_no_name_is_a_command(self, offered, folder):
        """A label cannot put one on the command line of who presses Tab."""
        names = ("web; reboot", "web$(reboot)", "web *", "web-1")
        rows = [f'[[services]]\naddress = "192.0.2.1"\nport = 80\nname = "{one}"' for one in names]
        (folder / "names.toml").write_text("\n".join(rows))
        here = ("--source", "file=names.toml", "--sink", "memory")
        assert {one[:4] for one in offered("explain", *here, "web")} == {"web-"}


def test_no_summary_is_cut(typed, monkeypatch):
    """At 80 columns; each command ends its help with an example."""
    monkeypatch.setenv("COLUMNS", "80")
    assert "..." not in typed("--help")[1].replace("[ARGS]...", "")
    assert (
        "Examples:\n  # Only what a plan has shown\n  syncer apply --exp" in typed("help apply")[1]
    )


def nobody_answers(text):
    """Stands for the end of the input."""
    raise click.Abort


class TestPurge:
    def test_what_it_includes_is_said(self, typed, folder, monkeypatch):
        """Entries of sources that are not configured now, before the question; "n" removes none."""
        both = "--sink file=r.json --set sources.{}.scope=h"
        (folder / "old.toml").write_text(FILE)
        assert typed("apply --source old:file=old.toml " + both.format("old"))[0] == 0
        here = "--source file=s.toml " + both.format("file")
        assert typed(f"apply {here}")[0] == 0
        before = (folder / "r.json").read_text()
        monkeypatch.setattr("click.confirm", lambda text: False)
        code, said = typed(f"purge {here}")
        assert code == 130
        assert "1 of them came from source old, which is not configured now" in said
        assert said.endswith("Aborted; nothing was removed.\n")
        monkeypatch.setattr("click.confirm", nobody_answers)
        code, said = typed(f"purge {here}")
        assert code == 130
        assert said.endswith("nothing was removed. In scripts, --yes removes without asking.\n")
        assert (folder / "r.json").read_text() == before
        assert typed(f"purge --yes {here}")[1].endswith("removed 2 of 2\n")
        assert typed(f"purge --yes {here}") == (
            0,
            "nothing to remove: this syncer has no entries\n",
        )
