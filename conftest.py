"""Gives the fixtures for real servers to the tests of the core and of every plugin."""

from hypothesis import HealthCheck, settings

# Whether drawing is slow is a matter of what else this machine does.
settings.register_profile("suite", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("suite")

pytest_plugins = [
    "servers.fixtures",
    "servers.secrets",
    "servers.etcd_fixtures",
    "servers.coredns_fixtures",
    "servers.eureka_fixtures",
    "servers.zookeeper_fixtures",
    "servers.prometheus_fixtures",
]
