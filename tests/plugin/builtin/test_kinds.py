"""The built-in kinds come through the hooks, with options and URIs."""

import subprocess
import sys

import attrs
import pytest

from syncer import Context, Sink, Source
from syncer.plugin import builtin


def kinds(hook):
    return {kind.name: kind for kind in hook()}


def test_kinds_are_offered_and_can_be_made(tmp_path):
    """Each kind has options that are described, and makes what it says."""
    sinks, sources = kinds(builtin.syncer_sinks), kinds(builtin.syncer_sources)
    assert sorted(sinks) == ["file", "memory"]
    assert sorted(sources) == ["file"]
    for kind in (*sinks.values(), *sources.values()):
        assert kind.summary
        assert all(field.metadata["help"] for field in attrs.fields(kind.options))
    me = Context(name="x")
    assert isinstance(sinks["memory"].create(sinks["memory"].options(), me), Sink)
    options = sinks["file"].options(path=tmp_path / "a.json")
    assert isinstance(sinks["file"].create(options, me), Sink)
    options = sources["file"].options(path=tmp_path / "a.json")
    assert isinstance(sources["file"].create(options, me), Source)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a.json", {"path": "a.json"}),
        ("/etc/hosts", {"path": "/etc/hosts"}),
        ("file:///etc/hosts", {"path": "/etc/hosts"}),
        ("file+hosts:///x", {"path": "/x", "format": "hosts"}),
        ("file+prometheus://x%20y/z", {"path": "x y/z", "format": "prometheus"}),
        (
            "file:///x?unhealthy=drop&format=json",
            {"path": "/x", "unhealthy": "drop", "format": "json"},
        ),
    ],
)
def test_uris_of_the_file_sink(text, options):
    """A path, or a URI whose scheme may name the format."""
    assert kinds(builtin.syncer_sinks)["file"].from_uri(text) == options


@pytest.mark.parametrize("text", ["", "file://", "file+json://?unhealthy=drop"])
def test_uris_without_a_path(text):
    """A URI that names no file is refused with how to write it."""
    with pytest.raises(ValueError, match="names no file"):
        kinds(builtin.syncer_sinks)["file"].from_uri(text)
    with pytest.raises(ValueError, match="names no file"):
        kinds(builtin.syncer_sources)["file"].from_uri(text)


def test_uri_of_the_memory_sink():
    """The memory sink takes no value."""
    memory = kinds(builtin.syncer_sinks)["memory"]
    assert memory.from_uri("") == memory.from_uri("memory://") == {}
    with pytest.raises(ValueError, match="takes no value"):
        memory.from_uri("x")


def test_import_loads_no_kind():
    """Importing the plugin imports none of the kinds' modules."""
    code = (
        "import sys, syncer.plugin.builtin\n"
        "found = [m for m in sys.modules if m.startswith(('syncer.plugin.builtin.', 'yaml'))]\n"
        "sys.exit(', '.join(found) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
