"""The plugin manager, against distributions on disk: one for each way to fail."""

import importlib
import subprocess
import sys
import textwrap
import types

import attrs
import pytest

import syncer
from syncer.events import LeaseLost
from syncer.plugin.manager import Plugins

EVENT = LeaseLost(sink="alpha", lost=1)

GOOD = """
    import attrs, syncer

    @attrs.frozen
    class Options:
        url: str = syncer.option("", help="Where it is")

    @syncer.hookimpl
    def syncer_sinks():
        return [syncer.SinkType(name="{kind}", options=Options, create=print, schemes=("{kind}",))]
"""


class Site:
    """A directory on the import path that distributions are written to."""

    def __init__(self, path):
        self.path = path

    def install(self, distribution, entry_points, version="1.0", metadata=True, **modules):
        for name, text in modules.items():
            (self.path / f"{name}.py").write_text(textwrap.dedent(text))
        info = self.path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = "".join(f"{name} = {value}\n" for name, value in entry_points.items())
        (info / "entry_points.txt").write_text(f"[syncer]\n{lines}")
        if metadata:
            head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
            (info / "METADATA").write_text(head)
        importlib.invalidate_caches()

    def good(self, kind, version="1.0"):
        """A distribution `other-KIND` with the module `KIND_plugin` that offers the sink KIND."""
        modules = {f"{kind}_plugin": GOOD.format(kind=kind)}
        self.install(f"other-{kind}", {kind: f"{kind}_plugin"}, version, **modules)

    def broken(self, text, name="broken"):
        """A distribution whose one module, of the name given, has this text."""
        self.install(f"other-{name}", {name: f"{name}_plugin"}, **{f"{name}_plugin": text})


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Site(tmp_path)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def info(plugins, name):
    (found,) = [plugin for plugin in plugins.report() if plugin.name == name]
    return found


@attrs.frozen
class Options:
    url: str = syncer.option("", help="Where it is")


def sink_type(name="alpha", **changes):
    return syncer.SinkType(**{"name": name, "options": Options, "create": print, **changes})


def source_type(name="alpha", **changes):
    return syncer.SourceType(**{"name": name, "options": Options, "create": print, **changes})


def module_of(**functions):
    """A module whose functions, named by their keywords, return or do what is given."""
    module = types.ModuleType("given")
    for name, made in functions.items():
        function = made if callable(made) else (lambda made=made: made)
        if not callable(made):
            # pluggy passes no argument that has a default, so `made` stays as it is.
            function.__name__ = name
        setattr(module, name, syncer.hookimpl(function))
    return module


def registered(**functions):
    plugins = Plugins()
    plugins.register(module_of(**functions), "given")
    return plugins


def test_looks_kinds_up_by_name(site):
    """A kind of an installed plugin is found by its name, with its record as it was returned."""
    site.good("alpha")
    plugins = Plugins.discover()
    assert isinstance(plugins.kind(syncer.SinkType, "alpha"), syncer.SinkType)
    assert plugins.kinds(syncer.SinkType)["alpha"] is plugins.kind(syncer.SinkType, "alpha")
    assert plugins.by_scheme(syncer.SinkType, "ALPHA://host") is plugins.kind(
        syncer.SinkType, "alpha"
    )


def test_each_role_has_its_table():
    """Sources, sinks, label parsers and check translators may have the same name."""
    source, sink = source_type(), sink_type()
    parser = syncer.LabelParser(name="alpha", options=Options, create=print)
    translator = syncer.CheckTranslator(name="t", sink_kind="alpha", create=print)
    plugins = registered(
        syncer_sources=[source],
        syncer_sinks=(sink,),
        syncer_label_parsers=[parser],
        syncer_check_translators=[translator],
    )
    assert plugins.kind(syncer.SourceType, "alpha") is source
    assert plugins.kind(syncer.SinkType, "alpha") is sink
    assert plugins.kind(syncer.LabelParser, "alpha") is parser
    assert plugins.check_translator("alpha") is translator
    assert plugins.check_translator("beta") is None
    assert plugins.kinds(syncer.SourceType) == {"alpha": source}
    assert plugins.kinds(syncer.SinkType) == {"alpha": sink}
    assert plugins.kinds(syncer.LabelParser) == {"alpha": parser}
    assert plugins.kinds(syncer.CheckTranslator) == {"alpha": translator}
    assert plugins.names(syncer.LabelParser) == ("alpha",)
    assert info(plugins, "given").kinds == (
        "source alpha",
        "sink alpha",
        "label parser alpha",
        "check translator alpha",
    )


