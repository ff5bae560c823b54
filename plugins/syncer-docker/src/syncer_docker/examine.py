"""What can be in the way of reading an engine: socket, rights, a proxy, clocks."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from pathlib import Path

from syncer import Finding, Level, PermanentError, SyncerError, clock_finding, one_line
from syncer_docker.client import Engine

#: A container that no engine has: to ask for it shows whether one may ask.
_NOBODY = "syncer-doctor-asks-for-none"


def examined(engine: Engine) -> Iterator[Finding]:
    """Everything from the socket up; what needs what failed is not looked at."""
    reached = list(reaching(engine))
    yield from reached
    if any(one.level is Level.PROBLEM for one in reached):
        return
    refused = list(
        refusals(
            {
                "GET /containers/json": engine.containers,
                "GET /containers/ID/json": lambda: engine.inspect(_NOBODY),
                "GET /events": lambda: engine.events().close(),
                "GET /info": engine.name,
            }
        )
    )
    yield from refused
    if not refused:
        yield Finding(Level.OK, "containers can be listed and inspected, and events heard")
        yield from clock(engine)


def reaching(engine: Engine) -> Iterator[Finding]:
    """Whether the engine answers, and what is in the way of that."""
    unusable = list(_socket(engine.endpoint))
    yield from unusable
    if unusable:
        return
    try:
        version = engine.api_version()
    except SyncerError as error:
        yield refused_by(error, "GET /version")
        return
    yield Finding(Level.OK, f"the engine at {engine.endpoint} speaks API {version}")


def refusals(questions: Mapping[str, Callable[[], object]]) -> Iterator[Finding]:
    """What is refused of all that a source asks; a proxy may forbid one thing alone."""
    for what, ask in questions.items():
        try:
            ask()
        except SyncerError as error:
            yield refused_by(error, what)


def refused_by(error: SyncerError, what: str) -> Finding:
    """That a question failed, and what to do about it."""
    refused = isinstance(error, PermanentError)
    away = "see whether the engine runs, and whether the address is right"
    advice = f"if a proxy stands before the engine, let it pass {what}" if refused else away
    return Finding(Level.PROBLEM, one_line(f"{what}: {error}"), advice)


def clock(engine: Engine) -> Iterator[Finding]:
    """How the engine's clock compares with ours."""
    now = engine.now()
    found = clock_finding(formatdate(now / 1_000_000_000)) if now else None
    if found:
        yield found


def _socket(endpoint: str) -> Iterator[Finding]:
    """Why the socket cannot be used, if the endpoint is one."""
    if not endpoint.startswith("unix:"):
        return
    path = "/" + endpoint.removeprefix("unix:").lstrip("/")
    try:
        found = os.stat(path)
    except OSError as error:
        advice = f"start Docker; in a container, mount the socket: -v {path}:{path}"
        if isinstance(error, PermissionError):
            advice = f"user {os.geteuid()} needs the right to enter the socket's folder"
        yield Finding(Level.PROBLEM, f"no socket at {path}: {error.strerror}", advice)
        return
    if not stat.S_ISSOCK(found.st_mode):
        # Docker makes a folder of what is to be mounted and is not there.
        text = "mount the host's socket there, and see that it was there before the container"
        yield Finding(Level.PROBLEM, f"{path} is no socket", text)
    elif not os.access(path, os.R_OK | os.W_OK):
        group = _group(path, found.st_gid)
        yield Finding(
            Level.PROBLEM,
            f"no right to open {path}: it is for group {group}, mode {found.st_mode & 0o777:o},"
            f" and we are user {os.geteuid()}",
            f"add the user to the group {group}; in a container: --group-add {found.st_gid}",
        )


def _group(path: str, number: int) -> str:
    try:
        return Path(path).group()
    except KeyError:  # in a container the host's groups have no names
        return str(number)
