"""Certificates that are renewed while a client runs: new connections use what is there now."""

import shutil
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from servers.authority import make_authority
from syncer import ConfigError, TemporaryError
from syncer.kits.http import HttpClient, TlsFiles


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    """Two authorities, each with a server's and a client's certificate."""
    folder = tmp_path_factory.mktemp("tls")
    return [make_authority(folder / name, "DNS:localhost,IP:127.0.0.1") for name in ("old", "new")]


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("Connection", "close")  # so that each request opens a connection
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_):
        """Refused certificates are what these tests are about."""


@pytest.fixture
def serve():
    """Starts a server with this authority's certificate, which lets only its clients in."""
    started = []

    def start(authority):
        server = Quiet(("127.0.0.1", 0), Answers)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / "server.pem", authority / "server.key")
        context.load_verify_locations(authority / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        started.append(server)
        return server.server_address[1]

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


class Files:
    """The files that options name, and what is put into them."""

    def __init__(self, folder):
        self.cert, self.key = folder / "client.pem", folder / "client.key"
        self.ca, self.folder = folder / "ca.pem", folder / "authorities"
        self.folder.mkdir()

    def renew(self, authority, *names):
        """Replace these files, as renewing programs do."""
        for name in names:
            made = self.cert.with_name("made")
            shutil.copy(authority / name, made)
            made.replace(self.folder / name if name == "ca2.pem" else self.cert.with_name(name))

    def client(self, port, **options):
        given = {"ca_file": self.ca, "client_cert": self.cert, "client_key": self.key}
        tls = TlsFiles(**{**given, **options})
        return HttpClient("it", "127.0.0.1", port, timeout=10, connections=2, tls=tls)


@pytest.fixture
def files(tmp_path, authorities):
    made = Files(tmp_path)
    made.renew(authorities[0], "ca.pem", "client.pem", "client.key")
    return made


def refused(client):
    with pytest.raises(TemporaryError) as caught:
        client.send("GET", "/")
    return str(caught.value)


def test_everything_is_renewed(files, authorities, serve):
    """One file after the other; then it is let in where only the new certificate is."""
    old, new = authorities
    port = serve(new)
    client = files.client(port)
    assert "TLS failed" in refused(client)
    for name in ("ca.pem", "client.pem", "client.key"):
        files.renew(new, name)
    assert client.send("GET", "/").code == 200
    client.close()


def test_only_the_authority_is_renewed(files, authorities, serve):
    """In a file, and as one more file of a folder."""
    old, new = authorities
    both = files.ca.with_name("client-of-new")
    shutil.copytree(new, both)
    port = serve(new)
    ours = {"client_cert": both / "client.pem", "client_key": both / "client.key"}
    shutil.copy(old / "ca.pem", files.folder / "one.pem")
    by_folder = files.client(port, ca_file=None, ca_path=files.folder, **ours)
    by_file = files.client(port, **ours)
    for client in (by_folder, by_file):
        assert "certificate verify failed" in refused(client)
    shutil.copy(new / "ca.pem", files.folder / "two.pem")
    files.renew(new, "ca.pem")
    for client in (by_folder, by_file):
        assert client.send("GET", "/").code == 200
        client.close()


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nMIIB", b"other"])
@pytest.mark.parametrize("name", ["ca.pem", "client.pem", "client.key"])
def test_a_file_that_is_being_written(files, authorities, serve, name, content):
    """While it cannot be used, what the files held before is used; also if it is gone."""
    old, _ = authorities
    client = files.client(serve(old))
    path = files.cert.with_name(name)
    path.write_bytes(content)
    assert client.send("GET", "/").code == 200
    path.unlink()
    assert client.send("GET", "/").code == 200
    assert name in client._tls.problem
    files.renew(old, name)
    assert client.send("GET", "/").code == 200
    assert client._tls.problem == ""
    client.close()


def test_why_the_files_cannot_be_used_is_told_where_it_fails(files, authorities, serve):
    """A certificate came without its key: the error names both options."""
    client = files.client(serve(authorities[1]))
    files.renew(authorities[1], "client.pem", "ca.pem")
    text = refused(client)
    assert "TLS failed" in text
    assert f"client_cert {files.cert}, client_key {files.key}: " in text
    client.close()


def test_a_folder_without_certificates(tmp_path):
    """Trusts nobody, which nobody wants."""
    with pytest.raises(ConfigError, match=r"ca_path .*: there is no certificate in it"):
        TlsFiles(ca_path=tmp_path)
