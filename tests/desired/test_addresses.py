"""Which ports can be registered, and which address and port an instance gets."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import Binding, Host, Network, Offer, Port, Workload
from syncer.desired.addresses import (
    ADVERTISED,
    HOST,
    INTERNAL,
    LABEL,
    OVERRIDE,
    OWN,
    PUBLISHED,
    RULES,
    SHARED,
    AddressRules,
    choose,
)
from syncer.desired.networking import Subject, reachable

RANCHER = "io.rancher.container.ip"
HOST_A = Host(
    name="a",
    addresses={
        "lo": ("127.0.0.1", "::1"),
        "eth0": ("10.0.0.5", "fe80::5", "2001:db8::5"),
        "eth1": ("192.168.7.5",),
        "wg0": (),
        "docker0": ("172.17.0.1",),
    },
    default_address="10.0.0.5",
    names=("host.example", "web1"),
)


def bound(*places, number=80, protocol="tcp"):
    """A port published on these `address:port`."""
    pairs = [place.rpartition(":") for place in places]
    bindings = [Binding(address=address, port=int(port)) for address, _, port in pairs]
    return Port(number=number, protocol=protocol, bindings=bindings)


def workload(*ports, **fields):
    fields = {
        "source": "docker",
        "scope": "a",
        "id": "1",
        "name": "web",
        "network_mode": "bridge",
        "networks": (Network(name="bridge", ipv4="172.17.0.2"),),
    } | fields
    return Workload(ports=ports, **fields)


def offer(**fields):
    return Offer(**{"service": "web", "port": 80} | fields)


def chosen(w=None, o=None, *, peer=None, host=HOST_A, **rules):
    if w is None:
        w = workload(bound("0.0.0.0:32768"))
    return choose(o or offer(), Subject(w, host, peer), AddressRules(**rules))


def place(choice):
    assert choice.problem == ""
    return choice.address, choice.port


USER_NETWORK = {
    "network_mode": "shop_default",
    "networks": (Network(name="shop_default", ipv4="172.20.0.2"),),
}
TWO_NETWORKS = {
    "networks": (
        Network(name="front", ipv4="172.20.0.2", ipv6="fd00:20::2"),
        Network(name="back", ipv4="172.30.0.2", ipv6="fd00:30::2"),
    )
}

# -- what registrator got wrong -------------------------------------------------------------


def test_unpublished_ports_are_not_taken_as_published():
    """A port that is only exposed has no binding, and cannot be registered."""
    w = workload(Port(number=443), bound("0.0.0.0:32768"))
    assert [p.number for p in reachable(Subject(w, HOST_A), internal=False).ports] == [80]
    choice = chosen(w, offer(port=443))
    assert choice.address == ""
    assert "443/tcp is not published" in choice.problem
    assert "internal mode" in choice.problem


def test_a_dead_container_leaves_no_ghost():
    """A container without bindings, as inspected after its death, has nothing to register."""
    assert reachable(Subject(workload(Port(number=80)), HOST_A), internal=False).ports == ()


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("ipv4", ("10.0.0.5", 32768)),
        ("ipv6", ("2001:db8::5", 32769)),
        ("any", ("10.0.0.5", 32768)),
    ],
)
def test_a_dual_stack_binding_is_no_random_choice(flip, family, expected):
    """Of `0.0.0.0` and `::` with different ports one is taken by family, in whatever order."""
    places = ["0.0.0.0:32768", ":::32769"]
    w = workload(bound(*(reversed(places) if flip else places)))
    choice = chosen(w, family=family)
    assert place(choice) == expected
    assert choice.rule == HOST


def test_a_wildcard_is_never_an_address():
    """A binding on `::` registers an address of the host and not `::`."""
    assert place(chosen(workload(bound(":::80")))) == ("2001:db8::5", 80)


def test_the_hosts_network_registers_all_ports_at_the_host():
    """In the host's network every port is open on the host under its own number."""
    w = workload(Port(number=80), Port(number=443), network_mode="host", networks=())
    assert [p.number for p in reachable(Subject(w, HOST_A), internal=False).ports] == [80, 443]
    assert place(chosen(w)) == ("10.0.0.5", 80)


def test_the_preferred_family_in_the_hosts_network():
    """Where no binding tells the family, the preferred one is taken if the host has it."""
    w = workload(Port(number=80), network_mode="host", networks=())
    assert place(chosen(w, family="ipv6")) == ("2001:db8::5", 80)
    assert place(chosen(w, family="ipv6", host=Host(name="b", default_address="10.0.0.6"))) == (
        "10.0.0.6",
        80,
    )


