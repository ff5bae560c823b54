"""Settings from flags, file, environment and defaults, and options classes filled with them."""

import stat
import sys
import types
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import syncer
from syncer.api.text import did_you_mean
from syncer.config.describe import describe_options, describe_settings
from syncer.config.fill import fill, options_of
from syncer.config.load import common_settings, load, read_settings
from syncer.config.settings import (
    TABLES,
    TOP_KEYS,
    Config,
    ParserConfig,
    SinkConfig,
    SourceConfig,
    asks_same,
)
from syncer.config.tree import Given, KeyPath, in_order, is_text, origin_of, overlaid
from syncer.plugin.manager import Plugins

SECRET = "s3cret-token"
WHERE = KeyPath(("sinks", "alpha"), "syncer.toml")


class Mode(str, Enum):
    FAST = "fast"
    SLOW = "slow"


def positive(instance, attribute, value):
    if value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0, not {value}")


@attrs.frozen(kw_only=True)
class Options:
    url: str = syncer.option("http://localhost", help="Where it is", env=("ALPHA_URL", "ALPHA"))
    token: syncer.Secret = syncer.option(syncer.Secret(""), help="Key", env=("ALPHA_TOKEN",))
    retries: int = syncer.option(3, help="How often", validator=positive)
    share: float = syncer.option(0.5, help="How much")
    tls: bool = syncer.option(False, help="Whether to encrypt")
    timeout: timedelta = syncer.option(timedelta(seconds=5), help="How long")
    folder: Path | None = syncer.option(None, help="Where to write")
    mode: Mode = syncer.option(Mode.FAST, help="Which way")
    names: tuple[str, ...] = syncer.option((), help="Which ones")
    headers: dict[str, str] = syncer.option(attrs.Factory(dict), help="What else")
    key: Path | None = syncer.option(None, help="Its private key", secret=True)


@attrs.frozen(kw_only=True)
class Needed:
    url: str = syncer.option(help="Where it is", env=("NEEDED_URL", "KEY"))
    key: syncer.Secret | None = syncer.option(None, help="Key")


def from_uri(value):
    if value == "bad":
        raise ValueError("this is no URL")
    if value == "bug":
        raise KeyError(value)
    return {"url": value, "retries": 7}


def plugins_with(parsers=("dialect",)):
    module = types.ModuleType("given")

    @syncer.hookimpl
    def syncer_sources():
        return [
            syncer.SourceType(name="runtime", options=Options, create=print, schemes=("unix",)),
            syncer.SourceType(name="listing", options=Options, create=print, from_uri=from_uri),
            syncer.SourceType(name="engine", options=Options, create=print, needs_parser=True),
        ]

    @syncer.hookimpl
    def syncer_sinks():
        return [
            syncer.SinkType(
                name="alpha", options=Options, create=print, schemes=("alpha",), from_uri=from_uri
            ),
            syncer.SinkType(name="plain", options=Options, create=print, schemes=("plain",)),
        ]

    @syncer.hookimpl
    def syncer_label_parsers():
        return [syncer.LabelParser(name=name, options=Options, create=print) for name in parsers]

    for hook in (syncer_sources, syncer_sinks, syncer_label_parsers):
        setattr(module, hook.__name__, hook)
    plugins = Plugins()
    plugins.register(module, "given")
    return plugins


def loaded(path, plugins, need=("sources", "sinks"), **given):
    """Read these settings and load them with these plugins."""
    return load(read_settings(path, **given), plugins, need)


@pytest.fixture
def plugins():
    return plugins_with()


@pytest.fixture
def configured(tmp_path, plugins):
    """Writes a file and loads it with the flags and variables given."""

    def configure(text=None, *, mode=0o600, environ=(), with_plugins=plugins, **flags):
        path = None
        if text is not None:
            path = tmp_path / "syncer.toml"
            path.write_text(text)
            path.chmod(mode)
        return loaded(path, with_plugins, environ=dict(environ), **flags)

    return configure


@pytest.fixture
def problems(configured, tmp_path):
    """The lines of the ConfigError that loading ends with, with the file's name shortened."""

    def find(text=None, **given):
        with pytest.raises(syncer.ConfigError) as raised:
            configured(text, **given)
        return str(raised.value).replace(str(tmp_path / "syncer.toml"), "syncer.toml").splitlines()

    return find


def filled(raw, env=(), options=Options, where=WHERE, **more):
    return fill(options, raw, where=where, env=dict(env), **more)


def refused(raw, env=(), options=Options, **more):
    with pytest.raises(syncer.ConfigError) as raised:
        filled(raw, env, options, **more)
    return str(raised.value).splitlines()


BOTH = """
[sources.runtime]
[sinks.alpha]
"""

FULL = """
owner = "me"
interval = "1m"
on_exit = "deregister"
shutdown_timeout = 2.5
[guard]
mode = "off"
least = 5
[plugins]
disable = ["unwanted"]
[parsers]
order = ["dialect"]
[parsers.dialect]
url = "x"
[sources.one]
kind = "runtime"
former_scopes = ["old"]
include = ["name:web-*"]
exclude = ["label:env=test"]
healthcheck = "ignore"
retries = 9
[sources.one.addresses]
internal = true
networks = ["front"]
[sources.listing]
[sinks.here]
kind = "alpha"
policy = "upsert-only"
sources = ["one"]
url = "http://here"
"""


# Loading


