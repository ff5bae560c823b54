"""From workloads to the instances that should be registered."""

from datetime import datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import (
    Binding,
    Check,
    Health,
    Host,
    Instance,
    Network,
    Offer,
    Origin,
    Parsed,
    Port,
    Problem,
    State,
    Status,
    Workload,
)
from syncer.desired.addresses import HOST, AddressRules
from syncer.desired.filters import Filter
from syncer.desired.translate import Explained, Translated, Translator

HOST_A = Host(name="a", addresses={"eth0": ("10.0.0.5",)}, default_address="10.0.0.5")


def port(number=80, host=32768, protocol="tcp"):
    bindings = (Binding(address="0.0.0.0", port=host),) if host else ()
    return Port(number=number, protocol=protocol, bindings=bindings)


def workload(*ports, **fields):
    fields = {
        "source": "docker",
        "scope": "a",
        "id": "c1",
        "name": "shop-web-1",
        "image": "web:1",
        "network_mode": "bridge",
        "networks": (Network(name="bridge", ipv4="172.17.0.2"),),
    } | fields
    return Workload(ports=ports or (port(),), **fields)


def by_port(workload, reachable):
    """A label parser that offers every port under the image's name."""
    return Parsed(Offer(service="web", port=p.number, protocol=p.protocol) for p in reachable.ports)


def fixed(*offers, problems=(), ignored=""):
    return lambda workload, reachable: Parsed(offers, problems, ignored)


def broken(workload, reachable):
    raise KeyError("no such word")


def never(workload, reachable):
    pytest.fail("asked though it must not be")


def translated(w=None, *parsers, peer=None, host=HOST_A, rules=None, filter=None, **fields):
    named = [(f"p{number}", parser) for number, parser in enumerate(parsers or (by_port,))]
    translator = Translator(named, rules or AddressRules(), filter or Filter(), **fields)
    return translator.translate(w or workload(), peer, host)


def test_a_workload_becomes_an_instance():
    """An offer gets its address, its id, the workload's status and its origin."""
    offer = Offer(
        service="web",
        port=80,
        tags=("b", "a"),
        meta={"k": "v"},
        checks=(Check(kind="http", path="/"),),
        weight=5,
        warning_weight=1,
        tag_override=True,
    )
    answer = translated(workload(), fixed(offer))
    expected = Instance(
        id="a:shop-web-1:80",
        service="web",
        address="10.0.0.5",
        port=32768,
        tags=("b", "a"),
        meta={"k": "v"},
        checks=(Check(kind="http", path="/"),),
        weight=5,
        warning_weight=1,
        tag_override=True,
    )
    (found,) = answer.instances
    assert found == expected
    assert found.tags == ("b", "a")
    assert found.status is Status.UP
    assert found.origin == Origin(source="docker", workload="c1", name="shop-web-1")
    assert answer.parser == "p0"
    assert (answer.problems, answer.left_out, answer.failed) == ((), "", False)


def test_the_answer_explains_itself():
    """Each offer is kept with the choice of its address and the instance made."""
    answer = translated()
    (explained,) = answer.explained
    assert explained.offer == Offer(service="web", port=80)
    assert explained.choice.rule == HOST
    assert explained.instance is answer.instances[0]


def test_every_field_of_an_offer_reaches_the_instance():
    """What offers and instances have in common is copied, also what is added later."""
    address_only = {"id", "port", "checks"}
    common = {f.name for f in attrs.fields(Offer)} & {f.name for f in attrs.fields(Instance)}
    other = {"service": "x", "protocol": "udp", "tags": ("t",), "meta": {"m": "1"}}
    other |= {"weight": 3, "warning_weight": 2, "tag_override": True}
    assert common - address_only == set(other)
    offer = Offer(register_address="10.9.9.9", **other)
    (found,) = translated(workload(), fixed(offer)).instances
    assert {name: getattr(found, name) for name in other} == other


# -- what is left out -----------------------------------------------------------------------


