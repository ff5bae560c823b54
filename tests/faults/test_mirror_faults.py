"""A registry that is mirrored breaks: what was mirrored from it stays.

Here the registry is the source, and its word is what removes; half a word must not.
"""

import json

import pytest

import syncer
from servers.faultproxy import FaultProxy
from servers.registries import FileView
from servers.waiting import wait_until

TAGS = {"one": ["a"], "two": ["a"], "three": ["a"]}
#: An answer ends within its first line, its headers or its body.
CUTS = (5, 20, 60, 120, 200, 400)
FAULTS = (*({"truncate": cut} for cut in CUTS), {"refuse": True}, {"cut": True})


@pytest.fixture
def mirror(view, tmp_path):
    """An engine that mirrors three services of a registry, behind a proxy, to a file."""
    services = tmp_path / "services.json"
    entries = [{"name": name, "address": "192.0.2.1", "port": 80} for name in TAGS]
    services.write_text(json.dumps({"services": entries}))
    with_services = syncer.open_engine(
        sources=[f"file={services}"],
        sinks=[view.sink(view.address)],
        settings=["owner=elsewhere", "sources.file.scope=host1"],
    )
    with_services.reconcile()
    proxy, made = FaultProxy(view.address), FileView(tmp_path / "mirrored" / "services.json")
    made.path.parent.mkdir()
    engine = syncer.open_engine(
        sources=[view.sink(proxy.address)],
        sinks=[made.sink("")],
        settings=[f"sources.{view.name}.timeout=1s"],
    )
    yield engine, proxy, made
    engine.stop()
    with_services.stop()
    proxy.close()


def test_a_mirror_keeps_what_half_an_answer_does_not_show(mirror, view):
    """Answers that end anywhere, and connections that do, remove nothing of a mirror."""
    engine, proxy, made = mirror

    wait_until(lambda: healthy(engine), 30, "the services to be mirrored")
    ids = made.ids()
    assert len(ids) >= len(TAGS)
    for fault in FAULTS:
        proxy.set(**fault)
        engine.reconcile()
        engine.reconcile()
        assert made.ids() >= ids, fault
        proxy.heal()
        wait_until(lambda: healthy(engine), 90, "all to be right again")
    assert made.ids() == ids


def healthy(engine):
    """Whether a cycle meets no errors and leaves nothing to do."""
    if engine.reconcile().errors:
        return False
    plans = engine.plan()
    return not plans.errors and not any(plan.changes for plan in plans.values())
