"""The running process and its reloads: in this process, over files."""

import http.client
import io
import json
import os
import socket
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest

from servers import secrets
from servers.authority import make_authority
from servers.process import free_port
from syncer.api.errors import ConfigError
from syncer.cli.daemon.process import Process
from syncer.cli.daemon.systemd import Notifier
from syncer.cli.shared import settings_and_plugins
from syncer.config.load import load
from syncer.events import LoopFailed
from syncer.events.logs import Form, Log
from syncer.testing import wait_until

GIVEN = {
    **dict.fromkeys(("sources", "sinks", "assignments", "include", "exclude"), ()),
    **dict.fromkeys(("owner", "interval", "internal", "advertise", "policy")),
}
SOURCE = '[sources.file]\npath = "{folder}/services.toml"\nscope = "host1"\n'
SINK = '[sinks.{name}]\nkind = "file"\npath = "{folder}/{name}.json"\n'


class Bench:
    """A configuration file, a file of services, files as registries, and the process."""

    def __init__(self, folder):
        self.folder, self.output = folder, io.StringIO()
        self.path = folder / "syncer.toml"
        self.stopping = False
        self.running = None
        self.want("web")
        self.configure("first")

    def want(self, *names):
        """Let the source offer these services."""
        listed = (
            f'[[services]]\nname = "{name}"\naddress = "192.0.2.{number}"\nport = 80\n'
            for number, name in enumerate(names, 1)
        )
        made = self.folder / "services.new"
        made.write_text("".join(listed))
        made.replace(self.folder / "services.toml")

    def configure(self, *sinks, top="", more=""):
        """Write a configuration with these sinks."""
        parts = [SOURCE, *(SINK.replace("{name}", name) for name in sinks)]
        text = "".join(part.replace("{folder}", str(self.folder)) for part in parts)
        self.path.write_text(f"{top}\n{text}{more}")

    def begin(self):
        """Start what the file says."""
        log = Log(self.output, form=Form.JSON, verbose=False)
        given = {**GIVEN, "path": self.path}
        self.running = Process(given, log, Notifier({}), lambda: self.stopping)
        self.running.begin()
        return self.running

    def said(self, event):
        """The lines of this event so far."""
        lines = map(json.loads, self.output.getvalue().splitlines())
        return [line for line in lines if line["event"] == event]

    def registered(self, sink):
        """The names in one registry."""
        path = self.folder / f"{sink}.json"
        found = json.loads(path.read_text())["registrations"] if path.exists() else ()
        return {one["service"] for one in found}

    def wait(self, sink, *names):
        """Wait until exactly these are in a registry."""
        wait_until(lambda: self.registered(sink) == set(names), 30)

    def get(self, path):
        """Return the page's answer: status and text."""
        address = urlsplit(self.running._pages.address).netloc
        with closing(http.client.HTTPConnection(address, timeout=30)) as line:
            line.request("GET", path)
            answer = line.getresponse()
            return answer.status, answer.read().decode()

    def metric(self, name):
        """The sum of a metric's samples."""
        _, text = self.get("/metrics")
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    def close(self):
        if self.running:
            self.running.end()


@pytest.fixture
def bench(tmp_path):
    """A bench, which ends with its test."""
    made = Bench(tmp_path)
    yield made
    made.close()