def test_internal_mode_in_the_hosts_network_has_an_address():
    """A container in the host's network has no address of its own: the host's is taken."""
    w = workload(Port(number=80), network_mode="host", networks=())
    choice = chosen(w, internal=True)
    assert place(choice) == ("10.0.0.5", 80)
    assert (INTERNAL, "the workload is in the host's network") in choice.rejected


def test_without_a_network_there_is_no_false_address():
    """With `--network none` nothing has an address of its own, in either mode."""
    w = workload(Port(number=80), network_mode="none", networks=())
    for rules in (AddressRules(), AddressRules(internal=True)):
        choice = choose(offer(), Subject(w, HOST_A), rules)
        assert (choice.address, choice.port) == ("", 0)
        assert "no network" in choice.problem
        assert choice.nowhere


# -- networks that publish nothing ----------------------------------------------------------

NO_NETWORK = {"network_mode": "none", "networks": (Network(name="none"),)}
MACVLAN = {
    "network_mode": "lan",
    "networks": (Network(name="lan", ipv4="192.168.7.20", direct=True),),
}
GIVEN = {RANCHER: "10.42.93.88/16"}


@pytest.mark.parametrize("internal", [False, True])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("network", [NO_NETWORK, MACVLAN])
def test_an_address_from_outside_the_runtime(internal, shared, network):
    """Its label gives the address and the workload itself the port: nothing can be published."""
    own = {"networks": (), "namespace": "2", "network_mode": ""} if shared else network
    w = workload(Port(number=8080), labels=GIVEN, **own)
    subject = Subject(w, HOST_A, workload(id="2", name="pod", **network) if shared else None)
    assert reachable(subject, internal=internal).ports == w.ports
    choice = choose(offer(port=8080), subject, AddressRules(internal=internal, label=RANCHER))
    assert place(choice) == ("10.42.93.88", 8080)
    assert choice.rule == LABEL


def test_the_label_of_the_networks_owner_counts_too():
    """Who shares a network is where its owner's label says, unless it has one of its own."""
    pod = workload(id="2", name="pod", labels=GIVEN, **NO_NETWORK)
    w = workload(Port(number=8080), namespace="2", network_mode="", networks=())
    choice = chosen(w, offer(port=8080), peer=pod, label=RANCHER)
    assert place(choice) == ("10.42.93.88", 8080)
    assert choice.rule == f"{SHARED}: {LABEL}"
    own = attrs.evolve(w, labels={RANCHER: "10.42.0.1"})
    assert place(chosen(own, offer(port=8080), peer=pod, label=RANCHER)) == ("10.42.0.1", 8080)
    assert "whose network it shares, has no network" in chosen(w, peer=pod, label="other").problem


def test_an_override_where_nothing_can_be_published():
    """An address in the labels goes with the workload's own port."""
    w = workload(Port(number=8080), **NO_NETWORK)
    o = offer(port=8080, register_address="10.9.9.9")
    assert place(chosen(w, o)) == ("10.9.9.9", 8080)
    pod = workload(id="2", name="pod", **NO_NETWORK)
    sidecar = workload(Port(number=8080), namespace="2", network_mode="", networks=())
    assert place(chosen(sidecar, o, peer=pod)) == ("10.9.9.9", 8080)


@pytest.mark.parametrize("advertise", ["", "203.0.113.9"])
def test_a_network_that_publishes_nothing(advertise):
    """Its workloads are where they are, whatever address the host advertises."""
    w = workload(Port(number=8080), **MACVLAN)
    assert reachable(Subject(w, HOST_A), internal=False).ports == w.ports
    choice = chosen(w, offer(port=8080), advertise=advertise)
    assert place(choice) == ("192.168.7.20", 8080)
    assert choice.rule == OWN
    assert (INTERNAL, "internal mode is off") in choice.rejected
    assert choice.warnings == ()


def test_a_sidecar_in_a_network_that_publishes_nothing():
    """It is at the address of its network's owner."""
    pod = workload(id="2", name="pod", **MACVLAN)
    w = workload(Port(number=8080), namespace="2", network_mode="", networks=())
    choice = chosen(w, offer(port=8080), peer=pod)
    assert place(choice) == ("192.168.7.20", 8080)
    assert choice.rule == f"{SHARED}: {OWN}"


def test_a_network_that_nobody_reaches_is_no_candidate_beside_one_that_publishes_nothing():
    """Of two networks the one that clients reach counts, unless internal mode is on."""
    inner = Network(name="inner", ipv4="172.30.0.2")
    w = workload(networks=(inner, *MACVLAN["networks"]), network_mode="inner")
    choice = chosen(w)
    assert place(choice) == ("192.168.7.20", 80)
    assert choice.warnings == ()
    assert place(chosen(w, internal=True)) == ("172.30.0.2", 80)


