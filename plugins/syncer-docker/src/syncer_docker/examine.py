"""Diagnosis of a Docker engine: socket, permissions, a proxy, clocks."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import formatdate

import attrs

from syncer import Finding, Level, PermanentError, SyncerError, clock_finding, one_line
from syncer_docker.client.client import DockerClient
from syncer_docker.client.endpoint import group_of, socket_in
from syncer_docker.contexts import current_context
from syncer_docker.events.parse import SECOND

#: A container that no engine has: inspecting it shows whether inspecting is permitted.
_NO_CONTAINER = "syncer-doctor-asks-for-none"

Requests = Mapping[str, Callable[[], object]]


def examine_engine(client: DockerClient) -> Iterator[Finding]:
    """Check the connection, permissions and the clock; a problem skips the rest."""
    requests: Requests = {
        "GET /containers/json": client.containers,
        "GET /containers/ID/json": lambda: client.inspect(_NO_CONTAINER),
        "GET /events": lambda: client.events().close(),
        "GET /info": client.name,
    }
    good = "containers can be listed and inspected, and events received"
    return until_problem(
        lambda: check_connection(client),
        lambda: check_requests(requests, good, client.advice()),
        lambda: check_clock(client),
    )


def until_problem(*checks: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of each check; one with a problem is the last."""
    for check in checks:
        yield from (found := list(check()))
        if any(one.level is Level.PROBLEM for one in found):
            return


def check_connection(client: DockerClient) -> Iterator[Finding]:
    """Check whether the engine answers."""
    yield from (unusable := [_with_context(client, one) for one in _check_socket(client.endpoint)])
    if unusable:
        return
    try:
        version = client.api_version()
    except SyncerError as error:
        yield _with_context(client, failure(error, "GET /version", client.advice()))
        return
    yield Finding(Level.OK, f"the engine at {client.address} uses API {version}")


def check_requests(requests: Requests, good: str, advice: str) -> Iterable[Finding]:
    """Check which requests of a source fail; a proxy may forbid a single one. `good`: none does."""
    failed = []
    for what, send in requests.items():
        try:
            send()
        except SyncerError as error:
            failed.append(failure(error, what, advice))
    return failed or [Finding(Level.OK, good)]


def failure(error: SyncerError, request: str, advice: str) -> Finding:
    """Return the finding for a failed request; `advice` is for one that was not answered."""
    if isinstance(error, PermanentError):
        advice = f"if there is a proxy in front of the engine, allow {request}"
    return Finding(Level.PROBLEM, one_line(f"{request}: {error}"), advice)


def check_clock(client: DockerClient) -> Iterator[Finding]:
    """Compare the engine's clock with ours."""
    now = client.now()
    found = clock_finding(formatdate(now / SECOND)) if now else None
    if found:
        yield found


def _with_context(client: DockerClient, finding: Finding) -> Finding:
    """Return the finding with the context that is in use here, if it may be the one wanted."""
    options = client.options
    if options.endpoint or options.context or not (name := current_context(options)):
        return finding
    advice = f"Docker's own tools use the context {name!r} here: set the option context to it, or"
    return attrs.evolve(finding, advice=f"{advice} {finding.advice}")


def _check_socket(endpoint: str) -> Iterator[Finding]:
    """Check whether the socket can be used, if the endpoint is one."""
    if not (path := socket_in(endpoint)):
        return
    try:
        found = os.stat(path)
    except OSError as error:
        advice = f"start Docker; in a container, mount the socket: -v {path}:{path}"
        if isinstance(error, PermissionError):
            advice = f"give user {os.geteuid()} permission to enter the socket's folder"
        yield Finding(Level.PROBLEM, f"no socket at {path}: {error.strerror}", advice)
        return
    if not stat.S_ISSOCK(found.st_mode):
        # Docker makes a folder of a missing path that is to be mounted.
        advice = "mount the host's socket there; it must exist before the container starts"
        yield Finding(Level.PROBLEM, f"{path} is not a socket", advice)
    elif not os.access(path, os.R_OK | os.W_OK):
        group = group_of(path)
        yield Finding(
            Level.PROBLEM,
            f"no permission to open {path}: it belongs to group {group}, mode"
            f" {found.st_mode & 0o777:o}, and syncer runs as user {os.geteuid()}",
            f"add the user to the group {group}; in a container: --group-add {found.st_gid}",
        )
