"""Which address and port an instance gets. Pure: all that is known of the world is handed in.

One order, and the first rule that applies wins (`RULES` holds their names):

    override                  the labels give the address (a port that they give always counts)
    address label             the configured label holds the address; CIDR form is accepted
    shared network namespace  ports and addresses are those of the workload that owns the network
    internal mode             the container's own address, on the network chosen
    advertised address        the configured address, host name, interface or CIDR of the host
    published address         the host address that the port is published on, if it is just one
    host address              the host's address towards its default route

A container's address goes with the container's port, a host's address with the host's port,
and the two are never mixed. A port published several times yields the same binding in
whatever order the runtime lists them: loopback last, the preferred family first, then the
lowest port.
"""

from collections.abc import Sequence

import attrs

from syncer.api.fields import canonical_address
from syncer.api.model import Binding, Host, Offer, Workload
from syncer.desired.address_rules import ANY
from syncer.desired.address_rules import AddressRules as AddressRules
from syncer.desired.networking import (
    WILDCARDS,
    NoAddressError,
    address_among,
    address_on,
    addresses_of,
    advertised,
    default_address,
    family_of,
    is_loopback,
    lies_in,
    misses,
    unusable,
)

RULES = (
    OVERRIDE := "override",
    LABEL := "address label",
    SHARED := "shared network namespace",
    INTERNAL := "internal mode",
    ADVERTISED := "advertised address",
    PUBLISHED := "published address",
    HOST := "host address",
)


@attrs.frozen
class Choice:
    """The address and port of an offer, and how they were found.

    `rule` is the rule that won, after `shared network namespace: ` where another workload's
    network counts. `rejected` names the rules before it, each with why it did not apply; those
    after it were not asked. Without a usable address `problem` says so and what to do. It is
    `unknown` if it may pass by itself (an interface has no address just now): then what is
    registered should stay.
    """

    address: str = ""
    port: int = 0
    rule: str = ""
    rejected: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    warnings: tuple[str, ...] = ()
    unknown: bool = False


def choose(
    offer: Offer, workload: Workload, peer: Workload | None, host: Host, rules: AddressRules
) -> Choice:
    """The address and port under which to register an offer of a workload.

    `peer` is the workload whose network namespace this one shares, if it does.
    """
    search = _Search(offer, workload, peer if workload.namespace else None, host, rules)
    try:
        address, port, rule = search.run()
        problem, unknown = "", False
    except NoAddressError as error:
        address, port, rule, problem, unknown = "", 0, "", str(error), error.unknown
    rejected, warnings = tuple(search.rejected), tuple(search.warnings)
    return Choice(address, port, rule, rejected, problem, warnings, unknown)


