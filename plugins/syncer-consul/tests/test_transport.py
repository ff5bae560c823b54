"""What statuses and answers of an agent mean, in which errors; over a server that gives any."""

from datetime import timedelta

import pytest

from servers.faulty import Faulty, answer
from syncer import PermanentError, Secret, TemporaryError
from syncer.kits.http import Failed, Refused
from syncer_consul.http.client import Client, is_unknown
from syncer_consul.options import ConsulOptions


@pytest.fixture
def serve():
    """Starts a server that gives these answers; returns a client of it."""
    started = []

    def start(*answers, **options):
        server = Faulty(answers)
        client = Client(ConsulOptions(address=f"127.0.0.1:{server.port}", **options), idle=1)
        started.append((server, client))
        return client

    yield start
    for server, client in started:
        client.close()
        server.close()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("500 Internal Server Error", b"No cluster leader", Failed),
        ("503 Service Unavailable", b"", Failed),
        ("429 Too Many Requests", b"Your IP is issuing too many concurrent connections", Failed),
        ("500 Internal Server Error", b"rpc error: Permission denied", Refused),
        ("500 Internal Server Error", b"Scripts are disabled on this agent", Refused),
        ("403 Forbidden", b"ACL not found", Refused),
        ("400 Bad Request", b"Invalid service address", Refused),
        ("404 Not Found", b"404 page not found", Refused),
        ("301 Moved Permanently", b"", Refused),
        ("413 Request Entity Too Large", b"", Refused),
    ],
)
def test_statuses(serve, status, body, kind):
    """What may pass is temporary, what will not is permanent, and Consul's reason is told."""
    client = serve(answer(body, status, "Location: /elsewhere\r\n"))
    with pytest.raises(kind) as caught:
        client.agent.services()
    assert caught.value.code == int(status[:3])
    assert body.decode() in str(caught.value)
    assert isinstance(caught.value, (TemporaryError, PermanentError))


@pytest.mark.parametrize(
    ("code", "reason", "unknown"),
    [
        (500, 'Unknown service {"web" {}}', True),
        (500, 'Unknown check "web:http"', True),
        (500, 'CheckID "x" does not have associated TTL', True),
        (404, "unknown service ID: web", True),
        (404, "", True),
        (500, "No cluster leader", False),
        (403, "Permission denied", False),
    ],
)
def test_unknown_in_all_its_words(code, reason, unknown):
    """Old and new versions say in different words that something is not there."""
    assert is_unknown(Failed("text", code, reason)) is unknown


def test_reason_is_tamed(serve):
    """What the other side says is cut short, put on one line, and cannot show the token."""
    token = "b1gs3cret"
    body = b"bad token b1gs3cret\n\x1b[31m" + b"x" * 5000
    client = serve(answer(body, "400 Bad Request"), token=Secret(token))
    with pytest.raises(PermanentError) as caught:
        client.agent.checks()
    text = str(caught.value)
    assert "bad token *** [31mxxx" in text
    assert token not in text
    assert text.isprintable()
    assert len(text) < 500


@pytest.mark.parametrize("body", [b"<html>hello</html>", b'{"cut', b"\xff\xfe"])
def test_not_json(serve, body):
    """An answer that is no JSON is an error that may pass: a proxy in between, say."""
    client = serve(answer(body))
    with pytest.raises(TemporaryError, match="not JSON"):
        client.agent.services()


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null"])
def test_not_consul(serve, body):
    """JSON that Consul would not send is no empty list: somebody else answers there."""
    client = serve(answer(body))
    with pytest.raises(PermanentError, match="wrong address"):
        client.agent.services().object()


def test_an_empty_answer_is_none(serve):
    """One that ended within its headers is asked for again, and is no empty list."""
    client = serve(answer(b""))
    with pytest.raises(TemporaryError, match="the answer is empty"):
        client.agent.services().object()


def test_not_found_list_is_an_error(serve):
    """A 404 on a list means another program, not that there is nothing."""
    client = serve(answer(b"no such page", "404 Not Found"))
    with pytest.raises(PermanentError, match="is this the address of a Consul agent"):
        client.agent.services().object()


def test_filtered_lists_say_so(serve):
    """The header by which newer versions tell of hidden entries is read."""
    header = "X-Consul-Results-Filtered-By-ACLs: true\r\nX-Consul-Index: 7\r\n"
    client = serve(answer(headers=header), answer())
    found = client.agent.services()
    assert (found.filtered, found.index) == (True, 7)
    found = client.agent.services()
    assert (found.filtered, found.index) == (False, 0)


def test_a_blocking_query_has_its_time(serve):
    """Its deadline is what it asks for, a sixteenth of that, and the timeout."""
    client = serve(answer(headers="X-Consul-Index: 7\r\n"), timeout=timedelta(seconds=5))
    asked, send = [], client.http._http.send
    client.http._http.send = lambda *a, timeout: asked.append(timeout) or send(*a, timeout=timeout)
    assert client.health.state("any", index=5, wait="32s").index == 7
    assert asked == [39.0]


def test_an_answer_without_its_index(serve):
    """What a proxy made of it is no answer of Consul's."""
    client = serve(answer(b"[]"))
    with pytest.raises(TemporaryError, match="not an answer of Consul's"):
        client.catalog.nodes()