def test_a_file_with_everything(configured):
    """Every table of the file arrives in its typed place, a kind's options filled."""
    config = configured(FULL)
    assert (config.owner, config.on_exit) == ("me", "deregister")
    assert config.interval == timedelta(minutes=1)
    assert config.shutdown_timeout == timedelta(seconds=2.5)
    assert (config.guard.mode, config.guard.share, config.guard.least) == ("off", 0.3, 5)
    assert config.disabled_plugins == ("unwanted",)
    assert config.parsers == (ParserConfig(name="dialect", options=Options(url="x")),)
    one = config.sources["one"]
    assert (one.name, one.kind, one.former_scopes) == ("one", "runtime", ("old",))
    assert (one.include, one.exclude) == (("name:web-*",), ("label:env=test",))
    assert (one.healthcheck, one.options) == ("ignore", Options(retries=9))
    assert (one.addresses.internal, one.addresses.networks) == (True, ("front",))
    assert config.sources["listing"] == SourceConfig(
        name="listing", kind="listing", options=Options()
    )
    assert config.sinks["here"] == SinkConfig(
        name="here",
        kind="alpha",
        policy="upsert-only",
        sources=("one",),
        options=Options(url="http://here"),
    )
    assert config.warnings == ()


def test_flags_alone_are_enough(configured):
    """One source and one sink by flags make a whole configuration, with every default."""
    config = configured(sources=["runtime"], sinks=["alpha"])
    assert config == Config(
        parsers=(ParserConfig(name="dialect", options=Options()),),
        sources={"runtime": SourceConfig(name="runtime", kind="runtime", options=Options())},
        sinks={"alpha": SinkConfig(name="alpha", kind="alpha", options=Options())},
    )


def test_values_of_kind_flags_go_through_from_uri(configured, plugins):
    """`KIND=VALUE` and whole URIs become options by the kind's own `from_uri`."""
    config = configured(sources=["runtime"], sinks=["alpha=http://a", "x:alpha=b=c", "alpha://h"])
    options = {name: sink.options for name, sink in config.sinks.items()}
    assert {name: found.url for name, found in options.items()} == {
        "alpha": "http://a",
        "x": "b=c",
        "alpha-2": "alpha://h",
    }
    assert options["alpha"].retries == 7


def test_one_kind_several_times(configured):
    """A kind named again by a flag gets a number; the order of the flags is kept."""
    config = configured(sources=["runtime"], sinks=["alpha=a", "plain", "alpha=b", "alpha=c"])
    assert list(config.sinks) == ["alpha", "plain", "alpha-2", "alpha-3"]
    assert {sink.kind for name, sink in config.sinks.items() if "alpha" in name} == {"alpha"}


def test_flags_override_keys_and_leave_the_rest(configured, plugins):
    """A flag for a table of the file overrides the keys that it gives; other tables stay."""
    config = configured(
        BOTH + "url = 'file'\ntimeout = '1s'\n[sinks.plain]\n", sinks=["alpha=flag", "new:plain"]
    )
    assert list(config.sinks) == ["alpha", "plain", "new"]
    options = config.sinks["alpha"].options
    assert (options.url, options.timeout) == ("flag", timedelta(seconds=1))


def test_a_flag_may_name_a_configured_sink(configured, plugins):
    """`--sink NAME=VALUE` uses the kind that the file gives to this name."""
    config = configured("[sources.runtime]\n[sinks.east]\nkind = 'alpha'\n", sinks=["east=url"])
    assert list(config.sinks) == ["east"]
    assert config.sinks["east"].options.url == "url"


def test_flags_for_every_source_and_sink(configured, problems):
    """They apply to each table and leave its other keys; an error names the flag."""
    flags = dict.fromkeys(("internal", "advertise", "include", "exclude", "policy"))
    flags |= {"internal": True, "include": ("name:web-*",), "policy": "create-only"}
    text = "[sources.runtime]\naddresses.networks = ['front']\n[sources.listing]\n[sinks.alpha]\n"
    config = configured(text, common=common_settings(flags))
    for source in config.sources.values():
        assert (source.addresses.internal, source.include) == (True, ("name:web-*",))
    assert config.sources["runtime"].addresses.networks == ("front",)
    assert config.sinks["alpha"].policy == "create-only"
    wrong = common_settings({**flags, "include": ("web",)})
    assert problems(text, common=wrong)[0].startswith("--include: filter 'web' is not valid")


def test_precedence(configured, plugins):
    """In order of precedence: --set, --sink, the file, SYNCER__, own variables, the default."""
    own = {"ALPHA_URL": "own"}
    path = {**own, "SYNCER__SINKS__ALPHA__URL": "path"}
    text = BOTH + "url = 'file'\n"

    def url(text, environ=(), **flags):
        config = configured(text, environ=environ, **flags)
        return config.sinks["alpha"].options.url

    assignment = ["sinks.alpha.url=set"]
    assert url(text, path, sinks=["alpha=flag"], assignments=assignment) == "set"
    assert url(text, path, sinks=["alpha=flag"]) == "flag"
    assert url(text, path) == "file"
    assert url(BOTH, path) == "path"
    assert url(BOTH, own) == "own"
    assert url(BOTH) == "http://localhost"


def test_the_order_of_sources_is_that_of_the_file(configured):
    """Variables and flags for tables of the file do not change the order of the tables."""
    text = "[sources.z]\nkind='runtime'\n[sources.a]\nkind='runtime'\n[sinks.alpha]\n"
    environ = {"SYNCER__SOURCES__A__URL": "x", "SYNCER__SOURCES__B__KIND": "runtime"}
    config = configured(
        text, environ=environ, sources=["listing", "a"], assignments=["sources.a.tls=true"]
    )
    assert list(config.sources) == ["z", "a", "listing", "b"]


def test_variables_name_any_setting(configured):
    """SYNCER__ variables reach any key, in any case, with `_` for `-` and `.` in known names."""
    environ = {
        "SYNCER__OWNER": "me",
        "syncer__guard__Least": "4",
        "SYNCER__SINKS__ALPHA_2__POLICY": "create-only",
        "SYNCER__SINKS__OTHER__KIND": "plain",
        "SYNCER__SINKS__OTHER__SOURCES": "runtime, runtime-2",
        "SYNCER__INTERVAL": "",
    }
    config = configured(
        "[sources.runtime]\n[sources.runtime-2]\nkind='runtime'\n[sinks.'alpha-2']\nkind='alpha'\n",
        environ=environ,
    )
    assert (config.owner, config.guard.least) == ("me", 4)
    assert config.sinks["alpha-2"].policy == "create-only"
    assert config.sinks["other"].sources == ("runtime", "runtime-2")
    assert config.interval == timedelta(seconds=30)


