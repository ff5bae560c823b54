"""Certificates that are renewed while a sink runs, on a real server that asks for one."""

import shutil
from datetime import datetime, timezone

import pytest

from servers.authority import client_files, make_authority, renew
from servers.waiting import wait_until
from syncer import TemporaryError


def test_a_certificate_that_is_renewed(start_eureka, open_sink, tmp_path):
    """Its key stays the same; the former certificate has ended when the server is back."""
    authority = make_authority(tmp_path / "tls", "DNS:localhost,IP:127.0.0.1")
    server = start_eureka(tls=authority)
    end = renew(authority, "client", 15)
    ours = {"ca_file": authority / "ca.pem", **client_files(authority)}
    former = {**ours, "client_cert": shutil.copy(authority / "client.pem", authority / "former")}
    sink, stays = open_sink(server.url, **ours), open_sink(server.url, **former)
    for one in (sink, stays):
        assert one.registrations().complete
    renew(authority, "client", 3600)
    wait_until(lambda: datetime.now(timezone.utc) > end, 30, "the end of the first certificate")
    server.api._opener = type(server.api)(server.url, "", _context(authority))._opener
    server.restart_empty()
    assert sink.registrations().complete
    with pytest.raises(TemporaryError, match=r"TLS failed|connection broke"):
        stays.registrations()


def _context(authority):
    """What the test itself shows from now on."""
    import ssl

    context = ssl.create_default_context(cafile=f"{authority}/ca.pem")
    context.load_cert_chain(f"{authority}/client.pem", f"{authority}/client.key")
    return context
