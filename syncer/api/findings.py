"""Findings of `syncer doctor`: how serious they are, and what to do about them."""

import time
from email.utils import parsedate_to_datetime
from enum import Enum

import attrs

from syncer.api.fields import filled
from syncer.api.secrets import hidden

#: Seconds by which two clocks may differ without a warning.
APART = 5.0


class Level(str, Enum):
    """How serious a finding is."""

    OK = "ok"
    #: It works, but perhaps not as intended.
    WARNING = "warning"
    #: It does not work.
    PROBLEM = "problem"


@attrs.frozen
class Finding:
    """One examined thing: what was found, and what to do about it.

    Both are one line of plain English; `advice` may be empty.
    """

    level: Level
    what: str = attrs.field(validator=filled, converter=hidden)
    advice: str = attrs.field(default="", converter=hidden)


def clock_finding(date: str, now: float | None = None) -> Finding | None:
    """Compare our clock with the `Date` header of a new response. `None` without such a header.

    `now` is our time in seconds since 1970. The header has whole seconds.
    """
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):  # missing, or not a date
        return None
    ours = time.time() if now is None else now
    apart = ours - (theirs + 0.5)
    if abs(apart) <= APART:
        return Finding(Level.OK, "clocks are in sync")
    order = "ahead of" if apart > 0 else "behind"
    return Finding(
        Level.WARNING,
        f"our clock is {abs(apart):.0f} s {order} its clock",
        "run NTP on both hosts: otherwise logs and expiries are hard to compare",
    )
