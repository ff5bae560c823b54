"""Consul's catalog is compared with the agent, since consumers read the catalog."""

import json
import urllib.error

import attrs
import pytest

from servers.consul import ConsulApi
from servers.counting import CountingProxy
from servers.waiting import wait_until
from syncer import (
    Check,
    CheckKey,
    CheckResult,
    CheckStatus,
    Conflict,
    Level,
    Secret,
    open_engine,
)
from syncer.testing import make_instance, make_registration
from syncer_consul.agent import audit, examine
from syncer_consul.agent.audit import compared

#: An agent compares everything with the catalog after one to two minutes.
SYNCED = 150.0
RULES = 'service_prefix "" { policy = "write" } agent_prefix "" { policy = "read" }'
TTL = (Check(kind="ttl", ttl=600, initial_status=CheckStatus.PASSING),)
NODES = 'node_prefix "" { policy = "read" }'


@pytest.fixture
def agent(secured):
    """The agent that asks for tokens, without services, in its catalog too."""

    def clean():
        secured.clean()
        for id_ in in_catalog(secured) - secured.api.services().keys():
            forget(secured, id_)

    clean()
    yield secured
    clean()


def in_catalog(agent):
    """The ids of the services that the catalog has of the agent's node."""
    node = agent.api.get(f"catalog/node/{agent.config['node_name']}")
    return set(node["Services"]) - {"consul"}


def forget(agent, id_):
    """Remove a service from the catalog alone."""
    gone = {"Node": agent.config["node_name"], "ServiceID": id_}
    agent.api.put("catalog/deregister", gone)


def health(agent, service):
    """The statuses of the checks of a service, as its consumers see them."""
    found = agent.api.health(service)
    return {check["Status"] for one in found for check in one["Checks"] if check["ServiceID"]}


def delete(agent, token):
    """Have Consul forget a token."""
    itself = ConsulApi(agent.url, token)
    agent.api.request("DELETE", f"acl/token/{itself.get('acl/token/self')['AccessorID']}")

    def gone():
        try:
            itself.get("acl/token/self")
        except urllib.error.HTTPError:
            return True
        return False

    wait_until(gone, 20, "the token is gone")


class TestRotation:
    """A token in a file is replaced, and later the old one deleted."""

    @pytest.fixture
    def counted(self, agent):
        """A proxy that counts the requests of the engine."""
        proxy = CountingProxy(agent.address)
        yield proxy
        proxy.close()

    @pytest.fixture
    def place(self, agent, counted, tmp_path):
        """A running engine over a file of services; functions that edit it, and the token."""
        token, services = tmp_path / "token", tmp_path / "services.json"
        token.write_text(agent.api.create_token(RULES + NODES))

        def write(**statuses):
            more = {"address": "10.0.0.5", "port": 80, "checks": [{"kind": "container"}]}
            entries = [{"name": name, "status": s, **more} for name, s in statuses.items()]
            services.write_text(json.dumps(entries))

        def rotate():
            old = token.read_text()
            token.write_text(agent.api.create_token(RULES + NODES))
            return old

        write(web="up", db="up", gone="up")
        engine = open_engine(
            sources=[f"file={services}"],
            sinks=[f"consul=http://{counted.address}"],
            settings=[f"sinks.consul.token_file={token}"],
            environ={},
        )
        engine.start()
        wait_until(lambda: len(in_catalog(agent)) == 3, 20, "the catalog has them")
        yield engine, write, rotate
        engine.stop()

    def test_all_is_registered_again(self, agent, counted, place):
        """Services and checks: the catalog follows them after the old token is gone."""
        engine, write, rotate = place
        before, old = writes(counted), rotate()
        engine.refresh()
        wait_until(lambda: writes(counted) >= before + 3, 20, "each is written again")
        delete(agent, old)
        write(web="up", db="unhealthy")
        wait_until(lambda: in_catalog(agent) == set(agent.api.services()), SYNCED, "it is followed")
        wait_until(lambda: health(agent, "db") == {"critical"}, SYNCED, "the health of db")
        forget(agent, next(id_ for id_ in agent.api.services() if "web" in id_))
        wait_until(lambda: len(in_catalog(agent)) == 2, SYNCED, "web is there again")
        assert writes(counted) < before + 9, "once, not for ever"


