"""Checks for `syncer doctor` before writing to the key-value store: datacenter and token."""

from collections.abc import Callable, Iterator, Sequence

from syncer import Finding, Level, SyncerError
from syncer.kits.http import Refused
from syncer_consul.agent.examine import reaching, refused_by, rights
from syncer_consul.http.client import Client
from syncer_consul.http.refusals import Meaning, meaning
from syncer_consul.http.transport import Answer
from syncer_consul.options import KvOptions

#: A part of a name that no rule was made for.
_ANY = "syncer-may-write-all"
_NO_LEADER = Finding(
    Level.PROBLEM,
    "the agent's cluster has no leader",
    "nothing can be read or written meanwhile: check that a majority of the servers is running",
)


def examined(
    client: Client, options: KvOptions, prefixes: Sequence[str], listing: Callable[[], Answer]
) -> Iterator[Finding]:
    """Report whether the agent answers, and what the token may do; nothing is written.

    `listing` asks for the names of the entries.
    """
    session = [] if options.session is None else ["session"]
    try:
        reached = list(reaching(client, listing, _NO_LEADER))
        stray = _stray(client, options.datacenter)
        node = client.info().node
        questions = [
            *(("key", access, f"{p}{_ANY}") for access in ("read", "write") for p in prefixes),
            *((what, "write", node or _ANY) for what in session),
        ]
        told = rights(client, questions)
    except SyncerError as error:
        yield refused_by(error)
        return
    yield from reached
    yield from stray
    if isinstance(told, Finding):
        yield told
        return
    refused = [asked for asked, yes in zip(questions, told, strict=True) if not yes]
    yield from _refused(refused, prefixes, node)
    if not refused:
        shown = ", ".join(prefixes)
        yield Finding(Level.OK, f"keys under {shown} may be read and written")


def _stray(client: Client, datacenter: str) -> list[Finding]:
    """Report a configured datacenter that the agent does not know."""
    if not datacenter:
        return []
    try:
        known = client.catalog.datacenters().data or ()
    except Refused as error:
        if meaning(error) is Meaning.TOKEN:
            raise
        return []  # unknown
    if datacenter in known:
        return []
    text = f"the agent knows no datacenter {datacenter}; it knows {', '.join(known)}"
    return [Finding(Level.PROBLEM, text, "see the option datacenter")]


def _refused(
    questions: Sequence[tuple[str, str, str]], prefixes: Sequence[str], node: str
) -> Iterator[Finding]:
    """Report what the token may not do, each with the missing rule."""
    rules = " ".join(f'key_prefix "{prefix}" {{ policy = "write" }}' for prefix in prefixes)
    lacking = {(resource, access) for resource, access, _ in questions}
    if ("key", "read") in lacking:
        text = "the token may not read all keys: nothing is removed where a list is not whole"
        yield Finding(Level.WARNING, text, f"its rules need {rules}")
    if ("key", "write") in lacking:
        text = "the token may not write all keys"
        yield Finding(Level.WARNING, text, f"its rules need {rules}")
    if ("session", "write") in lacking:
        text = "the token may not make the session that is to hold the entries"
        rule = f'session "{node}"' if node else 'session_prefix ""'
        yield Finding(Level.WARNING, text, f'its rules need {rule} {{ policy = "write" }}')
