"""One address that leads to several agents, or to one under another name."""

import socket
from contextlib import suppress
from itertools import cycle
from threading import Thread

import pytest

from syncer import open_engine
from syncer.api.changes import SkipKind
from syncer.testing import make_instance, make_registration
from syncer_consul.agent import nodes
from syncer_consul.agent.nodes import Nodes
from syncer_consul.http.client import AgentInfo


class RoundRobin:
    """Leads each new connection to the next of these addresses."""

    def __init__(self, *addresses):
        self._next = cycle(addresses)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listening.getsockname())
        self._open, self._threads = [self._listening], []
        self._begin(self._serve)

    def close(self):
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(30)
        for one in self._open:
            one.close()

    def _begin(self, work, *arguments):
        self._threads.append(Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _serve(self):
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                host, _, port = next(self._next).rpartition(":")
                far = socket.create_connection((host, int(port)))
                self._open += [near, far]
                self._begin(_copy, near, far)
                self._begin(_copy, far, near)


def _copy(one, other):
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


class TestTwoAgents:
    @pytest.fixture
    def both(self, start_consul):
        """Two agents, and an address that leads to either."""
        agents = (
            start_consul(config={"node_name": "here"}),
            start_consul(config={"node_name": "there"}),
        )
        balancer = RoundRobin(*(agent.address for agent in agents))
        yield agents, balancer.address
        balancer.close()

    def test_nothing_is_removed(self, both, tmp_path):
        """It is told, in the log and by the doctor; new entries are registered."""
        agents, address = both
        services, said = tmp_path / "s.json", []
        services.write_text('[{"name": "web", "address": "10.0.0.5", "port": 80}]')
        engine = open_engine(
            sources=[f"file={services}"],
            sinks=[f"consul=http://{address}"],
            listeners=[said.append],
            environ={},
        )
        assert engine.reconcile()["consul"].applied == 1
        services.write_text('[{"name": "db", "address": "10.0.0.5", "port": 80}]')
        report = engine.reconcile()["consul"]
        assert report.applied == 1
        assert {skip.kind for skip in report.plan.skipped} <= {SkipKind.INCOMPLETE}
        warnings = [event.text for event in said if hasattr(event, "text")]
        assert len(warnings) == 1
        assert (
            "leads to several agents, of the nodes here, there: nothing is removed" in warnings[0]
        )
        engine.stop()
        left = {id_ for agent in agents for id_ in agent.api.services()}
        assert len(left) == 2


@pytest.fixture
def clock(monkeypatch):
    """A clock to set."""
    now = [1000.0]
    monkeypatch.setattr(nodes.time, "monotonic", lambda: now[0])
    return now


class Client:
    address = "http://x:8500"


def told(*names):
    """What is told after these sets of names."""
    made = Nodes(Client())
    for one in names:
        made.note(frozenset(one))
    return made.problem


@pytest.mark.parametrize(
    ("names", "several"),
    [
        ([{"a"}, {"a"}], ""),
        ([{"a"}, set(), {"a"}], ""),
        ([{"a"}, {"b"}, {"b"}], ""),
        ([{"a"}, {"b"}, {"a"}], "a, b"),
        ([{"a"}, {"a", "b"}], "a, b"),
        ([{"a"}, {"a", "b"}, {"c"}], "a, b"),
    ],
    ids=["one", "not told", "renamed", "comes back", "at one time", "remembered"],
)
def test_when_it_is_told(names, several):
    """A new name is no other agent, unless the old one is answered again."""
    found = told(*names)
    assert (f"of the nodes {several}:" in found) if several else found == ""


def test_nonsense_is_no_name():
    """Whatever stands where a name should."""
    checks = {"a": None, "b": {"Node": 5}, "c": {}, "d": {"Node": "here"}}
    made = Nodes(Client())
    made._looked = True
    assert made.met("here", checks) == ""


def test_it_is_forgotten(clock):
    """After a while in which one agent answered."""
    made = Nodes(Client())
    made.note(frozenset("ab"))
    assert made.problem
    clock[0] += 601
    made.note(frozenset("a"))
    assert not made.problem
    made.note(frozenset("b"))
    assert not made.problem


def test_an_agent_that_tells_its_name_only_by_its_checks(sink, clean_consul, monkeypatch):
    """Without the right to ask the agent, two names that take turns are two agents."""
    sink.register(make_registration(make_instance()))
    clean_consul.api.put("agent/check/register", {"Name": "x", "TTL": "60s"})
    real = sink._client.agent.checks

    def named(node):
        answer = real()
        for check in answer.data.values():
            check["Node"] = node
        return answer

    monkeypatch.setattr(sink._client, "_ask_self", AgentInfo)
    sink._client.forget()
    complete = []
    for node in ("a", "b", "a"):
        monkeypatch.setattr(sink._client.agent, "checks", lambda node=node: named(node))
        complete.append(sink.registrations().complete)
    assert complete == [True, True, False]
    clean_consul.api.deregister_check("x")
