"""Options of the key-value store, its URIs, and what they lead to."""

from datetime import timedelta

import pytest

from servers.consul import ACL, MANAGEMENT_TOKEN
from syncer import ConfigError, Context, Secret, TemporaryError
from syncer.testing import make_instance, make_registration
from syncer_consul import KvOptions, syncer_sources
from syncer_consul.options import kv_from_uri


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("consulkv://", {}),
        ("consulkv://h", {"address": "h"}),
        ("consulkv://h:8500", {"address": "h:8500"}),
        ("consulkv://h:8500/", {"address": "h:8500"}),
        ("consulkv://h:8500/a/b/", {"address": "h:8500", "prefix": "a/b"}),
        ("consulkv:///a", {"prefix": "a"}),
        ("consulkv://[::1]:85/a%20b", {"address": "[::1]:85", "prefix": "a b"}),
        ("consulkv-tls://h:8501/a", {"address": "h:8501", "prefix": "a", "ssl": True}),
        ("consulkv-unix:///run/c.sock", {"address": "unix:///run/c.sock"}),
        ("consulkv-unix:///run/c.sock:/a", {"address": "unix:///run/c.sock", "prefix": "a"}),
        ("unix:///run/c.sock:/a", {"address": "unix:///run/c.sock", "prefix": "a"}),
        ("http://h:81/a", {"address": "http://h:81", "prefix": "a"}),
        ("https://h/a", {"address": "https://h", "prefix": "a"}),
        ("h:8500/a", {"address": "h:8500", "prefix": "a"}),
        ("h", {"address": "h"}),
        (
            "consulkv://h/?layout=json&session=30s",
            {"address": "h", "layout": "json", "session": "30s"},
        ),
    ],
)
def test_uris(uri, options):
    """Every form of registrator's, and of addresses in general."""
    assert kv_from_uri(uri) == options


def test_user_and_password():
    """They become basic authentication, and are a secret from then on."""
    assert kv_from_uri("consulkv://u:p%40@h:1/a")["auth"] == "u:p@"


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("consulkv://h/a?colour=red", "unknown option after the \\?: known are layout, session"),
        ("consulkv-unix://relative:/a", "absolute path"),
        ("ftp://h/a", "unknown scheme"),
        ("consulkv://h:port/a", "not an address"),
    ],
)
def test_wrong_uris(uri, why):
    """Each with its reason."""
    with pytest.raises(ValueError, match=why):
        kv_from_uri(uri)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"layout": "jason"}, "did you mean 'json'"),
        ({"layout_options": {"domain": "x"}}, "no option 'domain'"),
        ({"prefix": "syncer"}, "choose one of its own"),
    ],
)
def test_what_cannot_be_is_told(open_kv, options, why):
    """When the sink is made."""
    with pytest.raises(ConfigError, match=why):
        open_kv("127.0.0.1:1", **options)


@pytest.mark.parametrize("seconds", [9, 86401])
def test_lengths_of_sessions(seconds):
    """Consul takes 10 s to a day."""
    with pytest.raises(ValueError, match="session must be 10s to 24h"):
        KvOptions(session=timedelta(seconds=seconds))


def test_the_default_prefix(clean_kv, open_kv):
    """Without a path entries stand under `services`."""
    sink = open_kv(clean_kv.url, prefix="")
    sink.register(make_registration(sink.adjust(make_instance())))
    assert list(clean_kv.values("services/"))


def test_namespaces_are_apart(clean_kv, open_kv):
    """Two prefixes of which one begins with the other."""
    short, long = open_kv(clean_kv.url, prefix="a"), open_kv(clean_kv.url, prefix="a/b")
    short.register(make_registration(short.adjust(make_instance("x"))))
    long.register(make_registration(long.adjust(make_instance("y"))))
    assert [one.instance.service for one in long.registrations().items] == ["y"]
    ours = [one for one in short.registrations().items if one.mark]
    assert [one.instance.service for one in ours] == ["x"]


def test_as_a_source():
    """Prefix, and datacenter or address, name the store in the marks of what is mirrored."""
    (kind,) = (one for one in syncer_sources() if one.name == "consulkv")
    source = kind.create(KvOptions(prefix="/a/"), Context(name="mirror"))
    assert source.scope() == "consulkv:127.0.0.1:8500/a"
    source.close()
    far = kind.create(KvOptions(datacenter="dc2"), Context(name="mirror"))
    assert far.scope() == "consulkv:dc2/services"
    far.close()


def test_another_datacenter(clean_kv, open_kv):
    """The agent's own by name is the same; one that is not there is an error, and not empty."""
    sink = open_kv(clean_kv.url, datacenter="dc1")
    sink.register(make_registration(sink.adjust(make_instance())))
    assert len(clean_kv.values("services/")) == 1
    with pytest.raises(TemporaryError, match="(?i)no path to datacenter"):
        open_kv(clean_kv.url, datacenter="atlantis").registrations()


@pytest.mark.parametrize(
    ("rules", "complete"),
    [
        (["", "syncer/"], True),
        ([""], False),
        ([], False),
    ],
)
def test_rights(start_consul, open_kv, rules, complete):
    """A token that may not read entries or twins makes the listing incomplete; one may be enough
    for all that is needed, without any right to ask about the agent.
    """
    agent = start_consul(config=ACL)
    agent.api.token = MANAGEMENT_TOKEN
    owner = open_kv(agent.url, token=Secret(MANAGEMENT_TOKEN))
    owner.register(make_registration(owner.adjust(make_instance("web"))))
    text = "\n".join(f'key_prefix "{tree}services/" {{ policy = "write" }}' for tree in rules)
    token = agent.api.create_token(text) if rules else ""
    sink = open_kv(agent.url, token=Secret(token))
    view = sink.registrations()
    assert view.complete == complete
    if complete:
        assert view.items == owner.registrations().items
        sink.register(make_registration(sink.adjust(make_instance("more"))))
        assert len(owner.registrations().items) == 2