def test_a_published_port_stays_where_it_is_published():
    """An address label in a network that publishes goes with the published port only."""
    w = workload(Port(number=443), bound("0.0.0.0:32768"), labels=GIVEN)
    assert [p.number for p in reachable(Subject(w, HOST_A), internal=False).ports] == [80]
    assert place(chosen(w, label=RANCHER)) == ("10.42.93.88", 32768)
    assert "not published" in chosen(w, offer(port=443), label=RANCHER).problem


@pytest.mark.parametrize("value", ["10.42.0.0/16", "10.42.255.255/16", "fd00:42::/64"])
def test_a_network_in_the_place_of_an_address(value):
    """It is the address of no workload: it is told, and not registered."""
    w = workload(Port(number=80), labels={RANCHER: value}, **NO_NETWORK)
    choice = chosen(w, label=RANCHER)
    assert choice.address == ""
    assert "is a network" in choice.warnings[0]


@pytest.mark.parametrize("value", ["10.42.0.0/32", "10.42.0.0/31", "10.42.0.1/31", "fd00::/128"])
def test_a_network_of_one_or_two_addresses(value):
    """Where all addresses are those of hosts, the first one is as well."""
    w = workload(Port(number=80), labels={RANCHER: value}, **NO_NETWORK)
    assert place(chosen(w, label=RANCHER)) == (value.partition("/")[0], 80)


def test_a_user_network_does_not_mix_container_address_and_host_port():
    """A compose project's container is registered by host address and host port."""
    w = workload(bound("0.0.0.0:32768"), **USER_NETWORK)
    assert place(chosen(w)) == ("10.0.0.5", 32768)
    assert place(chosen(w, internal=True)) == ("172.20.0.2", 80)


def test_several_networks_are_no_random_choice():
    """Without a choice among networks Docker's default, the first, is taken, with a warning."""
    choice = chosen(workload(**TWO_NETWORKS), internal=True)
    assert place(choice) == ("172.20.0.2", 80)
    assert "several networks (front, back)" in choice.warnings[0]


def test_a_shared_namespace_takes_the_owners_bindings():
    """With `container:X` the host port of X is registered, not one assumed."""
    pod = workload(bound("0.0.0.0:8080"), id="2", name="pod")
    w = workload(Port(number=80), namespace="2", network_mode="", networks=())
    found = reachable(Subject(w, HOST_A, pod), internal=False)
    assert found.ports == (bound("0.0.0.0:8080"),)
    choice = chosen(w, peer=pod)
    assert place(choice) == ("10.0.0.5", 8080)
    assert choice.rule == f"{SHARED}: {HOST}"


def test_a_shared_namespace_does_not_beat_the_advertised_address():
    """Sharing a network says whose ports count; the advertised address still applies."""
    pod = workload(bound("0.0.0.0:8080"), id="2", name="pod")
    w = workload(Port(number=80), namespace="2", networks=())
    choice = chosen(w, peer=pod, advertise="203.0.113.9")
    assert place(choice) == ("203.0.113.9", 8080)
    assert choice.rule == f"{SHARED}: {ADVERTISED}"


def test_a_shared_namespace_finds_addresses_in_user_networks():
    """In internal mode the owner's address counts, in a network of whatever name."""
    pod = workload(id="2", name="pod", **USER_NETWORK)
    w = workload(Port(number=80), namespace="2", networks=())
    assert place(chosen(w, peer=pod, internal=True)) == ("172.20.0.2", 80)


def test_a_shared_namespace_of_a_host_network():
    """A workload that shares the network of one in the host's network is in it as well."""
    pod = workload(id="2", name="pod", network_mode="host", networks=())
    w = workload(Port(number=80), namespace="2", networks=())
    assert [p.number for p in reachable(Subject(w, HOST_A, pod), internal=False).ports] == [80]
    assert place(chosen(w, peer=pod)) == ("10.0.0.5", 80)


def test_a_port_that_the_owner_does_not_publish():
    """The problem names the owner of the network, where the port has to be published."""
    pod = workload(id="2", name="pod")
    w = workload(Port(number=80), namespace="2", networks=())
    assert reachable(Subject(w, HOST_A, pod), internal=False).ports == ()
    assert "not published by pod" in chosen(w, peer=pod).problem


def test_an_unknown_owner_is_no_panic():
    """Without the owner of the network the answer is not known now."""
    w = workload(Port(number=80), namespace="web2", networks=())
    assert reachable(Subject(w, HOST_A), internal=False).ports == ()
    choice = chosen(w)
    assert choice.unknown
    assert "unknown" in choice.problem


