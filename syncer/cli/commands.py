"""The command line. What takes time to import is imported by the command that needs it."""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from syncer import __version__
from syncer.api.errors import ConfigError, SyncerError
from syncer.api.text import printable
from syncer.cli.daemon.page import LISTEN
from syncer.cli.doctor import doctor
from syncer.cli.drain import drain, undrain
from syncer.cli.registrator import registrator
from syncer.cli.shared import FAILED, closing, has_failed, installed, make_engine, parts_of, shared

if TYPE_CHECKING:
    from syncer.events.logs import Log

#: What `syncer plan` ends with when something would change.
WOULD_CHANGE = 2
#: Seconds between two looks at whether the file of settings has changed.
LOOK = 2.0
#: How seldom Python looks for cycles of garbage while syncer runs: at its usual thresholds each
#: listing of thousands has it look at all that lives, several times. There hardly are any.
COLLECTED = (50_000, 20, 100)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="syncer")
def cli() -> None:
    """Keep service registries equal to what really runs."""


@cli.command()
@shared
@click.option("--once", is_flag=True, help="One cycle, then end.")
@click.option(
    "--web",
    is_flag=False,
    flag_value=LISTEN,
    metavar="[ADDRESS]",
    help=f"Serve the status page, API and metrics, at {LISTEN} or another address.",
)
@click.option(
    "--log-format",
    type=click.Choice(["console", "json"]),
    default="console",
    envvar="SYNCER_LOG_FORMAT",
    show_default=True,
    help="Log lines for people, or one JSON object a line.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log every listing and cycle.")
def run(once: bool, web: str | None, log_format: str, verbose: bool, **given: Any) -> int:
    """Keep the sinks equal to the sources, until stopped.

    SIGHUP, or a change of the configuration file, has it read again and applied without a gap.
    """
    from syncer.events.logs import Log

    gc.set_threshold(*COLLECTED)
    log = Log(sys.stderr, as_json=log_format == "json", verbose=verbose)
    if web:
        given["assignments"] = (f"web.listen={web}", *given["assignments"])
    return _run_once(given, log) if once else _run(given, log)


def _run_once(given: Mapping[str, Any], log: "Log") -> int:
    from syncer.events import Warned

    config, engine = make_engine(given, log.listen)
    log.say("syncer starts", version=__version__, **parts_of(config))
    for warning in config.warnings:
        log.listen(Warned(text=warning))
    return FAILED if has_failed(closing(engine, engine.reconcile)) else 0


def _run(given: Mapping[str, Any], log: "Log") -> int:
    from syncer.cli.daemon.process import Process
    from syncer.cli.daemon.signals import RELOAD, STOP, Requests
    from syncer.cli.daemon.systemd import Notifier

    requests = Requests()
    process = Process(given, log, Notifier(os.environ), lambda: requests.stopping)
    log.say("syncer starts", version=__version__, **parts_of(process.config))
    process.begin()
    while (asked := requests.next(LOOK)) != STOP:
        if asked == RELOAD:
            process.reload()
        else:
            process.look()
    return 0 if process.end() else FAILED


@cli.command()
@shared
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(as_json: bool, **given: Any) -> int:
    """Show what would change, and why things are skipped. Writes nothing.

    Ends with 0 if nothing would change, with 2 if something would.
    """
    from syncer.cli import show, terminal
    from syncer.engine import as_json as forms

    _, engine = make_engine(given)
    plans = closing(engine, engine.plan)
    terminal.emit(forms.plan_json(plans) if as_json else show.plan_lines(plans))
    if plans.errors:
        return FAILED
    return WOULD_CHANGE if any(found.changes for found in plans.values()) else 0


@cli.command()
@shared
@click.option("--expect", default="", metavar="DIGEST", help="Only if the plan is still this one.")
def apply(expect: str, **given: Any) -> int:
    """Run one cycle: make the sinks equal to the sources, once.

    Where another syncer has the sink's lock nothing is written; that is said, and no failure.
    """
    from syncer.cli import show, terminal

    leads: dict[str, bool] = {}
    with terminal.progress() as progress:
        _, engine = make_engine(given, progress, show.leads_into(leads))
        reports = closing(engine, lambda: engine.reconcile(expect))
    for sink, report in reports.items():
        terminal.emit(show.report_lines(sink, report, leads=leads.get(sink, True)))
    terminal.emit(show.error_lines(reports))
    return FAILED if has_failed(reports) else 0


