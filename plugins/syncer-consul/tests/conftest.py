"""What the tests of this plugin share: options for a server, and sinks that are closed again."""

import base64
import urllib.error

import pytest

from servers.consul import ACL
from syncer import Context
from syncer_consul import ConsulOptions, KvOptions
from syncer_consul.agent.sink import ConsulSink
from syncer_consul.kv.sink import ConsulKvSink

#: The real agents of the tests allow no request to take longer than this.
TOKEN = "b1gs3cret-0000-4000-8000-00000000cafe"


@pytest.fixture(autouse=True)
def _no_consul_environment(monkeypatch):
    """An agent that the developer uses must not be touched, and the library reads these itself."""
    for name in ("ADDR", "TOKEN", "SSL", "SSL_VERIFY", "AUTH"):
        monkeypatch.delenv(f"CONSUL_HTTP_{name}", raising=False)


@pytest.fixture(scope="session")
def secured(server_guard, _consul_program):
    """An agent that asks for tokens."""
    agent = _consul_program.Consul(server_guard, name="secured", config=ACL)
    agent.start()
    yield agent
    agent.stop()


@pytest.fixture
def agent(secured):
    """The agent that asks for tokens, without services."""
    secured.clean()
    yield secured
    secured.clean()


@pytest.fixture
def open_sink():
    """Makes sinks: `open_sink(address, **options)`."""
    opened = []

    def make(address, **options):
        sink = ConsulSink(ConsulOptions(address=address, **options), Context(name="consul"))
        opened.append(sink)
        return sink

    yield make
    for sink in opened:
        sink.close()


@pytest.fixture
def open_kv():
    """Makes sinks over the key-value store: `open_kv(address, owner="me", **options)`."""
    opened = []

    def make(address, owner="syncer", **options):
        context = Context(name="consulkv", owner=owner)
        sink = ConsulKvSink(KvOptions(address=address, **options), context)
        opened.append(sink)
        return sink

    yield make
    for sink in opened:
        sink.close()


@pytest.fixture
def clean_kv(clean_consul):
    """The Consul server without keys and sessions; `api` has what these tests ask."""
    api = clean_consul.api

    def clean():
        api.request("DELETE", "kv/", recurse="")
        for session in api.get("session/list") or ():
            api.put(f"session/destroy/{session['ID']}")

    clean()
    yield Kv(clean_consul)
    clean()


class Kv:
    """Questions and hand edits over the key-value API, without any of syncer's code."""

    def __init__(self, consul):
        self.consul, self.api, self.url = consul, consul.api, consul.url

    def values(self, prefix=""):
        """What stands under a prefix: the value of each key."""
        return {key: found["Value"] for key, found in self.entries(prefix).items()}

    def entries(self, prefix=""):
        """What stands under a prefix: each key as Consul tells it, values decoded."""
        try:
            found = self.api.get(f"kv/{prefix}", recurse="")
        except urllib.error.HTTPError:
            return {}
        for one in found:
            one["Value"] = base64.b64decode(one["Value"] or "").decode()
        return {one["Key"]: one for one in found}

    def kv_put(self, key, value):
        """Write a key by hand."""
        request = {"Verb": "set", "Key": key, "Value": base64.b64encode(value.encode()).decode()}
        self.api.put("txn", [{"KV": request}])

    def kv_delete(self, key):
        """Remove a key by hand."""
        self.api.put("txn", [{"KV": {"Verb": "delete", "Key": key}}])

    def kv_take(self, key, session):
        """Have a key, as it is, held by another session, whoever holds it."""
        (found,) = self.api.get(f"kv/{key}")
        kept = {"Key": key, "Value": found["Value"]}
        free = {"Verb": "unlock", **kept, "Session": found.get("Session")}
        verbs = [free] if found.get("Session") else []
        verbs.append({"Verb": "lock", **kept, "Session": session})
        self.api.put("txn", [{"KV": verb} for verb in verbs])

    def sessions(self):
        """The ids of all sessions."""
        return {one["ID"] for one in self.api.get("session/list") or ()}


@pytest.fixture
def sink(clean_consul, open_sink):
    """A sink over an empty real agent."""
    return open_sink(clean_consul.url)
