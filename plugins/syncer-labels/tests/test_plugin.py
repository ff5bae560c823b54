"""The plugin as the host sees it: its record, its options, its page."""

from pathlib import Path

import attrs
import pytest

import syncer
import syncer_labels
from syncer.kits.labels.checks import DETAILS
from syncer_labels import LabelsOptions
from syncer_labels.checks import KINDS, SETTINGS
from syncer_labels.parser import KEYS

README = Path(__file__).parents[1] / "README.md"


def test_the_hook_offers_the_dialect():
    """The plugin's one record is the parser `labels`."""
    (record,) = syncer_labels.syncer_label_parsers()

    assert isinstance(record, syncer.LabelParser)
    assert (record.name, record.options) == ("labels", LabelsOptions)


def test_the_prefix():
    """A dot is added where it is missing; no prefix at all would take every label."""
    assert LabelsOptions(prefix="shop").prefix == "shop."
    for wrong in ("", "."):
        with pytest.raises(ValueError, match="prefix must not be empty"):
            LabelsOptions(prefix=wrong)


def test_every_field_of_an_offer_and_of_a_check_can_be_said():
    """A field that a later version adds to the core is not forgotten here."""
    said = {"service": "name", "register_address": "address", "register_port": "address-port"}
    said |= {"warning_weight": "weight-warning", "mirror_health": "health", "protocol": "port"}
    for field in attrs.fields_dict(syncer.Offer).keys() - {"because", "checks", "meta"}:
        assert said.get(field, field.replace("_", "-")) in KEYS, field
    by_kind = {"kind", "key", "path", "ttl", "alias", "command", "headers"}
    fields = attrs.fields_dict(syncer.Check).keys() - by_kind
    assert fields == DETAILS.keys()
    assert list(SETTINGS.values()) == list(DETAILS.values())


def test_the_readme_lists_every_key_and_option():
    """No key and no option is left out of the reference."""
    text = README.read_text()
    keys = [f"| `syncer.web.{key}` |" for key in KEYS]
    keys += [f"| `syncer.web.check.{kind}` |" for kind in KINDS]
    keys += [f"`{setting}`" for setting in SETTINGS]
    keys += [f"| `{field.name}` |" for field in attrs.fields(LabelsOptions)]

    assert [key for key in keys if key not in text] == []