def test_assignments_are_typed_by_their_option(configured, plugins):
    """--set reads lists and tables as TOML, anything else as text of the option's type."""
    config = configured(
        BOTH,
        assignments=[
            'sinks.alpha.names=["a", "b"]',
            "sinks.alpha.headers={x = 'y'}",
            "sinks.alpha.retries=8",
            "sinks.alpha.url=[::1]:8500",
            "sinks.alpha.folder=[]\nx = 1",
            'sources."runtime".tls=yes',
            "owner=first",
            "owner=second",
        ],
    )
    options = config.sinks["alpha"].options
    assert (options.names, options.headers, options.retries) == (("a", "b"), {"x": "y"}, 8)
    assert (options.url, str(options.folder)) == ("[::1]:8500", "[]\nx = 1")
    assert config.sources["runtime"].options.tls is True
    assert config.owner == "second"


def test_all_parsers_are_used_unless_an_order_is_given(configured):
    """Without an order every installed parser is used, by name; otherwise only those listed."""
    with_plugins = plugins_with(parsers=("zeta", "beta"))
    found = configured(BOTH, with_plugins=with_plugins).parsers
    assert [parser.name for parser in found] == ["beta", "zeta"]
    for order, names in (("['zeta']", ["zeta"]), ("[]", [])):
        text = f"[parsers]\norder = {order}\n{BOTH}"
        found = configured(text, with_plugins=with_plugins).parsers
        assert [parser.name for parser in found] == names


def test_disabled_plugins_are_known_before_any_plugin(configured):
    """The table is read with the settings; `Plugins.discover` adds SYNCER_DISABLE_PLUGINS."""
    text = "[plugins]\ndisable = ['one']\n" + BOTH
    environ = {"SYNCER_DISABLE_PLUGINS": "two, one"}
    assert configured(text, environ=environ).disabled_plugins == ("one",)
    environ = {"SYNCER__PLUGINS__DISABLE": "two, one"}
    assert read_settings(environ=environ).disabled_plugins == ("two", "one")


def test_containers_need_a_label_parser(problems, configured):
    """The setting to change is named; a parser that is named wrongly is the only error."""
    text = "[sources.engine]\n[sinks.plain]\n"
    none = {"with_plugins": plugins_with(parsers=())}
    (line,) = problems(text, **none)
    assert line.startswith("syncer.toml: sources.engine: no container can be registered without a")
    assert "pip install syncer-registrator" in line
    (line,) = problems(f"parsers.order = []\n{text}")
    assert line.startswith("syncer.toml: parsers.order: no container can be registered")
    (line,) = problems(f"parsers.order = ['dialekt']\n{text}")
    assert "did you mean 'dialect'" in line
    assert configured(f"parsers.order = ['dialect']\n{text}").parsers
    assert configured("[sources.listing]\n[sinks.plain]\n", **none).parsers == ()


def test_a_command_may_need_less(configured):
    """Commands that only read one side can load a configuration without the other."""
    assert configured(sinks=["alpha"], need=("sinks",)).sources == {}
    assert configured(sources=["runtime"], need=()).sinks == {}
    text = "[sinks.alpha]\nsources = ['absent']\n"
    assert configured(text, need=("sinks",)).sinks["alpha"].sources == ("absent",)


# Errors


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ownr = 'x'", "ownr: unknown setting; did you mean 'owner'?"),
        ("sink = 'x'", "sink: unknown setting; did you mean 'sinks'?"),
        ("owner = ''", "owner: must not be empty"),
        ("owner = 7", "owner: must be text in quotes, not 7"),
        (
            "interval = 'soon'",
            "interval: must be a duration like 30s, 5m or 1h30m, not 'soon'",
        ),
        ("interval = '10ms'", "interval: must be 0.1s to 24h, not 0.01s"),
        ("shutdown_timeout = '2h'", "shutdown_timeout: must be 0s to 1h, not 2h"),
        (
            "on_exit = 'kep'",
            "on_exit: must be one of keep, deregister, not 'kep'; did you mean 'keep'?",
        ),
        ("guard = 7", "guard: must be a table"),
        ("plugins = 7", "plugins: must be a table"),
        ("plugins.disable = 'x'", 'plugins.disable: must be a list like ["a", "b"], not \'x\''),
        ("plugins.disabled = []", "plugins.disabled: unknown option; did you mean 'disable'?"),
        ("guard.share = 2", "guard.share: must be 0 to 1, not 2.0"),
        ("guard.lest = 2", "guard.lest: unknown option; did you mean 'least'?"),
        ("parsers.order = ['dialect', 'dialect']", "parsers.order: names 'dialect' twice"),
        (
            "parsers.order = ['dialekt']",
            "parsers.order: no label parser of kind 'dialekt'; did you mean 'dialect'? "
            "(known: dialect)",
        ),
        (
            "parsers.dialekt.url = 'x'",
            "parsers.dialekt: not among the label parsers in use; did you mean 'dialect'?",
        ),
        ("parsers.dialect = 7", "parsers.dialect: must be a table"),
        ("sources.x = 7", "sources.x: must be a table"),
        ("sources.runtim = {}", "sources.runtim.kind: no source of kind 'runtim'; did you mean"),
        ("sources.'a b'.kind = 'runtime'", 'sources."a b": invalid name: use letters, digits'),
        ("sources.x = { kind = 'runtime', include = ['web'] }", "sources.x.include: filter 'web'"),
        ("sources.x = { kind = 'runtime', healthcheck = 'x' }", "sources.x.healthcheck: must be"),
        ("sources.x = { kind = 'runtime', addresses = 7 }", "sources.x.addresses: must be a table"),
        (
            "sources.x = { kind = 'runtime', addresses.famly = '' }",
            "sources.x.addresses.famly: unknown option; did you mean 'family'?",
        ),
        ("sinks.x.kind = 'alhpa'", "sinks.x.kind: no sink of kind 'alhpa'; did you mean 'alpha'?"),
        ("sinks.x = { kind = 'alpha', policy = 'all' }", "sinks.x.policy: must be one of sync"),
        (
            "sinks.x = { kind = 'alpha', sources = ['runtim'] }",
            "sinks.x.sources: no source 'runtim'; did you mean 'runtime'?",
        ),
    ],
)
def test_what_is_wrong_in_a_file(problems, text, problem):
    """Each error is one line with the file, the key's path and the nearest match."""
    (line,) = problems(f"{text}\n{BOTH}" if text.split()[0] != "sinks" else text)
    assert line.startswith(f"syncer.toml: {problem}")


