"""One Docker host in several registries at once: each fails and recovers alone."""

import json
import urllib.error

import pytest

from servers.docker import health_check
from servers.waiting import holds_for, wait_until

NAMES = ("consul", "consulkv", "etcd", "eureka", "zookeeper")


class Registries:
    """What the registries say is fit for use, in their own words."""

    def __init__(self, **servers):
        self.servers = servers
        consul, kv, etcd, eureka, zookeeper = (servers[name] for name in NAMES)
        self._look = {
            "consul": lambda service: consul.api.passing_ids(service),
            "consulkv": lambda service: ids_in(keys_of(kv.api, f"services/{service}/")),
            "etcd": lambda service: ids_in(etcd.api.values(f"/services/{service}/")),
            "eureka": lambda service: {
                one["metadata"]["syncer-id"]
                for one in eureka.api.instances(service)
                if one["status"] == "UP"
            },
            "zookeeper": lambda service: {
                id_
                for id_, value in by_name(zookeeper.values("/services"), service)
                if json.loads(value)["status"] == "up"
            },
        }

    @property
    def sinks(self):
        """The flags of `syncer run`."""
        consul, kv, etcd, eureka, zookeeper = (self.servers[name] for name in NAMES)
        return (
            *("--sink", f"consul=http://{consul.address}"),
            *("--sink", f"consulkv://{kv.address}/services"),
            *("--sink", f"etcd://{etcd.address}/services"),
            *("--sink", f"eureka={eureka.url}"),
            *("--sink", f"zookeeper://{zookeeper.address}/services?layout=json"),
        )

    def fit(self, name, service="web"):
        """The ids that this registry offers to consumers."""
        return self._look[name](service)

    def wait(self, ids, service="web", names=NAMES, deadline=60):
        """Wait until exactly these ids are offered in each registry."""
        for name in names:
            wait_until(
                lambda name=name: self.fit(name, service) == set(ids),
                deadline,
                f"{name} offers {sorted(ids)} of {service}",
                ignore=(OSError,),
            )


def keys_of(api, prefix):
    """The keys of Consul's store; where there are none it answers 404."""
    try:
        return api.get(f"kv/{prefix}", keys="")
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return ()


def ids_in(keys):
    """The last parts of keys."""
    return {key.rpartition("/")[2] for key in keys}


def by_name(values, service):
    """The id and value of each node of a service."""
    for path, value in values.items():
        if path.split("/")[2] == service:
            yield path.rpartition("/")[2], value


@pytest.fixture
def registries(start_consul, clean_etcd, clean_eureka, clean_zookeeper):
    """Servers that may be killed; two agents of Consul, so that each sink has a server."""
    return Registries(
        consul=start_consul(),
        consulkv=start_consul(),
        etcd=clean_etcd,
        eureka=clean_eureka,
        zookeeper=clean_zookeeper,
    )


@pytest.fixture
def web(clean_docker):
    """Starts a container of the service `web`; returns the id of its instance."""

    def start(name="web1", **options):
        options = {"labels": {"SERVICE_NAME": "web"}, "ports": {"8000/tcp": None}, **options}
        clean_docker.run(name, **options)
        return f"host1:{name}:8000"

    return start


@pytest.fixture
def syncer(registries, clean_docker, start_syncer):  # it ends before anything is cleaned
    """`syncer run` from Docker to all of them."""
    running = start_syncer(
        *("--source", f"docker={clean_docker.address}", "--advertise", "127.0.0.1"),
        *("--set", "sources.docker.scope=host1"),
        *registries.sinks,
    )
    running.wait_said("source listed")
    return running


def test_what_runs_is_in_all_of_them(syncer, registries, web, clean_docker):
    """A start, a change of health and a stop appear in each, in its own words."""
    id_ = web(healthcheck=health_check())
    registries.wait([id_])
    clean_docker.set_healthy("web1", False)
    registries.wait([])
    clean_docker.set_healthy("web1", True)
    registries.wait([id_])
    clean_docker.remove("web1")
    registries.wait([])


def test_the_same_label_means_the_same_in_all_of_them(syncer, registries, web, clean_docker):
    """Consul probes by itself, syncer for the others, with the same result."""
    labels = {
        "SERVICE_NAME": "web",
        "SERVICE_CHECK_HTTP": "/health",
        "SERVICE_CHECK_INTERVAL": "1s",
    }
    id_ = web(labels=labels)
    registries.wait([])
    clean_docker.set_healthy("web1", True)
    registries.wait([id_])
    clean_docker.set_healthy("web1", False)
    registries.wait([])


@pytest.mark.parametrize("broken", NAMES)
def test_one_that_dies_costs_no_other(syncer, registries, web, clean_docker, broken):
    """While one is away the others go on; when it comes back, empty, it is filled again."""
    ids = [web(f"web{n}") for n in range(3)]
    registries.wait(ids)
    others = [name for name in NAMES if name != broken]
    registries.servers[broken].kill()
    ids.append(web("late"))
    registries.wait(ids, names=others, deadline=20)
    clean_docker.remove("web0")
    registries.wait(ids[1:], names=others, deadline=20)
    restart_empty(registries.servers[broken], broken)
    registries.wait(ids[1:], names=[broken])
    holds_for(
        lambda: all(registries.fit(name) == set(ids[1:]) for name in NAMES), 3, "all stay equal"
    )


def restart_empty(server, name):
    """Start a server that was killed, without its data."""
    if name in ("etcd", "zookeeper"):
        server.restart_empty()
    else:
        server.start()
