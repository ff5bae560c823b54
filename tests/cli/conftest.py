"""What tests of commands share."""

import shlex

import pytest

from syncer.cli import shared
from syncer.cli.commands import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with one service in a file, and no configuration of the machine."""
    text = 'services = [{ name = "web", address = "192.0.2.1", port = 80 }]'
    (tmp_path / "s.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shared, "DEFAULT_FILE", tmp_path / "etc" / "syncer.toml")
    return tmp_path


@pytest.fixture
def typed(capsys, folder):
    """Runs a command line in this process; returns its exit code and all that it said."""

    def run(line):
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(line))
        said = capsys.readouterr()
        return ended.value.code, said.out + said.err

    return run
