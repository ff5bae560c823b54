"""etcd as a source: which registry it is called, what is mirrored, and that nothing is written."""

import attrs
import pytest

from syncer import Context, Engine, Health, Secret, Status, TemporaryError
from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import (
    SourceContract,
    make_instance,
    make_registration,
    wait_until,
)
from syncer_etcd import EtcdOptions, syncer_sinks, syncer_sources
from syncer_etcd.options import registry_of

(KIND,) = syncer_sources()
SECRET = "pa55word-of-the-tests"
WEB = make_instance("web", tags=("blue",), meta={"team": "shop"}, weight=3)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("etcd://", "127.0.0.1:2379/services"),
        ("etcd://H2:2379,h1,h3/services", "h1:2379/services"),
        ("etcd://h3,h1:2379/services/", "h1:2379/services"),
        ("etcds://me:secret@h1/apps/prod", "h1:2379/apps/prod"),
        ("https://h1", "h1:2379/services"),
        ("etcd://[::1]:4001/x?layout=json", "[::1]:4001/x?layout=json"),
        ("etcd://h1?layout=grpc", "h1:2379/services?layout=grpc"),
        ("skydns2://h1/cluster.local", "h1:2379/skydns/local/cluster?layout=skydns"),
    ],
)
def test_names_of_registries(uri, name):
    """The same registry has the same name, whoever asks and in whatever order."""
    options = dict(KIND.from_uri(uri))
    options["user"] = Secret(options.pop("user", ""))
    assert registry_of(EtcdOptions(**options)) == name


def test_the_kind():
    """The source takes the same options and URIs as the sink."""
    (sink,) = syncer_sinks()
    assert (KIND.name, KIND.options, KIND.schemes) == (sink.name, sink.options, sink.schemes)


@pytest.fixture
def open_source():
    """Makes sources as syncer does: `open_source("127.0.0.1:2379", prefix="/services", ...)`."""
    opened = []

    def make(*endpoints, **options):
        for name in ("user", "password"):
            options[name] = Secret(options.get(name, ""))
        made = EtcdOptions(endpoints=endpoints, **{"layout": "json", **options})
        opened.append(KIND.create(made, Context(name="etcd")))
        return opened[-1]

    yield make
    for source in opened:
        source.close()


@pytest.fixture
def source(clean_etcd, open_source):
    return open_source(clean_etcd.address)


class TestSource(SourceContract):
    """The contract of sources, on a real server of the test's own where it must break."""

    patience = 20.0

    @pytest.fixture
    def source(self, clean_etcd, open_source):
        return open_source(clean_etcd.address, user="me", password=SECRET)

    @pytest.fixture
    def start(self, clean_etcd, open_sink):
        sink = open_sink(clean_etcd.address)

        def register(name):
            instance = make_instance(name)
            sink.register(make_registration(sink.adjust(instance)))
            return instance.id

        return register

    @pytest.fixture
    def end(self, clean_etcd, open_sink):
        sink = open_sink(clean_etcd.address)

        def remove(id_):
            (held,) = [one for one in sink.registrations().items if one.id == id_]
            sink.deregister(held)

        return remove

    @pytest.fixture
    def reopen(self, clean_etcd, open_source):
        return lambda: open_source(clean_etcd.address)

    @pytest.fixture
    def unreachable(self, open_source):
        return open_source("127.0.0.1:9", user="me", password=SECRET)

    @pytest.fixture
    def obscure(self, clean_etcd):
        def spoil(id_):
            (key,) = [key for key in clean_etcd.api.values() if key.endswith(f"/{id_}")]
            clean_etcd.api.put(key, "{nonsense", clean_etcd.api.lease_of(key))

        return spoil

    @pytest.fixture
    def break_watch(self, source):
        """Ends the stream, as a member does that goes away."""
        client = source._sink._client
        streams, watch = [], client.watch

        def watched(requests):
            streams.append(watch(requests))
            return streams[-1]

        client.watch = watched

        def cancel():
            wait_until(lambda: streams, 20, "the stream is open")
            streams[-1][0].cancel()

        return cancel

    @pytest.fixture
    def secrets(self):
        return [SECRET]