class _Search:
    """One walk along the rules, with notes on those that do not apply."""

    def __init__(
        self,
        offer: Offer,
        workload: Workload,
        peer: Workload | None,
        host: Host,
        rules: AddressRules,
    ) -> None:
        self.offer, self.workload, self.host, self.rules = offer, workload, host, rules
        #: Whose networks and bindings count.
        self.place = peer or workload
        self.on_host = self.place.network_mode == "host"
        internal = rules.internal if offer.internal is None else offer.internal
        self.in_container = internal and not self.on_host
        self.rejected: list[tuple[str, str]] = []
        self.warnings: list[str] = []
        #: The port in place of the workload's own.
        self.given = self._given_port()
        self.own_port = offer.port if self.given is None else self.given
        #: Whether the port to register is the one that a binding has.
        needs_binding = self.given is None and bool(offer.port)
        self.needs_binding = needs_binding and not (internal or self.on_host)

    def run(self) -> tuple[str, int, str]:
        """Address, port and rule; raises `NoAddressError`."""
        if self.workload.namespace:
            self._check_peer()
        address, rule = self._override()
        if not address:
            address, rule = self._address_label()
        if address:
            if self.needs_binding:
                return address, self._nearest(self._bindings(), address).port, rule
            return address, self.own_port, rule
        through = f"{SHARED}: " if self.workload.namespace else ""
        if not through:
            self.rejected.append((SHARED, "the workload has a network of its own"))
        if self.place.network_mode == "none":
            raise NoAddressError("it has no network: connect it to one, or give address and port")
        if self.in_container:
            return self._container_address(), self.own_port, through + INTERNAL
        self._reject_internal()
        address, binding, rule = self._host_address()
        port = binding.port if binding and self.needs_binding else self.own_port
        return address, port, through + rule

    def _check_peer(self) -> None:
        if self.offer.register_address and self.given is not None:
            return
        if self.place is self.workload:
            raise NoAddressError("the workload whose network it shares is not known", unknown=True)
        if self.place.namespace:
            raise NoAddressError(
                f"it shares the network of {self.place.name}, which itself shares another one's: "
                "let it share the network of that one"
            )

    def _given_port(self) -> int | None:
        port = self.offer.register_port
        if port is None or self.rules.overrides or self.workload.offers is not None:
            return port
        self.warnings.append(f"the port {port} in its labels is passed over: it may give none")
        return None

    def _forbidden(self, address: str) -> str:
        """Why an address that labels give must not be registered; "" if it may be."""
        allowed = self.rules.overrides
        if ANY in allowed or self.workload.offers is not None:
            return ""
        if any(lies_in(address, text) for text in allowed):
            return ""
        return f"labels may give {' or '.join(allowed) or 'none'}, not {address}"

    def _override(self) -> tuple[str, str]:
        address, port = self.offer.register_address, self.given
        if address and (why := self._forbidden(address)):
            self.rejected.append((OVERRIDE, why))
            self.warnings.append(f"the address in its labels is passed over: {why}")
            return "", ""
        if address:
            if why := unusable(address):
                raise NoAddressError(f"the address in its labels cannot be used: {why}")
            return address, OVERRIDE
        given = "no address" if port is None else f"only the port {port}"
        self.rejected.append((OVERRIDE, f"the labels give {given}"))
        return "", ""

    def _address_label(self) -> tuple[str, str]:
        label = self.rules.label
        if not label:
            self.rejected.append((LABEL, "none is configured"))
            return "", ""
        value = self.workload.labels.get(label)
        if value is None:
            self.rejected.append((LABEL, f"the workload has no label {label}"))
            return "", ""
        address = canonical_address(value.rsplit("/", 1)[0])
        if why := unusable(address) or self._forbidden(address):
            self.rejected.append((LABEL, why))
            self.warnings.append(f"label {label} is passed over: {why}")
            return "", ""
        return address, LABEL

    def _reject_internal(self) -> None:
        why = "the workload is in the host's network" if self.on_host else "it is off"
        self.rejected.append((INTERNAL, why))
        if self.offer.network:
            self.warnings.append(f"network {self.offer.network!r} counts only in internal mode")

    def _container_address(self) -> str:
        rules, networks = self.rules, [n for n in self.place.networks if n.ipv4 or n.ipv6]
        if not networks:
            raise NoAddressError(
                "it has no address of its own: connect it to a network, or turn internal mode off"
            )
        names = ", ".join(network.name for network in networks)
        if wanted := self.offer.network:
            if address := address_among((wanted,), networks, rules.family):
                return address
            raise NoAddressError(
                f"it has no address in network {wanted!r}, only in {names}: connect it there, "
                "or correct its labels"
            )
        if address := address_among(rules.networks, networks, rules.family):
            return address
        if rules.networks or len(networks) > 1:
            where = "none of the configured networks" if rules.networks else "several networks"
            taken = f"{networks[0].name} is taken, name the network to use another"
            self.warnings.append(f"it is in {where} ({names}): {taken}")
        return address_on(networks[0], rules.family)

    def _bindings(self) -> tuple[Binding, ...]:
        """Where the port is published; raises if it must be and is not."""
        offer, place = self.offer, self.place
        for port in place.ports:
            if port.number == offer.port and port.protocol == offer.protocol and port.bindings:
                return port.bindings
        if not self.needs_binding:
            return ()
        owner = "" if place is self.workload else f" by {place.name}, whose network it shares"
        raise NoAddressError(
            f"port {offer.port}/{offer.protocol} is not published{owner}: publish it, register "
            "the container's own address (internal mode), or give the port in its labels"
        )

    def _host_address(self) -> tuple[str, Binding | None, str]:
        """The address of the host to register, and the binding that goes with it."""
        bindings = () if self.on_host else self._bindings()
        if self.rules.advertise:
            address = advertised(self.rules.advertise, self.host, self.rules.family)
            return address, self._nearest(bindings, address) if bindings else None, ADVERTISED
        self.rejected.append((ADVERTISED, "none is configured"))
        ordered = sorted(bindings, key=self._order) if len(bindings) > 1 else bindings
        for binding in ordered:
            at = binding.address
            if at not in WILDCARDS:
                if is_loopback(at):
                    self._warn_published(at, "no other host reaches it")
                return at, binding, PUBLISHED
            address = default_address(self.host, family_of(at) or self.rules.family)
            if address:
                self.rejected.append((PUBLISHED, "the port is published on all addresses"))
                return address, binding, HOST
        return self._any_host_address(ordered)

    def _any_host_address(self, bindings: Sequence[Binding]) -> tuple[str, Binding | None, str]:
        """The host's address where no binding, or none of its family, settles which."""
        host = self.host
        if not host.default_address:
            raise NoAddressError(
                "the host's address towards its default route is not known: configure the "
                "address to advertise",
                unknown=True,
            )
        if not bindings:
            self.rejected.append((PUBLISHED, "no published port goes with it"))
            address = default_address(host, self.rules.family) or host.default_address
            return address, None, HOST
        self.rejected.append((PUBLISHED, "the port is published on all addresses"))
        if at := bindings[0].address:
            self._warn_published(at, f"the host's {host.default_address} may not answer")
        return host.default_address, bindings[0], HOST

    def _nearest(self, bindings: Sequence[Binding], address: str) -> Binding:
        """Of several bindings the one that answers at this address, as far as can be told."""
        family = family_of(address) or self.rules.family

        def distance(binding: Binding) -> tuple[int, bool, int, str]:
            at = binding.address
            away = 0 if at == address else 1 if at in WILDCARDS else 3 if is_loopback(at) else 2
            return away, misses(at, family), binding.port, at

        best = min(bindings, key=distance)
        at = best.address
        # A specific address may stand behind the advertised one: that of a cloud's NAT, say.
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
