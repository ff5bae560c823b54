"""The servers themselves: what the tests of syncer take for granted about them."""

import http.client
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from servers.consul import ACL, ConsulApi
from servers.process import free_port
from servers.waiting import holds_for, wait_until


def status_of(url):
    """The HTTP status that a page answers with, `None` if nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, http.client.HTTPException):
        return None


def wait_served(url, status=200):
    """Wait until a page answers with a status."""
    wait_until(lambda: status_of(url) == status, 10, f"{url} to answer {status}")


WEB = {"Name": "web", "ID": "web-1", "Address": "10.0.0.1", "Port": 80, "Tags": ["a"]}


class TestDocker:
    """The engine and its containers."""

    def test_published_port_and_bridge_address_serve(self, clean_docker):
        """A published port answers on the host's loopback, and the container at its address."""
        clean_docker.run("web", ports={"8000/tcp": None}, labels={"a": "b"})
        wait_served(f"http://127.0.0.1:{clean_docker.host_port('web')}/health")
        wait_served(f"http://{clean_docker.ip('web')}:8000/health")
        assert clean_docker.container("web").labels["a"] == "b"

    def test_health_page_follows_a_file(self, clean_docker):
        """/health answers 404 once the container's health file is gone."""
        clean_docker.run("web")
        url = f"http://{clean_docker.ip('web')}:8000/health"
        wait_served(url)
        clean_docker.set_healthy("web", healthy=False)
        wait_served(url, 404)

    def test_two_user_networks(self, clean_docker):
        """A container in two user networks answers at its address in each."""
        clean_docker.network("front")
        clean_docker.network("back")
        clean_docker.run("web", network="front")
        clean_docker.client.networks.get("back").connect("web")
        addresses = {clean_docker.ip("web", network) for network in ("front", "back")}
        assert len(addresses) == 2
        for address in addresses:
            wait_served(f"http://{address}:8000/health")

    def test_host_network(self, clean_docker):
        """A container on the host network serves on the host."""
        port = free_port()
        clean_docker.run("web", network="host", environment={"PORT": str(port)})
        wait_served(f"http://127.0.0.1:{port}/health")

    def test_ipv6(self, clean_docker):
        """The default bridge and a user network give out IPv6 addresses that answer."""
        clean_docker.network("six", v6_subnet="fd5c:213:ffff::/64")
        clean_docker.run("web")
        clean_docker.client.networks.get("six").connect("web")
        for network in ("bridge", "six"):
            wait_served(f"http://[{clean_docker.ip('web', network, v6=True)}]:8000/health")

    def test_udp_port_is_published(self, clean_docker):
        """A UDP port gets a port of the host."""
        clean_docker.run("dns", ports={"53/udp": None})
        assert clean_docker.host_port("dns", "53/udp") > 0

    def test_healthcheck(self, clean_docker):
        """A HEALTHCHECK turns healthy, and unhealthy when the page fails."""
        from servers.docker import health_check

        clean_docker.run("web", healthcheck=health_check())
        clean_docker.wait_healthy("web")
        clean_docker.set_healthy("web", healthy=False)
        clean_docker.wait_healthy("web", "unhealthy")

    def test_pause_and_stop(self, clean_docker):
        """Pausing works here (it needs the freezer), and a container stops at once when asked."""
        clean_docker.run("web")
        clean_docker.container("web").pause()
        assert clean_docker.container("web").status == "paused"
        clean_docker.container("web").unpause()
        clean_docker.container("web").stop(timeout=10)
        assert clean_docker.container("web").attrs["State"]["ExitCode"] == 0

    @pytest.mark.parametrize("end", ["stop", "kill"])
    def test_containers_survive_the_daemon(self, clean_docker, end):
        """With live restore a container serves on while dockerd is away, and is there after."""
        made = clean_docker.run("web")
        url = f"http://{clean_docker.ip('web')}:8000/health"
        wait_served(url)
        getattr(clean_docker, end)()
        assert not clean_docker.running()
        assert status_of(url) == 200
        clean_docker.start()
        assert clean_docker.container("web").status == "running"
        assert clean_docker.container("web").id == made
        assert clean_docker.execute("web", "cat", "/www/health") == "ok\n"

    def test_containers_stop_with_the_daemon(self, clean_docker):
        """Without live restore a restart of dockerd stops the containers."""
        clean_docker.restart(live_restore=False)
        clean_docker.run("web")
        clean_docker.restart()
        assert clean_docker.container("web").status == "exited"

    def test_plain_image_exposes_nothing(self, clean_docker):
        """One image has an exposed port, the other has none."""
        from servers.docker import IMAGE, PLAIN_IMAGE

        exposed = [
            clean_docker.client.images.get(image).attrs["Config"].get("ExposedPorts")
            for image in (IMAGE, PLAIN_IMAGE)
        ]
        assert exposed[0] == {"8000/tcp": {}}
        assert not exposed[1]

    def test_clean(self, clean_docker):
        """`clean` removes containers and networks, and brings a crashed dockerd back."""
        clean_docker.network("net")
        clean_docker.run("web", network="net")
        clean_docker.kill()
        clean_docker.clean()
        assert clean_docker.client.api.containers(all=True) == []
        assert {net.name for net in clean_docker.client.networks.list()} == {
            *("bridge", "host", "none")
        }


