"""Gives the fixtures for real servers to the tests of the core and of every plugin."""

pytest_plugins = [
    "servers.fixtures",
    "servers.secrets",
    "servers.etcd_fixtures",
    "servers.coredns_fixtures",
    "servers.eureka_fixtures",
    "servers.zookeeper_fixtures",
    "servers.prometheus_fixtures",
]
