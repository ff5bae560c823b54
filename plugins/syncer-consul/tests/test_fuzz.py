"""Whatever an agent answers: an error of syncer's, or a view that leaves nothing out in silence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers.lies import LyingProxy, broken, changed, check
from syncer import Context
from syncer.testing.builders import make_instance, make_registration
from syncer_consul import ConsulOptions, KvOptions
from syncer_consul.agent.sink import ConsulSink
from syncer_consul.kv.sink import ConsulKvSink

pytestmark = pytest.mark.usefixtures("uncollected")
KINDS = {"consul": (ConsulSink, ConsulOptions), "consulkv": (ConsulKvSink, KvOptions)}
QUESTIONS = {
    "consul": ["/v1/agent/services", "/v1/agent/checks", "/v1/agent/self"],
    "consulkv": ["/v1/txn", "/v1/agent/self"],
}
MANY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Agent:
    """A real agent with three registrations, behind a proxy that lies."""

    def __init__(self, kind, consul):
        self.kind = kind
        self.proxy = LyingProxy("127.0.0.1", int(consul.address.rpartition(":")[2]))
        sink = self.open()
        for name in ("a", "b", "c"):
            new = make_instance(id=f"h:{name}:80", service=name, tags=("x",), meta={"k": "v"})
            sink.register(make_registration(new))
        sink.registrations()
        sink.close()
        self.answers = {path: self.proxy.truth(path) for path in QUESTIONS[kind]}

    def open(self):
        make, options = KINDS[self.kind]
        return make(options(address=self.proxy.address), Context(name=self.kind, owner="syncer"))

    def parts(self):
        """What in the answers makes each registration."""
        if self.kind == "consul":
            return {id_: [found] for id_, found in self.answers["/v1/agent/services"].items()}
        results = self.answers["/v1/txn"]["Results"]
        ids = [f"h:{name}:80" for name in "abc"]
        return {id_: [one for one in results if id_ in one["KV"]["Key"]] for id_ in ids}

    def say(self, path, data, document):
        """Check what becomes of this answer."""
        self.proxy.lies = {path: data}
        try:
            parts = self.parts() if path == QUESTIONS[self.kind][0] else {}
            return check(self.open(), document, parts)
        finally:
            self.proxy.lies = {}


@pytest.fixture(params=KINDS)
def agent(request, clean_consul):
    made = Agent(request.param, clean_consul)
    assert {len(all_) for all_ in made.parts().values()} <= {1, 2}
    assert len(made.parts()) == 3
    yield made
    made.proxy.close()
    clean_consul.api.request("DELETE", "kv/", recurse="")


@MANY
@given(data=st.data())
def test_a_value_that_is_another(agent, data):
    """One value of an answer is of the wrong type, beyond all bounds, or gone."""
    path = data.draw(st.sampled_from(QUESTIONS[agent.kind]))
    document = data.draw(changed(agent.answers[path]))
    agent.say(path, json.dumps(document).encode(), document)


@MANY
@given(data=st.data())
def test_an_answer_that_is_none(agent, data):
    """Cut, torn or endless answers are errors, and never an empty registry."""
    path = QUESTIONS[agent.kind][0]
    answer = data.draw(broken(agent.answers[path]))
    assert agent.say(path, answer, None) is None