class TestConsul:
    """Single agents."""

    def test_register_and_deregister(self, clean_consul):
        """What is registered is listed by the agent and by the catalog, and goes again."""
        api = clean_consul.api
        api.register(WEB)
        assert api.services()["web-1"]["Port"] == 80
        wait_until(lambda: api.catalog("web"), 10, "the catalog to list web")
        api.deregister("web-1")
        wait_until(lambda: not api.catalog("web"), 10, "the catalog to drop web")

    def test_checks(self, clean_consul):
        """A failing check keeps a service from the passing ones; it can be removed by hand."""
        api = clean_consul.api
        check = {"CheckID": "c/1", "TCP": f"127.0.0.1:{free_port()}", "Interval": "1s"}
        api.register(WEB | {"Check": check})
        wait_until(lambda: api.health("web"), 10, "web in the catalog")
        assert api.passing_ids("web") == set()
        api.deregister_check("c/1")
        wait_until(lambda: api.passing_ids("web") == {"web-1"}, 10, "web to pass")

    def test_maintenance(self, clean_consul):
        """An operator's maintenance mode is a critical check."""
        clean_consul.api.register(WEB)
        clean_consul.api.maintenance("web-1", enable=True, reason="upgrade of disks")
        assert clean_consul.api.checks()["_service_maintenance:web-1"]["Status"] == "critical"

    def test_restarted_empty(self, clean_consul):
        """A development server that is restarted has forgotten all."""
        clean_consul.api.register(WEB)
        clean_consul.restart()
        assert clean_consul.api.services() == {}

    def test_persistent(self, start_consul):
        """A server with its data on disk keeps it over a crash, unless it is restarted empty."""
        agent = start_consul(persistent=True)
        agent.api.register(WEB)
        agent.kill()
        agent.start()
        assert list(agent.api.services()) == ["web-1"]
        agent.restart_empty()
        assert agent.api.services() == {}

    def test_frozen(self, clean_consul):
        """A frozen agent answers nothing; `clean` thaws it."""
        clean_consul.freeze()
        with pytest.raises(OSError, match="timed out"):
            urllib.request.urlopen(f"{clean_consul.url}/v1/status/leader", timeout=0.3)
        clean_consul.clean()
        assert clean_consul.api.leader()

    def test_acl(self, start_consul):
        """With ACLs a token may do what its rules say, and no token nothing."""
        agent = start_consul(config=ACL)
        agent.api.register(WEB)
        secret = agent.api.create_token('service_prefix "" { policy = "read" }')
        reader = ConsulApi(agent.url, secret)
        assert list(reader.services()) == ["web-1"]
        assert ConsulApi(agent.url).services() == {}
        with pytest.raises(urllib.error.HTTPError, match="Permission denied") as caught:
            reader.register(WEB)
        caught.value.close()


class TestCluster:
    """Three servers and a client agent."""

    def test_every_server_sees_what_the_client_registers(self, clean_consul_cluster):
        """A registration at the client agent shows up at every server."""
        clean_consul_cluster.api.register(WEB)
        for server in clean_consul_cluster.servers:
            wait_until(lambda api=server.api: api.catalog("web"), 10, f"web at {server.host}")

    def test_leader_killed(self, clean_consul_cluster):
        """The cluster elects another leader and takes registrations."""
        killed = clean_consul_cluster.kill_leader()
        assert clean_consul_cluster.wait_leader() is not killed
        clean_consul_cluster.api.register(WEB)
        wait_until(
            lambda: clean_consul_cluster.api.catalog("web"), 20, "web in the catalog", (OSError,)
        )


