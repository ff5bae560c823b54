"""Ways into a real agent: tokens and rights, TLS, a unix socket, basic authentication."""

import json
import shutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from servers.authority import client_files, make_authority, openssl
from servers.consul import MANAGEMENT_TOKEN
from syncer import ConfigError, PermanentError, Secret, TemporaryError
from syncer.testing import make_instance, make_registration
from syncer_consul.http.client import AgentInfo, Client
from syncer_consul.options import ConsulOptions, kv_from_uri

WEB = make_registration(make_instance())


def test_good_token(agent, open_sink):
    """With rights to read and write all services, everything works, and the view is complete."""
    token = agent.api.create_token('service_prefix "" { policy = "write" }')
    sink = open_sink(agent.url, token=Secret(token))
    sink.registrations()
    sink.register(WEB)
    view = sink.registrations()
    assert [r.id for r in view.items] == [WEB.id]
    assert view.complete
    sink.deregister(WEB)
    sink.deregister(WEB)
    assert sink.registrations().items == ()


@pytest.mark.parametrize("version_known", [True, False])
def test_hidden_services_make_it_incomplete(agent, open_sink, version_known):
    """A token that may not read all sees a shortened list, and the view says so."""
    rules = 'service_prefix "other" { policy = "write" }'
    if version_known:
        rules += ' agent_prefix "" { policy = "read" }'
    agent.api.register({"ID": "hidden", "Name": "hidden"})
    sink = open_sink(agent.url, token=Secret(agent.api.create_token(rules)))
    view = sink.registrations()
    assert view.items == ()
    assert not view.complete


def test_own_services_are_never_hidden(agent, open_sink, open_kv):
    """Who may write a name may read it: what such a list does not show of ours is gone."""
    rules = 'service_prefix "web" { policy = "write" } key_prefix "services/" { policy = "write" }'
    token = Secret(agent.api.create_token(rules))
    for kept in (open_sink(agent.url, token=token), open_kv(agent.url, token=token)):
        view = kept.registrations()
        assert (view.complete, view.hides_own) == (False, False)


def test_no_token_where_one_is_needed(agent, open_sink):
    """Without a token the list is empty and incomplete; it is never believed."""
    agent.api.register({"ID": "hidden", "Name": "hidden"})
    view = open_sink(agent.url).registrations()
    assert view.items == ()
    assert not view.complete


@pytest.mark.parametrize(
    ("version", "token", "complete"),
    [
        ((1, 11, 0), "t", True),
        ((1, 11, 0), "", False),
        ((1, 10, 12), "t", False),
        (None, "t", False),
    ],
)
def test_who_tells_of_hidden_services(
    clean_consul, open_sink, monkeypatch, version, token, complete
):
    """From 1.11 on Consul itself says what is hidden, but only to those who have a token."""
    sink = open_sink(clean_consul.url, token=Secret(token))
    info = AgentInfo(version=version, reads_all=False)
    monkeypatch.setattr(sink._client, "info", lambda: info)
    assert sink.registrations().complete is complete


def test_unknown_token(agent, open_sink):
    """A token that Consul does not know is refused in its words, and not shown."""
    secret = "11111111-2222-3333-4444-555555555555"
    sink = open_sink(agent.url, token=Secret(secret))
    with pytest.raises(PermanentError, match="ACL not found") as caught:
        sink.registrations()
    with pytest.raises(PermanentError, match="ACL not found"):
        sink.register(WEB)
    assert secret not in str(caught.value)


def test_token_that_may_only_read(agent, open_sink):
    """Writing without the right is refused with Consul's reason."""
    token = agent.api.create_token('service_prefix "" { policy = "read" }')
    sink = open_sink(agent.url, token=Secret(token))
    assert sink.registrations().complete
    with pytest.raises(PermanentError, match="Permission denied"):
        sink.register(WEB)


