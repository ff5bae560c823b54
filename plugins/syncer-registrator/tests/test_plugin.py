"""The plugin as the host sees it: its entry point, its record, its options."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import attrs
import pytest

import syncer
import syncer_registrator
from syncer_registrator import RegistratorOptions, Suffix
from syncer_registrator.labels.known_keys import CHECK_KINDS, CHECK_SETTINGS, PLAIN

README = Path(__file__).parents[1] / "README.md"


def test_the_hook_offers_the_dialect():
    """The plugin's one record is the parser `registrator`."""
    (record,) = syncer_registrator.syncer_label_parsers()

    assert isinstance(record, syncer.LabelParser)
    assert (record.name, record.options) == ("registrator", RegistratorOptions)
    workload = syncer.Workload(source="s", scope="h", id="1", name="box", image="redis:6")
    ports = (syncer.Port(number=6379),)
    parsed = record.create(RegistratorOptions())(workload, syncer.Reachable(ports=ports))
    assert parsed.offers == (syncer.Offer(service="redis", port=6379),)


def test_the_entry_point_names_the_module():
    """An installed distribution is found in the group `syncer`."""
    try:
        found = distribution("syncer-registrator").entry_points.select(group="syncer")
    except PackageNotFoundError:
        pytest.skip("syncer-registrator is not installed here, only on the path")
    assert [(point.name, point.value) for point in found] == [("registrator", "syncer_registrator")]


def test_options_have_help_and_defaults():
    """Every option can be shown and left out."""
    assert RegistratorOptions().suffix is Suffix.AUTO
    for field in attrs.fields(RegistratorOptions):
        assert field.metadata["help"]


WRONG = [
    {"prefix": ""},
    {"default_name": ""},
    {"default_name": "{imag}"},
    {"default_name": "{label:}"},
    {"default_name": "{image"},
    {"tags": "a,{{.Name}}"},
    {"tags": "}"},
    {"suffix": "sometimes"},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_wrong_options_are_refused(options):
    """What cannot work is refused when the options are read, not for each workload."""
    with pytest.raises(ValueError, match="."):
        RegistratorOptions(**options)


def test_the_readme_lists_every_key_and_option():
    """No key and no option is left out of the reference."""
    text = README.read_text()
    keys = [f"SERVICE_{word.upper()}`" for word in PLAIN]
    keys += [f"`_{word.upper()}`" for word in CHECK_SETTINGS | set(CHECK_KINDS)]
    keys += [f"`{field.name}`" for field in attrs.fields(RegistratorOptions)]

    assert [key for key in keys if key not in text] == []


def test_asking_for_registration(read):
    """SERVICE_REGISTER=true asks in so many words, for one-off containers too; a name does not."""
    assert not read({"SERVICE_NAME": "web"}).asked
    assert read({"SERVICE_REGISTER": "true"}).asked
    assert read({"SERVICE_80_REGISTER": "yes"}).asked
    assert not read(env={"SERVICE_80_REGISTER": "yes"}).asked  # read from labels only
    assert not read({"SERVICE_81_REGISTER": "true"}, ports="80 81!").asked