def writes(proxy):
    """How often a service was registered."""
    words = "PUT /v1/agent/service/register"
    return sum(count for what, count in proxy.counts.items() if what.startswith(words))


def look(sink, times=2):
    """Look at the catalog, and return what the sink lists then, by id."""
    agent = sink._client.agent
    for _ in range(times):
        sink._audit.look(agent.services().object(), agent.checks().object())
    return {one.id: one for one in sink.registrations().items}


def new(sink, name, **fields):
    return make_registration(sink.adjust(make_instance(name, id=name, **fields)))


@pytest.fixture
def after(agent, open_sink):
    """A sink with a new token over entries that were written with one that is gone; and those."""

    def after(*names, rules=RULES + NODES, **fields):
        token = agent.api.create_token(RULES + NODES)
        first = open_sink(agent.url, token=Secret(token))
        held = [first.register(new(first, name, **fields)) for name in names]
        wait_until(lambda: in_catalog(agent) == set(names), 20, "the catalog has them")
        delete(agent, token)
        return open_sink(agent.url, token=Secret(agent.api.create_token(rules))), held

    return after


def test_a_ghost(agent, after):
    """An entry that only the catalog still has is listed, told, and removed there."""
    sink, (web, _) = after("web", "db")
    assert {one.damaged for one in look(sink).values()} == {""}
    sink.deregister(web)
    assert look(sink, 1).keys() == {"db"}, "one look may come too early"
    assert "web" in in_catalog(agent)
    found = look(sink, 1)["web"]
    assert (found.mark, found.damaged) == (web.mark, "only the catalog has it, not the agent")
    (problem,) = sink.registrations().problems
    assert "differ in web (web: only the catalog has it" in problem
    sink.deregister(found)
    assert in_catalog(agent) == {"db"}
    assert look(sink).keys() == {"db"}
    assert sink.registrations().problems == ()


def test_a_ghost_that_is_wanted_again(agent, after):
    """It is registered at the agent, and the catalog has the new one."""
    sink, (web,) = after("web")
    sink.deregister(web)
    ghost = look(sink)["web"]
    sink.update(ghost, new(sink, "web", port=81))
    assert sink.registrations().items[0].damaged == ""
    wait_until(lambda: agent.api.health("web")[0]["Service"]["Port"] == 81, SYNCED, "the new port")
    assert look(sink)["web"].damaged == ""


def test_a_ghost_that_somebody_registers_meanwhile(agent, after):
    """It is theirs."""
    sink, (web,) = after("web")
    sink.deregister(web)
    ghost = look(sink)["web"]
    agent.api.register({"ID": "web", "Name": "web"})
    with pytest.raises(Conflict):
        sink.deregister(ghost)
    assert "web" in agent.api.services()


def test_strangers_are_left_alone(agent, after, open_sink):
    """A service of the catalog without our mark is not even listed."""
    sink, _ = after("web")
    node = {"Node": agent.config["node_name"], "Address": agent.host, "SkipNodeUpdate": True}
    entry = {"ID": "x", "Service": "x", "Meta": {"syncer-owner": "another"}}
    agent.api.put("catalog/register", {**node, "Service": entry})
    assert "x" in in_catalog(agent)
    assert look(sink).keys() == {"web"}


def test_what_the_catalog_lost(agent, after):
    """It is damaged until it was written again; then the catalog has it."""
    sink, (web, _) = after("web", "db")
    forget(agent, "web")
    found = look(sink)
    assert found["web"].damaged == "the catalog does not have it"
    assert found["db"].damaged == ""
    sink.update(found["web"], web)
    assert sink.registrations().problems == ()
    wait_until(lambda: "web" in in_catalog(agent), SYNCED, "the catalog has it again")
    assert {one.damaged for one in look(sink).values()} == {""}


def test_health_that_the_catalog_does_not_follow(agent, after):
    """The agent knows that it is ill, and the catalog calls it well."""
    sink, (web,) = after("web", checks=TTL)
    sink.report({CheckKey("web", "ttl"): CheckResult(status=CheckStatus.CRITICAL)})
    wait_until(lambda: look(sink)["web"].damaged, 20, "the difference")
    found = look(sink)["web"]
    assert found.damaged == "check web:ttl: the catalog says passing, the agent critical"
    sink.update(found, attrs.evolve(web, instance=new(sink, "web", checks=TTL).instance))
    wait_until(lambda: health(agent, "web") == {"critical"}, SYNCED, "the catalog knows")


