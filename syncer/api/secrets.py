"""The secrets that this process has used; `hidden` takes them out of texts.

Errors of libraries and answers of servers are texts of others, and may show what was sent. No one
who makes a text knows that, so every text that leaves the process goes through `hidden`: errors,
log lines, the status line, the page, its API, metrics, traces.
"""

import base64
import html
import json
import re
from collections.abc import Iterator
from threading import Lock
from urllib.parse import quote, quote_plus, unquote

import attrs

from syncer.api.text import one_line, printable

MASK = "***"
#: Secrets that are remembered: of a token that is replaced every hour, the last ones.
_MOST = 100
#: Shorter secrets are taken out where they are a word of their own; and still shorter ones, which
#: any text has by chance, only in quotes or as the password of an address.
_LONG, _WORD = 8, 4
#: User and password of an address within a text. Only the scheme's last letter is looked at: to
#: look for its first takes time that grows with the square of a long text.
_LOGIN = re.compile(r"(?<=[A-Za-z0-9+.-]://)[^\s'\"<>]{0,500}@")
#: Letters that programs in Go write as numbers in JSON.
_IN_GO = {ord(c): f"\\u{ord(c):04x}" for c in "<>&"}


@attrs.frozen
class _Known:
    """The secrets, and what is looked for."""

    secrets: tuple[str, ...] = ()
    long: tuple[str, ...] = ()
    #: Of `long`, those that can hardly be a part of what others named.
    odd: tuple[str, ...] = ()
    short: re.Pattern[str] | None = None


_known = _Known()
_lock = Lock()


def remember(secret: str) -> None:
    """Take this text out of every text from now on. Called by `Secret.reveal`."""
    global _known
    if secret in _known.secrets or not secret.strip():
        return
    with _lock:
        secrets = (*_known.secrets, secret)[-_MOST:]
        forms = sorted({form for one in secrets for form in _forms(one)}, key=len, reverse=True)
        long = tuple(form for form in forms if len(form) >= _LONG)
        odd = tuple(form for form in long if not form.isalpha())
        short = "|".join(map(_bounded, forms[len(long) :]))
        _known = _Known(secrets, long, odd, re.compile(short) if short else None)


def remember_login(address: str) -> None:
    """Take the password of an address out of every text, also where a mistake tears it apart."""
    login = (address.partition("://")[2] or address).rpartition("@")[0]
    password = login.partition(":")[2]
    for part in (password, unquote(password), *re.split("[:/?#@=&]+", password)):
        remember(part)


def hidden(text: str, *, data: bool = False) -> str:
    """Return the text without any secret that was used, and without users of addresses.

    With `data` it has mostly what others named, such as ids: a secret that may be a part of a name
    stays.
    """
    known = _known
    for form in known.odd if data else known.long:
        if form in text:
            text = text.replace(form, MASK)
    if data:
        return text
    if known.short is not None:
        text = known.short.sub(MASK, text)
    return _LOGIN.sub(f"{MASK}@", text) if "://" in text and "@" in text else text


def sendable(text: str, *, header: bool = False) -> str:
    """Return a secret as it can be sent, without white space at its ends.

    Raises ValueError, which does not show it, for one that cannot be: with a line end in it, or
    another control character; for `header`, any but printable ASCII.
    """
    text = text.strip()
    if len(text.splitlines()) > 1:
        raise ValueError("has more than one line")
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):
        raise ValueError("has a control character in it")
    if text.encode("utf-8", "replace").decode() != text:
        raise ValueError("is not UTF-8 text")
    if header and not text.isascii():
        raise ValueError("has letters that no header can carry: only ASCII is possible")
    return text


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms in which a secret may appear in a text."""
    lines = [line.strip() for line in secret.splitlines()]
    yield from (line for line in lines if len(line) >= _LONG)
    for text in {secret, secret.strip(), one_line(secret)}:
        raw = text.encode("utf-8", "surrogatepass")
        yield text
        yield printable(text)
        for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
            yield quoted
            yield re.sub("%..", lambda found: found[0].lower(), quoted)
        yield from (f(text)[1:-1] for f in (repr, ascii, json.dumps))
        in_json = json.dumps(text, ensure_ascii=False)[1:-1]
        yield from (in_json, in_json.translate(_IN_GO))
        in_html = html.escape(text)
        yield from (in_html, html.escape(text, quote=False))
        yield in_html.replace("&#x27;", "&apos;")
        yield in_html.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
        yield repr(raw)[2:-1]
        yield repr(text.encode("latin-1", "replace"))[2:-1]
        for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
            yield encoded.decode().rstrip("=")


def _bounded(form: str) -> str:
    """Return the pattern of a short form, with what must be around it."""
    word = re.escape(form)
    if len(form) >= _WORD:
        return rf"(?<![\w-]){word}(?![\w-])"
    return rf"(?<=['\"]){word}(?=['\"])|(?<=:){word}(?=@)"