def test_everything_wrong_is_told_at_once(problems):
    """All mistakes of a file are reported together, whichever table they are in."""
    text = "ownr = 'x'\ninterval = 0\n[guard]\nleast = 0\n[sources.x]\n[sinks.alpha]\npolicy = 1\n"
    lines = problems(text)
    assert [line.split(": ")[1] for line in lines] == [
        "ownr",
        "interval",
        "guard.least",
        "sources.x.kind",
        "sinks.alpha.policy",
    ]


def test_sources_and_sinks_must_be_tables(problems):
    """A value in place of the table of sources is reported once, not as missing sources."""
    assert problems("sources = 7\n[sinks.alpha]\n") == ["syncer.toml: sources: must be a table"]


def test_nothing_to_read_or_write(problems):
    """Without a source, or without a sink, the message says how to give one."""
    assert problems() == [
        "no source configured: pass --source docker, or add [sources.docker] to the"
        " configuration file",
        "no sink configured: pass --sink consul, or add [sinks.consul] to the configuration file",
    ]
    (line,) = problems("[sinks.alpha]")
    assert line.startswith("syncer.toml: no source configured: pass")


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"sinks": ["alhpa=x"]}, "--sink alhpa: no sink of kind 'alhpa'; did you mean 'alpha'?"),
        ({"sinks": ["=x"]}, "--sink : must be [NAME:]KIND[=VALUE] or a URI like scheme://..."),
        ({"sinks": ["a:b:c=x"]}, "--sink a:b:c: must be [NAME:]KIND[=VALUE]"),
        ({"sinks": ["alfa://x"]}, "--sink alfa: no sink for alfa://; did you mean 'alpha'?"),
        ({"sinks": ["plain=x"]}, "--sink plain: takes no value; use --set for its options"),
        ({"sinks": ["plain://x"]}, "--sink plain: takes no value"),
        ({"sinks": ["alpha=bad"]}, "--sink alpha: this is no URL"),
        ({"sinks": ["x:alpha", "x:plain"]}, "--sink x: given twice; give each another name"),
        ({"sinks": ["a b:alpha"]}, '--sink: sinks."a b": invalid name'),
        ({"assignments": ["owner"]}, "--set owner: must have the form KEY.PATH=VALUE"),
        ({"assignments": ["a b=c"]}, "--set a: not a key path like sinks.consul.token"),
        ({"assignments": ["#=x"]}, "--set : not a key path like sinks.consul.token"),
        ({"assignments": ["[a]#=x"]}, "--set : not a key path like sinks.consul.token"),
        ({"assignments": ["[[a]]#=x"]}, "--set : not a key path like sinks.consul.token"),
        ({"assignments": ["\n#=x"]}, "--set : not a key path like sinks.consul.token"),
        ({"assignments": ["ownr=x"]}, "--set: ownr: unknown setting; did you mean 'owner'?"),
        ({"assignments": ["interval=x"]}, "--set: interval: must be a duration"),
        ({"assignments": ["sinks=x"]}, "--set: sinks: must be a table"),
        ({"assignments": ["plugins=x"]}, "--set: plugins: must be a table"),
        ({"environ": {"SYNCER__OWNR": "x"}}, "SYNCER__OWNR: ownr: unknown setting"),
        ({"environ": {"SYNCER__A____B": "x"}}, "SYNCER__A____B: must have the form"),
        ({"environ": {"SYNCER__GUARD__LEAST": "x"}}, "SYNCER__GUARD__LEAST: guard.least: must be"),
        ({"environ": {"SYNCER__GUARD": "x"}}, "SYNCER__GUARD: guard: must be a table"),
    ],
)
def test_what_is_wrong_in_flags_and_variables(problems, flags, problem):
    """A wrong flag or variable is named by the flag or variable, and not by the file."""
    (line,) = problems(**{"sources": ["runtime"], "sinks": ["alpha"], **flags})
    assert line.startswith(problem)


def test_the_value_of_a_flag_is_not_shown(problems):
    """The text after the kind may hold a password, and is left out of messages."""
    for flag in (
        f"alhpa=http://user:{SECRET}@host",
        f"alfa://user:{SECRET}@host",
        f"plain={SECRET}",
    ):
        assert SECRET not in "\n".join(problems(sources=["runtime"], sinks=[flag]))


def test_a_bug_in_from_uri_is_the_plugins(configured):
    """Any exception but ValueError from `from_uri` is the plugin's mistake."""
    with pytest.raises(syncer.PluginError, match="from_uri raised KeyError"):
        configured(sources=["runtime"], sinks=["alpha=bug"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"owner = \n", "line 1"),
        (b"owner = 'a'\nowner = 'b'\n", "line 2"),
        (b"owner = '\xff'\n", "not UTF-8 text (at byte 9)"),
    ],
)
def test_a_file_that_is_not_toml(tmp_path, plugins, text, problem):
    """A file that cannot be parsed is named, with the line."""
    path = tmp_path / "syncer.toml"
    path.write_bytes(text)
    with pytest.raises(syncer.ConfigError) as raised:
        read_settings(path, environ={})
    assert str(raised.value).startswith(f"{path}: ")
    assert problem in str(raised.value)


