"""What is registered in one registry is kept in another: each direction on real servers."""

import pytest

from servers.waiting import holds_for, wait_until

#: Seconds for a change to travel: the registries' own lists may lag a little.
TRAVEL = 40


@pytest.fixture
def mirror(start_syncer):
    """Starts `syncer run` from registries to one registry."""

    def start(*sources, to, **settings):
        named = [part for source in sources for part in ("--source", source)]
        # Eureka tells nobody of changes: they are seen at the next full reading.
        settings = {"interval": "2s", **settings}
        extra = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        running = start_syncer(*named, "--sink", to, *extra)
        running.wait_said("source listed", count=len(sources))
        return running

    return start


def in_consul(consul, service="web"):
    """Id, address, port and tags of each instance, by Consul's own word."""
    return {
        one["ServiceID"]: (one["ServiceAddress"], one["ServicePort"], tuple(one["ServiceTags"]))
        for one in consul.api.catalog(service)
    }


def in_eureka(eureka, service="web"):
    """Address, port and status of each instance, by its id there."""
    return {
        one["instanceId"]: (one["ipAddr"], int(one["port"]["$"]), one["status"])
        for one in eureka.api.instances(service)
    }


def in_etcd(etcd, prefix="/services/"):
    """What stands in etcd."""
    return etcd.api.values(prefix)


def by_hand(id_="web-1", **fields):
    """A service as people register it in Consul."""
    service = {"ID": id_, "Name": "web", "Address": "192.0.2.7", "Port": 8080, "Tags": ["blue"]}
    return service | fields


def arrives(look, wanted):
    """Wait until a registry says exactly this."""
    wait_until(lambda: look() == wanted, TRAVEL, f"{wanted} is seen", ignore=(OSError,))


def consul_at(server):
    return f"consul=http://{server.address}"


def eureka_at(server):
    return f"eureka={server.url}"


def test_consul_to_eureka(mirror, clean_consul, clean_eureka):
    """What stands in Consul appears in Eureka, with its health, and goes when it goes."""
    consul, eureka = clean_consul, clean_eureka
    consul.api.register(by_hand(Check={"CheckID": "c", "TTL": "1h", "Status": "passing"}))
    mirror(consul_at(consul), to=eureka_at(eureka))
    arrives(lambda: in_eureka(eureka), {"web-1": ("192.0.2.7", 8080, "UP")})
    consul.api.put("agent/check/fail/c")
    arrives(lambda: in_eureka(eureka), {"web-1": ("192.0.2.7", 8080, "DOWN")})
    consul.api.put("agent/check/pass/c")
    arrives(lambda: in_eureka(eureka), {"web-1": ("192.0.2.7", 8080, "UP")})
    consul.api.deregister("web-1")
    arrives(lambda: in_eureka(eureka), {})


def test_eureka_to_consul(mirror, clean_consul, clean_eureka):
    """What an application registered in Eureka itself appears in Consul, and follows its status."""
    consul, eureka = clean_consul, clean_eureka
    eureka.api.register("WEB", "app:web:8080")
    mirror(eureka_at(eureka), to=consul_at(consul))
    arrives(lambda: in_consul(consul), {"app:web:8080": ("10.0.0.9", 8080, ())})
    assert consul.api.passing_ids("web") == {"app:web:8080"}
    eureka.api.register("WEB", "app:web:8080", status="DOWN")
    arrives(lambda: consul.api.passing_ids("web"), set())
    eureka.api.cancel("WEB", "app:web:8080")
    arrives(lambda: in_consul(consul), {})


