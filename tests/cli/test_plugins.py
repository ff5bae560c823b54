"""`syncer plugins`: what is installed, and the options of a kind."""

import click
import pytest
from rich.text import Text

from syncer.cli.plugins import one_kind
from syncer.plugin.manager import Plugins


def test_one_kind_is_shown_with_its_options_at_eighty_columns():
    """A kind that is a source and a sink is shown as both; the table's name shows one of them."""
    plugins = Plugins.discover()
    both = one_kind(plugins, "file")
    assert [line for line in both if line.startswith("[bold]s")] == [
        both[0],
        *one_kind(plugins, "sinks.file")[:1],
    ]
    assert any(line.startswith("  [bold]path[/]") for line in both)
    assert max(len(Text.from_markup(part)) for line in both for part in line.split("\n")) <= 80
    assert not [line for line in both if "memory" in line]


def test_an_unknown_kind_is_refused_with_a_hint():
    """A typo names the kind that was probably meant."""
    with pytest.raises(click.UsageError, match="did you mean 'memory'"):
        one_kind(Plugins.discover(), "memry")
