"""Whatever labels say: no exception, and what is offered can be an instance with an address."""

from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import Binding, Host, Network, Port, Workload
from syncer.desired.translate import Translator
from syncer_registrator import RegistratorOptions, create

HOST = Host(name="a", addresses={"eth0": ("10.0.0.5",)}, default_address="10.0.0.5")
WORDS = st.sampled_from(
    [
        "NAME",
        "ID",
        "TAGS",
        "PORT",
        "ADDRESS",
        "IP",
        "INTERNAL",
        "NETWORK",
        "WEIGHT",
        "IGNORE",
        "FOO",
    ]
    + ["CHECK_HTTP", "CHECK_TCP", "CHECK_2_HTTP", "CHECK_INTERVAL", "CHECK_HEADER", "CHECK_TTL"]
    + ["CHECK_ADDRESS", "CHECK_PORT", "CHECK_ID", "CHECK_SCRIPT", "CHECK_ALIAS", "CHECK_BODY"]
)
PLACES = st.sampled_from(["", "80_", "53_UDP_", "1-65535_", "080_", "70000_", "90-80_", "81_"])
KEYS = st.one_of(
    st.builds("SERVICE_{}{}".format, PLACES, WORDS),
    st.builds("SERVICE_{}{}".format, PLACES, st.text(max_size=20)),
    st.builds("service.{}".format, st.text(max_size=20)),
    st.text(max_size=20),
)
SHORT = st.sampled_from(
    ["true", "false", "1", "-1", "10s", "a,b", "/x", "a: b", "{}", "\ud800", "\0", "a\r\nb", "::"]
    + ["10.0.0.1", "0.0.0.0", "169.254.169.254", "fe80::1", "[::1]", "224.0.0.1", "nan", "é"]
)
LONG = st.sampled_from(["x" * 5000, ",".join("ab" * 3000), "[" * 5000, "9" * 5000, "é\u202e" * 999])


@settings(max_examples=300, deadline=None)
@given(
    labels=st.dictionaries(KEYS, SHORT | LONG | st.text(), max_size=20),
    env=st.dictionaries(KEYS, SHORT | LONG | st.text(), max_size=5),
    name=st.text(max_size=40),
    image=st.text(max_size=40),
)
def test_whatever_labels_say_is_translated(labels, env, name, image):
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
        image=image,
        labels=labels,
        env=env,
        ports=ports,
        networks=(Network(name="bridge", ipv4="172.17.0.2"),),
        network_mode="bridge",
    )
    answer = Translator([("registrator", create(RegistratorOptions()))]).translate(
        workload, None, HOST
    )
    assert not answer.failed
    assert len({instance.id for instance in answer.instances}) == len(answer.instances)
    for instance in answer.instances:
        assert instance.digest()
        assert instance.address
