"""What consumers find is held against the names and addresses that a source allows."""

import pytest
from fakes import instance

from syncer import FoundAs
from syncer.desired.address_rules import AddressRules
from syncer.desired.filters import Filter
from syncer.desired.limits import Limits

OFFERED = instance(service="team-a", address="10.0.0.1")


def why_not(*names, at=(), limits=None, offered=OFFERED, **filters):
    rules = AddressRules() if limits is None else AddressRules(overrides=limits)
    found = FoundAs((offered.service, *names), (offered.address, *at))
    return Limits(Filter(**filters), rules).why_not(offered, found)


class TestNames:
    """`allow_names` and `deny_names`, for every name that leads to the instance."""

    def test_without_rules_any(self):
        """As labels may give any service a name."""
        assert why_not("payments", at=("203.0.113.66",)) == ""

    def test_a_denied_name(self):
        """The reason has the name and the setting."""
        said = why_not("payments", deny_names=("payments",))
        assert "'payments'" in said
        assert "deny_names" in said

    def test_a_name_that_is_not_allowed(self):
        """One of several is enough."""
        assert "allow_names" in why_not("team-b", "payments", allow_names=("team-*",))
        assert why_not("team-b", allow_names=("team-*",)) == ""

    @pytest.mark.parametrize("name", ["Bılling", "bİllİng", "BILLING", "bil\u2113ing", "billinG"])
    def test_case_of_any_registry(self, name):
        """Eureka makes upper case of a dotless i, Consul lower case of a dotted capital one."""
        said = why_not(name, deny_names=("billing",))
        assert bool(said) == ("\u2113" not in name)  # that one is another letter everywhere

    def test_the_service_itself_was_judged_before(self):
        """By the filter, as an offer: `include` may have admitted it."""
        assert why_not(allow_names=("other",)) == ""


class TestAddresses:
    """`addresses.overrides`, for every address that leads to the instance."""

    @pytest.mark.parametrize("address", ["203.0.113.66", "evil.example.com", "2001:db8::1", "a b"])
    def test_none(self, address):
        """The reason has the address and the setting."""
        said = why_not(at=(address,), limits=())
        assert address in said
        assert "addresses.overrides" in said

    def test_some(self):
        """A network that it lies in; a host name lies in none."""
        assert why_not(at=("192.0.2.9",), limits=("192.0.2.0/24",)) == ""
        assert why_not(at=("198.51.100.9",), limits=("192.0.2.0/24",)) != ""
        assert why_not(at=("evil.example.com",), limits=("0.0.0.0/0",)) != ""

    @pytest.mark.parametrize(
        ("own", "found"),
        [("10.0.0.1", "10.0.0.1"), ("fd00::5", "[fd00:0::5]"), ("Web.example", "web.EXAMPLE")],
    )
    def test_its_own_in_any_form(self, own, found):
        """Brackets, zeros and case make no other address."""
        assert why_not(at=(found,), limits=(), offered=instance(address=own)) == ""

    @pytest.mark.parametrize("trick", ["10.0.0.1.", "010.0.0.1", "167772161", "10.0.0.1@evil"])
    def test_what_only_looks_like_its_own(self, trick):
        """It is another address until somebody says that it is allowed."""
        assert why_not(at=(trick,), limits=()) != ""
