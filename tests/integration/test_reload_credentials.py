"""A password or token is replaced in its file while syncer runs: it is used without a restart."""

import base64

import pytest

from servers.echo import echoing
from servers.reloading import listed
from servers.secrets import secret
from servers.waiting import wait_until

FIRST, SECOND = secret("first-passw0rd-of-it"), secret("second-passw0rd-of-it")


def kept(tmp_path, text=FIRST):
    """A file with a secret."""
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_password_of_etcd(start_etcd, start_syncer, tmp_path):
    """What was registered stays, and what comes then is written with the new one."""
    server = start_etcd()
    server.enable_auth(me=FIRST)
    file, config = kept(tmp_path), tmp_path / "syncer.toml"
    config.write_text(
        f"{listed(tmp_path, 'web')}[sinks.etcd]\nendpoints = ['{server.address}']\n"
        f"user = 'me'\npassword = {{ file = '{file}' }}\n"
    )
    syncer = start_syncer("--config", config)
    syncer.wait_said("registered")
    server.ctl("user", "passwd", "me", "--interactive=false", stdin=SECOND)
    listed(tmp_path, "web", "db")
    file.write_text("")  # a moment in which it is being written
    file.write_text(SECOND)
    syncer.wait_said("registered", deadline=60, service="db")
    assert len(syncer.said("registered", service="web")) == 1
    assert not syncer.said("deregistered")


ADDRESSES = {
    "consul": "address = '127.0.0.1:{port}'\nauth = {{ file = '{file}' }}",
    "consulkv": "address = '127.0.0.1:{port}'\ntoken = {{ file = '{file}' }}",
    "eureka": "urls = ['http://127.0.0.1:{port}/eureka/']\npassword = {{ file = '{file}' }}",
}


@pytest.mark.parametrize("table", ["sinks", "sources"])
@pytest.mark.parametrize("kind", ADDRESSES)
def test_every_request_has_the_new_one(start_syncer, tmp_path, table, kind):
    """Whatever answers to it, sinks, sources and mirrors alike."""
    file, config = kept(tmp_path, f"me:{FIRST}"), tmp_path / "syncer.toml"
    other = listed(tmp_path, "web") if table == "sinks" else "[sinks.memory]\n"

    def sent(echo, text):
        login = {"eureka": f":{text}"}.get(kind, text).encode()
        return {text, f"Basic {base64.b64encode(login).decode()}"} & echo.sent

    with echoing() as echo:
        options = ADDRESSES[kind].format(port=echo.port, file=file)
        config.write_text(f"{other}[{table}.{kind}]\n{options}\n")
        start_syncer("--config", config)
        wait_until(lambda: sent(echo, f"me:{FIRST}"), 60, "requests with the first")
        file.write_text(f"me:{SECOND}\n")
        wait_until(lambda: sent(echo, f"me:{SECOND}"), 60, "requests with the second")
        echo.sent.clear()
        wait_until(lambda: sent(echo, f"me:{SECOND}"), 60, "more of them")
        assert not sent(echo, f"me:{FIRST}")