class TestTaken:
    """A configuration that is right."""

    def test_another_sink_is_filled_and_the_first_is_left_alone(self, bench):
        """What is registered is neither removed nor written again."""
        bench.begin()
        bench.wait("first", "web")
        before = (bench.folder / "first.json").stat().st_mtime_ns
        bench.configure("first", "second")
        bench.running.reload()
        bench.wait("second", "web")
        (said,) = bench.said("configuration reloaded")
        assert said["changed"] == ["sinks.second added"]
        assert (bench.folder / "first.json").stat().st_mtime_ns == before
        bench.want("web", "db")
        bench.wait("first", "web", "db")
        bench.wait("second", "web", "db")
        wait_until(lambda: len(bench.said("registered")) == 4, 30)

    def test_what_is_said_of_the_changes(self, bench):
        """By the names of settings and tables."""
        bench.begin()
        bench.configure("second", top='interval = "10s"', more='addresses.advertise = "x"\n')
        bench.path.write_text(bench.path.read_text().replace('addresses.advertise = "x"\n', ""))
        text = bench.path.read_text().replace('"host1"', '"host1"\nexclude = ["name:x"]')
        bench.path.write_text(text + "[guard]\nshare = 0.5\n")
        bench.running.reload()
        (said,) = bench.said("configuration reloaded")
        named = {"interval", "guard", "sources.file", "sinks.first removed", "sinks.second added"}
        assert set(said["changed"]) == named

    def test_the_same_again_does_nothing(self, bench):
        """Comments, order of keys and blanks mean nothing."""
        bench.begin()
        engine = bench.running._now.engine
        bench.path.write_text("# a comment\n\n" + bench.path.read_text())
        bench.running.reload()
        assert bench.running._now.engine is engine
        assert len(bench.said("configuration unchanged")) == 1
        bench.wait("first", "web")

    def test_the_order_of_sources_counts(self, bench):
        """Of two that claim one id the first wins."""
        other = '[sources.other]\nkind = "file"\npath = "{0}/services.toml"\n'
        text = bench.path.read_text()
        more = other.format(bench.folder)
        bench.path.write_text(text + more)
        bench.begin()
        bench.path.write_text(more + text)
        bench.running.reload()
        assert bench.said("configuration reloaded")[0]["changed"] == ["the order of sources"]

    def test_a_sink_that_is_taken_out_keeps_what_it_has(self, bench):
        """Whatever `on_exit` says: that applies to shutdown only."""
        top = 'on_exit = "deregister"'
        bench.configure("first", "second", top=top)
        bench.begin()
        bench.wait("first", "web")
        bench.wait("second", "web")
        bench.configure("second", top=top)
        bench.running.reload()
        bench.running.end()
        assert bench.registered("second") == set()
        assert bench.registered("first") == {"web"}

    def test_what_is_excluded_now_goes(self, bench):
        """Its entry is removed, as if it had stopped; others stay."""
        bench.want("web", "db")
        bench.begin()
        bench.wait("first", "web", "db")
        text = bench.path.read_text().replace('"host1"', '"host1"\nexclude = ["service:db"]')
        bench.path.write_text(text)
        bench.running.reload()
        bench.wait("first", "web")

    def test_of_several_the_last_counts(self, bench):
        """However soon they come."""
        bench.begin()
        for name in ("second", "third", "fourth"):
            bench.configure("first", name)
            bench.running.reload()
        bench.wait("fourth", "web")
        assert [one["changed"] for one in bench.said("configuration reloaded")] == [
            ["sinks.second added"],
            ["sinks.second removed", "sinks.third added"],
            ["sinks.third removed", "sinks.fourth added"],
        ]


class TestRefused:
    """A configuration that is wrong."""

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("owner = ", "Invalid value"),
            ("", "no source configured"),
            ('[sources.file]\npath = "x"\n[sinks.cnsul]\n', "cnsul"),
            (
                '[sources.file]\npath = "x"\n[sinks.memory]\nlock = "x"\nlock_ttl = "1s"\n',
                "lock_ttl",
            ),
        ],
    )
    def test_all_goes_on_as_it_was(self, bench, text, problem):
        """The error is reported, and the running engine is not touched."""
        bench.begin()
        engine = bench.running._now.engine
        bench.path.write_text(text)
        bench.running.reload()
        assert any(problem in said["problem"] for said in bench.said("configuration refused"))
        assert bench.running._now.engine is engine
        bench.want("web", "db")
        bench.wait("first", "web", "db")

    def test_each_thing_that_is_wrong_has_a_line(self, bench):
        """All of it at once."""
        bench.begin()
        bench.path.write_text("ownr = 1\nintervl = 2\n" + bench.path.read_text())
        bench.running.reload()
        said = [one["problem"] for one in bench.said("configuration refused")]
        assert len(said) == 2
        assert "did you mean 'owner'" in said[0]

    def test_a_file_that_is_gone(self, bench):
        """It is named."""
        bench.begin()
        bench.path.unlink()
        bench.running.reload()
        (said,) = bench.said("configuration refused")
        assert str(bench.path) in said["problem"]

    def test_an_error_that_is_ours(self, bench, monkeypatch):
        """An unexpected error does not end the process."""
        bench.begin()

        def broken(*arguments, **options):
            raise ZeroDivisionError("one by nothing")

        monkeypatch.setattr("syncer.cli.daemon.process.load", broken)
        bench.running.reload()
        (said,) = bench.said("configuration refused")
        assert said["problem"] == "ZeroDivisionError: one by nothing"

    def test_put_right_again(self, bench):
        """Restoring the configuration in force ends the refusal, and changes nothing else."""
        port = free_port()
        web = f'[web]\nlisten = "127.0.0.1:{port}"\n'
        bench.configure("first", more=web)
        bench.begin()
        right = bench.path.read_text()
        bench.path.write_text("owner = ")
        bench.running.reload()
        refused = json.loads(bench.get("/api/v1/status")[1])["refused"]
        assert str(bench.path) in refused["problems"][0]
        assert bench.metric("syncer_config_last_reload_successful") == 0
        bench.path.write_text(right)
        bench.running.reload()
        assert json.loads(bench.get("/api/v1/status")[1])["refused"] is None
        assert bench.metric("syncer_config_last_reload_successful") == 1


