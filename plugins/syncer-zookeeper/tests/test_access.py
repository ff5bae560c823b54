"""Ways into a real server: rights by users and passwords, TLS."""

import shutil

import pytest
from kazoo.exceptions import NoAuthError
from kazoo.security import READ_ACL_UNSAFE

from servers.authority import make_authority, openssl
from servers.waiting import wait_until
from syncer import ConfigError, PermanentError, Register, TemporaryError
from syncer.testing import make_instance
from syncer_zookeeper.options import Acl

PASSWORD = "pa55word-of-the-tests"
PATH = "/services/web/kit-scope:web:8080"
ME = {"user": "me", "password": PASSWORD}


@pytest.fixture
def mine(clean_zookeeper, open_sink, register):
    """A function that makes a sink of a user of its own, with one node in it."""

    def make(acl):
        sink = open_sink(clean_zookeeper.address, acl=acl, **ME)
        register(sink)
        return sink

    return make


def test_only_the_user(mine, clean_zookeeper, open_sink, register):
    """With `creator` nobody else sees or changes anything; the user's next process does."""
    sink = mine(Acl.CREATOR)
    for look in (clean_zookeeper.client.get, clean_zookeeper.client.get_children):
        with pytest.raises(NoAuthError):
            look("/services")
    second = open_sink(clean_zookeeper.address, user=f"me:{PASSWORD}", acl=Acl.CREATOR)
    (found,) = second.registrations().items
    assert found == sink.registrations().items[0]
    second.deregister(found)
    assert sink.registrations().items == ()


def test_hidden_is_told(mine, clean_zookeeper, open_sink, new):
    """What rights hide makes a listing incomplete, and a write there is refused for good."""
    mine(Acl.CREATOR)
    for options in ({}, {"user": "me", "password": "wrong"}, {"user": "you", "password": "x"}):
        other = open_sink(clean_zookeeper.address, **options)
        view = other.registrations()
        assert (view.items, view.complete) == ((), False)
        with pytest.raises(PermanentError, match="permission denied"):
            other.register(new(other, make_instance("mine")))


def test_one_hidden_node_hides_no_other(sink, clean_zookeeper, register):
    """A single node that may not be read leaves the rest readable, and the listing incomplete."""
    register(sink)
    assert sink.registrations().complete
    acl = clean_zookeeper.client.get_acls("/services")[0]
    hidden = [one._replace(perms=acl[0].perms & ~1) for one in acl]
    clean_zookeeper.client.set_acls(PATH, hidden)
    register(sink, make_instance("other"))
    clean_zookeeper.put("/services/web/beside", "x", acl=hidden)
    view = sink.registrations()
    assert not view.complete
    assert make_instance("other").id in {one.id for one in view.items}


def test_all_may_read(mine, clean_zookeeper):
    """With `read` consumers need no password, and can change nothing."""
    mine(Acl.READ)
    assert set(clean_zookeeper.values()) == {PATH}
    with pytest.raises(NoAuthError):
        clean_zookeeper.client.set(PATH, b"")
    with pytest.raises(NoAuthError):
        clean_zookeeper.client.create("/services/web/other", b"")


def test_a_folder_that_is_closed_stops_no_other(clean_zookeeper, open_sink, new):
    """What may not be written in one place is refused, each by itself; the rest is written."""
    clean_zookeeper.put("/services/x", "")
    clean_zookeeper.client.create("/services/web", b"", acl=READ_ACL_UNSAFE)
    sink = open_sink(clean_zookeeper.address)
    changes = [Register(new(sink, make_instance(name))) for name in ("web", "other")]
    errors = {out.change.id: out.error for out in sink.apply(changes)}
    assert isinstance(errors[changes[0].id], PermanentError)
    assert errors[changes[1].id] is None


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with an authority, and certificates of a server and a client.

    Each `.crt` is a certificate, each `.pem` the same after its key.
    """
    folder = make_authority(tmp_path_factory.mktemp("tls"), "DNS:localhost", kind=("rsa:2048",))
    for name in ("server", "client"):
        key, alone, both = (folder / f"{name}.{kind}" for kind in ("key", "crt", "pem"))
        both.rename(alone)
        both.write_text(key.read_text() + alone.read_text())
    return folder


@pytest.fixture
def secure(start_zookeeper, authority):
    """A server that speaks TLS, and asks for a client's certificate."""
    return start_zookeeper(tls=authority)