@cli.command()
@shared
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.argument("name", metavar="SERVICE|CONTAINER")
def explain(name: str, as_json: bool, **given: Any) -> int:
    """Tell how something came to be registered, or why not: all that its workloads offer.

    SERVICE|CONTAINER is a service, a container, the beginning of its id, or the id of an entry.
    """
    from syncer.api.text import did_you_mean
    from syncer.cli import show, terminal
    from syncer.engine import as_json as forms

    _, engine = make_engine(given)
    stories, names = closing(engine, lambda: (engine.explain(name), engine.names()))
    if not stories:
        text = f"no source has a workload, a service or an entry {name!r}"
        raise SyncerError(f"{text}{did_you_mean(name, names)}")
    if as_json:
        terminal.emit([forms.story_json(story) for story in stories])
    else:
        terminal.emit(line for story in stories for line in show.story_lines(story))
    return 0


@cli.command()
@shared
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.option("--all", "all_", is_flag=True, help="Those of others too.")
def services(as_json: bool, all_: bool, **given: Any) -> int:
    """List what is registered now, by sink."""
    from syncer.cli import show, terminal
    from syncer.engine import as_json as forms

    config, engine = make_engine(given, need=("sinks",))
    views = closing(engine, engine.registrations)
    shown = {
        name: show.of_owner(view, "" if all_ else config.owner) for name, view in views.items()
    }
    if as_json:
        terminal.emit({name: forms.view_json(view) for name, view in shown.items()})
    else:
        terminal.emit(
            [show.services_table(name, view, config.owner) for name, view in shown.items()]
        )
        terminal.emit(show.error_lines(views))
    return FAILED if views.errors else 0


@cli.command()
@shared
@click.option(
    "--only", "source", default="", metavar="NAME", help="Only what came from this source."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def purge(source: str, yes: bool, **given: Any) -> int:
    """Remove from the sinks all that is ours: of our owner and this host, wanted or not.

    Ends with 1 if nothing came from the source that is named.
    """
    from syncer.cli import show, terminal

    _, engine = make_engine(given)
    found = engine.purgeable(source)
    count = sum(map(len, found.values()))
    if source and not count and not found.errors:
        raise SyncerError(show.nothing_from(source, closing(engine, engine.purgeable)))
    for sink, registrations in found.items():
        for held in registrations:
            terminal.line(f"{sink}: {held.instance.service} {held.instance.endpoint} {held.id}")
    if found.errors:
        terminal.emit(show.error_lines(found))
    if count and not yes:
        click.confirm(f"Remove these {count} registrations?", abort=True)
    reports = closing(engine, lambda: engine.purge(source))
    terminal.line(f"removed {sum(report.applied for report in reports.values())} of {count}")
    return FAILED if has_failed(reports) else 0


cli.add_command(drain)
cli.add_command(undrain)
cli.add_command(registrator)
cli.add_command(doctor)


@cli.command()
@click.option("-v", "--verbose", is_flag=True, help="The options of each kind too.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def plugins(verbose: bool, as_json: bool) -> int:
    """List the installed plugins and the kinds that they offer."""
    from syncer.cli import plugins as inventory
    from syncer.cli import terminal

    found = installed()
    if as_json:
        terminal.emit(inventory.as_json(found))
    else:
        terminal.emit([inventory.plugins_table(found)])
        terminal.emit(inventory.option_tables(found) if verbose else ())
    return FAILED if any(info.state == "failed" for info in found.report()) else 0


@cli.command("check-config")
@shared
def check_config(**given: Any) -> int:
    """Check flags, file and environment, without asking any source or sink."""
    from syncer.cli import terminal

    config, engine = make_engine(given)
    engine.stop()
    for warning in config.warnings:
        terminal.line(f"warning: {warning}")
    parts = parts_of(config)
    terminal.line(
        f"ok: sources {parts['sources']}; sinks {parts['sinks']}; parsers {parts['parsers']}"
    )
    return 0


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for SHELL, to be sourced or saved."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(cli, {}, "syncer", "_SYNCER_COMPLETE").source())
    return 0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script: errors are one line each, and the exit code tells their kind."""
    try:
        code = cli.main(arguments, prog_name="syncer", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        code = ConfigError.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("syncer: stopped", err=True)
        code = 130
    except SyncerError as error:
        for line in str(error).splitlines():
            click.echo(f"syncer: {printable(line)}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)
