"""Checks that labels ask for."""

import pytest

from syncer import Check, CheckStatus


@pytest.fixture(scope="module")
def checks(read):
    """The checks of a workload with these labels, `SERVICE_CHECK_` left out; and the problems."""

    def checks_of(ports="80", **keys):
        parsed = read({f"SERVICE_CHECK_{key}": value for key, value in keys.items()}, ports=ports)
        return parsed.offers[0].checks, parsed.problems

    return checks_of


ONE = [
    ({"HTTP": "/health"}, {"kind": "http", "path": "/health", "interval": 10}),
    ({"HTTP": "health"}, {"kind": "http", "path": "/health"}),
    ({"HTTP": "true"}, {"kind": "http", "path": "/"}),
    ({"HTTP": "/q?u=http://x/"}, {"kind": "http", "path": "/q?u=http://x/"}),
    ({"HTTPS": "/", "TLS_SKIP_VERIFY": "true"}, {"kind": "https", "tls_skip_verify": True}),
    ({"HTTPS": "/", "TLS_SERVER_NAME": "a.b"}, {"kind": "https", "tls_server_name": "a.b"}),
    ({"TCP": "true"}, {"kind": "tcp", "interval": 10}),
    ({"UDP": "1"}, {"kind": "udp"}),
    ({"GRPC": "true"}, {"kind": "grpc", "path": "", "tls": False}),
    (
        {"GRPC": "my.Service", "GRPC_USE_TLS": "1"},
        {"kind": "grpc", "path": "my.Service", "tls": True},
    ),
    (
        {"GRPC": "1", "GRPC_USE_TLS": "false", "TLS_SKIP_VERIFY": "1"},
        {"tls": False, "tls_skip_verify": False},
    ),
    ({"H2PING": "true"}, {"kind": "h2ping", "tls": True}),
    ({"H2PING": "true", "H2PING_USE_TLS": "no"}, {"kind": "h2ping", "tls": False}),
    ({"TTL": "30s"}, {"kind": "ttl", "ttl": 30, "fed": False, "interval": None}),
    ({"TTL": "1m30s", "TTL_FED": "true"}, {"ttl": 90, "fed": True}),
    ({"ALIAS": "db"}, {"kind": "alias", "alias": "db", "interval": None}),
    (
        {"SCRIPT": "curl -H 'a b' $SERVICE_IP:$SERVICE_PORT"},
        {"kind": "script", "command": ("curl", "-H", "a b", "$SERVICE_IP:$SERVICE_PORT")},
    ),
    (
        {"DOCKER": "pg_isready -q", "SHELL": "/bin/sh"},
        {"kind": "docker", "command": ("pg_isready", "-q"), "shell": "/bin/sh"},
    ),
    ({"CMD": "true -x"}, {"kind": "docker", "key": "docker", "command": ("true", "-x")}),
    ({"CMD": "a x", "DOCKER": "b y"}, {"kind": "docker", "command": ("b", "y")}),
    ({"CONTAINER": "true"}, {"kind": "container", "interval": None}),
    ({"TCP": "1", "INTERVAL": "1m", "TIMEOUT": "500ms"}, {"interval": 60, "timeout": 0.5}),
    ({"HTTP": "/", "METHOD": "head"}, {"method": "HEAD"}),
    ({"HTTP": "/", "METHOD": "GET", "HTTP_METHOD": "PUT"}, {"method": "PUT"}),
    ({"HTTPS": "/", "HTTP_METHOD": "PUT", "HTTPS_METHOD": "POST"}, {"method": "POST"}),
    ({"HTTP": "/", "BODY": "a\nb"}, {"body": "a\nb"}),
    ({"HTTP": "/", "FOLLOW_REDIRECTS": "false"}, {"follow_redirects": False}),
    ({"HTTP": "/", "HEADER": "Host: a:1"}, {"headers": {"Host": ("a:1",)}}),
    (
        {"HTTP": "/", "HEADER_2": "X: b", "HEADER_1": "X: a", "HEADER_10": "Y:"},
        {"headers": {"X": ("a", "b"), "Y": ("",)}},
    ),
    (
        {"HTTP": "/", "HEADER": '{"X": ["a", "b"], "Y": "c"}'},
        {"headers": {"X": ("a", "b"), "Y": ("c",)}},
    ),
    (
        {
            "TCP": "1",
            "SUCCESS_BEFORE_PASSING": "2",
            "FAILURES_BEFORE_CRITICAL": "3",
            "FAILURES_BEFORE_WARNING": "1",
        },
        {"success_before_passing": 2, "failures_before_critical": 3, "failures_before_warning": 1},
    ),
    ({"TCP": "1", "INITIAL_STATUS": "Passing"}, {"initial_status": CheckStatus.PASSING}),
    ({"TCP": "1", "DEREGISTER_AFTER": "1h"}, {"deregister_after": 3600}),
    (
        {"TCP": "1", "NAME": "up", "NOTES": "why", "ID": "tcp:80"},
        {"name": "up", "notes": "why", "key": "tcp:80"},
    ),
    ({"TCP": "1", "PORT": "9000", "ADDRESS": "10.0.0.9"}, {"port": 9000, "address": "10.0.0.9"}),
]


