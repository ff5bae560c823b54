"""The WSGI application: routes requests, and refuses some.

It listens on loopback by default, but any web page can make a browser send requests there, and
with a DNS name that points here (DNS rebinding) even read the answers. So the Host header must be
an address, localhost, this host's name or a configured name; requests that a browser marks as
cross-site are refused; no other origin may read answers; and changes need a token, which a
foreign form cannot send.
"""

import hmac
import json
import socket
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from syncer.api.fields import is_address
from syncer.api.secrets import hidden
from syncer.config.web_rules import WebRules
from syncer.web.api import Api
from syncer.web.lists import EACH, MOST, USUAL, Query
from syncer.web.metrics import CONTENT_TYPE, Metrics
from syncer.web.streams import Streams
from syncer.web.throttle import Throttle

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: The most bytes of a request's body, and characters of a parameter.
BODY, LONGEST = 4096, 200
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_SCRIPTS = (
    *("page.js", "headline.js", "problems.js", "services.js", "flow.js", "parts.js"),
    *("timeline.js", "change.js", "guard.js", "story.js"),
    *("ask.js", "elements.js", "live.js", "words.js"),
)
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}": (name, "text/javascript; charset=utf-8") for name in _SCRIPTS},
}
#: Paths that never need a token: liveness, and the page itself, which contains no data.
_OPEN = frozenset({"/healthz", "/readyz", "/api/v1/openapi.json", *_FILES})
#: Paths that old load balancers ask for without a name.
_NAMELESS = frozenset({"/healthz", "/readyz"})
_FILTERS = ("sink", "source", "service", "state", "status", "whose", "kind")
_API = "/api/v1"
_NAME = "a service, a workload, or the id of an entry"


class App:
    """Answers requests from `api`, `metrics` and `streams`, as `rules` allow."""

    def __init__(self, api: Api, metrics: Metrics, streams: Streams, rules: WebRules) -> None:
        self._api, self._metrics, self._streams, self._rules = api, metrics, streams, rules
        self._throttle = Throttle()
        self._names = {"localhost", socket.gethostname().lower(), *map(str.lower, rules.hosts)}
        here = files("syncer.web")
        self._files = {
            path: ((here / "static" / name).read_bytes(), kind)
            for path, (name, kind) in _FILES.items()
        }
        self._described = (here / "openapi.json").read_bytes()
        get: dict[str, Callable[[Request], Response]] = {
            **{path: self._file for path in _FILES},
            "/healthz": lambda _: _text("ok\n"),
            "/readyz": self._ready,
            "/metrics": self._metered,
            f"{_API}/openapi.json": lambda _: _raw(self._described),
            f"{_API}/status": lambda _: _json(api.status()),
            f"{_API}/sources": lambda _: _json(api.sources()),
            f"{_API}/sinks": lambda _: _json(api.sinks()),
            f"{_API}/instances": lambda request: _json(api.instances(_query(request))),
            f"{_API}/services": lambda request: _json(api.services(_query(request))),
            f"{_API}/registrations": lambda request: _json(api.registrations(_query(request))),
            f"{_API}/skips": lambda request: _json(api.skips(_query(request))),
            f"{_API}/not-registered": lambda request: _json(api.not_registered(_query(request))),
            f"{_API}/drift": lambda _: _json(api.drift()),
            f"{_API}/events": lambda _: _json(api.events()),
            f"{_API}/events/stream": self._stream,
            f"{_API}/explain": self._explain,
            f"{_API}/guard": lambda _: _json(api.guard()),
        }
        post: dict[str, Callable[[Request], Response]] = {
            f"{_API}/refresh": lambda _: _json(api.refresh()),
            f"{_API}/drain": self._drain,
            f"{_API}/undrain": self._undrain,
            f"{_API}/override": self._override,
        }
        tables = (("GET", get), ("POST", post))
        self._answers = {(verb, path): do for verb, table in tables for path, do in table.items()}
        self._paths = Map(
            [Rule(path, methods=[verb], endpoint=(verb, path)) for verb, path in self._answers]
        )

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """Answer one WSGI request."""
        request = Request(environ)
        request.max_content_length = BODY
        try:
            answer = self._refusal(request) or self._answer(request)
        except HTTPException as error:
            answer = _refused(error.code or 500, error.description or error.name)
            answer.headers.extend(pair for pair in error.get_headers() if pair[0] == "Allow")
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer(environ, start)

    def _answer(self, request: Request) -> Response:
        endpoint, _ = self._paths.bind_to_environ(request.environ).match()
        make = self._answers[endpoint]
        # Answers that are there already, and changes with the token, cost little.
        if request.path in _OPEN or make == self._stream or request.method == "POST":
            return make(request)
        if seconds := self._throttle.wait():
            return _later(seconds, "so much is asked for that it would take syncer's own time")
        with self._throttle.counted():
            return make(request)

    def _refusal(self, request: Request) -> Response | None:
        """Return the refusal of a request; `None` if it may be answered."""
        nameless = request.path in _NAMELESS and not request.headers.get("Host")
        if not nameless and not self._is_known_host(request.host):
            return _refused(421, f"unknown host {request.host[:100]!r}: not in web.hosts")
        if self._is_cross_site(request):
            return _refused(403, "cross-site request")
        changes = request.method not in ("GET", "HEAD")
        if changes and not self._rules.token:
            return _refused(403, "changes are disabled: web.token is not set")
        needed = changes or (self._rules.token_for == "all" and request.path not in _OPEN)
        if not needed or not self._rules.token or self._has_token(request):
            return None
        given = "Authorization" in request.headers
        why = "wrong token" if given else "token required: Authorization: Bearer TOKEN"
        answer = _refused(401, why)
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    def _is_known_host(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        bare = name.removeprefix("[").removesuffix("]")
        return is_address(bare) or name.lower() in self._names

    def _is_cross_site(self, request: Request) -> bool:
        """Whether a browser says that a foreign page sent it, other than by a link to the page.

        A frame is no such link: it could hold a stream for as long as it is open.
        """
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_known_host(origin.partition("://")[2]):
            return True
        site = request.headers.get("Sec-Fetch-Site", "none")
        follows = (request.method, request.path) == ("GET", "/") and (
            request.headers.get("Sec-Fetch-Mode"),
            request.headers.get("Sec-Fetch-Dest"),
        ) == ("navigate", "document")
        return site not in ("none", "same-origin") and not follows

    def _has_token(self, request: Request) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        token = self._rules.token.reveal().encode()
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token)

    def _file(self, request: Request) -> Response:
        content, kind = self._files[request.path]
        answer = Response(content, content_type=kind, headers={"Cache-Control": "no-cache"})
        answer.add_etag()
        return answer.make_conditional(request)

    def _metered(self, request: Request) -> Response:
        return Response(hidden(self._metrics.text().decode(), data=True), content_type=CONTENT_TYPE)

    def _ready(self, request: Request) -> Response:
        """Tell what is late; why only to those who have the token: it has others' texts."""
        found = self._api.ready()
        if not self._rules.token or not self._has_token(request):
            for key in ("late", "failing"):
                found[key] = [{"loop": part["loop"]} for part in found[key]]
        return _json(found, 200 if found["ready"] else 503)

    def _explain(self, request: Request) -> Response:
        name = _short(request, "name")
        if not name:
            raise BadRequest(f"name is missing: {_NAME}")
        found = self._api.explain(name)
        return _json(found, 200 if found else 404)

    def _stream(self, request: Request) -> Response:
        if "text/html" in request.headers.get("Accept", ""):
            # A frame of another site: over plain HTTP browsers say of it only what it accepts.
            return _refused(406, "a stream of events, and no page")
        stream = self._streams.open(_number(request.headers.get("Last-Event-ID", "0"), 0))
        if stream is None:
            return _later(10, "too many live pages: poll the status instead")
        unbuffered = {"X-Accel-Buffering": "no"}
        return Response(stream, content_type="text/event-stream", headers=unbuffered)

    def _drain(self, request: Request) -> Response:
        given = _body(request)
        name, force = _text_of(given, "name", _NAME), given.get("force", False)
        if not isinstance(force, bool):
            raise BadRequest("force must be true or false")
        return _done(self._api.hold(name, drained=True, force=force))

    def _undrain(self, request: Request) -> Response:
        return _done(self._api.hold(_text_of(_body(request), "name", _NAME), drained=False))

    def _override(self, request: Request) -> Response:
        given = _body(request)
        sink = _text_of(given, "sink", "where the guard holds changes")
        digest = _text_of(given, "digest", "of the held changes, from /api/v1/guard")
        found = self._api.override(sink, digest)
        return _done(found, "the guard now holds other changes, or none: load them again")


