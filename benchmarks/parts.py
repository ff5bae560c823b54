"""A start and some cycles at rest, taken apart: a process of its own, which ends with JSON.

python -m benchmarks.parts SOURCE SINK SETTING...
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

RESTING = 12


def main(source: str, sink: str, *settings: str) -> None:
    """The parts of a start in seconds, and of a cycle without a change in CPU milliseconds."""
    import syncer

    engine = syncer.open_engine(sources=[source], sinks=[sink], settings=settings, environ={})
    (tracker,) = engine._trackers.values()
    (reconciler,) = engine._reconcilers.values()
    translator = _Timed(tracker._translator.translate)
    tracker._translator = type("Timed", (), {"translate": staticmethod(translator)})
    listed, _ = timed(tracker.relist)
    planned, plan = timed(reconciler.plan)
    written, _ = timed(lambda: reconciler.carry_out(plan, 0.0))
    found = {"source": listed - translator.spent, "translate": translator.spent}
    found |= {"plan": planned, "sink": written}
    for _ in range(2):
        tracker.relist()
        reconciler.cycle()
    found["list, ms of CPU"] = resting(tracker.relist)
    found["cycle, ms of CPU"] = resting(reconciler.cycle)
    engine.stop()
    sys.stdout.write(json.dumps(found) + "\n")


class _Timed:
    """Calls through, and adds up the seconds."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call, self.spent = call, 0.0

    def __call__(self, *about: Any) -> Any:
        seconds, answer = timed(lambda: self._call(*about))
        self.spent += seconds
        return answer


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds that it takes, and what it returns."""
    began = time.perf_counter()
    answer = do()
    return time.perf_counter() - began, answer


def resting(do: Callable[[], Any]) -> float:
    """Milliseconds of CPU, the median of several times."""
    spent = []
    for _ in range(RESTING):
        began = time.process_time()
        do()
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


if __name__ == "__main__":
    main(*sys.argv[1:])
