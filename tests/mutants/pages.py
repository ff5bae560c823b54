"""Brakes of what a person may do on the status page, and of who may ask it."""

from mutants import brakes_of

guard = brakes_of("plan/guard.py", "plan/test_guard")
app = brakes_of("web/app.py", "tests/web/test_access.py")

_NOBODY = "nobody lets anything go there"
_NO_PAGE = "it has no page"

MUTANTS = (
    guard(
        "any digest lets go",
        "if digest_of(self._held) != digest:",
        "if not self._held:",
        blind=_NOBODY,
    ),
    guard(
        "what joins is let go with the rest",
        "return self._overridden.get(change.id) == fingerprint(change)",
        "return bool(self._overridden)",
        blind=_NOBODY,
    ),
    guard(
        "another change of an id is let go",
        "return self._overridden.get(change.id) == fingerprint(change)",
        "return change.id in self._overridden",
        blind=_NOBODY,
    ),
    guard(
        "what was let go once is let go for ever",
        "            self._overridden.clear()\n",
        "            pass\n",
        blind=_NOBODY,
    ),
    app(
        "any name is answered to",
        "if not nameless and not self._is_known_host(request.host):",
        blind=_NO_PAGE,
    ),
    app(
        "the page of another site is answered",
        "if self._is_cross_site(request):",
        "if False:",
        "tests/security/test_page.py",
        blind=_NO_PAGE,
    ),
    app(
        "changes need no token",
        "needed = changes or (self._rules",
        "needed = (self._rules",
        blind=_NO_PAGE,
    ),
)
