"""Whether a container still is as described, seen from the engine's list."""

import pytest

from syncer_docker.containers.appearance import described, listed
from syncer_docker.containers.describe import describe


def seen(container):
    return described(describe(container, "docker", "host1"))


def test_equal(inspected, entry):
    """A list entry and a description of the same container look alike."""
    assert listed(entry()) == seen(inspected())


def test_what_is_kept_for_comparison_is_no_copy(inspected):
    """The networks of a description are those of its workload: thousands of copies add up."""
    workload = describe(inspected(), "docker", "host1")
    assert workload.networks
    ours = {id(network) for network in workload.networks}
    assert {id(network) for network in described(workload).networks} == ours


HEALTHY = {"Status": "healthy"}


@pytest.mark.parametrize(
    ("fields", "sections"),
    [
        ({"Status": "Up 3 hours (healthy)"}, {"State": {"Health": HEALTHY}}),
        (
            {"Status": "Up 1 second (health: starting)"},
            {"State": {"Health": {"Status": "starting"}}},
        ),
        ({"Status": "Up 1 second (unhealthy)"}, {"State": {"Health": {"Status": "unhealthy"}}}),
        ({"Health": {"Status": "healthy", "FailingStreak": 0}}, {"State": {"Health": HEALTHY}}),
        ({"Health": {"Status": "none"}}, {}),
        (
            {"State": "paused", "Status": "Up 3 hours (Paused)"},
            {"State": {"Status": "paused", "Paused": True, "Health": HEALTHY}},
        ),
        ({"Names": ["/other/alias", "/web"]}, {}),
        ({"Ports": None}, {"NetworkSettings": {"Ports": None}}),
        ({"NetworkSettings": {"Networks": None}}, {"NetworkSettings": {"Networks": None}}),
        (
            {"NetworkSettings": {"Networks": {"n": {"GlobalIPv6Address": "fd00::1"}}}},
            {"NetworkSettings": {"Networks": {"n": {"GlobalIPv6Address": "FD00:0::1"}}}},
        ),
    ],
)
def test_alike(inspected, entry, fields, sections):
    """The same facts in the list's words and in the description's are the same."""
    assert listed(entry(**fields)) == seen(inspected(**sections))


@pytest.mark.parametrize(
    "fields",
    [
        {"Names": ["/renamed"]},
        {"State": "paused", "Status": "Up 3 hours (Paused)"},
        {"State": "restarting", "Status": "Restarting (1) 2 seconds ago"},
        {"Status": "Up 3 hours (healthy)"},
        {"Status": "Up 3 hours (unhealthy)"},
        {"Ports": []},
        {"Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8081, "Type": "tcp"}]},
        {"Ports": [{"IP": "10.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]},
        {"NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.3"}}}},
        {"NetworkSettings": {"Networks": {"other": {"IPAddress": "172.17.0.2"}}}},
        {"NetworkSettings": {"Networks": {}}},
    ],
)
def test_different(inspected, entry, fields):
    """Whatever can change about a container is seen in its list entry."""
    assert listed(entry(**fields)) != seen(inspected())


def test_time_passing_is_no_change(entry):
    """The text that says how long a container is up makes no difference."""
    assert listed(entry(Status="Up 3 hours")) == listed(entry(Status="Up 2 days"))


@pytest.mark.parametrize(
    "fields",
    [
        {"State": None},
        {"State": "levitating"},
        {"Names": "/web"},
        {"Names": [5]},
        {"Ports": [{"PublicPort": 5}]},
        {"Ports": 5},
        {"Health": "good"},
        {"NetworkSettings": [1]},
        {"NetworkSettings": {"Networks": {"n": 5}}},
    ],
)
def test_nonsense(entry, fields):
    """An odd entry proves nothing."""
    assert listed(entry(**fields)) != listed(entry())
