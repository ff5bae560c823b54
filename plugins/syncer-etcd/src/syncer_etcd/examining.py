"""What can be in the way of registering in etcd: that a member answers, the user's rights."""

from collections.abc import Iterator, Sequence

from syncer import Finding, Level, PermanentError, SyncerError, one_line
from syncer_etcd.client import Client
from syncer_etcd.failures import NotLetIn


def examined(client: Client, prefixes: Sequence[str]) -> Iterator[Finding]:
    """Whether the user is let in and may read the prefixes. What it may write is not tried."""
    try:
        client.snapshot(prefixes)
    except SyncerError as error:
        yield Finding(Level.PROBLEM, one_line(error), _advice(error, prefixes))
        return
    shown = ", ".join(prefixes)
    yield Finding(Level.OK, f"a member answers, and what is under {shown} may be read")


def _advice(error: SyncerError, prefixes: Sequence[str]) -> str:
    if isinstance(error, NotLetIn):
        return "see user and password, and whether etcd knows them: etcdctl user list"
    if isinstance(error, PermanentError):
        return " ".join(
            f"etcdctl role grant-permission ROLE readwrite --prefix=true {prefix};"
            for prefix in prefixes
        ).rstrip(";")
    return "see whether etcd runs, and whether the addresses are right"
