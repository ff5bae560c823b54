"""Ways into real servers: several of them, paths, user and password, TLS."""

import attrs
import pytest

from servers.authority import client_files, make_authority
from servers.waiting import wait_until
from syncer import ConfigError, TemporaryError
from syncer.testing import make_instance, make_registration

PASSWORD = "pa55word-of-the-tests"
NOBODY = "http://127.0.0.1:9/eureka/"


def new(sink, name="web", **fields):
    return make_registration(sink.adjust(make_instance(name, **fields)))


def work(sink, name="web"):
    """Everything that a sink does, once."""
    held = sink.register(new(sink, name))
    assert [r.id for r in sink.registrations().items] == [held.id]
    sink._renewer._schedule.again(held.id, 0.0)
    assert sink.renew([held]) == []
    held = sink.update(held, new(sink, name, address="10.0.0.6"))
    assert sink.registration(held.id) == held
    sink.deregister(held)
    assert sink.registrations().items == ()


@pytest.mark.parametrize("path", ["eureka", "eureka/v2"])
def test_spring_and_netflix_paths(clean_eureka, open_sink, path):
    """The path of the URL decides; Spring Cloud's server answers under both."""
    work(open_sink(clean_eureka.url.replace("eureka", path)))


def test_a_wrong_path_is_told(clean_eureka, open_sink):
    """Not an empty registry, but an error with a hint."""
    sink = open_sink(clean_eureka.url.replace("eureka", "nothing"))
    with pytest.raises(TemporaryError, match="is the path of the URL right"):
        sink.registrations()
    with pytest.raises(TemporaryError):
        sink.register(new(sink))


def test_a_dead_server_is_passed_over_once(clean_eureka, open_sink):
    """The next server is asked in the same call, and first from then on."""
    sink = open_sink(NOBODY, clean_eureka.url)
    work(sink)
    dead, _ = sink._api.servers
    opened = dead.http._pool.num_connections
    work(sink)
    assert dead.http._pool.num_connections == opened


def test_a_frozen_server_costs_one_deadline(start_eureka, clean_eureka, open_sink):
    """One that takes connections and never answers is given up at the deadline."""
    frozen = start_eureka()
    sink = open_sink(frozen.url, clean_eureka.url, timeout=4)
    work(sink)
    frozen.freeze()
    work(sink)
    assert sink._api._failover._good == 1
    frozen.thaw()
    work(sink)
    assert sink._api._failover._good == 1, "it goes back though the other is good"


def test_all_dead_is_an_error_that_names_all(open_sink):
    """Every server that was asked is named with its reason."""
    sink = open_sink(NOBODY, "http://127.0.0.1:9/other/")
    with pytest.raises(TemporaryError) as caught:
        sink.registrations()
    assert str(caught.value).count("cannot reach") == 2


def test_a_server_that_is_restarted_needs_no_new_sink(start_eureka, open_sink):
    """Pooled connections that the server closed are replaced."""
    server = start_eureka()
    sink = open_sink(server.url)
    work(sink)
    server.restart_empty()
    work(sink)


def test_peers(clean_eureka_pair, open_sink):
    """Written to one it is in both; when that one dies the other goes on, and nothing is lost."""
    first, second = clean_eureka_pair.members
    sink = open_sink(*clean_eureka_pair.urls, timeout=10)
    held = [sink.register(new(sink, f"s{n}")) for n in range(20)]
    ids = {one.id for one in held}

    def in_second():
        return {one["instanceId"] for one in second.api.instances()} == ids

    wait_until(in_second, 30, "the second peer has them")
    first.kill()
    for one in held:
        sink._renewer._schedule.again(one.id, 0.0)
    assert sink.renew(held) == []
    assert {r.id for r in sink.registrations().items} == ids
    moved = sink.update(held[0], new(sink, "s0", address="10.0.0.9"))
    assert second.api.instance("s0", moved.id)["ipAddr"] == "10.0.0.9"
    sink.deregister(moved)
    first.start()
    wait_until(
        lambda: {one["instanceId"] for one in first.api.instances()} == ids - {moved.id},
        60,
        "the first peer learns from the second",
        ignore=(OSError,),
    )
    assert {r.id for r in sink.registrations().items} == ids - {moved.id}


def test_a_peer_that_is_behind_is_told_by_a_heartbeat(clean_eureka_pair, open_sink):
    """What a peer does not know, or knows as it was, it answers by 404; then it is written."""
    first, second = clean_eureka_pair.members
    sink = open_sink(first.url, timeout=10)
    held = sink.register(new(sink))
    second.freeze()
    held = sink.update(held, new(sink, address="10.0.0.8"))
    first.kill()
    second.thaw()
    other = open_sink(second.url, timeout=10)
    lost = list(other.renew([held]))
    if lost:  # unless the change arrived in the moment between
        found = other.registration(held.id)
        again = other.update(found, new(other, address="10.0.0.8")) if found else None
        assert (again or other.register(new(other, address="10.0.0.8"))).damaged == ""
    assert second.api.instance("web", held.id)["ipAddr"] == "10.0.0.8"


@pytest.fixture
def guarded(start_eureka):
    """A server that asks for a user and password."""
    return start_eureka(auth=f"me:{PASSWORD}")


def test_user_and_password(guarded, open_sink):
    """With them everything works."""
    work(open_sink(guarded.url, user="me", password=PASSWORD))


@pytest.mark.parametrize(("user", "password"), [("", ""), ("me", "s0me-other"), ("you", PASSWORD)])
def test_not_let_in(guarded, open_sink, user, password):
    """It is told what is wrong, and nothing secret; nothing counts as empty or as removed."""
    sink = open_sink(guarded.url, user=user, password=password)
    for call in (
        sink.registrations,
        lambda: sink.register(new(sink)),
        lambda: sink.deregister(new(sink)),
        lambda: sink.renew([attrs.evolve(new(sink), version="1 WEB/x")]),
    ):
        with pytest.raises(TemporaryError, match="user and password are missing or wrong") as told:
            call()
        assert PASSWORD not in str(told.value)


@pytest.fixture(scope="module")
def authority(server_guard):
    """A folder with a certificate authority, and certificates for a server and a client."""
    return make_authority(server_guard.folder / "eureka-tls", "DNS:eureka.test,IP:127.0.0.1")


def test_tls(start_eureka, authority, open_sink):
    """Authority and our own certificate are used; without either it is an error."""
    server = start_eureka(tls=authority)
    ours = client_files(authority)
    ca = {"ca_file": authority / "ca.pem"}
    work(open_sink(server.url, **ca, **ours))
    work(open_sink(server.url, tls_skip_verify=True, **ours))
    for options in (ca, ours, {}):
        with pytest.raises(TemporaryError, match=r"TLS failed|connection broke"):
            open_sink(server.url, **options).registrations()
    with pytest.raises(TemporaryError):
        open_sink(server.url.replace("https", "http")).registrations()


def test_tls_files_are_checked_at_once(authority, open_sink, tmp_path):
    """A file that cannot be used is named when the sink is made."""
    url = "https://127.0.0.1:9/eureka/"
    with pytest.raises(ConfigError, match="ca_file .*none: No such file"):
        open_sink(url, ca_file=tmp_path / "none")
    with pytest.raises(ConfigError, match="client_key is given without"):
        open_sink(url, client_key=authority / "client.key")
    (tmp_path / "text").write_text("not a certificate")
    with pytest.raises(ConfigError, match="client_cert"):
        open_sink(url, client_cert=tmp_path / "text")