@pytest.mark.parametrize(("keys", "fields"), ONE, ids=lambda value: " ".join(value))
def test_one_check(checks, keys, fields):
    """Each kind of check, and each thing that can be said of it, becomes fields of one check."""
    (check,), problems = checks(**keys)

    assert {name: getattr(check, name) for name in fields} == fields
    assert problems == ()


@pytest.mark.parametrize(
    "kind", ["HTTP", "HTTPS", "TCP", "UDP", "GRPC", "H2PING", "TTL", "ALIAS", "SCRIPT", "CMD"]
)
def test_false_asks_for_no_check(checks, kind):
    """`false` and an empty value ask for no check, whatever the kind."""
    assert checks(**{kind: "false"}) == ((), ())
    assert checks(**{kind: ""}) == ((), ())


def test_several_kinds_make_several_checks_with_stable_keys(checks):
    """All kinds that are given are made, keyed by their kind, so that one more changes no other."""
    two, _ = checks(TCP="true", HTTP="/health", INTERVAL="5s")
    three, _ = checks(TTL="30s", TCP="true", HTTP="/health", INTERVAL="5s")

    assert [check.key for check in two] == ["http", "tcp"]
    assert [check.key for check in three] == ["http", "ttl", "tcp"]
    assert [check for check in three if check.kind != "ttl"] == list(two)


def test_numbered_checks_override_what_is_set_for_all(checks):
    """A numbered check has its own settings, and for the rest those of all but id and name."""
    found, problems = checks(
        HTTP="/a",
        INTERVAL="5s",
        TIMEOUT="1s",
        NAME="first",
        HTTP_METHOD="PUT",
        HEADER="X: a",
        **{"2_HTTP": "/b", "2_TIMEOUT": "2s", "2_METHOD": "HEAD", "3_TCP": "1", "3_NAME": "third"},
        **{"3_INTERVAL": "", "2_HEADER_1": "Y: b"},
    )

    assert problems == ()
    assert found == (
        Check(
            kind="http", path="/a", interval=5, timeout=1, name="first", method="PUT",
            headers={"X": ("a",)},
        ),
        Check(
            kind="http", key="http-2", path="/b", interval=5, timeout=2, method="HEAD",
            headers={"Y": ("b",)},
        ),
        Check(kind="tcp", key="tcp-3", interval=10, timeout=1, name="third"),
    )  # fmt: skip


def test_port_settings_mix_with_those_for_all(read):
    """A port's own check path goes with the interval that is set for all ports."""
    parsed = read(
        {"SERVICE_CHECK_HTTP": "/", "SERVICE_80_CHECK_HTTP": "/x", "SERVICE_CHECK_INTERVAL": "3s"},
        ports="80 81",
    )

    assert [offer.checks[0].path for offer in parsed.offers] == ["/x", "/"]
    assert [offer.checks[0].interval for offer in parsed.offers] == [3, 3]


def test_container_false_keeps_the_containers_health_out(read):
    """`SERVICE_CHECK_CONTAINER=false` stops mirroring, for all ports or for one."""
    one, other = read({"SERVICE_80_CHECK_CONTAINER": "false"}, ports="80 81").offers

    assert (one.mirror_health, other.mirror_health) == (False, True)
    assert one.checks == other.checks == ()


def test_shared_check_id_goes_to_the_first_check(checks):
    """An id for several checks goes to the first; the others keep theirs, and a problem says so."""
    found, problems = checks(ID="up", HTTP="/", TCP="1")

    assert [check.key for check in found] == ["up", "tcp"]
    assert problems == (
        "SERVICE_CHECK_ID (label): the id 'up' is taken by another check: not used for tcp",
    )


def test_check_id_of_another_check_is_refused(checks):
    """No check takes the key under which another one is kept."""
    found, problems = checks(ID="http-2", HTTP="/", **{"2_HTTP": "/b"})

    assert [check.key for check in found] == ["http", "http-2"]
    assert len(problems) == 1


