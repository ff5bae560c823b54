"""The commands `drain` and `undrain`. Slow imports are inside the functions that need them."""

from typing import TYPE_CHECKING, Any

import click

from syncer.api.errors import SyncerError
from syncer.api.text import did_you_mean
from syncer.cli.help import Command
from syncer.cli.shared import FAILED, F, closing, has_failed, make_engine, names, shared

if TYPE_CHECKING:
    from syncer.engine.engine import Engine
    from syncer.engine.queries import Once
    from syncer.events import CycleFinished


def _named(command: F) -> F:
    """Add the argument and the flag that say what to drain: one name, or everything."""
    everything = click.option(
        "--all", "all_", is_flag=True, help="Every entry that this syncer manages."
    )
    name = click.argument(
        "name", metavar="[SERVICE|CONTAINER]", required=False, shell_complete=names
    )
    return name(everything(command))


@click.command(cls=Command, short_help="Take running instances out of service.")
@_named
@click.option("--force", is_flag=True, help="Also drain the last instance of a service that is up.")
@shared("policy", "interval")
def drain(name: str | None, all_: bool, force: bool, **flags: Any) -> int:
    """Take running instances out of service until `undrain`, or until their container is gone.

    SERVICE|CONTAINER is a service name, a container name, the beginning of a container id, or an
    entry id. Exit code 1 if an instance could not be drained.
    """
    target = _target(name, all_)
    _, engine = make_engine(flags)
    reports = closing(engine, lambda: _known(engine, engine.drain(target, force=force), target))
    return _print_reports(reports, "drained")


@click.command(cls=Command, short_help="Put drained instances back into service.")
@_named
@shared("policy", "interval")
def undrain(name: str | None, all_: bool, **flags: Any) -> int:
    """Undo `drain`: put instances back into service."""
    target = _target(name, all_)
    _, engine = make_engine(flags)
    reports = closing(engine, lambda: _known(engine, engine.undrain(target), target))
    return _print_reports(reports, "undrained")


def _target(name: str | None, all_: bool) -> str:
    """Return the name; "" for all. An empty name, from an unset variable, counts as not given."""
    if bool(name) == all_:
        raise click.UsageError("give a service or container, or --all")
    return name or ""


def _known(engine: "Engine", reports: "Once[CycleFinished]", name: str) -> "Once[CycleFinished]":
    """Return the reports, or raise SyncerError if nothing has this name."""
    if name and not reports.errors and not any(report.plan.asked for report in reports.values()):
        for one in engine.left_out():
            named = one.workload == name or (len(name) > 3 and one.id.startswith(name))
            if named and one.missing:
                raise SyncerError(f"{one.workload} is not registered: {one.text}")
        known = engine.names()
        if name in known:
            raise SyncerError(f"{name} is not registered: `syncer explain {name}` says more")
        raise SyncerError(f"no entry of this syncer matches {name!r}{did_you_mean(name, known)}")
    return reports


def _print_reports(reports: "Once[CycleFinished]", done: str) -> int:
    """Print the outcome for each entry, and return the exit code."""
    from syncer.api.changes import Register, SkipKind
    from syncer.cli import entries, show, terminal

    held_back = last = False
    for sink, report in reports.items():
        if not report.plan.asked:
            terminal.line(f"{sink}: no matching entry, nothing {done}")
            continue
        already = f"{report.plan.unchanged} already {done}" if report.plan.unchanged else ""
        made = f"{report.applied} {done}" if report.applied or not already else ""
        terminal.line(f"{sink}: {', '.join(filter(None, (made, already)))}")
        for change in report.plan.changes:
            if change.id not in report.failed and not isinstance(change, Register):
                terminal.line(f"  {entries.place(change.old)}")
        for id_, error in report.failed.items():
            terminal.line(f"  not {done} {id_}: {error}")
        for skip in report.plan.skipped:
            terminal.line(f"  not {done} {skip.id}: {skip.kind}: {skip.reason}")
            held_back, last = True, last or skip.kind is SkipKind.LAST
    if last:
        terminal.line("--force drains the last instance of a service too")
    terminal.emit(show.error_lines(reports))
    return FAILED if has_failed(reports) or held_back else 0
