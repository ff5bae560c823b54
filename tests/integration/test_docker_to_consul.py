"""A real Docker engine, a real Consul and `syncer run` between them."""

import pytest

from servers.docker import health_check
from servers.waiting import holds_for, wait_until

CHANGES = ("registered", "updated", "deregistered")


@pytest.fixture
def syncer(start_syncer, parts):
    """`syncer run` from Docker to Consul, published ports at 127.0.0.1."""
    running = start_syncer(*parts, "--advertise", "127.0.0.1")
    running.wait_said("source listed")
    return running


def wait_services(consul, ids, deadline=20):
    """Wait until exactly these service ids are registered; returns the services by id."""
    wait_until(
        lambda: set(consul.api.services()) == set(ids),
        deadline,
        f"the services to be {sorted(ids)}, not {sorted(consul.api.services())}",
    )
    return consul.api.services()


def test_a_container_named_by_a_label_is_registered_and_removed(syncer, clean_docker, clean_consul):
    """A published port is registered with name, tags, address, port; `docker rm -f` removes it."""
    clean_docker.run(
        "web1",
        labels={"SERVICE_NAME": "web", "SERVICE_TAGS": "b,a", "SERVICE_TEAM": "blue"},
        ports={"8000/tcp": None},
    )
    found = wait_services(clean_consul, ["host1:web1:8000"])["host1:web1:8000"]
    assert found["Service"] == "web"
    assert found["Address"] == "127.0.0.1"
    assert found["Port"] == clean_docker.host_port("web1")
    assert found["Tags"] == ["b", "a"]
    assert found["Meta"]["team"] == "blue"
    assert found["Meta"]["syncer-owner"] == "syncer"
    clean_docker.remove("web1")
    wait_services(clean_consul, [])


def test_a_container_named_by_its_environment_is_registered(syncer, clean_docker, clean_consul):
    """SERVICE_NAME counts in the environment too; other variables are not published."""
    clean_docker.run(
        "web2",
        environment={"SERVICE_NAME": "envweb", "SERVICE_PASSWORD": "geheim", "OTHER": "x"},
        ports={"8000/tcp": None},
    )
    found = wait_services(clean_consul, ["host1:web2:8000"])["host1:web2:8000"]
    assert found["Service"] == "envweb"
    assert "geheim" not in str(found)


def test_a_service_passes_only_once_its_check_has_passed(syncer, clean_docker, clean_consul):
    """SERVICE_CHECK_HTTP is run by Consul; while it fails the instance is not among the passing."""
    clean_docker.run(
        "web3",
        labels={
            "SERVICE_NAME": "checked",
            "SERVICE_CHECK_HTTP": "/health",
            "SERVICE_CHECK_INTERVAL": "1s",
            "SERVICE_CHECK_TIMEOUT": "1s",
        },
        command=["sh", "-c", "rm /www/health; trap 'exit 0' TERM; httpd -f -p 8000 -h /www & wait"],
        ports={"8000/tcp": None},
    )
    wait_services(clean_consul, ["host1:web3:8000"])
    (check,) = clean_consul.api.checks().values()
    assert check["ServiceID"] == "host1:web3:8000"
    assert check["Definition"]["HTTP"].endswith("/health") if check["Definition"] else True
    wait_until(
        lambda: "404" in next(iter(clean_consul.api.checks().values()))["Output"],
        20,
        "Consul to have run the check",
    )
    assert clean_consul.api.passing_ids("checked") == set()
    clean_docker.set_healthy("web3", True)
    wait_until(
        lambda: clean_consul.api.passing_ids("checked") == {"host1:web3:8000"},
        20,
        "the check to pass",
    )


def test_several_ports_and_udp_are_services_of_their_own(syncer, clean_docker, clean_consul):
    """With several ports names get the port, UDP an ending in the id and a tag."""
    clean_docker.run(
        "dns",
        labels={"SERVICE_NAME": "dns", "SERVICE_9000_NAME": "admin"},
        ports={"8000/tcp": None, "5353/udp": None, "9000/tcp": None},
    )
    ids = ["host1:dns:8000", "host1:dns:5353:udp", "host1:dns:9000"]
    found = wait_services(clean_consul, ids)
    assert found["host1:dns:8000"]["Service"] == "dns-8000"
    assert found["host1:dns:5353:udp"]["Service"] == "dns-5353"
    assert found["host1:dns:5353:udp"]["Tags"] == ["udp"]
    assert found["host1:dns:9000"]["Service"] == "admin"


def test_host_network_registers_the_exposed_port(syncer, clean_docker, clean_consul):
    """In host network mode the container's port is the host's."""
    clean_docker.image("syncer-test:exposed", "EXPOSE 8099", 'CMD ["sleep", "1000"]')
    clean_docker.run(
        "hostnet",
        image="syncer-test:exposed",
        command=["sleep", "1000"],
        network_mode="host",
        labels={"SERVICE_NAME": "hosted"},
    )
    found = wait_services(clean_consul, ["host1:hostnet:8099"])["host1:hostnet:8099"]
    assert (found["Address"], found["Port"]) == ("127.0.0.1", 8099)