class TestByItself:
    """A change of the file."""

    def test_it_is_read_when_it_has_changed(self, bench):
        """After two checks with the same content; a wrong file is refused only once."""
        bench.begin()
        bench.running.look()
        bench.configure("first", "second")
        for _ in range(3):
            bench.running.look()
        assert len(bench.said("configuration reloaded")) == 1
        bench.path.write_text("owner = ")
        for _ in range(4):
            bench.running.look()
        assert len(bench.said("configuration refused")) == 1
        bench.configure("first")
        for _ in range(3):
            bench.running.look()
        assert len(bench.said("configuration reloaded")) == 2

    def test_only_at_a_signal_if_so_wanted(self, bench):
        """Then the file is not watched."""
        bench.configure("first", top='reload = "signal"')
        bench.begin()
        bench.configure("first", "second")
        for _ in range(3):
            bench.running.look()
        assert not bench.said("configuration reloaded")
        bench.running.reload()
        assert len(bench.said("configuration reloaded")) == 1

    @pytest.mark.parametrize("what", ["token", "client_key"])
    def test_a_file_that_comes_later(self, bench, what):
        """A configuration that names a missing file is refused once; accepted when it is there."""
        bench.begin()
        path, tls = bench.folder / "late", make_authority(bench.folder / "tls", "DNS:x")
        named = f'{{ file = "{path}" }}' if what == "token" else f'"{path}"'
        more = f'client_cert = "{tls / "client.pem"}"\n' if what == "client_key" else ""
        address = f"https://127.0.0.1:{free_port()}"
        consul = f'[sinks.consul]\naddress = "{address}"\n{more}{what} = {named}\n'
        bench.configure("first", more=consul)
        for _ in range(4):
            bench.running.look()
        (said,) = bench.said("configuration refused")
        assert str(path) in said["problem"]
        content = (tls / "client.key").read_text() if more else secrets.secret("l4te-t0ken")
        path.write_text(content)
        bench.running.look()
        assert not bench.said("configuration reloaded"), "it may not be whole"
        bench.running.look()
        (said,) = bench.said("configuration reloaded")
        assert said["changed"] == ["sinks.consul added"]

    @pytest.mark.parametrize(
        ("option", "name"),
        [("ca_file", "ca.pem"), ("ca_path", ""), ("client_cert", "client.pem")],
    )
    def test_a_certificate_that_is_renewed(self, bench, option, name):
        """Though its key stays the same; half of a file is refused, and all goes on as before."""
        tls = make_authority(bench.folder / "tls", "DNS:x")
        key = bench.folder / "client.key"
        (tls / "client.key").replace(key)
        for other in [path for path in tls.iterdir() if path.name not in ("ca.pem", "client.pem")]:
            other.unlink()
        more = f'client_key = "{key}"\n' if option == "client_cert" else ""
        where = f'[sinks.consul]\naddress = "https://127.0.0.1:{free_port()}"\n{more}'
        bench.configure("first", more=f'{where}{option} = "{tls / name}"\n')
        bench.begin()
        renewed = tls / (name or "ca.pem")
        whole = renewed.read_text()
        for content in (whole[: len(whole) // 2], f"# renewed\n{whole}"):
            renewed.write_text(content)
            for _ in range(3):
                bench.running.look()
        assert len(bench.said("configuration refused")) == 1
        (said,) = bench.said("configuration reloaded")
        assert said["changed"] == ["sinks.consul"]
        bench.running.reload()
        assert len(bench.said("configuration unchanged")) == 1

    def test_what_is_no_name_of_a_file(self, bench):
        """It is refused like any other error."""
        bench.begin()
        bench.configure("first", more='[sinks.consul]\ntoken = { file = "a\\u0000b" }\n')
        bench.running.reload()
        (said,) = bench.said("configuration refused")
        assert "sinks.consul.token" in said["problem"]

    def test_one_that_is_being_written_is_waited_for(self, bench):
        """Even after a refusal."""
        bench.begin()
        right = bench.path.read_text()
        bench.path.write_text("owner = ")
        for _ in range(3):
            bench.running.look()
        bench.path.write_text(right)
        bench.running.look()
        assert not bench.said("configuration unchanged")
        bench.running.look()
        assert len(bench.said("configuration unchanged")) == 1

    @pytest.mark.parametrize("begun", [False, True])
    @pytest.mark.parametrize("what", ["sinks.consul", "sinks.second added"])
    def test_what_changes_while_it_is_read(self, bench, monkeypatch, begun, what):
        """At the start or in a reload: the change is seen afterwards, and read again."""
        token = bench.folder / "token"
        token.write_text(secrets.secret("f1rst-t0ken"))

        def change():
            monkeypatch.undo()
            if what == "sinks.second added":
                bench.configure("first", "second", more=self.consul(bench, port))
            else:
                token.write_text(secrets.secret("s3cond-t0ken"))

        port = free_port()
        read = settings_and_plugins if what == "sinks.second added" else load
        if begun:
            bench.begin()
        bench.configure("first", more=self.consul(bench, port))
        monkeypatch.setattr(
            f"syncer.cli.daemon.process.{read.__name__}",
            lambda *given: (read(*given), change())[0],
        )
        if begun:
            bench.running.reload()
        else:
            bench.begin()
        for _ in range(2):
            bench.running.look()
        assert bench.said("configuration reloaded")[-1]["changed"] == [what]

    def consul(self, bench, port):
        """A sink with a secret in a file."""
        where = f'token = {{ file = "{bench.folder}/token" }}'
        return f'[sinks.consul]\naddress = "http://127.0.0.1:{port}"\n{where}\n'

    def test_a_secret_in_a_file(self, bench):
        """A changed secret is a change too, and is shown nowhere."""
        token, second = secrets.secret("f1rst-t0ken"), secrets.secret("s3cond-t0ken")
        (bench.folder / "token").write_text(token)
        bench.configure("first", more=self.consul(bench, free_port()))
        bench.begin()
        (bench.folder / "token").write_text(second)
        for _ in range(3):
            bench.running.look()
        (said,) = bench.said("configuration reloaded")
        assert said["changed"] == ["sinks.consul"]
        secrets.search(bench.output.getvalue(), "the log")


class TestPage:
    """The status page over a reload."""

    def web(self, port, more="", host="127.0.0.1"):
        return f'[web]\nlisten = "{host}:{port}"\n{more}'

    def test_it_stays_and_shows_the_other(self, bench):
        """At the same address; counters continue, and removed parts are no longer shown."""
        port = free_port()
        bench.configure("first", "second", more=self.web(port))
        bench.begin()
        bench.wait("first", "web")
        wait_until(lambda: bench.metric("syncer_cycles_total") >= 2, 30)
        cycles = bench.metric("syncer_cycles_total")
        server = bench.running._pages._page._server
        bench.configure("first", "third", more=self.web(port))
        bench.running.reload()
        bench.wait("third", "web")
        assert bench.running._pages._page._server is server
        status = json.loads(bench.get("/api/v1/status")[1])
        assert [sink["name"] for sink in status["sinks"]] == ["first", "third"]
        wait_until(lambda: bench.get("/readyz")[0] == 200, 30)
        assert bench.metric("syncer_cycles_total") > cycles
        text = bench.get("/metrics")[1]
        assert 'syncer_registrations{sink="third"' in text
        assert 'syncer_registrations{sink="second"' not in text

    def test_what_failed_before_is_forgotten(self, bench):
        """Later events of the former engine are not attributed to the new one."""
        port = free_port()
        consul = f'[sinks.consul]\naddress = "http://127.0.0.1:{free_port()}"\n'
        bench.configure("first", more=self.web(port) + consul)
        bench.begin()

        def failing():
            return set(bench.running._status.known.failing)

        wait_until(lambda: "sink consul" in failing(), 30)
        former = bench.running._now.gate
        bench.configure("first", more=self.web(port))
        bench.running.reload()
        assert failing() == set()
        former(LoopFailed(loop="sink first", error="broken off"))
        assert failing() == set()
        wait_until(lambda: bench.running._status.text() == "1 registered in first", 30)

    def test_what_is_no_file_is_not_read_again(self, bench):
        """A pipe is empty the second time: that would be a configuration without the file."""
        bench.configure("first")
        bench.begin()
        engine = bench.running._now.engine
        bench.path.unlink()
        os.mkfifo(bench.path)
        bench.running.reload()
        (said,) = bench.said("configuration refused")
        assert "is not a regular file, so it cannot be re-read on reload" in said["problem"]
        assert bench.running._now.engine is engine

    def test_an_address_that_is_taken_is_refused(self, bench):
        """Before anything is stopped; the page stays where it is."""
        port = free_port()
        bench.configure("first", more=self.web(port))
        bench.begin()
        engine = bench.running._now.engine
        with socket.create_server(("127.0.0.1", 0)) as taken:
            other = taken.getsockname()[1]
            bench.configure("first", "second", more=self.web(other))
            bench.running.reload()
            (said,) = bench.said("configuration refused")
            assert f"cannot listen on 127.0.0.1:{other}" in said["problem"]
        assert bench.running._now.engine is engine
        assert bench.get("/healthz")[0] == 200

    def test_one_that_is_taken_at_the_start(self, bench):
        """Ends it, as before."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            bench.configure("first", more=self.web(taken.getsockname()[1]))
            with pytest.raises(ConfigError, match="cannot listen"):
                bench.begin()

    def test_other_rules_at_the_same_address(self, bench):
        """A token is required from then on."""
        port = free_port()
        bench.configure("first", more=self.web(port))
        bench.begin()
        assert bench.get("/api/v1/status")[0] == 200
        token = 'token = "t0ken-of-the-test"\ntoken_for = "all"\n'
        bench.configure("first", more=self.web(port, token))
        bench.running.reload()
        wait_until(lambda: bench.get("/api/v1/status")[0] == 401, 30)
        assert bench.get("/readyz")[0] in (200, 503)

    def test_another_address_at_the_same_port(self, bench):
        """Which is this page's own: it makes room for itself."""
        port = free_port()
        bench.configure("first", more=self.web(port))
        bench.begin()
        bench.configure("first", more=self.web(port, host="0.0.0.0"))
        bench.running.reload()
        assert bench.said("configuration reloaded"), bench.output.getvalue()
        assert [one["address"] for one in bench.said("status page")] == [
            f"http://127.0.0.1:{port}/",
            f"http://0.0.0.0:{port}/",
        ]

        def answers():
            with suppress(ConnectionError):  # it was accepted by the former address as that closed
                return bench.get("/healthz")[0] == 200

        wait_until(answers, 30)
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("0.0.0.0", port))

    def test_opened_and_closed_by_a_reload(self, bench):
        """There was no page before, and is none afterwards."""
        bench.begin()
        port = free_port()
        bench.configure("first", more=self.web(port))
        bench.running.reload()
        wait_until(lambda: bench.get("/readyz")[0] == 200, 30)
        bench.configure("first")
        bench.running.reload()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=30)

    def test_live_lines_tell_of_it(self, bench):
        """A stream that is open hears the reload, and what comes after."""
        port = free_port()
        bench.configure("first", more=self.web(port))
        bench.begin()
        bench.wait("first", "web")
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as line:
            line.request("GET", "/api/v1/events/stream")
            with closing(line.getresponse()) as answer:
                bench.configure("first", "second", more=self.web(port))
                bench.running.reload()
                heard = ""
                while '"sink": "second"' not in heard:
                    heard += answer.readline().decode()
        assert "configuration reloaded" in heard