def test_imports_nothing_before_the_first_look_up(site):
    """Creating the manager imports no plugin; looking up a kind does."""
    site.good("alpha")
    plugins = Plugins.discover()
    assert "alpha_plugin" not in sys.modules
    plugins.kind(syncer.SinkType, "alpha")
    assert "alpha_plugin" in sys.modules


def test_report_names_distribution_and_version(site):
    """The report says where each plugin comes from, in which version, and what it offers."""
    site.good("alpha", version="2.3")
    found = info(Plugins.discover(), "alpha")
    assert (found.distribution, found.version) == ("other-alpha", "2.3")
    assert (found.state, found.error, found.kinds) == ("ok", "", ("sink alpha",))


def test_a_plugin_that_cannot_be_imported_stops_no_other(site):
    """An import error is recorded with its plugin, and other plugins are loaded."""
    site.good("alpha")
    site.broken("import no_such_module", name="aaa")
    plugins = Plugins.discover()
    assert plugins.kind(syncer.SinkType, "alpha")
    found = info(plugins, "aaa")
    assert (found.state, found.kinds) == ("failed", ())
    assert found.error == "ModuleNotFoundError: No module named 'no_such_module'"


def test_a_broken_plugin_is_fatal_if_its_kind_is_used(site):
    """Asking for a kind with a broken plugin's name names plugin, distribution, version, cause."""
    site.broken("import no_such_module", name="beta")
    with pytest.raises(syncer.PluginError) as raised:
        Plugins.discover().kind(syncer.SinkType, "beta")
    text = str(raised.value)
    assert "'beta' (other-beta 1.0) is broken: ModuleNotFoundError" in text
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_an_unknown_kind_names_the_broken_plugins(site):
    """Broken plugins are named: they may have offered the missing kind."""
    site.broken("1 / 0", name="beta")
    with pytest.raises(syncer.ConfigError, match=r"broken plugins: .*'beta' \(other-beta 1.0\)"):
        Plugins.discover().kind(syncer.SinkType, "gamma")


def test_a_plugin_may_not_end_the_program(site):
    """A module that calls `sys.exit` when it is imported is a broken plugin."""
    site.broken("raise SystemExit(0)")
    assert info(Plugins.discover(), "broken").error == "SystemExit: 0"


def test_two_distributions_with_one_plugin_name(site):
    """Two distributions with one entry-point name are refused at every look-up, both named."""
    site.good("alpha")
    site.good("beta")
    site.install("rival-alpha", {"alpha": "rival"}, version="7", rival=GOOD.format(kind="gamma"))
    plugins = Plugins.discover()
    with pytest.raises(syncer.PluginError, match="'alpha': other-alpha 1.0, rival-alpha 7"):
        plugins.kind(syncer.SinkType, "beta")
    assert [p.state for p in plugins.report() if p.name == "alpha"] == ["failed", "failed"]
    assert "rival" not in sys.modules
    assert Plugins.discover(disabled=["alpha"]).kind(syncer.SinkType, "beta")


def test_a_fork_that_names_the_same_module(site):
    """Two distributions with equal entry points are refused too: which one is imported?"""
    site.good("alpha")
    site.install("fork-alpha", {"alpha": "alpha_plugin"})
    with pytest.raises(syncer.PluginError, match="'alpha': fork-alpha 1.0, other-alpha 1.0"):
        Plugins.discover().kind(syncer.SinkType, "alpha")