def test_internal_mode_takes_the_named_network(start_syncer, parts, clean_docker, clean_consul):
    """With two networks and internal mode, the container's address in the chosen one counts."""
    clean_docker.network("front")
    clean_docker.network("back")
    syncer = start_syncer(
        *parts, "--internal", "--set", 'sources.docker.addresses.networks=["back"]'
    )
    syncer.wait_said("source listed")
    clean_docker.image("syncer-test:exposed", "EXPOSE 8099", 'CMD ["sleep", "1000"]')
    clean_docker.run(
        "two",
        image="syncer-test:exposed",
        command=["sleep", "1000"],
        network="front",
        labels={"SERVICE_NAME": "two"},
    )
    clean_docker.client.networks.get("back").connect("two")
    wait_until(
        lambda: (
            clean_consul.api.services().get("host1:two:8099", {}).get("Address")
            == clean_docker.ip("two", "back")
        ),
        20,
        "the address in network back",
    )
    clean_docker.client.networks.get("back").disconnect("two")
    wait_until(
        lambda: (
            clean_consul.api.services()["host1:two:8099"]["Address"]
            == clean_docker.ip("two", "front")
        ),
        20,
        "the address in network front after back was left",
    )


def test_ipv6_addresses_are_registered_with_a_working_check(
    start_syncer, parts, clean_docker, clean_consul
):
    """With family ipv6 the container's IPv6 address is registered, and Consul can check it."""
    syncer = start_syncer(*parts, "--internal", "--set", "sources.docker.addresses.family=ipv6")
    syncer.wait_said("source listed")
    clean_docker.image("syncer-test:exposed6", "EXPOSE 8000")
    clean_docker.run(
        "six",
        image="syncer-test:exposed6",
        command=["sh", "-c", "trap 'exit 0' TERM; httpd -f -p '[::]:8000' -h /www & wait"],
        labels={
            "SERVICE_NAME": "six",
            "SERVICE_CHECK_HTTP": "/health",
            "SERVICE_CHECK_INTERVAL": "1s",
        },
    )
    found = wait_services(clean_consul, ["host1:six:8000"])["host1:six:8000"]
    assert found["Address"] == clean_docker.ip("six", v6=True)
    wait_until(lambda: clean_consul.api.passing_ids("six"), 20, "the IPv6 check to pass")


def test_the_containers_healthcheck_is_mirrored(syncer, clean_docker, clean_consul):
    """A HEALTHCHECK going healthy and unhealthy is what Consul says of the service."""
    clean_docker.run(
        "health",
        labels={"SERVICE_NAME": "health"},
        ports={"8000/tcp": None},
        healthcheck=health_check(interval=0.3),
    )

    def passing():
        return clean_consul.api.passing_ids("health")

    wait_until(passing, 20, "the healthy container to pass")
    clean_docker.execute("health", "rm", "/www/health")
    wait_until(lambda: not passing(), 20, "the unhealthy container to fail")
    assert list(clean_consul.api.services()) == ["host1:health:8000"]
    clean_docker.execute("health", "touch", "/www/health")
    wait_until(passing, 20, "the container to pass again")


def test_a_paused_container_does_not_pass(syncer, clean_docker, clean_consul):
    """Pause takes an instance out of the passing ones, unpause brings it back."""
    clean_docker.run("lazy", labels={"SERVICE_NAME": "lazy"}, ports={"8000/tcp": None})

    def passing():
        return clean_consul.api.passing_ids("lazy")

    wait_until(passing, 20, "the service to be there")
    clean_docker.container("lazy").pause()
    wait_until(lambda: not passing(), 20, "the paused service not to pass")
    assert list(clean_consul.api.services()) == ["host1:lazy:8000"]
    clean_docker.container("lazy").unpause()
    wait_until(passing, 20, "the service to pass again")


def test_a_rename_and_a_restart_with_a_new_port_are_followed(syncer, clean_docker, clean_consul):
    """After a rename the id changes; after a restart the new published port is registered."""
    clean_docker.run("old", labels={"SERVICE_NAME": "mover"}, ports={"8000/tcp": None})
    wait_services(clean_consul, ["host1:old:8000"])
    clean_docker.container("old").rename("new")
    wait_services(clean_consul, ["host1:new:8000"])
    clean_docker.container("new").restart(timeout=5)
    wait_until(
        lambda: (
            clean_consul.api.services().get("host1:new:8000", {}).get("Port")
            == clean_docker.host_port("new")
        ),
        20,
        "the new published port to be registered",
    )


