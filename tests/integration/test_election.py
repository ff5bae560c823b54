"""Two syncers for one source: one writes, and the other takes over, on real registries."""

import pytest

from servers.syncer import command
from servers.waiting import holds_for, wait_until

#: Consul ends a session after twice its length (10 s) at the latest.
TAKEOVER = 60


class Shared:
    """A file that two syncers read, and the registry that both keep equal to it."""

    def __init__(self, folder, start_syncer, sink, *settings):
        self._file = folder / "services.toml"
        self._start, self._flags = start_syncer, ("--sink", sink, *settings)

    def want(self, *names):
        """Let the file offer these services."""
        lines = (
            f'{{ name = "{name}", address = "192.0.2.{n}", port = 80 }}'
            for n, name in enumerate(names, 1)
        )
        made = self._file.with_suffix(".new")
        made.write_text(f"services = [{', '.join(lines)}]\n")
        made.replace(self._file)

    def start(self):
        """One more syncer for the file."""
        return self._start(*self._arguments())

    def command(self, *words):
        """One command for the file, to its end."""
        return command(*words, *self._arguments())

    def _arguments(self):
        source = ("--source", f"file={self._file}", "--set", "sources.file.scope=shared")
        return (*source, *self._flags)


@pytest.fixture
def shared(tmp_path, start_syncer):
    """Makes a `Shared` for a sink whose name is its kind."""

    def make(kind, sink, *settings, ttl="10s"):
        # A killed leader of an earlier test may still hold its lock, so each has another one.
        name, length = f"sinks.{kind}.lock={tmp_path.name}", f"sinks.{kind}.lock_ttl={ttl}"
        return Shared(tmp_path, start_syncer, sink, "--set", name, "--set", length, *settings)

    return make


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_other_takes_over_in_consul(shared, clean_consul, end):
    """While the leader runs the other writes nothing; when it is gone, the other writes."""
    both = shared("consul", f"consul=http://{clean_consul.address}")
    both.want("web")
    leader = both.start()
    leader.wait_said("registered", service="web")
    other = both.start()
    other.wait_said("became standby")
    both.want("web", "db")
    leader.wait_said("registered", service="db")
    assert not other.said("registered")
    getattr(leader, end)()
    both.want("web", "db", "cache")
    other.wait_said("became leader", deadline=TAKEOVER)
    other.wait_said("registered", service="cache")
    assert len(clean_consul.api.services()) == 3


def test_a_command_that_stands_by_says_so(shared, clean_consul):
    """`apply` and `run --once` beside a leader write nothing, say who does, and end well."""
    both = shared("consul", f"consul=http://{clean_consul.address}", ttl="300s")
    both.want("web")
    leader = both.start()
    leader.wait_said("registered", service="web")
    leader.freeze()  # so that what is left is left, and the lock still its own
    both.want("web", "db")
    applied = both.command("apply")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    left = "left to another syncer, which holds the lock"
    assert applied.stdout == f"consul: 0 changes applied, 1 change {left}\n"
    both.want("web")
    assert f"0 changes {left}" in both.command("apply").stdout
    once = both.command("run", "--once")
    assert once.returncode == 0
    assert "standby: another syncer holds the lock" in once.stderr
    assert len(clean_consul.api.services()) == 1


def test_leases_do_not_run_out_in_between(shared, clean_etcd):
    """The entries of a leader that was killed stay, on the same lease, until another takes over."""
    api = clean_etcd.api
    both = shared("etcd", f"etcd://{clean_etcd.address}/services?ttl=10s")
    both.want("web")
    leader = both.start()
    leader.wait_said("registered", service="web")
    (key,) = api.values("/services/web/")
    lease = api.lease_of(key)
    other = both.start()
    other.wait_said("became standby")
    leader.kill()
    holds_for(lambda: key in api.values("/services/web/"), 15, "the entry stays")
    other.wait_said("became leader", deadline=TAKEOVER)
    both.want("web", "db")
    other.wait_said("registered", service="db")
    assert api.lease_of(key) == lease
    assert not other.said("registered", service="web")


def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes(shared, clean_etcd):
    """Frozen beyond the length of the lock it finds another in its place, and stands by."""
    api = clean_etcd.api
    both = shared("etcd", f"etcd://{clean_etcd.address}/services")
    both.want("web")
    leader = both.start()
    leader.wait_said("registered", service="web")
    other = both.start()
    other.wait_said("became standby")
    leader.freeze()
    other.wait_said("became leader", deadline=TAKEOVER)
    both.want("db")
    wait_until(lambda: set(names(api)) == {"db"}, 30, "the other writes")
    leader.thaw()
    leader.wait_said("became standby", deadline=TAKEOVER)
    assert set(names(api)) == {"db"}
    assert len(leader.said("registered")) == 1


def names(api):
    """The services in etcd."""
    return [key.split("/")[2] for key in api.values("/services/")]
