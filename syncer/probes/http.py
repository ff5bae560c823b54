"""Probes of http and https, by aiohttp: 2xx is passing, 429 a warning, all else critical."""

import aiohttp
from yarl import URL

from syncer.checks import CheckResult, CheckStatus, Probe
from syncer.probes.tls import client_context
from syncer.values import bracketed

#: Bytes of an answer that are read, as Consul does.
LONGEST_BODY = 4096
#: As many redirects are followed as Go's client does.
MOST_REDIRECTS = 10
_TOO_MANY_REQUESTS = 429
_HEADERS = {"User-Agent": "syncer health check", "Accept": "text/plain, text/*, */*"}


class HttpProber:
    """Makes requests, each on a connection of its own: a dead listener must be noticed."""

    def __init__(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def __call__(self, probe: Probe) -> CheckResult:
        """Probe once. Raises what aiohttp raises, and ValueError for a URL that is none."""
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
            body = await answer.content.read(LONGEST_BODY)
        said = [f"{answer.status} {answer.reason or ''}".strip()]
        said += [text] if (text := body.decode(errors="replace").strip()) else []
        return CheckResult(status=_status(answer.status), output=": ".join(said))

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


def _headers(probe: Probe) -> list[tuple[str, str]]:
    """The user's headers, and of our own those that the user does not set."""
    own = {name.lower() for name, _ in probe.headers}
    return [(n, text) for n, text in _HEADERS.items() if n.lower() not in own] + [*probe.headers]


def _status(code: int) -> CheckStatus:
    if code // 100 == 2:  # noqa: PLR2004 - the class of successes
        return CheckStatus.PASSING
    return CheckStatus.WARNING if code == _TOO_MANY_REQUESTS else CheckStatus.CRITICAL
