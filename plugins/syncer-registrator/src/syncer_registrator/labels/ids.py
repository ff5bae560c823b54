"""Ids of offers. The core makes registrator's, unless labels or several names need others.

No two offers of one workload get the same id. In registrator they overwrite each other.
"""

from collections.abc import Iterable, Sequence

import attrs

from syncer import Workload
from syncer.kits.labels import Problems, Setting, quoted


@attrs.frozen(kw_only=True)
class Draft:
    """An offer without its id.

    `rank` is the place of the service among the names of its port, `given` the id that `setting`
    gives.
    """

    service: str
    port: int
    protocol: str
    rank: int
    given: str = ""
    setting: Setting | None = None

    @property
    def left_to_core(self) -> bool:
        """Whether it gets the usual id of its port."""
        return self.rank == 0 and not self.given

    @property
    def ending(self) -> str:
        """The ending that a shared id gets for this port."""
        return f"-{self.port}" if self.protocol == "tcp" else f"-{self.port}-{self.protocol}"


def default_id(workload: Workload, draft: Draft) -> str:
    """Return the id that the core gives to an offer without one."""
    ending = "" if draft.protocol == "tcp" else f":{draft.protocol}"
    return f"{_scope(workload)}:{draft.port}{ending}"


def long_id(workload: Workload, draft: Draft) -> str:
    """Return an id that only one service of one port can have."""
    return f"{_scope(workload)}:{draft.port}:{draft.protocol}:{draft.service}"


def _scope(workload: Workload) -> str:
    return f"{workload.scope}:{workload.name or workload.id}"


def offer_ids(workload: Workload, drafts: Sequence[Draft], problems: Problems) -> list[str]:
    """Return the id for each draft; "" leaves it to the core."""
    reserved = {long_id(workload, draft) for draft in drafts}
    reserved |= {default_id(workload, draft) for draft in drafts if draft.left_to_core}
    shared = _shared(drafts)
    ids = []
    for draft in drafts:
        if draft.left_to_core:
            ids.append("")
            continue
        wanted = _given_id(draft, shared, problems)
        if wanted and wanted in reserved and draft.setting:
            id_ = "the id" if draft.setting.from_env else f"the id {quoted(wanted)}"
            reason = f"{id_} is taken by another service of this workload: not used for"
            problems.add(draft.setting.origin, f"{reason} {draft.service} on port {draft.port}")
            wanted = ""
        if wanted:
            reserved.add(wanted)
        ids.append(wanted or long_id(workload, draft))
    return ids


def _shared(drafts: Iterable[Draft]) -> dict[Setting, int]:
    """Return how many ports each id setting is for, if more than one."""
    ports: dict[Setting, set[tuple[int, str]]] = {}
    for draft in drafts:
        if draft.given and draft.setting:
            ports.setdefault(draft.setting, set()).add((draft.port, draft.protocol))
    return {setting: len(found) for setting, found in ports.items() if len(found) > 1}


def _given_id(draft: Draft, shared: dict[Setting, int], problems: Problems) -> str:
    """Return the id that a setting gives, with what makes it unique among ports and names."""
    if not draft.given or not draft.setting:
        return ""
    given = draft.given
    if draft.setting in shared:
        count = shared[draft.setting]
        problems.add(draft.setting.origin, f"one id for {count} ports: the port is added to each")
        given += draft.ending
    return f"{given}-{draft.service}" if draft.rank else given
