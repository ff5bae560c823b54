"""Strategies for hypothesis: values that users really write, and values that nobody expects.

Texts have any character except NUL and lone surrogates, tags may be empty, addresses are IPv4,
IPv6 or host names, and checks are of every kind with every field of that kind.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from syncer import Check, CheckStatus, Instance, Mark, Native, Registration, Status
from syncer.testing.builders import OWNER, SCOPE, SOURCE

KINDS = (
    *("http", "https", "tcp", "udp", "grpc", "h2ping"),
    *("ttl", "alias", "script", "docker", "container"),
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_PATH = st.from_regex(r"/[a-z0-9/._-]{0,20}(\?[a-z]=[a-z0-9]{1,5})?", fullmatch=True)
_NAME = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_KEY = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,20}", fullmatch=True)
_ADDRESS = st.one_of(
    st.ip_addresses(v=4).map(str).filter(lambda a: a != "0.0.0.0"),
    st.ip_addresses(v=6).map(str).filter(lambda a: a != "::"),
    st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5})?", fullmatch=True),
)
_SECONDS = st.integers(1, 3600).map(float) | st.sampled_from([0.5, 1.5, 90.25])
_COUNT = st.none() | st.integers(0, 10)


def checks(kind: str | None = None) -> st.SearchStrategy[Check]:
    """Generate checks of this kind, or of any kind."""
    return _checks(st.sampled_from(KINDS) if kind is None else st.just(kind))


@st.composite
def _checks(draw: Callable[[Any], Any], kinds: st.SearchStrategy[str]) -> Check:
    kind = draw(kinds)
    fields: dict[str, Any] = {
        "interval": draw(st.none() | _SECONDS),
        "timeout": draw(st.none() | _SECONDS),
        "initial_status": draw(st.none() | st.sampled_from(CheckStatus)),
        "success_before_passing": draw(_COUNT),
        "failures_before_critical": draw(_COUNT),
        "deregister_after": draw(st.none() | st.integers(60, 86_400).map(float)),
        "notes": draw(st.just("") | _TEXT),
    }
    if kind in ("http", "https"):
        fields |= {
            "path": draw(_PATH),
            "method": draw(st.sampled_from(["", "GET", "HEAD", "POST"])),
            "headers": draw(st.dictionaries(_KEY, st.tuples(_KEY), max_size=2)),
            "tls_skip_verify": draw(st.booleans()),
        }
    if kind == "grpc":
        fields |= {"path": draw(st.just("") | _NAME), "tls": draw(st.booleans())}
    if kind == "ttl":
        fields |= {"ttl": draw(_SECONDS.filter(lambda s: s >= 1)), "fed": draw(st.booleans())}
    if kind == "alias":
        fields["alias"] = draw(_NAME)
    if kind in ("script", "docker"):
        fields["command"] = tuple(draw(st.lists(_KEY, min_size=1, max_size=3)))
    return Check(kind=kind, key=draw(st.just(kind) | _KEY), **fields)


def natives() -> st.SearchStrategy[Native]:
    """Generate checks in a sink's own form."""
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | _TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEY, inner, max_size=3),
        max_leaves=5,
    )
    definitions = st.dictionaries(_KEY, values, max_size=3)
    return st.builds(Native, key=_KEY, definition=definitions, fed=st.booleans())


def instances(
    ids: st.SearchStrategy[str] | None = None,
    statuses: st.SearchStrategy[Status] | None = None,
    checks_of: st.SearchStrategy[Any] | None = None,
) -> st.SearchStrategy[Instance]:
    """Generate instances. By default ids are in syncer's own form and statuses are `up`."""
    made_ids = st.builds(lambda n, p: f"{SCOPE}:{n}:{p}", _NAME, st.integers(1, 65535))
    one_check = checks() if checks_of is None else checks_of
    return st.builds(
        Instance,
        id=made_ids if ids is None else ids,
        service=_NAME,
        address=_ADDRESS,
        port=st.integers(1, 65535) | st.just(0),
        protocol=st.sampled_from(["tcp", "udp"]),
        tags=st.lists(_TEXT | _KEY, max_size=4),
        meta=st.dictionaries(_KEY, _TEXT, max_size=3),
        checks=st.lists(one_check, max_size=3, unique_by=lambda check: check.key),
        weight=st.none() | st.integers(0, 65535),
        warning_weight=st.none() | st.integers(0, 65535),
        tag_override=st.booleans(),
        status=st.just(Status.UP) if statuses is None else statuses,
    )


def marks(owner: str = OWNER) -> st.SearchStrategy[Mark]:
    """Generate marks of this owner, with any workload id that a runtime or a person may choose."""
    printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
    return st.builds(
        Mark,
        owner=st.just(owner),
        scope=st.just(SCOPE) | printable,
        source=st.just(SOURCE),
        workload=printable,
        digest=st.text("0123456789abcdef", min_size=32, max_size=32),
        hold=st.sampled_from(["", "drain"]),
    )


def registrations() -> st.SearchStrategy[Registration]:
    """Generate registrations with a mark."""
    return st.builds(Registration, instance=instances(), mark=marks())
