"""The settings of a source about addresses."""

from collections.abc import Sequence
from typing import Any

import attrs

from syncer.api.fields import as_tuple, canonical_address, one_of
from syncer.api.options import option
from syncer.desired.networking import FAMILIES, cidr, lies_in, unusable

#: In `overrides`: labels may give any address or host name.
ANY = "any"


def _advertisable(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if value and cidr(value) is None and (why := unusable(value)):
        raise ValueError(f"{attribute.name}: {why}")


def _networks(instance: object, attribute: "attrs.Attribute[Any]", value: Sequence[str]) -> None:
    for pattern in value:
        if not pattern or ("/" in pattern and cidr(pattern) is None):
            raise ValueError(f"{attribute.name}: {pattern!r} is not a name, a pattern or a CIDR")


def _overrides(instance: object, attribute: "attrs.Attribute[Any]", value: Sequence[str]) -> None:
    for text in value:
        if text != ANY and cidr(text) is None:
            raise ValueError(f"{attribute.name}: {text!r} is neither a CIDR nor the word {ANY}")


@attrs.frozen(kw_only=True)
class AddressRules:
    """The table `addresses` of a source."""

    internal: bool = option(
        False, help="Register containers' own addresses and ports, not those published on the host"
    )
    advertise: str = option(
        "",
        help="Host address to register: an address, a host name, an interface (eth0), or a CIDR "
        "that contains one of the host's addresses",
        env=("SYNCER_ADVERTISE",),
        converter=canonical_address,
        validator=_advertisable,
    )
    networks: tuple[str, ...] = option(
        (),
        help="In internal mode, networks to take the address from: names, patterns or CIDRs; "
        "the first match is used",
        converter=as_tuple,
        validator=_networks,
    )
    label: str = option("", help="Name of a label whose value is the address to register")
    overrides: tuple[str, ...] = option(
        (ANY,),
        help="Addresses that labels may set: CIDRs, or any; if empty, labels may set no "
        "address and no port",
        converter=as_tuple,
        validator=_overrides,
    )
    family: str = option(
        "ipv4",
        help="Address family to prefer if there are both: ipv4, ipv6 or any",
        validator=one_of(*FAMILIES),
    )

    def why_not(self, address: str) -> str:
        """Return why labels must not give this address; "" if they may."""
        allowed = self.overrides
        if ANY in allowed or any(lies_in(address, text) for text in allowed):
            return ""
        return f"labels may give {' or '.join(allowed) or 'no address'}, not {address}"
