"""What was used as a secret is taken out of every text, in whatever form it appears."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from syncer import PermanentError, Secret, Skip, hidden, sendable, shown_address
from syncer.api import secrets
from syncer.api.errors import text_of, trace_of
from syncer.api.findings import Finding, Level
from syncer.api.secrets import remember, remember_login
from syncer.api.text import printable, shown
from syncer.events import LoopFailed, ProblemsFound, Warned

LONG = "s3cret & 'quoted' \"too\" %41\u20ac/\\end"


@pytest.mark.parametrize(
    "form",
    [
        lambda s: s,
        lambda s: quote(s),
        lambda s: quote(s, safe="").lower(),
        quote_plus,
        repr,
        ascii,
        json.dumps,
        lambda s: repr(s.encode()),
        lambda s: repr([{"token": s}]),
        lambda s: json.dumps({"token": s}, ensure_ascii=False),
        lambda s: json.dumps(s, ensure_ascii=False).replace("&", "\\u0026"),  # as Go's
        html.escape,
        lambda s: html.escape(s, quote=False),
        lambda s: html.escape(s).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
        printable,
    ],
)
@pytest.mark.parametrize("value", [LONG, "long\ttab\x07bell", "plain-t0ken", "a+b/c=d?e#f:g@h"])
def test_every_form(form, value):
    """As libraries and servers show what they were sent."""
    if "%41" in value and form(value).islower():
        value = value.lower()
    text = f"Invalid header value {form(value)} of 3"
    assert hidden(text) == text
    Secret(value).reveal()
    found = hidden(text)
    assert "***" in found
    assert [part for part in ("3cret", "t0ken", "bell") if part in found] == []
    assert found.startswith("Invalid header value")


def test_lines_of_a_secret():
    """Each line of it, where a text has only one of them."""
    remember("first-line-of-it\nsecond-line-of-it")
    assert hidden("see second-line-of-it") == "see ***"
    assert hidden("a first-line-of-it second-line-of-it") == "a ***"


@pytest.mark.parametrize(
    ("secret", "text", "found"),
    [
        ("a", "not a regular file", "not a regular file"),
        ("a", "Invalid header value b'a'", "Invalid header value b'***'"),
        ("a", "redis://me:a@host", "redis://***@host"),
        ("abc", "abc 'abc' \"abc\" abcd", "abc '***' \"***\" abcd"),
        ("root", "/root/x: root, rooted, root-web", "/***/x: ***, rooted, root-web"),
        ("test1", "latest1 test1", "latest1 ***"),
        ("services", "services and microservices", "*** and micro***"),
        ("", "nothing", "nothing"),
    ],
)
def test_short_secrets_leave_texts_readable(secret, text, found):
    """Any text has a letter or a short word by chance."""
    Secret(secret).reveal()
    assert hidden(text) == found


def test_names_of_others_stay():
    """The name of a service is no secret, even if somebody took it as a password."""
    Secret("services").reveal()
    Secret("s3cret-t0ken").reveal()
    Secret("web").reveal()
    assert hidden('{"services": "web", "x": "s3cret-t0ken"}', data=True) == (
        '{"services": "web", "x": "***"}'
    )


def test_the_longer_one_first():
    """One may begin with another."""
    remember("prefix-of-it")
    remember("prefix-of-it-all")
    assert hidden("prefix-of-it-all prefix-of-it") == "*** ***"


def test_one_that_is_known_late():
    """A text that was made before is without it when it leaves."""
    error = PermanentError("b'read-later-from-a-file'")
    assert str(error) == "b'read-later-from-a-file'"
    Secret("read-later-from-a-file").reveal()
    assert str(error) == "b'***'"


def test_their_number_is_bounded():
    """A token that is replaced every minute does not slow syncer down."""
    for number in range(3 * secrets._MOST):
        remember(f"t0ken-number-{number:05}")
    assert len(secrets._known.secrets) == secrets._MOST
    assert hidden("t0ken-number-00299") == "***"


def test_users_of_addresses():
    """In any text, whoever made it; what only looks like one stays."""
    assert hidden("GET http://me:p/w@h/x?a failed") == "GET http://***@h/x?a failed"
    assert hidden("http://h/x and me@there") == "http://h/x and me@there"


def test_a_text_without_end():
    """It takes time that grows with its length only: other threads wait meanwhile."""
    long = "a." * 500_000
    assert hidden(f"{long} ://x:y@h") == f"{long} ://x:y@h"
    assert hidden(f"{long}://x:y@h") == f"{long}://***@h"


def test_a_login():
    """The user is no secret, the password is."""
    assert Secret("me:passw0rd").login(Secret("")) == ("me", "passw0rd")
    assert Secret("me").login(Secret("other-one")) == ("me", "other-one")
    assert Secret("me:passw0rd").login(Secret("other-one")) == ("me", "other-one")
    assert hidden("me: passw0rd, other-one") == "me: ***, ***"


def test_texts_that_are_values():
    """Events, findings and skips are made of others' errors, and go to others' listeners."""
    Secret("s3cret-t0ken").reveal()
    text, found = "b's3cret-t0ken'", "b'***'"
    assert LoopFailed(loop="sink x", error=text, trace=text).error == found
    assert LoopFailed(loop="sink x", error="", trace=text).trace == found
    assert ProblemsFound(source="d", workload="w", problems=[text]).problems == (found,)
    assert Warned(text=text).text == found
    assert Skip("id", "refused", text).reason == found
    assert Finding(Level.OK, text, text) == Finding(Level.OK, found, found)
    assert text_of(ValueError(text)) == found
    with pytest.raises(ValueError, match="s3cret") as caught:
        raise ValueError(text)
    assert trace_of(caught.value).endswith("ValueError: b'***'\n")


def test_an_error_that_cannot_be_told():
    """Its class is."""

    class OddError(Exception):
        def __str__(self):
            raise RuntimeError

    assert text_of(OddError()) == "OddError"


@pytest.mark.parametrize(
    "text", ["x\ny", "x\r\ny", "x\x00y", "x\x1fy", "x\x7fy", "x\u2028y", "\udc80"]
)
def test_what_cannot_be_sent(text):
    """The error does not show it."""
    with pytest.raises(ValueError, match="line|control|UTF-8") as caught:
        sendable(text)
    assert text not in str(caught.value)


def test_what_can_be_sent():
    """Blanks at the ends are nobody's wish."""
    assert sendable(" a b\u00fc \r\n") == "a b\u00fc"
    with pytest.raises(ValueError, match="letters that no header can carry"):
        sendable("\u00fc", header=True)
    assert Secret(" x\n").reveal() == "x"
    assert not Secret(" \n")


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("tcp://admin:pw@h:1/x", "tcp://***@h:1/x"),
        ("admin:pw@h:1", "***@h:1"),
        ("http://h/x?pw", "http://h/x?***"),
        ("http://h/x#pw", "http://h/x?***"),
        ("http://a:p@b@h/x", "http://***@h/x"),
        ("http://a:p?w@h/x", "http://***"),
        ("http://h/x?a=b@c", "http://***"),
        ("etcd:user:pw@h", "***@h"),
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
        ("h:8500", "h:8500"),
        ("", ""),
    ],
)
def test_addresses(address, found):
    """Nothing before the @, and nothing after the ?."""
    assert shown_address(address) == found


def test_a_wrong_value_that_is_an_address():
    """Where a number should be, say."""
    assert shown("http://me:pw@h") == "'http://***@h'"
    assert shown("fsat") == "'fsat'"


def test_a_mistake_that_tears_a_password_apart():
    """An error about a part of it shows that part in quotes."""
    remember_login("etcd://me:a/s3cr@h")
    assert hidden("not a port: 'a', 's3cr'") == "not a port: '***', '***'"
