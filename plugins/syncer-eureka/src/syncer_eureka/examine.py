"""Examines Eureka servers before anything is registered: path, password, peers, clocks.

Each server is examined, though any that answers will do for the work. Nothing is written: leave to
write shows in the answer to a heartbeat for an id that nobody has.
"""

import re
from collections.abc import Iterator, Sequence
from html import unescape

import attrs

from syncer import Finding, Level, TemporaryError, clock_finding, one_line
from syncer.kits.http import Response
from syncer_eureka.address import Address, parse_url
from syncer_eureka.form.decode import FAULTS, instances_in
from syncer_eureka.meaning import PATHS, meaning
from syncer_eureka.server import Server

#: Usual paths of the API: of Spring Cloud's server, of Netflix's own, and behind a proxy.
_USUAL = ("/eureka/", "/eureka/v2/", "/v2/", "/")
#: How the server's page for people says that leases do not expire now, and lists peers.
_PRESERVING = "RENEWALS ARE LESSER THAN THRESHOLD"
#: The default peer of Spring Cloud's server.
_UNSET = "http://localhost:8761/eureka/"
_REPLICAS = re.compile(r"<td>(registered|unavailable)-replicas</td>\s*<td>([^<]*)</td>")
#: The heartbeat of an instance that does not exist: 404 for everybody who may write.
_NOBODY = "apps/SYNCER-DOCTOR/syncer-doctor?status=UP&lastDirtyTimestamp=0"


def examine(servers: Sequence[Server], *, named: bool) -> Iterator[Finding]:
    """Return the findings of each server. A failing one is a warning if another answers.

    `named`: whether a user or password is configured.
    """
    found = [list(_server(server, named=named, alone=len(servers) == 1)) for server in servers]
    works = any(first.level is Level.OK for first, *_ in found)
    for findings in found:
        for finding in findings:
            failed = finding.level is Level.PROBLEM
            yield attrs.evolve(finding, level=Level.WARNING) if failed and works else finding


def _server(server: Server, *, named: bool, alone: bool) -> Iterator[Finding]:
    try:
        answer = server.send("GET", "apps")
    except TemporaryError as error:
        advice = "check that Eureka is running there, and that the address is right"
        yield Finding(Level.PROBLEM, one_line(error), advice)
        return
    if not _is_list(answer):
        yield _no_list(server, answer, named=named)
        return
    yield Finding(Level.OK, f"the server at {server.address} answers")
    if clock := clock_finding(str(answer.headers.get("Date", ""))):
        yield clock
    yield from _writing(server)
    page = _page(server)
    yield from _peers(server.address, page, alone=alone)
    if _PRESERVING in page:
        yield Finding(
            Level.WARNING,
            f"{server.address} is in self-preservation: entries that are not renewed stay listed",
            "usual for some minutes after a start, or with few instances; else see who has"
            " stopped renewing. Entries that syncer removes go all the same",
        )


def _writing(server: Server) -> Iterator[Finding]:
    """Report a server that lets itself be read, but not written."""
    try:
        answer = server.send("PUT", _NOBODY)
        said = "" if answer.code in (200, 404) else meaning("PUT", server, answer)
    except TemporaryError as error:
        said = one_line(error)
    if said:
        yield Finding(
            Level.WARNING,
            f"{server.address} can be read, but a heartbeat was answered by {said}",
            "enough for a source, but a sink cannot register there",
        )


def _is_list(answer: Response) -> bool:
    """Whether this is a list of applications in Eureka's form."""
    try:
        list(instances_in(answer.json()))
    except (*FAULTS, TemporaryError):
        return False
    return answer.code == 200


def _no_list(server: Server, answer: Response, *, named: bool) -> Finding:
    where = f"Eureka at {server.address}"
    if answer.code == 401:
        known = "check user and password: the server does not accept them"
        advice = known if named else "set user and password: the server asks for them"
        return Finding(
            Level.PROBLEM, f"{where}: it refuses access without the right user and password", advice
        )
    if answer.code == 403:
        text = f"{where}: it returns no list now"
        advice = (
            "a server that has just started returns none until it has its peers' list, or for 5"
            " minutes; if that lasts, the user or a proxy before it lacks the right to read"
        )
        return Finding(Level.PROBLEM, text, advice)
    said = f"it answers {meaning('GET', server, answer)}"
    if answer.code == 200:
        said = f"its answer is not a list: {answer.reason()[:100]!r}"
    return Finding(Level.PROBLEM, f"{where}: {said}", _right_path(server, answer))


def _right_path(server: Server, answer: Response) -> str:
    """Return advice: the usual path under which Eureka answers at this server, if it does."""
    if answer.redirect():
        return "requests are not sent on, for they may carry a password"
    for path in _USUAL:
        if path != server.address.path and _answers(server, path):
            return f"Eureka answers at {attrs.evolve(server.address, path=path)}: set this as URL"
    return f"see what is served there; {PATHS}"


def _answers(server: Server, path: str) -> bool:
    try:
        return _is_list(server.look(f"{path}apps"))
    except TemporaryError:
        return False


def _page(server: Server) -> str:
    """Return the server's page for people, one level above the API; "" if there is none.

    The API has a status, too, but newer servers of Spring Cloud fail to give it as JSON.
    """
    above = server.address.path.rstrip("/").rpartition("/")[0] + "/"
    try:
        answer = server.look(above, accept="text/html")
    except TemporaryError:
        return ""
    return answer.content.decode("utf-8", "replace") if answer.code == 200 else ""


def _peers(where: Address, page: str, *, alone: bool) -> Iterator[Finding]:
    """Yield what the page says of peers; a page in other words yields nothing."""
    said = {name: _replicas(listed) for name, listed in _REPLICAS.findall(page)}
    if gone := said.get("unavailable"):
        yield Finding(
            Level.WARNING,
            f"{where} counts peers as unavailable: {', '.join(gone)}",
            "check that they are running, and that all name each other; one that does not register"
            " itself (register-with-eureka) is counted so though all is well",
        )
    if not alone and said.get("registered") == []:
        yield Finding(
            Level.WARNING,
            f"{where} knows no peers, but several servers are configured",
            "make them peers of each other, else they do not share what is registered",
        )


def _replicas(listed: str) -> list[str]:
    """Return the servers of a comma list, without the users and passwords in their URLs."""
    texts = [text.strip() for text in unescape(listed).split(",")]
    return [found for text in texts if text and (found := _address(text)) != _UNSET]


def _address(text: str) -> str:
    try:
        return str(parse_url(text)[0])
    except ValueError:
        return "one without an address"
