"""Ways into a real server: user and password, tokens that end, TLS."""

import shutil
from threading import Event
from time import monotonic

import pytest

from servers.authority import CURVE, client_files, make_authority, openssl
from syncer import ConfigError, PermanentError, Register, TemporaryError
from syncer.testing import make_instance, make_registration, wait_until

PASSWORD = "pa55word-of-the-tests"


def new(sink, name="web"):
    return make_registration(sink.adjust(make_instance(name)))


def let_the_token_end():
    """Let the time go by after which the server forgets a token: asking for it would keep it."""
    end = monotonic() + 4
    wait_until(lambda: monotonic() > end, 20, "time goes by")


@pytest.fixture
def guarded(start_etcd):
    """A server that asks for a user, and forgets tokens that are idle for two seconds."""
    server = start_etcd(args=["--auth-token-ttl", "2"])
    server.enable_auth(me=PASSWORD)
    return server


def test_user_and_password(guarded, open_sink):
    """With user and password everything works, and another process can read it."""
    sink = open_sink(guarded.address, user="me", password=PASSWORD)
    held = sink.register(new(sink))
    assert [r.id for r in sink.registrations().items] == [held.id]
    assert sink.renew([held]) == []
    assert "/services/web/" in guarded.ctl("get", "--prefix", "/services")
    sink.deregister(held)
    assert guarded.ctl("get", "--prefix", "/services") == ""


def test_token_that_ended(guarded, open_sink):
    """A token that etcd forgot is replaced, and the request repeated, for every kind of request."""
    sink = open_sink(guarded.address, user=f"me:{PASSWORD}")
    held = sink.register(new(sink))
    for request in (
        sink.registrations,
        lambda: sink.register(new(sink, "other")),
        lambda: sink.update(held, new(sink)),
    ):
        token = sink._client._token
        assert token
        let_the_token_end()
        request()
        assert sink._client._token != token
    assert len(sink.registrations().items) == 2
    let_the_token_end()
    assert sink.renew([held]) == []


def test_rights_that_changed(guarded, open_sink):
    """When users are changed, tokens of before are refused as old, and replaced."""
    sink = open_sink(guarded.address, user="me", password=PASSWORD)
    sink.register(new(sink))
    guarded.ctl("user", "add", "another:x")
    sink.register(new(sink, "other"))
    assert len(sink.registrations().items) == 2


def test_restarted_server_knows_no_token(guarded, open_sink):
    """After a restart of the server the token is unknown, and replaced."""
    sink = open_sink(guarded.address, user="me", password=PASSWORD)
    sink.register(new(sink))
    guarded.restart()

    def answers():
        try:
            return sink.registrations()
        except TemporaryError:
            return None

    assert len(wait_until(answers, 20, "an answer").items) == 1


@pytest.mark.parametrize(
    ("user", "password", "words"),
    [
        ("me", "wrong", "authentication failed, invalid user ID or password"),
        ("nobody", PASSWORD, "authentication failed"),
        ("", "", "etcd requires a user"),
    ],
)
def test_not_let_in(guarded, open_sink, user, password, words):
    """A wrong password, an unknown user or none is refused clearly, and nothing secret is told."""
    sink = open_sink(guarded.address, user=user, password=password)
    with pytest.raises(PermanentError, match=words) as caught:
        sink.registrations()
    assert PASSWORD not in str(caught.value)
    changes = [Register(new(sink, f"s{n}")) for n in range(300)]
    outcomes = list(sink.apply(changes))
    assert len(outcomes) == 300
    assert len({id(one.error) for one in outcomes}) == 1, "asked again for each"
    assert isinstance(outcomes[0].error, PermanentError)


def test_watch_with_a_token_that_ended(guarded, open_sink):
    """A watch that begins with an old token logs in again, at the second attempt at the latest."""
    sink = open_sink(guarded.address, user="me", password=PASSWORD)
    sink.registrations()
    let_the_token_end()
    stop = Event()

    def begins():
        try:
            sink.watch(stop.set, stop)
        except TemporaryError:
            return False
        return True

    wait_until(begins, 20, "the watch begins")


