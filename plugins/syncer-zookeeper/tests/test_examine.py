"""What `syncer doctor` finds in the way of registering in ZooKeeper, at real servers."""

import socket
import threading

import pytest
from kazoo.exceptions import NoAuthError
from kazoo.security import ACL, ANYONE_ID_UNSAFE, READ_ACL_UNSAFE, Permissions

from servers import zookeeper as program
from servers.authority import make_authority
from servers.process import free_ports
from servers.secrets import secret
from syncer import Level, PermanentError
from syncer.testing import make_instance, make_registration
from syncer_zookeeper import examine
from syncer_zookeeper.options import Acl

PASSWORD = secret("pa55word-for-the-doctor-of-zookeeper")
ME = {"user": "me", "password": PASSWORD}
WELL = "nodes under /services may be read, created and removed"


def found(sink):
    """The findings, as (level, text) with the advice after a semicolon."""
    return [(one.level, f"{one.what}; {one.advice}") for one in sink.examine()]


def of(level, findings):
    return [text for found, text in findings if found is level]


@pytest.mark.parametrize("options", [{}, {**ME, "acl": Acl.CREATOR}])
def test_all_is_well(clean_zookeeper, open_sink, register, options):
    """The server with its version, and the rights; nothing is changed by asking for them."""
    sink = open_sink(clean_zookeeper.address, **options)
    register(sink)
    before = clean_zookeeper.open_client(auth_data=[("digest", program.SUPER)])
    try:
        seen = tree(before)
        findings = found(sink)
        assert tree(before) == seen
    finally:
        program.end(before)
    assert [level for level, _ in findings] == [Level.OK, Level.OK]
    assert f"the server at {clean_zookeeper.address} answers: version 3." in findings[0][1]
    assert "standalone" in findings[0][1]
    assert findings[1][1] == f"{WELL}; "


def tree(client, path="/"):
    """All that stands there, each path with what tells of its changes."""
    names = [name for name in client.get_children(path) if name != "zookeeper"]
    below = {k: v for name in names for k, v in tree(client, f"{path.rstrip('/')}/{name}").items()}
    return {path: client.exists(path), **below}


def test_a_path_that_is_not_there(sink):
    """It is no fault: what is needed is to make it."""
    findings = found(sink)
    assert of(Level.OK, findings)[1:] == [
        "/services does not exist yet: it is created with the first entry; ",
        "nodes under / may be read, created and removed; ",
    ]
    assert len(findings) == 3


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({}, "set user and password; they need rights"),
        ({"user": "me", "password": "n0t-mine"}, "ZooKeeper accepts wrong ones"),
        ({"user": "you", "password": PASSWORD}, "ZooKeeper accepts wrong ones"),
    ],
)
def test_a_path_of_another_user(clean_zookeeper, open_sink, register, options, advice):
    """What may not be done is told, with what may be wrong, and no password."""
    register(open_sink(clean_zookeeper.address, acl=Acl.CREATOR, **ME))
    findings = found(open_sink(clean_zookeeper.address, **options))
    reading, writing = of(Level.WARNING, findings)
    assert "nodes under /services may not be read" in reading
    assert "nodes under /services may not be created and removed" in writing
    assert advice in reading
    assert "getAcl /services" in reading
    assert WELL not in str(findings)


@pytest.mark.parametrize(
    "rights", [READ_ACL_UNSAFE[0].perms, Permissions.READ | Permissions.CREATE]
)
def test_a_path_that_may_only_be_read_or_added_to(clean_zookeeper, open_sink, rights):
    """To make nodes is not enough: they must go, too."""
    clean_zookeeper.client.create("/services", b"", acl=[ACL(rights, ANYONE_ID_UNSAFE)])
    warnings = of(Level.WARNING, found(open_sink(clean_zookeeper.address)))
    assert [text.partition(";")[0] for text in warnings] == [
        "nodes under /services may not be created and removed"
    ]


def test_a_server_that_is_away(clean_zookeeper, open_sink):
    """Alone it is a problem; a warning where another answers."""
    ((level, text),) = found(open_sink("127.0.0.1:9", timeout=1.0))
    assert level is Level.PROBLEM
    assert "ZooKeeper at 127.0.0.1:9: cannot be reached (Connection refused)" in text
    assert "check that ZooKeeper runs there" in text
    findings = found(open_sink("127.0.0.1:9", clean_zookeeper.address))
    assert of(Level.PROBLEM, findings) == []
    (away,) = of(Level.WARNING, findings)
    assert "127.0.0.1:9: cannot be reached" in away


class Lonely(program.ZooKeeper):
    """One server of an ensemble of three whose others are not there."""

    def _argv(self):
        argv = super()._argv()
        config, ports = argv[-1], free_ports(6)
        servers = [
            f"127.0.0.1:{one}:{two}" for one, two in zip(ports[::2], ports[1::2], strict=True)
        ]
        lines = [f"server.{n}={where}\n" for n, where in enumerate(servers, start=1)]
        config.write_text(config.read_text() + "".join(lines) + "initLimit=5\nsyncLimit=2\n")
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        (data / "myid").write_text("1")
        return [*argv[:-2], "org.apache.zookeeper.server.quorum.QuorumPeerMain", config]

    def _ready(self):
        return "not currently serving" in self.say("srvr")


