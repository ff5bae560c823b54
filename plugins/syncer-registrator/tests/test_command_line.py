"""registrator's command line in syncer's own settings."""

import socket

import pytest

from syncer import ConfigError
from syncer_registrator import command_line
from syncer_registrator.command_line import read
from syncer_registrator.command_line.flags import ALL
from syncer_registrator.command_line.registries import registry_of

CONSUL = "consul://localhost:8500"


@pytest.fixture(autouse=True)
def hostname(monkeypatch):
    """This machine's name in these tests."""

    def name(text):
        monkeypatch.setattr(socket, "gethostname", lambda: text)

    name("vm1")
    return name


def settings(*arguments, environ=None):
    return read([*arguments], environ or {}).settings


def test_the_usual_line():
    """Without flags: the local Docker, and what this host's registrator left is taken over."""
    asked = read([CONSUL], {})
    assert (asked.sources, asked.sinks) == (("docker",), (CONSUL,))
    assert asked.settings == {
        "sources": {
            "docker": {"healthcheck": "ignore", "one_offs": True, "ids": "any", "scope": "vm1"}
        },
        "sinks": {"consul": {"adopt": ["own"]}},
        "parsers": {"order": ["registrator"], "registrator": {"dotted_prefix": ""}},
    }
    assert not asked.only_print


@pytest.mark.parametrize(
    ("flags", "place", "value"),
    [
        ("-ip 10.0.0.5", "sources.docker.addresses", {"advertise": "10.0.0.5"}),
        ("-internal", "sources.docker.addresses", {"internal": True}),
        ("-internal -ip 10.0.0.5", "sources.docker.addresses", {"internal": True}),
        ("-useIpFromLabel x", "sources.docker.addresses", {"label": "x"}),
        ("-useIpFromNetworkName n", "sources.docker.addresses.networks", ["n"]),
        ("-useIpFromNetworkName n", "sources.docker.addresses.internal", True),
        ("-require-label", "sources.docker.include", ["label:SERVICE_REGISTER"]),
        ("-explicit", "parsers.registrator.explicit", True),
        ("-tags a,b", "parsers.registrator.tags", "a,b"),
        ("-tags {{.Name}}", "parsers.registrator.tags_template", "{{.Name}}"),
        ("-tags a{b", "parsers.registrator.tags_template", "a{b"),
        ("-resync 60", "interval", "60s"),
        ("-cleanup", "sinks.consul.adopt_gone", True),
        ("-adopt old1 -adopt old2", "sinks.consul.adopt", ["own", "old1", "old2"]),
        ("-deregister-on-stop", "sinks.consul.withhold", ["draining"]),
    ],
)
def test_each_flag_is_a_setting(flags, place, value):
    """Where the flag goes."""
    found = settings(*flags.split(), CONSUL)
    for key in place.split("."):
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    "flags",
    ["-retry-attempts -1", "-retry-interval 5", "-deregister always", "-resync 0", "-debug"],
)
def test_flags_without_effect(flags):
    """What syncer does anyway, or has no need of, changes nothing."""
    assert settings(*flags.split(), CONSUL) == settings(CONSUL)


@pytest.mark.parametrize(
    ("flags", "ttl", "warned"),
    [
        ("-ttl 30 -ttl-refresh 10", "30s", False),
        ("-ttl 3 -ttl-refresh 1", "5s", True),
    ],
)
def test_ttl_is_the_lease_of_etcd(flags, ttl, warned):
    """Others know no TTL, which is told."""
    asked = read([*flags.split(), "etcd://h/services"], {})
    assert asked.settings["sinks"]["etcd"]["ttl"] == ttl
    assert bool(asked.warnings) is warned
    (warning,) = read([*flags.split(), CONSUL], {}).warnings
    assert "no effect with consul" in warning


@pytest.mark.parametrize(
    ("uri", "unhealthy"),
    [
        ("etcd://h/services", "keep"),
        ("skydns2://h/cluster.local", "keep"),
        ("coredns://h/skydns?zone=example.org", "keep"),
        ("consulkv://h/services", "keep"),
        ("zookeeper://h/services", "keep"),
        ("etcd://h/services?unhealthy=drop", None),
        (CONSUL, None),
        ("eureka://h/eureka", None),
    ],
)
def test_what_is_unfit_stays_where_registrator_knows_of_no_health(uri, unhealthy):
    """Unless the URI says otherwise."""
    (sink,) = settings(uri)["sinks"].values()
    assert sink.get("unhealthy") == unhealthy


