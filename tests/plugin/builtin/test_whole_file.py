"""A file is always whole, even if a writer is killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import syncer
from syncer import TemporaryError
from syncer.plugin.builtin import whole_file
from syncer.plugin.builtin.file_sink import FileSink, FileSinkOptions
from syncer.plugin.builtin.whole_file import WholeFile
from syncer.testing import make_instance, make_registration, wait_until

WRITER = """
import sys
from pathlib import Path
from syncer.plugin.builtin.whole_file import WholeFile
file = WholeFile(Path(sys.argv[1]))
round = 0
while True:
    round += 1
    with file.locked():
        file.replace(b"%08d" % round * 20_000 + b"end")
"""


def _start(path):
    env = {**os.environ, "PYTHONPATH": str(Path(syncer.__file__).parents[1])}
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path)], env=env)


def _whole(content):
    return content[-3:] == b"end" and content == content[:8] * 20_000 + b"end"


@pytest.mark.parametrize("round_", range(5))
def test_killed_while_writing(tmp_path, round_):
    """A reader sees only whole contents while the writer runs and after it was killed."""
    path = tmp_path / "f"
    writer = _start(path)
    try:
        wait_until(path.exists, 30, "the first write")
        for _ in range(40 * (round_ + 1)):
            assert _whole(path.read_bytes())
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert _whole(path.read_bytes())
    file = WholeFile(path)
    with file.locked():
        file.replace(b"next")
    assert path.read_bytes() == b"next"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".f.lock", "f"]


def test_failed_write_changes_nothing(tmp_path, monkeypatch):
    """When the disk is full the old content stays and no other file is left."""
    path = tmp_path / "f.json"
    sink = FileSink.create(FileSinkOptions(path=path), syncer.Context(name="file"))
    held = sink.register(make_registration())
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TemporaryError, match="No space left"):
        sink.register(make_registration(make_instance("more")))
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [".f.json.lock", "f.json"]
    monkeypatch.undo()
    assert sink.registrations().items == (held,)


def test_lock_has_a_deadline(tmp_path, monkeypatch):
    """A lock that is never given up is TemporaryError, not a hang."""
    monkeypatch.setattr(whole_file, "LOCK_TRIES", 2)
    path = tmp_path / "f"
    file, other = WholeFile(path), WholeFile(path)
    with file.locked(), pytest.raises(TemporaryError, match="another writer"), other.locked():
        pass
    with WholeFile(path).locked():
        pass


def test_sweep_takes_the_name_literally(tmp_path):
    """Only this file's own leftovers are removed, also if its name looks like a pattern."""
    (tmp_path / ".fx.123.tmp").touch()
    file = WholeFile(tmp_path / "f[x]")
    (tmp_path / ".f[x].123.tmp").touch()
    with file.locked():
        file.replace(b"a")
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [".f[x].lock", ".fx.123.tmp", "f[x]"]


def test_complete_file_is_json_of_known_shape(tmp_path):
    """The JSON format says what a program needs, at the top of each registration."""
    path = tmp_path / "f.json"
    sink = FileSink.create(FileSinkOptions(path=path), syncer.Context(name="file"))
    sink.register(make_registration(make_instance(tags=("a",))))
    (row,) = json.loads(path.read_text())["registrations"]
    assert row["mark"].pop("digest")
    assert row == {
        "id": "kit-scope:web:8080",
        "service": "web",
        "address": "10.0.0.5",
        "port": 8080,
        "tags": ["a"],
        "mark": {"owner": "syncer", "scope": "kit-scope", "source": "kit", "workload": "w1"},
    }
