"""The knowledge of one source at one moment, as the planner uses it."""

import re
from collections.abc import Mapping

import attrs

from syncer.api.fields import EMPTY
from syncer.api.model import Host, Workload
from syncer.desired.limits import Limits
from syncer.desired.translate import Translated

#: Docker's default host name of a container: the first digits of its id.
RANDOM_NAME = re.compile("[0-9a-f]{12}")


@attrs.frozen(kw_only=True)
class TrackedWorkload:
    """A workload, the owner of the network it shares, and the result of its translation."""

    workload: Workload
    peer: Workload | None = None
    translated: Translated = attrs.field(factory=Translated)


@attrs.frozen(kw_only=True)
class Snapshot:
    """The knowledge of one source at one moment.

    `doubt` is empty if the source has listed completely in this process and answers now; else it
    says what is missing, and nothing of this source is removed. Workloads in `unclear` exist, but
    the source cannot describe them. `listing` counts the complete listings. `host` is theirs.
    `identities` are the source's own and its former ones; `None` if it has not told its own yet.
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

    def offers(self, workload_id: str) -> bool:
        """Whether this workload is in a state that offers services."""
        tracked = self.workloads.get(workload_id)
        return tracked is not None and tracked.workload.state.offered

    def why_unclear(self, workload_id: str) -> str:
        """Return why the services of an existing workload are unknown now; "" if they are known."""
        if workload_id in self.unclear:
            return f"source {self.name} cannot describe the workload now"
        tracked = self.workloads.get(workload_id)
        if tracked is None or not tracked.translated.failed:
            return ""
        return "; ".join(tracked.translated.problems) or "the workload cannot be translated now"