def test_an_owner_that_shares_itself():
    """A chain of shared networks is refused in words."""
    pod = workload(id="2", name="pod", namespace="3")
    w = workload(Port(number=80), namespace="2", networks=())
    assert reachable(Subject(w, HOST_A, pod), internal=True).ports == ()
    choice = chosen(w, peer=pod)
    assert "itself shares" in choice.problem
    assert not choice.unknown


def test_a_peer_without_a_shared_namespace_does_not_count():
    """A workload with a network of its own is not mixed up with another."""
    pod = workload(bound("0.0.0.0:8080"), id="2", name="pod")
    assert place(chosen(peer=pod)) == ("10.0.0.5", 32768)


def test_a_binding_on_loopback_is_taken_as_it_is_with_a_warning():
    """What is published on loopback only is registered there: any other address would be false."""
    choice = chosen(workload(bound("127.0.0.1:8080")))
    assert place(choice) == ("127.0.0.1", 8080)
    assert choice.rule == PUBLISHED
    assert "other hosts" in choice.warnings[0]


def test_the_hosts_address_is_never_guessed():
    """Without a known default route the user is told to advertise; what is registered stays."""
    choice = chosen(host=Host(name="a", addresses=HOST_A.addresses))
    assert "advertise" in choice.problem
    assert choice.unknown


def test_ipv6_advertised_in_brackets():
    """An IPv6 address to advertise may be written as in a URL, and is registered bare."""
    choice = chosen(advertise="[2001:DB8::99]")
    assert place(choice) == ("2001:db8::99", 32768)


# -- the rules, in their order --------------------------------------------------------------

EVERYTHING = {
    OVERRIDE: ("198.51.100.1", 32768),
    LABEL: ("10.42.0.9", 32768),
    ADVERTISED: ("203.0.113.9", 32768),
    PUBLISHED: ("10.0.0.7", 32768),
    HOST: ("10.0.0.5", 32768),
}


@pytest.mark.parametrize("winner", EVERYTHING)
def test_the_first_rule_that_applies_wins(winner):
    """Of all rules that would apply the first of the documented order is taken."""
    applying = list(EVERYTHING)[list(EVERYTHING).index(winner) :]
    binding = "10.0.0.7:32768" if PUBLISHED in applying else "0.0.0.0:32768"
    choice = chosen(
        workload(bound(binding), labels={RANCHER: "10.42.0.9/16"} if LABEL in applying else {}),
        offer(register_address="198.51.100.1" if OVERRIDE in applying else ""),
        label=RANCHER,
        advertise="203.0.113.9" if ADVERTISED in applying else "",
    )
    assert choice.rule == winner
    assert place(choice) == EVERYTHING[winner]
    assert [rule for rule, _ in choice.rejected] == list(RULES[: RULES.index(winner)])
    assert all(why for _, why in choice.rejected)


def test_internal_mode_beats_what_the_host_has():
    """In internal mode neither the advertised address nor a binding counts."""
    choice = chosen(internal=True, advertise="203.0.113.9")
    assert (choice.rule, *place(choice)) == (INTERNAL, "172.17.0.2", 80)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"register_address": "web.example"}, ("web.example", 32768)),
        ({"register_port": 9999}, ("10.0.0.5", 9999)),
        ({"register_address": "::2", "register_port": 1}, ("::2", 1)),
        ({"register_address": "1.2.3.4", "register_port": 1, "port": 7}, ("1.2.3.4", 1)),
        ({"register_port": 9999, "port": 7}, ("10.0.0.5", 9999)),
        ({"register_address": "1.2.3.4", "internal": True}, ("1.2.3.4", 80)),
        ({"register_port": 9999, "internal": True}, ("172.17.0.2", 9999)),
        ({"internal": True}, ("172.17.0.2", 80)),
        ({"internal": True, "port": 7}, ("172.17.0.2", 7)),
        ({"port": 0}, ("10.0.0.5", 0)),
        ({"port": 0, "register_address": "1.2.3.4"}, ("1.2.3.4", 0)),
        ({"port": 0, "internal": True}, ("172.17.0.2", 0)),
    ],
)
def test_overrides(fields, expected):
    """What labels give is taken, and what they leave open follows the mode."""
    assert place(chosen(o=offer(**fields))) == expected


def test_an_offer_may_turn_internal_mode_off():
    """One offer can be registered on the host though internal mode is configured."""
    assert place(chosen(o=offer(internal=False), internal=True)) == ("10.0.0.5", 32768)


