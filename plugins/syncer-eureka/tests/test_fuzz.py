"""Whatever a server answers: an error of syncer's, or a view that leaves nothing out in silence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers.lies import LyingProxy, broken, changed, check
from syncer import Context
from syncer.testing import wait_until
from syncer.testing.builders import make_instance, make_registration
from syncer_eureka import EurekaOptions
from syncer_eureka.sink import EurekaSink

pytestmark = pytest.mark.usefixtures("uncollected")
PATH = "/eureka/apps"
IDS = {f"h:{name}:80" for name in ("a", "b", "c")}
MANY = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Server:
    """A real server with three registrations, behind a proxy that lies."""

    def __init__(self, eureka):
        self.proxy = LyingProxy("127.0.0.1", eureka.port)
        sink = self.open()
        for id_ in sorted(IDS):
            new = make_instance(id=id_, service=id_[2], tags=("x",), meta={"k": "v"})
            sink.register(make_registration(new))
        wait_until(lambda: {r.id for r in sink.registrations().items} >= IDS, 60, "all to be seen")
        sink.close()
        self.answer = self.proxy.truth(PATH)
        self.parts = {
            one["metadata"]["syncer-id"]: [one]
            for app in self.answer["applications"]["application"]
            for one in app["instance"]
        }

    def open(self):
        return EurekaSink(EurekaOptions(urls=(f"http://{self.proxy.address}/eureka/",)), CONTEXT)

    def say(self, data, document):
        self.proxy.lies = {PATH: data}
        try:
            return check(self.open(), document, self.parts)
        finally:
            self.proxy.lies = {}


CONTEXT = Context(name="eureka", owner="syncer")


@pytest.fixture
def server(clean_eureka):
    made = Server(clean_eureka)
    assert made.parts.keys() == IDS
    yield made
    made.proxy.close()


@MANY
@given(data=st.data())
def test_a_value_that_is_another(server, data):
    """One value of an answer is of the wrong type, beyond all bounds, or gone."""
    document = data.draw(changed(server.answer))
    server.say(json.dumps(document).encode(), document)


@MANY
@given(data=st.data())
def test_an_answer_that_is_none(server, data):
    """Cut, torn or endless answers are errors, and never an empty registry."""
    assert server.say(data.draw(broken(server.answer)), None) is None
