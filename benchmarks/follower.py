"""A bare client that follows an engine's events: the floor of what a start or a stop can take.

    python -m benchmarks.follower SOCKET REGISTRY URL HOW

In one thread. HOW `same`: with the requests that a careful client must make: at a start and at an
end it inspects, looks at the entry where the registry knows no compare-and-set, and writes.
HOW `blind`: at a start it inspects and registers, at an end it removes.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from benchmarks.registries import KINDS, Instance
from benchmarks.stage import inspected, unix_pool


def main(socket: str, kind: str, url: str, how: str) -> None:
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
            id_, starts = event["id"], event["Action"] == "start"
            if starts or how == "same":
                known[id_] = inspected(pool, id_)
            if id_ not in known:
                continue
            if registry.looks and how == "same":
                registry.has(known[id_])
            (registry.put if starts else registry.drop)(known[id_])


if __name__ == "__main__":
    main(*sys.argv[1:])
