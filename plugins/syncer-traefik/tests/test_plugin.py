"""The plugin as the host sees it: its record, its options, its page."""

from pathlib import Path

import attrs

import syncer
import syncer_traefik
from syncer_traefik import TraefikOptions

README = Path(__file__).parents[1] / "README.md"


def test_the_hook_offers_the_dialect():
    """The plugin's one record is the parser `traefik`."""
    (record,) = syncer_traefik.syncer_label_parsers()

    assert isinstance(record, syncer.LabelParser)
    assert (record.name, record.options) == ("traefik", TraefikOptions)


def test_the_readme_lists_every_option():
    """No option is left out of the reference."""
    text = README.read_text()
    for field in attrs.fields(TraefikOptions):
        assert f"| `{field.name}` |" in text
