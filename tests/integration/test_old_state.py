"""What engines go on showing though it is over, and containers that are no backends."""

import pytest

from servers.docker import health_check
from servers.syncer import command
from servers.waiting import wait_until

WEB = {"labels": {"SERVICE_NAME": "web"}, "ports": {"8000/tcp": None}}


@pytest.fixture
def explained(clean_docker):
    """What `syncer explain` says of a container."""

    def explain(name, *more):
        done = command("explain", name, "--source", f"docker={clean_docker.address}", *more)
        return done.stdout

    return explain


def test_a_sidecar_of_a_restarted_container(start_syncer, parts, clean_docker, services, explained):
    """It goes when the owner of its network is restarted, and comes back with its own restart."""
    owner = clean_docker.run(
        "vpn", labels={"SERVICE_IGNORE": "true"}, ports={"8000/tcp": ("0.0.0.0", None)}
    )
    clean_docker.image("side:1", "EXPOSE 8000", "ENV SERVICE_NAME=qbit")
    sleep = ["sleep", "100000"]
    clean_docker.run("qbit", image="side:1", command=sleep, network_mode=f"container:{owner}")
    syncer = start_syncer(*parts, "--advertise", "127.0.0.1")
    wait_until(lambda: list(services()) == ["host1:qbit:8000"], 30, "the sidecar to be there")
    clean_docker.container("vpn").restart(timeout=0)
    syncer.wait_said("problem", workload="qbit")
    wait_until(lambda: services() == {}, 30, "the sidecar to go")
    assert "started before vpn, whose network it shares" in explained("qbit", "--sink", "memory")
    clean_docker.container("qbit").restart(timeout=0)
    wait_until(lambda: list(services()) == ["host1:qbit:8000"], 30, "the sidecar to come back")


def test_what_a_healthcheck_printed(start_syncer, parts, clean_docker, clean_consul, explained):
    """It is in Consul's check, and in `explain`."""
    check = health_check("echo all is well; test -e /www/health", interval=0.3)
    clean_docker.run("web", healthcheck=check, **WEB)
    clean_docker.wait_healthy("web")
    start_syncer(*parts, "--advertise", "127.0.0.1")

    def output(text):
        outputs = [one["Output"] for one in clean_consul.api.checks().values()]
        return text in outputs

    wait_until(lambda: output("running: all is well"), 30, "what it said to be in Consul")
    clean_docker.set_healthy("web", False)
    wait_until(lambda: output("health: unhealthy: all is well"), 30, "it to be ill there")
    assert "health check said: all is well" in explained("web", "--sink", "memory")


def test_a_one_off_container(clean_docker, explained):
    """`docker compose run` gives it the labels of its service; it is registered if it asks."""
    one_off = {"com.docker.compose.oneoff": "True", "SERVICE_NAME": "web"}
    clean_docker.run("run", labels=one_off, ports={"8000/tcp": None})
    clean_docker.run("asks", labels=one_off | {"SERVICE_REGISTER": "true"})
    for flags in ((), ("--internal",)):
        assert "it is a one-off container" in explained("run", "--sink", "memory", *flags)
        assert "one-off" not in explained("asks", "--sink", "memory", *flags)
    setting = ("--set", "sources.docker.one_offs=true")
    assert "to be registered" in explained("run", "--sink", "memory", *setting)


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        ({"SERVICE_NAME": "dns", "SERVICE_CHECK_HTTP": "/"}, 1),
        ({"SERVICE_NAME": "dns", "SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_PORT": "80"}, 2),
        ({"syncer.dns.port": "53/udp", "syncer.dns.check.grpc": "true"}, 0),
    ],
)
def test_a_check_at_a_port_of_another_protocol(clean_docker, labels, kept):
    """It is left out there, whatever the dialect, and said."""
    ports = {"53/udp": None, "80/tcp": None}
    clean_docker.run("dns1", labels=labels, ports=ports)
    source = ("--source", f"docker={clean_docker.address}")
    said = command("explain", "dns1", *source, "--sink", "memory").stdout
    assert said.count(" every 10s") == kept
    assert ("is left out" in said) is (kept < 2)
