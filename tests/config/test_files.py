"""Notice changed files: rewritten, swapped by a link, gone, half written."""

import os
import threading

import pytest

from syncer.config.files import FileWatch, digests


@pytest.fixture
def file(tmp_path):
    """A file with something in it."""
    path = tmp_path / "syncer.toml"
    path.write_text("one")
    return path


def test_nothing_changes(file):
    """However often it is checked; rewriting the same content is not a change."""
    watch = FileWatch([file])
    assert not watch.changed()
    file.write_text("one")
    os.utime(file, (1, 1))
    assert not watch.changed()
    assert not watch.changed()


def test_a_change_is_seen_once_it_stays(file):
    """At the second check with the same content: a file may be half written."""
    watch = FileWatch([file])
    file.write_text("tw")
    assert not watch.changed()
    file.write_text("two")
    assert not watch.changed()
    assert watch.changed()
    assert not FileWatch([file]).changed()


def test_a_change_that_is_taken_back(file):
    """Is not a change."""
    watch = FileWatch([file])
    file.write_text("two")
    assert not watch.changed()
    file.write_text("one")
    assert not watch.changed()
    assert not watch.changed()


def test_a_file_that_is_gone_for_a_while(file):
    """Is not a change: an editor may be writing it."""
    watch = FileWatch([file])
    file.unlink()
    assert [watch.changed() for _ in range(3)] == [False] * 3
    file.write_text("two")
    assert [watch.changed() for _ in range(2)] == [False, True]


def test_a_link_that_is_swapped(tmp_path):
    """As Kubernetes mounts a ConfigMap: a link points to another folder."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "syncer.toml").write_text(name)
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "syncer.toml").symlink_to("..data/syncer.toml")
    watch = FileWatch([tmp_path / "syncer.toml"])
    (tmp_path / "..new").symlink_to("second")
    (tmp_path / "..new").replace(tmp_path / "..data")
    assert [watch.changed() for _ in range(2)] == [False, True]


def test_a_secret_that_is_gone(file, tmp_path):
    """A missing secret is a change: unlike the configuration file, it is not waited for."""
    secret = tmp_path / "token"
    secret.write_text("a")
    watch = FileWatch([file, secret])
    file.write_text("two")
    secret.unlink()
    assert [watch.changed() for _ in range(2)] == [False, True]


def test_files_that_are_followed_before_they_are_read(file, tmp_path):
    """A change after that is seen, however often they are followed again."""
    secret = tmp_path / "token"
    secret.write_text("a")
    watch = FileWatch([file])
    watch.follow([file, secret])
    secret.write_text("b")
    watch.follow([file, secret])
    assert [watch.changed() for _ in range(2)] == [False, True]


def test_other_files_from_now_on(file, tmp_path):
    """Files that stay keep their known content: a change in between is not lost."""
    secret = tmp_path / "token"
    secret.write_text("a")
    watch = FileWatch([file])
    file.write_text("two")
    watch.follow([file, secret])
    assert [watch.changed() for _ in range(2)] == [False, True]
    watch = FileWatch([file, secret])
    secret.write_text("b")
    assert [watch.changed() for _ in range(2)] == [False, True]
    watch.follow([file])
    assert not watch.changed()


def test_a_pipe_is_not_read(tmp_path):
    """Reading it would take its content, and could block forever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    looking = threading.Thread(target=lambda: found.append(digests([pipe])), daemon=True)
    looking.start()
    looking.join(30)
    assert found == [{pipe: ""}]
    watch = FileWatch([pipe])
    assert not watch.changed()


def test_no_files_at_all():
    """Never change."""
    assert not FileWatch([]).changed()
