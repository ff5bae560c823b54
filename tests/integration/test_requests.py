"""How many requests syncer makes of a real Consul: no more than it must."""

import pytest

import syncer
from servers.counting import CountingProxy
from servers.syncer import command


@pytest.fixture
def proxy(clean_consul):
    """A counting proxy before Consul."""
    made = CountingProxy(clean_consul.address)
    yield made
    made.close()


def test_ten_cycles_without_a_change_are_two_reads_each(proxy, clean_docker, clean_consul):
    """Services and checks are read once in a cycle, and nothing is written."""
    for number in range(3):
        clean_docker.run(
            f"web{number}",
            labels={"SERVICE_NAME": "web", "SERVICE_TAGS": "c,a,b", "SERVICE_CHECK_TCP": "true"},
            ports={"8000/tcp": None},
        )
    engine = syncer.open_engine(
        sources=[f"docker={clean_docker.address}"],
        sinks=[f"consul=http://{proxy.address}"],
        settings=["sources.docker.addresses.advertise=127.0.0.1"],
        environ={},
    )
    assert engine.reconcile()["consul"].applied == 3
    proxy.counts.clear()
    for _ in range(10):
        report = engine.reconcile()["consul"]
        assert (report.applied, report.plan.changes) == (0, ())
    engine.stop()
    assert proxy.counts == {"GET /v1/agent/services": 10, "GET /v1/agent/checks": 10}


def test_a_plan_writes_nothing(proxy, clean_docker):
    """`syncer plan` says what would change, and only reads."""
    clean_docker.run("web", labels={"SERVICE_NAME": "web"}, ports={"8000/tcp": None})
    done = command(
        *("plan", "--source", f"docker={clean_docker.address}", "--advertise", "127.0.0.1"),
        *("--sink", f"consul=http://{proxy.address}"),
    )
    assert done.returncode == 0, done.stderr
    assert "+ register web 127.0.0.1:" in done.stdout
    # Asking what our token may do is a POST; nothing is written by it.
    asked = {request for request in proxy.counts if not request.startswith("GET ")}
    assert asked <= {"POST /v1/internal/acl/authorize"}
