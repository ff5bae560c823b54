"""Choose the address and port of an instance. Pure.

The rules are tried in this order, and the first that applies wins (`RULES` has their names):

    override                  labels give the address (a port that they give always counts)
    address label             the configured label gives the address, also as a CIDR
    shared network namespace  ports and addresses are those of the owner of the network
    internal mode             the container's own address, in the chosen network
    own address               the same, where its network publishes no ports (macvlan)
    advertised address        the configured address, host name, interface or CIDR of the host
    published address         the only host address that the port is published on
    host address              the host's address towards its default route

A container's address goes with the container's port, a host's address with the host's port;
the two are never mixed. If a port is published several times, the choice does not depend on the
order in which the runtime lists the bindings: the preferred family, then the lowest port,
loopback last.
"""

from collections.abc import Sequence

import attrs

from syncer.api.fields import as_tuple, canonical_address, is_network
from syncer.api.workloads import Binding, Offer
from syncer.desired.address_rules import AddressRules as AddressRules
from syncer.desired.networking import (
    WILDCARDS,
    NoAddressError,
    Subject,
    address_among,
    address_on,
    addresses_of,
    advertised,
    default_address,
    family_of,
    has_own_ports,
    is_interface,
    is_loopback,
    misses,
    unusable,
)

RULES = (
    OVERRIDE := "override",
    LABEL := "address label",
    SHARED := "shared network namespace",
    INTERNAL := "internal mode",
    OWN := "own address",
    ADVERTISED := "advertised address",
    PUBLISHED := "published address",
    HOST := "host address",
)


@attrs.frozen
class Choice:
    """The address and port chosen for an offer, and the reasons.

    `rule` is the rule that won, prefixed by `shared network namespace: ` if another workload's
    network counts. `rejected` has the rules before it, each with the reason why it did not apply.
    `at_host`: other ports of the address belong to other programs of the host.
    `problem` says why there is no usable address, and what to do. It is `unknown` if the cause may
    be temporary (an interface without an address): then the present entry is kept. It is
    `nowhere` if the workload has no network, and nothing gives it an address.
    """

    address: str = ""
    port: int = 0
    rule: str = ""
    rejected: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=as_tuple)
    at_host: bool = attrs.field(default=False, kw_only=True)
    problem: str = ""
    warnings: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    unknown: bool = False
    nowhere: bool = False


def choose(offer: Offer, subject: Subject, rules: AddressRules) -> Choice:
    """Choose the address and port under which to register a workload's offer."""
    search = _Search(offer, subject, rules)
    try:
        address, port, rule = search.run()
        chosen = Choice(address, port, rule, at_host=search.at_host(address, rule))
    except NoAddressError as error:
        chosen = Choice(problem=str(error), unknown=error.unknown, nowhere=error.nowhere)
    return attrs.evolve(chosen, rejected=search.rejected, warnings=search.warnings)


