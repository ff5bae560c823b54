"""Checks in Consul's form, by tables; nothing here asks a server."""

from datetime import timedelta

import attrs
import pytest

from syncer import Check, CheckStatus, Native, Origin, Problem
from syncer.testing import make_instance
from syncer_consul import ConsulOptions, syncer_check_translators
from syncer_consul.agent.check_fields import SINCE, kind_of, unknown_fields
from syncer_consul.agent.checks import Translator, duration
from syncer_consul.agent.limits import fit_check
from syncer_consul.agent.wire import check_id, is_own_check

WEB = make_instance(origin=Origin(source="docker", workload="c0ffee"))
TEN = {"Interval": "10s"}


def translate(check, instance=WEB, **options):
    return Translator(ConsulOptions(**options))(check, instance)


@pytest.mark.parametrize(
    ("check", "definition"),
    [
        (Check(kind="http", path="/ok"), {"HTTP": "http://10.0.0.5:8080/ok"} | TEN),
        (Check(kind="http"), {"HTTP": "http://10.0.0.5:8080/"} | TEN),
        (Check(kind="http", path="a?b=c", tls=True), {"HTTP": "https://10.0.0.5:8080/a?b=c"} | TEN),
        (
            Check(kind="https", tls_server_name="n", tls_skip_verify=True),
            {"HTTP": "https://10.0.0.5:8080/", "TLSServerName": "n", "TLSSkipVerify": True} | TEN,
        ),
        (
            Check(
                kind="http",
                method="post",
                body="b",
                headers={"A": ("1", "2")},
                follow_redirects=False,
            ),
            {
                "HTTP": "http://10.0.0.5:8080/",
                "Method": "POST",
                "Body": "b",
                "Header": {"A": ["1", "2"]},
                "DisableRedirects": True,
            }
            | TEN,
        ),
        (
            Check(kind="tcp", interval=1.5, timeout=90, address="fd00::1", port=1),
            {"TCP": "[fd00::1]:1", "Interval": "1500ms", "Timeout": "90s"},
        ),
        (Check(kind="tcp", tls=True), {"TCP": "10.0.0.5:8080", "TCPUseTLS": True} | TEN),
        (Check(kind="udp"), {"UDP": "10.0.0.5:8080"} | TEN),
        (Check(kind="grpc"), {"GRPC": "10.0.0.5:8080"} | TEN),
        (
            Check(kind="grpc", path="/my.Service", tls=True),
            {"GRPC": "10.0.0.5:8080/my.Service", "GRPCUseTLS": True} | TEN,
        ),
        (Check(kind="h2ping"), {"H2PING": "10.0.0.5:8080", "H2PingUseTLS": False} | TEN),
        (Check(kind="h2ping", tls=True), {"H2PING": "10.0.0.5:8080"} | TEN),
        (Check(kind="ttl", ttl=30), {"TTL": "30s"}),
        (Check(kind="alias", alias="other"), {"AliasService": "other"}),
        (
            Check(
                kind="tcp",
                name="N",
                notes="n",
                initial_status=CheckStatus.PASSING,
                deregister_after=3600,
                success_before_passing=2,
                failures_before_warning=3,
                failures_before_critical=4,
            ),
            {
                "Name": "N",
                "Notes": "n",
                "Status": "passing",
                "DeregisterCriticalServiceAfter": "3600s",
                "TCP": "10.0.0.5:8080",
                "SuccessBeforePassing": 2,
                "FailuresBeforeWarning": 3,
                "FailuresBeforeCritical": 4,
            }
            | TEN,
        ),
    ],
)
def test_definitions(check, definition):
    """Each kind and field becomes Consul's field of that meaning."""
    assert translate(check) == Native(key=check.key, definition=definition)


def test_ipv6_instance():
    """An IPv6 address stands in brackets in URLs and before ports."""
    web = attrs.evolve(WEB, address="fd00::5")
    assert translate(Check(kind="http"), web).definition["HTTP"] == "http://[fd00::5]:8080/"
    assert translate(Check(kind="tcp"), web).definition["TCP"] == "[fd00::5]:8080"


def test_mirrored_health():
    """The container's own health is a TTL check which syncer feeds, as long as health_ttl says."""
    native = translate(Check(kind="container"), health_ttl=timedelta(seconds=90))
    assert native.fed
    assert native.definition == {"Name": "health of the container", "TTL": "90s"}