@pytest.mark.parametrize("state", [s for s in State if not s.offered])
def test_a_state_that_offers_nothing(state):
    """A workload that does not run is left out, and no parser is asked."""
    answer = translated(workload(state=state), never)
    assert answer == Translated(left_out=f"its state is {state.value}", kind="state")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, Status.UP),
        ({"state": State.PAUSED}, Status.PAUSED),
        ({"state": State.STOPPING}, Status.DRAINING),
        ({"health": Health.STARTING}, Status.STARTING),
        ({"health": Health.UNHEALTHY}, Status.UNHEALTHY),
    ],
)
def test_states_with_a_status(fields, status):
    """Paused, stopping and unhealthy workloads are offered with that status."""
    assert [i.status for i in translated(workload(**fields)).instances] == [status]


def test_a_filtered_workload():
    """What a filter keeps out is left out with the filter's words."""
    answer = translated(workload(), never, filter=Filter(exclude=("name:shop-*",)))
    assert answer == Translated(left_out="excluded by the filter name:shop-*", kind="filtered")


@pytest.mark.parametrize("known", [True, False])
def test_a_filtered_service(known):
    """A pattern over services leaves out one of several, whoever found them."""
    offers = (Offer(service="web", port=80), Offer(service="admin", port=80, id="other"))
    parser = fixed() if known else fixed(*offers)
    translator = Translator([("p", parser)], filter=Filter(exclude=["service:admin"]))
    made = workload(offers=offers if known else None)
    translated = translator.translate(made, None, HOST_A)
    assert [instance.service for instance in translated.instances] == ["web"]
    assert translated.left_out == ""
    translator = Translator([("p", parser)], filter=Filter(include=["tag:none"]))
    assert "not included" in translator.translate(made, None, HOST_A).left_out


def test_no_offer_from_any_parser():
    """If no parser knows the workload, all that were asked are named."""
    answer = translated(workload(), fixed(), fixed())
    assert answer.left_out == "its labels offer no service (read by p0, p1)"
    assert (answer.instances, answer.failed) == ((), False)


def test_no_port_to_offer():
    """If there is no port to register, that is said with what to do."""
    answer = translated(workload(port(host=0), port(53, 0, "udp")))
    assert "80/tcp, 53/udp" in answer.left_out
    assert "publish one, or register the container's own address" in answer.advice
    assert "give one in its labels" in translated(attrs.evolve(workload(), ports=())).advice


def test_no_network_and_no_address():
    """Who has neither is left out without a problem, unless one of its ports has an address."""
    w = workload(port(host=0), port(81, 0), network_mode="none", networks=())
    answer = translated(w)
    assert "has no network: connect it to one" in answer.left_out
    assert (answer.instances, answer.problems, answer.failed) == ((), (), False)
    label = "io.rancher.container.ip"
    rules = AddressRules(label=label)
    bad = attrs.evolve(w, labels={label: "10.42.0.0/16"})
    answer = translated(bad, rules=rules)
    assert "is a network" in answer.problems[0]
    assert "has no network" in answer.left_out
    offers = Offer(service="web", port=80, register_address="10.9.9.9"), Offer(service="x", port=81)
    answer = translated(w, fixed(*offers))
    assert [(one.address, one.port) for one in answer.instances] == [("10.9.9.9", 80)]
    assert answer.left_out == ""
    assert answer.problems[0].startswith("x (81/tcp): it has no network")


def test_an_address_from_outside_is_the_labels_word():
    """It counts as chosen by labels, also that of the workload whose network is shared."""
    label = "io.rancher.container.ip"
    pod = workload(id="c2", labels={label: "10.42.0.9/16"}, network_mode="none", networks=())
    w = workload(port(host=0), namespace="c2", network_mode="", networks=())
    (found,) = translated(w, peer=pod, rules=AddressRules(label=label)).instances
    assert (found.address, found.port, found.by_labels) == ("10.42.0.9", 80, True)


