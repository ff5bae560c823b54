"""What happened, as typed values: logs, metrics, pages and notifications live from these.

An event is told in the thread where it happened, to every listener of the engine and to every
plugin with a `syncer_event` hook. A listener that raises is passed over.
"""

from collections.abc import Mapping

import attrs

from syncer.api.changes import Change, Deregister, Plan, Register, Skip
from syncer.api.checks import CheckStatus
from syncer.api.fields import EMPTY, as_tuple, frozen_map
from syncer.api.keys import Part, as_part


@attrs.frozen(kw_only=True)
class SourceListed:
    """A source has listed everything; `first` for the first time in this process.

    `instances` is how many its workloads offer; `seconds` is how long it took, all read and
    translated.
    """

    source: str
    workloads: int
    instances: int = 0
    unclear: int = 0
    complete: bool = True
    first: bool = False
    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class LoopFailed:
    """A loop's work raised: listing a source, a sink's cycle, its pulse, a watch.

    `loop` names the work (`source docker`, `sink consul`, `watch docker`), `failures` counts those
    in a row, `retry_in` is in seconds. `trace` is set once for errors that no plugin should raise.
    `news` is what a log tells: the first of a row, each tenth, and another error than before.
    """

    loop: Part = attrs.field(converter=as_part)
    error: str
    failures: int = 1
    retry_in: float = 0.0
    trace: str = ""
    news: bool = True


@attrs.frozen(kw_only=True)
class LoopRecovered:
    """A loop's work succeeded again after that many failures."""

    loop: Part = attrs.field(converter=as_part)
    failures: int


@attrs.frozen(kw_only=True)
class ProblemsFound:
    """What a workload's labels ask for and cannot have, told when it changes."""

    source: str
    workload: str
    problems: tuple[str, ...] = attrs.field(converter=as_tuple)


@attrs.frozen(kw_only=True)
class ChangeApplied:
    """A sink accepted a change; `drift` if the registry had strayed from what was written."""

    sink: str
    change: Change
    drift: bool = False


@attrs.frozen(kw_only=True)
class ChangeFailed:
    """A sink refused a change or could not take it; told again only when the error changes."""

    sink: str
    change: Change
    error: str
    permanent: bool = False


@attrs.frozen(kw_only=True)
class SkipsChanged:
    """Changes that are now held back and were not in the cycle before."""

    sink: str
    skips: tuple[Skip, ...] = attrs.field(converter=as_tuple)


@attrs.frozen(kw_only=True)
class GuardPaused:
    """The guard holds back removals and moves, since there are too many at once."""

    sink: str
    held: int
    ours: int


@attrs.frozen(kw_only=True)
class GuardReleased:
    """What the guard held is let go, or no longer wanted."""

    sink: str


@attrs.frozen(kw_only=True)
class LeaseLost:
    """The registry had lost registrations or checks of ours; they are written again at once."""

    sink: str
    lost: int


@attrs.frozen(kw_only=True)
class PulseBeaten:
    """What must reach a registry on time has reached it: renewals, and health that syncer knows.

    `held` is how many registrations were kept alive. `late` is how long after its time it was done,
    `seconds` how long that took, `every` the time from one to the next.
    """

    sink: str
    held: int = 0
    every: float = 0.0
    late: float = 0.0
    seconds: float = 0.0


@attrs.frozen(kw_only=True)
class Elected:
    """Of the syncers that share a lock this one writes to the sink from now on, or does not."""

    sink: str
    leads: bool


@attrs.frozen(kw_only=True)
class HealthChanged:
    """A probe of syncer's own has another status than before; the first time, if not passing.

    `target` says what is probed (`http://10.0.0.1:80/health`), `output` what came of it.
    """

    target: str
    status: CheckStatus
    output: str = ""


@attrs.frozen(kw_only=True)
class CycleFinished:
    """One cycle of a sink is over. `failed` maps ids to errors; `seconds` is its length.

    `planned` is how much of that went by until it was known what to do. `retry`: something failed
    that may succeed soon; `again`: what was planned on has changed; `relist`: the guard holds
    something until the sources say the same once more.
    """

    sink: str
    plan: Plan
    applied: int = 0
    failed: Mapping[str, str] = attrs.field(default=EMPTY, converter=frozen_map)
    seconds: float = 0.0
    planned: float = 0.0
    retry: bool = False
    again: bool = False
    relist: bool = False

    @property
    def ours(self) -> int:
        """How many registrations of ours there are after it."""
        done = [change for change in self.plan.changes if change.id not in self.failed]
        added = sum(isinstance(change, Register) for change in done)
        return self.plan.ours + added - sum(isinstance(change, Deregister) for change in done)


@attrs.frozen(kw_only=True)
class ConfigReloaded:
    """A running syncer has read its configuration again, and goes on by it.

    `changed` says what is another than before: nothing, and all goes on as it was. `interval` is
    that of full reads from now on, in seconds.
    """

    changed: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    interval: float = 30.0

    @property
    def restarts(self) -> bool:
        """Whether sources and sinks start again, so that their earlier state no longer counts."""
        return bool(self.changed)


@attrs.frozen(kw_only=True)
class ConfigRefused:
    """A running syncer has read its configuration again, and goes on by the one that it had.

    `problems` are all that is wrong, a line for each.
    """

    problems: tuple[str, ...] = attrs.field(converter=as_tuple)


@attrs.frozen(kw_only=True)
class Warned:
    """Something about the configuration or the surroundings that a person should look at."""

    text: str


AnyEvent = (
    SourceListed
    | LoopFailed
    | LoopRecovered
    | ProblemsFound
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