def test_what_writing_does_not_mend(agent, after, monkeypatch):
    """It is written once, and then told."""
    sink, (web,) = after("web")
    forget(agent, "web")
    sink.update(look(sink)["web"], web)
    monkeypatch.setattr(audit, "SHOWS", 0.0)
    forget_always(agent, "web")
    found = look(sink)
    assert found["web"].damaged == ""
    (problem,) = sink.registrations().problems
    assert "does not follow the agent, though written again: web" in problem


def forget_always(agent, id_):
    wait_until(lambda: id_ in in_catalog(agent), SYNCED, "it is synchronized")
    forget(agent, id_)


@pytest.mark.parametrize("rules", [RULES, RULES.partition(" agent_prefix")[0]])
def test_without_the_right_to_read_the_catalog(agent, after, rules):
    """Work goes on; the doctor says what is not compared, and which rights would do."""
    sink, (web,) = after("web", rules=rules)
    forget(agent, "web")
    assert look(sink)["web"].damaged == ""
    sink.register(new(sink, "db"))
    assert sink.registrations().problems == ()
    (found,) = [one for one in sink.examine() if "catalog" in one.what]
    assert found.level is Level.WARNING
    assert "not compared" in found.what
    assert 'node_prefix "" { policy = "read" }' in found.advice


def test_doctor(agent, after, monkeypatch):
    """It names what the catalog has wrong, and is quiet where all is well."""
    monkeypatch.setattr(examine, "_SYNCED", 0.1)
    sink, _ = after("web")
    assert [one for one in sink.examine() if "catalog" in one.what] == []
    forget(agent, "web")
    (found,) = [one for one in sink.examine() if "catalog" in one.what]
    assert "differ in web (web: the catalog does not have it)" in found.what


ENTRY = {"ID": "web", "Service": "web", "Address": "10.0.0.5", "Port": 80, "Tags": ["a"],
         "Meta": {"syncer-owner": "me", "syncer-scope": "s", "syncer-source": "d",
                  "syncer-workload": "w", "syncer-digest": "1"}}  # fmt: skip
CHECK = {"CheckID": "web:http", "ServiceID": "web", "Status": "passing"}


@pytest.mark.parametrize(
    ("entry", "checks", "fault"),
    [
        ({}, [CHECK], ""),
        ({"Tags": None}, [CHECK], "the catalog has an older form of it"),
        ({"Port": 81}, [CHECK], "the catalog has an older form of it"),
        ({"Weights": {"Passing": 1}}, [CHECK], ""),
        ({}, [], "check web:http: the catalog says no such check, the agent passing"),
        (
            {},
            [CHECK, {**CHECK, "CheckID": "web:tcp"}],
            "check web:tcp: the catalog says passing, the agent no such check",
        ),
    ],
)
def test_differences(entry, checks, fault):
    """Of everything that consumers see and syncer writes."""
    there = {"Services": {"web": {**ENTRY, **entry}}, "Node": {}}
    found = compared({"web": ENTRY}, {"web:http": CHECK}, there, checks, "me")
    assert found.texts() == ({"web": fault} if fault else {})
    assert found.checks.get("web", ()) == (("web:tcp",) if "tcp" in fault else ())


def test_tags_that_others_may_change():
    """With tag override the agent takes the catalog's tags over: they are no difference."""
    ours = {**ENTRY, "EnableTagOverride": True}
    there = {"Services": {"web": {**ours, "Tags": ["b"]}}, "Node": {}}
    assert compared({"web": ours}, {}, there, [], "me").texts() == {}


def test_an_id_that_differs_in_case_is_no_ghost():
    """The catalog takes both for one: to remove it would remove the other."""
    there = {"Services": {"Web": {**ENTRY, "ID": "Web"}}, "Node": {}}
    found = compared({"web": ENTRY}, {}, there, [], "me")
    assert found.texts() == {"web": "the catalog does not have it"}
