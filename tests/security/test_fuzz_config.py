"""Whatever a file, flags and the environment say: a configuration, or an error of syncer's."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer import SyncerError
from syncer.config.load import load, read_settings
from syncer.plugin.assembly import assemble
from syncer.plugin.manager import Plugins

WORDS = st.sampled_from(
    [
        "sources",
        "sinks",
        "docker",
        "consul",
        "file",
        "kind",
        "guard",
        "probes",
        "plugins",
        "parsers",
    ]
    + ["order", "allow", "owner", "interval", "address", "addresses", "overrides", "token", "path"]
    + ["include", "deny_names", "registrator", "prefix", "default_name", "layout", "etcd", "x", ""]
)
NAMES = WORDS | st.text(max_size=12)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        ["30s", "-1", "9" * 400, "nan", "10.0.0.0/8", "docker", "any", "{image}", "\0"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
PLUGINS = Plugins.discover()
MANY = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def toml(value):
    """A value as TOML text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    escaped = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in value)
    return '"' + "".join(escaped) + '"'


def loaded(path=None, **given):
    """Load it and make what it describes; an error of syncer's is an answer too."""
    try:
        settings = read_settings(path, environ=given.pop("environ", {}), **given)
        engine = assemble(load(settings, PLUGINS), PLUGINS)
    except SyncerError:
        return
    engine.stop()


@MANY
@given(tree=st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=4), max_size=6))
def test_any_table(tmp_path, tree):
    """Known and unknown keys with values of every type."""
    path = tmp_path / "syncer.toml"
    lines = [f"{toml(key)} = {toml(value)}" for key, value in tree.items()]
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    loaded(path)


@MANY
@given(
    data=st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode(errors="replace"))
)
def test_any_bytes(tmp_path, data):
    """A file that need not be TOML."""
    path = tmp_path / "syncer.toml"
    path.write_bytes(data)
    loaded(path)


@MANY
@given(
    sources=st.lists(NAMES | st.builds("{}={}".format, NAMES, st.text(max_size=20)), max_size=3),
    sinks=st.lists(NAMES | st.builds("{}://{}".format, NAMES, st.text(max_size=20)), max_size=3),
    assignments=st.lists(
        st.builds("{}.{}.{}={}".format, NAMES, NAMES, NAMES, st.text(max_size=20))
        | st.text(max_size=20),
        max_size=3,
    ),
)
def test_any_flags(sources, sinks, assignments):
    """Flags as a shell script with a variable too few would give them."""
    loaded(sources=sources, sinks=sinks, assignments=assignments)


@MANY
@given(
    environ=st.dictionaries(
        st.builds("SYNCER__{}__{}".format, NAMES, NAMES).map(str.upper)
        | st.sampled_from(["CONSUL_HTTP_ADDR", "DOCKER_HOST", "SYNCER_DISABLE_PLUGINS"]),
        st.text(max_size=30),
        max_size=5,
    )
)
def test_any_environment(environ):
    """Variables of ours and of the registries' own tools."""
    loaded(sources=["file=x.toml"], sinks=["consul"], environ=environ)
