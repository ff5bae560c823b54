"""One agent: python-consul2's client, and what syncer must know of the agent and of its token."""

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

import attrs
from consul.base import CB

from syncer import TemporaryError
from syncer.kits.http import Failed, Refused
from syncer_consul.http.endpoints import Consul
from syncer_consul.http.refusals import Meaning, meaning
from syncer_consul.http.transport import Transport
from syncer_consul.options import AgentOptions

_UNKNOWN = ("unknown service", "unknown check", "does not have associated ttl")
#: Since this version lists tell whether ACLs hide a part of them.
_TELLS_HIDDEN = (1, 11, 0)
#: Connections that are made to find out whether several agents share an address.
_NEW_CONNECTIONS = 2


def is_unknown(error: Refused | Failed) -> bool:
    """Whether the agent says that it has no such service or check.

    Consul 1.8 says so with status 500, newer versions with 404.
    """
    return error.code == 404 or any(word in error.reason.lower() for word in _UNKNOWN)


@attrs.frozen(kw_only=True)
class AgentInfo:
    """An agent's description of itself; empty and `None` where the token may not ask.

    `reads_all`: whether the token may read services of every name; `None` if not known. `commands`:
    whether it takes checks that run commands.
    """

    version: tuple[int, ...] | None = None
    node: str = ""
    address: str = ""
    datacenter: str = ""
    reads_all: bool | None = None
    commands: bool | None = None


class Client(Consul):
    """Requests to one agent. Safe in threads.

    `questions` are asked to find out whether ACLs hide anything: resources, each with a name that
    no rule was made for. `idle` connections are kept.
    """

    def __init__(
        self,
        options: AgentOptions,
        *,
        idle: int,
        questions: Sequence[tuple[str, str]] = (("service", "syncer-may-read-all"),),
    ) -> None:
        super().__init__(Transport(options, idle=idle, on_outage=self.forget))
        self._options, self._questions = options, questions
        self._info: AgentInfo | None = None
        self._info_token = ""

    @property
    def address(self) -> str:
        """The agent's address, for people."""
        return self.http.address

    def credentials(self) -> Hashable:
        """Return what differs as soon as requests are made with another token."""
        return self.http.headers.credentials()

    def info(self) -> AgentInfo:
        """Return what the agent says of itself: asked once, and again after an outage.

        Every full reading begins with it, and so tells of a token file that cannot be used.
        """
        self.http.headers.expect_usable()
        token, info = self.http.headers.token(), self._info
        if info is None or token != self._info_token:
            info = self._ask_info()
            self._info, self._info_token = info, token
        return info

    def meet_again(self) -> None:
        """Ask the agent for its node's name; if that is another one, nothing known counts."""
        name = self._ask_self().node
        if name and name != self.info().node:
            self.forget()

    def names(self) -> frozenset[str]:
        """Return the names of the nodes whose agents answer now, over new connections as well.

        Several: the address leads to several agents. None where the token may not ask.
        """
        found = {self._ask_self().node}
        for _ in range(_NEW_CONNECTIONS):
            other = Client(self._options, idle=1)
            with closing(other), suppress(TemporaryError):  # the agent may allow no more of them
                found.add(other._ask_self().node)
        return frozenset(filter(None, found))

    def may_hide(self, info: AgentInfo) -> bool:
        """Whether ACLs may hide services in a list that does not say so."""
        tells = info.version is not None and info.version >= _TELLS_HIDDEN
        return info.reads_all is False and not (tells and self.http.headers.token())

    def forget(self) -> None:
        """Ask the agent again who it is before anything else is believed."""
        self._info = None

    def node(self) -> str:
        """Return the name of the agent's node; "" if neither the agent nor a check tells it."""
        name = self.info().node
        if name:
            return name
        checks = self.agent.checks().object()
        return next((str(check.get("Node", "")) for check in checks.values()), "")

    def may(self, questions: Sequence[tuple[str, str, str]]) -> list[bool] | None:
        """Whether the token may do this: resource, access and name. `None` if it is not known.

        Only asks. Raises `Refused` if the agent does not know the token.
        """
        try:
            return self.ask_rights(questions)
        except Refused as error:
            if meaning(error) is Meaning.TOKEN:
                raise
            return None

    def ask_rights(self, questions: Sequence[tuple[str, str, str]]) -> list[bool] | None:
        """Ask as `may` does. Raises `Refused` where that may not be asked, or by this method."""
        keys = ("Resource", "Access", "Segment")
        asked = json.dumps([dict(zip(keys, one, strict=True)) for one in questions])
        try:
            answer = self.http.post(CB.json(), "/v1/internal/acl/authorize", data=asked)
            return [bool(answer.data[place]["Allow"]) for place in range(len(questions))]
        except Refused as error:
            if error.code == 401:  # the agent has no ACLs
                return [True] * len(questions)
            raise
        except (TypeError, LookupError):
            return None

    def close(self) -> None:
        """Close all connections, which ends what is under way in other threads."""
        self.http.close()

    def _ask_info(self) -> AgentInfo:
        # Consul before 1.11 shortens lists without a word, and later versions say nothing to
        # those without a token. So it is asked about a name that no rule was made for.
        asked = [(resource, "read", segment) for resource, segment in self._questions]
        allowed = self.may(asked)
        reads_all = None if allowed is None else all(allowed)
        return attrs.evolve(self._ask_self(), reads_all=reads_all)

    def _ask_self(self) -> AgentInfo:
        try:
            data = self.agent.self().object()
        except Refused as error:
            if meaning(error) is Meaning.TOKEN:
                raise
            return AgentInfo()  # a token for services alone may not ask; or the path is blocked
        config, member = _object(data.get("Config")), _object(data.get("Member"))
        return AgentInfo(
            version=parse_version(str(config.get("Version", ""))),
            node=str(config.get("NodeName", "")),
            address=str(member.get("Addr", "")),
            datacenter=str(config.get("Datacenter", "")),
            commands=_object(data.get("DebugConfig")).get("EnableRemoteScriptChecks"),
        )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def parse_version(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a version such as `1.8.7+ent`; `None` if there are none."""
    match = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(number or 0) for number in match.groups()) if match else None
