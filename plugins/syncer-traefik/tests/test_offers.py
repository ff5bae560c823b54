"""Which services Traefik's labels make, and where."""

import pytest

from syncer import Check, Offer

WEB = "http.services.web.loadbalancer."


def offers(parsed):
    """What is offered by labels that are all right: (service, port, protocol)."""
    assert parsed.problems == ()
    return [(offer.service, offer.port, offer.protocol) for offer in parsed.offers]


def test_a_service_with_its_port(read):
    """The port is the container's own."""
    parsed = read("enable=true", f"{WEB}server.port=8080", ports="80 8080")
    assert parsed.offers == (Offer(service="web", port=8080),)
    assert parsed.offers[0].because == "labels traefik.http.services.web.*"


def test_the_default_service(read):
    """Enabled and nothing else: the container's name, at its lowest port that can be had."""
    assert offers(read("enable=true", ports="22! 9000 8000 53/udp")) == [("my-box", 8000, "tcp")]
    assert offers(read("http.routers.r.rule=Host(`a`)")) == [("my-box", 80, "tcp")]


def test_the_default_service_of_compose(read):
    """Compose's service and project name it, as in Traefik."""
    other = {"com.docker.compose.service": "web", "com.docker.compose.project": "my_shop"}
    assert offers(read("enable=true", other=other)) == [("web-my-shop", 80, "tcp")]


def test_a_router_names_a_service_that_is_not_described(read):
    """A described service replaces the default one; a name alone does not."""
    assert offers(read("http.routers.r.service=web")) == [("my-box", 80, "tcp")]


def test_routers_that_lead_elsewhere(read):
    """Traefik's own dashboard is no service of the container."""
    parsed = read("enable=true", "http.routers.dash.service=api@internal")
    assert parsed.offers == ()
    assert parsed.problems == (
        "traefik.http.routers: they lead to api@internal, not to this container",
    )


@pytest.mark.parametrize("form", ['"{}"', "'{}'", "{}\r", " {} "])
def test_what_the_way_here_added_is_left_out(read, form):
    """Quotes, blanks and line ends around a value lose only themselves, and are reported."""
    parsed = read(
        "enable=" + form.format("true"),
        f"{WEB}server.port=" + form.format("8080"),
        f"{WEB}healthcheck.path=" + form.format("/health"),
        f'{WEB}healthcheck.headers.If-None-Match="v"',
        ports="80 8080",
    )
    (offer,) = parsed.offers
    assert (offer.service, offer.port) == ("web", 8080)
    (check,) = offer.checks
    assert (check.path, check.headers) == ("/health", {"If-None-Match": ('"v"',)})
    assert len(parsed.problems) == 3
    assert all("its value are left out" in problem for problem in parsed.problems)


def test_the_port_of_the_host(read):
    """Labels are about the container's own port: which one that is, the problem says."""
    (problem,) = read("enable=true", f"{WEB}server.port=30080").problems
    assert problem == f"traefik.{WEB}server.port: 30080 is the host's port: write 80"


def test_tcp_and_udp(read):
    """Each protocol has services of its own, at a port of its own protocol by default."""
    parsed = read(
        *("tcp.services.db.loadbalancer.server.port=5432", "udp.routers.dns.entrypoints=dns"),
        "udp.services.dns.loadbalancer.server.port=53",
        ports="5432 53/udp",
    )
    assert offers(parsed) == [("db", 5432, "tcp"), ("dns", 53, "udp")]
    assert offers(read("udp.routers.dns.entrypoints=e", ports="1 2/udp")) == [("my-box", 2, "udp")]


def test_several_services(read):
    """Each is offered; those that share a port have ids of their own."""
    parsed = read(
        f"{WEB}server.port=80",
        "http.services.api.loadbalancer.server.port=80",
        "http.services.admin.loadbalancer.server.port=81",
        ports="80 81",
    )
    assert {(offer.service, offer.id) for offer in parsed.offers} == {
        ("web", "host:my_box:80:tcp:web"),
        ("api", "host:my_box:80:tcp:api"),
        ("admin", ""),
    }


def test_not_enabled(read):
    """`traefik.enable=false` says so to the dialects after this one too."""
    parsed = read("enable=false", f"{WEB}server.port=80")
    assert (parsed.offers, parsed.problems, parsed.ignored) == ((), (), "label traefik.enable")


@pytest.mark.parametrize("labels", [(), ("tags=a",), ("constraint-label=x", "docker.network=n")])
def test_containers_that_are_not_meant(read, labels):
    """Without a router, a service or `traefik.enable`, it is left to other dialects."""
    parsed = read(*labels)
    assert (parsed.offers, parsed.problems, parsed.ignored) == ((), (), "")


def test_exposed_by_default(read):
    """Turned off, only `traefik.enable=true` counts, as in Traefik."""
    assert offers(read(f"{WEB}server.port=80")) == [("web", 80, "tcp")]
    assert offers(read(f"{WEB}server.port=80", exposed_by_default=False)) == []
    enabled = read("enable=true", f"{WEB}server.port=80", exposed_by_default=False)
    assert offers(enabled) == [("web", 80, "tcp")]


