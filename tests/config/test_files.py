"""Whether files have other contents: written anew, swapped by a link, gone, half written."""

import os
import threading

import pytest

from syncer.config.files import Contents, digests


@pytest.fixture
def file(tmp_path):
    """A file with something in it."""
    path = tmp_path / "syncer.toml"
    path.write_text("one")
    return path


def test_nothing_changes(file):
    """However often it is looked at; the same content written anew is no change."""
    contents = Contents([file])
    assert not contents.changed()
    file.write_text("one")
    os.utime(file, (1, 1))
    assert not contents.changed()
    assert not contents.changed()


def test_a_change_is_seen_once_it_stays(file):
    """At the second look that shows the same: what is being written is waited for."""
    contents = Contents([file])
    file.write_text("tw")
    assert not contents.changed()
    file.write_text("two")
    assert not contents.changed()
    assert contents.changed()
    contents.know()
    assert not contents.changed()


def test_a_change_that_is_taken_back(file):
    """Is none."""
    contents = Contents([file])
    file.write_text("two")
    assert not contents.changed()
    file.write_text("one")
    assert not contents.changed()
    assert not contents.changed()


def test_a_file_that_is_gone_for_a_while(file):
    """Is waited for: an editor may be writing it."""
    contents = Contents([file])
    file.unlink()
    assert [contents.changed() for _ in range(3)] == [False] * 3
    file.write_text("two")
    assert [contents.changed() for _ in range(2)] == [False, True]


def test_a_link_that_is_swapped(tmp_path):
    """As Kubernetes mounts a ConfigMap: the folder behind a link is another."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "syncer.toml").write_text(name)
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "syncer.toml").symlink_to("..data/syncer.toml")
    contents = Contents([tmp_path / "syncer.toml"])
    (tmp_path / "..new").symlink_to("second")
    (tmp_path / "..new").replace(tmp_path / "..data")
    assert [contents.changed() for _ in range(2)] == [False, True]


def test_a_secret_that_is_gone(file, tmp_path):
    """The file of settings has another one, so it was deleted: that is a change, not a pause."""
    secret = tmp_path / "token"
    secret.write_text("a")
    contents = Contents([file, secret])
    file.write_text("two")
    secret.unlink()
    assert [contents.changed() for _ in range(2)] == [False, True]


def test_files_that_were_read_earlier(file, tmp_path):
    """What they had then is known of them, not what came since."""
    secret = tmp_path / "token"
    secret.write_text("a")
    contents, read = Contents([file]), digests([secret])
    secret.write_text("b")
    contents.follow([file, secret], read)
    assert [contents.changed() for _ in range(2)] == [False, True]


def test_other_files_from_now_on(file, tmp_path):
    """What is known of those that stay is kept: a change that came between is not lost."""
    secret = tmp_path / "token"
    secret.write_text("a")
    contents = Contents([file])
    file.write_text("two")
    contents.follow([file, secret])
    assert [contents.changed() for _ in range(2)] == [False, True]
    contents.know()
    secret.write_text("b")
    assert [contents.changed() for _ in range(2)] == [False, True]
    contents.follow([file])
    assert not contents.changed()


def test_a_pipe_is_not_read(tmp_path):
    """What it had is gone once it was read, and nobody may write to it again."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    looking = threading.Thread(target=lambda: found.append(digests([pipe])), daemon=True)
    looking.start()
    looking.join(30)
    assert found == [{pipe: ""}]
    contents = Contents([pipe])
    assert not contents.changed()


def test_no_files_at_all():
    """Never change."""
    assert not Contents([]).changed()
