"""A bare client that follows an engine's events: the floor of what a start or a stop can take.

    python -m benchmarks.follower SOCKET REGISTRY URL

On a start it inspects and registers, on an end it removes: no more, and in one thread.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from benchmarks.registries import KINDS, Instance
from benchmarks.stage import inspected, unix_pool


def main(socket: str, kind: str, url: str) -> None:
    """Follow the events until ended."""
    address = url.rpartition("//")[2].rstrip("/")
    registry = KINDS[kind](SimpleNamespace(url=url, address=address))
    pool = unix_pool(Path(socket))
    known: dict[str, Instance] = {}
    filters = json.dumps({"type": ["container"], "event": ["start", "die"]})
    answer = pool.request("GET", "/events", fields={"filters": filters}, preload_content=False)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    rest = b""
    while data := answer.read1():
        *lines, rest = (rest + data).split(b"\n")
        for line in filter(None, lines):
            event = json.loads(line)
            if event["Action"] == "start":
                known[event["id"]] = inspected(pool, event["id"])
                registry.put(known[event["id"]])
            elif event["id"] in known:
                registry.drop(known.pop(event["id"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
