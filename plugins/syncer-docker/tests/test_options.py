"""Options, endpoints, and what `--source docker=...` means."""

from datetime import timedelta
from pathlib import Path

import attrs
import pytest

import syncer
import syncer_docker
from syncer_docker import DockerOptions, SwarmOptions, from_uri
from syncer_docker.client import endpoint
from syncer_docker.client.endpoint import TLS, find_endpoint, host_of, tls_of
from syncer_docker.options import check_endpoint


def test_kind():
    """The plugin offers two kinds of source, and their options say where else to look."""
    kinds = [(kind.name, kind.options) for kind in syncer_docker.syncer_sources()]
    assert kinds == [("docker", DockerOptions), ("swarm", SwarmOptions)]
    environment = {f.name: f.metadata["env"] for f in attrs.fields(DockerOptions)}
    assert environment["endpoint"] == ("DOCKER_HOST",)
    assert environment["tls_verify"] == ("DOCKER_TLS_VERIFY",)
    assert environment["cert_path"] == ("DOCKER_CERT_PATH",)
    assert environment["scope"] == ("SYNCER_HOST",)
    assert attrs.fields(SwarmOptions).scope.metadata["env"] == ()  # a swarm is no host


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
        ("/tmp/docker.sock", "unix:///tmp/docker.sock"),
        ("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"),
        ("https://engine:2376", "https://engine:2376"),
        ("ssh://me@engine", "ssh://me@engine"),
        ("npipe:////./pipe/docker_engine", "npipe:////./pipe/docker_engine"),
    ],
)
def test_from_uri(value, expected):
    """The value is an engine's address, or the path of a socket."""
    assert from_uri(value) == {"endpoint": expected}


@pytest.mark.parametrize("value", ["", "docker.sock", "fd://", "unix://", "ftp://x", "tcp:///"])
def test_bad_endpoints(value):
    """What cannot be an engine's address is refused with words for the user."""
    with pytest.raises(ValueError, match="Docker engine"):
        from_uri(value)
    if value:
        with pytest.raises(ValueError, match="Docker engine"):
            DockerOptions(endpoint=value)


def test_bad_timeout():
    """A timeout of nothing is refused."""
    with pytest.raises(ValueError, match="timeout"):
        DockerOptions(timeout=timedelta(0))


@pytest.mark.parametrize(
    "address",
    ["tcp://10.0.0.1", "tcp://x:y:z", "ssh://:22", "ssh://h?x=1", "ssh://h:x", "ssh://u:p@h"],
)
def test_refused_by_the_sdk(make_source, address):
    """An address that the SDK cannot use is a ConfigError when the source is made."""
    with pytest.raises(syncer.ConfigError, match="Docker engine") as caught:
        make_source(address)
    assert ":p@" not in str(caught.value)


def test_default_socket(tmp_path, monkeypatch):
    """Without an endpoint the first default socket that exists is used."""
    paths = tuple(str(tmp_path / name) for name in ("first.sock", "second.sock"))
    monkeypatch.setattr(endpoint, "DEFAULT_SOCKETS", paths)
    assert find_endpoint("tcp://x:1") == "tcp://x:1"
    assert find_endpoint("") == f"unix://{paths[0]}"
    Path(paths[1]).touch()
    assert find_endpoint("") == f"unix://{paths[1]}"
    Path(paths[0]).touch()
    assert find_endpoint("") == f"unix://{paths[0]}"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("unix:///run/docker.sock", ""),
        ("npipe:////./pipe/x", ""),
        ("tcp://10.0.0.1:2375", "10.0.0.1"),
        ("tcp://[2001:db8::1]:2375", "2001:db8::1"),
        ("ssh://me@engine:22", "engine"),
    ],
)
def test_host_of(address, host):
    """The host of an endpoint is known; sockets and pipes have none."""
    assert host_of(address) == host


@pytest.fixture
def certificates(tmp_path):
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    return tmp_path


def test_tls(certificates):
    """The engine is verified on request, and where there is an authority to verify it by."""
    ca, cert, key = (str(certificates / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    remote = "tcp://engine:2376"

    def of(address=remote, **options):
        return tls_of(DockerOptions(**options), address)

    assert of() is None
    assert of(cert_path=certificates) == TLS(verify=True, ca=ca, client=(cert, key))
    assert of(cert=Path(cert), key=Path(key)) == TLS(verify=False, client=(cert, key))
    assert of(cert_path=certificates, tls_verify=True) == TLS(True, ca, (cert, key))
    assert of(ca=Path(ca)) == TLS(True, ca)
    assert of("https://engine:2376") == TLS(True)
    assert of("unix:///x", cert_path=certificates, tls_verify=True) is None
    assert of("ssh://engine", cert_path=certificates) is None
    Path(ca).unlink()
    assert of(cert_path=certificates) == TLS(verify=False, client=(cert, key))


def test_an_address_with_a_password():
    """Docker's own tools refuse it, too; the error does not show it."""
    with pytest.raises(ValueError, match=r"not possible in 'tcp://\*\*\*@h:1'"):
        check_endpoint("tcp://admin:pw@h:1")
    check_endpoint("ssh://me@h")


@pytest.mark.parametrize(
    ("options", "warns"),
    [
        ({"cert_path": "."}, False),
        ({"cert": "cert.pem", "key": "key.pem"}, True),
        ({"cert": "cert.pem", "key": "key.pem", "tls_verify": True}, False),
        ({"cert": "cert.pem", "key": "key.pem", "ca": "ca.pem"}, False),
        ({"cert": "none.pem"}, False),
        ({}, False),
    ],
)
def test_an_engine_that_is_not_verified_draws_a_warning(certificates, options, warns):
    """Anybody in between could say that nothing runs."""
    files = {k: v if v is True else certificates / v for k, v in options.items()}
    said = list(DockerOptions(endpoint="tcp://engine:2376", **files).warnings())
    assert [text for text in said if "certificate is not checked" in text] == said
    assert bool(said) is warns
    assert not list(DockerOptions(endpoint="unix:///x", **files).warnings())


def test_tls_mistakes(certificates, make_source):
    """A missing file, or half a pair, is a ConfigError when the source is made."""
    with pytest.raises(syncer.ConfigError, match="no such file: .*nothing.pem"):
        make_source("tcp://engine:2376", ca=certificates / "nothing.pem")
    with pytest.raises(syncer.ConfigError, match="key"):
        make_source("tcp://engine:2376", cert=certificates / "cert.pem")