STARTED = datetime(2026, 11, 30, 12, 49, 38, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("own", "owners", "there"),
    [(0, 1, False), (0, 0, True), (1, 0, True), (None, 0, True), (0, None, True)],
)
def test_a_network_that_is_gone(own, owners, there):
    """Who started before the owner of its network did is in the one that the owner had before."""
    own, owners = (s if s is None else STARTED + timedelta(seconds=s) for s in (own, owners))
    vpn = workload(id="c2", name="vpn", started=owners)
    w = workload(port(), namespace="c2", network_mode="", networks=(), started=own)
    answer = translated(w, peer=vpn)
    assert bool(answer.instances) is there
    assert not answer.failed
    assert there or "started before vpn, whose network it shares" in answer.problems[0]
    assert there or answer.problems[0].endswith("restart it")
    assert translated(attrs.evolve(w, namespace=""), peer=vpn).instances  # it has its own


@pytest.mark.parametrize("address", ["http://10.0.0.5", "10.0.0.5:80", "10.1", "fe80::1%eth0"])
@pytest.mark.parametrize("giver", ["labels", "source"])
def test_a_mistake_in_an_address_keeps_what_is_registered(address, giver):
    """Labels of a swarm's service, and entries of a registry, are edited while they run."""
    offer = Offer(service="web", port=80, register_address=address)
    own = {} if giver == "labels" else {"offers": (offer,)}
    answer = translated(workload(**own), fixed(offer))
    assert answer.failed
    assert answer.instances == ()
    (problem,) = answer.problems
    assert f"the address from its {giver} cannot be used" in problem


@pytest.mark.parametrize("offers", [None, (Offer(service="web", port=80),)])
def test_what_a_source_says_of_a_workload(offers):
    """Its problems are told with those of the labels."""
    answer = translated(workload(problems=("too old",), offers=offers))
    assert answer.problems == ("too old",)
    assert len(answer.instances) == 1


# -- one-off containers ---------------------------------------------------------------------


@pytest.mark.parametrize("internal", [False, True])
@pytest.mark.parametrize("word", ["True", "true"])
def test_a_one_off_container(word, internal):
    """It has the labels of its service, and is no backend of it."""
    w = workload(labels={"com.docker.compose.oneoff": word})
    rules = AddressRules(internal=internal)
    answer = translated(w, rules=rules)
    assert (answer.instances, answer.problems) == ((), ())
    assert "one-off container" in answer.left_out

    def asking(workload, reachable):
        return attrs.evolve(by_port(workload, reachable), asked=True)

    assert len(translated(w, asking, rules=rules).instances) == 1
    assert len(translated(w, rules=rules, one_offs=True).instances) == 1
    usual = attrs.evolve(w, labels={"com.docker.compose.oneoff": "False"})
    assert len(translated(usual, rules=rules).instances) == 1


# -- checks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["http", "https", "tcp", "grpc", "h2ping", "udp"])
@pytest.mark.parametrize("protocol", ["tcp", "udp", "sctp"])
def test_a_check_of_another_protocol(kind, protocol):
    """It is left out with a problem, whoever asked for it, unless it has a port of its own."""
    fits = protocol == ("udp" if kind == "udp" else "tcp")
    other = Check(kind="ttl", ttl=30.0)
    offer = Offer(service="dns", port=80, protocol=protocol, checks=(Check(kind=kind), other))
    for made in (
        workload(port(protocol=protocol)),
        workload(port(protocol=protocol), offers=[offer]),
    ):
        answer = translated(made, fixed(offer))
        (found,) = answer.instances
        assert [check.kind for check in found.checks] == [kind] * fits + ["ttl"]
        assert len(answer.problems) == (not fits)
        assert fits or f"check {kind} is left out" in answer.problems[0]
    own = attrs.evolve(offer, checks=(Check(kind=kind, port=8500),))
    (found,) = translated(workload(port(protocol=protocol)), fixed(own)).instances
    assert [check.kind for check in found.checks] == [kind]


def test_a_protocol_that_nobody_knows():
    """What speaks over it is not known here either: the check is made."""
    offer = Offer(service="web", port=80, protocol="ws", checks=(Check(kind="http"),))
    assert translated(workload(port(protocol="ws")), fixed(offer)).instances[0].checks


def test_no_parser_is_configured():
    """Without label parsers nothing is offered, and that is the reason."""
    translator = Translator((), AddressRules(), Filter())
    assert "pip install" in translator.translate(workload(), None, HOST_A).advice


