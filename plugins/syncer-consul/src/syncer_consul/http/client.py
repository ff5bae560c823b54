"""Questions to one agent and orders for it: python-consul2 over our transport.

Answers become JSON or one of syncer's errors. The library's own methods are not used: they know
too little (`service.register` has no weights and one check), and read a 404 as "nothing".
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import attrs

from syncer import PermanentError, TemporaryError
from syncer_consul.address import parse_address
from syncer_consul.http.access import Headers, tls_context
from syncer_consul.http.transport import Response, Transport
from syncer_consul.options import AgentOptions

_UNKNOWN = ("unknown service", "unknown check", "does not have associated ttl")
#: Refusals that Consul sends as 500, though asking again will not help.
_REFUSALS = ("permission denied", "acl not found", "scripts are disabled")
#: Since this version lists say when rights hide a part of them.
_TELLS_HIDDEN = (1, 11, 0)
#: A blocking query may last a sixteenth longer than asked for, to spread the load.
_WAIT_MARGIN = 1 / 16


class Refused(PermanentError):
    """The agent said no; `code` is the status, `reason` what it said, `data` that as JSON."""

    def __init__(self, text: str, code: int, reason: str, data: Any = None) -> None:
        super().__init__(text)
        self.code, self.reason, self.data = code, reason, data


class Failed(TemporaryError):
    """The agent could not do it now; `code` is the status, `reason` what it said."""

    def __init__(self, text: str, code: int, reason: str) -> None:
        super().__init__(text)
        self.code, self.reason = code, reason


def is_unknown(error: Refused | Failed) -> bool:
    """Whether the agent says that it has no such service or check.

    Consul 1.8 says so with status 500, newer versions with 404.
    """
    return error.code == 404 or any(word in error.reason.lower() for word in _UNKNOWN)


@attrs.frozen(kw_only=True)
class Answer:
    """JSON from the agent, and the headers that came with it."""

    data: Any
    headers: Mapping[str, str]

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
        """Whether the agent says that rights hide a part of the answer."""
        return str(self.headers.get("X-Consul-Results-Filtered-By-ACLs")).lower() == "true"


@attrs.frozen(kw_only=True)
class AgentInfo:
    """What one agent says of itself; empty and None where the token may not ask.

    `reads_all`: whether the token may read services of every name; None if not known.
    """

    version: tuple[int, ...] | None = None
    node: str = ""
    address: str = ""
    datacenter: str = ""
    reads_all: bool | None = None


class Client:
    """One agent. May be used from several threads.

    `questions` are what to ask to find out whether rights hide anything: resources, with names
    that no rule was made for.
    """

    def __init__(
        self,
        options: AgentOptions,
        *,
        idle: int,
        questions: Sequence[tuple[str, str]] = (("service", "syncer-may-read-all"),),
    ) -> None:
        self._questions = questions
        address = parse_address(options.address, tls=options.ssl)
        self._headers = Headers(options)
        self._transport = Transport(
            address,
            timeout=options.timeout.total_seconds(),
            idle=idle,
            headers=self._headers,
            tls=tls_context(options) if address.tls else None,
            server_name=options.tls_server_name,
        )
        self.address = str(address)
        self._place = {"ns": options.namespace, "partition": options.partition}
        self._place = {key: value for key, value in self._place.items() if value}
        self._http = _library_client(self._transport).http
        self._info: AgentInfo | None = None
        self._told = ""

    def read(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """GET. Raises `Refused`, `Failed`, TemporaryError; a 404 is refused too."""
        return self._send(self._http.get, path, params)

    def read_object(self, path: str) -> tuple[dict[str, Any], Answer]:
        """GET of a JSON object; anything else raises PermanentError: it is not Consul."""
        answer = self.read(path)
        if not isinstance(answer.data, dict):
            raise PermanentError(f"{self._where(path)}: not an answer of Consul's; wrong address?")
        return answer.data, answer

    def block(self, path: str, params: Mapping[str, str], wait: float) -> Answer:
        """A blocking GET of up to `wait` seconds."""
        params = {**params, "wait": f"{wait:g}s"}
        deadline = wait * (1 + _WAIT_MARGIN) + self._transport.timeout
        return self._send(self._http.get, path, params, timeout=deadline)

    def write(self, path: str, body: Any = None) -> None:
        """PUT. Raises `Refused`, `Failed` or TemporaryError."""
        self._send(self._http.put, path, None, data="" if body is None else json.dumps(body))

    def ask(self, path: str, body: Any, params: Mapping[str, str] | None = None) -> Answer:
        """PUT of a question or an order that is answered in JSON."""
        return self._send(self._http.put, path, params, data=json.dumps(body))

    def info(self) -> AgentInfo:
        """What the agent says of itself: asked once, and again after it was away."""
        token, info = self._headers.token(), self._info
        if info is None or token != self._told:
            info = self._ask_info()
            self._info, self._told = info, token
        return info

    def may_hide(self, info: AgentInfo) -> bool:
        """Whether rights may hide services in a list that does not say so."""
        tells = info.version is not None and info.version >= _TELLS_HIDDEN
        return info.reads_all is False and not (tells and self._headers.token())

    def forget(self) -> None:
        """Ask the agent again who it is before anything else is believed."""
        self._info = None

    def node(self) -> str:
        """The name of the agent's node; "" where the token may not ask and no check names it."""
        name = self.info().node
        if name:
            return name
        checks, _ = self.read_object("/v1/agent/checks")
        return next((str(check.get("Node", "")) for check in checks.values()), "")

    def close(self) -> None:
        """Let go of all connections; ends what is under way in other threads."""
        self._transport.close()

    def _ask_info(self) -> AgentInfo:
        reads_all = self._reads_all()
        try:
            data, _ = self.read_object("/v1/agent/self")
        except Refused as error:
            if error.code != 403:
                raise
            return AgentInfo(reads_all=reads_all)  # a token for services alone may not ask
        config, member = _object(data.get("Config")), _object(data.get("Member"))
        return AgentInfo(
            version=parse_version(str(config.get("Version", ""))),
            node=str(config.get("NodeName", "")),
            address=str(member.get("Addr", "")),
            datacenter=str(config.get("Datacenter", "")),
            reads_all=reads_all,
        )

    def _reads_all(self) -> bool | None:
        """Whether the token may read whatever the names; None if that cannot be found out.

        Consul before 1.11 shortens lists without a word, and later ones say nothing to those
        without a token. So it is asked about a name that no rule was made for.
        """
        asked = [(resource, "read", segment) for resource, segment in self._questions]
        allowed = self.may(asked)
        return None if allowed is None else all(allowed)

    def may(self, questions: Sequence[tuple[str, str, str]]) -> list[bool] | None:
        """Whether the token may do this: resource, access and name; None if it cannot be told.

        Only asks. Raises `Refused` if the agent does not know the token.
        """
        keys = ("Resource", "Access", "Segment")
        asked = [dict(zip(keys, one, strict=True)) for one in questions]
        path = "/v1/internal/acl/authorize"
        try:
            answer = self._send(self._http.post, path, None, data=json.dumps(asked))
            return [bool(answer.data[place]["Allow"]) for place in range(len(asked))]
        except Refused as error:
            if error.code == 403:
                raise
            # 401: the agent has no ACLs.
            return [True] * len(asked) if error.code == 401 else None
        except (TypeError, LookupError):
            return None

    def _send(
        self,
        method: Callable[..., Answer],
        path: str,
        params: Mapping[str, str] | None,
        **extra: Any,
    ) -> Answer:
        def read(response: Response) -> Answer:
            return self._answer(path, response, reads=method == self._http.get)

        try:
            return method(read, path, params={**self._place, **(params or {})}, **extra)
        except Failed:
            raise
        except TemporaryError:
            self.forget()  # another agent, or a newer one, may come back
            raise

    def _answer(self, path: str, response: Response, *, reads: bool) -> Answer:
        nothing = response.code == 404 and response.headers.get("X-Consul-Index")
        if nothing and not response.content.strip():
            return Answer(data=None, headers=response.headers)
        if not 200 <= response.code < 300:
            raise self._error(path, response)
        if not response.content.strip():
            if reads:  # it ended within its headers: Consul says [], {} or null for nothing
                raise TemporaryError(f"{self._where(path)}: the answer is empty")
            return Answer(data=None, headers=response.headers)
        try:
            return Answer(data=json.loads(response.content), headers=response.headers)
        except (ValueError, RecursionError) as error:
            raise TemporaryError(f"{self._where(path)}: the answer is not JSON") from error

    def _error(self, path: str, response: Response) -> Refused | Failed:
        reason = self._readable(response.body)
        text = f"{self._where(path)}: {response.code} {reason}".rstrip()
        passing = response.code == 429 or response.code >= 500
        if passing and not any(word in reason.lower() for word in _REFUSALS):
            return Failed(text, response.code, reason)
        if response.code == 404 and not reason.lower().startswith("unknown"):
            text += "; is this the address of a Consul agent?"
        return Refused(text, response.code, reason, _as_json(response.content))

    def _readable(self, text: str) -> str:
        """What the agent said, short, on one line and without the token."""
        token = self._headers.token()
        if token:
            text = text.replace(token, "***")
        text = " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())
        return text if len(text) <= 300 else text[:297] + "..."

    def _where(self, path: str) -> str:
        return f"Consul at {self.address}, {path[:100]}"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def parse_version(text: str) -> tuple[int, ...] | None:
    """The numbers of a version such as `1.8.7+ent`; None if there are none."""
    match = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(number or 0) for number in match.groups()) if match else None


def _library_client(transport: Transport) -> Any:
    """python-consul2's client over a transport that knows address and token itself.

    The library's constructor reads CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN and more, lets them win
    over its arguments, and raises on addresses that it cannot split. It is passed by here.
    """
    base: Any = import_module("consul.base")

    class Consul(base.Consul):  # type: ignore[misc]
        def __init__(self) -> None:
            self.http = self.http_connect()
            self.token, self.dc, self.consistency, self.scheme = None, None, "default", "http"
            self.agent, self.health = base.Consul.Agent(self), base.Consul.Health(self)
            self.catalog, self.status = base.Consul.Catalog(self), base.Consul.Status(self)

        @staticmethod
        def http_connect(*ignored: Any, **also: Any) -> Transport:
            return transport

    return Consul()
