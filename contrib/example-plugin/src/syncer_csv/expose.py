"""A label dialect: `expose=web:8080` offers the service `web` at the container's port 8080.

`expose.tags=blue,fast` gives it tags, and `expose=no` keeps the container out of every registry.
"""

from collections.abc import Callable
from typing import Literal

import attrs

import syncer
from syncer.kits.labels import BadValue, Problems, Setting, Settings, values


@attrs.frozen(kw_only=True)
class ExposeOptions:
    """The options of the label parser `expose`."""

    label: str = syncer.option("expose", help="Name of the label")


Parse = Callable[[syncer.Workload, syncer.Reachable], syncer.Parsed]


def create(options: ExposeOptions) -> Parse:
    """Return the function that reads workloads with these options."""
    return lambda workload, reachable: _parse(workload, options.label)


def _parse(workload: syncer.Workload, label: str) -> syncer.Parsed:
    problems = Problems()
    by_key = {
        name.removeprefix(label).removeprefix("."): Setting(name, value)
        for name, value in sorted(workload.labels.items())
        if name == label or name.startswith(f"{label}.")
    }
    settings = Settings(label, by_key, problems)
    settings.report_unknown(("", "tags"))
    exposed = settings.get("", _exposed)
    if exposed is False:
        return syncer.Parsed(problems=problems.texts(), ignored=f"label {label}")
    if exposed is None:
        # Not given, or given wrongly, which is a problem and no wish: the next dialect is asked.
        return syncer.Parsed(problems=problems.texts())
    service, port = exposed
    offer = syncer.Offer(
        service=service,
        port=port,
        tags=settings.get("tags", _tags) or (),
        because=f"label {label}",
    )
    return syncer.Parsed([offer], problems.texts())


def _exposed(value: str) -> tuple[str, int] | Literal[False]:
    """Read `web:8080`, or `no` as False. A `ValueError` becomes a problem that names the label."""
    if value.strip() == "no":
        return False
    service, colon, port = values.name(value).rpartition(":")
    if not (colon and service):
        raise BadValue("NAME:PORT or no", value)
    return service, values.limited(syncer.Offer, "port", values.whole)(port)


def _tags(value: str) -> tuple[str, ...]:
    return values.split_list(values.text(value))
