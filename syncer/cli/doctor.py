"""The command `doctor`. Slow imports are inside the functions that need them."""

from typing import TYPE_CHECKING, Any

import click

from syncer.cli.help import Command
from syncer.cli.shared import FAILED, closing, installed, make_engine, shared

if TYPE_CHECKING:
    from syncer.cli.diagnosis import Installed


@click.command(cls=Command, short_help="Diagnose the setup: sockets, permissions, clocks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared("policy", "interval")
def doctor(as_json: bool, **flags: Any) -> int:
    """Diagnose the setup: sockets, permissions, clocks, addresses. Changes nothing.

    Exit code 0 unless a problem is found; warnings do not count.
    """
    from syncer.cli import terminal
    from syncer.cli.diagnosis import diagnosed, failed

    config, engine = make_engine(flags)
    report = diagnosed(config, _installed(), closing(engine, engine.examine))
    found = [(about, one) for about, findings in report.items() for one in findings]
    if as_json:
        rows = [
            {"about": about, "level": one.level.value, "what": one.what, "advice": one.advice}
            for about, one in found
        ]
        terminal.emit({"findings": rows})
    else:
        for about, one in found:
            advice = f"; {one.advice}" if one.advice else ""
            terminal.line(f"{one.level.value:<7}  {about}: {one.what}{advice}")
    return FAILED if failed(report) else 0


def _installed() -> "Installed":
    from importlib.metadata import PackageNotFoundError, version

    from syncer.cli.diagnosis import Installed

    try:
        foreign = version("syncer")  # ours is called syncer-core
    except PackageNotFoundError:
        foreign = ""
    broken = [one.name for one in installed().report() if one.state in ("failed", "conflict")]
    return Installed(foreign=foreign, failed=tuple(broken))