def test_a_file_that_is_not_there(tmp_path, plugins):
    """A file that cannot be opened is named, with the reason."""
    with pytest.raises(syncer.ConfigError, match="absent.toml: No such file or directory"):
        read_settings(tmp_path / "absent.toml", environ={})


# Secrets


def test_a_secret_in_a_readable_file_draws_a_warning(configured, tmp_path):
    """A secret in a world-readable file causes a warning that does not show it."""
    text = BOTH + f"token = '{SECRET}'\n"
    (warning,) = configured(text, mode=0o644).warnings
    assert warning.startswith(
        f"{tmp_path / 'syncer.toml'}: sinks.alpha.token: a secret in a world-"
    )
    assert SECRET not in warning
    assert configured(text, mode=0o640).warnings == ()
    assert (
        configured(BOTH + "token = { env = 'T' }", mode=0o644, environ={"T": SECRET}).warnings == ()
    )


def test_a_secret_on_the_command_line_draws_a_warning(configured):
    """A secret given by --set is visible in the process list."""
    (warning,) = configured(BOTH, assignments=[f"sinks.alpha.token={SECRET}"]).warnings
    assert warning.startswith("--set: sinks.alpha.token: a secret on the command line")
    environ = {"SYNCER__SINKS__ALPHA__TOKEN": SECRET}
    assert configured(BOTH, mode=0o644, environ=environ).warnings == ()


def test_files_with_secrets_are_known_before_they_are_read(tmp_path):
    """Wherever they are named; a table that only looks like a secret's is ignored."""
    path = tmp_path / "syncer.toml"
    path.write_text(
        "[sources.file]\nkind = 'listing'\n[sinks.file]\nkind = 'alpha'\n"
        f"token = {{ file = '{tmp_path}/token' }}\n"
    )
    settings = read_settings(
        path, assignments=[f'web.token={{ file = "{tmp_path}/web" }}'], environ={}
    )
    assert set(settings.secret_files) == {tmp_path / "token", tmp_path / "web"}
    path.write_text(BOTH)
    assert read_settings(path, environ={}).secret_files == ()


def test_a_changed_secret_makes_another_configuration(configured, tmp_path):
    """Its options differ, but apart from secrets the sink is the same."""
    token = tmp_path / "token"
    text = f"{BOTH}token = {{ file = '{token}' }}\n"
    token.write_text(SECRET)
    before = configured(text)
    assert configured(text) == before
    token.write_text("another")
    after = configured(text)
    assert after.sinks["alpha"] != before.sinks["alpha"]
    assert after.sources == before.sources
    assert asks_same(before.sinks["alpha"], after.sinks["alpha"])
    assert not asks_same(after.sinks["alpha"], configured(text + "retries = 9").sinks["alpha"])
    other_kind = configured(text.replace("alpha]", "alpha]\nkind='plain'")).sinks["alpha"]
    assert not asks_same(after.sinks["alpha"], other_kind)


def test_a_changed_file_that_a_kind_reads_by_itself(configured, tmp_path):
    """Its content makes the configuration differ; the digest is not shown."""
    key = tmp_path / "key.pem"
    text = f"{BOTH}key = '{key}'\n"
    without = configured(text)
    assert without.key_files == {key}
    key.write_text(SECRET)
    before = configured(text)
    assert before.sinks["alpha"] != without.sinks["alpha"]
    assert before == configured(text)
    assert "key_files" not in repr(before)


def test_no_configuration_shows_its_secrets(configured, plugins):
    """Neither the configuration nor filled options show a secret when printed."""
    config = configured(BOTH + f"token = '{SECRET}'\nurl = 'http://u:{SECRET}@h'\n")
    assert SECRET not in repr(config)
    options = config.sinks["alpha"].options
    assert SECRET not in repr(options.token)
    assert options.token.reveal() == SECRET


def test_secrets_from_files_and_variables(tmp_path):
    """`{ file = ... }` and `{ env = ... }` are read, without white space at the ends."""
    path = tmp_path / "token"
    path.write_text(f"{SECRET} \r\n")
    assert filled({"token": {"file": str(path)}}).token.reveal() == SECRET
    assert filled({"token": {"env": "T"}}, {"T": SECRET}).token.reveal() == SECRET
    flag = {"token": {"file": Given(str(path), "--set", text=True)}}
    assert filled(flag).token.reveal() == SECRET
    given = syncer.Secret(SECRET)
    assert filled({"token": given}).token is given


def test_a_secret_that_looks_like_a_number_stays_text():
    """A secret of digits keeps its leading zeros."""
    for raw, env in (
        ({"token": "00123"}, {}),
        ({"token": Given("00123", "--set", text=True)}, {}),
        ({"token": {"env": "T"}}, {"T": "00123"}),
        ({}, {"ALPHA_TOKEN": "00123"}),
    ):
        assert filled(raw, env).token.reveal() == "00123"


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ({"file": "/nowhere/token"}, "cannot read /nowhere/token: No such file or directory"),
        ({"env": "ABSENT"}, "the environment variable ABSENT is not set"),
        ({"env": "EMPTY"}, "the environment variable EMPTY is not set"),
        ({"file": 7}, "file must be text in quotes"),
        ({"env": ""}, "env must be text in quotes"),
        ({"flie": SECRET}, "must be text in quotes, { file"),
        ({"file": SECRET, "env": SECRET}, "must be text in quotes, { file"),
        (12345, "must be text in quotes, { file"),
        ([SECRET], "must be text in quotes, { file"),
    ],
)
def test_secrets_that_cannot_be_had(secret, problem):
    """A missing file or variable, or a wrong form, is an error that shows no content."""
    (line,) = refused({"token": secret}, {"EMPTY": ""})
    assert line.startswith(f"syncer.toml: sinks.alpha.token: {problem}")
    assert SECRET not in line
    assert "12345" not in line