def test_full_override_needs_no_network():
    """Address and port from the labels are enough, even without a network."""
    w = workload(network_mode="none", networks=())
    assert place(chosen(w, offer(register_address="10.9.9.9", register_port=1))) == ("10.9.9.9", 1)


def test_full_override_needs_no_owner():
    """Address and port from the labels are enough, whatever the shared network is."""
    w = workload(namespace="2", networks=())
    assert place(chosen(w, offer(register_address="10.9.9.9", register_port=1))) == ("10.9.9.9", 1)


def test_an_address_override_in_the_hosts_network():
    """In the host's network the given address goes with the port's own number."""
    w = workload(Port(number=80), network_mode="host", networks=())
    assert place(chosen(w, offer(register_address="10.9.9.9"))) == ("10.9.9.9", 80)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "300.1.1.1", "two words", "http://x", "-x"])
def test_an_override_that_is_no_address(address):
    """An address that nobody can connect to is refused, not replaced by another."""
    choice = chosen(o=offer(register_address=address))
    assert choice.address == ""
    assert "labels" in choice.problem


def test_an_address_override_picks_the_binding_at_that_address():
    """Of a port's bindings the one at the given address tells the port."""
    w = workload(bound("10.0.0.5:8001", "192.168.7.5:8002"))
    assert place(chosen(w, offer(register_address="192.168.7.5"))) == ("192.168.7.5", 8002)


@pytest.mark.parametrize(
    ("value", "address"),
    [("10.42.0.9/16", "10.42.0.9"), ("10.42.0.9", "10.42.0.9"), ("fd00::9/64", "fd00::9")],
)
def test_the_address_label(value, address):
    """The label's value is the address, without the length of a CIDR; the mode tells the port."""
    w = workload(bound("0.0.0.0:32768"), labels={RANCHER: value})
    assert place(chosen(w, label=RANCHER)) == (address, 32768)
    assert place(chosen(w, label=RANCHER, internal=True)) == (address, 80)


@pytest.mark.parametrize("value", ["", "/16", "0.0.0.0/0", "not an address"])
def test_an_unusable_address_label(value):
    """A label without an address is ignored with a warning, and the next rule applies."""
    w = workload(bound("0.0.0.0:32768"), labels={RANCHER: value})
    choice = chosen(w, label=RANCHER)
    assert place(choice) == ("10.0.0.5", 32768)
    assert RANCHER in choice.warnings[0]
    assert LABEL in dict(choice.rejected)


# -- internal mode --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "networks", "address"),
    [
        ("back", (), "172.30.0.2"),
        ("ba*", (), "172.30.0.2"),
        ("172.30.0.0/16", (), "172.30.0.2"),
        ("back", ("front",), "172.30.0.2"),
        ("", ("back",), "172.30.0.2"),
        ("", ("missing", "b?ck", "front"), "172.30.0.2"),
        ("", ("fd00:30::/64",), "fd00:30::2"),
        ("", ("10.0.0.0/8", "172.16.0.0/12"), "172.20.0.2"),
    ],
)
def test_networks_are_chosen_by_name_pattern_or_cidr(wanted, networks, address):
    """The offer's network counts, then the first configured pattern that fits; no warning."""
    w = workload(**TWO_NETWORKS)
    choice = chosen(w, offer(network=wanted), internal=True, networks=networks)
    assert place(choice) == (address, 80)
    assert choice.warnings == ()


def test_the_preferred_family_in_a_network():
    """Where a network has both families the preferred one is taken, else what there is."""
    w = workload(networks=(Network(name="n", ipv4="172.20.0.2", ipv6="fd00::2"),))
    assert place(chosen(w, internal=True)) == ("172.20.0.2", 80)
    assert place(chosen(w, internal=True, family="ipv6")) == ("fd00::2", 80)
    only = workload(networks=(Network(name="n", ipv6="fd00::2"),))
    assert place(chosen(only, internal=True)) == ("fd00::2", 80)
    assert place(chosen(workload(), internal=True, family="ipv6")) == ("172.17.0.2", 80)


def test_a_network_that_the_workload_is_not_in():
    """A network named in the labels is never replaced by another one."""
    choice = chosen(workload(**TWO_NETWORKS), offer(network="blue"), internal=True)
    assert choice.address == ""
    assert "'blue', only in front, back" in choice.problem


def test_a_network_is_found_by_its_very_name():
    """A name that reads as a pattern fits itself."""
    w = workload(networks=(Network(name="[x]", ipv4="172.20.0.2"),))
    assert place(chosen(w, offer(network="[x]"), internal=True)) == ("172.20.0.2", 80)


