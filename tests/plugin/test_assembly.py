"""An engine from a configuration and the installed plugins."""

import inspect
import pydoc
from importlib import import_module

import pytest

import syncer


@pytest.mark.parametrize("name", [n for n in syncer.__all__ if callable(getattr(syncer, n))])
def test_help_shows_no_value_of_the_environment(name, monkeypatch):
    """A default argument that is the environment would print its secrets."""
    value = "t0ken-of-the-process"
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", value)
    assert value not in pydoc.render_doc(getattr(syncer, name))


def test_no_default_argument_is_the_environment():
    """Neither in public modules nor in those of plugins and commands."""
    for home in {*syncer._HOME_OF.values(), "syncer.plugin.manager", "syncer.cli.shared"}:
        for _, function in inspect.getmembers(import_module(home), inspect.isfunction):
            assert "environ({" not in str(inspect.signature(function)), function


def test_plugins_that_the_settings_disable(tmp_path):
    """They are not loaded: their kinds are unknown. By file, flag or variable."""
    flags = {"sources": ["file=x.toml"], "sinks": ["memory"]}
    path = tmp_path / "syncer.toml"
    path.write_text("[plugins]\ndisable = ['builtin']\n")
    for given in (
        {"path": path},
        {"settings": ["plugins.disable=builtin"]},
        {"environ": {"SYNCER_DISABLE_PLUGINS": "builtin"}},
    ):
        with pytest.raises(syncer.ConfigError, match="no source of kind 'file'"):
            syncer.open_engine(**flags, **{"environ": {}, **given})
    syncer.open_engine(**flags, environ={}).stop()
