"""The parser keeps the contract that every label parser is tested against."""

import pytest

from syncer.testing import ParserContract
from syncer_traefik import PassOn, TraefikOptions, create

SERVER = ("port", "url", "scheme", "weight")
CHECK = ("path", "interval", "timeout", "mode", "port", "hostname", "headers.X", "followredirects")


class TestTraefik(ParserContract):
    """The parser `traefik`, with its defaults."""

    pass_on = PassOn.NO
    keys = (
        *(
            f"traefik.{protocol}.services.web.loadbalancer.{key}"
            for protocol in ("http", "tcp", "udp")
            for key in (
                *(f"server.{key}" for key in SERVER),
                *(f"healthcheck.{key}" for key in CHECK),
                "sticky.cookie",
            )
        ),
        *(f"traefik.{p}.routers.api.{key}" for p in ("http", "udp") for key in ("rule", "service")),
        *("Traefik.HTTP.Services.web.LoadBalancer.Server.Port", "traefik.http.middlewares.a.b"),
        *("traefik.enable", "traefik.docker.network", "traefik.port", "traefik.http.services."),
        *("com.docker.compose.service", "com.docker.compose.project"),
    )
    values = ("grpc", "https", "web", "api@internal", "http://[::1]:99999", "https://a.b")

    @pytest.fixture
    def parse(self):
        return create(TraefikOptions(pass_on=self.pass_on))

    @pytest.fixture
    def offering(self):
        return {"traefik.http.services.web.loadbalancer.server.port": "8080"}

    @pytest.fixture
    def ignoring(self):
        return {"traefik.enable": "false"}

    @pytest.fixture
    def mistaken(self):
        return {"traefik.http.services.web.loadbalancer.server.port": "http"}


class TestPassedOnAsTags(TestTraefik):
    """With labels passed on as tags."""

    pass_on = PassOn.TAGS


class TestPassedOnAsMeta(TestTraefik):
    """With labels passed on as metadata."""

    pass_on = PassOn.META