def test_both_to_etcd(mirror, clean_consul, clean_eureka, clean_etcd):
    """Two registries are mirrored to a third at once; what is unfit there is not offered here."""
    consul, eureka, etcd = clean_consul, clean_eureka, clean_etcd
    consul.api.register(by_hand())
    eureka.api.register("SHOP", "app:shop:8080")
    mirror(consul_at(consul), eureka_at(eureka), to=f"etcd://{etcd.address}/services")
    in_shop = {"/services/shop/app:shop:8080": "10.0.0.9:8080"}
    arrives(lambda: in_etcd(etcd), {"/services/web/web-1": "192.0.2.7:8080", **in_shop})
    consul.api.maintenance("web-1", True, "at work")
    arrives(lambda: in_etcd(etcd), in_shop)
    consul.api.maintenance("web-1", False)
    arrives(lambda: in_etcd(etcd), {"/services/web/web-1": "192.0.2.7:8080", **in_shop})


def test_filters_choose_services_and_tags(mirror, clean_consul, clean_etcd):
    """Only services that a filter admits travel; a tag that comes or goes later counts too."""
    consul, etcd = clean_consul, clean_etcd
    consul.api.register(by_hand("web-1"))
    consul.api.register(by_hand("web-2", Tags=["internal"]))
    consul.api.register(by_hand("db-1", Name="db"))
    filters = {
        "sources.consul.include": '["service:web*"]',
        "sources.consul.exclude": '["tag:internal"]',
    }
    mirror(consul_at(consul), to=f"etcd://{etcd.address}/services", **filters)
    arrives(lambda: set(in_etcd(etcd)), {"/services/web/web-1"})
    consul.api.register(by_hand("web-2", Tags=["public"]))
    arrives(lambda: set(in_etcd(etcd)), {"/services/web/web-1", "/services/web/web-2"})
    consul.api.register(by_hand("web-1", Tags=["internal"]))
    arrives(lambda: set(in_etcd(etcd)), {"/services/web/web-2"})


def test_mirrors_of_each_other_make_no_loop(mirror, clean_consul, clean_eureka):
    """Copies are not copied back, and what goes where it came from is gone in both."""
    consul, eureka = clean_consul, clean_eureka
    consul.api.register(by_hand())
    eureka.api.register("SHOP", "app:shop:8080")
    mirror(consul_at(consul), to=eureka_at(eureka))
    mirror(eureka_at(eureka), to=consul_at(consul))

    def everywhere():
        return set(consul.api.services()), {one["instanceId"] for one in eureka.api.instances()}

    both = {"web-1", "app:shop:8080"}
    arrives(everywhere, (both, both))
    holds_for(lambda: everywhere() == (both, both), 5, "nothing is copied back")
    consul.api.deregister("web-1")
    arrives(everywhere, ({"app:shop:8080"}, {"app:shop:8080"}))
    eureka.api.cancel("SHOP", "app:shop:8080")
    arrives(everywhere, (set(), set()))


def test_a_source_that_is_away_removes_nothing(mirror, start_consul, clean_eureka):
    """A registry that does not answer is no empty one; back again, it is followed again."""
    consul, eureka = start_consul(persistent=True), clean_eureka
    consul.api.register(by_hand())
    running = mirror(consul_at(consul), to=eureka_at(eureka))
    arrives(lambda: set(in_eureka(eureka)), {"web-1"})
    consul.kill()
    running.wait_said("source consul failed", deadline=60)
    holds_for(lambda: set(in_eureka(eureka)) == {"web-1"}, 5, "the copy stays")
    consul.start()
    consul.api.register(by_hand("web-2", Port=8081))
    arrives(lambda: set(in_eureka(eureka)), {"web-1", "web-2"})


def test_what_the_target_has_already_is_left_alone(mirror, clean_consul, clean_eureka):
    """A service that is in both places is not doubled; when it goes, the mirror steps in."""
    consul, eureka = clean_consul, clean_eureka
    consul.api.register(by_hand())
    eureka.api.register("WEB", "web-1")
    running = mirror(consul_at(consul), to=eureka_at(eureka))
    running.wait_said("change held back", why="conflict")
    assert in_eureka(eureka) == {"web-1": ("10.0.0.9", 8080, "UP")}
    eureka.api.cancel("WEB", "web-1")
    arrives(lambda: in_eureka(eureka), {"web-1": ("192.0.2.7", 8080, "UP")})
