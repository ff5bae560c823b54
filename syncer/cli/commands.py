"""The command line. Slow imports are left to the command that needs them."""

import gc
import io
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from syncer import __version__
from syncer.api.errors import SyncerError
from syncer.api.text import did_you_mean, printable, shown_addresses
from syncer.cli import foreign
from syncer.cli.daemon.page import LISTEN
from syncer.cli.doctor import doctor
from syncer.cli.drain import drain, undrain
from syncer.cli.hints import SETTINGS, Commands, hint_of
from syncer.cli.init import init
from syncer.cli.registrator import registrator
from syncer.cli.shared import (
    FAILED,
    closing,
    has_failed,
    installed,
    make_engine,
    names,
    parts_of,
    say_start,
    shared,
)
from syncer.cli.status import status

if TYPE_CHECKING:
    from syncer.events.logs import Log

#: Exit code of `syncer plan --exit-code` if something would change.
WOULD_CHANGE = 2
#: Exit code if a person stops a command.
ABORTED = 130
#: Seconds between two listings of `services --watch`.
WATCH = 2.0
#: Seconds between two checks whether the configuration file has changed.
CHECK_FILES = 2.0
#: Thresholds of the garbage collector while syncer runs. With Python's defaults each listing of
#: thousands of entries makes it scan all objects several times, though there are hardly any cycles.
GC_THRESHOLDS = (50_000, 20, 100)


@click.group(cls=Commands, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="syncer")
def cli() -> None:
    """Keep service registries in sync with what actually runs."""


@cli.command(short_help="Keep the sinks in sync with the sources until stopped.")
@click.option("--once", is_flag=True, help="Run one cycle, then exit.")
@click.option(
    "--web",
    is_flag=False,
    flag_value=LISTEN,
    metavar="[ADDRESS]",
    help=f"Serve the status page, API and metrics. [default address: {LISTEN}]",
)
@click.option(
    "--log-format",
    type=click.Choice(["console", "json", "journald"]),
    envvar="SYNCER_LOG_FORMAT",
    show_default="journald under systemd, else console",
    help="Log format: text, one JSON object per line, or text with the journal's priorities.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also log every listing and cycle.")
@shared()
def run(once: bool, web: str | None, log_format: str | None, verbose: bool, **flags: Any) -> int:
    """Keep the sinks in sync with the sources until stopped.

    The configuration is reloaded on SIGHUP and when its file changes; nothing is unregistered
    meanwhile.
    """
    from syncer.events.logs import Log, form_for

    gc.set_threshold(*GC_THRESHOLDS)
    form = form_for(log_format, sys.stderr, os.environ)
    log = Log(sys.stderr, form=form, verbose=verbose)
    foreign.listen(log.foreign)
    flags["web"] = web
    return _run_once(flags, log) if once else _run(flags, log)


def _run_once(flags: Mapping[str, Any], log: "Log") -> int:
    from syncer.events import Warned

    config, engine = make_engine(flags, log.listen)
    say_start(log, config)
    for warning in config.warnings:
        log.listen(Warned(text=warning))
    return FAILED if has_failed(closing(engine, engine.reconcile)) else 0


def _run(flags: Mapping[str, Any], log: "Log") -> int:
    from syncer.cli.daemon.process import Process
    from syncer.cli.daemon.signals import RELOAD, STOP, Requests
    from syncer.cli.daemon.systemd import Notifier

    requests = Requests()
    process = Process(flags, log, Notifier(os.environ), lambda: requests.stopping)
    say_start(log, process.config)
    process.begin()
    while (asked := requests.next(CHECK_FILES)) != STOP:
        if asked == RELOAD:
            process.reload()
        else:
            process.look()
    return 0 if process.end() else FAILED


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--exit-code", "tell", is_flag=True, help="Exit with 2 if something would change.")
@shared("interval")
def plan(as_json: bool, tell: bool, **flags: Any) -> int:
    """Show what would change, and what is skipped and why. Changes nothing.

    Exit code 1 if a source or sink gave no answer, or the answer about a workload is unknown.
    """
    from syncer.cli import show, terminal
    from syncer.engine.as_json import plan_json

    _, engine = make_engine(flags)
    plans = closing(engine, engine.plan)
    terminal.emit(plan_json(plans) if as_json else show.plan_lines(plans))
    if plans.errors or plans.partial:
        return FAILED
    changes = any(found.changes for found in plans.values())
    return WOULD_CHANGE if tell and changes else 0


@cli.command()
@click.option(
    "--expect", default="", metavar="DIGEST", help="Apply only if the plan still has this digest."
)
@shared("interval")
def apply(expect: str, **flags: Any) -> int:
    """Bring the sinks in sync with the sources, once.

    A sink whose lock another syncer holds is left to that one; this is not a failure.
    """
    from syncer.cli import show, terminal

    leads: dict[str, bool] = {}
    with terminal.progress() as progress:
        _, engine = make_engine(flags, progress, show.leads_into(leads))
        reports = closing(engine, lambda: engine.reconcile(expect))
    terminal.emit(show.report_lines(reports, leads))
    return FAILED if has_failed(reports) else 0


