"""The answer to a request, and the errors that its status means."""

import json
import re
from collections.abc import Collection, Mapping
from html import unescape
from typing import Any

import attrs

from syncer.api.errors import PermanentError, TemporaryError
from syncer.api.secrets import hidden

_LONGEST_REASON = 300
#: The most characters that are searched for a reason: a page has much before its words.
_LOOKED_AT = 8000
_MARKUP = re.compile(r"(?is)<(style|script)\b.*?</\1\s*>|<[^>]*>")
_USER = re.compile(r"//[^/@]*@")


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
    #: The path and query that were asked for.
    target: str = ""

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
        """Return the content as a reason: short, on one line, without secrets and markup."""
        text = hidden(self.content.decode("utf-8", "replace"))[:_LOOKED_AT]
        if text.lstrip().startswith("<"):
            text = unescape(_MARKUP.sub(" ", text))
        return _tamed(text)

    def redirect(self, base: str = "/") -> str:
        """Return what to set as the address if this answer sends to another; "" if it does not.

        `base` is the path of the present address.
        """
        location = str(self.headers.get("Location") or "")
        if not (300 <= self.code < 400 and location):
            return ""
        place = _tamed(_USER.sub("//", location.partition("?")[0].partition("#")[0]))
        rest = self.target.partition("?")[0].removeprefix(base)
        if "://" in place and rest and place.endswith(f"/{rest}"):
            return f"it redirects to {place.removesuffix(rest)}: set this as the address"
        return f"it redirects to {place}: check the address"

    def error(
        self, *, refusals: Collection[str] = (), hint: str = "", base: str = "/"
    ) -> Refused | Failed:
        """Return the error that this status means: 429 and 5xx may pass, others will not.

        `refusals` are words, in lower case, by which a reason tells that a 5xx will not pass.
        `hint` follows the text. `base` is the path of the address, for redirects.
        """
        reason = self.reason()
        moved = "; ".join(filter(None, [reason, self.redirect(base)]))
        text = f"{self.where}: {self.code} {moved}".rstrip() + hint
        may_pass = self.code == 429 or self.code >= 500
        if may_pass and not any(word in reason.lower() for word in refusals):
            return Failed(text, self.code, reason)
        try:
            data = json.loads(self.content)
        except (ValueError, RecursionError):
            data = None
        return Refused(text, self.code, reason, data)


def _tamed(text: str) -> str:
    """Return text that another wrote in a form to show."""
    text = " ".join("".join(c if c.isprintable() else " " for c in hidden(text)).split())
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."
