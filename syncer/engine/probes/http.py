"""Probes of http and https, by aiohttp: 2xx is passing, 429 a warning, anything else critical.

Every connection is checked when it is opened, also those of redirects.
"""

import asyncio
import socket
from contextvars import ContextVar
from http import HTTPStatus

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from syncer.api.checks import CheckResult, CheckStatus, Probe
from syncer.api.fields import bracketed, is_address
from syncer.engine.probes.places import Places
from syncer.engine.probes.tls import client_context

#: How many bytes of a response are read, as by Consul.
LONGEST_BODY = 4096
#: How many redirects are followed, as by Go's client.
MOST_REDIRECTS = 10
_TOO_MANY_REQUESTS = 429
_HEADERS = {"User-Agent": "syncer health check", "Accept": "text/plain, text/*, */*"}


class HttpProber:
    """Makes requests, each on a new connection: a dead listener must be noticed.

    Without `show` results have no text of the server's: it may be meant for other eyes.
    """

    def __init__(self, *, show: bool = False) -> None:
        self._show = show
        connector = aiohttp.TCPConnector(
            limit=0,
            force_close=True,
            resolver=_Resolver(),
            use_dns_cache=False,
            socket_factory=_checked_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def __call__(self, probe: Probe, places: Places) -> CheckResult:
        """Probe once. Raises what aiohttp raises, OSError, and ValueError for an invalid URL."""
        _RUN.set((probe, places))
        try:
            status, reason, body = await self._request(probe)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PermissionError):
                raise error.os_error from error  # which says why a redirect was not followed
            if self._show or error.host == probe.address:
                raise
            raise ConnectionError("the target of a redirect cannot be reached") from error
        except (OSError, TimeoutError, asyncio.TimeoutError):
            raise  # of this side; two classes of timeouts until Python 3.11
        except Exception as error:  # with text that the server may have chosen
            if self._show:
                raise
            raise ConnectionError(f"the answer is not valid ({type(error).__name__})") from error
        if not self._show:
            return CheckResult(status=_status(status), output=_phrase(status))
        said = [f"{status} {reason}".strip()]
        said += [text] if (text := body.decode(errors="replace").strip()) else []
        return CheckResult(status=_status(status), output=": ".join(said))

    async def _request(self, probe: Probe) -> tuple[int, str, bytes]:
        """Return code, reason and the beginning of the body of the last response."""
        secure = probe.kind == "https"
        async with self._session.request(
            probe.method,
            URL(f"{probe.kind}://{bracketed(probe.address)}:{probe.port}{probe.path}"),
            headers=_headers(probe),
            data=probe.body or None,
            allow_redirects=probe.follow_redirects,
            max_redirects=MOST_REDIRECTS,
            ssl=client_context(verify=not probe.tls_skip_verify) if secure else True,
            server_hostname=(probe.tls_server_name or None) if secure else None,
            timeout=aiohttp.ClientTimeout(total=probe.timeout),
        ) as answer:
            return answer.status, answer.reason or "", await answer.content.read(LONGEST_BODY)

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


#: The probe that runs in this task, and where it may connect to.
_RUN: ContextVar[tuple[Probe, Places]] = ContextVar("run")


class _Resolver(AbstractResolver):
    """Returns the checked addresses for the probe's target; resolves the targets of redirects."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host name. Raises OSError."""
        probe, places = _RUN.get()
        target = host == probe.address and not is_address(host)
        addresses = places.addresses if target else await places.look_up(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Do nothing: nothing is open."""


def _checked_socket(place: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket for a connection. Raises PermissionError if it must not be made."""
    family, kind, protocol, _, (address, port, *_) = place
    _, places = _RUN.get()
    places.check(str(address), int(port))
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def _headers(probe: Probe) -> list[tuple[str, str]]:
    """Return the user's headers, and our own unless the user sets them."""
    own = {name.lower() for name, _ in probe.headers}
    return [(n, text) for n, text in _HEADERS.items() if n.lower() not in own] + [*probe.headers]


def _phrase(code: int) -> str:
    """Return a code in the words of the standard, not those of the server."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _status(code: int) -> CheckStatus:
    if code // 100 == 2:  # noqa: PLR2004 - the class of successes
        return CheckStatus.PASSING
    return CheckStatus.WARNING if code == _TOO_MANY_REQUESTS else CheckStatus.CRITICAL
