"""Addresses that labels give."""

import ipaddress
import re

from syncer_registrator.labels.convert import LONGEST_NAME
from syncer_registrator.labels.problems import Unusable, unfit

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")


def address(text: str) -> str:
    """An IP address, also with a prefix length (`10.0.0.5/24`) or in brackets, or a host name.

    Raises ValueError for anything else, and for addresses that nobody can reach.
    """
    bare = text.strip()
    reason = unfit(bare, LONGEST_NAME)
    if reason:
        raise ValueError(f"the address {reason}")
    try:
        found = ipaddress.ip_interface(bare.removeprefix("[").removesuffix("]")).ip
    except ValueError:
        if _HOST.fullmatch(bare) and not bare.replace(".", "").isdigit():
            return bare
        raise Unusable("an IP address or a host name", bare) from None
    if found.is_unspecified or found.is_multicast:
        raise Unusable("an address that can be reached", bare)
    return str(found)
