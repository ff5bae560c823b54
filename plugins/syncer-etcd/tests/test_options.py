"""Options, and URIs that become options."""

from datetime import timedelta

import pytest

from syncer import Check, Probe, Secret
from syncer.testing import make_instance
from syncer_etcd import EtcdOptions, syncer_check_translators, syncer_sinks
from syncer_etcd.options import Endpoint, from_uri, parse_endpoint


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("etcd://h1:2379,h2:2380/services", {
            "endpoints": ("h1:2379", "h2:2380"), "prefix": "/services",
        }),
        ("etcd://h1", {"endpoints": ("h1",)}),
        ("etcd://", {}),
        ("h1:2379/a/b/", {"endpoints": ("h1:2379",), "prefix": "/a/b"}),
        ("etcds://h", {"endpoints": ("h",), "tls": True}),
        ("https://h:1/x", {"endpoints": ("h:1",), "tls": True, "prefix": "/x"}),
        ("http://h:1", {"endpoints": ("h:1",)}),
        ("etcd://[::1]:2379,10.0.0.1/x", {"endpoints": ("[::1]:2379", "10.0.0.1"), "prefix": "/x"}),
        ("etcd://h//x", {"endpoints": ("h",), "prefix": "//x"}),
        ("etcd://h/services?layout=json&ttl=30s", {
            "endpoints": ("h",), "prefix": "/services", "layout": "json", "ttl": "30s",
        }),
        ("skydns2://h:2379/cluster.local", {
            "endpoints": ("h:2379",),
            "layout": "skydns",
            "layout_options": {"domain": "cluster.local"},
        }),
        ("etcd://h?layout=skydns&domain=a.b", {
            "endpoints": ("h",), "layout": "skydns", "layout_options": {"domain": "a.b"},
        }),
    ],
)  # fmt: skip
def test_uris(uri, options):
    """A URI, or what stands after `etcd=`, becomes options."""
    assert from_uri(uri) == options


def test_user_in_a_uri_is_a_secret():
    """User and password before the host go into one secret option, unquoted."""
    found = from_uri("etcd://me:p%40ss%2Fword@h:2379/x")
    assert found["user"] == "me:p@ss/word"
    options = EtcdOptions(user=Secret(found["user"]))
    assert options.credentials == ("me", "p@ss/word")
    assert "p@ss" not in repr(options)
    both = EtcdOptions(user=Secret("me:old"), password=Secret("new"))
    assert both.credentials == ("me", "new")
    assert EtcdOptions().credentials == ("", "")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("consul://h", "unknown scheme 'consul'"),
        ("etcd://h:x/y", "port must be 1-65535"),
        ("etcd://h:70000", "port must be 1-65535"),
        ("etcd://me:secret@h?password=secret", "before the host"),
        ("etcd://h/x#y", "%23"),
        ("etcd://me:secret/secret@h", "must be written %2F"),
        ("etcd://a b", "not host:port"),
    ],
)
def test_uris_that_are_refused(uri, words):
    """What cannot be understood is named, without what may be secret."""
    with pytest.raises(ValueError, match=words) as caught:
        from_uri(uri)
    assert "secret" not in str(caught.value)


def test_endpoints():
    """Hosts with and without port, IPv6 in brackets and bare, and URLs."""
    assert parse_endpoint("h") == Endpoint("h", 2379)
    assert parse_endpoint("h:1") == Endpoint("h", 1)
    assert parse_endpoint("::1") == Endpoint("::1", 2379)
    assert parse_endpoint("[::1]:1") == Endpoint("::1", 1)
    assert parse_endpoint("[::1]").address == "[::1]:2379"
    assert parse_endpoint("https://h:1/") == Endpoint("h", 1, tls=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"endpoints": ()}, "at least one"),
        ({"endpoints": ("me:x@h",)}, "not in the servers"),
        ({"endpoints": ("ftp://h",)}, "unknown scheme"),
        ({"endpoints": ("http://a", "https://b")}, "use http for all"),
        ({"ttl": timedelta(seconds=4)}, "ttl must be 5s to 720h, not 4s"),
        ({"timeout": timedelta(0)}, "timeout must be greater than 0"),
    ],
)
def test_options_that_are_refused(options, words):
    """A wrong option is named."""
    with pytest.raises(ValueError, match=words):
        EtcdOptions(**options)


def test_when_tls_is_used(tmp_path):
    """TLS is used when asked for, by a URL of https, or by files that only TLS needs."""
    assert not EtcdOptions().secure
    assert EtcdOptions(tls=True).secure
    assert EtcdOptions(endpoints=("https://h",)).secure
    assert EtcdOptions(ca_file=tmp_path).secure
    assert not EtcdOptions(endpoints=("http://h",), ca_file=tmp_path).secure


def test_the_kind():
    """The kind says its schemes; its translator makes probes, since etcd runs no checks."""
    (kind,) = syncer_sinks()
    assert (kind.name, kind.schemes) == ("etcd", ("etcd", "etcds", "skydns2"))
    (translator,) = syncer_check_translators()
    assert translator.sink_kind == "etcd"
    check = Check(kind="http", path="/health")
    probe = translator.create(EtcdOptions())(check, make_instance())
    assert isinstance(probe, Probe)
    assert probe.path == "/health"


def test_pulse_is_a_third(open_sink):
    """The lease is renewed three times in its length."""
    assert open_sink("h", ttl=60).pulse == timedelta(seconds=20)