@pytest.mark.parametrize(("content", "problem"), [(b"\n", "is empty"), (b"\xff", "is not UTF-8")])
def test_secret_files_that_hold_no_secret(tmp_path, content, problem):
    """A secret file that is empty or not text is an error."""
    path = tmp_path / "token"
    path.write_bytes(content)
    (line,) = refused({"token": {"file": str(path)}})
    assert problem in line


def test_nothing_is_expanded():
    """`${...}`, `~` and the like are taken literally."""
    raw = {"url": "${HOME}/$HOME", "token": "${HOME}", "folder": "~/x"}
    options = filled(raw, {"HOME": "/root"})
    assert (options.url, options.token.reveal()) == ("${HOME}/$HOME", "${HOME}")
    assert options.folder == Path("~/x")


# Filling an options class


def test_values_from_a_file_keep_their_types():
    """Every supported type is read from its TOML form."""
    options = filled(
        {
            "retries": 8,
            "share": 1,
            "tls": True,
            "timeout": 90,
            "folder": "/tmp",
            "mode": "slow",
            "names": ["a", "b"],
            "headers": {"a": "b"},
        }
    )
    assert (options.retries, options.share, options.tls) == (8, 1.0, True)
    assert isinstance(options.share, float)
    assert options.timeout == timedelta(seconds=90)
    assert (options.folder, options.mode) == (Path("/tmp"), Mode.SLOW)
    assert (options.names, options.headers) == (("a", "b"), {"a": "b"})


def test_values_that_are_text_are_read_as_their_type():
    """From flags and variables every supported type is read from text."""
    texts = {
        "retries": "8",
        "share": "0.25",
        "tls": "Yes",
        "timeout": "1h30m",
        "folder": "/tmp",
        "mode": "slow",
        "names": " a, b,,",
        "headers": "a=b, c=d=e",
    }
    options = filled({name: Given(text, "--set", text=True) for name, text in texts.items()})
    assert (options.retries, options.share, options.tls) == (8, 0.25, True)
    assert options.timeout == timedelta(minutes=90)
    assert (options.folder, options.mode) == (Path("/tmp"), Mode.SLOW)
    assert (options.names, options.headers) == (("a", "b"), {"a": "b", "c": "d=e"})


def test_values_of_the_right_type_stay():
    """Values that `from_uri` or a program gives in their final type are kept."""
    raw = {"timeout": timedelta(1), "folder": Path("x"), "mode": Mode.SLOW, "names": ("a",)}
    options = filled(raw)
    assert (options.timeout, options.folder) == (timedelta(1), Path("x"))
    assert (options.mode, options.names) == (Mode.SLOW, ("a",))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("url", 7, "must be text in quotes, not 7"),
        ("retries", "8", "must be a whole number, not '8'"),
        ("retries", True, "must be a whole number, not true"),
        ("retries", 1.5, "must be a whole number, not 1.5"),
        ("retries", 0, "must be more than 0, not 0"),
        ("share", "x", "must be a number, not 'x'"),
        ("share", False, "must be a number, not false"),
        ("share", float("nan"), "must be a number, not nan"),
        ("tls", "true", "must be true or false, not 'true'"),
        ("tls", 1, "must be true or false, not 1"),
        ("timeout", True, "must be a duration like 30s, 5m or 1h30m, not true"),
        ("timeout", -1, "must be a duration like 30s, 5m or 1h30m, not -1"),
        ("timeout", 1e300, "must be a duration like 30s, 5m or 1h30m, not 1e+300"),
        ("folder", "", "must be a path in quotes, not ''"),
        ("folder", 7, "must be a path in quotes, not 7"),
        ("mode", "slw", "must be one of fast, slow, not 'slw'; did you mean 'slow'?"),
        ("mode", 7, "must be one of fast, slow, not 7"),
        ("names", "a,b", 'must be a list like ["a", "b"], not \'a,b\''),
        ("names", ["a", 7], "must be text in quotes, not 7"),
        ("headers", ["a"], "must be a table, not ['a']"),
        ("headers", {"a": 7}, "must be text in quotes, not 7"),
        ("url", ["x" * 80], f"must be text in quotes, not ['{'x' * 55}..."),
    ],
)
def test_wrong_values_in_a_file(name, value, problem):
    """A value of another type is an error that says what it must be."""
    assert refused({name: value}) == [f"syncer.toml: sinks.alpha.{name}: {problem}"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("retries", "many", "must be a whole number, not 'many'"),
        ("share", "many", "must be a number, not 'many'"),
        ("tls", "maybe", "must be true or false, not 'maybe'"),
        ("timeout", "soon", "must be a duration like 30s, 5m or 1h30m, not 'soon'"),
        ("headers", "a", "must be a list like key=value,key=value, not 'a'"),
    ],
)
def test_wrong_values_as_text(name, text, problem):
    """Text that does not read as the option's type is an error that names where it was given."""
    (line,) = refused({name: Given(text, "--set", text=True)})
    assert line == f"--set: sinks.alpha.{name}: {problem}"


def test_all_problems_of_a_table_come_together():
    """Unknown, missing and wrong values of one table are one error with a line for each."""
    assert refused({"kee": "x", "key": 7}, options=Needed) == [
        "syncer.toml: sinks.alpha.kee: unknown option; did you mean 'key'?",
        "syncer.toml: sinks.alpha.url: must be given, here or as NEEDED_URL or KEY (Where it is)",
        'syncer.toml: sinks.alpha.key: must be text in quotes, { file = "..." } or { env = "..." }',
    ]


