"""Examines an agent before anything is registered: its clock, the token's rights.

Rights are not tried out: the agent tells what a token may do with a name that nobody uses.
"""

from collections.abc import Iterator

from syncer import Finding, Level, SyncerError, clock_finding, one_line
from syncer.kits.http import Refused
from syncer_consul.http.client import Client

#: A name that no rule was made for.
_ANY = "syncer-may-write-all"
_NOT_READ = Finding(
    Level.WARNING,
    "the token may not read every service: nothing is removed while lists are incomplete",
    'give it service_prefix "" { policy = "read" } and node_prefix "" { policy = "read" }',
)
NOT_TOLD = Finding(
    Level.WARNING,
    "the agent does not say what the token may do",
    "the first change will show it",
)
_NOT_WRITTEN = Finding(
    Level.WARNING,
    "the token may not write services of every name",
    "its rules must name each service that runs here with policy = write, or all of them:"
    ' service_prefix "" { policy = "write" }',
)
_NO_LEADER = Finding(
    Level.WARNING,
    "the agent's cluster has no leader",
    "services can be registered at the agent, but are not found elsewhere until there is one",
)


def examined(client: Client) -> Iterator[Finding]:
    """Examine the agent and the rights of the token; nothing is written."""
    try:
        reached = list(reaching(client, _NO_LEADER))
        allowed = client.may([("service", "read", _ANY), ("service", "write", _ANY)])
    except SyncerError as error:
        yield refused_by(error)
        return
    yield from reached
    if allowed is None:
        yield NOT_TOLD
        return
    reads, writes = allowed
    if not reads:
        yield _NOT_READ
    if not writes:
        yield _NOT_WRITTEN
    if reads and writes:
        yield Finding(Level.OK, "services of every name may be read and written")


def reaching(client: Client, leaderless: Finding) -> Iterator[Finding]:
    """Find out whether the agent answers and its cluster has a leader, and compare clocks.

    Raises the client's errors.
    """
    answer = client.status.leader()
    info = client.info()
    version = f": version {'.'.join(map(str, info.version))}" if info.version else ""
    yield Finding(Level.OK, f"the agent at {client.address} answers{version}")
    if not answer.data:
        yield leaderless
    if clock := clock_finding(str(answer.headers.get("Date", ""))):
        yield clock


def refused_by(error: SyncerError) -> Finding:
    """Return the finding that the agent did not answer or refused, with advice."""
    if isinstance(error, Refused) and error.code == 403:
        advice = "see whether token, token_file or CONSUL_HTTP_TOKEN has a token that Consul knows"
    else:
        advice = "see whether the agent runs, and whether the address is right"
    return Finding(Level.PROBLEM, one_line(error), advice)
