"""The answer to a request, and the errors that its status means."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from syncer.api.errors import PermanentError, TemporaryError
from syncer.api.secrets import hidden

_LONGEST_REASON = 300


class Refused(PermanentError):
    """The server refused. `code` is the status, `reason` its words, `data` its JSON or `None`."""

    def __init__(self, text: str, code: int, reason: str, data: Any = None) -> None:
        super().__init__(text)
        self.code, self.reason, self.data = code, reason, data


class Failed(TemporaryError):
    """The server cannot do it now. `code` is the status, `reason` its words."""

    def __init__(self, text: str, code: int, reason: str) -> None:
        super().__init__(text)
        self.code, self.reason = code, reason


@attrs.frozen
class Response:
    """A complete answer. `where` names the server and the request, for errors."""

    code: int
    headers: Mapping[str, str]
    content: bytes
    where: str

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.code < 300

    def json(self) -> Any:
        """Return the content as JSON. Raises TemporaryError: a proxy may have answered."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise TemporaryError(f"{self.where}: the answer is not JSON") from error

    def reason(self) -> str:
        """Return the content as a reason: short, on one line, without secrets."""
        text = hidden(self.content.decode("utf-8", "replace"))
        text = " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())
        return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."

    def error(self, *, refusals: Collection[str] = (), hint: str = "") -> Refused | Failed:
        """Return the error that this status means: 429 and 5xx may pass, others will not.

        `refusals` are words, in lower case, by which a reason tells that a 5xx will not pass.
        `hint` follows the text.
        """
        reason = self.reason()
        text = f"{self.where}: {self.code} {reason}".rstrip() + hint
        may_pass = self.code == 429 or self.code >= 500
        if may_pass and not any(word in reason.lower() for word in refusals):
            return Failed(text, self.code, reason)
        try:
            data = json.loads(self.content)
        except (ValueError, RecursionError):
            data = None
        return Refused(text, self.code, reason, data)
