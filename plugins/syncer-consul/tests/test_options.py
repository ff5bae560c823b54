"""Addresses, URIs and options, by tables."""

from datetime import timedelta

import pytest

from syncer import Secret
from syncer_consul import (
    CatalogOptions,
    ConsulOptions,
    syncer_check_translators,
    syncer_sinks,
    syncer_sources,
)
from syncer_consul.address import parse_address
from syncer_consul.options import from_uri


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("127.0.0.1:8500", "http://127.0.0.1:8500"),
        ("consul.local", "http://consul.local:8500"),
        ("[::1]:8501", "http://[::1]:8501"),
        ("::1", "http://[::1]:8500"),
        ("http://box:81", "http://box:81"),
        ("http://box", "http://box:80"),
        ("https://box", "https://box:443"),
        ("https://[fd00::5]:8501/", "https://[fd00::5]:8501"),
        ("https://proxy/consul/", "https://proxy:443/consul"),
        ("unix:///run/consul.sock", "unix:///run/consul.sock"),
        ("unix:/run/consul.sock", "unix:///run/consul.sock"),
        ("/run/consul.sock", "unix:///run/consul.sock"),
        ("  box:1 ", "http://box:1"),
    ],
)
def test_addresses(text, shown):
    """CONSUL_HTTP_ADDR may be written in all the ways in which people write it."""
    assert str(parse_address(text)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("box:8500", "https://box:8500"),
        ("box", "https://box:8501"),
        ("http://box:81", "https://box:81"),
        ("http://box", "https://box:443"),
    ],
)
def test_addresses_with_tls(text, shown):
    """CONSUL_HTTP_SSL turns any address into one with TLS."""
    assert str(parse_address(text, tls=True)) == shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no host"),
        ("http://", "no host"),
        (":8500", "no host"),
        ("box:port", "not an address"),
        ("box:99999", "not an address"),
        ("box:0", "port must be 1-65535"),
        ("http://[::1", "not an address"),
        ("ftp://box", "unknown scheme 'ftp'"),
        ("unix://relative/path", "absolute path"),
        ("http://box/?a=b", "must not contain"),
        ("http://me:secret@box", "auth"),
    ],
)
def test_wrong_addresses(text, reason):
    """What is no address is refused with the reason, when the options are made."""
    with pytest.raises(ValueError, match=reason) as caught:
        ConsulOptions(address=text)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match=reason):
        parse_address(text)


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("consul://", {}),
        ("consul://box", {"address": "box"}),
        ("consul://box:8500", {"address": "box:8500"}),
        ("consul://box:8500/", {"address": "box:8500"}),
        ("consul://[::1]:8500", {"address": "[::1]:8500"}),
        ("consul-tls://", {"ssl": True}),
        ("consul-tls://box:8501", {"address": "box:8501", "ssl": True}),
        ("consul-unix:///run/consul.sock", {"address": "unix:///run/consul.sock"}),
        ("http://box:8500", {"address": "http://box:8500"}),
        ("https://box", {"address": "https://box"}),
        ("unix:///run/consul.sock", {"address": "unix:///run/consul.sock"}),
        ("box:8500", {"address": "box:8500"}),
        ("consul://me:p%40ss@box", {"address": "box", "auth": "me:p@ss"}),
        ("https://me:x@box/a", {"address": "https://box/a", "auth": "me:x"}),
    ],
)
def test_uris(uri, options):
    """A URI, or what stands behind `consul=`, becomes options."""
    assert from_uri(uri) == options


@pytest.mark.parametrize(
    "uri",
    [
        "consul://box:port",
        "consul-unix://relative",
        "consul-unix://",
        "ftp://box",
        "",
        "consul:///x",
    ],
)
def test_wrong_uris(uri):
    """A URI that names no agent is refused."""
    with pytest.raises(ValueError, match=r"."):
        from_uri(uri)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": timedelta(0)},
        {"concurrency": 0},
        {"concurrency": 65},
        {"health_ttl": timedelta(1e-6)},
    ],
    ids=str,
)
def test_wrong_values(options):
    """Values that cannot work are refused by name."""
    with pytest.raises(ValueError, match=next(iter(options))):
        ConsulOptions(**options)


def test_secrets_are_in_no_repr():
    """Token and password do not show in the options."""
    shown = repr(ConsulOptions(token=Secret("tok3n"), auth=Secret("me:passw0rd")))
    assert "tok3n" not in shown
    assert "passw0rd" not in shown


def test_kinds():
    """The agent and its key-value store are sinks with check translators, and sources, too."""
    sinks = {kind.name: kind for kind in syncer_sinks()}
    sources = {kind.name: kind for kind in syncer_sources()}
    translators = {translator.sink_kind for translator in syncer_check_translators()}
    assert sinks.keys() == sources.keys() == translators == {"consul", "consulkv"}
    assert (sinks["consul"].options, sources["consul"].options) == (ConsulOptions, CatalogOptions)
    for kinds in (sinks, sources):
        for name, kind in kinds.items():
            assert set(kind.schemes) == {name, f"{name}-tls", f"{name}-unix"}
