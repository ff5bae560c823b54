"""Ids of offers. The core makes registrator's, unless labels or several names need others.

No two offers of one workload get the same id. In registrator they overwrite each other.
"""

from collections.abc import Sequence

import attrs

from syncer import Workload
from syncer.kits.labels import Problems, Setting, quoted
from syncer_registrator.labels.ports import UsablePort


@attrs.frozen
class Draft:
    """An offer without its id. `rank` is the place of the service among the names of its port."""

    service: str
    rank: int
    port: UsablePort
    because: str

    @property
    def left_to_core(self) -> bool:
        """Whether it gets the usual id of its port."""
        return self.rank == 0 and not self.port.settings.id


def offer_ids(workload: Workload, drafts: Sequence[Draft], problems: Problems) -> list[str]:
    """Return the id for each draft; "" leaves it to the core."""
    start = f"{workload.scope}:{workload.name or workload.id}"
    long_ids = [f"{start}:{d.port.number}:{d.port.protocol}:{d.service}" for d in drafts]
    taken = set(long_ids) | {_default_id(start, draft) for draft in drafts if draft.left_to_core}
    ports: dict[Setting, set[tuple[int, str]]] = {}
    for draft in drafts:
        if setting := draft.port.settings.id_setting:
            ports.setdefault(setting, set()).add((draft.port.number, draft.port.protocol))
    ids = []
    for draft, long_id in zip(drafts, long_ids, strict=True):
        wanted, setting = "", draft.port.settings.id_setting
        if setting and draft.port.settings.id:
            wanted = _given_id(draft, setting, len(ports[setting]), problems)
            if wanted in taken:
                id_ = "the id" if setting.from_env else f"the id {quoted(wanted)}"
                reason = f"{id_} is taken by another service of this workload: not used for"
                where = f"{draft.service} on port {draft.port.number}"
                problems.add(setting.origin, f"{reason} {where}")
                wanted = ""
            taken.add(wanted)
        ids.append("" if draft.left_to_core else wanted or long_id)
    return ids


def _default_id(start: str, draft: Draft) -> str:
    """Return the id that the core gives to an offer without one."""
    ending = "" if draft.port.protocol == "tcp" else f":{draft.port.protocol}"
    return f"{start}:{draft.port.number}{ending}"


def _given_id(draft: Draft, setting: Setting, ports: int, problems: Problems) -> str:
    """Return the id that a setting gives, with what makes it unique among ports and names."""
    given, port = draft.port.settings.id, draft.port
    if ports > 1:
        problems.add(setting.origin, f"one id for {ports} ports: the port is added to each")
        given += f"-{port.number}" if port.protocol == "tcp" else f"-{port.number}-{port.protocol}"
    return f"{given}-{draft.service}" if draft.rank else given