class _Search:
    """One walk along the rules. Notes why rules do not apply."""

    def __init__(self, offer: Offer, subject: Subject, rules: AddressRules) -> None:
        self.offer, self.workload, self.host = offer, subject.workload, subject.host
        self.rules = rules
        #: The workload whose networks and bindings count.
        self.owner = subject.network_owner or subject.workload
        self.on_host = self.owner.network_mode == "host"
        self.internal = rules.internal if offer.internal is None else offer.internal
        #: Whether the workload's own port is the one to register.
        own = self.internal or has_own_ports(self.owner)
        self.in_container = own and not self.on_host
        self.rejected: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        #: The port that labels give in place of the workload's own.
        self.given = self._given_port()
        self.own_port = offer.port if self.given is None else self.given
        #: Whether the port to register is that of a binding.
        self.needs_binding = self.given is None and bool(offer.port) and not own

    def run(self) -> tuple[str, int, str]:
        """Return address, port and rule. Raises `NoAddressError`."""
        if self.workload.namespace:
            self._check_peer()
        through = f"{SHARED}: " if self.workload.namespace else ""
        address, rule = self._override()
        if not address:
            address, rule = self._address_label(through)
        if address:
            if self.needs_binding:
                return address, self._nearest(self._bindings(), address).port, rule
            return address, self.own_port, rule
        if not through:
            self.rejected.append((SHARED, "the workload has its own network"))
        if self.owner.network_mode == "none":
            raise NoAddressError(self._no_network(), nowhere=True)
        if self.in_container:
            if not self.internal:
                self.rejected.append((INTERNAL, "internal mode is off"))
            rule = INTERNAL if self.internal else OWN
            return self._container_address(), self.own_port, through + rule
        self._reject_internal()
        address, binding, rule = self._host_address()
        port = binding.port if binding and self.needs_binding else self.own_port
        return address, port, through + rule

    def at_host(self, address: str, rule: str) -> bool:
        """Whether other ports of the chosen address belong to other programs of the host."""
        if self.workload.offers is not None:
            return False
        if not rule.endswith((OVERRIDE, LABEL)):
            return not self.in_container
        published = (at.address for port in self.owner.ports for at in port.bindings)
        own = (self.host.default_address, self.rules.advertise, *published)
        return address in addresses_of(self.host) or address in own

    def _check_peer(self) -> None:
        if self.offer.register_address and self.given is not None:
            return
        if self.owner is self.workload:
            raise NoAddressError("the workload whose network it shares is unknown", unknown=True)
        if self.owner.namespace:
            raise NoAddressError(
                f"it shares the network of {self.owner.name}, which itself shares another "
                "workload's: let it share that workload's network directly"
            )

    def _given_port(self) -> int | None:
        port = self.offer.register_port
        if port is None or self.rules.overrides or self.workload.offers is not None:
            return port
        self.warnings.append(
            f"port {port} from its labels is ignored: addresses.overrides is empty"
        )
        return None

    def _forbidden(self, address: str) -> str:
        """Return why an address from labels must not be registered; "" if it may be."""
        return "" if self.workload.offers is not None else self.rules.why_not(address)

    def _names_interface(self, address: str) -> str:
        """Return why a word in labels is no host name; their host names are taken as written."""
        if not is_interface(address, self.host):
            return ""
        return f"{address} is an interface: labels give an address or a host name"

    def _override(self) -> tuple[str, str]:
        address, port = self.offer.register_address, self.given
        if address and (why := self._forbidden(address)):
            self.rejected.append((OVERRIDE, why))
            self.warnings.append(f"the address from its labels is ignored: {why}")
            return "", ""
        if address:
            if why := unusable(address) or self._names_interface(address):
                # A mistake in what was edited while it runs: what is registered stays.
                giver = "labels" if self.workload.offers is None else "source"
                text = f"the address from its {giver} cannot be used: {why}"
                raise NoAddressError(text, unknown=True)
            return address, OVERRIDE
        given = "no address" if port is None else f"only port {port}"
        self.rejected.append((OVERRIDE, f"the labels give {given}"))
        return "", ""

    def _no_network(self) -> str:
        who = (
            "it" if self.owner is self.workload else f"{self.owner.name}, whose network it shares,"
        )
        return (
            f"{who} has no network: connect it to one, give the address in its labels, or name "
            "the label that has the address (setting addresses.label)"
        )

    def _address_label(self, through: str) -> tuple[str, str]:
        """Return the address in the workload's label, else in that of its network's owner."""
        label = self.rules.label
        if not label:
            self.rejected.append((LABEL, "not configured"))
            return "", ""
        value, rule = self.workload.labels.get(label), LABEL
        if value is None:
            self.rejected.append((LABEL, f"the workload has no label {label}"))
            value, rule = self.owner.labels.get(label), through + LABEL
        if value is None:
            return "", ""
        address = canonical_address(value.rsplit("/", 1)[0])
        why = f"{value[:80]!r} is a network, not an address" if is_network(value) else ""
        why = why or unusable(address) or self._names_interface(address)
        if why := why or self._forbidden(address):
            if rule is LABEL:
                self.rejected.append((LABEL, why))
            self.warnings.append(f"label {label} is ignored: {why}")
            return "", ""
        return address, rule

    def _reject_internal(self) -> None:
        host = "the workload is in the host's network" if self.on_host else ""
        self.rejected.append((INTERNAL, host or "internal mode is off"))
        self.rejected.append((OWN, host or "its network publishes on the host"))
        if self.offer.network:
            self.warnings.append(
                f"network {self.offer.network!r} is ignored: it applies in internal mode only"
            )

    def _container_address(self) -> str:
        rules, usable = self.rules, [n for n in self.owner.networks if n.ipv4 or n.ipv6]
        networks = usable if self.internal else [n for n in usable if n.direct]
        if not networks:
            raise NoAddressError(
                "it has no address in any network: connect it to one, or turn internal mode off"
            )
        names = ", ".join(network.name for network in networks)
        if wanted := self.offer.network:
            if address := address_among((wanted,), networks, rules.family):
                return address
            raise NoAddressError(
                f"it has no address in network {wanted!r}, only in {names}: connect it to that "
                "network, or correct its labels"
            )
        if address := address_among(rules.networks, networks, rules.family):
            return address
        if rules.networks or len(networks) > 1:
            where = "none of the configured networks" if rules.networks else "several networks"
            used = f"{networks[0].name} is used; name a network to choose another"
            self.warnings.append(f"it is in {where} ({names}): {used}")
        return address_on(networks[0], rules.family)

    def _bindings(self) -> tuple[Binding, ...]:
        """Return the bindings of the port. Raises if it must be published and is not."""
        offer, owner = self.offer, self.owner
        for port in owner.ports:
            if port.number == offer.port and port.protocol == offer.protocol and port.bindings:
                return port.bindings
        if not self.needs_binding:
            return ()
        by = "" if owner is self.workload else f" by {owner.name}, whose network it shares"
        raise NoAddressError(
            f"port {offer.port}/{offer.protocol} is not published{by}: publish it, register "
            "the container's own address (internal mode), or set the port in its labels"
        )

    def _host_address(self) -> tuple[str, Binding | None, str]:
        """Return the host address to register, the binding that goes with it, and the rule."""
        bindings = () if self.on_host else self._bindings()
        if self.rules.advertise:
            address = advertised(self.rules.advertise, self.host, self.rules.family)
            return address, self._nearest(bindings, address) if bindings else None, ADVERTISED
        self.rejected.append((ADVERTISED, "not configured"))
        ordered = sorted(bindings, key=self._order) if len(bindings) > 1 else bindings
        for binding in ordered:
            at = binding.address
            if at not in WILDCARDS:
                if is_loopback(at):
                    self._warn_published(at, "other hosts cannot reach it")
                return at, binding, PUBLISHED
            address = default_address(self.host, family_of(at) or self.rules.family)
            if address:
                self.rejected.append((PUBLISHED, "the port is published on all addresses"))
                return address, binding, HOST
        return self._any_host_address(ordered)

    def _any_host_address(self, bindings: Sequence[Binding]) -> tuple[str, Binding | None, str]:
        """Return the host's default address: no binding of its family decides."""
        host = self.host
        if not host.default_address:
            raise NoAddressError(
                "the host's address towards its default route is unknown: set the address to "
                "advertise",
                unknown=True,
            )
        if not bindings:
            self.rejected.append((PUBLISHED, "the service has no published port"))
            address = default_address(host, self.rules.family) or host.default_address
            return address, None, HOST
        self.rejected.append((PUBLISHED, "the port is published on all addresses"))
        if at := bindings[0].address:
            self._warn_published(at, f"the host's {host.default_address} may not answer")
        return host.default_address, bindings[0], HOST

    def _nearest(self, bindings: Sequence[Binding], address: str) -> Binding:
        """Return the binding that most probably answers at this address."""
        family = family_of(address) or self.rules.family

        def distance(binding: Binding) -> tuple[int, bool, int, str]:
            at = binding.address
            away = 0 if at == address else 1 if at in WILDCARDS else 3 if is_loopback(at) else 2
            return away, misses(at, family), binding.port, at

        best = min(bindings, key=distance)
        at = best.address
        # A specific address may be behind the advertised one: a cloud's NAT, for example.
        elsewhere = at != address and at not in WILDCARDS
        if elsewhere and (is_loopback(at) or address in addresses_of(self.host)):
            self._warn_published(at, f"{address} will not answer")
        return best

    def _order(self, binding: Binding) -> tuple[bool, bool, int, str]:
        at = binding.address
        return is_loopback(at), misses(at, self.rules.family), binding.port, at

    def _warn_published(self, at: str, so: str) -> None:
        port = f"{self.offer.port}/{self.offer.protocol}"
        self.warnings.append(f"port {port} is published on {at} only: {so}")
