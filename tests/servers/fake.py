"""Starts `fakedocker.py`, the synthetic Docker API, and drives it."""

import json
import sys
from pathlib import Path

from servers.process import Server
from servers.unix import ask


class FakeDocker:
    """A made-up Docker engine on a unix socket, with as many containers as wished.

    `options` are those of `fakedocker.py`: containers, ports, prefix, host_port, network,
    latency, and labels (a list of label sets).
    """

    def __init__(self, guard, name, **options):
        self.socket = guard.folder / f"{name}.sock"
        self.address = f"unix://{self.socket}"
        if "labels" in options:
            labels = guard.folder / f"{name}-labels.json"
            labels.write_text(json.dumps(options["labels"]))
            options["labels"] = labels
        argv = [sys.executable, Path(__file__).with_name("fakedocker.py")]
        argv += ["--listen", f"unix:{self.socket}"]
        for option, value in options.items():
            argv += [f"--{option.replace('_', '-')}", str(value)]
        self._server = Server(guard, name, argv)

    def start(self):
        """Start it and wait until it answers."""
        self._server.start(lambda: self.control("stats"))

    def stop(self):
        """End it."""
        self._server.kill()
        self.socket.unlink(missing_ok=True)

    def freeze(self):
        """Keep it from answering, with its connections open."""
        self._server.freeze()

    def thaw(self):
        """Let it go on."""
        self._server.thaw()

    def control(self, action, **body):
        """Use the control interface (see `fakedocker.py`): add, die, start, rm, fault, ..."""
        method = "GET" if action == "stats" else "POST"
        status, answer = ask(self.socket, method, f"/_control/{action}", json.dumps(body))
        assert status == 200, f"{action}: {answer}"
        return json.loads(answer)
