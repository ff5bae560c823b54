"""The contract of every source, on a real swarm, in each mode."""

import pytest

import syncer
from syncer.testing import SourceContract
from syncer_docker import SwarmOptions, create_swarm
from syncer_docker.swarm.options import Mode


class SwarmContract(SourceContract):
    """What the modes have in common."""

    declines = {
        "secrets": "the options hold none: keys are named by their files",
        "unclear": "tested in test_swarm_describe.py, with answers that no swarm gives",
    }
    patience = 60
    mode = "tasks"

    @pytest.fixture
    def make(self):
        made = []

        def make(address):
            options = SwarmOptions(endpoint=address, mode=Mode(self.mode))
            made.append(create_swarm(options, syncer.Context(name="swarm")))
            return made[-1]

        yield make
        for source in made:
            source.close()

    @pytest.fixture
    def source(self, make, clean_swarm):
        return make(clean_swarm.address)

    @pytest.fixture
    def reopen(self, make, clean_swarm):
        return lambda: make(clean_swarm.address)

    @pytest.fixture
    def unreachable(self, make, tmp_path):
        return make(f"unix://{tmp_path}/nobody.sock")

    @pytest.fixture
    def start(self, clean_swarm):
        def start(name):
            service = clean_swarm.service(name, ports=[(0, 8000)])
            (task,) = clean_swarm.wait_tasks(name, 1)
            return self.id_of(clean_swarm, service, task)

        return start

    def id_of(self, swarm, service, task):
        return task

    @pytest.fixture
    def end(self, clean_swarm):
        def end(id):
            task = clean_swarm.client.api.inspect_task(id) if self.mode == "tasks" else {}
            service = task.get("ServiceID") or id.partition(".")[0]
            clean_swarm.client.services.get(service).remove()

        return end

    @pytest.fixture
    def break_watch(self, clean_swarm):
        return clean_swarm.restart


class TestTasks(SwarmContract):
    """An instance for each task."""


class TestVirtualAddresses(SwarmContract):
    """An instance for each service."""

    mode = "vip"

    def id_of(self, swarm, service, task):
        return service.id
