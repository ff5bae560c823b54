"""A token is replaced while syncer runs: what it may do now is done now."""

import pytest

from servers.waiting import wait_until
from syncer import Context, Engine, TemporaryError
from syncer.events import ChangeFailed, LoopFailed
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import FakeSource, make_workload
from syncer_consul.catalog import CatalogSource
from syncer_consul.options import CatalogOptions

#: Longer than anything that these tests wait for.
HOUR, PATIENCE = 3600.0, 60.0
MAY_WRITE = 'service_prefix "" { policy = "write" } key_prefix "" { policy = "write" }'
MAY_READ = 'service_prefix "" { policy = "read" } key_prefix "" { policy = "read" }'


@pytest.fixture
def run():
    """Runs engines that read nothing by themselves; returns the events of each."""
    engines = []

    def run(source, sink):
        heard = []
        engine = Engine({"docker": source}, {"to": sink}, interval=HOUR, listeners=[heard.append])
        engine.start()
        engines.append(engine)
        return heard

    yield run
    for engine in engines:
        engine.stop()


def has(heard, kind):
    """Whether an event of this kind came."""
    return any(isinstance(event, kind) for event in heard)


@pytest.fixture(params=["services", "keys"])
def held(request, agent, open_sink, open_kv):
    """A sink with a token file, and a function that lists what is registered."""

    def open_(file):
        if request.param == "services":
            return open_sink(agent.url, token_file=file), agent.api.services
        return open_kv(agent.url, token_file=file), lambda: agent.api.get("kv/services/", keys="")

    return open_


def test_what_was_refused_is_tried_at_once_with_another_token(agent, held, run, tmp_path):
    """Somebody gives it a token with more rights, and need not wait for minutes."""
    file = tmp_path / "token"
    file.write_text(agent.api.create_token(MAY_READ))
    sink, registered = held(file)
    heard = run(FakeSource(make_workload()), sink)
    wait_until(lambda: has(heard, ChangeFailed), PATIENCE, "a refusal")
    file.write_text(agent.api.create_token(MAY_WRITE) + "\n")
    wait_until(registered, PATIENCE, "the entry, with the new token", ignore=OSError)


def test_an_empty_file_is_one_that_is_being_written(agent, held, run, tmp_path):
    """The token read before is used meanwhile, also for what is new."""
    file = tmp_path / "token"
    file.write_text(agent.api.create_token(MAY_WRITE))
    sink, registered = held(file)
    source = FakeSource()
    heard = run(source, sink)
    file.write_text("")
    source.put(make_workload())
    wait_until(registered, PATIENCE, "the entry, with the former token", ignore=OSError)
    assert not has(heard, ChangeFailed)


def test_a_file_that_was_always_empty(agent, open_sink, tmp_path):
    """It is no token, and not the wish to have none."""
    file = tmp_path / "token"
    file.write_text("\n")
    with pytest.raises(TemporaryError, match=r"token_file .*token: is empty"):
        open_sink(agent.url, token_file=file).registrations()


def test_a_catalog_that_may_be_read_now(agent, run, tmp_path):
    """A source lists at once, though its pauses after failures have become long."""
    agent.api.register({"ID": "web-1", "Name": "web", "Port": 80})
    file, memory = tmp_path / "token", MemorySink()
    file.write_text("11111111-2222-3333-4444-555555555555")
    options = CatalogOptions(address=agent.url, token_file=file)
    heard = run(CatalogSource(options, Context(name="consul")), memory)
    wait_until(lambda: has(heard, LoopFailed), PATIENCE, "a failure")
    assert not memory.store.all()
    more = 'node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" }'
    file.write_text(agent.api.create_token(f"{MAY_READ} {more}"))
    wait_until(memory.store.all, PATIENCE, "the entry of the catalog")


def test_credentials_differ_with_the_token_alone(agent, open_sink, tmp_path):
    """The same token in another file, or written again, is no news; it cannot be read there."""
    token = agent.api.create_token(MAY_READ)
    file, other = tmp_path / "token", tmp_path / "other"
    file.write_text(token)
    other.write_text(f"{token}\n")
    sink, same = (open_sink(agent.url, token_file=path) for path in (file, other))
    before = sink.credentials()
    assert before == same.credentials()
    assert token not in repr(before)
    file.write_text(f"\n{token}\n")
    assert sink.credentials() == before
    file.write_text("")
    assert sink.credentials() == before
    file.write_text(agent.api.create_token(MAY_WRITE))
    assert sink.credentials() != before
    assert open_sink(agent.url).credentials() is None