@pytest.fixture
def lonely(server_guard, zookeeper):
    """A server without a quorum; `zookeeper` says whether one can be run here."""
    made = Lonely(server_guard, "zookeeper-lonely")
    made.start()
    yield made
    made.kill()


def test_an_ensemble_without_a_quorum(lonely, open_sink):
    """The server says so itself, though it gives no session."""
    ((level, text),) = found(open_sink(lonely.address, timeout=2.0))
    assert level is Level.PROBLEM
    assert "refuses requests: its ensemble has no quorum" in text
    assert "more than half of the servers" in text


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with an authority, and certificates, each after its key."""
    folder = make_authority(tmp_path_factory.mktemp("tls"), "DNS:localhost", kind=("rsa:2048",))
    for name in ("server", "client"):
        both = folder / f"{name}.pem"
        both.write_text((folder / f"{name}.key").read_text() + both.read_text())
    return folder


def test_tls(start_zookeeper, authority, open_sink):
    """Over TLS servers are asked as well; without it the port's silence is told."""
    server = start_zookeeper(tls=authority)
    files = {"ca_file": authority / "ca.pem", "client_cert": authority / "client.pem"}
    findings = found(open_sink(server.tls_address, **files))
    assert of(Level.PROBLEM, findings) + of(Level.WARNING, findings) == []
    assert "version 3." in findings[0][1]
    ((level, text),) = found(open_sink(server.tls_address, timeout=2.0))
    assert level is Level.PROBLEM
    assert "`tls`" in text


class Odd:
    """A server on a TCP port that says one thing to everybody, and ends the connection."""

    def __init__(self, said):
        self._said = said
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line:
                line.recv(4)
                line.sendall(self._said)

    def close(self):
        self._socket.close()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "gives an answer that is not ZooKeeper's"),
        (b"\xff" * 100_000, "gives an answer that is not ZooKeeper's"),
        (b"", "closes the connection"),
    ],
)
def test_what_is_no_zookeeper(open_sink, said, text):
    """Another program at the port is told."""
    odd = Odd(said)
    try:
        ((level, told),) = found(open_sink(odd.address, timeout=1.0))
    finally:
        odd.close()
    assert level is Level.PROBLEM
    assert text in told
    assert "check that this is ZooKeeper's port" in told


SASL = "org.apache.zookeeper.server.auth.SASLAuthenticationProvider"
#: Servers that let nobody in without a login: by SASL, and by digest.
LOGINS = {
    "sasl": {"sessionRequireClientSASLAuth": "true", "authProvider.1": SASL},
    "digest": {"enforce.auth.enabled": "true", "enforce.auth.schemes": "digest"},
}


@pytest.mark.parametrize("settings", LOGINS.values(), ids=LOGINS)
def test_servers_that_demand_a_login(start_zookeeper, open_sink, settings):
    """It is said what is missing, and that SASL is not supported."""
    server = start_zookeeper(settings=settings)
    sink = open_sink(server.address)
    with pytest.raises(PermanentError, match="require a login: set user and pass"):
        sink.registrations()
    (text,) = of(Level.PROBLEM, found(sink))
    assert "require a login" in text
    assert "tls" not in text
    if "enforce.auth.enabled" in settings:
        assert of(Level.PROBLEM, found(open_sink(server.address, **ME))) == []


def test_a_quota_that_is_used_up(start_zookeeper, open_sink, register):
    """It is said in words; the rest goes on."""
    server = start_zookeeper(settings={"enforceQuota": "true"})
    sink = open_sink(server.address)
    (held,) = register(sink)
    server.client.ensure_path("/zookeeper/quota/services")
    server.client.create("/zookeeper/quota/services/zookeeper_limits", QUOTA)
    server.client.create("/zookeeper/quota/services/zookeeper_stats", b"count=0,bytes=0")
    more = make_registration(sink.adjust(make_instance("more")))
    with pytest.raises(PermanentError, match="the quota of a path is used up"):
        sink.register(more)
    sink.deregister(held)


#: At most one node, of any size; soft limits do nothing but log.
QUOTA = b"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1"


def test_a_server_that_tells_nothing_to_whom_may_not_read(clean_zookeeper, open_sink, monkeypatch):
    """From 3.9 on it says of a node that may not be read not even that it exists: imitated."""

    class Refused:
        def get(self, timeout):
            raise NoAuthError

    sink = open_sink(clean_zookeeper.address)
    monkeypatch.setattr(examine, "exists", lambda path: lambda client: Refused())
    texts = [text for _, text in found(sink)]
    assert of(Level.PROBLEM, found(sink)) == []
    assert not any("does not exist yet" in text for text in texts)
