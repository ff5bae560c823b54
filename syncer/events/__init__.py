"""Events as typed values: the source of logs, metrics, the status page and notifications.

The engine passes each event to every listener, and to every plugin with a `syncer_event` hook, in
the thread where it happened. A listener that raises an error is ignored.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from syncer.api.changes import Change, Deregister, Plan, Register, Skip, SkipKind, Treat
from syncer.api.checks import CheckStatus
from syncer.api.fields import EMPTY, as_tuple, frozen_map
from syncer.api.keys import Part, as_part
from syncer.api.left_out import LeftOut
from syncer.api.secrets import hidden

#: Kinds of skips with which this syncer cannot say that a sink is in sync.
WAITS = frozenset({SkipKind.STANDBY, SkipKind.LOST, SkipKind.DOUBT, SkipKind.GUARD})


def _hidden(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(hidden, texts))


@attrs.frozen(kw_only=True)
class SourceListed:
    """A source has listed its workloads; `first` is set for the first time in this process.

    `instances` is how many instances the workloads offer, `unclear` how many workloads could not be
    read. `seconds` is the time that reading and translating took. `scope` is the source's.
    """

    source: str
    workloads: int
    instances: int = 0
    unclear: int = 0
    complete: bool = True
    first: bool = False
    seconds: float = 0.0
    scope: str = ""


@attrs.frozen(kw_only=True)
class LoopFailed:
    """Repeated work raised an error: listing a source, a sink's cycle, its pulse, a watch.

    `loop` names the work (`source docker`, `sink consul`, `watch docker`), `failures` counts those
    in a row, `retry_in` is in seconds. `trace` is set once for errors that no plugin should raise.
    `news` says whether to log it: the first of a row, each tenth, and each new error.
    """

    loop: Part = attrs.field(converter=as_part)
    error: str = attrs.field(converter=hidden)
    failures: int = 1
    retry_in: float = 0.0
    trace: str = attrs.field(default="", converter=hidden)
    news: bool = True


@attrs.frozen(kw_only=True)
class LoopRecovered:
    """The work succeeded again, after this many failures in a row."""

    loop: Part = attrs.field(converter=as_part)
    failures: int


@attrs.frozen(kw_only=True)
class ProblemsFound:
    """The problems in a workload's labels have changed."""

    source: str
    workload: str
    problems: tuple[str, ...] = attrs.field(converter=_hidden)


@attrs.frozen(kw_only=True)
class LeftOutChanged:
    """The list of what is not registered of a source has changed; first told even if empty.

    `news` says whether to log it: not if only a state has changed, or problems told elsewhere.
    """

    source: str
    left_out: tuple[LeftOut, ...] = attrs.field(converter=as_tuple)
    news: bool = True


@attrs.frozen(kw_only=True)
class ChangeApplied:
    """A sink made a change; with `drift` it repaired an entry that somebody else had changed."""

    sink: str
    change: Change
    drift: bool = False


@attrs.frozen(kw_only=True)
class ChangeFailed:
    """A sink refused a change or failed to make it; repeated only if the error is another."""

    sink: str
    change: Change
    error: str = attrs.field(converter=hidden)
    permanent: bool = False


@attrs.frozen(kw_only=True)
class SkipsChanged:
    """Changes are held back that were not in the previous cycle."""

    sink: str
    skips: tuple[Skip, ...] = attrs.field(converter=as_tuple)


@attrs.frozen(kw_only=True)
class GuardPaused:
    """The guard holds back removals and moves: there are too many at once."""

    sink: str
    held: int
    ours: int


@attrs.frozen(kw_only=True)
class GuardReleased:
    """The guard holds nothing any more: the changes were made, or are no longer wanted."""

    sink: str


@attrs.frozen(kw_only=True)
class LeaseLost:
    """The registry had lost some of our entries or checks; they are written again at once."""

    sink: str
    lost: int


@attrs.frozen(kw_only=True)
class PulseBeaten:
    """A pulse has succeeded: leases were renewed, and health was reported.

    `held` is the number of entries renewed. In seconds: `late` is the delay, `seconds` the length,
    `every` the time between two pulses.
    """

    sink: str
    held: int = 0
    every: float = 0.0
    late: float = 0.0
    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class Elected:
    """This syncer acquired the lock of a sink and writes from now on, or lost it."""

    sink: str
    leads: bool


@attrs.frozen(kw_only=True)
class HealthChanged:
    """One of syncer's own probes has a new status; the first one only if it is not passing.

    `target` is what is probed (`http://10.0.0.1:80/health`), `output` the result in words.
    """

    target: str
    status: CheckStatus
    output: str = attrs.field(default="", converter=hidden)


@attrs.frozen(kw_only=True)
class CycleFinished:
    """A cycle of a sink has ended. `failed` maps ids to errors.

    In seconds: `seconds` is its length, `planned` the part of it until the plan was made. `retry`:
    a change failed that may succeed soon. `readings`: how often the sink was read completely so
    far; 0 if that is not known. `listed`: all its sources have listed completely, and answer.
    """

    sink: str
    plan: Plan
    applied: int = 0
    failed: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map)
    seconds: float = 0.0
    planned: float = 0.0
    retry: bool = False
    readings: int = 0
    listed: bool = False

    @property
    def held_back(self) -> Mapping[str, int]:
        """How many changes are held back, by kind: without those that were asked to be."""
        kinds = (skip.kind for skip in self.plan.skipped)
        return Counter(one.value for one in kinds if one in WAITS or Treat.REPORT in one.treat)

    @property
    def in_sync(self) -> bool:
        """Whether the sink holds what it should, apart from changes that are held back."""
        waits = any(skip.kind in WAITS for skip in self.plan.skipped)
        return self.listed and not self.failed and not waits

    @property
    def ours(self) -> int:
        """The number of our registrations after the cycle."""
        done = [change for change in self.plan.changes if change.id not in self.failed]
        added = sum(isinstance(change, Register) for change in done)
        return self.plan.ours + added - sum(isinstance(change, Deregister) for change in done)


@attrs.frozen(kw_only=True)
class ConfigReloaded:
    """A running syncer has re-read its configuration, and uses it from now on.

    `changed` names what has changed: sources and sinks then start again, and their earlier state no
    longer counts. `interval` is the new interval of full reads, in seconds.
    """

    changed: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    interval: float = 30.0


@attrs.frozen(kw_only=True)
class ConfigRefused:
    """A running syncer has re-read its configuration, refused it, and keeps the previous one.

    `problems` are all errors, one line each.
    """

    problems: tuple[str, ...] = attrs.field(converter=_hidden)


@attrs.frozen(kw_only=True)
class Warned:
    """Something in the configuration or the environment needs a person's attention."""

    text: str = attrs.field(converter=hidden)


AnyEvent = (
    SourceListed
    | LoopFailed
    | LoopRecovered
    | ProblemsFound
    | LeftOutChanged
    | ChangeApplied
    | ChangeFailed
    | SkipsChanged
    | GuardPaused
    | GuardReleased
    | LeaseLost
    | PulseBeaten
    | Elected
    | HealthChanged
    | CycleFinished
    | ConfigReloaded
    | ConfigRefused
    | Warned
)
