"""Brakes, from the configuration file to the registry: a made-up Docker engine, a real Consul.

Each is shown by what the command does to the registry, and by what it says of it.
"""

import json

import pytest

from servers.syncer import command
from servers.syncer_fixtures import start_syncer
from servers.waiting import holds_for, wait_until

__all__ = ["start_syncer"]

MANY = 12


class Place:
    """An engine with containers, an empty Consul, and a configuration file between them."""

    def __init__(self, engine, consul, path):
        self.engine, self.consul, self.path = engine, consul, path

    def configure(self, text="", *, sink="", source="", owner="syncer", scope="host1"):
        """Write the file; the texts are what it holds beside the two addresses."""
        self.path.write_text(
            f'owner = "{owner}"\ninterval = "1s"\n'
            f'[sources.docker]\nscope = "{scope}"\nendpoint = "{self.engine.address}"\n{source}\n'
            f'[sinks.consul]\naddress = "http://{self.consul.address}"\n{sink}\n{text}\n'
        )

    def apply(self, code=0):
        """Run `syncer apply`; what the registry holds afterwards."""
        done = command("apply", "--config", str(self.path))
        assert done.returncode == code, done.stdout + done.stderr
        return self.ids()

    def skips(self):
        """The kinds of what `syncer plan` holds back."""
        done = command("plan", "--json", "--config", str(self.path))
        return {skip["kind"] for skip in json.loads(done.stdout)["sinks"]["consul"]["skipped"]}

    def ids(self):
        """What the registry holds."""
        return set(self.consul.api.services())

    def end(self, *names):
        """End containers so that they are not even found any more."""
        for name in names or [f"c{number}" for number in range(MANY)]:
            self.engine.control("rm", name=name, quiet=True)


@pytest.fixture
def place(fake_docker, clean_consul, tmp_path):
    """Twelve containers, all registered."""
    place = Place(fake_docker(containers=0), clean_consul, tmp_path / "syncer.toml")
    for number in range(MANY):
        place.engine.control("add", name=f"c{number}", ports=[[80, 8000 + number]])
    place.configure()
    assert len(place.apply()) == MANY
    return place


def test_the_guard_confirms_unless_told_otherwise(place, start_syncer):
    """All at once are held, and go when the engine says the same again some seconds later."""
    place.end()
    assert len(place.apply(1)) == MANY
    assert place.skips() == {"guard"}
    syncer = start_syncer("--config", place.path)
    syncer.wait_said("guard paused: too many removals at once")
    wait_until(lambda: not place.ids(), 40, "a later listing to confirm")


def test_the_guard_refuses(place, start_syncer):
    """With `guard.mode = "refuse"` they stay, however often the engine says the same."""
    place.configure('[guard]\nmode = "refuse"')
    place.end()
    syncer = start_syncer("--config", place.path)
    syncer.wait_said("guard paused: too many removals at once")
    holds_for(lambda: len(place.ids()) == MANY, 8, "everything stays")


def test_the_guard_is_off(place):
    """With `guard.mode = "off"` one listing is enough."""
    place.configure('[guard]\nmode = "off"')
    place.end()
    assert place.apply() == set()


def test_the_guards_numbers(place):
    """`guard.least` and `guard.share` decide what is too much."""
    place.end("c0", "c1", "c2")
    place.configure("[guard]\nleast = 3\nshare = 0.2")
    assert len(place.apply(1)) == MANY
    place.configure("[guard]\nleast = 3\nshare = 0.5")
    assert len(place.apply()) == MANY - 3


@pytest.mark.parametrize("policy", ["upsert-only", "create-only"])
def test_policies_of_a_sink(place, policy):
    """`policy` of a sink forbids removals, and says so."""
    place.configure(sink=f'policy = "{policy}"')
    place.end("c0")
    assert len(place.apply()) == MANY
    assert place.skips() == {"policy"}


def test_create_only_updates_nothing(place):
    """With `create-only` what stands there stays as it is."""
    place.configure(sink='policy = "create-only"', source='addresses.advertise = "10.7.7.7"')
    place.apply()
    assert not [it for it in place.consul.api.services().values() if it["Address"] == "10.7.7.7"]
    place.configure(source='addresses.advertise = "10.7.7.7"', text='[guard]\nmode = "off"')
    place.apply()
    assert {it["Address"] for it in place.consul.api.services().values()} == {"10.7.7.7"}


@pytest.mark.parametrize(
    ("fault", "code", "kind"),
    [
        pytest.param({"hide": ["c0", "c1"]}, 0, "alive", id="lists leave out what runs"),
        pytest.param({"fail": {"list": 500}}, 1, "doubt", id="no list"),
        pytest.param({"cut": {"list": 300}}, 1, "doubt", id="half a list"),
        pytest.param({"fail": {"inspect": 500}}, 1, "unclear", id="nothing can be described"),
    ],
)
def test_an_engine_that_says_too_little(place, fault, code, kind):
    """Whatever the engine leaves out or cannot say, what runs stays registered."""
    place.configure('[guard]\nmode = "off"')
    place.engine.control("fault", **fault)
    assert kind in place.skips()
    assert len(place.apply(code)) == MANY


def test_owners_and_scopes(place):
    """Another owner, or another scope, neither takes over nor removes what is not its own."""
    place.end()
    for fields in ({"owner": "other"}, {"scope": "host2"}):
        place.configure('[guard]\nmode = "off"', **fields)
        assert len(place.apply()) == MANY
    place.configure('[guard]\nmode = "off"', scope="host2", source='former_scopes = ["host1"]')
    assert place.apply() == set()


def test_a_source_that_was_renamed(place):
    """What a source left behind that is not configured any more stays, is shown, and is purged."""
    text = place.path.read_text().replace("[sources.docker]", '[sources.new]\nkind = "docker"')
    place.path.write_text(text)
    place.end()
    assert len(place.apply()) == MANY
    assert place.skips() == {"stray"}
    done = command("purge", "--only", "docker", "--yes", "--config", str(place.path))
    assert done.returncode == 0, done.stderr
    assert place.ids() == set()


def test_a_source_that_fails_freezes_only_its_own(place, tmp_path):
    """With two sources, what came from the one that fails stays, and the other is followed."""
    listed = tmp_path / "listed.toml"
    listed.write_text('[[services]]\nname = "printer"\naddress = "10.0.0.9"\nport = 631\n')
    place.configure(f'[sources.file]\nscope = "host1"\npath = "{listed}"')
    (printer,) = place.apply() - {f"host1:c{number}:80" for number in range(MANY)}
    listed.write_text("[[services]\n")
    place.end("c0")
    place.engine.control("add", name="late", ports=[[80, 9000]])
    left = {f"host1:c{number}:80" for number in range(1, MANY)}
    assert place.apply(1) == {*left, "host1:late:80", printer}
    listed.write_text("services = []\n")
    assert place.apply() == {*left, "host1:late:80"}
