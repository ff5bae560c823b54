"""Labels passed on with each service, for a Traefik that reads the registry."""

import pytest

WEB = "http.services.web.loadbalancer."
API = "http.services.api.loadbalancer."


@pytest.fixture
def tags(read):
    """The tags of each service: `tags("enable=true")`."""

    def found(*labels, **given):
        parsed = read(*labels, pass_on="tags", **given)
        assert parsed.problems == ()
        return {offer.service: offer.tags for offer in parsed.offers}

    return found


def test_nothing_is_passed_on_unasked(read):
    """Tags are only for those who read them."""
    assert read("enable=true", "http.routers.r.rule=Host(`a`)").offers[0].tags == ()


def test_what_is_about_the_service(tags):
    """All that a Traefik needs but the ports of the container, and the service's own name."""
    found = tags(
        *("enable=true", "http.routers.r.rule=Host(`a`) && Path(`/b=c`)"),
        *("http.routers.r.service=web@docker", "http.middlewares.m.compress=true"),
        *(f"{WEB}server.port=80", f"{WEB}server.scheme=https", f"{WEB}healthcheck.path=/up"),
        *("docker.network=front", "tcp.middlewares.x.inflightconn.amount=1", "tags=shop"),
    )
    assert found == {
        "web": (
            "traefik.enable=true",
            "traefik.http.middlewares.m.compress=true",
            "traefik.http.routers.r.rule=Host(`a`) && Path(`/b=c`)",
            "traefik.http.services.web.loadbalancer.healthcheck.path=/up",
            "traefik.http.services.web.loadbalancer.server.scheme=https",
            "traefik.tags=shop",
        )
    }


def test_each_service_has_its_own(tags):
    """Else Traefik would make every service of every entry."""
    found = tags(
        *("http.routers.w.service=web", "http.routers.w.rule=W", "http.routers.a.service=api"),
        *("http.routers.a.rule=A", f"{WEB}server.port=80", f"{API}server.port=81"),
        *(f"{API}passhostheader=false", "tcp.services.db.loadbalancer.server.port=82"),
        "tcp.routers.db.rule=HostSNI(`*`)",
        ports="80 81 82",
    )
    assert found == {
        "web": ("traefik.http.routers.w.rule=W",),
        "api": (
            "traefik.http.routers.a.rule=A",
            "traefik.http.services.api.loadbalancer.passhostheader=false",
        ),
        "db": ("traefik.tcp.routers.db.rule=HostSNI(`*`)",),
    }


def test_the_default_service_has_all_routers(tags):
    """It is the only one."""
    found = tags("http.routers.a.rule=A", "http.routers.b.rule=B")
    assert found == {"my-box": ("traefik.http.routers.a.rule=A", "traefik.http.routers.b.rule=B")}


def test_as_metadata(read):
    """For registries whose readers look there."""
    offer = read("enable=true", "http.routers.a.rule=A", pass_on="meta").offers[0]
    assert offer.meta == {"traefik.enable": "true", "traefik.http.routers.a.rule": "A"}


def test_what_no_registry_can_hold(read):
    """Control characters are left out and told."""
    parsed = read("http.routers.a.rule=A\nB", pass_on="tags")
    assert parsed.offers[0].tags == ()
    assert parsed.problems == (
        "traefik.http.routers.a.rule: not passed on: it has control characters",
    )


def test_no_more_than_a_thousand(read):
    """Whoever writes labels cannot fill the registry."""
    many = [f"http.middlewares.m{number}.x=1" for number in range(1100)]
    parsed = read("enable=true", *many, pass_on="tags")
    assert len(parsed.offers[0].tags) == 1000
    assert parsed.problems == ("my-box: only the first 1000 labels are passed on",)


def test_a_label_that_ends_with_a_tab_is_not_passed_on(read):
    """Registries cannot hold its name."""
    parsed = read("enable=true", "http.routers.a.rule\t=x", pass_on="tags")
    assert parsed.problems == (
        "'traefik.http.routers.a.rule\\t': the label has control characters",
    )
    assert parsed.offers[0].tags == ("traefik.enable=true",)
