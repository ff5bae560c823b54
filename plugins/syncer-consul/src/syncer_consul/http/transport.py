"""The transport of python-consul2's client: its requests over pooled connections.

The library makes the requests and reads the answers; here they are sent, and errors are raised as
syncer's. The library reads a 404 as "nothing", and shows no headers.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import partialmethod
from typing import Any
from urllib.parse import quote, urlencode

import attrs
from consul.base import Response as LibraryResponse

from syncer import PermanentError, TemporaryError
from syncer.kits.http import Failed, HttpClient, Response, TlsFiles
from syncer_consul.address import parse_address
from syncer_consul.http.headers import Headers
from syncer_consul.options import AgentOptions

#: Refusals that Consul sends as 500, though asking again will not help.
_REFUSALS = ("permission denied", "acl not found", "scripts are disabled")
#: A reason why an agent may close connections.
_CLOSED = (
    "; if the agent runs, its limit of connections from one address may be reached:"
    " limits.http_max_conns_per_client"
)
#: A blocking query may last a sixteenth longer than asked for, to spread the load.
_WAIT_MARGIN = 1 / 16
#: How reading an answer fails that is not Consul's.
_FAULTS = (TypeError, LookupError, AttributeError)

Callback = Callable[[LibraryResponse], Any]
Params = Iterable[tuple[str, Any]] | None


@attrs.frozen
class Answer:
    """A response as the library read it, and its headers. `where` names the request."""

    data: Any
    headers: Mapping[str, str]
    where: str = ""

    @property
    def index(self) -> int:
        """The index for the next blocking query; 0 if there is none."""
        text = self.headers.get("X-Consul-Index") or ""
        return int(text) if text.isdecimal() else 0

    @property
    def has_leader(self) -> bool:
        """Whether the server that answered knew a leader, as far as it said."""
        return str(self.headers.get("X-Consul-KnownLeader", "true")).lower() == "true"

    @property
    def filtered(self) -> bool:
        """Whether the agent says that ACLs hide a part of the answer."""
        return str(self.headers.get("X-Consul-Results-Filtered-By-ACLs")).lower() == "true"

    def object(self) -> dict[str, Any]:
        """Return a JSON object. Raises PermanentError for anything else: it is not Consul."""
        if not isinstance(self.data, dict):
            raise PermanentError(f"{self.where}: not an answer of Consul's; wrong address?")
        return self.data


class Transport:
    """Sends requests to one agent. Each verb returns an `Answer`. Safe in threads.

    Raises `Refused` (also for a 404), `Failed`, or TemporaryError if there is no answer; then
    `on_outage` is called. `idle` connections are kept; there may be more at work.
    """

    def __init__(
        self, options: AgentOptions, *, idle: int, on_outage: Callable[[], None] = lambda: None
    ) -> None:
        address = parse_address(options.address, tls=options.ssl)
        self.address, self.headers = str(address), Headers(options)
        self._prefix, self._on_outage = address.prefix, on_outage
        tls = None
        if address.tls:
            tls = TlsFiles(
                ca_file=options.ca_file,
                ca_path=options.ca_path,
                client_cert=options.client_cert,
                client_key=options.client_key,
                verify=options.ssl_verify,
            )
        self._http = HttpClient(
            f"Consul at {address}",
            address.host,
            address.port,
            timeout=options.timeout.total_seconds(),
            connections=idle,
            tls=tls,
            server_name=options.tls_server_name,
            unix_socket=address.socket,
            hint=_CLOSED,
        )
        place = {"ns": options.namespace, "partition": options.partition}
        self._query = {key: value for key, value in place.items() if value}

    def asking(self, query: Mapping[str, str]) -> "Transport":
        """Return this transport with more parameters in each request."""
        other = copy(self)
        other._query = {**self._query, **query}
        return other

    def close(self) -> None:
        """Close all connections, which ends what is under way in other threads."""
        self._http.close()

    def _send(
        self,
        method: str,
        callback: Callback,
        path: str,
        params: Params = None,
        data: str | bytes | None = None,
        headers: Any = None,
    ) -> Answer:
        """Send a request of the library, whose headers would only be the token.

        A blocking query has the time that its parameter `wait` asks for, and more.
        """
        query = {**self._query, **dict(params or ())}
        target = self._prefix + quote(path, safe="/:%")
        if query:
            target += "?" + urlencode(query)
        body = data.encode() if isinstance(data, str) else data
        timeout = self._http.timeout
        if wait := query.get("wait"):
            timeout += float(wait.removesuffix("s")) * (1 + _WAIT_MARGIN)
        try:
            response = self._http.send(method, target, body, self.headers(), timeout=timeout)
            return self._answer(method, response, callback)
        except Failed:
            raise
        except TemporaryError:
            self._on_outage()  # another agent, or a newer one, may come back
            raise

    get = partialmethod(_send, "GET")
    put = partialmethod(_send, "PUT")
    post = partialmethod(_send, "POST")
    delete = partialmethod(_send, "DELETE")

    def _answer(self, method: str, response: Response, callback: Callback) -> Answer:
        headers, where = response.headers, response.where
        empty = not response.content.strip()
        if response.code == 404 and empty and headers.get("X-Consul-Index"):
            return Answer(None, headers, where)  # there is no such key
        if not response.ok:
            hint = ""
            if response.code == 404 and not response.reason().lower().startswith("unknown"):
                hint = "; is this the address of a Consul agent?"
            base = self._prefix + "/"
            raise response.error(refusals=_REFUSALS, hint=hint, base=base)
        if empty and method == "GET":
            # It ended within its headers: Consul says [], {} or null for nothing.
            raise TemporaryError(f"{where}: the answer is empty")
        try:
            text = response.content.decode("utf-8", "surrogatepass")
            data = callback(LibraryResponse(response.code, headers, text, response.content))
        except (ValueError, RecursionError) as error:
            raise TemporaryError(f"{where}: the answer is not JSON") from error
        except _FAULTS as error:
            raise TemporaryError(f"{where}: not an answer of Consul's: {error!r}") from error
        # Methods with blocking queries return index and data; the index is in the headers, too.
        return Answer(data[1] if isinstance(data, tuple) else data, headers, where)