def test_rights_for_one_prefix_only(start_etcd, open_sink):
    """A user who may write only the prefix can do all that the sink does; elsewhere nothing."""
    server = start_etcd()
    for words in (
        ["user", "add", f"me:{PASSWORD}"],
        ["role", "add", "mine"],
        ["role", "grant-permission", "mine", "--prefix=true", "readwrite", "/services/"],
        ["role", "grant-permission", "mine", "--prefix=true", "readwrite", "/syncer/services/"],
        ["user", "grant-role", "me", "mine"],
    ):
        server.ctl(*words)
    server.enable_auth()
    sink = open_sink(server.address, layout="registrator", user="me", password=PASSWORD)
    held = sink.register(new(sink))
    assert sink.renew([held]) == []
    sink.deregister(held)
    sink.close()
    elsewhere = open_sink(server.address, prefix="/other", user="me", password=PASSWORD)
    with pytest.raises(PermanentError, match="permission denied"):
        elsewhere.registrations()


@pytest.fixture(scope="module")
def authority(server_guard):
    """A folder with a certificate authority, and certificates for a server and a client."""
    return make_authority(server_guard.folder / "etcd-tls", "DNS:etcd.test,IP:127.0.0.1")


@pytest.fixture
def secured(start_etcd, authority):
    """A server that speaks TLS and asks for a client's certificate."""
    return start_etcd(tls=authority)


def test_tls(secured, authority, open_sink):
    """The authority, our own certificate, and the expected name are used."""
    files = {"ca_file": authority / "ca.pem", **client_files(authority)}
    sink = open_sink(secured.address, **files)
    held = sink.register(new(sink))
    assert "/services/web/" in secured.ctl("get", "--prefix", "/services")
    assert sink.renew([held]) == []
    named = open_sink(secured.url, tls_server_name="etcd.test", **files)
    assert [r.id for r in named.registrations().items] == [held.id]


def test_tls_that_fails(secured, authority, open_sink):
    """An unknown authority, another name, and no certificate of ours are errors, not silence."""
    ca = {"ca_file": authority / "ca.pem"}
    for options in (
        {"tls": True, **client_files(authority)},
        {**ca, **client_files(authority), "tls_server_name": "wrong.test"},
        ca,
    ):
        with pytest.raises(TemporaryError, match=secured.address):
            open_sink(secured.address, timeout=3, **options).registrations()
    with pytest.raises(TemporaryError):
        open_sink(secured.address, timeout=3).registrations()


def test_certificates_that_were_renewed(secured, authority, open_sink, tmp_path):
    """Files that are replaced are read again when a connection fails; no restart is needed."""
    openssl(
        tmp_path, "req", "-x509", "-newkey", *CURVE, "-nodes",
        "-keyout", "old.key", "-out", "ca.pem", "-subj", "/CN=old", "-days", "2",
    )  # fmt: skip
    sink = open_sink(
        secured.address, timeout=3, ca_file=tmp_path / "ca.pem", **client_files(authority)
    )
    with pytest.raises(TemporaryError):
        sink.registrations()
    shutil.copy(authority / "ca.pem", tmp_path / "ca.pem")

    def answers():
        try:
            return sink.registrations().complete
        except TemporaryError:
            return False

    wait_until(answers, 15, "the new authority is used")


def test_certificates_that_are_being_written(secured, authority, open_sink, tmp_path):
    """The former contents are used: empty files would end the process, or trust anybody."""
    for name in ("ca.pem", "client.pem", "client.key"):
        shutil.copy(authority / name, tmp_path / name)
    files = {"ca_file": tmp_path / "ca.pem", **client_files(tmp_path)}
    sink = open_sink(secured.address, timeout=3, **files)
    sink.register(new(sink))
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "client.pem").unlink()
    (tmp_path / "client.key").write_bytes(b"")
    secured.stop()
    with pytest.raises(TemporaryError, match="ca.pem: "):
        sink.registrations()
    secured.start()

    def answers():
        try:
            return sink.registrations().complete
        except TemporaryError:
            return False

    wait_until(answers, 15, "the certificates of before are used")


def test_tls_files_are_checked_at_once(authority, open_sink, tmp_path):
    """A file that cannot be used is named when the sink is made."""
    with pytest.raises(ConfigError, match="ca_file .*none: No such file"):
        open_sink("x", ca_file=tmp_path / "none")
    with pytest.raises(ConfigError, match=r"client_cert .*, client_key \(none\): "):
        open_sink("x", client_cert=authority / "client.pem")
    with pytest.raises(ConfigError, match="client_key is given without client_cert"):
        open_sink("x", client_key=authority / "client.key")
    (tmp_path / "text").write_text("not a certificate")
    with pytest.raises(ConfigError, match="ca_file .*text: "):
        open_sink("x", ca_file=tmp_path / "text")