def test_token_file_is_read_again(agent, open_sink, tmp_path):
    """A token file that changes is used from the next request on; it goes before the token."""
    file = tmp_path / "token"
    file.write_text("11111111-2222-3333-4444-555555555555\n")
    sink = open_sink(agent.url, token=Secret(MANAGEMENT_TOKEN), token_file=file)
    with pytest.raises(PermanentError, match="ACL not found"):
        sink.registrations()
    new = tmp_path / "new"
    new.write_text(agent.api.create_token('service_prefix "" { policy = "write" }'))
    new.replace(file)
    assert sink.registrations().complete
    sink.register(WEB)
    file.unlink()
    assert [r.id for r in sink.registrations().items] == [WEB.id]


def test_token_file_that_is_not_there(agent, open_sink, tmp_path):
    """A token file that was never there is an error that may pass."""
    sink = open_sink(agent.url, token_file=tmp_path / "none")
    with pytest.raises(TemporaryError, match="No such file"):
        sink.registrations()


def test_environment_of_the_library_is_passed_by(clean_consul, open_sink, monkeypatch):
    """python-consul2 reads variables of its own and raises on some; none reaches us."""
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "http://[::1]:1/with:too:many:colons")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "nonsense")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    assert open_sink(clean_consul.url).registrations().complete


def test_library_goes_over_our_transport(clean_consul):
    """The library's own methods, with our address; what they return has headers, too."""
    client = Client(ConsulOptions(address=clean_consul.url), idle=1)
    assert client.agent.self().object()["Config"]["NodeName"] == "consul"
    client.agent.service.register("lib", service_id="a b/c")
    assert "a b/c" in clean_consul.api.services()
    found = client.catalog.service("lib")
    assert [one["ServiceID"] for one in found.data] == ["a b/c"]
    assert client.catalog.service("lib", index=found.index, wait="1s").index == found.index
    client.agent.service.deregister("a b/c")
    assert clean_consul.api.services() == {}
    client.close()


def test_unix_socket(start_consul, open_sink, server_guard):
    """An agent is reached over a unix socket; without one the error says so."""
    path = server_guard.folder / "agent.sock"
    agent = start_consul(config={"addresses": {"http": f"127.0.0.1 unix://{path}"}})
    sink = open_sink(f"unix://{path}")
    sink.register(WEB)
    assert [r.id for r in sink.registrations().items] == [WEB.id]
    assert WEB.id in agent.api.services()
    with pytest.raises(TemporaryError, match="cannot reach"):
        open_sink("unix:///nowhere/agent.sock").registrations()


def test_the_key_value_store_by_a_unix_socket(start_consul, open_kv, server_guard):
    """As by `consulkv-unix:///path:/prefix`."""
    path = server_guard.folder / "kv.sock"
    agent = start_consul(config={"addresses": {"http": f"127.0.0.1 unix://{path}"}})
    sink = open_kv(**kv_from_uri(f"consulkv-unix://{path}:/names"))
    sink.register(WEB)
    assert sink.registrations().items[0].id == WEB.id
    (key,) = agent.api.get("kv/names/", keys="")
    assert key == f"names/{WEB.instance.service}/{WEB.id}"


def test_the_key_value_store_over_tls(tls_agent, authority, open_kv):
    """As by `consulkv-tls://host:port/prefix`, with our own certificate, for its watch as well."""
    sink = open_kv(
        **kv_from_uri(f"consulkv-tls://{tls_agent.https}/names"),
        ca_file=authority / "ca.pem",
        tls_server_name="agent.test",
        **client_files(authority),
    )
    held = sink.register(WEB)
    woken, stop = Event(), Event()
    watch = Thread(target=sink.watch, args=(woken.set, stop), daemon=True)
    watch.start()
    assert woken.wait(20)
    sink.deregister(held)
    stop.set()
    watch.join(30)
    assert not watch.is_alive()


@pytest.fixture(scope="module")
def authority(server_guard):
    """A folder with a certificate authority, and certificates for a server and a client."""
    return make_authority(server_guard.folder / "tls", "DNS:agent.test,DNS:localhost")


