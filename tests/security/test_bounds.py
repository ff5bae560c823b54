"""One workload, whatever its labels, does not slow the others nor fill the memory."""

import json
import re
import urllib.request
from pathlib import Path

import pytest

from servers.process import free_port
from servers.syncer import COMMAND, command
from servers.syncer_fixtures import start_syncer
from servers.waiting import wait_until

__all__ = ["start_syncer"]

#: Seconds for a whole run over the workloads; it takes a few.
DEADLINE = 120
#: KiB that the process may have had at most; without such a workload it has about 80 MiB.
MEMORY = 400 * 1024
MEGABYTE = "x" * 1_000_000
PORTS = [[80, 0]]

MONSTERS = {
    "labels": ({f"SERVICE_KEY{n}": "v" for n in range(10_000)}, PORTS, "more problems"),
    "values": ({f"SERVICE_K{n}": MEGABYTE for n in range(20)}, PORTS, "is longer than"),
    "name": ({"SERVICE_NAME": MEGABYTE}, PORTS, "is longer than"),
    "names": ({"SERVICE_NAME": ",".join(f"n{n}" for n in range(50_000))}, PORTS, "names are used"),
    "tags": (
        {"SERVICE_TAGS": ",".join(f"t{n}" for n in range(100_000))},
        PORTS,
        "only the first 1000 of 100000 tags",
    ),
    "commas": ({"SERVICE_TAGS": "," * 1_000_000, "SERVICE_NAME": "web"}, PORTS, ""),
    "checks": (
        {f"SERVICE_CHECK_{n}_HTTP": "/" for n in range(1, 501)},
        PORTS,
        "checks are numbered 1 to 99",
    ),
    "kinds": (
        {f"SERVICE_CHECK_{n}_{kind}": "/" for n in range(1, 100) for kind in ("HTTP", "TCP")},
        PORTS,
        "",
    ),
    "ports": (
        {"SERVICE_1-65535_NAME": "web", "SERVICE_1-65535_TAGS": "a,b", "SERVICE_CHECK_TCP": "true"},
        [[n, 10_000 + n] for n in range(1, 2001)],
        "",
    ),
    "ranges": (
        {f"SERVICE_{n}-65535_NAME": f"r{n}" for n in range(1, 5000)},
        [[n, 10_000 + n] for n in range(1, 500)],
        "not read: one of over",
    ),
    "digits": ({"SERVICE_WEIGHT": "9" * 1_000_000, "SERVICE_CHECK_TTL": "9" * 99_999}, PORTS, ""),
    "brackets": (
        {"SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_HEADER": "[" * 99_999},
        PORTS,
        "HEADER",
    ),
    # Each of these is within its own limit; together they multiply.
    "product": (
        {
            "SERVICE_NAME": ",".join(f"name{n}" for n in range(32)),
            "SERVICE_TAGS": ",".join(f"{n:04}" + "t" * 60 for n in range(1000)),
            **{f"SERVICE_KEY{n}": "v" * 60 for n in range(1000)},
            **{
                f"SERVICE_CHECK_{n}_{kind}": "/health"
                for n in range(1, 100)
                for kind in ("HTTP", "HTTPS", "TCP", "GRPC", "UDP", "H2PING", "ALIAS", "DOCKER")
            },
            **{f"SERVICE_{n}_WEIGHT": "5" for n in range(1, 4001)},
        },
        [[n, 10_000 + n] for n in range(1, 4001)],
        "4,000 ports of one container: only the first 256 services are registered",
    ),
    "product of bytes": (
        {"SERVICE_TAGS": ",".join(f"{n:04}" + "t" * 3990 for n in range(1000))},
        [[n, 10_000 + n] for n in range(1, 101)],
        "bytes of tags and metadata",
    ),
    "checks and ports": (
        {
            **{f"SERVICE_{n}_CHECK_INTERVAL": "11s" for n in range(1, 501)},
            **{f"SERVICE_CHECK_{n}_HTTP": "/" + "p" * 4000 for n in range(1, 100)},
        },
        [[n, 10_000 + n] for n in range(1, 501)],
        "together they have more than 1,048,576 bytes",
    ),
    "glob": ({"SERVICE_NAME": "a" * 200, "SERVICE_TAGS": "a" * 4000}, PORTS, ""),
}
FILTERS = ("--exclude", "service:*a*a*a*a*a*a*a*b", "--exclude", "tag:*a*a*a*a*a*a*a*b")