def _query(request: Request) -> Query:
    fields = {key: text for key in _FILTERS if (text := _short(request, key))}
    offset = _number(request.args.get("offset", ""), 0)
    limit = max(1, min(_number(request.args.get("limit", ""), USUAL), MOST))
    each = max(1, min(_number(request.args.get("each", ""), EACH), MOST))
    return Query(text=_short(request, "q"), fields=fields, offset=offset, limit=limit, each=each)


def _short(request: Request, key: str) -> str:
    text = request.args.get(key, "")
    if len(text) > LONGEST:
        raise BadRequest(f"{key} is longer than {LONGEST} characters")
    return text


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else default


def _body(request: Request) -> Mapping[str, Any]:
    try:
        found = json.loads(request.get_data() or b"{}")
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(found, dict):
        raise BadRequest("the body is not an object")
    return found


def _text_of(body: Mapping[str, Any], key: str, meaning: str) -> str:
    text = body.get(key)
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        raise BadRequest(f"{key} is missing: {meaning}")
    return text


def _done(
    found: Mapping[str, Any] | None, why: str = "another request is being carried out"
) -> Response:
    return _refused(409, why) if found is None else _json(found)


def _json(found: object, code: int = 200) -> Response:
    text = hidden(json.dumps(found, ensure_ascii=False, default=str), data=True)
    return _raw(text.encode(errors="backslashreplace"), code)  # a lone surrogate: \udXXX


def _raw(content: bytes, code: int = 200) -> Response:
    return Response(content, code, content_type="application/json")


def _text(content: str) -> Response:
    return Response(content, content_type="text/plain; charset=utf-8")


def _refused(code: int, why: str) -> Response:
    return _json({"error": why}, code)


def _later(seconds: int, why: str) -> Response:
    answer = _refused(503, why)
    answer.headers["Retry-After"] = str(seconds)
    return answer
