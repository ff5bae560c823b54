"""A container's own health check: what it said last, and when it should have spoken again.

An engine that was restarted while its containers lived on (live-restore) probes no more, and shows
the last status for ever.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

import attrs

from syncer import Health
from syncer_docker.events.parse import SECOND
from syncer_docker.fields import Json, as_object, items, moment, section, text

#: Engines' defaults for interval and timeout of a health check, in seconds.
_DEFAULT = 30.0
#: A health check counts as ended after so many times its interval and timeout, and not sooner than
#: after so many seconds: each container is asked for again as often.
_MISSED, _PATIENCE = 3, 120.0
_LONGEST_OUTPUT = 200


@attrs.frozen
class Probing:
    """The last probe of a running container, and until when another must have been made."""

    last: datetime
    #: Seconds since 1970, on the engine's clock.
    until: float
    interval: float

    @property
    def problem(self) -> str:
        """The text to tell if no other was made; the same until there is one."""
        return (
            f"its health check has not run since {self.last:%Y-%m-%dT%H:%M:%SZ}, though it should "
            f"every {self.interval:g} s: its status may be wrong; restart the container (after a "
            "restart of the engine with live-restore checks do not go on)"
        )


class Silence:
    """Notes which containers' health checks have ended, by the engine's clock.

    `engine_now` returns that in nanoseconds, 0 if it is unknown. Used by one thread, but for
    `problem`.
    """

    def __init__(self, engine_now: Callable[[], int], clock: Callable[[], float]) -> None:
        self._engine_now, self._clock = engine_now, clock
        #: Seconds by which the engine's clock is ahead of ours.
        self._ahead = 0.0
        #: When containers were asked for because they were late.
        self._asked: dict[str, float] = {}
        self._silent: Mapping[str, Probing] = {}

    def to_ask(self, probings: Mapping[str, Probing]) -> set[str]:
        """Return the containers whose descriptions may be older than their last probe."""
        recent = self._clock() - _PATIENCE
        late = {id for id in self._late(probings) if self._asked.get(id, recent) <= recent}
        self._asked = {id: at for id, at in self._asked.items() if id in probings}
        self._asked |= dict.fromkeys(late, self._clock())
        return late

    def note(self, probings: Mapping[str, Probing]) -> None:
        """Note the containers that were not probed in time, by descriptions just asked for."""
        if self._late(probings):
            told = self._engine_now()
            self._ahead = told / SECOND - time.time() if told else float("-inf")
        self._silent = self._late(probings)

    def problem(self, id: str, probing: Probing | None) -> str:
        """Return what is wrong with the health check of this container, if anything is."""
        return probing.problem if probing and self._silent.get(id) == probing else ""

    def _late(self, probings: Mapping[str, Probing]) -> dict[str, Probing]:
        now = time.time() + self._ahead
        return {id: probing for id, probing in probings.items() if probing.until < now}


def health_of(holder: Json) -> Health | None:
    """Return the health in `holder["Health"]`; `None` without a health check."""
    word = text(section(holder, "Health"), "Status")
    return Health(word) if word not in ("", "none") else None


def health_in(container: Json) -> Health | None:
    """Return the health of an inspected container; `None` if its health check is turned off."""
    return None if _is_off(_check(container)) else health_of(section(container, "State"))


def output_in(container: Json) -> str:
    """Return what the last probe of an inspected container printed, on one line."""
    log = items(section(section(container, "State"), "Health"), "Log")
    said = text(as_object(log[-1], "Log"), "Output") if log else ""
    line = " ".join(said[: _LONGEST_OUTPUT * 2].split())
    return "".join(c if c.isprintable() else "?" for c in line)[:_LONGEST_OUTPUT]


def probing(container: Json) -> Probing | None:
    """Return when an inspected container was probed; `None` if it is not, or nobody can tell."""
    state, check = section(container, "State"), _check(container)
    if not check or _is_off(check) or health_of(state) is None or state.get("Paused") is True:
        return None
    log = items(section(state, "Health"), "Log")
    ended = moment(text(as_object(log[-1], "Log"), "End")) if log else None
    last = ended or moment(text(state, "StartedAt"))
    if last is None:
        return None
    interval, timeout = (_seconds(check, key) for key in ("Interval", "Timeout"))
    wait = max(_seconds(check, "StartPeriod", 0.0) if ended is None else 0.0, interval)
    patience = max(_MISSED * (wait + timeout), _PATIENCE)
    return Probing(last, last.timestamp() + patience, interval)


def _check(container: Json) -> Json:
    return section(section(container, "Config"), "Healthcheck")


def _is_off(check: Json) -> bool:
    return items(check, "Test")[:1] == ["NONE"]


def _seconds(check: Json, key: str, default: float = _DEFAULT) -> float:
    """Return a length of time, which engines write in nanoseconds."""
    value = check.get(key)
    return value / 1e9 if isinstance(value, int) and value > 0 else default
