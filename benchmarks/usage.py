"""What a process uses, as the system counts it (Linux)."""

import os
from pathlib import Path

import attrs

_TICK = os.sysconf("SC_CLK_TCK")


@attrs.frozen
class Usage:
    """CPU seconds so far; MiB now and at most; threads; sockets."""

    cpu: float
    memory: float
    peak: float
    threads: int
    sockets: int


def usage(pid: int) -> Usage:
    """What this process uses now."""
    folder = Path(f"/proc/{pid}")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    links = [_target(link) for link in (folder / "fd").iterdir()]
    return Usage(
        cpu=(int(fields[11]) + int(fields[12])) / _TICK,
        memory=int(status["VmRSS"].split()[0]) / 1024,
        peak=int(status["VmHWM"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        sockets=sum(target.startswith("socket:") for target in links),
    )


def cpu(pid: int) -> float:
    """CPU seconds that this process has used so far."""
    return usage(pid).cpu


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:  # closed meanwhile
        return ""