@pytest.mark.parametrize(
    ("name", "environ", "flags", "scope", "adopt"),
    [
        ("vm1", {}, "", "vm1", ["own"]),
        ("9f0c2b7d51aa", {}, "", None, ["own", "same"]),
        ("9f0c2b7d51aa", {}, "-internal", None, ["own"]),
        ("vm1", {"SYNCER_HOST": "other"}, "", None, ["own", "vm1"]),
    ],
)
def test_the_name_of_the_host(hostname, name, environ, flags, scope, adopt):
    """It is this machine's, unless that is a container's random one or another is given."""
    hostname(name)
    found = settings(*flags.split(), CONSUL, environ=environ)
    assert found["sources"]["docker"].get("scope") == scope
    assert found["sinks"]["consul"]["adopt"] == adopt


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"-clenup {CONSUL}", "flag provided but not defined: -clenup"),
        ("", "Missing required argument for registry URI."),
        (f"{CONSUL} -cleanup", "Options should come before the registry URI argument."),
    ],
)
def test_wrong_usage(line, text):
    """Told as registrator tells it, with the usage, and 2 as exit code."""
    asked = read(line.split(), {})
    assert asked.exit_code == 2
    assert text in asked.text
    assert "Usage of registrator:\n  registrator [options] <registry URI>" in asked.text


def test_help_and_version():
    """Both end well."""
    asked = read(["-help"], {})
    assert asked.exit_code == 0
    assert all(f"  -{flag.name}" in asked.text for flag in ALL)
    assert "in place of registrator" in read(["--version"], {}).text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"-deregister on-success {CONSUL}", "on-success is not supported"),
        (f"-deregister never {CONSUL}", "must be"),
        (f"-ttl 5 {CONSUL}", "must be specified together"),
        (f"-ttl 5 -ttl-refresh 5 {CONSUL}", "-ttl must be greater"),
        (f"-retry-interval 0 {CONSUL}", "must be greater than 0"),
        (f"-ip-from-container {CONSUL}", "use -internal"),
        (f"-ip-lookup-source http://x {CONSUL}", "give -ip an address"),
        (f"-status-addr :80 {CONSUL}", "leave the flag out"),
        ("localhost:8500", "bad adapter uri"),
        ("foo://localhost", "unrecognized adapter"),
        ("etcd-legacy://localhost", "use etcd://"),
        ("coredns://localhost:2379/skydns", "zone is missing"),
    ],
)
def test_unsupported_flags(line, text):
    """It is refused in one line that says what to do."""
    with pytest.raises(ConfigError, match=text) as caught:
        read(line.split(), {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "kind", "sink"),
    [
        ("consul://", "consul", ""),
        ("consul-tls://h:8501", "consul", ""),
        ("consul-unix:///run/consul.sock", "consul", ""),
        ("consulkv://h:8500/services", "consulkv", ""),
        ("consulkv-unix:///run/consul.sock:/services", "consulkv", ""),
        ("etcd://h:2379/services", "etcd", ""),
        ("skydns2://h:2379/cluster.local", "etcd", ""),
        ("zookeeper://h/base", "zookeeper", ""),
        ("eureka://h:8761/eureka/v2", "eureka", ""),
        ("eureka://", "eureka", "eureka://eureka:8761"),
        (
            "coredns://h:2379/skydns?zone=example.org",
            "etcd",
            "etcd://h:2379/skydns?layout=skydns&domain=example.org",
        ),
    ],
)
def test_registries(uri, kind, sink):
    """Each URI is one that `--sink` takes."""
    found = registry_of(uri)
    assert (found.kind, found.sink) == (kind, sink or uri)


def test_nothing_reads_the_environment_itself(monkeypatch):
    """What counts is the environment that was handed in."""
    monkeypatch.setenv("SYNCER_HOST", "elsewhere")
    assert command_line.read([CONSUL], {}).settings["sources"]["docker"]["scope"] == "vm1"