class TestFakeDocker:
    """The synthetic Docker API."""

    def test_sdk_accepts_it(self, fake_docker):
        """The Docker SDK lists, inspects and follows its containers."""
        docker = pytest.importorskip("docker")
        fake = fake_docker(containers=3, labels=[{"n": "{i}"}])
        client = docker.DockerClient(base_url=fake.address)
        assert [c.labels["n"] for c in client.containers.list()] == ["2", "1", "0"]
        events = client.events(decode=True, filters={"event": "start"})
        wait_until(lambda: fake.control("stats")["listeners"], 5, "the event stream")
        fake.control("add", name="late", ports=[[80, 8080]])
        assert next(events)["Actor"]["Attributes"]["name"] == "late"
        events.close()
        assert client.containers.get("late").ports["80/tcp"][0]["HostPort"] == "8080"
        fake.control("die", name="late")
        fake.control("rm", name="late")
        assert len(client.containers.list(all=True)) == 3
        client.close()

    def test_faults(self, fake_docker):
        """It fails on demand, and counts what it was asked."""
        docker = pytest.importorskip("docker")
        fake = fake_docker(containers=1)
        client = docker.DockerClient(base_url=fake.address)
        fake.control("fault", fail={"list": 500})
        with pytest.raises(docker.errors.APIError, match="injected fault"):
            client.containers.list()
        assert fake.control("stats")["requests"]["list"] == 1
        client.close()

    def test_lies(self, fake_docker):
        """Lists leave out what they are told to, or show what has just gone; answers break off."""
        docker = pytest.importorskip("docker")
        fake = fake_docker(containers=2)
        client = docker.DockerClient(base_url=fake.address)
        fake.control("fault", hide=["c0"], vanish=["c1"])
        assert [found["Names"] for found in client.api.containers()] == [["/c1"]]
        assert client.containers.get("c0").status == "running"
        with pytest.raises(docker.errors.NotFound):
            client.containers.get("c1")
        fake.control("fault", hide=[], vanish=[], cut={"list": 30})
        with pytest.raises(Exception, match=r"30 bytes read|IncompleteRead"):
            client.api.containers()
        client.close()

    def test_lost_and_half_events(self, fake_docker):
        """A quiet change sends no event, and any text can be sent in its place."""
        docker = pytest.importorskip("docker")
        fake = fake_docker(containers=2)
        client = docker.DockerClient(base_url=fake.address)
        events = client.events(filters={"event": ["start", "die"]})
        wait_until(lambda: fake.control("stats")["listeners"], 5, "the event stream")
        fake.control("die", name="c0", quiet=True)
        fake.control("say", text='{"half')
        assert next(events) == b'{"half'
        events.close()
        client.close()

    def test_health_and_names_change(self, fake_docker):
        """Health and a new name are in the list, in the description, and in events."""
        docker = pytest.importorskip("docker")
        fake = fake_docker(containers=1)
        client = docker.DockerClient(base_url=fake.address)
        events = client.events(decode=True, filters={"event": ["health_status", "rename"]})
        wait_until(lambda: fake.control("stats")["listeners"], 5, "the event stream")
        fake.control("health", name="c0", health="unhealthy")
        fake.control("rename", name="c0", to="shop")
        assert next(events)["Action"] == "health_status: unhealthy"
        assert next(events)["Actor"]["Attributes"]["oldName"] == "/c0"
        [listed] = client.api.containers()
        assert (listed["Names"], listed["Status"]) == (["/shop"], "Up 1 second (unhealthy)")
        assert client.containers.get("shop").health == "unhealthy"
        events.close()
        client.close()


KILLED_RUN = """
import signal, sys, time
from servers.process import Guard, Server
guard = Guard()
# A server that leaves an orphan, as a Docker engine leaves its shims.
server = Server(guard, "sleepers", ["sh", "-c", "(setsid sleep 1000 & echo $! >&2) ; sleep 1000"])
server.start(lambda: server.tail(1).strip().isdigit())
print(guard.folder, server.pid, server.tail(1).strip(), flush=True)
time.sleep(1000)
"""


def test_servers_die_with_a_killed_run():
    """After kill -9 of the test runner its servers, their orphans and their files go."""
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[1]))
    command = [sys.executable, "-c", KILLED_RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as runner:
        try:
            folder, *pids = runner.stdout.readline().split()
            assert all(Path("/proc", pid).exists() for pid in pids)
        finally:
            runner.send_signal(signal.SIGKILL)
    left = [Path("/proc", pid) for pid in pids] + [Path(folder)]
    wait_until(lambda: not any(path.exists() for path in left), 10, f"{left} to go")


def test_wait_until_says_what_it_waited_for(monkeypatch):
    """A deadline that passes names the condition and the last answer or error."""
    monkeypatch.setattr("servers.waiting.PATIENCE", 0)
    with pytest.raises(AssertionError, match="waited 0 s for rain; last answer: 0"):
        wait_until(lambda: 0, 0, "rain")
    with pytest.raises(AssertionError, match="last error: FileNotFoundError"):
        wait_until(lambda: os.stat("/does/not/exist"), 0, "a file", (OSError,))
    with pytest.raises(AssertionError, match="it ended"):
        holds_for(lambda: False, 0.1, "it ended")
