"""A real Docker engine, a real Consul: what labels can do, and what the engine is asked."""

import pytest

from servers.docker import health_check
from servers.docker_proxy import ALLOWED
from servers.syncer import command
from servers.syncer_fixtures import start_syncer
from servers.waiting import wait_until

__all__ = ["start_syncer"]
PORTS = {"8000/tcp": None}


@pytest.fixture
def sink(clean_consul):
    """The flags for Consul."""
    return ("--sink", f"consul=http://{clean_consul.address}")


@pytest.fixture
def here(clean_docker, sink):
    """Docker to Consul, under a host name of the tests' own."""
    source = ("--source", f"docker={clean_docker.address}", "--advertise", "127.0.0.1")
    return (*source, "--set", "sources.docker.scope=host1", *sink)


def wait_ids(consul, *ids):
    wait_until(lambda: set(consul.api.services()) == set(ids), 30, f"the services to be {ids}")


class TestReadOnly:
    """Rights to read are enough: a proxy that lets nothing else through is no hindrance."""

    def test_a_whole_life_through_a_proxy(
        self, docker_proxy, clean_docker, clean_consul, sink, start_syncer
    ):
        """Start, health, restart, stop, and every command; only what the docs name is asked."""
        source = ("--source", f"docker={docker_proxy.address}", "--advertise", "127.0.0.1")
        here = (*source, "--set", "sources.docker.scope=host1", *sink)
        clean_docker.run("early", labels={"SERVICE_NAME": "web"}, ports=PORTS)
        start_syncer(*here).wait_said("source listed")
        wait_ids(clean_consul, "host1:early:8000")
        clean_docker.run(
            "web", labels={"SERVICE_NAME": "web"}, ports=PORTS, healthcheck=health_check()
        )
        wait_ids(clean_consul, "host1:early:8000", "host1:web:8000")
        wait_until(lambda: len(clean_consul.api.passing_ids("web")) == 2, 30, "both to pass")
        clean_docker.set_healthy("web", False)
        wait_until(lambda: len(clean_consul.api.passing_ids("web")) == 1, 30, "one to fail")
        clean_docker.container("web").restart(timeout=1)
        wait_ids(clean_consul, "host1:early:8000", "host1:web:8000")
        clean_docker.container("web").stop(timeout=5)
        clean_docker.remove("early")
        wait_ids(clean_consul)
        for words in (("plan",), ("apply",), ("explain", "web"), ("purge", "--yes")):
            done = command(*words, *here)
            assert "403" not in done.stdout + done.stderr
        assert docker_proxy.refused == []
        assert docker_proxy.asked <= {f"GET {path}" for path in ALLOWED}
        assert {"GET /containers/json", "GET /containers/ID/json", "GET /events"} <= (
            docker_proxy.asked
        )

    def test_the_proxy_refuses_all_else(self, docker_proxy):
        """Else the test above would prove nothing."""
        import docker

        client = docker.APIClient(base_url=docker_proxy.address)
        for ask in (
            lambda: client.create_container("x"),
            lambda: client.images(),
            lambda: client.exec_create("x", "sh"),
        ):
            with pytest.raises(docker.errors.APIError, match="403"):
                ask()
        client.close()


class TestCommands:
    """Labels cannot have commands run, unless the operator says so."""

    LABELS = {
        "SERVICE_NAME": "web",
        "SERVICE_CHECK_SCRIPT": "touch /tmp/pwned",
        "SERVICE_CHECK_DOCKER": "touch /tmp/pwned",
        "SERVICE_CHECK_CMD": "touch /tmp/pwned",
    }

    def test_off_by_default(self, clean_docker, clean_consul, here):
        """The service is registered without the check, and a problem names the setting."""
        clean_docker.run("web", labels=self.LABELS, ports=PORTS)
        done = command("run", "--once", *here)
        assert set(clean_consul.api.services()) == {"host1:web:8000"}
        assert clean_consul.api.checks() == {}
        assert "script checks run commands and are off (script_checks)" in done.stderr
        assert "docker checks run commands and are off (script_checks)" in done.stderr

    def test_on_by_the_operator(self, clean_docker, clean_consul, here):
        """Then the agent decides by its own setting: here it takes none, and a problem says so."""
        clean_docker.run("web", labels=self.LABELS, ports=PORTS)
        done = command("run", "--once", *here, "--set", "sinks.consul.script_checks=true")
        assert set(clean_consul.api.services()) == {"host1:web:8000"}
        assert clean_consul.api.checks() == {}
        assert "run commands and are off" not in done.stderr
        assert "enable_script_checks" in done.stderr


