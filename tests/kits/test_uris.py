"""Addresses as people write them, and what is said of those that cannot be."""

import attrs
import pytest

from syncer.kits.uris import each, parse_host, parse_http_url, parse_query, parse_uri, split_user

SECRET = "pa55word"


def test_all_parts():
    """User and path are not quoted any more; hosts are a list."""
    uri = parse_uri(f"etcd://me:p%40{SECRET}@h1:1, h2,/a%20b/c?layout=json&x=", ["etcd"], "etcd")
    assert (uri.user, uri.hosts, uri.path) == (f"me:p@{SECRET}", ("h1:1", "h2"), "a b/c")
    found = {"layout": "json", "user": f"me:p@{SECRET}", "servers": ("h1:1", "h2")}
    assert uri.options(["layout"], "servers", str) == (found, {"x": ""})
    assert SECRET not in repr(uri)


def test_most_parts_may_be_missing():
    """The scheme too."""
    assert parse_uri("", ["etcd"], "etcd").hosts == ()
    assert parse_uri("h/x", ["etcd"], "etcd").path == "x"
    assert split_user("h:1/a@b") == ("", "", "h:1/a@b")
    assert split_user("http://u@h") == ("http", "u", "h")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ftp://h", "unknown scheme 'ftp': etcd, etcds are known"),
        ("etcd://h/a#b", "%23"),
        (f"etcd://me:{SECRET}/x@h", "must be written %2F"),
        (f"etcd://me:{SECRET}#x@h", "%23"),
    ],
)
def test_what_cannot_be_read(text, words):
    """The reason shows nothing secret."""
    with pytest.raises(ValueError, match=words) as caught:
        parse_uri(text, ["etcd", "etcds"], "etcd")
    assert SECRET not in str(caught.value)


def test_a_password_in_the_query_is_refused():
    """It would be shown, as options of a layout are."""
    with pytest.raises(ValueError, match="the password goes before the host") as caught:
        parse_uri(f"etcd://h?password={SECRET}", ["etcd"], "etcd").options([], "hosts", str)
    assert SECRET not in str(caught.value)


def test_an_unknown_option_is_refused():
    """Where no layout could know it."""
    assert parse_query("a=1", ["a"]) == {"a": "1"}
    with pytest.raises(ValueError, match=r"unknown option after the \?: known are a"):
        parse_query("b=1", ["a"])


@pytest.mark.parametrize(
    ("text", "found"),
    [("h", ("h", 7)), ("h:1", ("h", 1)), ("::1", ("::1", 7)), ("[::1]:80", ("::1", 80))],
)
def test_hosts(text, found):
    """A port if there is one; IPv6 with and without brackets."""
    assert parse_host(text, 7) == found


@pytest.mark.parametrize("text", ["", "a b", "h:x", "h:0", "h:70000", "u@h", "a,b", "h/x", "a=b"])
def test_what_is_not_a_host(text):
    """Each is refused."""
    with pytest.raises(ValueError, match="not |do not belong"):
        parse_host(text, 7)


@pytest.mark.parametrize(
    "text", ["ftp://h", "http://", "h:0", "h?a", "h#a", "http://[::1", "h:x", "a=b"]
)
def test_what_is_not_a_url(text):
    """Each is refused, without showing it."""
    with pytest.raises(
        ValueError, match="unknown scheme|no host|port must|must not contain|not an address"
    ):
        parse_http_url(text)


def test_every_server_is_validated():
    """The field is named."""

    @attrs.frozen
    class Options:
        servers: tuple[str, ...] = attrs.field(validator=each(lambda text: parse_host(text, 1)))

    Options(("a", "b:1"))
    with pytest.raises(ValueError, match="servers must name at least one server"):
        Options(())
    with pytest.raises(ValueError, match="servers: port must be 1-65535, not 'x'"):
        Options(("a", "b:x"))
