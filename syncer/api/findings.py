"""What an examination finds: how well something is, and what to do about it."""

import time
from email.utils import parsedate_to_datetime
from enum import Enum

import attrs

from syncer.api.fields import filled

#: Seconds that two clocks may differ before it is worth a word.
APART = 5.0


class Level(str, Enum):
    """How bad a finding is."""

    OK = "ok"
    #: It works, and may do other than was meant.
    WARNING = "warning"
    #: It does not work.
    PROBLEM = "problem"


@attrs.frozen
class Finding:
    """One thing that was looked at: what was found, and what a person should do about it.

    Both are one line of plain English without secrets; `advice` may be empty.
    """

    level: Level
    what: str = attrs.field(validator=filled)
    advice: str = ""


def clock_finding(date: str, now: float | None = None) -> Finding | None:
    """How our clock compares with the `Date` header of an answer that just came; None without one.

    `now` is our time in seconds since 1970. The header has whole seconds.
    """
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):  # none, or none that is a date
        return None
    ours = time.time() if now is None else now
    apart = ours - (theirs + 0.5)
    if abs(apart) <= APART:
        return Finding(Level.OK, "its clock and ours agree")
    order = "ahead of" if apart > 0 else "behind"
    return Finding(
        Level.WARNING,
        f"our clock is {abs(apart):.0f} s {order} its clock",
        "set both by NTP: logs and expiries are hard to follow otherwise",
    )
