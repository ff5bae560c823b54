"""Whatever labels say: no exception, and what is offered can be an instance with an address."""

from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import Binding, Host, Network, Port, Workload
from syncer.desired.translate import Translator
from syncer_labels import LabelsOptions, create
from syncer_labels.checks import KINDS, SETTINGS
from syncer_labels.parser import KEYS

HOST = Host(name="a", addresses={"eth0": ("10.0.0.5",)}, default_address="10.0.0.5")
CHECKS = st.sampled_from([*KINDS, *SETTINGS, "header.X", "header.", ""])
LABELS = st.one_of(
    st.builds("syncer.{}.{}".format, st.sampled_from(["web", "db", ""]), st.sampled_from(KEYS)),
    st.builds("syncer.web.check.{}".format, CHECKS),
    st.builds("syncer.web.check.{}.{}".format, st.text(max_size=5), CHECKS),
    st.builds("syncer.web.{}".format, st.text(max_size=20)),
    st.builds("syncer.{}".format, st.text(max_size=20)),
    st.text(max_size=20),
)
SHORT = st.sampled_from(
    ["true", "false", "80", "53/udp", "-1", "10s", "a,b", "/x", "{}", "\ud800", "\0", "a\r\nb"]
    + ["10.0.0.1", "0.0.0.0", "169.254.169.254", "fe80::1", "[::1]", "224.0.0.1", "nan", "é", "'"]
)
LONG = st.sampled_from(["x" * 5000, ",".join("ab" * 3000), "9" * 5000, "é\u202e" * 999])


@settings(max_examples=300, deadline=None)
@given(
    labels=st.dictionaries(LABELS, SHORT | LONG | st.text(), max_size=20), name=st.text(max_size=40)
)
def test_whatever_labels_say_is_translated(labels, name):
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
    answer = Translator([("labels", create(LabelsOptions()))]).translate(workload, None, HOST)
    assert not answer.failed
    for problem in answer.problems:
        assert "\n" not in problem
    for instance in answer.instances:
        assert instance.digest()
        assert instance.address