def test_none_of_the_configured_networks():
    """If no configured network fits, the default one is taken with a warning."""
    choice = chosen(internal=True, networks=("overlay",))
    assert place(choice) == ("172.17.0.2", 80)
    assert "none of the configured networks" in choice.warnings[0]


def test_no_address_in_any_network():
    """Without an address of its own there is a problem that says what to do."""
    choice = chosen(workload(networks=(Network(name="n"),)), internal=True)
    assert "connect it to one" in choice.problem


def test_a_network_without_an_address_is_passed_over():
    """The first network that has an address counts, and a single one is no choice."""
    w = workload(networks=(Network(name="a"), Network(name="b", ipv4="172.20.0.2")))
    choice = chosen(w, internal=True)
    assert place(choice) == ("172.20.0.2", 80)
    assert choice.warnings == ()


def test_a_network_outside_internal_mode_draws_a_warning():
    """A network in the labels does nothing for published ports, and the user is told."""
    assert "internal mode" in chosen(o=offer(network="back")).warnings[0]


# -- the host's side ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advertise", "family", "address"),
    [
        ("203.0.113.9", "ipv4", "203.0.113.9"),
        ("203.0.113.9", "ipv6", "203.0.113.9"),
        ("host.example", "ipv4", "host.example"),
        ("web1", "ipv4", "web1"),
        ("eth1", "ipv4", "192.168.7.5"),
        ("eth1", "ipv6", "192.168.7.5"),
        ("eth0", "ipv4", "10.0.0.5"),
        ("eth0", "ipv6", "2001:db8::5"),
        ("eth0", "any", "10.0.0.5"),
        ("192.168.0.0/16", "ipv4", "192.168.7.5"),
        ("2001:db8::/32", "ipv4", "2001:db8::5"),
        ("192.168.7.1/24", "ipv4", "192.168.7.5"),
    ],
)
def test_the_advertised_address(advertise, family, address):
    """It may be an address, a host name, an interface or a CIDR."""
    choice = chosen(advertise=advertise, family=family)
    assert place(choice) == (address, 32768)
    assert choice.rule == ADVERTISED


@pytest.mark.parametrize(
    "advertise",
    [
        *("eth9", "wg0", "br-0123456789ab", "100.64.0.0/10", "em1", "p2p1", "team0", "br-lan"),
        *("en0", "zt5u4y6ab", "public", "macvlan-shim", "eth0.100", "typo.example", "host.exmaple"),
    ],
)
def test_an_advertised_address_that_is_not_there(advertise):
    """No other address is registered instead, and what is registered stays."""
    choice = chosen(advertise=advertise)
    assert choice.address == ""
    assert advertise in choice.problem
    assert choice.unknown


@pytest.mark.parametrize("word", ["eth0", "eth9", "wg0", "ens3"])
def test_an_interface_in_labels(word):
    """It is no host name, whether the host has it or not; labels give addresses."""
    choice = chosen(o=offer(register_address=word))
    assert choice.address == ""
    assert f"{word} is an interface" in choice.problem
    w = workload(bound("0.0.0.0:80"), labels={RANCHER: word})
    choice = chosen(w, label=RANCHER)
    assert choice.rule == HOST
    assert f"{word} is an interface" in choice.warnings[0]


@pytest.mark.parametrize("word", ["web.example", "db1"])
def test_a_host_name_in_labels_is_taken_as_written(word):
    """Consumers resolve it, perhaps by other name servers than this host's."""
    assert place(chosen(o=offer(register_address=word))) == (word, 32768)
    w = workload(bound("0.0.0.0:80"), labels={RANCHER: word})
    assert place(chosen(w, label=RANCHER)) == (word, 80)


def test_the_binding_that_goes_with_the_advertised_address():
    """Of several bindings the one at the address counts, then one on all addresses."""
    w = workload(bound("127.0.0.1:8000", "192.168.7.5:8001", "0.0.0.0:8002", ":::8003"))
    assert place(chosen(w, advertise="eth1")) == ("192.168.7.5", 8001)
    assert place(chosen(w, advertise="203.0.113.9")) == ("203.0.113.9", 8002)
    assert place(chosen(w, advertise="2001:db8::99")) == ("2001:db8::99", 8003)
    assert place(chosen(w, advertise="host.example")) == ("host.example", 8002)
    assert place(chosen(w, advertise="host.example", family="ipv6")) == ("host.example", 8003)
    behind_nat = workload(bound("127.0.0.1:8000", "192.168.7.5:8002", "10.0.0.5:8001"))
    assert place(chosen(behind_nat, advertise="203.0.113.9")) == ("203.0.113.9", 8001)