def test_ignored():
    """A parser that says that a workload is to be ignored ends the search."""
    answer = translated(workload(), fixed(ignored="SERVICE_IGNORE is set"), never)
    assert answer == Translated(left_out="SERVICE_IGNORE is set", kind="ignored", parser="p0")


# -- parsers --------------------------------------------------------------------------------


def test_the_first_parser_that_offers_wins():
    """Later parsers are not asked."""
    answer = translated(workload(), fixed(), by_port, never)
    assert (len(answer.instances), answer.parser) == (1, "p1")


def test_parsers_get_what_can_be_registered():
    """A parser sees the workload and its registrable ports, by the configured mode."""
    seen = []

    def parse(workload, reachable):
        seen.append((workload.id, reachable.internal, [p.number for p in reachable.ports]))
        return Parsed()

    w = workload(port(80), port(81, 0))
    translated(w, parse)
    translated(w, parse, rules=AddressRules(internal=True))
    assert seen == [("c1", False, [80]), ("c1", True, [80, 81])]


def test_problems_of_parsers_are_kept():
    """What was written wrongly is told, of parsers without an offer as well."""
    answer = translated(
        workload(), fixed(problems=["a"]), fixed(Offer(service="x"), problems=["b"])
    )
    assert answer.problems == ("a", "b")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: None, "it returned None, not Parsed"),
        (lambda: Parsed(offers=("web",)), "offers must be a list of Offer, not ['web']"),
        (lambda: Parsed(offers="web"), "offers must be a list of Offer, not 'web'"),
        (lambda: Parsed(problems=[Problem("x")]), "problems must be a list of str, not [Problem("),
        (lambda: Parsed(problems="wrong"), "problems must be a list of str, not 'wrong'"),
        (lambda: Parsed(ignored=False), "ignored must be str, not False"),
    ],
)
def test_a_parser_that_returns_something_else(answer, reason):
    """A parser that breaks its contract is named with the reason, and nothing is concluded."""
    found = translated(workload(), lambda workload, reachable: answer())
    assert found.failed
    assert f"label parser p0 failed: TypeError: {reason}" in found.problems[0]


def test_a_parser_that_raises():
    """It is named, what is registered stays, and the parsers after it are not asked."""
    answer = translated(workload(), fixed(problems=["a"]), broken, never)
    assert answer.failed
    assert answer.problems == ("a", "label parser p1 failed: KeyError: 'no such word'")
    assert (answer.instances, answer.left_out, answer.parser) == ((), answer.problems[1], "p1")


def test_a_parser_that_raises_after_the_winner():
    """A broken parser that was not needed does no harm."""
    assert not translated(workload(), by_port, broken).failed


def test_a_source_that_knows_its_services():
    """Offers that the source brings are taken as they are: no parser is asked."""
    answer = translated(workload(offers=(Offer(service="db", port=80),)), never)
    assert [i.service for i in answer.instances] == ["db"]
    assert answer.parser == ""
    empty = translated(workload(offers=()), never)
    assert empty.instances == ()
    assert "source" in empty.left_out


# -- ids ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        ({"port": 80}, "a:shop-web-1:80"),
        ({"port": 80, "register_port": 99}, "a:shop-web-1:80"),
        ({"port": 80, "id": "mine"}, "mine"),
        ({"port": 53, "protocol": "udp"}, "a:shop-web-1:53:udp"),
        ({"port": 36, "protocol": "sctp"}, "a:shop-web-1:36:sctp"),
        ({"register_port": 99}, "a:shop-web-1:99"),
        ({}, "a:shop-web-1:0"),
    ],
)
def test_ids(offer, expected):
    """An id is given, or made of scope, workload and its own port, with the protocol if not TCP."""
    w = workload(port(80), port(53, 53, "udp"), port(36, 36, "sctp"))
    answer = translated(w, fixed(Offer(service="web", **offer)))
    assert [i.id for i in answer.instances] == [expected]


def test_a_new_published_port_moves_the_instance():
    """After a restart with another host port the id is the same."""
    ids = [translated(workload(port(80, host))).instances[0].id for host in (32768, 32769)]
    assert ids[0] == ids[1]