@pytest.mark.parametrize("what", MONSTERS)
def test_a_monstrous_workload_costs_only_itself(fake_docker, clean_consul, what):
    """The others are registered, in time and in bounds, and a problem names the limit."""
    labels, ports, problem = MONSTERS[what]
    fake = fake_docker(containers=20)
    fake.control("add", name="monster", labels=labels, ports=ports)
    done = measured(
        *("run", "--once", "--source", f"docker={fake.address}", *FILTERS),
        *("--set", "sources.docker.scope=h", "--sink", f"consul=http://{clean_consul.address}"),
    )
    assert problem in done.stderr
    ids = set(clean_consul.api.services())
    assert len([id_ for id_ in ids if "monster" not in id_]) >= 20
    assert len(done.stderr.splitlines()) < 2 * len(ids) + 200
    assert max(map(len, done.stderr.splitlines())) < 10_000
    assert peak(done) < MEMORY


def test_a_workload_with_all_ports_of_the_host_costs_only_itself(fake_docker, clean_consul):
    """Without a label: an image that exposes them, in the host's network."""
    fake = fake_docker(containers=20)
    ports = [[n, 0] for n in range(1, 65_536)]
    fake.control("add", name="monster", network="host", ports=ports)
    done = measured(
        *("run", "--once", "--source", f"docker={fake.address}", "--advertise", "192.0.2.1"),
        *("--set", "sources.docker.scope=h", "--sink", f"consul=http://{clean_consul.address}"),
    )
    assert "65,535 ports of one container: only the first 256 services" in done.stderr
    ids = set(clean_consul.api.services())
    assert len([id_ for id_ in ids if "monster" not in id_]) >= 20
    assert len([id_ for id_ in ids if "monster" in id_]) == 256
    assert peak(done) < MEMORY


def test_a_bound_by_option(fake_docker, clean_consul):
    """Somebody may want more of them, or fewer; labels leave ports out before they are counted."""
    fake = fake_docker(containers=0)
    ports = [[n, 10_000 + n] for n in range(1, 301)]
    fake.control("add", name="much", ports=ports, labels={"SERVICE_21-299_IGNORE": "true"})
    fake.control("add", name="more", ports=[[n, 20_000 + n] for n in range(1, 301)])
    for most, expected in ((10, 20), (300, 321)):
        command(
            *("run", "--once", "--source", f"docker={fake.address}"),
            *("--set", "sources.docker.scope=h", "--advertise", "192.0.2.1"),
            *("--set", f"sources.docker.most_instances={most}"),
            *("--sink", f"consul=http://{clean_consul.address}"),
        )
        assert len(clean_consul.api.services()) == expected


def test_the_page_shows_much_in_parts(fake_docker, start_syncer):
    """Tags of megabytes are neither copied for searches nor sent in one answer."""
    fake, page = fake_docker(containers=5), f"127.0.0.1:{free_port()}"
    tags = ",".join(f"{n:04}" + "t" * 3990 for n in range(1000))
    for name in ("one", "two", "three"):
        ports = [[n, 10_000 + n] for n in range(1, 101)]
        fake.control("add", name=name, labels={"SERVICE_TAGS": tags}, ports=ports)
    syncer = start_syncer(
        *("--source", f"docker={fake.address}", "--set", "sources.docker.scope=h"),
        *("--sink", "memory", "--advertise", "192.0.2.1", "--web", page),
    )

    syncer.wait_said("status page")

    def ask(path):
        with urllib.request.urlopen(f"http://{page}/api/v1/{path}", timeout=60) as answer:
            text = answer.read()
        assert len(text) < 2_000_000
        return json.loads(text)

    wait_until(lambda: ask("status")["instances"].get("registered", 0) > 5, 60, "all is there")
    seen, found = [], {"more": True}
    while found["more"]:
        found = ask(f"instances?limit=500&offset={len(seen)}")
        seen += [row["id"] for row in found["items"]]
    assert len(seen) == len(set(seen)) == found["total"] > 5
    for path in ("instances?q=tttt", "registrations?q=tttt&limit=500", "explain?name=one", "skips"):
        ask(path)
    most = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{syncer.process.pid}/status").read_text())
    assert int(most[1]) < 200 * 1024


def measured(*arguments):
    """Run a command of syncer; its last line of error output is the memory it had at most."""
    program = (
        "import resource, runpy, sys\n"
        "sys.argv[0] = 'syncer'\n"
        "try:\n    runpy.run_module('syncer', run_name='__main__')\n"
        "finally:\n    print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,"
        " file=sys.stderr)"
    )
    before = list(COMMAND)
    COMMAND[:] = [COMMAND[0], "-c", program]
    try:
        return command(*arguments, deadline=DEADLINE)
    finally:
        COMMAND[:] = before


def peak(done):
    """KiB that the process had at most."""
    return int(re.search(r"(?m)^peak (\d+)$", done.stderr)[1])