@pytest.mark.parametrize(
    ("binding", "advertise", "warned"),
    [
        ("127.0.0.1:80", "203.0.113.9", True),
        ("10.0.0.5:80", "192.168.7.5", True),
        ("10.0.0.5:80", "203.0.113.9", False),
        ("10.0.0.5:80", "10.0.0.5", False),
        ("0.0.0.0:80", "203.0.113.9", False),
    ],
)
def test_an_advertised_address_where_the_port_is_not_published(binding, advertise, warned):
    """One that cannot answer draws a warning; a cloud's public address before it does not."""
    choice = chosen(workload(bound(binding)), advertise=advertise)
    assert place(choice) == (advertise, 80)
    assert bool(choice.warnings) is warned


def test_a_specific_binding_is_registered_at_its_address():
    """A port published on one address of the host is registered there."""
    assert place(chosen(workload(bound("192.168.7.5:80")))) == ("192.168.7.5", 80)


def test_loopback_comes_last():
    """Of several bindings one on loopback is taken only if there is no other."""
    choice = chosen(workload(bound("127.0.0.1:80", "192.168.7.5:9000")))
    assert place(choice) == ("192.168.7.5", 9000)
    assert choice.warnings == ()


def test_a_family_that_the_host_does_not_have():
    """A port published on IPv6 only, at a host without IPv6, is registered with a warning."""
    host = attrs.evolve(HOST_A, addresses={})
    choice = chosen(workload(bound(":::8080")), host=host)
    assert place(choice) == ("10.0.0.5", 8080)
    assert "may not answer" in choice.warnings[0]


def test_a_binding_on_every_address():
    """A binding without an address is on every one: the preferred family is taken if there."""
    w = workload(bound(":8080"))
    assert place(chosen(w, family="ipv6")) == ("2001:db8::5", 8080)
    only_ipv4 = attrs.evolve(HOST_A, addresses={"eth0": ("10.0.0.5",)})
    choice = chosen(w, family="ipv6", host=only_ipv4)
    assert place(choice) == ("10.0.0.5", 8080)
    assert choice.warnings == ()


def test_link_local_addresses_do_not_count():
    """An address that means nothing beyond its link is not taken for the host's."""
    host = attrs.evolve(HOST_A, addresses={"eth0": ("fe80::5", "10.0.0.5")})
    assert place(chosen(host=host, family="ipv6")) == ("10.0.0.5", 32768)
    assert place(chosen(host=host, family="ipv6", advertise="eth0")) == ("10.0.0.5", 32768)


def test_tcp_and_udp_of_one_number_are_two_ports():
    """A port's protocol counts when its binding is looked for."""
    w = workload(bound("0.0.0.0:8053", number=53), bound("0.0.0.0:9053", number=53, protocol="udp"))
    assert place(chosen(w, offer(port=53)))[1] == 8053
    assert place(chosen(w, offer(port=53, protocol="udp")))[1] == 9053


# -- options --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("family", "ipv5"),
        ("advertise", "0.0.0.0"),
        ("advertise", "10.0.0.0/99"),
        ("advertise", "two words"),
        ("networks", ("10.0.0.0/99",)),
        ("networks", ("",)),
    ],
)
def test_wrong_options(field, value):
    """A wrong option is refused by name when it is read, not for each workload."""
    with pytest.raises(ValueError, match=field):
        AddressRules(**{field: value})


def test_every_option_is_described():
    """Each option has a line of help."""
    assert all(field.metadata["help"] for field in attrs.fields(AddressRules))


# -- laws -----------------------------------------------------------------------------------

