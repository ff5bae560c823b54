"""Options and URIs of the sink, and what is said of those that cannot be."""

from datetime import timedelta

import pytest

from syncer_eureka import EurekaOptions
from syncer_eureka.address import parse_url
from syncer_eureka.options import from_uri

SECRET = "pa55word-of-the-tests"


@pytest.mark.parametrize(
    ("uri", "urls"),
    [
        ("eureka://h1/eureka", ["http://h1:8761/eureka/"]),
        ("eureka://h1:8080/eureka/v2/", ["http://h1:8080/eureka/v2/"]),
        ("eureka://h1:1,h2:2/eureka", ["http://h1:1/eureka/", "http://h2:2/eureka/"]),
        ("eurekas://h1,h2/eureka", ["https://h1:8761/eureka/", "https://h2:8761/eureka/"]),
        ("eureka://[fd00::1]/eureka", ["http://[fd00::1]:8761/eureka/"]),
        ("http://h1:8761/eureka", ["http://h1:8761/eureka/"]),
        ("http://h1/eureka,https://h2/eureka/", ["http://h1:80/eureka/", "https://h2:443/eureka/"]),
        ("h1:8761/eureka", ["http://h1:8761/eureka/"]),
        ("eureka://h1", ["http://h1:8761/"]),
    ],
)
def test_uri(uri, urls):
    """Schemes, lists of hosts and of URLs; the path is never guessed."""
    options = EurekaOptions(**from_uri(uri))
    assert [str(address) for address in options.addresses] == urls


def test_uri_with_options_and_a_user():
    """What stands before the host and behind the question mark becomes options."""
    found = from_uri(f"eureka://me:{SECRET}@h1,h2/eureka?zone=a&lease_duration=120s")
    assert found["user"] == "me"
    assert found["password"] == SECRET
    assert found["zone"] == "a"
    assert found["lease_duration"] == "120s"
    assert found["urls"] == ("http://h1:8761/eureka/", "http://h2:8761/eureka/")
    assert from_uri("eureka:///?zone=b") == {"zone": "b"}


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        (f"eureka://me:{SECRET}@h1/eureka?what=1", "unknown option after the \\?"),
        (f"http://me:{SECRET}@h1/e,http://you:{SECRET}2@h2/e", "the same user"),
        (f"ftp://me:{SECRET}@h1/e", "unknown scheme"),
        (f"eureka://me:{SECRET}@h1:99999/e", "not an address"),
        (f"eureka://me:{SECRET}@h1:0/e", "port must be 1-65535"),
        (f"http://me:{SECRET}@/e", "has no host"),
        (f"http://me:{SECRET}@h1/e#f", "must not contain"),
    ],
)
def test_uri_that_cannot_be(uri, words):
    """The reason is told, and nothing secret."""
    with pytest.raises(ValueError, match=words) as caught:
        EurekaOptions(**from_uri(uri))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"urls": ()}, "at least one"),
        ({"urls": (f"http://me:{SECRET}@h/e",)}, "options"),
        ({"connections": 0}, "1 to 64"),
        ({"timeout": timedelta(0)}, "timeout must be at least"),
        ({"renewal_interval": timedelta(0)}, "renewal_interval must be"),
        ({"lease_duration": timedelta(seconds=40)}, r"longer than .* \(40s\)"),
    ],
)
def test_options_that_cannot_be(options, words):
    """Each names the option and the reason."""
    with pytest.raises(ValueError, match=words) as caught:
        EurekaOptions(**options)
    assert SECRET not in str(caught.value)


def test_defaults_are_a_local_server():
    """Without anything it is Spring Cloud's server on this machine."""
    assert [str(one) for one in EurekaOptions().addresses] == ["http://127.0.0.1:8761/eureka/"]


def test_an_address_for_people_has_no_secret():
    """Neither as text nor as a repr."""
    address, credentials = parse_url(f"https://me:{SECRET}@h:1/eureka")
    assert SECRET not in f"{address} {address!r} {credentials!r} {address.place}"
    assert address.place == "h:1/eureka"