class TestStopping:
    """Asked to end, also while it reloads."""

    def test_what_becomes_of_what_is_registered(self, bench):
        """It is kept, but for a registry that ends with the process."""
        bench.configure("first", more='[sinks.here]\nkind = "memory"\n')
        bench.begin()
        bench.configure(more='[sinks.here]\nkind = "memory"\n')
        bench.close()
        bench.begin()
        bench.close()
        assert [line["message"] for line in bench.said("syncer stops")] == [
            "stopped; registrations are kept (on_exit=keep)",
            "stopped; what was registered was in memory, and is gone",
        ]

    def test_the_former_ends_as_it_should(self, bench):
        """The new engine is not started, and entries are removed as on shutdown."""
        top = 'on_exit = "deregister"'
        bench.configure("first", top=top)
        bench.begin()
        bench.wait("first", "web")
        bench.configure("first", "second", top=top)
        bench.stopping = True
        bench.running.reload()
        assert bench.registered("first") == set()
        assert bench.registered("second") == set()
        assert not bench.said("configuration reloaded")
        assert bench.running.end()

    def test_ended_right_after_a_reload(self, bench):
        """The new engine knows what the former one registered before its first cycle."""
        top = 'on_exit = "deregister"'
        bench.configure("first", top=top)
        bench.begin()
        bench.wait("first", "web")
        bench.configure("first", top=f'{top}\ninterval = "7s"')
        bench.running.reload()
        assert bench.running.end()
        assert bench.registered("first") == set()
