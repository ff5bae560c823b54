"""Health in registries that have none: `syncer registrator` keeps what registrator keeps."""

import urllib.request

import pytest

from servers.dropin import start_dropin
from servers.waiting import wait_until

__all__ = ["start_dropin"]

IP = "127.0.0.1"
SICK, PAUSED, LATER = "sick", "paused", "later"


@pytest.fixture
def containers(clean_docker):
    """A container whose check fails, and one that is paused."""
    clean_docker.run(SICK, labels=named(SICK, CHECK_HTTP="/none", CHECK_INTERVAL="1s"), ports=PORTS)
    clean_docker.run(PAUSED, labels=named(PAUSED), ports=PORTS)
    clean_docker.container(PAUSED).pause()
    yield clean_docker
    clean_docker.container(PAUSED).unpause()


PORTS = {"8000/tcp": ("0.0.0.0", None)}


def named(name, **keys):
    return {f"SERVICE_{key}": value for key, value in keys.items()} | {"SERVICE_NAME": name}


@pytest.fixture
def in_etcd(clean_etcd):
    """URI and reader of etcd."""
    return f"etcd://{clean_etcd.address}/services", lambda: clean_etcd.api.values("/services/")


@pytest.fixture
def in_skydns(clean_etcd):
    """URI and reader of etcd in SkyDNS' layout."""
    uri = f"skydns2://{clean_etcd.address}/cluster.local"
    return uri, lambda: clean_etcd.api.values("/skydns/")


@pytest.fixture
def in_consulkv(clean_consul):
    """URI and reader of Consul's store, which is emptied afterwards."""

    def keys():
        try:
            return clean_consul.api.get("kv/services/", keys="")
        except urllib.request.HTTPError:  # there are none
            return []

    yield f"consulkv://{clean_consul.address}/services", keys
    clean_consul.api.request("DELETE", "kv/", recurse="")


@pytest.fixture
def in_zookeeper(clean_zookeeper):
    """URI and reader of ZooKeeper."""

    def nodes():
        return [path for path in clean_zookeeper.values("/services") if path.count("/") == 3]

    return f"zookeeper://{clean_zookeeper.address}/services", nodes


@pytest.fixture(params=["in_etcd", "in_skydns", "in_consulkv", "in_zookeeper"])
def registry(request):
    """Each of them."""
    return request.getfixturevalue(request.param)


def found(keys):
    """The services that these keys are about."""
    return {name for name in (SICK, PAUSED, LATER) for key in keys if f"/{name}/" in key}


def wait_found(keys, wanted):
    wait_until(lambda: found(keys()) == wanted, 60, f"{wanted}, not {found(keys())}")


def test_what_is_unfit_stays(containers, registry, start_dropin):
    """A check means nothing in these registries, and so does a pause."""
    uri, keys = registry
    syncer = start_dropin("-ip", IP, uri, engine=containers)
    syncer.wait_said("health changed", status="critical", deadline=60)
    wait_found(keys, {SICK, PAUSED})
    # What comes later is registered after all that is known of the others.
    containers.run(LATER, labels=named(LATER), ports=PORTS)
    wait_found(keys, {SICK, PAUSED, LATER})
    assert not [line for line in syncer.said("deregistered")]


def test_what_is_unfit_goes_if_the_uri_asks_for_it(containers, in_etcd, start_dropin):
    """The option of the sink counts as ever."""
    uri, keys = in_etcd
    syncer = start_dropin("-ip", IP, f"{uri}?unhealthy=drop", engine=containers)
    syncer.wait_said("health changed", status="critical", deadline=60)
    containers.run(LATER, labels=named(LATER), ports=PORTS)
    wait_found(keys, {LATER})
