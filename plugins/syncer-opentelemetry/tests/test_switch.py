"""When traces are on: OpenTelemetry's own variables say so, and nothing else."""

import threading

import pytest

import syncer_opentelemetry
from servers.syncer import command
from syncer import ConfigError
from syncer.events import Warned
from syncer_opentelemetry import switch
from syncer_opentelemetry.provider import make_spans
from syncer_opentelemetry.switch import Switch, exporters

HTTP, GRPC = "otlp_proto_http", "otlp_proto_grpc"
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, ()),
        (ENDPOINT, (HTTP,)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, (HTTP,)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, (HTTP,)),
        ({"OTEL_TRACES_EXPORTER": " console , otlp,console,"}, ("console", HTTP)),
        ({"OTEL_TRACES_EXPORTER": ""} | ENDPOINT, (HTTP,)),
        ({"OTEL_TRACES_EXPORTER": "none"} | ENDPOINT, ()),
        ({"OTEL_SDK_DISABLED": "True"} | ENDPOINT, ()),
        ({"OTEL_SDK_DISABLED": "false"} | ENDPOINT, (HTTP,)),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"} | ENDPOINT, (GRPC,)),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"} | ENDPOINT, (GRPC,)),
        (
            {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            }
            | ENDPOINT,
            (HTTP,),
        ),
        # These say how to send, not that anything is to be sent.
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_SERVICE_NAME": "s"}, ()),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c"}, ()),
    ],
)
def test_what_the_variables_ask_for(environ, names):
    """An exporter, or an endpoint; what OpenTelemetry says of both counts."""
    assert exporters(environ) == names


def test_a_protocol_that_nobody_speaks():
    """The error names the known ones."""
    with pytest.raises(ConfigError, match="must be http/protobuf or grpc, not 'http/json'"):
        exporters({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"} | ENDPOINT)


def test_an_exporter_that_is_not_installed():
    """The error says so, and how to install it if known."""
    with pytest.raises(ConfigError, match="OpenTelemetry exporter 'pigeon' is not installed"):
        make_spans(("pigeon",))


def test_an_exporter_that_cannot_be_made(monkeypatch):
    """The error contains the exporter's own message."""

    class Broken:
        def load(self):
            raise ImportError("a part of it is missing")

    monkeypatch.setattr("syncer_opentelemetry.provider.entry_points", lambda **_: [Broken()])
    with pytest.raises(
        ConfigError, match="cannot create the OpenTelemetry exporter x: a part of it is missing"
    ):
        make_spans(("x",))


def test_decided_once(monkeypatch):
    """Many threads that tell their first events at the same time make one listener."""
    made, heard = [], []
    together = threading.Barrier(8)

    def decide(environ):
        made.append(environ)
        return ()

    monkeypatch.setattr(switch, "exporters", decide)
    asked = Switch()

    def tell():
        together.wait(30)
        asked(Warned(text="x"))
        heard.append(1)

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(made), len(heard)) == (1, 8)


def test_a_fault_is_told_once(monkeypatch):
    """Then traces are off, and events cost nothing."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "pigeon")
    asked = Switch()
    with pytest.raises(ConfigError):
        asked(Warned(text="x"))
    asked(Warned(text="x"))


def test_the_plugin_hears_events_and_offers_no_kind(monkeypatch):
    """Its only hook receives events."""
    heard = []
    monkeypatch.setattr(syncer_opentelemetry, "_switch", heard.append)
    syncer_opentelemetry.syncer_event("something")
    assert heard == ["something"]


def test_what_is_wrong_is_in_the_log_and_stops_nothing(tmp_path):
    """The command does its work, and says what is wrong with the traces."""
    source = tmp_path / "services.toml"
    source.write_text('[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n')
    arguments = ("run", "--once", "--source", f"file={source}", "--sink", "memory")
    done = command(*arguments, env={"OTEL_TRACES_EXPORTER": "pigeon"})
    assert done.returncode == 0
    (line,) = [line for line in done.stderr.splitlines() if "opentelemetry" in line]
    assert "OpenTelemetry exporter 'pigeon' is not installed" in line
    assert "registered" in done.stderr
