"""Options, URIs that become options, and what stays out of sight."""

from datetime import timedelta

import pytest

from syncer import Check, Context, Probe, Secret
from syncer.testing import make_instance
from syncer_zookeeper import (
    ZooKeeperOptions,
    syncer_check_translators,
    syncer_sinks,
    syncer_sources,
)
from syncer_zookeeper.options import Acl, from_uri, parse_server


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("zookeeper://h1:2181,h2:1/base", {"servers": ("h1:2181", "h2:1"), "prefix": "/base"}),
        ("zk://h1", {"servers": ("h1",)}),
        ("zookeeper://", {}),
        ("zookeeper://h/", {"servers": ("h",)}),
        ("h1:2181/a/b/", {"servers": ("h1:2181",), "prefix": "/a/b"}),
        ("zk://[::1]:2181,10.0.0.1/x", {"servers": ("[::1]:2181", "10.0.0.1"), "prefix": "/x"}),
        ("zk://h/x?layout=curator&session=10s&payload=map&acl=read", {
            "servers": ("h",), "prefix": "/x", "layout": "curator", "session": "10s",
            "acl": "read", "layout_options": {"payload": "map"},
        }),
    ],
)  # fmt: skip
def test_uris(uri, options):
    """A URI, or what stands after `zookeeper=`, becomes options."""
    assert from_uri(uri) == options


def test_user_in_a_uri_is_a_secret():
    """User and password before the host go into one secret option, unquoted."""
    found = from_uri("zookeeper://me:p%40ss%2Fword@h:2181/x")
    assert found["user"] == "me:p@ss/word"
    options = ZooKeeperOptions(user=Secret(found["user"]))
    assert options.credentials == "me:p@ss/word"
    assert "p@ss" not in repr(options)
    both = ZooKeeperOptions(user=Secret("me:old"), password=Secret("new"))
    assert both.credentials == "me:new"
    assert ZooKeeperOptions().credentials == ""


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("consul://h", "unknown scheme 'consul'"),
        ("zk://h:x/y", "port must be 1-65535"),
        ("zk://h:70000", "port must be 1-65535"),
        ("zk://me:secret@h?password=secret", "before the host"),
        ("zk://h/x#y", "%23"),
        ("zk://me:secret/secret@h", "must be written %2F"),
        ("zk://a b", "not host:port"),
    ],
)
def test_uris_that_are_refused(uri, words):
    """What cannot be understood is named, without what may be secret."""
    with pytest.raises(ValueError, match=words) as caught:
        from_uri(uri)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"servers": ()}, "at least one"),
        ({"servers": ("me:x@h",)}, "not in the servers"),
        ({"session": timedelta(milliseconds=500)}, "session must be 1s to 24h"),
        ({"timeout": timedelta(0)}, "timeout must be greater than 0"),
        ({"prefix": "/zookeeper/x"}, "ZooKeeper's own"),
        ({"prefix": "/a//b"}, "cannot be"),
        ({"prefix": "/a/../b"}, "cannot be"),
        ({"acl": Acl.CREATOR}, "needs user and password"),
    ],
)
def test_options_that_are_refused(options, words):
    """Wrong values are named with their option."""
    with pytest.raises(ValueError, match=words):
        ZooKeeperOptions(**options)


def test_servers():
    """A server has a port, the usual one if none is said, and IPv6 brackets."""
    assert parse_server("h") == ("h", 2181)
    assert parse_server("::1") == ("::1", 2181)
    assert parse_server("[::1]:80") == ("::1", 80)
    assert ZooKeeperOptions(servers=("a", "[::1]:1")).hosts == "a:2181,[::1]:1"


def test_checks_are_probed():
    """ZooKeeper runs no checks: syncer does."""
    (translator,) = syncer_check_translators()
    translate = translator.create(ZooKeeperOptions())
    assert isinstance(translate(Check(kind="tcp"), make_instance()), Probe)


def test_pulse_is_a_third_of_the_session(open_sink):
    """What an earlier process left is found well within its session's time."""
    assert open_sink("h", session=30.0).pulse == timedelta(seconds=10)


def test_mirrored_source(clean_zookeeper, open_sink, register):
    """What stands in ZooKeeper can be mirrored to another registry."""
    sink = open_sink(clean_zookeeper.address, layout="curator")
    register(sink, make_instance(tags=("a",), meta={"b": "c"}))
    register(sink, make_instance("copied"), via="consul:dc1")
    (kind,) = syncer_sources()
    options = ZooKeeperOptions(servers=(clean_zookeeper.address,), layout="curator")
    source = kind.create(options, Context(name="zk"))
    assert source.scope() == f"zookeeper:{clean_zookeeper.address}/services"
    (workload,) = source.workloads().items
    (offer,) = workload.offers
    assert (offer.service, offer.tags, dict(offer.meta)) == ("web", ("a",), {"b": "c"})
    source.close()


def test_kinds_are_found():
    """The sink has both schemes."""
    (kind,) = syncer_sinks()
    assert (kind.name, kind.schemes) == ("zookeeper", ("zookeeper", "zk"))
