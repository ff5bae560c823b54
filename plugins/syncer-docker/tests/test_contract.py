"""The contract of every source, on real engines and on a synthetic one."""

import pytest

import syncer
from syncer.testing import SourceContract
from syncer_docker.client.client import DockerClient


class DockerContract(SourceContract):
    """What all engines have in common."""

    declines = {"secrets": "the options hold none: keys are named by their files"}

    @pytest.fixture
    def hidden(self):
        """The ids of containers for which the engine does not answer."""
        return set()

    @pytest.fixture
    def source(self, make_source, address, hidden):
        class Client(DockerClient):
            def inspect(self, id):
                if id in hidden:
                    raise syncer.TemporaryError("the engine does not answer for this container")
                return super().inspect(id)

        return make_source(address, scope="", client=Client)

    @pytest.fixture
    def reopen(self, make_source, address):
        return lambda: make_source(address, scope="")

    @pytest.fixture
    def unreachable(self, make_source, tmp_path):
        return make_source(f"unix://{tmp_path}/nobody.sock")


class RealContract(DockerContract):
    """What real engines have in common: each is the fixture `engine`."""

    @pytest.fixture
    def address(self, engine):
        return engine.address

    @pytest.fixture
    def start(self, engine):
        return engine.run

    @pytest.fixture
    def end(self, engine):
        return lambda id: engine.container(id).stop(timeout=1)

    @pytest.fixture
    def obscure(self, hidden):
        return hidden.add

    @pytest.fixture
    def break_watch(self, engine):
        return engine.restart


class TestRealEngine(RealContract):
    """The contract on a real engine."""

    @pytest.fixture
    def engine(self, clean_docker):
        return clean_docker


class TestPodman(RealContract):
    """The contract on a real Podman."""

    patience = 60

    @pytest.fixture
    def engine(self, clean_podman):
        return clean_podman


class TestSyntheticEngine(DockerContract):
    """The contract on a synthetic engine, which must say the same as a real one."""

    @pytest.fixture
    def fake(self, fake_docker):
        return fake_docker(containers=3)

    @pytest.fixture
    def address(self, fake):
        return fake.address

    @pytest.fixture
    def start(self, fake):
        return lambda name: fake.control("add", name=name)["containers"][0]["id"]

    @pytest.fixture
    def end(self, fake):
        return lambda id: fake.control("rm", id=id)

    @pytest.fixture
    def obscure(self, fake, source, reopen):
        def obscure(hidden):
            for workload in reopen().workloads().items:
                if workload.id != hidden:
                    source.workload(workload.id)  # described before the trouble
            fake.control("fault", fail={"inspect": 500})

        return obscure

    @pytest.fixture
    def break_watch(self, fake):
        return lambda: fake.control("hangup")
