"""The bench: one `syncer run` between a host's Docker engine and three registries.

A proxy stands before the engine and before each registry. Whatever is asserted is read past
the proxies.
"""

import time

from servers.faultproxy import FaultProxy
from servers.hosts import SCOPE
from servers.syncer import Syncer
from servers.waiting import holds_for, wait_until

#: Seconds within which everything must be right again after any fault; generous on purpose.
DEADLINE = 90
FAILED = ("failed", "not registered", "not updated", "not deregistered")
#: Seconds for which what must not happen is watched for.
WATCHED = 1.0
# Short deadlines and a short interval, so that a run ends soon: all is public configuration.
TIMES = (
    *("--interval", "5s"),
    *("--set", "sources.docker.timeout=2s"),
    *("--set", "sinks.consul.timeout=2s"),
    *("--set", "sinks.etcd.timeout=2s"),
    *("--set", "sinks.eureka.timeout=2s"),
)


class Bench:
    """Starts syncer on a host with three running containers, and knows what must be."""

    def __init__(self, guard, name, host, views):
        self.host, self.views = host, {view.name: view for view in views}
        self.proxies = {view.name: FaultProxy(view.address) for view in views}
        self.engine = FaultProxy(f"unix://{host.socket}", guard.folder / f"{name}-proxy.sock")
        for view in views:
            view.server.clean()
        self._foreign = {}
        for _ in range(3):
            host.start()
        sinks = [("--sink", view.sink(self.proxies[view.name].address)) for view in views]
        self._command = (
            *("--source", f"docker={self.engine.address}", "--advertise", "127.0.0.1"),
            *("--set", f"sources.docker.scope={SCOPE}"),
            *(word for sink in sinks for word in sink),
            *TIMES,
        )
        self._guard, self._name = guard, name
        self.syncer, self._noted = None, 0
        self.begin_anew()

    def begin_anew(self):
        """Start syncer, or another after it, on a bench without faults."""
        if self.syncer is not None:
            self.syncer.kill()
        self.heal()
        for name in self.views:
            self.foreign_again(name)
        self.syncer = Syncer(self._guard, self._name, *self._command)
        self.syncer.start()
        self.settle()

    def close(self):
        """End syncer and the proxies, and leave the registries empty."""
        self.syncer.kill()
        for proxy in (self.engine, *self.proxies.values()):
            proxy.close()
        for view in self.views.values():
            view.server.clean()

    def note_log(self):
        """From here on the log counts for `never_removed`."""
        self._noted = len(self.syncer.lines())

    # What must be

    def settle(self, names=None, deadline=DEADLINE):
        """Wait until these registries (all, if none is named) hold just what runs.

        Returns the seconds that each of them took.
        """
        names, began, seconds = names or list(self.views), time.monotonic(), {}

        def settled():
            for name in names:
                if self._is_right(name):
                    seconds.setdefault(name, time.monotonic() - began)
                else:
                    seconds.pop(name, None)
            return len(seconds) == len(names)

        wait_until(settled, deadline, f"{names} to hold just {sorted(self.host.ids())}")
        return seconds

    def is_steady(self):
        """Whether all registries hold just what runs, and go on doing so for a second."""
        end = time.monotonic() + WATCHED
        while all(map(self._is_right, self.views)):
            if time.monotonic() > end:
                return True
        return False

    def _is_right(self, name):
        view = self.views[name]
        try:
            return view.ids() == self.host.ids() and not view.twins()
        except OSError:
            return False

    def heal(self):
        """End every fault of the lines, and let the engine and the registries go on."""
        self.host.heal()
        for proxy in (self.engine, *self.proxies.values()):
            proxy.heal()
        for view in self.views.values():
            view.server.thaw()
            if not view.server.running():
                view.server.start()

    def foreign_again(self, name):
        """Write the foreign entry, or write it again after a registry lost all that it held."""
        self.views[name].add_foreign()
        self._foreign[name] = self.views[name].foreign()

    def keeps(self, ids, names=None):
        """Whether these registries hold at least these ids, and the foreign entries unchanged."""
        return all(
            self.views[name].ids() >= ids and self.views[name].foreign() == self._foreign[name]
            for name in names or self.views
        )

    def must_keep(self, ids, names=None):
        """Fail if what runs, or what is not ours, is touched within the next second."""
        holds_for(lambda: self.keeps(ids, names), WATCHED, "what runs, and what is foreign, stays")

    def never_removed(self, ids):
        """Fail if syncer has said since `note_log` that it removed one of these."""
        said = self.syncer.lines()[self._noted :]
        removed = {line["id"] for line in said if line["event"] == "deregistered"}
        assert not removed & ids

    # What happens

    def change(self):
        """A container starts and one stops; returns the ids of those that run all the time."""
        stays = self.host.ids()
        gone = self.host.names[0]
        self.host.start()
        self.host.stop(gone)
        return stays - {self.host.id(gone)}

    def failures(self, name):
        """How often syncer has said that something failed with a source or sink."""
        said = self.syncer.lines()
        return sum(_is_failure(line["event"]) and name in _about(line) for line in said)


def _is_failure(event):
    return event in FAILED or event.endswith(" failed")


def _about(line):
    """The names of the parts that a log line is about."""
    return line.get("sink"), line.get("source"), line.get("of", "").rpartition(" ")[2]
