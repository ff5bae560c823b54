"""Examines an agent before anything is registered: its clock, the token's rights, the catalog.

Rights are not tried out: the agent tells what a token may do with a name that nobody uses.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from syncer import Finding, Level, SyncerError, clock_finding, one_line, some_of
from syncer.kits.http import Refused
from syncer_consul.agent.audit import Audit
from syncer_consul.http.client import Client
from syncer_consul.http.refusals import Meaning, meaning
from syncer_consul.http.transport import Answer

#: Seconds in which an agent tells the catalog of a change.
_SYNCED = 2.0
#: A name that no rule was made for.
_ANY = "syncer-may-write-all"
_NOT_READ = Finding(
    Level.WARNING,
    "the token may not read every service: nothing is removed while lists are incomplete",
    'give it service_prefix "" { policy = "read" } and node_prefix "" { policy = "read" }',
)
_NOT_WRITTEN = Finding(
    Level.WARNING,
    "the token may not write services of every name",
    "its rules must name each service that runs here with policy = write, or all of them:"
    ' service_prefix "" { policy = "write" }',
)
_UNCOMPARED = Finding(
    Level.WARNING,
    "the catalog's view of this node may not be read, so it is not compared with the agent",
    'give the token node_prefix "" { policy = "read" } and agent_prefix "" { policy = "read" }',
)
_NO_LEADER = Finding(
    Level.WARNING,
    "the agent's cluster has no leader",
    "services can be registered at the agent, but are not found elsewhere until there is one",
)


def examined(client: Client, audit: Audit) -> Iterator[Finding]:
    """Examine the agent, the rights of the token, and the catalog; nothing is written."""
    listing = client.asking(filter='ID == ""').agent.services
    try:
        reached = list(reaching(client, listing, _NO_LEADER))
        told = rights(client, [("service", "read", _ANY), ("service", "write", _ANY)])
    except SyncerError as error:
        yield refused_by(error)
        return
    yield from reached
    if isinstance(told, Finding):
        yield told
    else:
        reads, writes = told
        if not reads:
            yield _NOT_READ
        if not writes:
            yield _NOT_WRITTEN
        if reads and writes:
            yield Finding(Level.OK, "token can read and write all services")
    yield from _catalog(client, audit)


def _catalog(client: Client, audit: Audit) -> Iterator[Finding]:
    """Compare the catalog with the agent, twice if they differ: the agent may just be at it."""
    found: Mapping[str, str] = {}
    for wait in (0.0, _SYNCED):
        time.sleep(wait)
        try:
            services, checks = client.agent.services().object(), client.agent.checks().object()
            faults = audit.compare(services, checks)
        except SyncerError as error:
            yield attrs.evolve(_UNCOMPARED, what=f"{_UNCOMPARED.what}: {one_line(error)}")
            return
        if faults is None:
            yield _UNCOMPARED
            return
        if not (found := faults.texts()):
            return
    first = sorted(found)[0]
    text = f"the catalog and the agent differ in {some_of(sorted(found), 3)}"
    yield Finding(
        Level.WARNING,
        f"{text} ({first}: {found[first]})",
        "`syncer run` writes it again within two minutes; if it stays, the agent's log says why",
    )


def rights(client: Client, questions: Sequence[tuple[str, str, str]]) -> list[bool] | Finding:
    """Return what the token may do, or the finding that this is unknown. Nothing is written.

    Raises the client's errors if the agent does not know the token.
    """
    why = ""
    try:
        if (allowed := client.ask_rights(questions)) is not None:
            return allowed
    except Refused as error:
        found = meaning(error)
        if found is Meaning.TOKEN:
            raise
        if found is Meaning.NO_WRITES:
            return Finding(Level.WARNING, "the agent takes no writes from this host", found.value)
        why = one_line(f": {error.code} {error.reason}")
    text = f"the agent does not say what the token may do{why}"
    return Finding(Level.WARNING, text, "syncer continues: the first change will show it")


def reaching(
    client: Client, needed: Callable[[], Answer], leaderless: Finding
) -> Iterator[Finding]:
    """Find out whether the agent answers and its cluster has a leader, and compare clocks.

    `needed` is a request that syncer cannot do without. Raises the client's errors.
    """
    answer = needed()
    info = client.info()
    version = f": version {'.'.join(map(str, info.version))}" if info.version else ""
    yield Finding(Level.OK, f"the agent at {client.address} answers{version}")
    yield from _leader(client, leaderless)
    if clock := clock_finding(str(answer.headers.get("Date", ""))):
        yield clock


def _leader(client: Client, leaderless: Finding) -> Iterator[Finding]:
    try:
        if not client.status.leader().data:
            yield leaderless
    except Refused as error:  # not needed for work
        why = one_line(f"{error.code} {error.reason}")
        yield Finding(Level.OK, f"cannot tell whether the cluster has a leader: {why}")


def refused_by(error: SyncerError) -> Finding:
    """Return the finding that the agent did not answer or refused, with advice."""
    return Finding(Level.PROBLEM, one_line(error), meaning(error).value)