class TestTakeOver:
    """Labels cannot displace what others registered, nor pretend to be syncer's mark."""

    def test_an_id_of_another_workload(self, clean_docker, clean_consul, here):
        """It keeps its registration; the thief gets its own id, and is told why."""
        clean_docker.run("victim", labels={"SERVICE_NAME": "web"}, ports=PORTS)
        assert command("apply", *here).returncode == 0
        before = clean_consul.api.services()["host1:victim:8000"]
        labels = {"SERVICE_NAME": "evil", "SERVICE_ID": "host1:victim:8000"}
        clean_docker.run("athief", labels=labels, ports=PORTS)
        assert command("apply", *here).returncode == 0
        found = clean_consul.api.services()
        assert found.keys() == {"host1:victim:8000", "host1:athief:8000"}
        assert found["host1:victim:8000"] == before
        assert 'ids = "any"' in command("explain", "athief", *here).stdout

    def test_an_id_of_another_workload_where_labels_may_choose_any(
        self, clean_docker, clean_consul, here
    ):
        """As in registrator; but who comes first has it no longer than its own workload is away."""
        free = (*here, "--set", "sources.docker.ids=any")
        labels = {"SERVICE_NAME": "evil", "SERVICE_ID": "host1:victim:8000"}
        clean_docker.run("athief", labels=labels, ports=PORTS)
        assert command("apply", *free).returncode == 0
        assert clean_consul.api.services()["host1:victim:8000"]["Service"] == "evil"
        clean_docker.run("victim", labels={"SERVICE_NAME": "web"}, ports=PORTS)
        done = command("apply", *free)
        assert "duplicate" in done.stdout
        (found,) = clean_consul.api.services().values()
        assert found["Service"] == "web"

    def test_an_id_of_somebody_else(self, clean_docker, clean_consul, here):
        """Neither one without a mark nor one of another host is touched, ever."""
        mark = {"owner": "syncer", "scope": "host2", "source": "docker", "workload": "x"}
        meta = {f"syncer-{name}": text for name, text in {**mark, "digest": "0" * 32}.items()}
        for id_, found in (("theirs", {}), ("host2:web:80", meta)):
            clean_consul.api.register({"ID": id_, "Name": "web", "Port": 1, "Meta": found})
        before = clean_consul.api.services()
        free = (*here, "--set", "sources.docker.ids=any")
        for number, id_ in enumerate(before):
            labels = {"SERVICE_NAME": "evil", "SERVICE_ID": id_}
            clean_docker.run(f"thief{number}", labels=labels, ports=PORTS)
        done = command("apply", *free)
        assert done.stdout.count("conflict") == 2
        for number in range(2):
            clean_docker.remove(f"thief{number}")
        command("apply", *free)
        assert clean_consul.api.services() == before

    def test_a_mark_in_labels_is_none(self, clean_docker, clean_consul, here):
        """Metadata and tags that look like the mark are left out, or are what they are: text."""
        forged = ("owner", "scope", "source", "workload", "digest", "checks", "via", "hold")
        labels = {f"SERVICE_SYNCER-{name}": "evil" for name in forged}
        labels |= {f"SERVICE_syncer-{name}": "evil" for name in forged}
        tags = "syncer-owner=evil,syncer-scope=host2"
        clean_docker.run("web", labels={"SERVICE_TAGS": tags, **labels}, ports=PORTS)
        assert command("apply", *here).returncode == 0
        (found,) = clean_consul.api.services().values()
        assert found["Meta"]["syncer-owner"] == "syncer"
        assert found["Meta"]["syncer-scope"] == "host1"
        assert "evil" not in found["Meta"].values()
        clean_docker.remove("web")
        assert command("apply", *here).returncode == 0
        assert clean_consul.api.services() == {}
