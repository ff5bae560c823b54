"""Docker's contexts: where an engine is and how it is spoken to, by name."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import syncer
from servers.authority import make_authority
from syncer_docker import DockerOptions, SwarmOptions, create
from syncer_docker.client import endpoint
from syncer_docker.client.endpoint import TLS, tls_of
from syncer_docker.contexts import with_context


@pytest.fixture
def config(tmp_path):
    """Docker's folder of configuration, empty."""
    return tmp_path / "docker"


@pytest.fixture
def make_context(config):
    """Has Docker's own command make a context: `make_context("name", host="tcp://a:2376")`."""
    if shutil.which("docker") is None:
        pytest.skip("no docker command to make contexts with")

    def make(name, **settings):
        said = ",".join(f"{key.replace('_', '-')}={value}" for key, value in settings.items())
        subprocess.run(
            ["docker", "context", "create", name, "--docker", said],
            env=os.environ | {"DOCKER_CONFIG": str(config)},
            check=True,
            capture_output=True,
        )

    return make


def test_no_context_changes_nothing(config):
    """The default one is the local engine, as without any."""
    for options in (DockerOptions(), DockerOptions(context="default", config_dir=config)):
        assert with_context(options) is options


def test_an_engine_by_its_context(config, make_context):
    """The address is the context's; options of a swarm are treated alike."""
    make_context("far", host="tcp://engine.test:2375")
    for kind in (DockerOptions, SwarmOptions):
        found = with_context(kind(context="far", config_dir=config))
        assert isinstance(found, kind)
        assert found.endpoint == "tcp://engine.test:2375"
        assert tls_of(found, found.endpoint) is None


def test_certificates_of_a_context(config, make_context, tmp_path):
    """Those that `docker context create` was given are used, and the engine's is checked."""
    files = make_authority(tmp_path / "authority", "DNS:engine.test")
    make_context(
        *("far",),
        host="tcp://engine.test:2376",
        ca=files / "ca.pem",
        cert=files / "client.pem",
        key=files / "client.key",
    )
    found = with_context(DockerOptions(context="far", config_dir=config))
    tls = tls_of(found, found.endpoint)
    assert tls.verify
    read = [Path(path).read_text() for path in (tls.ca, *tls.client)]
    assert read == [(files / name).read_text() for name in ("ca.pem", "client.pem", "client.key")]

    own = tmp_path / "own.pem"
    own.write_text("of the options")
    found = with_context(DockerOptions(context="far", config_dir=config, ca=own))
    assert tls_of(found, found.endpoint).ca == str(own)


def test_a_context_that_skips_the_check(config, make_context, tmp_path):
    """`skip-tls-verify` is heeded: TLS with the client's certificate, and no check."""
    files = make_authority(tmp_path / "authority", "DNS:engine.test")
    make_context(
        *("far",),
        host="tcp://engine.test:2376",
        cert=files / "client.pem",
        key=files / "client.key",
        skip_tls_verify="true",
    )
    found = with_context(DockerOptions(context="far", config_dir=config))
    tls = tls_of(found, found.endpoint)
    assert (tls.verify, tls.ca) == (False, "")
    assert tls != TLS(verify=False)


def test_a_real_engine_by_its_context(clean_docker, config, make_context):
    """A source finds its engine by the context's name."""
    make_context("here", host=clean_docker.address)
    id = clean_docker.run("web")
    options = DockerOptions(context="here", config_dir=config, scope="one")
    source = create(options, syncer.Context(name="docker"))
    assert [found.id for found in source.workloads().items] == [id]
    source.close()


def test_a_context_that_is_not_there(config, make_context):
    """The message names those that are."""
    with pytest.raises(syncer.ConfigError, match=r"no Docker context 'far' in .* \(known: none"):
        with_context(DockerOptions(context="far", config_dir=config))
    make_context("near", host="tcp://engine.test:2375")
    make_context("nearer", host="tcp://engine.test:2375")
    with pytest.raises(syncer.ConfigError, match=r"\(known: near, nearer\)"):
        with_context(DockerOptions(context="far", config_dir=config))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "does not describe an engine"),
        ("[]", "does not describe an engine"),
        ('{"Endpoints": {"kubernetes": {}}}', "does not describe an engine"),
        ('{"Endpoints": {"docker": "x"}}', "does not describe an engine"),
        ('{"Endpoints": {"docker": {}}}', "not the address of a Docker engine: ''"),
        ('{"Endpoints": {"docker": {"Host": "fd://"}}}', "not the address of a Docker engine"),
    ],
)
def test_a_context_that_cannot_be_used(config, make_context, text, message):
    """Configuration that cannot work ends the command, with what is wrong."""
    make_context("far", host="tcp://engine.test:2375")
    (path,) = config.glob("contexts/meta/*/meta.json")
    assert json.loads(path.read_text())["Name"] == "far"
    path.write_text(text)
    with pytest.raises(syncer.ConfigError, match=message):
        with_context(DockerOptions(context="far", config_dir=config))


def test_the_context_of_the_environment(config, make_context):
    """`DOCKER_CONTEXT` is followed, unless an endpoint or a context is given."""
    make_context("far", host="tcp://engine.test:2375")
    make_context("near", host="tcp://near.test:2375")
    given = {"default_context": "far", "config_dir": config}
    assert with_context(DockerOptions(**given)).endpoint == "tcp://engine.test:2375"
    assert with_context(DockerOptions(**given, context="near")).endpoint == "tcp://near.test:2375"
    both = DockerOptions(**given, endpoint="unix:///x.sock")
    assert with_context(both) is both
    with pytest.raises(syncer.ConfigError, match="no Docker context 'gone'"):
        with_context(DockerOptions(default_context="gone", config_dir=config))


def test_doctor_names_the_context_in_use(config, monkeypatch, tmp_path):
    """It is not followed, but may be the engine that is looked for."""
    monkeypatch.setattr(endpoint, "DEFAULT_SOCKETS", (str(tmp_path / "none.sock"),))
    config.mkdir()

    def advice(**options):
        source = create(DockerOptions(config_dir=config, **options), syncer.Context(name="docker"))
        (found,) = source.examine()
        source.close()
        return found.advice

    assert advice().startswith("start Docker;")
    for text in ("{", "[]", '{"currentContext": "default"}', "{}"):
        (config / "config.json").write_text(text)
        assert advice().startswith("start Docker;")
    (config / "config.json").write_text('{"currentContext": "colima"}')
    assert advice().startswith("Docker's own tools use the context 'colima' here: set the option")
    assert advice(endpoint=f"unix://{tmp_path}/x.sock").startswith("start Docker;")


def test_two_engines_are_one_too_many(config):
    """Whether the context or the endpoint is meant is not guessed."""
    options = DockerOptions(context="far", endpoint="tcp://engine.test:2375", config_dir=config)
    with pytest.raises(syncer.ConfigError, match="name two engines: set only one"):
        with_context(options)


def test_no_home(monkeypatch):
    """Without a home directory the error says what to set: for contexts, and for certificates."""

    def nowhere(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", nowhere)
    with pytest.raises(syncer.ConfigError, match=r"'far': cannot find ~/.docker.*DOCKER_CONFIG"):
        with_context(DockerOptions(context="far"))
    options = DockerOptions(endpoint="tcp://engine.test:2376", tls_verify=True)
    with pytest.raises(syncer.ConfigError, match="DOCKER_CERT_PATH"):
        create(options, syncer.Context(name="docker"))