# Container and host addresses, and container and host ports, can be told apart here.
HOST_PORTS = st.integers(30000, 30005)
BINDINGS = st.builds(
    Binding,
    address=st.sampled_from(["", "0.0.0.0", "::", "10.0.0.5", "192.168.7.5", "127.0.0.1"]),
    port=HOST_PORTS,
)
PORTS = st.lists(
    st.builds(
        Port,
        number=st.sampled_from([80, 443]),
        protocol=st.sampled_from(["tcp", "udp"]),
        bindings=st.lists(BINDINGS, max_size=4).map(tuple),
    ),
    max_size=3,
    unique_by=lambda p: (p.number, p.protocol),
).map(tuple)
NETWORKS = st.lists(
    st.builds(
        Network,
        name=st.sampled_from(["front", "back"]),
        ipv4=st.sampled_from(["", "172.20.0.2", "172.30.0.2"]),
        ipv6=st.sampled_from(["", "fd00:20::2"]),
    ),
    max_size=3,
).map(tuple)
WORKLOADS = st.builds(
    lambda ports, networks, mode, namespace: workload(
        *ports, networks=networks, network_mode=mode, namespace=namespace
    ),
    PORTS,
    NETWORKS,
    st.sampled_from(["bridge", "front", "host", "none", ""]),
    st.sampled_from(["", "", "2"]),
)
OFFERS = st.builds(
    Offer,
    service=st.just("web"),
    port=st.sampled_from([0, 80, 443, 7]),
    protocol=st.sampled_from(["tcp", "udp"]),
    internal=st.sampled_from([None, True, False]),
    network=st.sampled_from(["", "back", "172.0.0.0/8"]),
)
OVERRIDING = st.builds(
    attrs.evolve,
    OFFERS,
    register_address=st.sampled_from(["", "198.51.100.1", "0.0.0.0", "not an address"]),
    register_port=st.sampled_from([None, 0, 9]),
)
ALL_RULES = st.builds(
    AddressRules,
    internal=st.booleans(),
    advertise=st.sampled_from(["", "10.0.0.5", "eth0", "eth1", "wg0", "192.168.0.0/16", "a.b"]),
    networks=st.sampled_from([(), ("back",), ("fd00::/8", "*")]),
    label=st.sampled_from(["", RANCHER]),
    family=st.sampled_from(["ipv4", "ipv6", "any"]),
)
HOSTS = st.sampled_from([HOST_A, Host(name="b"), attrs.evolve(HOST_A, addresses={})])
MAYBE_PEER = st.one_of(st.none(), WORKLOADS.map(lambda w: attrs.evolve(w, id="2", name="pod")))


@settings(deadline=None)
@given(OVERRIDING, WORKLOADS, MAYBE_PEER, HOSTS, ALL_RULES)
def test_always_an_answer(o, w, peer, host, rules):
    """There is an address or a problem, never both nor neither, and never an exception."""
    choice = choose(o, Subject(w, host, peer), rules)
    assert bool(choice.address) is not bool(choice.problem)
    assert bool(choice.rule) is bool(choice.address)
    assert choice.address not in ("0.0.0.0", "::")


@settings(deadline=None)
@given(OFFERS, WORKLOADS, MAYBE_PEER, HOSTS, ALL_RULES)
def test_the_port_is_of_the_addresss_kind(o, w, peer, host, rules):
    """A container's address has the container's port, and a host's address the host's."""
    choice = choose(o, Subject(w, host, peer), rules)
    owner = peer if w.namespace else w
    if choice.problem or owner.network_mode == "host" or not o.port:
        return
    of_container = choice.address.startswith(("172.", "fd00:"))
    assert (choice.port == o.port) is of_container
    assert (choice.port >= 30000) is not of_container


@settings(deadline=None)
@given(st.data(), OFFERS, WORKLOADS, HOSTS, ALL_RULES)
def test_the_order_of_bindings_does_not_matter(data, o, w, host, rules):
    """The choice is the same in whatever order the runtime lists a port's bindings."""
    shuffled = [
        attrs.evolve(port, bindings=tuple(data.draw(st.permutations(port.bindings))))
        for port in w.ports
    ]
    other = attrs.evolve(w, ports=tuple(shuffled))
    assert choose(o, Subject(w, host), rules) == choose(o, Subject(other, host), rules)


@settings(deadline=None)
@given(WORKLOADS, MAYBE_PEER, HOSTS, ALL_RULES)
def test_what_is_reachable_has_an_address(w, peer, host, rules):
    """A port given to label parsers fails only for want of an address, never as unpublished."""
    for port in reachable(Subject(w, host, peer), internal=rules.internal).ports:
        o = offer(port=port.number, protocol=port.protocol)
        assert "not published" not in choose(o, Subject(w, host, peer), rules).problem


@pytest.mark.parametrize(("family", "expected"), [("ipv4", 32792), ("ipv6", 32791)])
def test_the_port_belongs_to_the_family_of_its_address(family, expected):
    """Where IPv4 and IPv6 are published on two ports, the address gets the port of its family."""
    both = Port(
        number=80,
        bindings=(Binding(address="0.0.0.0", port=32792), Binding(address="::", port=32791)),
    )
    host = Host(
        name="a",
        addresses={"eth0": ("10.0.0.5", "2001:db8::5")},
        default_address="10.0.0.5",
    )
    rules = AddressRules(family=family)
    made = Workload(source="d", scope="a", id="c", name="web", ports=(both,), network_mode="bridge")
    choice = choose(Offer(service="web", port=80), Subject(made, host), rules)
    assert choice.port == expected
    assert (":" in choice.address) == (family == "ipv6")