def test_the_kinds_options_are_checked_when_loading(problems):
    """Errors in any kind's options are reported with all others, before anything is created."""
    text = (
        "[parsers.dialect]\nretries = 'x'\n[sources.runtime]\nulr = 'x'\n"
        "addresses = { label = 7 }\n[sinks.alpha]\ntls = 1\n"
    )
    assert problems("interval = 0\n" + text) == [
        "syncer.toml: interval: must be 0.1s to 24h, not 0s",
        "syncer.toml: parsers.dialect.retries: must be a whole number, not 'x'",
        "syncer.toml: sources.runtime.addresses.label: must be text in quotes, not 7",
        "syncer.toml: sources.runtime.ulr: unknown option; did you mean 'url'?",
        "syncer.toml: sinks.alpha.tls: must be true or false, not 1",
    ]


def test_keys_beside_the_options_are_known(problems, plugins):
    """A misspelt key that syncer reads itself gets its nearest match too."""
    assert problems("[sources.runtime]\nhealthchek = 'x'\n[sinks.alpha]\npolcy = 'sync'\n") == [
        "syncer.toml: sources.runtime.healthchek: unknown option; did you mean 'healthcheck'?",
        "syncer.toml: sinks.alpha.polcy: unknown option; did you mean 'policy'?",
    ]
    assert problems(f"{BOTH}[parsers.dialect]\nulr = 'x'\n") == [
        "syncer.toml: parsers.dialect.ulr: unknown option; did you mean 'url'?"
    ]


def test_the_first_variable_that_is_not_empty_counts():
    """The first of an option's variables that is set and not empty is used."""
    assert filled({}, {"ALPHA_URL": "", "ALPHA": "second"}).url == "second"
    assert filled({}, {"ALPHA_URL": "first", "ALPHA": "second"}).url == "first"
    assert filled({"url": "given"}, {"ALPHA_URL": "first"}).url == "given"


def test_a_wrong_variable_is_named():
    """If an option's own variable is wrong, the message names the variable."""

    @attrs.frozen
    class Numbered:
        port: int = syncer.option(1, help="Port", env=("PORT",))

    assert refused({}, {"PORT": "x"}, Numbered) == [
        "PORT: sinks.alpha.port: must be a whole number, not 'x'"
    ]


def test_the_classes_own_checks_are_errors_too():
    """Errors of converters, validators and the class itself are reported with their place."""

    def even(value):
        if value % 2:
            raise ValueError("must be even")
        return value

    @attrs.frozen
    class Checked:
        low: int = syncer.option(0, help="Low")
        high: int = syncer.option(9, help="High")
        pair: int = syncer.option(0, help="Even", converter=even)
        small: int = syncer.option(0, help="Small", validator=attrs.validators.lt(5))
        odd: Any = syncer.option("", help="Any", validator=attrs.validators.instance_of(str))

        def __attrs_post_init__(self):
            if self.low > self.high:
                raise ValueError("low must not be more than high")

    assert filled({}, options=Checked).high == 9
    assert refused({"low": 10}, options=Checked) == [
        "syncer.toml: sinks.alpha: low must not be more than high"
    ]
    pair, small, odd = refused({"pair": 1, "small": 7, "odd": 7}, options=Checked)
    assert pair == "syncer.toml: sinks.alpha.pair: must be even"
    assert small.startswith("syncer.toml: sinks.alpha.small: must be < 5")
    assert odd.startswith("syncer.toml: sinks.alpha.odd: must be <class 'str'>")


def test_validators_that_compare_fields():
    """A validator may look at other fields: first at given ones, in the end at all of them."""

    def above_low(instance, attribute, value):
        if value < instance.low:
            raise ValueError()

    @attrs.frozen
    class Compared:
        low: int = syncer.option(3, help="Low")
        high: int = syncer.option(9, help="High", validator=above_low)

    assert filled({"high": 4}, options=Compared).high == 4
    assert refused({"high": 1}, options=Compared) == ["syncer.toml: sinks.alpha: ValueError"]
    assert refused({"low": 5, "high": 1}, options=Compared) == [
        "syncer.toml: sinks.alpha.high: ValueError"
    ]


def test_a_converter_that_needs_the_instance_is_left_to_the_class():
    """Values that attrs alone can convert are checked when the class is made."""
    converter = getattr(attrs, "Converter", None)
    if converter is None:
        pytest.skip("this version of attrs has no Converter")

    @attrs.frozen
    class Odd:
        low: int = syncer.option(
            1,
            help="Low",
            converter=converter(lambda value, self: value, takes_self=True),
            validator=positive,
        )

    assert filled({"low": 4}, options=Odd).low == 4
    assert refused({"low": 0}, options=Odd) == [
        "syncer.toml: sinks.alpha: low must be more than 0, not 0"
    ]


def test_fields_that_are_no_options():
    """Fields that cannot be set are not options; names are those of the constructor."""

    @attrs.frozen
    class Hidden:
        _url: str = syncer.option("", help="Where it is")
        made: str = attrs.field(init=False, default="x")

    assert {name: one.wanted for name, one in options_of(Hidden).items()} == {"url": str}
    assert filled({"url": "y"}, options=Hidden)._url == "y"


def test_types_that_cannot_be_resolved_are_the_plugins_fault():
    """An options class with unresolvable annotations is the plugin's mistake, not the file's."""

    @attrs.frozen
    class Lost:
        url: "Nowhere" = syncer.option("", help="Where it is")  # noqa: F821 - that is the point

    with pytest.raises(syncer.PluginError, match="Lost: the types of its options are not"):
        options_of(Lost)