@cli.command(short_help="Explain why something is or is not registered.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("name", metavar="SERVICE|CONTAINER", shell_complete=names)
@shared("policy", "interval")
def explain(name: str, as_json: bool, **flags: Any) -> int:
    """Explain why a service, container or entry is or is not registered.

    SERVICE|CONTAINER is a service name, a container name, the beginning of a container id, or an
    entry id.
    """
    from syncer.cli import show, terminal
    from syncer.engine.as_json import story_json

    _, engine = make_engine(flags)
    stories, names = closing(engine, lambda: (engine.explain(name), engine.names()))
    if not stories:
        text = f"no workload, service or entry {name!r} in any source"
        raise SyncerError(f"{text}{did_you_mean(name, names)}")
    if as_json:
        terminal.emit([story_json(story) for story in stories])
    else:
        terminal.emit(line for story in stories for line in show.story_lines(story))
    return 0


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--all", "all_", is_flag=True, help="Include entries of other owners.")
@click.option("--watch", is_flag=True, help=f"List again every {WATCH:g} s, until Ctrl-C.")
@shared("sources", "internal", "advertise", "include", "exclude", "policy", "interval")
def services(as_json: bool, all_: bool, watch: bool, **flags: Any) -> int:
    """List the registered entries of each sink."""
    from syncer.cli import entries, show, terminal
    from syncer.engine.as_json import view_json

    config, engine = make_engine(flags, need=("sinks",))
    owner, lags = "" if all_ else config.owner, engine.lags()

    def print_entries() -> int:
        views = engine.registrations()
        shown = {name: entries.of_owner(view, owner) for name, view in views.items()}
        if as_json:
            terminal.emit({name: view_json(view) for name, view in shown.items()})
            return FAILED if views.errors else 0
        if watch:
            click.clear()
        terminal.emit(show.error_lines(views))
        for name, view in shown.items():
            terminal.emit(entries.services_lines(name, view, owner, lags[name]))
        return FAILED if views.errors else 0

    def print_again() -> int:
        while watch:
            print_entries()
            time.sleep(WATCH)
        return print_entries()

    return closing(engine, print_again)


@cli.command(short_help="Remove every entry this syncer made.")
@click.option(
    "--only", "source", default="", metavar="NAME", help="Remove only entries from this source."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@shared("internal", "advertise", "include", "exclude", "policy", "interval")
def purge(source: str, yes: bool, **flags: Any) -> int:
    """Remove every entry this syncer made for this host, including those still in use.

    This includes entries from sources that are not configured now; --only limits it to one source.
    Asks before it removes anything. Exit code 1 if there is no entry from the source of --only.
    """
    from syncer.cli import show, terminal

    config, engine = make_engine(flags)
    found = engine.purgeable(source)
    count = sum(map(len, found.values()))
    if source and not count and not found.errors:
        raise SyncerError(show.nothing_from(source, closing(engine, engine.purgeable)))
    for sink, registrations in found.items():
        for held in registrations:
            terminal.line(f"{sink}: {held.instance.service} {held.instance.endpoint} {held.id}")
    if found.errors:
        terminal.emit(show.error_lines(found))
    if not count:
        if not found.errors:
            terminal.line("nothing to remove: this syncer has no entries")
        return FAILED if found.errors else 0
    others = {} if source else show.not_configured(found, config.sources)
    for name, number in others.items():
        terminal.line(f"{number} of them came from source {name}, which is not configured now")
    what = "this entry" if count == 1 else f"these {count} entries"
    try:
        agreed, hint = yes or click.confirm(f"Remove {what}?"), ""
    except click.Abort:
        agreed, hint = False, " In scripts, --yes removes without asking."
    if not agreed:
        click.echo(f"Aborted; nothing was removed.{hint}", err=True)
        return ABORTED
    reports = closing(engine, lambda: engine.purge(source))
    terminal.line(f"removed {sum(report.applied for report in reports.values())} of {count}")
    return FAILED if has_failed(reports) else 0


cli.add_command(drain)
cli.add_command(undrain)
cli.add_command(registrator)
cli.add_command(doctor)
cli.add_command(init)
cli.add_command(status)


@cli.command(short_help="List the installed plugins and the kinds they offer.")
@click.argument("kind", default="")
@click.option("-v", "--verbose", is_flag=True, help="Also list the options of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(kind: str, verbose: bool, as_json: bool) -> int:
    """List the installed plugins and the kinds they offer, or the options of one KIND."""
    from syncer.cli import plugins as inventory
    from syncer.cli import terminal

    found = installed()
    if as_json:
        terminal.emit(inventory.as_json(found))
    elif kind:
        terminal.emit(inventory.one_kind(found, kind))
    else:
        terminal.emit([inventory.plugins_table(found)])
        terminal.emit(inventory.option_lines(found) if verbose else ())
    return FAILED if any(info.state == "failed" for info in found.report()) else 0


@cli.command("check-config")
@shared()
def check_config(**flags: Any) -> int:
    """Validate flags, file and environment. Contacts no source and no sink."""
    from syncer.cli import terminal

    config, engine = make_engine(flags)
    engine.stop()
    for warning in config.warnings:
        terminal.line(f"warning: {warning}")
    parts = "; ".join(f"{table} {','.join(names)}" for table, names in parts_of(config).items())
    terminal.line(f"ok: {parts}")
    return 0


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for SHELL, to source or save."""
    from click.shell_completion import get_completion_class

    made: Any = get_completion_class(shell)
    click.echo(made(cli, {}, "syncer", "_SYNCER_COMPLETE").source())
    return 0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the console script. Each error is one line, and the exit code tells its kind."""
    foreign.listen(foreign.to_stderr)
    try:
        code = cli.main(arguments, prog_name="syncer", standalone_mode=False)
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        click.echo(f"{shown_addresses(said.getvalue())}{hint_of(error)}", err=True, nl=False)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("syncer: aborted", err=True)
        code = ABORTED
    except SyncerError as error:
        for line in str(error).splitlines():
            click.echo(f"syncer: {printable(line)}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)
