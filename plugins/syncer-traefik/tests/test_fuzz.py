"""Whatever labels say: no exception, and what is offered can be an instance with an address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import Binding, Host, Network, Port, Workload
from syncer.desired.translate import Translator
from syncer_traefik import PassOn, TraefikOptions, create

HOST = Host(name="a", addresses={"eth0": ("10.0.0.5",)}, default_address="10.0.0.5")
WORDS = st.sampled_from(
    ["traefik", "Traefik", "http", "tcp", "udp", "services", "routers", "middlewares", "web", "api"]
    + ["loadbalancer", "server", "port", "url", "scheme", "weight", "healthcheck", "path", "enable"]
    + ["interval", "timeout", "mode", "headers", "hostname", "service", "docker", "network", ""]
)
SERVICE = st.builds(
    "traefik.{}.services.{}.loadbalancer.{}".format,
    st.sampled_from(["http", "tcp", "udp"]),
    st.text(min_size=1, max_size=5),
    st.sampled_from(["server.port", "server.url", "server.weight", "healthcheck.path", "x"])
    | st.sampled_from([f"healthcheck.{k}" for k in ("interval", "timeout", "mode", "port")]),
)
LABELS = st.one_of(
    SERVICE,
    st.lists(WORDS | st.text(max_size=4), max_size=6).map(
        lambda words: ".".join(["traefik", *words])
    ),
    st.sampled_from(["com.docker.compose.service", "com.docker.compose.project"]),
    st.text(max_size=20),
)
SHORT = st.sampled_from(
    [
        "true",
        "false",
        "80",
        "-1",
        "10s",
        "a,b",
        "/x",
        "grpc",
        "https",
        "\ud800",
        "\0",
        "a\r\nb",
        "²",
    ]
    + ["http://10.0.0.1:80", "http://[", "http://[::1]:99999", "https://a.b", "http://169.254.1.1"]
)
LONG = st.sampled_from(["x" * 5000, "9" * 5000, "é\u202e" * 999])


@pytest.mark.parametrize("pass_on", PassOn)
@settings(max_examples=150, deadline=None)
@given(
    labels=st.dictionaries(LABELS, SHORT | LONG | st.text(), max_size=15), name=st.text(max_size=40)
)
def test_whatever_labels_say_is_translated(pass_on, labels, name):
    """From labels to instances: mistakes are problems, never a parser that failed."""
    ports = tuple(
        Port(number=n, protocol=p, bindings=(Binding(address="0.0.0.0", port=n + 1),))
        for n, p in ((80, "tcp"), (53, "udp"))
    )
    workload = Workload(
        source="docker",
        scope="a",
        id="c1",
        name=name,
        labels=labels,
        ports=ports,
        networks=(Network(name="bridge", ipv4="172.17.0.2"),),
        network_mode="bridge",
    )
    parse = create(TraefikOptions(pass_on=pass_on))
    answer = Translator([("traefik", parse)]).translate(workload, None, HOST)
    assert not answer.failed
    for problem in answer.problems:
        assert "\n" not in problem
    for instance in answer.instances:
        assert instance.digest()
        assert instance.address
