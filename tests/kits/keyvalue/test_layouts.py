"""The layouts that every key-value sink shares, and what all layouts have in common."""

import json
import string
import sys

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import STATUS_KEY, ConfigError, Instance, PermanentError, Registration, Status
from syncer.api.registrations import Unhealthy, with_status
from syncer.kits.keyvalue import (
    JsonLayout,
    Layout,
    RegistratorLayout,
    load_layout,
    meaning,
    parked,
    record,
    segment,
    split_endpoint,
)
from syncer.testing import instances, make_instance, make_mark, make_registration, marks

JSON, PLAIN = JsonLayout("", {}), RegistratorLayout("", {})
ANY_TEXT = st.text(max_size=20)
#: Ids and service names as people may choose them: all but control characters.
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12
).filter(str.strip)


def found(layout, registration):
    """What a listing finds where a registration was written."""
    key = layout.key(registration.instance)
    twin = record.twin_of(registration).encode() if layout.twins else None
    entry = None if parked(layout, registration) else layout.value(registration).encode()
    return meaning(layout, key, entry, twin)


def shown(instance):
    """The instance as a sink writes it: without checks, its status in the metadata."""
    return attrs.evolve(with_status(instance, Unhealthy.KEEP), checks=())


@pytest.mark.parametrize("layout", [JSON, PLAIN], ids=["json", "registrator"])
@given(instance=instances(ids=NAMES), service=NAMES, mark=marks())
def test_what_is_written_is_read(layout, instance, service, mark):
    """Key, value and twin give back the whole registration, whatever the instance holds."""
    instance = attrs.evolve(shown(instance), service=service)
    registration = Registration(instance=instance, mark=mark)
    assert found(layout, registration) == registration
    assert layout.id_in(layout.key(instance)) == instance.id
    assert layout.key(instance).startswith(layout.base)


@given(instance=instances(statuses=st.sampled_from(Status)))
def test_json_tells_the_status(instance):
    """Consumers see the status in a field of its own, and syncer reads it back."""
    registration = make_registration(shown(instance))
    fields = json.loads(JSON.value(registration))
    assert fields["status"] == instance.status.value
    assert STATUS_KEY not in fields["meta"]
    assert found(JSON, registration) == registration


@given(first=st.tuples(NAMES, NAMES), second=st.tuples(NAMES, NAMES))
def test_no_two_instances_share_a_key(first, second):
    """Another service or another id is another key."""
    keys = [JSON.key(make_instance(service, id=id_)) for service, id_ in (first, second)]
    assert (keys[0] == keys[1]) == (first == second)


@pytest.mark.parametrize("layout", [JSON, PLAIN], ids=["json", "registrator"])
@given(value=ANY_TEXT | st.binary(max_size=20), last=ANY_TEXT)
def test_what_others_wrote_is_read_or_refused(layout, value, last):
    """Any value at any key is a registration without a mark, no entry, or a ValueError."""
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    try:
        one = meaning(layout, layout.base + last, raw, None)
    except ValueError:
        return
    assert one is None or one.mark is None


def test_json_of_others_needs_little():
    """Address and port are enough: the key tells service and id."""
    one = JSON.read("/services/web/a%2Fb", '{"address": "10.0.0.5", "port": 80, "more": 1}')
    assert one == Registration(
        instance=Instance(id="a/b", service="web", address="10.0.0.5", port=80)
    )
    named = JSON.read("/services/x/y", '{"name": "web", "id": "1", "address": "::1", "port": 80}')
    assert (named.instance.service, named.id) == ("web", "1")


def test_registrator_of_others():
    """Two parts below the prefix and an endpoint; anything deeper is no entry."""
    one = PLAIN.read("/services/web/host:web:80", " [fd00::5]:80\n")
    assert one.instance == Instance(id="host:web:80", service="web", address="fd00::5", port=80)
    assert PLAIN.read("/services/web/host/80", "10.0.0.5:80") is None
    with pytest.raises(ValueError, match="not address:port"):
        PLAIN.read("/services/web/x", "10.0.0.5")


@pytest.mark.parametrize(
    ("given_prefix", "leading_slash", "base"),
    [
        ("", None, "/services/"),
        ("a/b/", None, "/a/b/"),
        ("//a", None, "//a/"),
        ("/a", False, "a/"),
        ("//a", False, "a/"),
        ("a", True, "/a/"),
    ],
)
def test_prefixes(given_prefix, leading_slash, base):
    """A slash stands before the prefix where consumers want one, or where the store does."""
    assert JsonLayout(given_prefix, {}, leading_slash=leading_slash).base == base


def test_prefixes_without_a_slash():
    """Where consumers want none, two slashes are how to ask for one."""

    class Bare(JsonLayout):
        leading_slash = False

    assert Bare("/a", {}).base == "a/"
    assert Bare("//a", {}).base == "/a/"


