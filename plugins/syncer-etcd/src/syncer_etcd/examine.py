"""Checks for `syncer doctor` before registering in etcd: the members and the user's rights."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from syncer import Finding, Level, PermanentError, SyncerError, one_line
from syncer_etcd.client import Client
from syncer_etcd.failures import NotLetIn

_ALARMS = {
    "NOSPACE": (
        "etcd has no space left: it takes no new entries, only removals",
        "an operator must compact and defragment, then end the alarm: etcdctl alarm disarm",
    ),
    "CORRUPT": (
        "etcd has found data of a member corrupt, and serves nobody there",
        "an operator must replace the member that `etcdctl alarm list` names",
    ),
}


def examined(client: Client, prefixes: Sequence[str]) -> Iterator[Finding]:
    """Report whether the user is accepted and may read the prefixes. Writing is not tried."""
    try:
        client.snapshot(prefixes)
    except SyncerError as error:
        yield Finding(Level.PROBLEM, one_line(error), _advice(error, prefixes))
        return
    shown = ", ".join(prefixes)
    yield Finding(Level.OK, f"a member answers, and keys under {shown} may be read")
    yield from _alarms(client)


def _alarms(client: Client) -> Iterator[Finding]:
    """Report what an operator must repair before etcd works as it should."""
    with suppress(SyncerError):  # not everybody may ask
        for alarm in sorted(client.alarms()):
            what, advice = _ALARMS.get(alarm, (f"etcd has raised the alarm {alarm}", ""))
            yield Finding(Level.PROBLEM, what, advice or "see `etcdctl alarm list`")


def _advice(error: SyncerError, prefixes: Sequence[str]) -> str:
    if isinstance(error, NotLetIn):
        return "check user and password, and that etcd knows them: etcdctl user list"
    if isinstance(error, PermanentError):
        return " ".join(
            f"etcdctl role grant-permission ROLE readwrite --prefix=true {prefix};"
            for prefix in prefixes
        ).rstrip(";")
    return "check that etcd runs, and that the addresses are right"