def test_tls(secure, authority, open_sink, register):
    """The authority and our own certificate are used; the session lives over TLS."""
    files = {"ca_file": authority / "ca.pem", "client_cert": authority / "client.pem"}
    sink = open_sink(secure.tls_address, session=10, **files)
    held = register(sink, *(make_instance("web", port) for port in range(1, 200)))
    assert len(secure.values()) == 199
    assert sink.renew(held) == []
    two = {**files, "client_cert": authority / "client.crt", "client_key": authority / "client.key"}
    again = open_sink(secure.tls_address, **two)
    assert len(again.registrations().items) == 199
    sink.close()
    assert len(secure.values()) == 199


def test_tls_that_fails(secure, authority, open_sink):
    """An unknown authority, another name, and no certificate of ours are errors, not silence."""
    ca, own = {"ca_file": authority / "ca.pem"}, {"client_cert": authority / "client.pem"}
    other_name = f"127.0.0.1:{secure.tls_port}"
    for address, options in (
        (secure.tls_address, own),
        (other_name, {**ca, **own}),
        (secure.tls_address, ca),
        (secure.tls_address, {}),
        (secure.address, {**ca, **own}),
    ):
        with pytest.raises(TemporaryError, match="cannot be reached"):
            open_sink(address, timeout=1.5, **options).registrations()
    lax = open_sink(other_name, tls=True, tls_verify=False, **own)
    assert lax.registrations().items == ()


def test_tls_files_are_checked_at_once(authority, open_sink, tmp_path):
    """A file that cannot be used is named when the sink is made."""
    with pytest.raises(ConfigError, match="ca_file .*none: No such file"):
        open_sink("x", ca_file=tmp_path / "none")
    with pytest.raises(ConfigError, match="client_key is given without client_cert"):
        open_sink("x", client_key=authority / "client.key")
    (tmp_path / "text").write_text("not a certificate")
    with pytest.raises(ConfigError, match="ca_file .*text: "):
        open_sink("x", ca_file=tmp_path / "text")
    with pytest.raises(ConfigError, match="client_cert .*, client_key .*: "):
        open_sink("x", client_cert=authority / "client.crt", client_key=authority / "ca.key")
    openssl(
        tmp_path,
        "genpkey",
        "-algorithm",
        "RSA",
        "-aes-128-cbc",
        "-pass",
        "pass:x",
        "-out",
        "locked",
    )
    with pytest.raises(ConfigError, match="the key is encrypted"):  # nobody is there to ask
        open_sink("x", client_cert=authority / "client.crt", client_key=tmp_path / "locked")


def test_certificates_that_are_being_written(secure, authority, open_sink, register, tmp_path):
    """The session lives on over a new connection, with what the files held before."""
    for name in ("ca.pem", "client.pem"):
        shutil.copy(authority / name, tmp_path / name)
    files = {"ca_file": tmp_path / "ca.pem", "client_cert": tmp_path / "client.pem"}
    sink = open_sink(secure.tls_address, **files)
    held = register(sink)
    session = sink._session.current
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "client.pem").unlink()
    sink._session._client.handler.drop()

    def renewed():
        try:
            return sink.renew(held) == []
        except TemporaryError:
            return False

    wait_until(renewed, 10, "there is a connection again")
    assert "ca.pem: " in sink._session.tls.problem
    assert sink._session.current == session