def test_fed_ttl_lasts_for_the_rhythm():
    """A fed TTL check does not run out between two reports; others are left as they are."""
    assert translate(Check(kind="ttl", ttl=30, fed=True)).definition == {"TTL": "300s"}
    assert translate(Check(kind="ttl", ttl=900, fed=True)).definition == {"TTL": "900s"}
    assert translate(Check(kind="ttl", ttl=30)).fed is False


def test_commands():
    """Commands are sent as arguments, with the service's address and port filled in."""
    check = Check(kind="script", command=("probe", "--to=$SERVICE_IP:$SERVICE_PORT"))
    native = translate(check, script_checks=True)
    assert native.definition == {"Args": ["probe", "--to=10.0.0.5:8080"]} | TEN
    check = Check(kind="docker", command=("true",), shell="/bin/ash")
    native = translate(check, script_checks=True)
    found = {"DockerContainerID": "c0ffee", "Args": ["true"], "Shell": "/bin/ash"}
    assert native.definition == found | TEN


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (Check(kind="script", command=("x",)), "are off"),
        (Check(kind="docker", command=("x",)), "are off"),
        (Check(kind="ttl"), "needs a duration"),
        (Check(kind="alias"), "id of a service"),
        (Check(kind="quantum"), "no checks of kind 'quantum'"),
    ],
)
def test_impossible_checks(check, reason):
    """A check that cannot be had is a problem with the reason."""
    made = translate(check)
    assert isinstance(made, Problem)
    assert reason in made.text


def test_checks_without_a_target():
    """A service without a port has nothing to probe, a command needs words and a container."""
    portless = make_instance(port=0)
    assert "no port" in translate(Check(kind="http"), portless).text
    assert "no command" in translate(Check(kind="script"), script_checks=True).text
    docker = Check(kind="docker", command=("x",))
    assert "not known" in translate(docker, portless, script_checks=True).text


def test_translator_is_made_from_the_sinks_options():
    """The translator that the plugin offers obeys the options of the sink."""
    (kind,) = (one for one in syncer_check_translators() if one.sink_kind == "consul")
    check = Check(kind="script", command=("x",))
    assert isinstance(kind.create(ConsulOptions())(check, WEB), Problem)
    assert isinstance(kind.create(ConsulOptions(script_checks=True))(check, WEB), Native)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(10, "10s"), (0.5, "500ms"), (90.25, "90250ms"), (86400 * 365, "31536000s")],
)
def test_durations(seconds, text):
    """Lengths of time are written as Go reads them, never in powers of ten."""
    assert duration(seconds) == text


@pytest.mark.parametrize("field", SINCE)
def test_fields_by_version(field):
    """A field is left out for older agents, sent from its version on, and when none is known."""
    since = SINCE[field]
    older = (*since[:1], since[1] - 1, 99)
    assert unknown_fields({field: 1}, older) == [field]
    assert unknown_fields({field: 1}, since) == []
    assert unknown_fields({field: 1}, (2, 0, 0)) == []
    assert unknown_fields({field: 1}, None) == []
    assert unknown_fields({field: 1}, None, {field}) == [field]


def test_fitting():
    """Without a lesser field a check remains; without the field of its kind nothing does."""
    tls = Native(key="c", definition={"TCP": "a:1", "TCPUseTLS": True})
    assert fit_check(tls, None, frozenset({"TCPUseTLS"}), []).definition == {"TCP": "a:1"}
    udp = Native(key="c", definition={"UDP": "a:1", "Interval": "1s"})
    assert fit_check(udp, None, frozenset({"UDP"}), []) is None


@pytest.mark.parametrize(
    ("key", "kind", "id_"),
    [
        ("http", "HTTP", "web:1:http"),
        ("alive", "HTTP", "web:1:alive.http"),
        ("http", "TCP", "web:1:http.tcp"),
        ("a:b/c d%", "TTL", "web:1:a%3Ab%2Fc d%25.ttl"),
    ],
)
def test_check_ids(key, kind, id_):
    """A check's id names service, key and kind; nothing in a key can look like another service."""
    made = check_id("web:1", Native(key=key, definition={kind: "x"}))
    assert made == id_
    assert is_own_check(made, "web:1")
    assert not is_own_check(made, "web")


def test_kinds_are_told_by_their_field():
    """What kind a definition is follows from the one field that only this kind has."""
    assert kind_of({"Args": ["x"], "DockerContainerID": "y"}) == "docker"
    assert kind_of({"Args": ["x"]}) == "script"
    assert kind_of({"OSService": "x"}) == "other"