@pytest.fixture(scope="module")
def tls_agent(server_guard, _consul_program, authority):
    """An agent that speaks TLS and asks for a client's certificate."""
    from servers.process import free_port

    port = free_port()
    config = {
        "ports": {"https": port},
        "ca_file": str(authority / "ca.pem"),
        "cert_file": str(authority / "server.pem"),
        "key_file": str(authority / "server.key"),
        "verify_incoming_https": True,
    }
    agent = _consul_program.Consul(server_guard, name="tls-agent", config=config)
    agent.https = f"127.0.0.1:{port}"
    agent.start()
    yield agent
    agent.stop()


def test_tls_with_all_that_belongs_to_it(tls_agent, authority, open_sink):
    """The authority, the expected name and our own certificate are used."""
    sink = open_sink(
        f"https://{tls_agent.https}",
        ca_file=authority / "ca.pem",
        tls_server_name="agent.test",
        **client_files(authority),
    )
    sink.register(WEB)
    assert WEB.id in tls_agent.api.services()
    sink.deregister(WEB)


def test_tls_by_option_and_folder(tls_agent, authority, open_sink, tmp_path):
    """TLS can be asked for beside the address, and the authority be one of a folder."""
    shutil.copy(authority / "ca.pem", tmp_path / "our-ca")
    sink = open_sink(
        tls_agent.https.replace("127.0.0.1", "localhost"),
        ssl=True,
        ca_path=tmp_path,
        **client_files(authority),
    )
    assert sink.registrations().complete


def test_tls_without_verification(tls_agent, authority, open_sink):
    """The agent's certificate need not be checked."""
    sink = open_sink(f"https://{tls_agent.https}", ssl_verify=False, **client_files(authority))
    assert sink.registrations().complete


@pytest.mark.parametrize(
    ("options", "word"),
    [({}, "CERTIFICATE_VERIFY_FAILED"), ({"tls_server_name": "wrong.test"}, "wrong.test")],
    ids=["unknown authority", "another name"],
)
def test_tls_that_is_not_trusted(tls_agent, authority, open_sink, options, word):
    """An unknown authority, or another name than expected, is an error that says so."""
    if options:
        options |= {"ca_file": authority / "ca.pem"}
    sink = open_sink(f"https://{tls_agent.https}", **options, **client_files(authority))
    with pytest.raises(TemporaryError, match=word):
        sink.registrations()


def test_tls_files_are_checked_at_once(authority, open_sink, tmp_path):
    """A file that cannot be used is named when the sink is made."""
    with pytest.raises(ConfigError, match="ca_file .*none: No such file"):
        open_sink("https://x", ca_file=tmp_path / "none")
    with pytest.raises(ConfigError, match="client_cert"):
        open_sink("https://x", client_cert=tmp_path / "none")
    with pytest.raises(ConfigError, match="client_key is given without"):
        open_sink("https://x", client_key=authority / "client.key")
    with pytest.raises(ConfigError, match="ca_path"):
        open_sink("https://x", ca_path=tmp_path / "none")
    openssl(tmp_path, "ec", "-in", str(authority / "client.key"), "-aes128",
            "-passout", "pass:secret", "-out", "locked.key")  # fmt: skip
    with pytest.raises(ConfigError, match=r"client_key .*locked\.key"):
        open_sink("https://x", client_cert=authority / "client.pem",
                  client_key=tmp_path / "locked.key")  # fmt: skip


def test_basic_authentication():
    """User and password of `auth` are sent as HTTP basic authentication."""
    seen = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers["Authorization"]))
            text = json.dumps({}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/consul/"
    client = Client(ConsulOptions(address=url, auth=Secret("me:secret"), partition="p"), idle=1)
    client.agent.checks()
    client.close()
    server.shutdown()
    server.server_close()
    assert seen == [("/consul/v1/agent/checks?partition=p", "Basic bWU6c2VjcmV0")]
