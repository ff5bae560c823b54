"""A minute's tour of syncer: `make demo`, or demo.py SYNCER [--pause SECONDS].

Starts three small services, a Consul of its own (without `consul` a file is the registry) and
syncer with its status page; shows a registration, a repair, a drain and its end; removes all of it.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

#: Without this machine's own settings of syncer and Consul, whose registry is not to be touched.
ENV = {k: v for k, v in os.environ.items() if not k.startswith(("SYNCER_", "CONSUL_"))}
DEADLINE = 60


class File:
    """The registry where there is no Consul: a JSON file that people could edit, too."""

    def __init__(self, folder):
        self.path = folder / "registry.json"
        self.sink, self.name = f"file={self.path}", f"the file {self.path}"

    def ids(self):
        """Return the services by id."""
        entries = json.loads(self.path.read_text())["registrations"] if self.path.exists() else ()
        return {entry["id"]: entry["service"] for entry in entries}

    def delete(self, id_):
        """Delete an entry, past syncer."""
        content = json.loads(self.path.read_text())
        left = [entry for entry in content["registrations"] if entry["id"] != id_]
        self.path.write_text(json.dumps(content | {"registrations": left}))


class Consul:
    """A development agent of its own, on free ports."""

    def __init__(self, programs):
        kinds = ("http", "server", "serf_lan", "serf_wan")
        ports = dict(zip(kinds, free_ports(len(kinds)), strict=True))
        more = json.dumps({"ports": ports | {"dns": -1, "grpc": -1}})
        command = ["consul", "agent", "-dev", "-bind", "127.0.0.1", "-hcl", more]
        self._process = start(programs, command)
        self._url = f"http://127.0.0.1:{ports['http']}"
        self.sink, self.name = f"consul={self._url}", f"Consul at {self._url}/"

    def answers(self):
        """Wait until it has a leader. False if it ends before, for example of another version."""
        while self._process.poll() is None:
            with contextlib.suppress(OSError):
                if len(self._ask("GET", "status/leader")) > 2:
                    return True
            time.sleep(0.2)
        return False

    def ids(self):
        """Return the services by id."""
        found = json.loads(self._ask("GET", "agent/services"))
        return {id_: service["Service"] for id_, service in found.items()}

    def delete(self, id_):
        """Delete an entry, past syncer."""
        self._ask("PUT", f"agent/service/deregister/{id_}")

    def _ask(self, method, path):
        request = urllib.request.Request(f"{self._url}/v1/{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()


def free_ports(count):
    """Return free ports of the loopback address."""
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in made:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in made]


def start(programs, command, **more):
    """Start a program that ends with the demo."""
    process = subprocess.Popen(command, env=ENV, stdout=subprocess.DEVNULL, **more)
    programs.callback(end, process)
    return process


def end(process):
    """End a program, and wait until it is gone."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(true, what):
    """Wait until something has come true."""
    until = time.monotonic() + DEADLINE
    while not true():
        if time.monotonic() > until:
            raise SystemExit(f"demo: {what}: not within {DEADLINE} s")
        time.sleep(0.2)


def services(programs, folder):
    """Start three web servers, and return the file that names them."""
    path, ports = folder / "services.toml", free_ports(3)
    tables = []
    for name, id_, port in zip(
        ("web", "web", "api"), ("web-1", "web-2", "api-1"), ports, strict=True
    ):
        server = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
        start(programs, server, cwd=folder, stderr=subprocess.DEVNULL)
        check = '[{ kind = "tcp", interval = 1 }]'
        tables.append(
            f'[[services]]\nname = "{name}"\nid = "{id_}"\naddress = "127.0.0.1"\n'
            f"port = {port}\nchecks = {check}\n"
        )
    path.write_text("\n".join(tables))
    return path


class Tour:
    """The commands, with what they need to find source and sink."""

    def __init__(self, syncer, source, registry, pause):
        self._syncer, self._pause = syncer, pause
        self.parts = ["--source", f"file={source}", "--sink", registry.sink]

    def say(self, text):
        """Print what comes next, and leave time to read it."""
        print(f"\n>>> {text}", flush=True)
        time.sleep(self._pause)

    def run(self, name, *arguments):
        """Run a command of syncer, and show it."""
        print(f"$ syncer {' '.join((name, *arguments))} ...", flush=True)
        subprocess.run([self._syncer, name, *arguments, *self.parts], env=ENV, check=True)
        time.sleep(self._pause)


def tour(syncer, pause, folder, programs):
    """Show all of it."""
    registry = File(folder)
    with contextlib.suppress(FileNotFoundError):
        agent = Consul(programs)
        registry = agent if agent.answers() else registry
    (port,) = free_ports(1)
    page = f"127.0.0.1:{port}"
    show = Tour(syncer, services(programs, folder), registry, pause)
    print(f"Registry: {registry.name}\nStatus page: http://{page}/ (open it in a browser)")

    show.say("Three services run on this machine. syncer starts, and registers them.")
    running = [syncer, "run", *show.parts, "--interval", "2s", "--web", page]
    start(programs, running, stderr=subprocess.DEVNULL)
    wait_until(lambda: sorted(registry.ids().values()) == ["api", "web", "web"], "registered")
    show.run("services")

    api = next(id_ for id_, name in registry.ids().items() if name == "api")
    show.say(f"Somebody deletes the entry {api} from the registry. syncer repairs it.")
    registry.delete(api)
    wait_until(lambda: api in registry.ids(), "repaired")
    show.run("services")

    show.say("One instance of web is drained: it runs on, and the registry says not to use it.")
    web = next(id_ for id_, name in sorted(registry.ids().items()) if name == "web")
    show.run("drain", web)
    show.run("services")

    show.say("The drain ends: the instance is back in service.")
    show.run("undrain", web)
    show.run("services")
    show.say("That was all. What the demo started is ended now, and removed.")


def main():
    """Run the demo; Ctrl-C and a signal to end are no errors, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("syncer")
    parser.add_argument("--pause", type=float, default=3, help="seconds to read each sentence")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as programs:
        try:
            tour(given.syncer, given.pause, Path(folder), programs)
        except KeyboardInterrupt:
            print("\nStopped.")


if __name__ == "__main__":
    main()