def test_words_in_any_case(read):
    """Traefik reads words in any case, and names as they are."""
    parsed = read("HTTP.Services.Web.LoadBalancer.Server.Port=80", "http.routers.r.tls=true")
    assert offers(parsed) == [("Web", 80, "tcp")]


def test_a_url(read):
    """A server elsewhere is registered where it is."""
    (offer,) = read(f"{WEB}server.url=https://10.0.0.9").offers
    assert (offer.port, offer.register_address, offer.register_port) == (0, "10.0.0.9", 443)


def test_the_network_counts_in_internal_mode(read):
    """Elsewhere it means nothing, and need not be complained about."""
    labels = ("docker.network=front", f"{WEB}server.port=80")
    assert [read(*labels, internal=i).offers[0].network for i in (True, False)] == ["front", ""]


def test_weight(read):
    """The server's weight is the instance's."""
    assert read(f"{WEB}server.weight=7").offers[0].weight == 7


@pytest.mark.parametrize(
    ("labels", "check"),
    [
        (["path=/up"], Check(kind="http", path="/up", interval=30, timeout=5)),
        (
            [
                "path=up",
                "interval=10s",
                "timeout=500ms",
                "method=head",
                "hostname=h",
                "headers.X-A=b",
            ]
            + ["followRedirects=false"],
            Check(
                kind="http",
                path="/up",
                interval=10,
                timeout=0.5,
                method="HEAD",
                headers={"Host": ("h",), "X-A": ("b",)},
                follow_redirects=False,
            ),
        ),
        (["path=/", "scheme=https"], Check(kind="https", path="/", interval=30, timeout=5)),
        (["mode=grpc", "interval=7"], Check(kind="grpc", interval=7, timeout=5)),
        (["path=/", "port=81"], Check(kind="http", path="/", port=81, interval=30, timeout=5)),
    ],
    ids=str,
)
def test_health_checks(read, labels, check):
    """Traefik's health check is the service's check, with Traefik's defaults."""
    parsed = read(*(f"{WEB}healthcheck.{label}" for label in labels), internal=True)
    assert parsed.problems == ()
    assert parsed.offers[0].checks == (check,)


def test_the_servers_scheme_is_the_checks(read):
    """A server that speaks TLS is checked over TLS."""
    parsed = read(f"{WEB}server.scheme=https", f"{WEB}healthcheck.path=/")
    assert parsed.offers[0].checks[0].kind == "https"


def test_a_health_check_over_tcp(read):
    """It connects."""
    parsed = read("tcp.services.db.loadbalancer.healthcheck.interval=9s")
    assert parsed.offers[0].checks == (Check(kind="tcp", interval=9, timeout=5),)


def test_what_is_only_about_traefik_is_passed_over(read):
    """Labels that a registry cannot say are no problems."""
    parsed = read(
        *("http.routers.r.rule=Host(`a`)", "http.routers.r.middlewares=auth", "tags=x"),
        *("http.middlewares.auth.basicauth.users=a:b", "tls.stores.default=x", "swarm.network=n"),
        *(f"{WEB}sticky.cookie.name=c", f"{WEB}passhostheader=false", f"{WEB}server.scheme=h2c"),
        *("http.serverstransports.t.insecureskipverify=true", f"{WEB}serverstransport=t"),
    )
    assert offers(parsed) == [("web", 80, "tcp")]


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (["port=80"], "traefik.port: not read: a label of Traefik 1"),
        (["frontend.rule=x"], "traefik.frontend.rule: not read: a label of Traefik 1"),
        (["enable=maybe"], "traefik.enable: must be true or false, not 'maybe'"),
        ([f"{WEB}server.port=http"], f"traefik.{WEB}server.port: must be a port"),
        ([f"{WEB}server.prt=80"], f"traefik.{WEB}server.prt: not read"),
        (["http.services.w.weighted.services=a"], "traefik.http.services.w: only load balancers"),
        (["http.servces.w.loadbalancer.server.port=1"], "traefik.http.servces.w.loadbalancer"),
        (
            ["http.services.w=1"],
            "traefik.http.services.w: not read: the name or the setting is missing",
        ),
        (["udp.routers.r.service=x"], "traefik.udp.services.my-box.loadbalancer.server.port: must"),
        ([f"{WEB}healthcheck.path=/", f"{WEB}healthcheck.status=201"], f"traefik.{WEB}healthcheck"),
        ([f"{WEB}healthcheck.interval=5s"], f"traefik.{WEB}healthcheck: no path is given"),
        (
            [f"{WEB}healthcheck.path=/", f"{WEB}healthcheck.port=1"],
            f"traefik.{WEB}healthcheck.port",
        ),
        ([f"{WEB}server.url=ftp://x"], f"traefik.{WEB}server.url: must be a URL"),
        (
            [f"{WEB}server.port=80", "http.routers.r.service=wbe"],
            "traefik.http.routers.r: unknown service 'wbe'",
        ),
        (
            [f"{WEB}server.port=80", "http.services.x.loadbalancer.server.port=80"]
            + ["http.routers.r.rule=x"],
            "traefik.http.routers.r: names no service, and there are several",
        ),
    ],
)
def test_written_wrongly(read, labels, problem):
    """A mistake is a problem that names its label."""
    problems = read(*labels).problems
    assert any(text.startswith(problem) for text in problems), problems
