"""Validators that options and values share: what they refuse, and in which words."""

from datetime import timedelta

import attrs
import pytest

from syncer import at_least, one_of, option, positive, within


@attrs.frozen(kw_only=True)
class Options:
    """Options with a validator each."""

    timeout: timedelta | None = option(None, help="x", validator=positive)
    retries: int = option(1, help="x", validator=positive)
    ttl: timedelta | None = option(None, help="x", validator=within(5, 3600))
    share: float = option(0.5, help="x", validator=within(0, 1))
    poll: timedelta = option(timedelta(seconds=2), help="x", validator=at_least(0.1))
    weight: int = option(1, help="x", validator=at_least(1))
    mode: str = option("fast", help="x", validator=one_of("fast", "slow"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("timeout", timedelta(0), "timeout must be greater than 0"),
        ("retries", -1, "retries must be greater than 0"),
        ("ttl", timedelta(seconds=4), "ttl must be 5s to 1h, not 4s"),
        ("ttl", timedelta(hours=2), "ttl must be 5s to 1h, not 2h"),
        ("share", 1.5, "share must be 0 to 1, not 1.5"),
        ("poll", timedelta(milliseconds=50), "poll must be at least 0.1s, not 0.05s"),
        ("weight", 0, "weight must be at least 1, not 0"),
        ("mode", "slwo", "mode must be one of fast, slow, not 'slwo'; did you mean 'slow'?"),
    ],
)
def test_a_refused_value(field, value, words):
    """The message names the field, the bounds in the value's own form, and the value."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        Options(**{field: value})
    assert str(caught.value) == words


def test_bounds_are_accepted_and_none_is():
    """Bounds count as inside, and an option that may be `None` need not be set."""
    Options(ttl=timedelta(seconds=5), share=0, poll=timedelta(seconds=0.1), weight=1)
    Options(ttl=timedelta(hours=1), share=1, timeout=timedelta(microseconds=1))
