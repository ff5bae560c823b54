"""Prometheus' own discovery of Consul, in a small program.

It is built from the Go project in `prometheus_discovery/` beside this file; see `install.sh`.
"""

import json
import re
from pathlib import Path

from servers.process import Server

PROJECT = Path(__file__).with_name("prometheus_discovery")
PROGRAM = PROJECT / "target" / "prometheus_discovery"


def missing():
    """Why it cannot be started here, in words; empty if it can."""
    how = "(tests/servers/install.sh builds it)"
    return "" if PROGRAM.exists() else f"not built: {PROGRAM.name} {how}"


def version():
    """The version of Prometheus, as a Go module."""
    found = re.search(r"prometheus/prometheus v(\S+)", (PROJECT / "go.mod").read_text())
    return found.group(1)


class Discovery:
    """What Prometheus knows of one Consul's services."""

    def __init__(self, guard, name, address):
        self._server = Server(guard, name, [PROGRAM, address])

    def start(self):
        """Start it, and wait until it has found Consul itself."""
        self._server.start(lambda: self._found().get("consul"))
        return self

    def kill(self):
        """End it."""
        self._server.kill()

    def targets(self):
        """The labels of all targets, by address."""
        return {one["__address__"]: one for some in self._found().values() for one in some}

    def _found(self):
        """The last that was said of each service."""
        whole = self._server.log.read_text().rpartition("\n")[0].splitlines()
        said = [json.loads(line) for line in whole if line.startswith("{")]
        return {one["source"]: one["targets"] for one in said}