def test_a_burst_of_starts_and_stops_leaves_consul_equal(syncer, clean_docker, clean_consul):
    """Fifty containers that start and stop at once leave neither a gap nor a leftover."""
    for number in range(50):
        clean_docker.run(
            f"burst{number}",
            labels={"SERVICE_NAME": "burst"},
            ports={"8000/tcp": None},
            command=["sleep", "1000"],
        )
    wait_services(clean_consul, [f"host1:burst{n}:8000" for n in range(50)], deadline=60)
    for number in range(0, 50, 2):
        clean_docker.remove(f"burst{number}")
    for number in range(1, 50, 4):
        clean_docker.container(f"burst{number}").kill()
    left = [f"host1:burst{n}:8000" for n in range(3, 50, 4)]
    wait_services(clean_consul, left, deadline=60)


def test_foreign_services_are_never_touched(syncer, clean_docker, clean_consul):
    """What others registered stays as it is, also under an id that we want."""
    foreign = {"ID": "host1:web:8000", "Name": "theirs", "Port": 1, "Address": "192.0.2.1"}
    clean_consul.api.register(foreign)
    clean_consul.api.register({"Name": "other"})
    clean_docker.run("web", labels={"SERVICE_NAME": "web"}, ports={"8000/tcp": None})
    syncer.wait_said("change held back", why="conflict", id="host1:web:8000")
    clean_docker.remove("web")
    holds_for(
        lambda: clean_consul.api.services()["host1:web:8000"]["Service"] == "theirs",
        1,
        "the foreign service is still there",
    )
    assert set(clean_consul.api.services()) == {"host1:web:8000", "other"}


def test_hand_edits_are_put_right(syncer, clean_docker, clean_consul):
    """Port, tag, meta, a removed check, a removed entry: each is put right by itself."""
    clean_docker.run(
        "web",
        labels={"SERVICE_NAME": "web", "SERVICE_TAGS": "a", "SERVICE_CHECK_TCP": "true"},
        ports={"8000/tcp": None},
    )
    (right,) = wait_services(clean_consul, ["host1:web:8000"]).values()
    (check,) = clean_consul.api.checks()

    def is_right():
        now = clean_consul.api.services().get("host1:web:8000")
        same = now and all(now[k] == right[k] for k in ("Port", "Tags", "Meta", "Address"))
        return same and check in clean_consul.api.checks()

    body = {"ID": right["ID"], "Name": "web", "Address": right["Address"], "Port": right["Port"]}
    body |= {"Tags": right["Tags"], "Meta": right["Meta"]}
    for edit in ({"Port": 1}, {"Tags": ["b"]}, {"Meta": right["Meta"] | {"x": "y"}}):
        clean_consul.api.register(body | edit)
        wait_until(is_right, 10, f"{edit} to be put right")
    clean_consul.api.deregister_check(check)
    wait_until(is_right, 10, "the removed check to be back")
    clean_consul.api.deregister(right["ID"])
    wait_until(is_right, 10, "the removed entry to be back")
    syncer.wait_said("updated", drift=True)


def test_two_syncers_on_one_agent_leave_each_other_alone(
    syncer, start_syncer, parts, clean_docker, clean_consul
):
    """Another host's syncer on the same agent neither removes nor repeats our registrations."""
    clean_docker.run("web", labels={"SERVICE_NAME": "web"}, ports={"8000/tcp": None})
    wait_services(clean_consul, ["host1:web:8000"])
    other = start_syncer(*parts, "--advertise", "127.0.0.1", "--set", "sources.docker.scope=host2")
    wait_services(clean_consul, ["host1:web:8000", "host2:web:8000"])
    clean_docker.run("more", labels={"SERVICE_NAME": "more"}, ports={"8000/tcp": None})
    wait_services(
        clean_consul,
        [f"{host}:{name}:8000" for host in ("host1", "host2") for name in ("web", "more")],
    )
    for host, running in (("host1", syncer), ("host2", other)):
        running.wait_said("registered", count=2)
        done = [line["id"] for line in running.lines() if line["event"] in CHANGES]
        assert sorted(done) == [f"{host}:more:8000", f"{host}:web:8000"]


def test_a_container_named_as_the_id_of_another_inherits_nothing(
    start_syncer, parts, clean_docker, clean_consul
):
    """The engine takes such a name. While syncer was away the other one was removed."""
    id_ = clean_docker.run("orders", ports={"8000/tcp": None})
    first = start_syncer(*parts, "--advertise", "127.0.0.1")
    wait_services(clean_consul, ["host1:orders:8000"])
    first.stop()
    clean_docker.remove("orders")
    clean_docker.run(id_, labels={"SERVICE_IGNORE": "true"}, ports={"8000/tcp": None})
    assert clean_docker.container(id_).name == id_
    start_syncer(*parts, "--advertise", "127.0.0.1")
    wait_services(clean_consul, [])