def test_other_types_are_left_to_cattrs():
    """Other types are read by cattrs; one that it cannot read is the plugin's mistake."""

    @attrs.frozen
    class Wide:
        ports: tuple[int, ...] = syncer.option((), help="Ports")
        limits: dict[str, int] = syncer.option(attrs.Factory(dict), help="Limits")
        either: int | str = syncer.option(0, help="Either")
        name: str = attrs.field(default="")

    assert filled({"ports": Given("1,2", "--set", text=True)}, options=Wide).ports == (1, 2)
    variable = {"limits": {"a": Given("8", "SYNCER__SINKS__ALPHA__LIMITS__A", text=True)}}
    assert filled(variable, options=Wide).limits == {"a": 8}
    assert "must be a whole number" in refused({"limits": {"a": "8"}}, options=Wide)[0]
    with pytest.raises(syncer.PluginError, match=r"type int | str are not supported"):
        filled({"either": "x"}, options=Wide)
    assert describe_options(Wide)[2].type == "int | str"


# Describing


def test_options_describe_themselves():
    """Names, types, defaults, variables and help are texts that a reference can show."""
    described = {info.name: (info.type, info.default) for info in describe_options(Options)}
    assert described == {
        "url": ("text", '"http://localhost"'),
        "token": ("secret", '""'),
        "retries": ("whole number", "3"),
        "share": ("number", "0.5"),
        "tls": ("true or false", "false"),
        "timeout": ("duration", '"5s"'),
        "folder": ("path", ""),
        "mode": ("fast | slow", '"fast"'),
        "names": ("list of text", "[]"),
        "headers": ("table of text", "{}"),
        "key": ("path", ""),
    }
    url = describe_options(Options)[0]
    assert (url.env, url.help) == (("ALPHA_URL", "ALPHA"), "Where it is")
    assert describe_options(Needed)[0].default == "required"


def test_defaults_of_every_kind_are_described():
    """Lists, tables and made defaults are shown as TOML, a secret default is not shown."""

    @attrs.frozen
    class Defaults:
        names: tuple[str, ...] = syncer.option(("a", "b"), help="Names")
        table: dict[str, str] = syncer.option(attrs.Factory(lambda: {"a": "b"}), help="Table")
        own: str = syncer.option(attrs.Factory(lambda self: "x", takes_self=True), help="Own")
        token: syncer.Secret = syncer.option(syncer.Secret(SECRET), help="Key")

    defaults = [info.default for info in describe_options(Defaults)]
    assert defaults == ['["a", "b"]', '{a = "b"}', "", '"***"']


def test_every_setting_is_described():
    """Each table of settings has its keys described, none without a line of help."""
    described = describe_settings()
    assert [info.name for info in described[""]] == list(TOP_KEYS)
    assert {name.split(".")[0] for name in described if name} == set(TABLES)
    for table, infos in described.items():
        for info in infos:
            assert info.help, f"{table}.{info.name}"


# Small parts


def test_key_paths_are_written_as_toml():
    """Keys with dots or blanks are quoted, and the file comes first."""
    assert str(KeyPath(("sinks", "a.b", "c"))) == 'sinks."a.b".c'
    assert (KeyPath((), "x.toml") / "owner").say("wrong") == "x.toml: owner: wrong"
    assert (KeyPath((), "x.toml") / "owner").say("wrong", "--set") == "--set: owner: wrong"
    assert KeyPath().say("wrong") == "wrong"


def test_trees_lie_over_one_another():
    """The upper tree takes precedence key by key; a table replaces a value, and vice versa."""
    lower = {"a": {"b": 1, "c": 2}, "d": 3, "e": {"f": 4}}
    upper = {"a": {"b": 5}, "d": {"x": 6}, "e": 7}
    assert overlaid(lower, upper) == {"a": {"b": 5, "c": 2}, "d": {"x": 6}, "e": 7}
    assert lower["a"]["b"] == 1
    assert list(in_order({"a": 1, "b": 2}, {"b": 0}, None)) == ["b", "a"]


def test_origins_of_values():
    """A table's origin is that of its first leaf; a bare value has none and is no text."""
    assert origin_of({"a": {}, "b": Given(1, "--set")}) == "--set"
    assert (origin_of({}), origin_of(7), is_text(7)) == ("", "", False)


def test_the_nearest_match():
    """The nearest word is found whatever its case and dashes; without one there is no hint."""
    assert did_you_mean("On-Exit", ["on_exit", "owner"]) == "; did you mean 'on_exit'?"
    assert did_you_mean("zzz", ["owner"]) == ""


def test_modes_of_the_file_are_as_set(configured, tmp_path):
    """The fixture's file has the mode that the tests of warnings rely on."""
    configured(BOTH, mode=0o640)
    assert stat.S_IMODE((tmp_path / "syncer.toml").stat().st_mode) == 0o640
    assert sys.platform != "win32"


# Against attrs

NUMBERS = st.integers(-3, 12)


def _even(value):
    if value % 2:
        raise ValueError("must be even")
    return value


def _above_low(instance, attribute, value):
    if value < instance.low:
        raise ValueError("must not be below low")


@attrs.frozen
class Strict:
    """Validators, converters, and a validator that looks at another field."""

    low: int = syncer.option(0, help="Low", validator=attrs.validators.ge(0))
    even: int = syncer.option(0, help="Even", converter=_even)
    both: int = syncer.option(2, help="Both", converter=_even, validator=positive)
    high: int = syncer.option(5, help="High", validator=_above_low)


@given(values=st.dictionaries(st.sampled_from(["low", "even", "both", "high"]), NUMBERS))
def test_what_is_refused_is_what_attrs_refuses(values):
    """Collecting the errors of all fields finds one exactly if the class itself raises.

    Each field that attrs refuses in the end is among them, until no error is left.
    """
    left = dict(values)
    while True:
        try:
            expected = Strict(**left)
        except ValueError:
            lines = refused(left, options=Strict)
            wrong = {name for name in left if any(f".{name}: " in line for line in lines)}
            if not wrong:  # a comparison with a default: only the class itself sees it
                assert len({"low", "high"} & set(left)) == 1
                return
            left = {name: value for name, value in left.items() if name not in wrong}
        else:
            assert filled(left, options=Strict) == expected
            return