BAD = [
    (
        {"INTERVAL": "soon"},
        "SERVICE_CHECK_INTERVAL (label): must be a length of time, such as 30s or 1m30s, not",
    ),
    ({"INTERVAL": "0s"}, "SERVICE_CHECK_INTERVAL (label): must be 0.1 to"),
    ({"INTERVAL": "9" * 10_000 + "x"}, "SERVICE_CHECK_INTERVAL (label): is longer than"),
    ({"TIMEOUT": "-1s"}, "SERVICE_CHECK_TIMEOUT (label): must be a length of time"),
    ({"METHOD": "GET /"}, "SERVICE_CHECK_METHOD (label): must be a request method, not 'GET /'"),
    ({"HEADER": "secret"}, "SERVICE_CHECK_HEADER (label): must be `Name: value`"),
    ({"HEADER": "{secret"}, "SERVICE_CHECK_HEADER (label): must be `Name: value`"),
    ({"HEADER": '{"A":' * 800}, "SERVICE_CHECK_HEADER (label): must be `Name: value`"),
    ({"HEADER": '{"A": 1}'}, "SERVICE_CHECK_HEADER (label): must be `Name: value`"),
    ({"HEADER": r'{"A": "b\nC: d"}'}, "SERVICE_CHECK_HEADER (label): the value of a header has"),
    (
        {"HEADER": "A B: c"},
        "SERVICE_CHECK_HEADER (label): not a valid header name",
    ),
    ({"BODY": "\0"}, "SERVICE_CHECK_BODY (label): has control characters"),
    (
        {"INITIAL_STATUS": "up"},
        "SERVICE_CHECK_INITIAL_STATUS (label): must be passing or warning or critical, not 'up'",
    ),
    ({"PORT": "70000"}, "SERVICE_CHECK_PORT (label): must be 0 to 65535, not '70000'"),
    (
        {"ADDRESS": "a b"},
        "SERVICE_CHECK_ADDRESS (label): must be an IP address or a host name, not 'a b'",
    ),
    (
        {"SUCCESS_BEFORE_PASSING": "1.5"},
        "SERVICE_CHECK_SUCCESS_BEFORE_PASSING (label): must be a whole number, not '1.5'",
    ),
    ({"FOO": "x"}, "SERVICE_CHECK_FOO (label): unknown check setting"),
    ({"0_TCP": "1"}, "SERVICE_CHECK_0_TCP (label): checks are numbered 1 to 99"),
    ({"100_TCP": "1"}, "SERVICE_CHECK_100_TCP (label): checks are numbered 1 to 99"),
    ({"4_INTERVAL": "1s"}, "SERVICE_CHECK_4_INTERVAL (label): check 4 has no kind"),
    (
        {"TTL": "never"},
        "SERVICE_CHECK_TTL (label): must be a length of time, such as 30s or 1m30s, not 'never'",
    ),
    ({"SCRIPT": "a 'b"}, "SERVICE_CHECK_SCRIPT (label): not a valid command: no closing quotation"),
    (
        {"HTTPS": "http://x/"},
        "SERVICE_CHECK_HTTPS (label): must be a path, such as /health, not 'http://x/'",
    ),
    ({"GRPC": "a\tb"}, "SERVICE_CHECK_GRPC (label): has control characters"),
]


@pytest.mark.parametrize(("keys", "problem"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_setting_loses_only_itself(checks, keys, problem):
    """A bad setting gives one problem that names it; the check beside it is as without it."""
    found, problems = checks(HTTP="/", **keys)

    assert found == checks(HTTP="/")[0]
    assert len(problems) == 1
    assert problems[0].startswith(problem)
    assert len(problems[0]) < 200


def test_secrets_in_headers_are_not_repeated(checks):
    """What stands in a malformed header is not shown: it may be a password."""
    _, problems = checks(HTTP="/", HEADER="Bearer s3cret")

    assert "s3cret" not in str(problems)


def test_unknown_words_for_true_are_taken_as_true_with_a_problem(checks):
    """`CHECK_TCP=8080` asks for a check, as in registrator, and is reported."""
    found, problems = checks(TCP="8080")

    assert [check.kind for check in found] == ["tcp"]
    assert problems == (
        "SERVICE_CHECK_TCP (label): must be true or false, not '8080'; taken as true",
    )


def test_a_variable_that_only_looks_like_a_check_is_told(read):
    """`SERVICE_CHECK_ENABLED` is taken for a slip of the pen: a problem, no metadata."""
    parsed = read(env={"SERVICE_CHECK_ENABLED": "1"}, options={"meta_from_env": True})

    assert parsed.problems == ("SERVICE_CHECK_ENABLED (env): unknown check setting",)
    assert parsed.offers[0].meta == {}


def test_a_service_has_a_hundred_checks(checks):
    """They multiply with ports: the first count, and a problem says so."""
    found, problems = checks(
        **{f"{n}_{kind}": "/" for n in range(1, 100) for kind in ("HTTP", "GRPC")}
    )
    assert len(found) == 100
    assert problems == ("checks: only the first 100 of a service are used",)
    exact, none = checks(**{f"{n}_HTTP": "/" for n in range(1, 100)})
    assert (len(exact), none) == (99, ())