def test_one_id_for_two_ports():
    """With one id for all ports the first keeps it, and the others are problems."""
    w = workload(port(80), port(443, 32769))
    offers = [Offer(service=f"web-{n}", port=n, id="mine") for n in (80, 443)]
    answer = translated(w, fixed(*offers))
    assert [(i.id, i.service) for i in answer.instances] == [("mine", "web-80")]
    assert answer.problems == (
        "web-443 (443/tcp): its id 'mine' is already used by web-80 (port 32768): set another id",
    )
    assert [e.instance for e in answer.explained] == [answer.instances[0], None]
    assert not answer.failed


# -- checks ---------------------------------------------------------------------------------

CONTAINER = Check(kind="container")
HTTP = Check(kind="http", path="/")


@pytest.mark.parametrize(
    ("health", "mirror", "offer", "expected"),
    [
        (None, True, {}, ()),
        (Health.HEALTHY, True, {}, (CONTAINER,)),
        (Health.STARTING, True, {}, (CONTAINER,)),
        (Health.UNHEALTHY, True, {}, (CONTAINER,)),
        (Health.HEALTHY, True, {"checks": (HTTP,)}, (HTTP, CONTAINER)),
        (Health.HEALTHY, False, {}, ()),
        (Health.HEALTHY, True, {"mirror_health": False}, ()),
        (Health.HEALTHY, True, {"checks": (CONTAINER, HTTP)}, (CONTAINER, HTTP)),
        (None, True, {"checks": (CONTAINER,)}, (CONTAINER,)),
    ],
)
def test_the_containers_own_health_check(health, mirror, offer, expected):
    """It is mirrored if there is one, unless switched off or asked for already."""
    parser = fixed(Offer(service="web", port=80, **offer))
    answer = translated(workload(health=health), parser, mirror_health=mirror)
    assert answer.instances[0].checks == expected


def test_health_does_not_change_the_instance():
    """When the health changes, the instance stays equal: that is no drift."""
    first, second = (
        translated(workload(health=health)).instances[0]
        for health in (Health.HEALTHY, Health.UNHEALTHY)
    )
    assert first == second
    assert first.digest() == second.digest()


# -- what goes wrong ------------------------------------------------------------------------


def test_an_offer_without_an_address():
    """One offer that has no address is a problem, and the others are registered."""
    answer = translated(
        workload(), fixed(Offer(service="a", port=9), Offer(service="web", port=80))
    )
    assert [i.service for i in answer.instances] == ["web"]
    assert answer.problems[0].startswith("a (9/tcp): port 9/tcp is not published")
    assert not answer.failed
    assert [e.instance is None for e in answer.explained] == [True, False]


def test_an_address_that_is_not_known_now():
    """If the host's address is not known just now, what is registered stays."""
    answer = translated(host=Host(name="a"))
    assert answer.failed
    assert "advertise" in answer.problems[0]


def test_warnings_are_told():
    """A warning about an address is a problem that people see, and the instance is made."""
    w = workload(Port(number=80, bindings=(Binding(address="127.0.0.1", port=80),)))
    answer = translated(w)
    assert len(answer.instances) == 1
    assert "127.0.0.1" in answer.problems[0]


def test_a_value_that_is_refused():
    """A value that no instance can have is a problem of that offer alone."""
    bad = Offer(service="a", port=80)
    w = workload(scope="a\x07")
    answer = translated(w, fixed(bad, Offer(service="b", port=80, id="fine")))
    assert [i.id for i in answer.instances] == ["fine"]
    assert "control characters" in answer.problems[0]
    assert not answer.failed


def test_an_offer_of_the_wrong_type():
    """An offer that a source got wrong is a problem, and what is registered stays."""
    answer = translated(workload(offers=(Offer(service="web", port=80, meta={}), "web")))
    assert len(answer.instances) == 1
    assert answer.failed


def test_a_workload_of_the_wrong_form():
    """A workload that a source got wrong is a problem of that workload alone."""
    answer = translated(workload(name=None), filter=Filter(include=("name:*",)))
    assert answer.failed
    assert "TypeError" in answer.problems[0]


# -- shared networks ------------------------------------------------------------------------


