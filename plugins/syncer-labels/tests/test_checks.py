"""The checks that labels ask for."""

import pytest

from syncer import Check, CheckStatus


@pytest.fixture
def checks(read):
    """The checks of labels that are all right: `checks("http=/")`."""

    def found(*labels):
        parsed = read(*(f"web.check.{label}" for label in labels))
        assert parsed.problems == ()
        return parsed.offers[0].checks

    return found


@pytest.mark.parametrize(
    ("label", "check"),
    [
        ("http=/health", Check(kind="http", path="/health", interval=10)),
        ("http=health", Check(kind="http", path="/health", interval=10)),
        ("https=/", Check(kind="https", path="/", interval=10)),
        ("tcp=true", Check(kind="tcp", interval=10)),
        ("udp=on", Check(kind="udp", interval=10)),
        ("grpc=true", Check(kind="grpc", interval=10)),
        ("grpc=shop.v1", Check(kind="grpc", path="shop.v1", interval=10)),
        ("h2ping=1", Check(kind="h2ping", tls=True, interval=10)),
        ("ttl=30s", Check(kind="ttl", ttl=30)),
        ("alias=db-1", Check(kind="alias", alias="db-1")),
        ("script=sh -c 'a b'", Check(kind="script", command=("sh", "-c", "a b"), interval=10)),
        ("docker=/check", Check(kind="docker", command=("/check",), interval=10)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind(checks, label, check):
    """One label asks for one check."""
    assert checks(label) == (check,)


def test_settings(checks):
    """All that a check of the network can say."""
    (check,) = checks(
        *("https=/h", "interval=5s", "timeout=500ms", "method=post", "body=a\nb"),
        *("header.X-One=1", "header.Host=a", "follow-redirects=false", "tls-skip-verify=true"),
        *("tls-server-name=n", "address=10.0.0.9", "port=81", "title=t", "notes=for people"),
        *("success-before-passing=2", "failures-before-warning=3", "failures-before-critical=4"),
        *("initial-status=passing", "deregister-after=1h"),
    )
    assert check == Check(
        kind="https",
        path="/h",
        interval=5,
        timeout=0.5,
        method="POST",
        body="a\nb",
        headers={"X-One": ("1",), "Host": ("a",)},
        follow_redirects=False,
        tls_skip_verify=True,
        tls_server_name="n",
        address="10.0.0.9",
        port=81,
        name="t",
        notes="for people",
        success_before_passing=2,
        failures_before_warning=3,
        failures_before_critical=4,
        initial_status=CheckStatus.PASSING,
        deregister_after=3600,
    )


def test_settings_of_other_kinds(checks):
    """Those that only one kind or two know."""
    (grpc,) = checks("grpc=true", "tls=true", "tls-skip-verify=true")
    (ttl,) = checks("ttl=10s", "fed=true")
    (script,) = checks("script=true", "shell=/bin/sh")
    (h2ping,) = checks("h2ping=true", "tls=false")
    assert (grpc.tls, grpc.tls_skip_verify, ttl.fed) == (True, True, True)
    assert (script.shell, h2ping.tls) == ("/bin/sh", False)


def test_several_checks(checks):
    """Kinds beside each other share their settings; a check with a name has its own."""
    found = checks("http=/", "tcp=true", "interval=3s", "ready.http=/ready", "ready.timeout=1s")
    assert found == (
        Check(kind="http", path="/", interval=3),
        Check(kind="tcp", interval=3),
        Check(kind="http", key="ready", path="/ready", interval=10, timeout=1),
    )


def test_no_check(checks):
    """A word for false, or nothing, asks for none."""
    assert checks("http=false", "tcp=no", "udp=0", "grpc=", "interval=3s") == ()


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (["interval=5s"], "syncer.web.check: the kind is missing, such as"),
        (
            ["http=/", "intervall=5s"],
            "syncer.web.check.intervall: unknown key; did you mean 'interval'",
        ),
        (["http=/", "interval=soon"], "syncer.web.check.interval: must be a length of time"),
        (["http=/", "interval=0s"], "syncer.web.check.interval: must be 0.1 to"),
        (["http=a b"], "syncer.web.check.http: must be a path, such as /health, not 'a b'"),
        (["tcp=maybe"], "syncer.web.check.tcp: must be true or false"),
        (
            ["ttl=5s", "interval=1s"],
            "syncer.web.check.interval: has no effect on a check of kind ttl",
        ),
        (
            ["tcp=true", "header.A=b"],
            "syncer.web.check.header.A: has no effect on a check of kind tcp",
        ),
        (["http=/", "header.a b=c"], "syncer.web.check.header.a b: not a valid header name"),
        (
            ["x.http=/", "x.tcp=true"],
            "syncer.web.check.x: a named check has one kind: only http is",
        ),
        (["script='"], "syncer.web.check.script: not a valid command"),
        (["http=/", "initial-status=fine"], "syncer.web.check.initial-status: must be passing or"),
        (["http=/", "method=a b"], "syncer.web.check.method: must be a request method"),
    ],
)
def test_written_wrongly(read, labels, problem):
    """A mistake in a check is a problem that names its label, and the service is offered."""
    parsed = read(*(f"web.check.{label}" for label in labels))
    assert len(parsed.offers) == 1
    assert any(text.startswith(problem) for text in parsed.problems), parsed.problems


def test_no_checks_without_end(read):
    """A service has no more than 100 checks."""
    parsed = read(*(f"web.check.c{n}.tcp=true" for n in range(120)))
    assert len(parsed.offers[0].checks) == 100
    assert parsed.problems == ("syncer.web.check: only the first 100 of 120 checks are used",)
