"""Warnings about environment variables that look like settings of syncer, but set nothing."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from syncer.api.errors import SyncerError
from syncer.config.describe import describe_options, describe_settings
from syncer.config.settings import KINDS, KindLookup
from syncer.config.tree import PREFIX

#: Variables that belong to flags of the command line.
FLAGS = ("SYNCER_CONFIG", "SYNCER_SOURCE", "SYNCER_SINK", "SYNCER_LOG_FORMAT")
#: Kubernetes and container links set such variables for a service that is called syncer.
_OF_A_SERVICE = re.compile(r"SYNCER_(.*_)?(SERVICE_HOST|SERVICE_PORT|PORT)(_.*)?")


def unknown_variables(environ: Mapping[str, str], kinds: KindLookup) -> Iterator[str]:
    """Yield a warning for each variable `SYNCER_...` that nothing reads, with the nearest one."""
    found = [
        name
        for name in sorted(environ)
        if name.startswith("SYNCER_") and not name.startswith(PREFIX) and name not in FLAGS
    ]
    if not found:
        return
    read, settable = _known(kinds)
    by_form = {_form(name): name for name in (*settable, *read, *FLAGS)}
    for name in found:
        if name in read or _OF_A_SERVICE.fullmatch(name):
            continue
        close = get_close_matches(_form(name), by_form, n=1, cutoff=0.75)
        hint = f"; did you mean {by_form[close[0]]}?" if close else ""
        yield f"the environment variable {name} sets nothing{hint}"


def _known(kinds: KindLookup) -> tuple[set[str], set[str]]:
    """Return the variables that options name themselves, and those of the form `SYNCER__...`."""
    tables = {place.upper(): infos for place, infos in describe_settings().items()}
    for table, role in KINDS.items():
        for name in kinds.names(role):
            try:
                tables[f"{table}.{name}".upper()] = describe_options(kinds.kind(role, name).options)
            except SyncerError:
                continue  # two plugins offer it, or it is broken: told where it is used
    read = {variable for infos in tables.values() for info in infos for variable in info.env}
    settable = {
        PREFIX + "__".join((*filter(None, place.split(".")), info.name.upper()))
        for place, infos in tables.items()
        for info in infos
    }
    return read, settable


def _form(name: str) -> str:
    return name.removeprefix("SYNCER").strip("_").replace("__", "_")