def test_stale_metadata_is_no_second_plugin(site):
    """A distribution that is listed twice on the import path counts once."""
    site.good("alpha")
    stale = site.path / "other_alpha.egg-info"
    stale.mkdir()
    (stale / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: other-alpha\nVersion: 0.9\n")
    (stale / "entry_points.txt").write_text("[syncer]\nalpha = alpha_plugin\n")
    importlib.invalidate_caches()
    assert Plugins.discover().kind(syncer.SinkType, "alpha")


def test_metadata_without_a_name(site):
    """A distribution whose metadata cannot be read still works and is shown."""
    site.install("nameless", {"alpha": "alpha_plugin"}, metadata=False)
    (site.path / "alpha_plugin.py").write_text(textwrap.dedent(GOOD.format(kind="alpha")))
    (entry,) = [e for e in importlib.metadata.entry_points(group="syncer") if e.name == "alpha"]
    plugins = Plugins(lambda: [entry, importlib.metadata.EntryPoint("beta", "sys", "syncer")])
    assert plugins.kind(syncer.SinkType, "alpha")
    assert info(plugins, "beta").distribution == "unknown distribution"


def test_two_plugins_with_one_kind(site):
    """Two plugins that offer one kind are an error only if it is used; both are named."""
    site.good("alpha")
    site.good("beta")
    site.install("rival", {"rival": "rival"}, version="7", rival=GOOD.format(kind="alpha"))
    plugins = Plugins.discover()
    assert plugins.kind(syncer.SinkType, "beta")
    assert "alpha" not in plugins.kinds(syncer.SinkType)
    with pytest.raises(syncer.PluginError) as raised:
        plugins.kind(syncer.SinkType, "alpha")
    assert "'alpha' (other-alpha 1.0) and 'rival' (rival 7)" in str(raised.value)
    found = info(plugins, "alpha")
    assert found.state == "conflict"
    assert found.error == "sink 'alpha' is also offered by 'rival' (rival 7)"
    with pytest.raises(syncer.PluginError, match="alpha://"):
        plugins.by_scheme(syncer.SinkType, "alpha://host")


def test_two_check_translators_for_one_sink():
    """Two translators for one kind of sink are a conflict, whatever they are called."""
    plugins = Plugins()
    for name in ("one", "two"):
        translator = syncer.CheckTranslator(name=name, sink_kind="alpha", create=print)
        plugins.register(module_of(syncer_check_translators=[translator]), name)
    with pytest.raises(syncer.PluginError, match="check translator 'alpha' is offered by"):
        plugins.check_translator("alpha")


def test_a_misspelt_hook_names_the_nearest(site):
    """A function marked as a hook that syncer does not have is a failure, with the right name."""
    site.broken("import syncer\n@syncer.hookimpl\ndef syncer_sink():\n    return []\n")
    error = info(Plugins.discover(), "broken").error
    assert error == "syncer_sink is not a hook of syncer; did you mean 'syncer_sinks'?"


def test_an_optional_hook_may_be_unknown(site):
    """A hook of a later version, marked as optional, is ignored."""
    site.broken(
        textwrap.dedent(GOOD.format(kind="alpha"))
        + "@syncer.hookimpl(optionalhook=True)\ndef syncer_of_the_future():\n    return []\n"
    )
    assert Plugins.discover().kind(syncer.SinkType, "alpha")


@pytest.mark.parametrize(
    "text",
    [
        "def syncer_sinks():\n    return []\n",
        "import pluggy\n@pluggy.HookimplMarker('other')\ndef syncer_sinks():\n    return []\n",
    ],
)
def test_a_module_without_hooks_is_a_failure(site, text):
    """A plugin whose functions are not marked, or marked for another program, is a failure."""
    site.broken(text)
    assert "no function marked by @syncer.hookimpl" in info(Plugins.discover(), "broken").error


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_wrappers_are_refused(site, option):
    """Nothing may change what other plugins offer."""
    site.broken(
        f"import syncer\n@syncer.hookimpl({option}=True)\ndef syncer_sinks():\n    return (yield)\n"
    )
    error = info(Plugins.discover(), "broken").error
    assert error == "syncer_sinks is a wrapper: wrappers are refused"


def test_a_failing_plugin_is_not_half_registered(site):
    """A plugin refused for one of its hooks is not called by any other."""
    site.broken(
        """
        import syncer
        heard = []

        @syncer.hookimpl
        def syncer_event(event):
            heard.append(event)

        @syncer.hookimpl
        def syncer_sinks(extra):
            return []
        """
    )
    plugins = Plugins.discover()
    assert "extra" in info(plugins, "broken").error
    plugins.notify(EVENT)
    assert sys.modules["broken_plugin"].heard == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("def syncer_sinks():\n    return None", "syncer_sinks raised TypeError"),
        ("def syncer_sinks():\n    1 / 0", "syncer_sinks raised ZeroDivisionError"),
        ("def syncer_sinks():\n    yield 1 / 0", "syncer_sinks raised ZeroDivisionError"),
        ("def syncer_sinks(*, key):\n    return []", "syncer_sinks raised TypeError"),
        ("def syncer_sinks():\n    return ['x']", "syncer_sinks returned a str, not a SinkType"),
    ],
)
def test_a_hook_that_fails_is_kept_with_its_plugin(site, text, error):
    """An exception or wrong result of a hook does not affect other plugins."""
    site.good("alpha")
    site.broken(f"import syncer\n@syncer.hookimpl\n{text}\n", name="aaa")
    plugins = Plugins.discover()
    assert plugins.kind(syncer.SinkType, "alpha")
    assert info(plugins, "aaa").error.startswith(error)


