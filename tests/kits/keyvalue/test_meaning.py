"""What an entry and its twin mean together, when one of them is gone, copied or edited."""

import attrs
import pytest

from syncer import Instance, Registration
from syncer.kits.keyvalue import JsonLayout, RegistratorLayout, by_id, meaning, parked, record
from syncer.testing import make_instance, make_registration

JSON, PLAIN = JsonLayout("", {}), RegistratorLayout("", {})
WEB = make_registration(make_instance(tags=("blue",)))
KEY = PLAIN.key(WEB.instance)
ENTRY, TWIN = PLAIN.value(WEB).encode(), record.twin_of(WEB).encode()


def test_entry_with_twin():
    """The twin tells all, and the entry agrees."""
    assert meaning(PLAIN, KEY, ENTRY, TWIN) == WEB


def test_entry_without_twin():
    """An entry alone is somebody else's."""
    found = meaning(PLAIN, KEY, ENTRY, None)
    assert found.mark is None
    assert found.instance.endpoint == WEB.instance.endpoint


def test_twin_without_entry():
    """A twin alone is ours, with its entry gone."""
    found = meaning(PLAIN, KEY, None, TWIN)
    assert found.damaged == f"its entry {KEY} is gone"
    assert attrs.evolve(found, damaged="") == WEB


def test_drained_by_hand():
    """Where the layout cannot say it, the twin alone stands, and an entry beside it is damage."""
    drained = attrs.evolve(WEB, mark=attrs.evolve(WEB.mark, hold="drain"))
    twin = record.twin_of(drained).encode()
    assert meaning(PLAIN, KEY, None, twin) == drained
    found = meaning(PLAIN, KEY, ENTRY, twin)
    assert found.damaged == f"its entry {KEY} exists, though it is drained"
    assert parked(PLAIN, drained)
    assert not parked(PLAIN, WEB)
    assert not parked(JSON, drained)


def test_nothing():
    """Nothing means nothing."""
    assert meaning(PLAIN, KEY, None, None) is None
    assert meaning(PLAIN, f"{KEY}/deeper", ENTRY, None) is None


def test_entry_that_was_edited():
    """An entry that says otherwise than its twin is damaged: the twin is what we wrote."""
    found = meaning(PLAIN, KEY, b"10.9.9.9:9", TWIN)
    assert found.damaged == "its entry was edited by hand"
    assert found.instance == WEB.instance
    value = JSON.value(WEB)
    edited = meaning(
        JSON, JSON.key(WEB.instance), value.replace('"port":8080', '"port": 8080').encode(), None
    )
    assert edited.damaged == "its entry was edited by hand"


@pytest.mark.parametrize(
    "twin",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        b"\xff",
        record.twin_of(attrs.evolve(WEB, mark=None)).encode(),
    ],
)
def test_twin_that_says_nothing(twin):
    """A twin that cannot be read, or has no mark, counts as none."""
    assert meaning(PLAIN, KEY, ENTRY, twin).mark is None
    assert meaning(PLAIN, KEY, None, twin) is None


def test_copies_are_not_ours():
    """A mark counts only under the key that it was put under, in the value or in the twin."""
    copy = meaning(PLAIN, "/services/web/copy", ENTRY, TWIN)
    assert (copy.id, copy.mark) == ("copy", None)
    assert meaning(PLAIN, "/services/web/copy", None, TWIN) is None
    key = "/services/web/copy"
    found = meaning(JSON, key, JSON.value(WEB).encode(), None)
    assert (found.id, found.mark) == (key, None)


@pytest.mark.parametrize("entry", [b"\xff", b"nonsense", b"[" * 5000, b'{"port": 1}', b"null"])
def test_what_cannot_be_understood(entry):
    """The error names the key, whatever the layout raised."""
    with pytest.raises(ValueError, match="/services/web/x cannot be read"):
        meaning(JSON, "/services/web/x", entry, None)


def unmarked(id_):
    return Registration(instance=Instance(id=id_, service="s", address="10.0.0.1", port=1))


def test_ids_are_unique():
    """Of several entries of one id ours keeps it, and the others go by their keys."""
    theirs = make_registration(owner="another")
    found = by_id({"/a": unmarked(WEB.id), "/b": theirs, "/c": WEB, "/d": unmarked("d")}, "syncer")
    assert found[WEB.id] == WEB
    assert set(found) == {WEB.id, "/a", "/b", "d"}
    assert found["/b"].mark == theirs.mark
    assert all(id_ == one.id for id_, one in found.items())


def test_ids_without_ours():
    """Among entries of others the first key keeps the id, in whatever order they were read."""
    theirs = make_registration(make_instance(id="x"), owner="another")
    found = by_id({"/b": unmarked("x"), "/a": theirs}, "syncer")
    assert found == {"x": theirs, "/b": unmarked("/b")}
    assert by_id({}, "syncer") == {}
