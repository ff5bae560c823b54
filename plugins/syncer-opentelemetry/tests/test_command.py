"""The command, whole: what a collector gets of it."""

import subprocess
import sys

import pytest

from servers.secrets import secret
from servers.syncer import command
from servers.waiting import wait_until
from syncer import __version__

KEY = secret("k3y-for-the-collector-of-the-tests")
ERROR = 2


@pytest.fixture
def flags(tmp_path):
    """Flags for a source of two services, and a sink that keeps them in a file."""
    source = tmp_path / "services.toml"
    source.write_text(
        '[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n'
        '[[services]]\nname = "db"\naddress = "192.0.2.2"\nport = 81\n'
    )
    return ("--source", f"file={source}", "--sink", f"out:file={tmp_path / 'out.json'}")


def on(collector, **more):
    """The variables that switch traces on."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **more}


def test_a_cycle_reaches_the_collector(flags, collector):
    """Listing and cycle, with their numbers, sent before the command ends."""
    done = command("apply", *flags, env=on(collector))
    assert (done.returncode, done.stderr) == (0, "")
    (listing,) = collector.named("list file")
    (cycle,) = collector.named("cycle out")
    assert listing.attributes["syncer.workloads"] == 2
    assert cycle.attributes["syncer.applied"] == 2
    assert [event.name for event in cycle.span.events] == ["registered", "registered"]
    parts = {name: collector.named(f"{name} out")[0].span for name in ("plan", "apply")}
    for part in parts.values():
        assert part.parent_span_id == cycle.span.span_id
        assert part.trace_id == cycle.span.trace_id
    assert parts["plan"].end_time_unix_nano == parts["apply"].start_time_unix_nano
    assert cycle.span.start_time_unix_nano <= parts["plan"].start_time_unix_nano
    assert cycle.span.end_time_unix_nano >= parts["apply"].end_time_unix_nano
    assert cycle.sender["service.name"] == "syncer"
    assert cycle.sender["service.version"] == __version__
    assert cycle.sender["host.name"]


def test_what_the_variables_say_of_who_sends(flags, collector):
    """Names and attributes that they give go before ours; headers are sent, and shown nowhere."""
    named = {"OTEL_SERVICE_NAME": "mine", "OTEL_RESOURCE_ATTRIBUTES": "host.name=h7,team=shop"}
    env = on(collector, OTEL_EXPORTER_OTLP_HEADERS=f"x-key={KEY}", **named)
    command("apply", *flags, env=env)
    (cycle,) = collector.named("cycle out")
    said = {name: cycle.sender[name] for name in ("service.name", "host.name", "team")}
    assert said == {"service.name": "mine", "host.name": "h7", "team": "shop"}
    assert [headers["x-key"] for headers in collector.headers] == [KEY]


def test_a_failure_is_an_error_there(flags, collector, tmp_path):
    """A file that cannot be written to: the cycle failed, and says why."""
    (tmp_path / "out.json").mkdir()
    assert command("apply", *flags, env=on(collector)).returncode == 1
    (cycle,) = collector.named("cycle out")
    assert cycle.span.status.code == ERROR
    assert "out.json" in cycle.span.status.message


def test_run_sends_while_it_runs_and_at_its_end(flags, collector, start_syncer):
    """Nothing waits for the end, and nothing is lost by it."""
    env = on(collector, OTEL_BSP_SCHEDULE_DELAY="200")
    syncer = start_syncer(*flags, "--interval", "0.2s", env=env)
    wait_until(lambda: len(collector.named("cycle out")) > 2, 60, "spans of cycles")
    syncer.stop()
    assert not syncer.running()
    assert len(syncer.said("syncer stops")) == 1

    late = on(collector, OTEL_BSP_SCHEDULE_DELAY="3600000")
    collector.spans.clear()
    syncer = start_syncer(*flags, env=late)
    syncer.wait_said("syncer starts")
    wait_until(lambda: listed(syncer), 60, "its first listing")
    assert collector.spans == []
    syncer.stop()
    assert collector.named("list file")


def listed(syncer):
    """Whether it has listed its source."""
    return syncer.said("source listed")


def test_a_collector_that_is_away(flags, start_syncer):
    """syncer does its work, and says so once, in one line."""
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={KEY}",
    }
    syncer = start_syncer(*flags, "--interval", "0.2s", env=env)
    text = '"event": "traces cannot be sent'
    wait_until(lambda: text in syncer.tail(), 60, "it to say so")
    syncer.wait_said("registered", count=2)
    syncer.stop()
    assert not syncer.running()
    lines = syncer.tail().splitlines()
    assert sum("traces cannot be sent" in line for line in lines) == 1
    assert sum("Transient" in line for line in lines) <= 1


def test_a_collector_that_never_answers(flags, collector):
    """The command ends all the same, while the collector still has not answered."""
    collector.holding = True
    env = on(collector, OTEL_EXPORTER_OTLP_TIMEOUT="600")
    assert command("apply", *flags, env=env, deadline=90).returncode == 0
    assert collector.asked.is_set()
    assert collector.spans == []


def test_headers_that_cannot_be_read_are_not_shown(flags, collector):
    """Not even by OpenTelemetry's own words about them."""
    done = command("apply", *flags, env=on(collector, OTEL_EXPORTER_OTLP_HEADERS=f"{KEY}"))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_variable_that_cannot_be_read(flags, collector):
    """The exporter's message is logged once, as syncer's."""
    done = command("apply", *flags, env=on(collector, OTEL_EXPORTER_OTLP_TIMEOUT="soon"))
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("syncer: traces: ")
    assert "soon" in line
    assert collector.named("cycle out")


def test_without_the_variables_nothing_is_sent_or_loaded(flags, collector):
    """What is installed and not asked for is not imported."""
    code = (
        "import sys\nfrom syncer.cli.commands import main\ntry:\n    main()\nfinally:\n"
        "    print(*sorted(name for name in sys.modules if name.startswith('opentelemetry')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "apply", *flags], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""
    assert collector.spans == []
