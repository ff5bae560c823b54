"""A program of the tests' own that embeds syncer: from a file of services to one sink.

It reads one JSON object a line from standard input, forks a process for each, since imports take
longest, and prints two lines: its pid; what became of it, when it has ended.

    {"sink": ..., "services": ...}                   cycles until nothing is left to do
    {"sink": ..., "services": ..., "once": true}     one cycle
    {"sink": ..., "services": ..., "once": true, "die_after": 3}
                                                     kills itself after the third call on files
"""

import importlib
import json
import os
import signal
import sys
import time
import traceback

import syncer

#: How often it tries, each time after a tenth of a second: a registry may show writes late.
CYCLES = 50
#: What changes files.
CALLS = ("open", "fsync", "replace", "unlink")
#: What is imported once, before the first fork: nothing of it starts a thread.
MODULES = (
    "consul",
    "syncer_consul.agent.sink",
    "syncer_consul.kv.sink",
    "syncer_etcd.sink",
    "syncer_eureka.sink",
    "syncer_zookeeper.sink",
)


def serve():
    """Answer until standard input ends."""
    for module in MODULES:
        importlib.import_module(module)
    syncer.open_engine(sources=["file=unread.json"], sinks=["memory"]).stop()
    for line in sys.stdin:
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(reader)
            work(json.loads(line), writer)
        os.close(writer)
        tell({"pid": pid})
        with open(reader, encoding="utf-8") as said:
            text = said.read()
        _, status = os.waitpid(pid, 0)
        tell({"code": os.waitstatus_to_exitcode(status), "said": text})


def tell(answer):
    """Print one line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def work(wish, writer):
    """The life of one process; it never returns."""
    code = 1
    try:
        with open(writer, "w", encoding="utf-8") as said:
            try:
                said.write(json.dumps(run(**wish)))
                code = 0
            except Exception:  # noqa: BLE001 - the test wants to see it, whatever it is
                said.write(traceback.format_exc())
    finally:
        os._exit(code)


def run(sink, services, once=False, die_after=0):
    """Run, and return what was still to do in the end, and what failed."""
    engine = syncer.open_engine(
        sources=[f"file={services}"], sinks=[sink], settings=["sources.file.scope=host1"]
    )
    if die_after:
        count_calls(die_after)
    try:
        if once:
            engine.reconcile()
            return {}
        return converge(engine)
    finally:
        engine.stop()


def converge(engine):
    """Cycles until the plan that follows at once is empty; what was seen last."""
    for _ in range(CYCLES):
        reports = engine.reconcile()
        plans = engine.plan()
        left = [change.id for plan in plans.values() for change in plan.changes]
        errors = [*reports.errors.values(), *plans.errors.values()]
        if not left and not errors:
            break
        time.sleep(0.1)
    return {"left": left, "errors": [str(error) for error in errors]}


def count_calls(number):
    """Kill this process as soon as the n-th call of `CALLS` has returned, counted from now."""
    left = number

    def counted(call):
        def wrapped(*arguments, **options):
            nonlocal left
            answer = call(*arguments, **options)
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return wrapped

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))


if __name__ == "__main__":
    serve()
