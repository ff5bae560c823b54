"""Closes slow connections, so that they do not keep other clients out.

waitress reads requests and sends answers in one thread for all, so a slow client takes up one of
the connections, and a stream one of the threads too. Its own timeout counts from the last byte
and waits for room to send: a client that sends a byte now and then, or reads nothing, would stay
for ever.
"""

import json
import time
from collections.abc import Collection
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

#: Seconds for a client to send a whole request, and to read a whole answer.
PATIENCE = 60.0
#: A stream older than SETTLED seconds with more unsent bytes than BEHIND has stopped reading.
BEHIND, SETTLED = 262_144, 5.0


class Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers what is no request, or too long for one, in the form of all other refusals."""

    def execute(self) -> None:
        """Send the answer, and close the connection."""
        error = self.request.error
        body = json.dumps({"error": f"{error.reason}: {error.body}"}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.response_headers.append(("X-Content-Type-Options", "nosniff"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Connection(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that knows since when it is waited for, or is being answered."""

    error_task_class = Refusal

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._since, self._answers = time.monotonic(), False

    def service(self) -> None:
        """Answer one request, in a worker thread."""
        self._since, self._answers = time.monotonic(), True
        try:
            super().service()
        finally:
            self._since, self._answers = time.monotonic(), False

    def waited(self, now: float) -> float:
        """Seconds since the client was last served; 0 while a request is being answered."""
        return 0.0 if self._answers or self.requests else now - self._since

    def overdue(self, now: float) -> bool:
        """Whether to close it, so that others can connect."""
        if self._answers:
            return self.total_outbufs_len > BEHIND and now - self._since > SETTLED
        return self.waited(now) > PATIENCE


def release(connections: Collection[Connection], most: int) -> None:
    """Close those that are overdue; of `most` or more also the one idle for longest.

    Call it only from the thread that sends and receives for all.
    """
    now = time.monotonic()
    for one in [one for one in connections if one.overdue(now)]:
        one.handle_close()
    if len(connections) >= most:
        longest = max(connections, key=lambda one: one.waited(now))
        if longest.waited(now):
            longest.handle_close()