def test_a_shared_network_of_a_known_workload():
    """The owner's bindings give the address, and the id stays the workload's own."""
    pod = workload(port(80, 8080), id="c2", name="pod")
    w = workload(port(80, 0), namespace="c2", networks=())
    (found,) = translated(w, peer=pod).instances
    assert (found.id, found.address, found.port) == ("a:shop-web-1:80", "10.0.0.5", 8080)


def test_a_shared_network_of_an_unknown_workload():
    """As long as the owner of the network is not known, what is registered stays."""
    answer = translated(workload(namespace="c2" * 32), never)
    assert answer.failed
    assert answer.problems == ("workload c2c2c2c2c2c2, whose network it shares, is unknown",)


# -- laws -----------------------------------------------------------------------------------

TEXTS = st.text(max_size=8)
OFFERS = st.builds(
    Offer,
    service=st.sampled_from(["web", "db"]),
    port=st.sampled_from([0, 80, 443]),
    protocol=st.sampled_from(["tcp", "udp"]),
    id=st.sampled_from(["", "", "mine"]),
    register_address=st.sampled_from(["", "", "198.51.100.1", "0.0.0.0"]),
    register_port=st.sampled_from([None, None, 9]),
    internal=st.sampled_from([None, True]),
)
PARSERS = st.sampled_from(
    [by_port, broken, fixed(), fixed(ignored="x"), fixed(problems=["p"]), lambda w, r: None]
)
WORKLOADS = st.builds(
    Workload,
    source=TEXTS,
    scope=TEXTS,
    id=st.just("c1"),
    name=TEXTS,
    state=st.sampled_from(State),
    health=st.sampled_from([None, *Health]),
    labels=st.dictionaries(TEXTS, TEXTS, max_size=2),
    ports=st.lists(
        st.builds(
            port,
            number=st.sampled_from([80, 443]),
            host=st.sampled_from([0, 32768, 32769]),
            protocol=st.sampled_from(["tcp", "udp"]),
        ),
        max_size=3,
    ),
    networks=st.sampled_from([(), (Network(name="n", ipv4="172.17.0.2"),)]),
    network_mode=st.sampled_from(["bridge", "host", "none"]),
    namespace=st.sampled_from(["", "", "c2"]),
    offers=st.one_of(st.none(), st.lists(OFFERS, max_size=3).map(tuple)),
)


@settings(deadline=None)
@given(
    st.lists(PARSERS, max_size=3),
    WORKLOADS,
    st.one_of(st.none(), WORKLOADS),
    st.sampled_from([HOST_A, Host(name="b")]),
    st.builds(AddressRules, internal=st.booleans()),
)
def test_always_the_same_explained_answer(parsers, w, peer, host, rules):
    """Never an exception; the same answer again; ids differ; nothing is left out in silence."""
    translator = Translator([(str(n), p) for n, p in enumerate(parsers)], rules, Filter())
    answer = translator.translate(w, peer, host)
    assert translator.translate(w, peer, host) == answer
    ids = [instance.id for instance in answer.instances]
    assert len(ids) == len(set(ids))
    assert answer.instances or answer.left_out or answer.problems
    assert [e.instance for e in answer.explained if e.instance] == list(answer.instances)
    assert all(isinstance(e, Explained) for e in answer.explained)
    assert not (answer.left_out and answer.instances)
    told = [e for e in answer.explained if not (answer.left_out and e.choice.nowhere)]
    missing = [e for e in told if e.instance is None]
    assert len(answer.problems) >= len(missing)


@pytest.mark.parametrize("mirrored_at_all", [False, True])
def test_health_that_is_not_mirrored_is_no_status(mirrored_at_all):
    """Where the container's health is to be ignored, an unhealthy container counts as up."""
    offer = Offer(service="web", port=80, mirror_health=not mirrored_at_all)
    unhealthy = workload(health=Health.UNHEALTHY, offers=(offer,))
    translator = Translator((), mirror_health=mirrored_at_all)
    (instance,) = translator.translate(unhealthy, None, HOST_A).instances
    assert instance.status is Status.UP
    assert instance.checks == ()
