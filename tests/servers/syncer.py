"""syncer itself as a process of its own, as a user runs it."""

import json
import os
import subprocess
import sys

from servers import secrets
from servers.real import RealServer
from servers.waiting import wait_until

COMMAND = [sys.executable, "-m", "syncer"]


def command(*arguments, env=None, deadline=60):
    """Run one command of syncer to its end; the result has `returncode`, `stdout`, `stderr`."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=_environment(env),
        capture_output=True,
        text=True,
        timeout=deadline,
        check=False,
    )
    secrets.search(done.stdout + done.stderr, f"syncer {arguments[0]}")
    return done


def _environment(env):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CONSUL_", "DOCKER_"))}
    return kept | (env or {})


class Syncer(RealServer):
    """`syncer run` with JSON logs, which tests read as a person would.

    `command` is another command that runs until it is stopped.
    """

    start_deadline = 120

    def __init__(self, guard, name, *arguments, env=None, command=("run", "--log-format", "json")):
        super().__init__(guard, name)
        self._command = [*COMMAND, *command, *map(str, arguments)]
        self.env = {"PYTHONUNBUFFERED": "1"} | (env or {})
        secrets.watch(self.process.log, name)

    def _argv(self):
        return self._command

    def _ready(self):
        return self.said("syncer starts")

    def signal(self, number):
        """Send it a signal."""
        self.process.signal(number)

    def tail(self):
        """The last lines of its log."""
        return self.process.tail(100)

    def lines(self):
        """All log lines so far; a line that is being written is left out."""
        if not self.process.log.exists():
            return []
        whole = self.process.log.read_text().rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in whole if line.startswith("{")]

    def said(self, event, **fields):
        """The log lines of this event whose fields have these values."""
        return [
            line
            for line in self.lines()
            if line["event"] == event and fields.items() <= line.items()
        ]

    def wait_said(self, event, deadline=30, count=1, **fields):
        """Wait until it has said this so many times; returns these lines."""
        wait_until(
            lambda: len(self.said(event, **fields)) >= count,
            deadline,
            f"syncer to say {event!r} {fields}; its log ends:\n{self.process.tail()}",
        )
        return self.said(event, **fields)
