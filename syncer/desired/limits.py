"""Names and addresses by which consumers find an instance, held against its source's rules."""

import attrs

from syncer.api.fields import canonical_address
from syncer.api.registrations import FoundAs, Instance
from syncer.desired.address_rules import AddressRules
from syncer.desired.filters import Filter


@attrs.frozen
class Limits:
    """The names and addresses that a source allows those who write labels."""

    filter: Filter = attrs.Factory(Filter)
    rules: AddressRules = attrs.Factory(AddressRules)

    def why_not(self, offered: Instance, found: FoundAs) -> str:
        """Return why consumers must not find an offered instance so; "" if they may."""
        if self.filter.judges_names:
            for name in sorted(found.names - {offered.service}):
                if why := self.filter.why_not_name(name):
                    return f"consumers of this sink would find it by another name: {why}"
        own = canonical_address(offered.address).casefold()
        for address in sorted(map(canonical_address, found.addresses)):
            if address.casefold() != own and (why := self.rules.why_not(address)):
                text = "consumers of this sink would be led to another address"
                return f"{text}: {why} (addresses.overrides)"
        return ""
