"""What can be in the way of registering in Eureka: the path, the password, peers, clocks.

Each server is looked at by itself, though work goes on with any that answers. Nothing is written.
"""

import re
from collections.abc import Iterator, Sequence
from html import unescape

import attrs

from syncer import Finding, Level, TemporaryError, clock_finding, one_line
from syncer.kits.http import Response
from syncer_eureka.address import Address, parse_url
from syncer_eureka.reading import FAULTS, instances_in
from syncer_eureka.servers import Server

#: Where servers have their API: Spring Cloud's, Netflix' own, and what a proxy makes of them.
_USUAL = ("/eureka/", "/eureka/v2/", "/v2/", "/")
#: How the page that servers show to people says that leases do not run out now, and lists peers.
_SPARING = "RENEWALS ARE LESSER THAN THRESHOLD"
#: The peer that Spring Cloud's server has where nobody named any.
_UNSET = "http://localhost:8761/eureka/"
_REPLICAS = re.compile(r"<td>(registered|unavailable)-replicas</td>\s*<td>([^<]*)</td>")
_PATHS = "the path is part of the URL: /eureka/ of Spring Cloud's server, /eureka/v2/ of Netflix'"


def examined(servers: Sequence[Server], *, named: bool) -> Iterator[Finding]:
    """What was found at each server. One that fails is a warning where another answers.

    `named` says whether a user or password is configured.
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
        advice = "see whether Eureka runs there, and whether the address is right"
        yield Finding(Level.PROBLEM, one_line(error), advice)
        return
    if not _is_list(answer):
        yield _no_list(server, answer, named=named)
        return
    yield Finding(Level.OK, f"the server at {server.address} answers")
    if clock := clock_finding(str(answer.headers.get("Date", ""))):
        yield clock
    page = _page(server)
    yield from _peers(server.address, page, alone=alone)
    yield from _sparing(server.address, page)


def _is_list(answer: Response) -> bool:
    """Whether this is a list of applications, as Eureka gives it."""
    try:
        list(instances_in(answer.json()))
    except (*FAULTS, TemporaryError):
        return False
    return answer.code == 200


def _no_list(server: Server, answer: Response, *, named: bool) -> Finding:
    where = f"Eureka at {server.address}"
    if answer.code == 401:
        known = "see user and password: the server does not accept them"
        advice = known if named else "set user and password: the server asks for them"
        return Finding(Level.PROBLEM, f"{where}: nobody is let in without the right ones", advice)
    if answer.code == 403:
        text = f"{where}: it gives no list now"
        advice = (
            "one that has just started gives none until it has its peers', or for 5 minutes;"
            " if that lasts, the user or a proxy before it lacks the right to read"
        )
        return Finding(Level.PROBLEM, text, advice)
    said = "what it answers is no list" if answer.code == 200 else f"it answers {answer.code}"
    return Finding(Level.PROBLEM, f"{where}: {said}", _right_path(server))


def _right_path(server: Server) -> str:
    """Under which path of this server Eureka answers, if it does so under a usual one."""
    for path in _USUAL:
        if path != server.address.path and _answers(server, path):
            return f"Eureka answers at {attrs.evolve(server.address, path=path)}: set this as URL"
    return f"see what stands there; {_PATHS}"


def _answers(server: Server, path: str) -> bool:
    try:
        return _is_list(server.look(f"{path}apps"))
    except TemporaryError:
        return False


def _page(server: Server) -> str:
    """The page that servers show to people, which stands above the API; "" if there is none.

    The API has a status too, which newer servers of Spring Cloud fail to give as JSON.
    """
    above = server.address.path.rstrip("/").rpartition("/")[0] + "/"
    try:
        answer = server.look(above, accept="text/html")
    except TemporaryError:
        return ""
    return answer.content.decode("utf-8", "replace") if answer.code == 200 else ""


def _peers(where: Address, page: str, *, alone: bool) -> Iterator[Finding]:
    """What the server says of its peers; one that has other words for it says nothing."""
    said = {name: _replicas(listed) for name, listed in _REPLICAS.findall(page)}
    if gone := said.get("unavailable"):
        yield Finding(
            Level.WARNING,
            f"{where} counts peers as unavailable: {', '.join(gone)}",
            "see whether they run, and whether all name each other; one that does not register"
            " itself (register-with-eureka) is counted so though all is well",
        )
    if not alone and said.get("registered") == []:
        yield Finding(
            Level.WARNING,
            f"{where} knows no peers, and several servers are configured",
            "make them peers of each other, else what one is told the others do not know",
        )


def _replicas(listed: str) -> list[str]:
    """The servers of a comma list, without users and passwords that stand in their URLs."""
    texts = [text.strip() for text in unescape(listed).split(",")]
    return [found for text in texts if text and (found := _address(text)) != _UNSET]


def _address(text: str) -> str:
    try:
        return str(parse_url(text)[0])
    except ValueError:
        return "one that has no address"


def _sparing(where: Address, page: str) -> Iterator[Finding]:
    """Whether the server keeps what nobody renews."""
    if _SPARING in page:
        yield Finding(
            Level.WARNING,
            f"{where} preserves itself: what is not renewed stays listed",
            "usual for some minutes after a start, or with few instances; else see who has"
            " stopped to renew. What syncer removes goes all the same",
        )
