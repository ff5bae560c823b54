"""The commands `drain` and `undrain`. What takes time to import is imported when it is needed."""

from typing import TYPE_CHECKING, Any, TypeVar

import click

from syncer.api.errors import SyncerError
from syncer.cli.shared import FAILED, closing, has_failed, make_engine, shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncer.engine.engine import Engine
    from syncer.engine.queries import Once
    from syncer.events import CycleFinished

C = TypeVar("C", bound="Callable[..., Any]")


def _named(command: C) -> C:
    """What is to be drained: one name, or everything."""
    everything = click.option("--all", "all_", is_flag=True, help="All that is ours.")
    name = click.argument("name", metavar="[SERVICE|CONTAINER]", required=False)
    return name(everything(command))


@click.command()
@shared
@_named
@click.option("--force", is_flag=True, help="Even the last instance of a service that is up.")
def drain(name: str | None, all_: bool, force: bool, **given: Any) -> int:
    """Take instances out of use, though they run on, until `undrain` or their container is gone.

    SERVICE|CONTAINER is a service, a container, the beginning of its id, or the id of an entry.
    Ends with 1 if something of it could not be drained.
    """
    target = _target(name, all_)
    _, engine = make_engine(given)
    reports = closing(engine, lambda: _known(engine, engine.drain(target, force=force), target))
    return _told(reports, "drained")


@click.command()
@shared
@_named
def undrain(name: str | None, all_: bool, **given: Any) -> int:
    """End what `drain` began: the entries show how the containers are, again."""
    target = _target(name, all_)
    _, engine = make_engine(given)
    reports = closing(engine, lambda: _known(engine, engine.undrain(target), target))
    return _told(reports, "undrained")


def _target(name: str | None, all_: bool) -> str:
    """The name given; "" for all. An empty name, from a variable that is not set, is no name."""
    if bool(name) == all_:
        raise click.UsageError("give either a service or container, or --all")
    return name or ""


def _known(engine: "Engine", reports: "Once[CycleFinished]", name: str) -> "Once[CycleFinished]":
    """The reports, if anything there has this name, or could have."""
    if name and not reports.errors and not any(report.plan.ours for report in reports.values()):
        from syncer.api.text import did_you_mean

        hint = did_you_mean(name, engine.names())
        raise SyncerError(f"nothing of ours is registered as {name!r}{hint}")
    return reports


def _told(reports: "Once[CycleFinished]", done: str) -> int:
    """Print what became of each registration; returns the exit code."""
    from syncer.api.changes import Register
    from syncer.cli import show, terminal

    held_back = False
    for sink, report in reports.items():
        if not report.plan.ours:
            terminal.line(f"{sink}: nothing of it is registered there, so nothing is {done}")
            continue
        terminal.line(f"{sink}: {report.applied} {done}, {report.plan.unchanged} were so already")
        for change in report.plan.changes:
            if change.id not in report.failed and not isinstance(change, Register):
                terminal.line(f"  {show.place(change.old)}")
        for id_, error in report.failed.items():
            terminal.line(f"  not {done} {id_}: {error}")
        for skip in report.plan.skipped:
            terminal.line(f"  not {done} {skip.id}: {skip.kind}: {skip.reason}")
            held_back = True
    terminal.emit(show.error_lines(reports))
    return FAILED if has_failed(reports) or held_back else 0
