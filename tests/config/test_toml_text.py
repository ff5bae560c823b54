"""Settings as the text of a TOML file."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import Secret
from syncer.config.toml_text import toml_text, toml_value
from syncer.config.tree import tomllib

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.one_of(TEXTS, st.booleans(), st.integers(-(2**31), 2**31), st.lists(TEXTS, max_size=3))
TABLES = st.recursive(
    st.dictionaries(TEXTS, VALUES, max_size=4),
    lambda inner: st.dictionaries(TEXTS, VALUES | inner, max_size=4),
    max_leaves=12,
)


@given(TABLES)
def test_what_is_written_is_read_back(settings):
    """The text parses back to the same settings, whatever the keys and values."""
    assert tomllib.loads(toml_text(settings)) == settings


def test_how_it_looks():
    """Own keys come first, and a table that only has tables has no heading."""
    settings = {
        "sinks": {"consul": {"address": "h:8500", "adopt": ("own",)}},
        "interval": timedelta(seconds=90),
    }
    assert toml_text(settings) == (
        'interval = "1m30s"\n\n[sinks.consul]\naddress = "h:8500"\nadopt = ["own"]\n'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.5, "1.5"),
        ('a"b\\c\n', r'"a\"b\\c\n"'),
        ("\x7f", r'"\u007f"'),
        (Secret("x"), '"x"'),
    ],
)
def test_values(value, text):
    """Each value is written in its TOML form."""
    assert toml_value(value) == text