def test_a_plugin_is_a_module(site):
    """An entry point that names an object in a module is refused."""
    site.install("other", {"alpha": "alpha_plugin:Options"}, alpha_plugin=GOOD.format(kind="alpha"))
    assert info(Plugins.discover(), "alpha").error == "names a type; a plugin is a module"


def test_one_module_under_two_names(site):
    """The second entry point for a module is a failure, the first one works."""
    site.install("other", {"one": "both", "two": "both"}, both=GOOD.format(kind="alpha"))
    plugins = Plugins.discover()
    assert plugins.kind(syncer.SinkType, "alpha")
    assert info(plugins, "two").state == "failed"


@attrs.frozen
class Reserved:
    policy: str = syncer.option("", help="Clashes with the policy of every sink")


@attrs.frozen
class Unresolvable:
    url: "NoSuchType" = syncer.option("", help="Cannot be read")  # noqa: F821 - that is the point


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (sink_type(name="a b"), "sink 'a b': invalid name"),
        (sink_type(name=7), "sink 7: invalid name"),
        (sink_type(create=None), "create is not callable"),
        (sink_type(options=dict), "options is not an attrs class"),
        (sink_type(options=Options()), "options is not an attrs class"),
        (sink_type(options=Reserved), "options have names reserved for syncer's own keys: policy"),
        (sink_type(options=Unresolvable), "NoSuchType"),
        (sink_type(schemes="alpha"), "schemes is a string, not a tuple of strings"),
    ],
)
def test_a_record_that_would_fail_later_is_refused(record, error):
    """An error in a record is reported for its plugin, before anything is created."""
    found = info(registered(syncer_sinks=[record]), "given")
    assert (found.state, found.kinds) == ("failed", ())
    assert error in found.error


def test_one_plugin_offers_a_kind_twice():
    """Two records of one name from one plugin are a failure of that plugin."""
    plugins = registered(syncer_sinks=[sink_type(), sink_type()])
    assert info(plugins, "given").error == "offers the sink 'alpha' twice"


def test_a_parser_may_not_be_called_like_a_key():
    """A label parser named `order` could never be configured."""
    parser = syncer.LabelParser(name="order", options=Options, create=print)
    assert (
        "reserved for a key of syncer's own"
        in info(registered(syncer_label_parsers=[parser]), "given").error
    )


def test_a_disabled_plugin_is_never_imported(site):
    """A plugin that is disabled is not imported; asking for its kind says that it is disabled."""
    site.broken("raise AssertionError('imported')", name="beta")
    plugins = Plugins.discover(disabled=["beta"])
    assert info(plugins, "beta").state == "disabled"
    assert "beta_plugin" not in sys.modules
    with pytest.raises(syncer.ConfigError, match=r"'beta' \(other-beta 1.0\) is disabled"):
        plugins.kind(syncer.SinkType, "beta")


def test_the_environment_adds_to_what_is_disabled(site):
    """Modules that the program registered itself stay."""
    for name in ("alpha", "beta", "gamma"):
        site.good(name)
    plugins = Plugins.discover({"SYNCER_DISABLE_PLUGINS": "beta, gamma"}, ["alpha"])
    plugins.register(module_of(syncer_sinks=[sink_type("own")]), "own")
    states = {name: info(plugins, name).state for name in ("alpha", "beta", "gamma")}
    assert set(states.values()) == {"disabled"}
    assert "own" in plugins.kinds(syncer.SinkType)


def test_an_unknown_kind_gets_the_nearest_match():
    """Asking for a kind that nobody offers names the nearest and all that are known."""
    plugins = registered(syncer_sinks=[sink_type("alpha"), sink_type("beta")])
    with pytest.raises(syncer.ConfigError) as raised:
        plugins.kind(syncer.SinkType, "alpah")
    text = "no sink of kind 'alpah'; did you mean 'alpha'? (known: alpha, beta)"
    assert str(raised.value) == text


