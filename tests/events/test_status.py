"""How it does, in one line."""

from fakes import wanted

from syncer import Plan, Register
from syncer.events import (
    ConfigRefused,
    ConfigReloaded,
    CycleFinished,
    LoopFailed,
    LoopRecovered,
    Warned,
)
from syncer.events.status import Status


def after(*events):
    """The words after these events."""
    status = Status()
    for event in events:
        status(event)
    return status.text()


DOWN = LoopFailed(loop="sink consul", error="connection refused")
DONE = CycleFinished(sink="etcd", plan=Plan(ours=12))
WRONG = ConfigRefused(problems=("a.toml: no such kind", "a.toml: no source"))


def test_words():
    """What fails comes first, then what is registered where."""
    assert after() == after(Warned(text="x")) == "starting"
    assert after(DONE) == "12 registered in etcd"
    written = Plan(changes=(Register(wanted().registration),), ours=1)
    assert after(CycleFinished(sink="s", plan=written)) == "2 registered in s"
    assert after(DONE, DOWN) == "sink consul: connection refused; 12 registered in etcd"
    assert after(DONE, DOWN, LoopRecovered(loop="sink consul", failures=1)) == after(DONE)


def test_what_cannot_be_written():
    """Is told with one of the errors, until a cycle writes it."""
    plan = Plan(changes=(Register(wanted().registration),))
    failed = CycleFinished(sink="s", plan=plan, failed={plan.changes[0].id: "read-only"})
    told = "s: 1 not written, for example: read-only; 0 registered in s"
    assert after(failed) == told
    assert after(failed, DOWN) == f"sink consul: connection refused; {told}"
    assert after(failed, CycleFinished(sink="s", plan=plan)) == "1 registered in s"
    assert after(failed, ConfigReloaded(changed=["sinks.s removed"])) == "starting"


def test_a_refused_configuration():
    """Is told until one is taken, an equal one too."""
    refused = (
        "configuration refused, the previous one stays in use:"
        " a.toml: no such kind; a.toml: no source"
    )
    assert after(DONE, WRONG) == f"{refused}; 12 registered in etcd"
    assert after(DONE, WRONG, ConfigReloaded()) == after(DONE)


def test_another_configuration():
    """What was known of other parts is forgotten."""
    assert after(DONE, DOWN, ConfigReloaded(changed=["sinks.consul removed"])) == "starting"
