"""One workload, whatever its labels, does not slow the others nor fill the memory."""

import re

import pytest

from servers.syncer import COMMAND, command

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
