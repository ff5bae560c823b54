"""What Consul cannot hold: what is left out, what is refused, and the law over odd values."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import Check, Native, PermanentError, Registration, Status
from syncer.testing import instances, make_instance, make_mark, natives
from syncer_consul.agent.limits import META_PAIRS, fit_instance
from syncer_consul.agent.wire import (
    Found,
    as_listed,
    check_id,
    decode,
    encode,
    first_status,
    listed,
)

#: Anything that a runtime may hand us, lone surrogates and control characters included.
ANY_TEXT = st.text(st.characters(), max_size=20)


def adjust(instance, version=(1, 18, 0)):
    return fit_instance(instance, version, frozenset())


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("a.b", "x", "its key must be"),
        ("", "x", "its key must be"),
        ("a b", "x", "its key must be"),
        ("ü", "x", "its key must be"),
        ("k" * 129, "x", "its key must be"),
        ("consul-x", "x", "reserved"),
        ("syncer-owner", "me", "reserved"),
        ("k", "ü" * 257, "514 bytes"),
    ],
)
def test_impossible_metadata(key, value, reason):
    """One pair that Consul refuses is left out with a reason; it takes nothing else along."""
    made = adjust(make_instance(meta={key: value, "good": "y"}))
    assert dict(made.meta) == {"good": "y"}
    (problem,) = made.problems
    assert reason in problem


def test_too_many_pairs():
    """There is room for as many pairs as the mark leaves."""
    made = adjust(make_instance(meta={f"k{n}": "x" for n in range(100)}))
    assert len(made.meta) == META_PAIRS
    assert len(made.problems) == 100 - META_PAIRS


def test_tags_are_cleaned():
    """Control characters go, a tag beyond all measure is left out, others stay in order."""
    made = adjust(make_instance(tags=("b", "a\n\x1b[0m", "x" * 70_000, "", "\ud800")))
    assert made.tags == ("b", "a[0m", "", "\ufffd")
    assert len(made.problems) == 3


@pytest.mark.parametrize("name", ["my_service", "a.b", "ü", "x" * 64, "-a"])
def test_names_that_dns_cannot_find(name):
    """A name that DNS cannot carry is registered all the same, and said."""
    made = adjust(make_instance(service=name))
    assert made.service == name
    assert "DNS" in made.problems[0]


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_addresses_that_are_none(address):
    """The unspecified addresses are refused as Consul does."""
    with pytest.raises(PermanentError, match="refuses the address"):
        adjust(make_instance(address=address))


def test_weight_zero():
    """Consul's least weight is 1."""
    made = adjust(make_instance(weight=0, warning_weight=0))
    assert (made.weight, made.warning_weight) == (1, 0)
    assert "weight 0" in made.problems[0]


@pytest.mark.parametrize(
    ("weights", "shown"),
    [((None, None), (None, None)), ((1, 1), (None, None)), ((1, None), (None, None)),
     ((5, None), (5, 1)), ((None, 0), (1, 0))],
)  # fmt: skip
def test_weights_as_listed(weights, shown):
    """Consul's default weights mean that none were given."""
    made = listed(make_instance(weight=weights[0], warning_weight=weights[1]))
    assert (made.weight, made.warning_weight) == shown


def test_checks_of_one_key():
    """Two checks of one key would be one; the second is left out and said."""
    one, two = (Native(key="a", definition={"TTL": t}) for t in ("1s", "2s"))
    made = adjust(make_instance(checks=(one, two, Check(kind="tcp"))))
    assert made.checks == (one,)
    assert len(made.problems) == 2


@pytest.mark.parametrize("status", [Status.PAUSED, Status.DRAINING, Status.UNHEALTHY])
def test_state_goes_before_a_check_of_its_key(status):
    """The check that shows the state has its key for itself; adjusting twice changes nothing."""
    mine = Native(key="syncer", definition={"TTL": "1s"})
    once = adjust(make_instance(checks=(mine,), status=status))
    assert [c.definition["Status"] for c in once.checks] == ["critical"]
    assert adjust(once) == once


def test_fed_checks_start_as_things_are():
    """A check that syncer feeds begins with the present health."""
    assert first_status(make_instance()) == "passing"
    assert first_status(make_instance(status=Status.STARTING)) == "critical"


@given(instances(checks_of=natives()), st.lists(ANY_TEXT), st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_what_is_sent_is_listed(instance, tags, meta):
    """For any instance: what is sent, decoded as a listing, is what `listed` says."""
    odd = attrs.evolve(instance, tags=tags, meta=meta)
    made = adjust(odd)
    assert adjust(made) == made
    new = Registration(instance=made, mark=make_mark(made))
    checks = [(check_id(made.id, c), {"Status": "passing"}) for c in made.checks]
    body = encode(new, checks, () if made.tag_override else made.tags)
    assert len(body["Meta"]) <= 64
    entry = body | {"Service": body["Name"]}
    found = [Found(id_, "passing") for id_, _ in checks]
    assert decode(made.id, entry, found, "") == as_listed(new)


def test_half_a_mark_is_not_described():
    """An entry with a part of a mark is neither ours nor a stranger's: it cannot be described."""
    assert decode("x", {"Service": "x", "Meta": {"syncer-owner": "o"}}, (), "10.0.0.1") is None


def test_listing_without_names():
    """Fields that Consul leaves out or sends as null have their defaults."""
    found = decode(
        "x", {"Service": "x", "Meta": None, "Tags": None, "Weights": None}, (), "10.0.0.1"
    )
    assert found == Registration(
        instance=make_instance(id="x", service="x", port=0, address="10.0.0.1")
    )
