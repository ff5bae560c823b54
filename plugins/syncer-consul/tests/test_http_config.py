"""Agents that answer only some requests, or take writes only from elsewhere."""

import pytest

from syncer import Context, Level, PermanentError, TemporaryError
from syncer.kits.http import Failed, Refused
from syncer.testing import make_instance, make_registration
from syncer_consul import CatalogOptions
from syncer_consul.catalog import CatalogSource
from syncer_consul.http.refusals import Meaning, meaning

WEB = make_registration(make_instance())
BLOCKED = {
    "rights": ["/v1/internal"],
    "status": ["/v1/status"],
    "itself": ["/v1/agent/self"],
    "catalog": ["/v1/catalog", "/v1/health"],
    "all these": ["/v1/internal", "/v1/status", "/v1/agent/self", "/v1/catalog", "/v1/health"],
}


@pytest.fixture
def agent(start_consul):
    """Starts an agent with this `http_config`."""
    return lambda **config: start_consul(config={"http_config": config})


@pytest.mark.parametrize("blocked", BLOCKED.values(), ids=BLOCKED)
def test_blocked_endpoints(agent, open_sink, blocked):
    """What is only asked to know more is not needed: the work goes on without a problem."""
    sink = open_sink(agent(block_endpoints=blocked).url)
    assert sink.registrations().complete
    sink.register(WEB)
    assert [one.id for one in sink.registrations().items] == [WEB.id]
    found = list(sink.examine())
    assert Level.PROBLEM not in {one.level for one in found}
    assert "CONSUL_HTTP_TOKEN" not in " ".join(one.advice for one in found)
    sink.deregister(WEB)
    assert sink.registrations().items == ()


def test_a_blocked_endpoint_that_is_needed(agent, open_sink):
    """It is a problem, whose advice is about the agent's configuration and not about tokens."""
    sink = open_sink(agent(block_endpoints=["/v1/agent/services"]).url)
    with pytest.raises(PermanentError, match="Endpoint is blocked"):
        sink.registrations()
    (found,) = sink.examine()
    assert found.level is Level.PROBLEM
    assert "block_endpoints" in found.advice


def test_a_store_where_questions_about_rights_are_blocked(agent, open_kv):
    """The same for the key-value store."""
    blocked = ["/v1/internal", "/v1/status", "/v1/agent/self", "/v1/catalog"]
    store = open_kv(agent(block_endpoints=blocked).url, datacenter="dc1")
    store.register(WEB)
    assert [one.id for one in store.registrations().items] == [WEB.id]
    assert Level.PROBLEM not in {one.level for one in store.examine()}


def test_writes_from_elsewhere_only(agent, open_sink, open_kv):
    """Reading needs no write: mirrors work. The doctor says what a sink lacks."""
    made = agent(allow_write_http_from=["10.255.0.0/16"])
    source = CatalogSource(CatalogOptions(address=made.url), Context(name="mirror"))
    assert source.workloads().complete
    source.close()
    sink, store = open_sink(made.url), open_kv(made.url)
    for kept in (sink, store):
        view = kept.registrations()
        assert (view.items, view.complete) == ((), True)
        with pytest.raises(PermanentError, match="Access is restricted"):
            kept.register(WEB)
        (found,) = [one for one in kept.examine() if one.level is not Level.OK]
        assert found.level is Level.WARNING
        assert "takes no writes from this host" in found.what
        assert "allow_write_http_from" in found.advice


def test_a_store_read_by_get(clean_kv, open_kv):
    """Entries read without a transaction are the same."""
    store = open_kv(clean_kv.url)
    store.register(WEB)
    before = store.registrations()
    store._store._reads_by_get = True
    assert store.registrations() == before
    assert [one.id for one in before.items] == [WEB.id]


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (403, "ACL not found", Meaning.TOKEN),
        (403, "rpc error making call: ACL not found", Meaning.TOKEN),
        (403, "Permission denied: token lacks x", Meaning.RIGHTS),
        (403, "Endpoint is blocked by agent configuration", Meaning.BLOCKED),
        (403, "Access is restricted", Meaning.NO_WRITES),
        (403, "<html>Forbidden</html>", Meaning.BETWEEN),
        (405, "", Meaning.BETWEEN),
        (404, "404 page not found", Meaning.OTHER),
    ],
)
def test_what_a_refusal_means(code, reason, expected):
    """By the agent's words, and where they are another's by the status."""
    assert meaning(Refused("x", code, reason)) is expected


def test_what_is_no_refusal():
    """It is about the agent."""
    assert meaning(TemporaryError("no answer")) is Meaning.OTHER
    assert meaning(Failed("x", 500, "No cluster leader")) is Meaning.OTHER