@pytest.mark.parametrize(
    ("ask", "distribution"),
    [
        (lambda plugins: plugins.kind(syncer.SourceType, "docker"), "syncer-docker"),
        (lambda plugins: plugins.kind(syncer.SinkType, "consul"), "syncer-consul"),
        (lambda plugins: plugins.kind(syncer.LabelParser, "registrator"), "syncer-registrator"),
        (lambda plugins: plugins.by_scheme(syncer.SinkType, "consul-tls://host"), "syncer-consul"),
    ],
)
def test_a_missing_plugin_of_syncers_own_is_named(ask, distribution):
    """If one of syncer's own plugins is missing, the message says how to install it."""
    with pytest.raises(syncer.ConfigError, match=f"known: none.*; pip install {distribution}$"):
        ask(Plugins())


def test_an_unknown_scheme_names_those_that_are_known():
    """A URI that no kind takes names the nearest scheme and all that are known."""
    plugins = registered(syncer_sources=[source_type(schemes=("tcp", "unix"))])
    with pytest.raises(syncer.ConfigError, match="did you mean 'unix'.*known: tcp, unix"):
        plugins.by_scheme(syncer.SourceType, "unx:///run/x.sock")
    assert plugins.by_scheme(syncer.SourceType, "tcp://host").name == "alpha"


def test_every_listening_plugin_hears_events():
    """An event reaches every plugin with the hook, whether it takes the event or not."""
    heard = []
    plugins = Plugins()
    plugins.register(module_of(syncer_event=lambda event: heard.append(event)), "one")
    plugins.register(module_of(syncer_event=lambda: heard.append("called")), "two")
    plugins.register(module_of(syncer_sinks=[]), "deaf")
    assert plugins.notify(EVENT) == ()
    assert heard == [EVENT, "called"]


def test_a_listener_that_raises_is_reported_once_and_dropped():
    """A plugin that raises on an event is named once, not called again, and affects no other."""
    heard, calls = [], []

    def fails(event):
        calls.append(event)
        raise RuntimeError("no disk")

    plugins = Plugins()
    plugins.register(module_of(syncer_event=fails, syncer_sinks=[sink_type()]), "aaa")
    plugins.register(module_of(syncer_event=lambda event: heard.append(event)), "bbb")
    (warned,) = plugins.notify(EVENT)
    assert "'aaa' (registered by the program): syncer_event raised RuntimeError" in warned.text
    assert plugins.notify(EVENT) == ()
    assert (len(calls), len(heard)) == (1, 2)
    assert "no disk" in info(plugins, "aaa").error
    assert plugins.kind(syncer.SinkType, "alpha")


def test_a_listener_that_raises_twice_at_once_is_reported_once():
    """Two events that a plugin fails on at the same time make one report."""
    reported = []

    def fails(event):
        if not reported:
            reported.append("inner")  # as if another thread told an event just now
            reported.extend(plugins.notify(EVENT))
        raise RuntimeError("no disk")

    plugins = registered(syncer_event=fails)
    reported.extend(plugins.notify(EVENT))
    assert len(reported) == 2


def test_registering_a_name_twice():
    """A second module under a name that is taken is refused at once."""
    plugins = registered(syncer_sinks=[])
    with pytest.raises(syncer.PluginError, match="already registered under the name 'given'"):
        plugins.register(module_of(syncer_sinks=[]), "given")


def test_registering_a_name_that_is_installed(site):
    """A module registered under an installed plugin's name is a conflict of names."""
    site.good("alpha")
    plugins = Plugins.discover()
    plugins.register(module_of(syncer_sinks=[]), "alpha")
    with pytest.raises(syncer.PluginError, match="other-alpha 1.0, registered by the program"):
        plugins.kind(syncer.SinkType, "alpha")


def test_importing_the_manager_imports_no_plugin_and_no_cattrs():
    """Plugins and the conversion of options are not loaded by every command."""
    code = (
        "import sys; from syncer.plugin.manager import Plugins; Plugins.discover(); "
        "found = [m for m in sys.modules if m.startswith(('syncer_', 'cattr'))]; "
        "sys.exit(' '.join(found) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
