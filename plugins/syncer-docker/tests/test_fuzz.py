"""Whatever an engine says of a container: a workload, or a ValueError that makes it unclear."""

import json

import pytest
from hypothesis import given, settings

from servers.lies import changed
from syncer import Workload
from syncer_docker.containers.appearance import listed
from syncer_docker.containers.describe import describe

MANY = settings(max_examples=400, deadline=None)
NETWORKS = {"bridge": {"IPAddress": "172.17.0.2", "GlobalIPv6Address": "", "NetworkID": "f" * 64}}
INSPECTED = {
    "Id": "c" * 64,
    "Name": "/web",
    "State": {"Status": "running", "Pid": 7, "Health": {"Status": "healthy"}},
    "Config": {
        "Image": "web:1",
        "Hostname": "web",
        "Env": ["A=b"],
        "Labels": {"SERVICE_NAME": "web"},
        "ExposedPorts": {"80/tcp": {}},
    },
    "HostConfig": {"NetworkMode": "bridge"},
    "NetworkSettings": {
        "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}]},
        "Networks": NETWORKS,
    },
}
ENTRY = {
    "Id": "c" * 64,
    "Names": ["/web"],
    "State": "running",
    "Status": "Up 1 second (healthy)",
    "Ports": [{"PrivatePort": 80, "Type": "tcp", "IP": "0.0.0.0", "PublicPort": 32768}],
    "NetworkSettings": {"Networks": NETWORKS},
}


def understood(read, document):
    """What was read, or None if it made no sense."""
    document = json.loads(json.dumps(document))
    try:
        return read(document)
    except ValueError:
        return None


@MANY
@given(document=changed(INSPECTED))
def test_a_description_in_which_something_is_wrong(document):
    """Nothing but ValueError is raised."""
    if isinstance(document, dict):
        found = understood(lambda known: describe(known, "docker", "h"), document)
        assert found is None or isinstance(found, Workload)


@MANY
@given(document=changed(ENTRY))
def test_an_entry_of_the_list_in_which_something_is_wrong(document):
    """Nothing but ValueError is raised."""
    if isinstance(document, dict):
        understood(listed, document)


@pytest.mark.parametrize("key", ["1-99999999999/tcp", "65536/tcp", "1-65536/udp", "99999999999"])
def test_a_range_of_ports_without_end(key):
    """It is refused, and not counted through."""
    document = INSPECTED | {"Config": {"ExposedPorts": {key: {}}}}
    with pytest.raises(ValueError, match="not a port"):
        describe(document, "docker", "h")
