"""Prometheus reads what syncer wrote: a consumer that nobody here has written."""

import json

import pytest

from servers.waiting import wait_until


@pytest.fixture
def web(clean_docker):
    """A container with tags and metadata; returns its address as it is registered."""
    labels = {"SERVICE_NAME": "web", "SERVICE_TAGS": "blue,public", "SERVICE_TEAM": "shop"}
    clean_docker.run("web", labels=labels, ports={"8000/tcp": None})
    return f"127.0.0.1:{clean_docker.host_port('web')}"


def discovered(prometheus, address):
    """What Prometheus knows of this address, once it does."""
    wait_until(lambda: address in prometheus.targets("services"), 60, f"{address} is discovered")
    return prometheus.targets("services")[address]


def docker(engine):
    """Arguments for what runs in this Docker engine, published at 127.0.0.1."""
    return (
        *("--source", f"docker={engine.address}", "--advertise", "127.0.0.1"),
        *("--set", "sources.docker.scope=host1"),
    )


def test_it_reads_a_file(start_syncer, start_prometheus, clean_docker, web, tmp_path):
    """Labels of the file are labels of the target, and a container that goes is dropped."""
    path = tmp_path / "targets.json"
    start_syncer(*docker(clean_docker), "--sink", f"file+prometheus://{path}")
    wait_until(lambda: path.exists() and json.loads(path.read_text()), 30, "the file is there")
    prometheus = start_prometheus(
        {"services": {"file_sd_configs": [{"files": [str(path)], "refresh_interval": "1s"}]}}
    )
    assert discovered(prometheus, web)["__meta_filepath"] == str(path)
    clean_docker.remove("web")
    wait_until(lambda: not prometheus.targets("services"), 60, "the target is dropped")


def test_it_reads_consul(start_syncer, start_discovery, clean_docker, clean_consul, web):
    """Service, tags and metadata of a registration are labels; one that goes is dropped."""
    start_syncer(*docker(clean_docker), "--sink", f"consul=http://{clean_consul.address}")
    discovery = start_discovery(clean_consul.address)
    wait_until(lambda: web in discovery.targets(), 60, f"{web} is discovered")
    labels = discovery.targets()[web]
    assert labels["__meta_consul_service"] == "web"
    assert labels["__meta_consul_service_id"] == "host1:web:8000"
    assert set(labels["__meta_consul_tags"].strip(",").split(",")) == {"blue", "public"}
    assert labels["__meta_consul_service_metadata_team"] == "shop"
    clean_docker.remove("web")
    wait_until(lambda: web not in discovery.targets(), 60, "the target is dropped")


def test_it_reads_eureka(start_syncer, start_prometheus, clean_docker, clean_eureka, web):
    """Application, status, port and metadata are labels; an instance that goes is dropped."""
    start_syncer(*docker(clean_docker), "--sink", f"eureka={clean_eureka.url}")
    server = {"server": clean_eureka.url.rstrip("/"), "refresh_interval": "1s"}
    prometheus = start_prometheus({"services": {"eureka_sd_configs": [server]}})
    labels = discovered(prometheus, web)
    assert labels["__meta_eureka_app_name"] == "WEB"
    assert labels["__meta_eureka_app_instance_id"] == "host1:web:8000"
    assert labels["__meta_eureka_app_instance_status"] == "UP"
    assert labels["__meta_eureka_app_instance_port_enabled"] == "true"
    assert labels["__meta_eureka_app_instance_metadata_tags"] == "blue,public"
    assert labels["__meta_eureka_app_instance_metadata_team"] == "shop"
    clean_docker.remove("web")
    wait_until(lambda: not prometheus.targets("services"), 60, "the target is dropped")
