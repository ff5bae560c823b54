"""The answers of registries that pages show are theirs, for a container that Docker runs."""

import json
import re
from pathlib import Path

import pytest

from servers.waiting import wait_until

SINKS = Path(__file__).parents[2] / "docs" / "sinks"
ID = "host1:web:80"
#: A container's id.
WORKLOAD = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
def register(fake_docker, start_syncer):
    """Has syncer keep a sink equal to an engine with the container that the pages speak of."""

    def start(sink, **labels):
        engine = fake_docker(containers=0)
        labels = {"SERVICE_NAME": "web", "SERVICE_TAGS": "blue", "SERVICE_TEAM": "shop"} | labels
        engine.control("add", name="web", labels=labels, ports=[[80, 32768]])
        start_syncer(
            *("--source", f"docker={engine.address}", "--set", "sources.docker.scope=host1"),
            *("--advertise", "192.0.2.10", "--sink", sink),
        )

    return start


def blocks(page, language):
    """The blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", (SINKS / page).read_text(), re.DOTALL)


def as_shown(shown, found):
    """Of what was found that which the page shows, with the page's container."""
    if isinstance(shown, dict):
        return {key: as_shown(shown[key], found.get(key)) for key in shown}
    if isinstance(found, str) and isinstance(shown, str) and WORKLOAD.fullmatch(found):
        return shown if WORKLOAD.fullmatch(shown) else found
    return found


def test_consul(register, clean_consul):
    """Service and check stand on the page as the agent shows them."""
    register(f"consul=http://{clean_consul.address}", SERVICE_CHECK_HTTP="/health")
    wait_until(lambda: ID in clean_consul.api.services(), 60, "the service")
    service, check = map(json.loads, blocks("consul.md", "json"))
    assert as_shown(service, clean_consul.api.services()) == service
    assert as_shown(check, clean_consul.api.checks()) == check


def test_eureka(register, clean_eureka):
    """The instance stands on the page as a server shows it, in JSON and XML."""
    register(f"eureka={clean_eureka.url}")
    wait_until(lambda: clean_eureka.api.instance("WEB", ID), 60, "the instance")
    (shown,) = map(json.loads, blocks("eureka.md", "json"))
    assert as_shown(shown["instance"], clean_eureka.api.instance("WEB", ID)) == shown["instance"]
    (lines,) = blocks("eureka.md", "xml")
    xml = clean_eureka.api.request("GET", f"apps/WEB/{ID}", accept="application/xml").decode()
    assert [line for line in lines.splitlines() if line not in xml] == []
