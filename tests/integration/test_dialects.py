"""Label dialects together, on real containers: which one reads which container."""

import json

import pytest

from servers import syncer as command

PLAIN = {"syncer.plain.port": "8000", "syncer.plain.tags": "a,b"}
SERVICE = {"SERVICE_NAME": "service"}
TRAEFIK = {
    "traefik.http.routers.r.rule": "Host(`a`)",
    "traefik.http.services.balanced.loadbalancer.server.port": "8000",
}


@pytest.fixture
def containers(clean_docker):
    """One container for each dialect, one with all of them, one with none, two that say no."""
    for name, labels in {
        "plain": PLAIN,
        "service": SERVICE,
        "traefik": TRAEFIK,
        "all": PLAIN | SERVICE | TRAEFIK,
        "none": {},
        "no-plain": SERVICE | TRAEFIK | {"syncer.enable": "false"},
        "no-traefik": TRAEFIK | {"traefik.enable": "false"},
    }.items():
        clean_docker.run(name, ports={"8000/tcp": None}, labels=labels)
    return clean_docker


@pytest.fixture
def registered(containers, tmp_path):
    """What is registered, by container: `registered("parsers.order=labels")`."""
    path = tmp_path / "registry.json"

    def found(*settings):
        arguments = ["--source", f"docker={containers.address}", "--sink", f"file={path}"]
        settings = ("sources.docker.scope=h", "guard.mode=off", *settings)
        for setting in settings:
            arguments += ["--set", setting]
        done = command.command("apply", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        entries = json.loads(path.read_text())["registrations"]
        return {entry["id"].split(":")[1]: entry for entry in entries}

    return found


def names(entries):
    return {container: entry["service"] for container, entry in entries.items()}


def test_by_default_plain_labels_come_first_and_the_rest_is_registrators(registered):
    """Of a container with several kinds of label only one kind counts."""
    assert names(registered()) == {
        "plain": "plain",
        "all": "plain",
        "service": "service",
        "traefik": "syncer-test",
        "none": "syncer-test",
        "no-traefik": "syncer-test",
    }


def test_traefiks_labels_before_registrators(registered):
    """In the order of the configuration, and a refusal holds for those that come later."""
    assert names(registered("parsers.order=labels,traefik,registrator")) == {
        "plain": "plain",
        "all": "plain",
        "service": "service",
        "traefik": "balanced",
        "none": "syncer-test",
    }


def test_registrator_leaves_what_is_not_named(registered):
    """With `explicit` it can be first, and the others find something to read."""
    entries = registered(
        *("parsers.order=registrator,traefik,labels", "parsers.registrator.explicit=true"),
        "parsers.traefik.pass_on=tags",
    )
    assert names(entries) == {
        "plain": "plain",
        "all": "service",
        "service": "service",
        "traefik": "balanced",
        "no-plain": "service",
    }
    assert entries["traefik"]["tags"] == ["traefik.http.routers.r.rule=Host(`a`)"]
    assert entries["plain"]["tags"] == ["a", "b"]
