"""`syncer registrator` registers what registrator registers, row by row of a table."""

import json
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
from docker.errors import APIError
from registrator_corpus import ADDRESS, CASES, FLAGS, TAGGED, WEB

from servers import dropin
from servers.counting import CountingProxy
from servers.process import free_ports
from servers.syncer import command
from servers.waiting import wait_until

MIGRATE = Path(__file__).parents[2] / "docs/migrate.md"
NETWORK = "corpus"


def wait_registered(consul, ids):
    """Wait until all these ids are there."""
    wait_until(
        lambda: ids <= consul.api.services().keys(),
        60,
        f"the services {sorted(ids)} to be there",
    )


def ports_of(case):
    """The ports of a row, as Docker's SDK takes them, published on ports that are free.

    Left to Docker they would lie one beside the other, and other engines on this machine, which
    try the same ones first, give up after ten that are taken.
    """
    ports = [text if "/" in text else f"{text}/tcp" for text in case.ports.split()]
    host = free_ports(len(ports), "0.0.0.0")
    return {port: ("0.0.0.0", number) for port, number in zip(ports, host, strict=True)}


def keys_of(given):
    """The whole keys; one that begins with = is no key of registrator's."""
    return {k[1:] if k.startswith("=") else f"SERVICE_{k}": v for k, v in given.items()}


def start(engine, case):
    """Run the container of a row; again, if somebody else took one of its ports."""

    def started():
        try:
            run(engine, case)
        except APIError:
            engine.remove(case.name)
            raise
        return True

    wait_until(started, 30, f"{case.name} to start", ignore=(APIError,))


def run(engine, case):
    engine.run(
        case.name,
        image=case.image,
        command=["sleep", "100000"],
        labels=keys_of(case.labels),
        environment=keys_of(case.env),
        **({"ports": ports_of(case)} if case.ports else {}),
        **({"network": case.network} if case.network else {}),
    )


@pytest.fixture(scope="module")
def engine(docker_engine):
    """The Docker engine with the containers of all rows."""
    docker_engine.clean()
    repository, _, tag = TAGGED.rpartition(":")
    docker_engine.client.images.get(WEB).tag(repository, tag)
    docker_engine.network(NETWORK)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda case: start(docker_engine, case), CASES))
        yield docker_engine
        list(pool.map(docker_engine.remove, [case.name for case in CASES]))
    docker_engine.clean()


class Outcome:
    """What stands in Consul with one set of flags, and the checks that were sent for it."""

    def __init__(self, services, sent, printed):
        self.services, self.sent, self.printed = services, sent, printed


@pytest.fixture(scope="module")
def outcomes(engine, consul, server_guard, tmp_path_factory):
    """A function: what one set of flags comes to; each is run once."""
    known = {}

    def run(flags):
        consul.clean()
        sent = {}

        def heard(method, path, body):
            if path.startswith("/v1/agent/service/register"):
                one = json.loads(body)
                sent[one["ID"]] = one["Checks"]

        proxy = CountingProxy(consul.address, heard)
        line = (*FLAGS[flags], f"consul://{proxy.address}")
        syncer = dropin.make(server_guard, *line, engine=engine)
        try:
            syncer.start()
            cases = [case for case in CASES if case.flags == flags]
            wait_registered(consul, {e["id"] for case in cases for e in expected(case, engine)})
            # Once one that came later is there, all that came before has been dealt with.
            last = f"last-{flags}"
            start(engine, attrs.evolve(CASES[0], name=last, labels={"NAME": "last"}))
            wait_registered(consul, {f"{dropin.HOST}:{last}:8000"})
            return Outcome(consul.api.services(), sent, printed(engine, *line))
        finally:
            syncer.stop()
            sys.stdout.write(f"{syncer.tail()}\n")
            proxy.close()

    def printed(engine, *line):
        """How a plan by the printed configuration ends, while all is as the flags made it."""
        env = {"DOCKER_HOST": engine.address, "SYNCER_HOST": dropin.HOST}
        config = tmp_path_factory.mktemp("config") / "syncer.toml"
        config.write_text(command("registrator", "-print-config", *line, env=env).stdout)
        return command("plan", "--config", str(config), env=env)

    def outcome(flags):
        if flags not in known:
            known[flags] = run(flags)
        return known[flags]

    yield outcome
    consul.clean()


def expected(case, engine):
    """The entries of a row as Consul shows them."""
    container = engine.container(case.name)
    for entry in case.entries:
        number, _, protocol = entry.port.partition("/")
        own = int(number)
        address, port = entry.address or ADDRESS, own
        if case.flags == "internal":
            address = engine.ip(case.name, case.network or "bridge")
        elif case.network != "host":
            port = engine.host_port(case.name, f"{number}/{protocol or 'tcp'}")
        ending = f":{protocol}" if protocol else ""
        hostname = container.attrs["Config"]["Hostname"]
        yield {
            "id": entry.id or f"{dropin.HOST}:{case.name}:{own}{ending}",
            "service": entry.service,
            "address": address,
            "port": port,
            "tags": [tag.format(hostname=hostname) for tag in entry.tags],
            "meta": entry.meta,
            "checks": [
                {k: v.format(at=f"{address}:{port}") if isinstance(v, str) else v
                 for k, v in check.items()}
                for check in entry.checks
            ],
        }  # fmt: skip


def found(case, outcome, engine):
    """The entries that are there for the container of a row."""
    container = engine.container(case.name).id
    for id_, one in outcome.services.items():
        if one["Meta"].get("syncer-workload") != container:
            continue
        checks = [dict(check) for check in outcome.sent[id_]]
        for check in checks:
            check.pop("CheckID")
        yield {
            "id": id_,
            "service": one["Service"],
            "address": one["Address"],
            "port": one["Port"],
            "tags": one["Tags"],
            "meta": {k: v for k, v in one["Meta"].items() if not k.startswith("syncer-")},
            "checks": checks,
        }


def by_id(entries):
    return {entry["id"]: entry for entry in entries}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_row(case, outcomes, engine):
    """The container has these entries and no others."""
    outcome = outcomes(case.flags)
    assert by_id(found(case, outcome, engine)) == by_id(expected(case, engine))


@pytest.mark.parametrize("flags", FLAGS)
def test_the_printed_configuration_does_the_same(flags, outcomes):
    """By it nothing is to be changed in what the flags made."""
    done = outcomes(flags).printed
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": no changes" in done.stdout


def test_the_table_is_large_enough():
    """At least 60 combinations, each name once, and as many as the page says."""
    assert len(CASES) >= 60
    assert f"{len(CASES)} combinations" in MIGRATE.read_text()
    assert max(Counter(case.name for case in CASES).values()) == 1


def test_every_difference_is_listed():
    """docs/migrate.md has a row for each difference that the table has."""
    text = MIGRATE.read_text().partition("## What is different\n")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if re.match(r"\| [^-]", line)]
    for case in CASES:
        assert any(case.differs in row.split("|")[1] for row in rows), case