@pytest.mark.parametrize("prefix", ["/", "//", "syncer", "/syncer", "/syncer/services"])
def test_prefixes_that_are_refused(prefix):
    """No prefix at all, and those below which twins stand, are not possible."""
    with pytest.raises(ConfigError, match="choose one of its own"):
        JsonLayout(prefix, {})


@given(first=ANY_TEXT.filter(str.isprintable), second=NAMES)
def test_segments_stay_apart(first, second):
    """Two texts never make the same part of a key, and a part never spans two."""
    for text in (first, second):
        assert "/" not in segment(text)
        assert segment(text) not in (".", "..")
    assert (segment(first) == segment(second)) == (first == second)


def test_segments():
    """Parts of keys are as people write them, unless that would be another key."""
    assert segment("host:web:80") == "host:web:80"
    assert segment("a/b%") == "a%2Fb%25"
    assert (segment("."), segment("..")) == ("%2E", "%2E%2E")
    assert segment("ü x\n") == "ü x%0A"
    plain = string.ascii_letters + string.digits + string.punctuation.replace("/", "")
    assert segment(plain.replace("%", "")) == plain.replace("%", "")


def test_endpoints():
    """Address and port, IPv6 in brackets; what is neither is refused."""
    assert split_endpoint("10.0.0.5:80") == ("10.0.0.5", 80)
    assert split_endpoint(" [::1]:80\n") == ("[::1]", 80)
    for text in ("", "80", ":80", "host", "host:", "host:x"):
        with pytest.raises(ValueError, match=r"not address:port|invalid literal"):
            split_endpoint(text)


def test_needs_port():
    """An instance without a port is refused by layouts that need one."""
    PLAIN.fit(make_instance())
    with pytest.raises(PermanentError, match="has no port"):
        PLAIN.fit(make_instance(port=0))
    JSON.fit(make_instance(port=0))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Installs a distribution with a layout: the code of its module, and its class."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(code, value):
        (tmp_path / "kit_of_somebody.py").write_text(code)
        info = tmp_path / "somebody-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebody\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[test.layouts]\nmine = kit_of_somebody{value}\n")

    yield install
    sys.modules.pop("kit_of_somebody", None)


def test_layouts_of_others_are_found(elsewhere):
    """A layout is found by the entry point of any distribution, and gets prefix and settings."""
    elsewhere(
        "from syncer.kits.keyvalue import JsonLayout\n"
        "class Mine(JsonLayout):\n"
        "    knows = ('colour',)\n",
        ":Mine",
    )
    layout = load_layout("test.layouts", "mine", "/here", {"colour": "red"})
    assert isinstance(layout, Layout)
    assert layout.base == "/here/"
    assert load_layout("test.layouts", "mine", "/here", {}, leading_slash=False).base == "here/"


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("mime", {}, r"no layout 'mime'; did you mean 'mine'\? \(there are: mine\)"),
        ("quite-other", {}, r"no layout 'quite-other' \(there are: mine\)"),
        ("mine", {"x": "y"}, "layout mine: this layout has no option 'x': it has colour"),
        ("mine", {"colour": "blue"}, r"layout mine of somebody cannot be used: KeyError"),
    ],
)
def test_layouts_that_cannot_be_had(elsewhere, name, settings, words):
    """A wrong name, a wrong option and a layout that fails are named, with what there is."""
    elsewhere(
        "from syncer.kits.keyvalue import JsonLayout\n"
        "class Mine(JsonLayout):\n"
        "    knows = ('colour',)\n"
        "    def __init__(self, prefix, settings):\n"
        "        super().__init__(prefix, settings)\n"
        "        if settings: {}['nothing']\n",
        ":Mine",
    )
    with pytest.raises(ConfigError, match=words):
        load_layout("test.layouts", name, "", settings)


def test_layouts_that_cannot_be_imported(elsewhere):
    """A module that cannot be imported is the fault of its distribution, which is named."""
    elsewhere("import nothing_of_this_name\n", ":Mine")
    with pytest.raises(ConfigError, match="mine of somebody cannot be used: ModuleNotFoundError"):
        load_layout("test.layouts", "mine", "", {})


def test_options_without_any():
    """A layout without options says so."""
    with pytest.raises(ConfigError, match="no option 'colour': it has none"):
        JsonLayout("", {"colour": "red"})


def test_the_mark_is_in_the_object():
    """JSON holds the mark itself, and needs no twin."""
    registration = make_registration(via="consul:dc1")
    fields = json.loads(JSON.value(registration))
    assert fields[record.OWN] == make_mark(via="consul:dc1").fields()
    assert not JSON.twins
    assert PLAIN.twins
