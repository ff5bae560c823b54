"""The watch on a real agent: what wakes, what does not, and how it ends."""

from threading import Event, Thread

import pytest

from servers.counting import CountingProxy
from syncer import Check, Register
from syncer.testing import make_instance, make_registration, wait_until

TTL = Check(kind="ttl", ttl=60)


class Wakes:
    """A running watch, and how often it woke."""

    def __init__(self, sink):
        self.count = 0
        self._sink, self.stop = sink, Event()
        self.thread = Thread(target=sink.watch, args=(self._wake, self.stop), daemon=True)
        self.thread.start()

    def _wake(self):
        self.count += 1

    def after(self, do, within=10):
        """Do something, and wait for the wake that it must bring."""
        before = self.count
        do()
        wait_until(lambda: self.count > before, within, "a wake")

    def settle(self):
        """Wait until the watch has been quiet for half a second."""
        quiet = Event()
        seen = -1
        while seen != self.count:
            seen = self.count
            quiet.wait(0.5)


@pytest.fixture
def wakes():
    """Starts watches, and ends them."""
    begun = []

    def start(sink):
        begun.append(Wakes(sink))
        wait_until(lambda: begun[-1].count, 10, "the wake when the watch begins")
        begun[-1].settle()
        return begun[-1]

    yield start
    for one in begun:
        one.stop.set()
        one.thread.join(30)


def test_every_hand_edit_wakes(sink, clean_consul, wakes):
    """Adding, changing and removing a service, and removing a check, wake; so does maintenance."""
    api = clean_consul.api
    sink.register(make_registration(sink.adjust(make_instance(checks=(TTL,)))))
    watch = wakes(sink)
    id_ = make_instance().id
    entry = {"ID": "bare", "Name": "bare"}
    edits = [
        lambda: api.register(entry),
        lambda: api.register(entry | {"Tags": ["x"]}),
        lambda: api.register(entry | {"Meta": {"a": "b"}}),
        lambda: api.deregister("bare"),
        lambda: api.deregister_check(f"{id_}:ttl"),
        lambda: api.maintenance(id_, True),
        lambda: api.maintenance(id_, False),
        lambda: api.deregister(id_),
    ]
    for edit in edits:
        watch.after(edit)
        watch.settle()


def test_quiet_agent_is_left_in_peace(sink, wakes):
    """Without a change the watch does not wake, and the requests block."""
    watch = wakes(sink)
    before = watch.count
    assert not watch.stop.wait(1.0)
    assert watch.count == before


def test_own_burst_wakes_seldom(sink, wakes):
    """A burst of own writes makes a few wakes, not one for each."""
    watch = wakes(sink)
    before = watch.count
    sink.registrations()
    new = [make_registration(make_instance(f"s{n}")) for n in range(300)]
    watch.after(lambda: list(sink.apply([Register(one) for one in new])))
    watch.settle()
    assert watch.count - before <= 20


def test_stop_ends_it(sink, wakes):
    """Setting `stop` ends a watch whose requests are blocked."""
    watch = wakes(sink)
    watch.stop.set()
    wait_until(lambda: not watch.thread.is_alive(), 10, "the end of the watch")


def test_close_ends_it(sink, wakes):
    """Closing the sink from another thread ends a blocked watch."""
    watch = wakes(sink)
    sink.close()
    wait_until(lambda: not watch.thread.is_alive(), 10, "the end of the watch")


def test_close_before_watch(sink):
    """A watch on a closed sink ends at once."""
    sink.close()
    watch = Thread(target=sink.watch, args=(lambda: None, Event()), daemon=True)
    watch.start()
    wait_until(lambda: not watch.is_alive(), 10, "the end of the watch")


def test_restarted_empty_agent_wakes(start_consul, open_sink, wakes):
    """An agent that comes back empty wakes at once, and again on later changes."""
    agent = start_consul()
    sink = open_sink(agent.url)
    watch = wakes(sink)
    asked = sink._client.info()
    agent.stop()
    watch.settle()
    watch.after(agent.start)
    assert sink._client.info() is not asked, "it may be another version now"
    assert sink.registrations().items == ()
    sink.register(make_registration(make_instance()))
    watch.settle()
    watch.after(lambda: agent.api.deregister(make_instance().id))


def test_agent_that_is_not_there_yet(start_consul, open_sink, wakes):
    """A watch that begins before the agent is there wakes when it comes."""
    agent = start_consul()
    agent.stop()
    sink = open_sink(agent.url)
    watch = Wakes(sink)
    try:
        assert not watch.stop.wait(0.7)
        assert watch.count == 0
        watch.after(agent.start)
    finally:
        watch.stop.set()
        watch.thread.join(30)


def test_client_agent_in_a_cluster(clean_consul_cluster, open_sink, wakes):
    """A client agent's changes wake; without a leader the watch waits, and goes on afterwards."""
    cluster = clean_consul_cluster
    sink = open_sink(cluster.client.url)
    sink.register(make_registration(make_instance()))
    for server in cluster.servers:
        wait_until(lambda s=server: s.api.catalog("web"), 20, "every server knows it")
    watch = wakes(sink)
    watch.after(lambda: cluster.api.deregister(make_instance().id), within=20)
    cluster.kill_leader()
    cluster.wait_leader()
    watch.settle()
    watch.after(lambda: cluster.api.register({"ID": "x", "Name": "x"}), within=30)


def test_agent_with_another_node_name(start_consul, open_sink, wakes):
    """An agent that comes back under another name is followed under that."""
    agent = start_consul(config={"node_name": "before"})
    sink = open_sink(agent.url)
    web = make_registration(make_instance())
    sink.registrations()
    sink.register(web)
    watch = wakes(sink)
    agent.stop()
    agent.config["node_name"] = "afterwards"
    watch.after(agent.start, within=30)
    sink.registrations()
    sink.register(web)
    watch.settle()
    watch.after(lambda: agent.api.deregister(web.id), within=5)


def test_agent_behind_a_proxy_with_another_node_name(start_consul, open_sink, wakes, proxied):
    """The same where a proxy answers while the agent is away."""
    agent = start_consul(config={"node_name": "before"})
    sink = open_sink(proxied(agent))
    web = make_registration(make_instance())
    sink.registrations()
    watch = wakes(sink)
    agent.stop()
    agent.config["node_name"] = "afterwards"
    watch.after(agent.start, within=30)
    watch.settle()
    sink.register(web)
    watch.settle()
    watch.after(lambda: agent.api.deregister(web.id), within=5)


@pytest.fixture
def proxied():
    """Puts a proxy before an agent, which answers 502 while it is away."""
    made = []

    def put(agent):
        made.append(CountingProxy(agent.address))
        return f"http://{made[-1].address}"

    yield put
    for one in made:
        one.close()
