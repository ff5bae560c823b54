"""Laws of the file formats, over generated registrations."""

import json

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer import PermanentError
from syncer.plugin.builtin import codec
from syncer.plugin.builtin.formats import JsonFormat, PrometheusFormat
from syncer.plugin.builtin.hosts import HostsFormat
from syncer.testing import checks, instances, make_instance, marks, natives, registrations

FORMATS = [JsonFormat(), PrometheusFormat(), HostsFormat()]
each_format = pytest.mark.parametrize("layout", FORMATS, ids=lambda f: type(f).__name__)
some = st.lists(registrations(), max_size=4, unique_by=lambda r: r.id)
calm = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


def _fits(layout, registration):
    try:
        layout.fit(registration.instance)
    except PermanentError:
        return False
    return True


@each_format
@calm
@given(some)
def test_round_trip(layout, made):
    """What is written is read back equal, with its mark and undamaged, and written the same."""
    made = [registration for registration in made if _fits(layout, registration)]
    text = layout.render([layout.entry(registration) for registration in made])
    entries = layout.parse(text)
    found = {e.id: e.registration for e in entries}
    assert found == {r.id: r for r in made}
    assert layout.render(entries) == text


@calm
@given(instances(checks_of=natives() | checks()), marks())
def test_json_types_hold_everything(instance, mark):
    """Checks in the user's form and in a sink's come through JSON unchanged."""
    made = attrs.evolve(codec.registration_of({"id": "x", "service": "x", "address": "x"}))
    made = attrs.evolve(made, instance=instance, mark=mark)
    back = codec.registration_of(json.loads(codec.dumps(codec.fields_of(made))))
    assert back == made
    assert back.instance.digest() == instance.digest()


@each_format
@calm
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(layout, text):
    """No content makes anything but entries or ValueError; what is read is kept."""
    try:
        entries = layout.parse(text)
    except ValueError:
        return
    if isinstance(layout, HostsFormat):
        assert layout.render(entries) == text
    assert all(entry.registration is None or entry.id for entry in entries)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
fields = st.fixed_dictionaries(
    {"id": json_values, "service": json_values, "address": json_values},
    optional={
        name: json_values
        for name in ("port", "tags", "meta", "checks", "mark", "weight", "protocol", "new")
    },
)


@calm
@given(st.lists(fields, max_size=2))
def test_strange_entries_are_kept(rows):
    """Entries of any shape are listed or called broken, and come out as they were."""
    layout = JsonFormat()
    entries = layout.parse(json.dumps({"registrations": rows}))
    assert [entry.raw for entry in entries] == rows
    assert all(entry.broken or entry.registration for entry in entries)


def test_half_a_character_of_others_stays():
    """An entry that holds half a surrogate pair, escaped, does not keep others from writing."""
    layout = JsonFormat()
    text = '{"registrations": [{"id": "\\ud800", "service": "x", "address": "x"}]}'
    entries = layout.parse(text)
    assert layout.render(entries).encode()
    assert layout.parse(layout.render(entries)) == entries


def test_fields_of_a_later_version_are_damage_only():
    """A field that this version does not know hides nothing."""
    row = {"id": "x", "service": "web", "address": "10.0.0.1", "colour": "red"}
    (entry,) = JsonFormat().parse(json.dumps({"registrations": [row]}))
    assert entry.registration.instance.service == "web"
    assert entry.registration.damaged


@pytest.mark.parametrize("service", ["localhost", "LocalHost", "x.localhost"])
def test_a_label_does_not_take_the_hosts_own_name(service):
    """Programs of the host would be led to a container."""
    with pytest.raises(PermanentError, match="is this host"):
        HostsFormat().fit(make_instance(service))