@pytest.mark.parametrize("layout", ["json", "registrator", "grpc", "kratos", "micro"])
def test_it_is_mirrored(clean_etcd, open_sink, open_source, layout):
    """From etcd in any layout into another registry, with all that the layout keeps."""
    origin = open_sink(clean_etcd.address, layout=layout)
    held = origin.register(make_registration(origin.adjust(WEB)))
    source = open_source(clean_etcd.address, layout=layout)
    copies = MemorySink()
    engine = Engine({"etcd": source}, {"memory": copies})
    engine.reconcile()
    (copy,) = copies.store.all()
    assert attrs.evolve(copy.instance, checks=()) == WEB
    assert copy.mark.via == copy.mark.scope == source.scope()
    origin.deregister(held)
    engine.reconcile()
    engine.reconcile()
    assert copies.store.all() == ()


def test_health_travels(clean_etcd, open_sink, source):
    """An instance that is not up in etcd is not up for who mirrors it, without a trace in meta."""
    sink = open_sink(clean_etcd.address)
    ill = attrs.evolve(WEB, status=Status.UNHEALTHY)
    sink.register(make_registration(sink.adjust(ill)))
    (found,) = source.workloads().items
    assert found.health is Health.UNHEALTHY
    assert found.offers[0].meta == WEB.meta


def test_what_others_wrote_is_mirrored(clean_etcd, source):
    """Entries without a mark are services like any other; what is a copy itself is not."""
    clean_etcd.api.put("/services/web/x", '{"address": "10.0.0.7", "port": 99}')
    clean_etcd.api.put("/elsewhere/web/y", '{"address": "10.0.0.7", "port": 99}')
    assert [one.id for one in source.workloads().items] == ["x"]


def test_copies_are_not_mirrored_on(clean_etcd, open_sink, source):
    """Two registries may mirror each other: a copy's mark says that it is one."""
    sink = open_sink(clean_etcd.address)
    sink.register(make_registration(sink.adjust(WEB), via="consul:dc1"))
    assert source.workloads().items == ()


def test_nothing_is_written(start_etcd, open_sink, open_source):
    """A source takes no lease and writes no key: a user who may only read is enough."""
    server = start_etcd()
    sink = open_sink(server.address, layout="registrator")
    held = sink.register(make_registration(sink.adjust(WEB)))
    leases, revision = server.api.leases(), server.api.revision()
    for words in (
        ["user", "add", f"reader:{SECRET}"],
        ["role", "add", "reads"],
        ["role", "grant-permission", "reads", "--prefix=true", "read", "/services/"],
        ["role", "grant-permission", "reads", "--prefix=true", "read", "/syncer/services/"],
        ["user", "grant-role", "reader", "reads"],
    ):
        server.ctl(*words)
    before = server.api.leases()
    server.enable_auth()
    source = open_source(server.address, layout="registrator", user="reader", password=SECRET)
    engine = Engine({"etcd": source}, {"memory": MemorySink()})
    for _ in range(3):
        assert not engine.reconcile()["memory"].failed
    source.close()
    assert server.ctl("get", "--prefix", "", "-w", "fields").count('"Key"') == 2
    assert f'"Revision" : {revision}' in server.ctl("get", "x", "-w", "fields")
    assert before == leases
    assert server.ctl("lease", "list").count("\n") == len(leases) + 1
    assert held.id == WEB.id


def test_no_answer_removes_nothing(start_etcd, open_sink, open_source):
    """A registry that is away is no empty one: the copies stay, and follow when it is back."""
    server = start_etcd()
    origin = open_sink(server.address)
    held = origin.register(make_registration(origin.adjust(WEB)))
    source, copies = open_source(server.address), MemorySink()
    engine = Engine({"etcd": source}, {"memory": copies})
    engine.reconcile()
    server.stop()
    with pytest.raises(TemporaryError):
        source.workloads()
    assert engine.reconcile().errors
    assert [one.id for one in copies.store.all()] == [held.id]
    server.start()

    def listed():
        try:
            return source.workloads().items
        except TemporaryError:
            return ()

    wait_until(listed, 20, "the registry answers again")
    engine.reconcile()
    assert [one.id for one in copies.store.all()] == [held.id]
