"""Records: an instance and its mark as JSON, complete, and what is no such thing."""

import contextlib
import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import PermanentError
from syncer.kits.keyvalue import record
from syncer.testing import instances, make_instance, make_registration, registrations

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(registrations())
def test_twins_tell_all(registration):
    """A twin gives back the instance, without its checks, and the mark."""
    bare = attrs.evolve(registration, instance=attrs.evolve(registration.instance, checks=()))
    assert record.from_twin(record.twin_of(bare)) == bare


@given(instances())
def test_fields_tell_all(instance):
    """The fields that are set give back the instance, without its checks."""
    fields = record.fields_of(instance)
    assert record.instance_of(fields) == attrs.evolve(instance, checks=())


def test_defaults_are_left_out():
    """What is at its default is not written, so that later fields change no record."""
    fields = record.fields_of(make_instance())
    assert sorted(fields) == ["address", "id", "port", "service"]
    assert record.fields_of(make_instance(weight=0), without=("id", "port"))["weight"] == 0
    assert "port" not in record.fields_of(make_instance(), without=("id", "port"))


def test_unknown_fields_are_passed_over():
    """A record of a later version is read."""
    fields = json.loads(record.twin_of(make_registration()))
    found = record.from_twin(json.dumps({**fields, "colour": "red"}))
    assert found == make_registration()


@given(
    fields=st.dictionaries(
        st.sampled_from(["id", "service", "address", "port", "tags", "meta", "weight", "mark"]),
        ANY_JSON,
    )
)
def test_from_twin_refuses_by_value_error(fields):
    """Whatever stands in a twin is a registration or a ValueError."""
    with contextlib.suppress(ValueError):
        record.from_twin(json.dumps(fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"tags": "blue"},
        {"tags": [1]},
        {"meta": []},
        {"meta": {"a": 1}},
        {"address": 7},
        {"id": None},
    ],
)
def test_what_must_be_text_is(fields):
    """A number or a list where text belongs is refused, not turned into text."""
    base = record.fields_of(make_instance())
    with pytest.raises(ValueError, match="must be"):
        record.instance_of({**base, **fields})


@pytest.mark.parametrize("text", ["", "[]", "null", "7", "{", "[" * 100_000, '"text"'])
def test_loads_wants_an_object(text):
    """What is no JSON object is a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 - the words are those of json, or ours
        record.loads(text)


def test_dumps():
    """One line, no blanks, letters of every script; nothing that JSON or UTF-8 cannot say."""
    assert record.dumps({"a": ["ü", 1]}) == '{"a":["ü",1]}'
    for value in (float("nan"), "\ud800"):
        with pytest.raises(ValueError):  # noqa: PT011 - the words are Python's
            record.dumps(value)


@pytest.mark.parametrize("fields", [None, [], "text", {}, {"owner": "me"}, {"owner": 1}])
def test_marks_that_are_none(fields):
    """A mark is whole, or there is none."""
    assert record.mark_of(fields) is None


def test_what_is_reserved():
    """Metadata of our own name is refused where we write there."""
    record.free_of_own(make_instance(meta={"team": "shop"}))
    with pytest.raises(PermanentError, match="'syncer' is reserved"):
        record.free_of_own(make_instance(meta={"syncer": "x"}))
