"""Reports health to the TTL checks that syncer feeds, no more often than necessary."""

import time
from collections.abc import Collection, Mapping
from urllib.parse import quote

from syncer import CheckKey, CheckResult, Native
from syncer.kits.http import Failed, Refused, each
from syncer_consul.agent.wire import check_id
from syncer_consul.http.client import Client, is_unknown

#: Results always go to TTL checks, and only the kind matters for the id of a check.
_TTL = {"TTL": ""}
#: An unchanged result is due again after this share of the pulse, which is a third of the TTL.
_DUE = 0.8


class Feed:
    """Remembers the last report of each check, so that a result is sent only when it is due."""

    def __init__(self, client: Client, *, every: float, workers: int) -> None:
        self._client, self._every, self._workers = client, every, workers
        #: The last result of each check, and when it was sent.
        self._sent: dict[CheckKey, tuple[CheckResult, float]] = {}
        self._rewritten: set[str] = set()

    def report(self, results: Mapping[CheckKey, CheckResult]) -> Collection[CheckKey]:
        """Report the results that are due; return the checks that the agent has lost.

        An error stops no other report. Raises the first one if no check is lost.
        """
        now = time.monotonic()
        rewritten, self._rewritten = self._rewritten, set()
        self._sent = {
            key: sent
            for key, sent in self._sent.items()
            if key in results and key.instance not in rewritten
        }
        due = [key for key, result in results.items() if self._is_due(key, result, now)]
        lost, errors = [], []
        for key, error in each(lambda key: self._send(key, results[key]), due, self._workers):
            if isinstance(error, (Refused, Failed)) and is_unknown(error):
                lost.append(key)
            elif error is not None:
                errors.append(error)
        if errors and not lost:
            raise errors[0]
        return lost

    def forget(self, instance: str) -> None:
        """Report to the checks of this service at the next pulse: they were written again."""
        self._rewritten.add(instance)

    def _is_due(self, key: CheckKey, result: CheckResult, now: float) -> bool:
        sent, at = self._sent.get(key, (None, now))
        return sent != result or now - at >= _DUE * self._every

    def _send(self, key: CheckKey, result: CheckResult) -> tuple[CheckKey, Exception | None]:
        check = self._client.agent.check
        id_ = check_id(key.instance, Native(key=key.key, definition=_TTL))
        try:
            check.update(quote(id_, safe=""), result.status.value, result.output)
        except Exception as error:  # noqa: BLE001 - raised by the caller
            return key, error
        self._sent[key] = (result, time.monotonic())
        return key, None
