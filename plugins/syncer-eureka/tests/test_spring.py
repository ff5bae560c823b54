"""A client of Spring Cloud, which nobody here has written, finds what syncer registered."""

import pytest

from servers.waiting import wait_until
from syncer import Status
from syncer.testing import make_instance, make_registration


@pytest.fixture
def consumer(clean_eureka, start_consumer):
    """A Spring Cloud application that reads the server each second."""
    return start_consumer(clean_eureka.url)


@pytest.fixture
def register(sink):
    """Writes an instance; returns what is held."""

    def write(service="web", port=8080, **fields):
        return sink.register(make_registration(sink.adjust(make_instance(service, port, **fields))))

    return write


def test_a_spring_client_can_use_it(consumer, register, sink):
    """`DiscoveryClient` and the load balancer: address, port, https, metadata, what is up."""
    web = register(tags=("blue",), meta={"team": "shop", "zone": "eu-1a"})
    register("api", 8443, meta={"eureka_secure": "true"})
    register("six", 80, address="fd00::5")
    register("named", 80, meta={"eureka_vip": "other-name", "eureka_hostname": "web.example"})
    wait_until(
        lambda: all(consumer.instances(name) for name in ("web", "api", "six", "other-name")),
        60,
        "the client has read all",
    )
    (found,) = consumer.instances("web")
    assert found["id"] == web.id
    assert found["uri"] == "http://10.0.0.5:8080"
    assert (found["host"], found["port"], found["secure"]) == ("10.0.0.5", 8080, False)
    assert found["metadata"]["team"] == "shop"
    assert found["metadata"]["zone"] == "eu-1a"
    assert found["metadata"]["tags"] == "blue"
    assert consumer.choice("web") == found
    registered = {entry.instance.service for entry in sink.registrations().items}
    assert registered == {"web", "api", "six", "named"}  # the client has not registered itself
    (secure,) = consumer.instances("api")
    assert (secure["uri"], secure["secure"]) == ("https://10.0.0.5:8443", True)
    assert consumer.instances("six")[0]["uri"] == "http://[fd00::5]:80"
    assert consumer.instances("other-name")[0]["uri"] == "http://web.example:80"
    assert consumer.instances("named") == []
    ill = make_registration(sink.adjust(make_instance(status=Status.UNHEALTHY)))
    ill = sink.update(web, ill)
    wait_until(lambda: consumer.choice("web") == {}, 60, "what is ill is not chosen")
    sink.update(ill, make_registration(sink.adjust(make_instance())))
    wait_until(lambda: consumer.choice("web"), 60, "what is well is chosen again")
