"""Notices changes under the prefix by others, and entries that expire."""

from collections.abc import Callable, Sequence
from queue import Queue
from threading import Event, Thread
from typing import Any

from pyetcd import etcdrpc

from syncer import TemporaryError
from syncer_etcd.client import Client, bytes_of, end_of, text_of
from syncer_etcd.writing import OwnWrites

#: Seconds between two checks whether to stop.
_LOOK = 0.2


class Watcher:
    """Watches prefixes in one stream."""

    def __init__(
        self,
        client: Client,
        prefixes: Sequence[str],
        own: OwnWrites,
        told: Callable[[frozenset[str]], None] | None = None,
    ) -> None:
        self._client, self._prefixes, self._own = client, prefixes, own
        #: Called with the changed keys, in place of a wake.
        self._told = told

    def run(self, wake: Callable[[], None], stop: Event) -> None:
        """Wake at the beginning, since changes may have been missed, and for each foreign change.

        Returns when `stop` is set. Raises TemporaryError when the stream breaks: a member is gone,
        or the watch was cancelled because it was too slow or its token expired.
        """
        requests: Queue[Any] = Queue()
        for prefix in self._prefixes:
            create = etcdrpc.WatchCreateRequest(key=bytes_of(prefix), range_end=end_of(prefix))
            requests.put(etcdrpc.WatchRequest(create_request=create))
        # The stream stays open until a `None`.
        call, broken = self._client.watch(iter(requests.get, None))
        over = Event()
        closer = Thread(target=_close, args=(call, stop, over), name="etcd-watch", daemon=True)
        closer.start()
        try:
            self._follow(call, wake)
        except Exception as error:
            if not stop.is_set():
                broken(error)
                raise
        finally:
            over.set()
            requests.put(None)
            call.cancel()
            closer.join()
        if not stop.is_set():
            raise TemporaryError("etcd ended the watch")

    def _follow(self, call: Any, wake: Callable[[], None]) -> None:
        begun = 0
        for answer in call:
            if answer.created:
                self._own.began(answer.header.revision)
                begun += 1
                if begun == len(self._prefixes):
                    wake()
            if answer.canceled:
                # Perhaps because a token expired: etcd says "permission denied" then, too.
                self._client.forget_token()
                return
            revisions = {event.kv.mod_revision for event in answer.events}
            if all(self._own.made(revision) for revision in sorted(revisions)):
                continue
            if self._told is not None:
                self._told(frozenset(text_of(event.kv.key) for event in answer.events))
            else:
                wake()


def _close(call: Any, stop: Event, over: Event) -> None:
    while not over.wait(_LOOK):
        if stop.is_set():
            call.cancel()
            return
