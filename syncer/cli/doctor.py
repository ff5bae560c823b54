"""The command `doctor`. Slow imports are inside the functions that need them."""

from typing import TYPE_CHECKING, Any

import click

from syncer.cli.shared import FAILED, closing, installed, make_engine, shared

if TYPE_CHECKING:
    from syncer.cli.diagnosis import Installed, Report
    from syncer.plugin.manager import Plugins


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared
def doctor(as_json: bool, **flags: Any) -> int:
    """Diagnose the setup: sockets, permissions, clocks, addresses. Changes nothing.

    Exit code 0 unless a problem is found; warnings do not count.
    """
    from syncer.cli import terminal
    from syncer.cli.diagnosis import diagnosed, failed

    config, engine = make_engine(flags)
    report = diagnosed(config, _installed(installed()), closing(engine, engine.examine))
    if as_json:
        terminal.emit(_as_json(report))
    else:
        for line in _lines(report):
            terminal.line(line)
    return FAILED if failed(report) else 0


def _lines(report: "Report") -> list[str]:
    return [
        f"{one.level.value:<7}  {what}: {one.what}{'; ' if one.advice else ''}{one.advice}"
        for what, findings in report.items()
        for one in findings
    ]


def _as_json(report: "Report") -> dict[str, Any]:
    return {
        "findings": [
            {"about": what, "level": one.level.value, "what": one.what, "advice": one.advice}
            for what, findings in report.items()
            for one in findings
        ]
    }


def _installed(plugins: "Plugins") -> "Installed":
    from importlib.metadata import PackageNotFoundError, version

    from syncer.cli.diagnosis import Installed

    try:
        foreign = version("syncer")  # ours is called syncer-core
    except PackageNotFoundError:
        foreign = ""
    broken = [info.name for info in plugins.report() if info.state in ("failed", "conflict")]
    return Installed(foreign=foreign, failed=tuple(broken))
