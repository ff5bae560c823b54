"""The knowledge of one source at one moment, as the planner uses it."""

import re
from collections.abc import Iterator, Mapping

import attrs

from syncer.api.contracts import Unclear, View
from syncer.api.fields import EMPTY
from syncer.api.workloads import Host, Workload
from syncer.desired.limits import Limits
from syncer.desired.translate import Translated

#: Docker's default host name of a container: the first digits of its id.
RANDOM_NAME = re.compile("[0-9a-f]{12}")


#: If a source says only that something is unclear.
_UNTOLD = Unclear("the source gives no reason")


def reasons_in(view: View[Workload]) -> Mapping[str, Unclear]:
    """Return the reason for each workload that is unclear."""
    return {id_: view.reasons.get(id_, _UNTOLD) for id_ in sorted(view.unclear)}


def by_reason(reasons: Mapping[str, Unclear]) -> Mapping[str, list[str]]:
    """Return the names of workloads that are unclear, by the reason that they share."""
    found: dict[str, list[str]] = {}
    for id_, one in reasons.items():
        found.setdefault(one.why, []).append(one.name or id_[:12])
    return found


@attrs.frozen(kw_only=True)
class TrackedWorkload:
    """A workload, the owner of the network it shares, and the result of its translation.

    Without `described`, only the id and perhaps the name of the workload are known.
    """

    workload: Workload
    peer: Workload | None = None
    translated: Translated = attrs.field(factory=Translated)
    described: bool = True


@attrs.frozen(kw_only=True)
class Snapshot:
    """The knowledge of one source at one moment.

    `doubt` is empty if the source has listed completely in this process and answers now; else it
    says what is missing, and nothing of this source is removed. Workloads in `unclear` exist, but
    the source cannot describe them. `listing` counts the complete listings. `host` is theirs.
    `identities` are the source's own and its former ones; `None` if its own is not known yet.
    """

    name: str
    order: int = 0
    scopes: frozenset[str]
    identity: str = ""
    identities: frozenset[str] | None = frozenset()
    doubt: str = ""
    listing: int = 1
    workloads: Mapping[str, TrackedWorkload] = EMPTY
    unclear: frozenset[str] = frozenset()
    host: Host = Host(name="")
    limits: Limits = attrs.field(factory=Limits)
    reasons: Mapping[str, Unclear] = EMPTY

    def offers(self, workload_id: str) -> bool:
        """Whether this workload is in a state that offers services."""
        tracked = self.workloads.get(workload_id)
        return tracked is not None and tracked.workload.state.offered

    def why_unclear(self, workload_id: str) -> str:
        """Return why the services of an existing workload are unknown now; "" if they are known."""
        if workload_id in self.unclear:
            reason = self.reasons.get(workload_id, _UNTOLD)
            return f"source {self.name} cannot describe the workload now: {reason.why}"
        tracked = self.workloads.get(workload_id)
        if tracked is None or not tracked.translated.failed:
            return ""
        explained = tracked.translated.explained
        lacking = dict.fromkeys(one.why for one in explained if one.choice.unknown)  # each once
        problems = lacking or tracked.translated.problems
        return "; ".join(problems) or "the workload cannot be translated now"

    def entries(self) -> Iterator[TrackedWorkload]:
        """Yield all workloads; those that are unclear have the reason among their problems."""
        for id_ in sorted(self.unclear - self.workloads.keys()):
            name = self.reasons.get(id_, _UNTOLD).name or id_
            scope = min(self.scopes, default="")
            workload = Workload(source=self.name, scope=scope, id=id_, name=name)
            yield self._unclear(TrackedWorkload(workload=workload, described=False))
        for id_, entry in self.workloads.items():
            yield self._unclear(entry) if id_ in self.unclear else entry

    def _unclear(self, entry: TrackedWorkload) -> TrackedWorkload:
        problems = (self.why_unclear(entry.workload.id), *entry.translated.problems)
        translated = attrs.evolve(entry.translated, problems=problems, failed=True)
        return attrs.evolve(entry, translated=translated)
