"""The commands, each as a user runs it, against a real Docker engine and a real Consul."""

import json
import re

import pytest

from servers.syncer import command


@pytest.fixture
def here(parts):
    """Arguments for Docker to Consul."""
    return (*parts, "--advertise", "127.0.0.1")


@pytest.fixture
def web(clean_docker):
    """A container with a service and a check."""
    return clean_docker.run(
        "web",
        labels={"SERVICE_NAME": "web", "SERVICE_TAGS": "blue", "SERVICE_CHECK_HTTP": "/health"},
        ports={"8000/tcp": None},
    )


def test_plan_apply_plan(here, web, clean_consul):
    """What `plan` shows, `apply --expect` does, and then nothing is left to do."""
    planned = command("plan", "--json", "--exit-code", *here)
    assert planned.returncode == 2
    plan = json.loads(planned.stdout)
    (change,) = plan["sinks"]["consul"]["changes"]
    assert (change["action"], change["id"]) == ("register", "host1:web:8000")
    refused = command("apply", "--expect", "0" * 12, *here)
    assert refused.returncode == 1
    assert "nothing was done" in refused.stderr
    assert not clean_consul.api.services()
    applied = command("apply", "--expect", plan["digest"], *here)
    assert applied.returncode == 0
    assert re.fullmatch(
        r"  \+ registered web 127\.0\.0\.1:\d+ host1:web:8000\nconsul: 1 change applied\n",
        applied.stdout,
    )
    assert set(clean_consul.api.services()) == {"host1:web:8000"}
    again = command("plan", "--exit-code", *here)
    assert again.returncode == 0
    assert again.stdout == "consul: no changes, 1 unchanged\n"


def test_plan_shows_an_edit_field_by_field(here, web, clean_consul):
    """An entry edited by hand is shown with its old and its new value."""
    command("apply", *here)
    (held,) = clean_consul.api.services().values()
    body = {"ID": held["ID"], "Name": "web", "Address": held["Address"], "Port": held["Port"]}
    clean_consul.api.register(body | {"Tags": ["red"], "Meta": held["Meta"]})
    planned = command("plan", *here)
    assert planned.returncode == 0
    assert "tags: red -> blue" in planned.stdout


def test_explain_tells_the_whole_story(here, web, clean_docker):
    """Ports, names, address, checks, by which rule, and why not by the others."""
    done = command("explain", "web", *here)
    assert done.returncode == 0, done.stderr
    for words in (
        "port 8000/tcp -> web at 127.0.0.1:",
        "SERVICE_NAME (label)",
        "address by advertised",
        "not by ",
        "id host1:web:8000",
        "http /health",
        "in consul: to be registered",
    ):
        assert words in done.stdout
    by_id = command("explain", web[:8], "--json", *here)
    assert json.loads(by_id.stdout)[0]["name"] == "web"


def test_explain_finds_what_is_offered(here, clean_docker, clean_consul, tmp_path):
    """A service or the id of an entry tells the same, from Docker, a file or another registry."""
    labels = {"SERVICE_NAME": "shop", "SERVICE_ID": "shop/1"}
    clean_docker.run("box", labels=labels, ports={"8000/tcp": None})
    for name in ("shop", "shop/1"):
        done = command("explain", name, *here)
        assert done.returncode == 0, done.stderr
        assert "source docker, running" in done.stdout
        assert "-> shop at 127.0.0.1:" in done.stdout
    listed = tmp_path / "listed.toml"
    listed.write_text(
        'services = [{ name = "printer", id = "p1", address = "192.0.2.7", port = 631 }]'
    )
    for name in ("printer", "p1", "printer-192.0.2.7"):
        done = command("explain", name, "--source", f"file={listed}", "--sink", "memory")
        assert "-> printer at 192.0.2.7:631" in done.stdout, done.stdout + done.stderr
    clean_consul.api.register({"ID": "q1", "Name": "queue", "Address": "192.0.2.8", "Port": 5672})
    mirror = ("--source", f"consul=http://{clean_consul.address}", "--sink", "memory")
    for name in ("queue", "q1"):
        done = command("explain", name, *mirror)
        assert "-> queue at 192.0.2.8:5672" in done.stdout, done.stdout + done.stderr


def test_explain_of_an_unknown_name_says_the_nearest(here, web):
    """A misspelt name gets a hint and an exit code."""
    done = command("explain", "wbe", *here)
    assert done.returncode == 1
    said = "syncer: no workload, service or entry 'wbe' in any source; did you mean 'web'?\n"
    assert done.stderr == said


def test_services_and_purge(here, web, clean_consul, clean_docker):
    """`services` lists ours or all, `purge` removes ours only, and only when told to."""
    clean_consul.api.register({"Name": "foreign"})
    command("apply", *here)
    sink = ("--sink", f"consul=http://{clean_consul.address}")
    listed = command("services", *sink)
    assert "host1:web:8000" in listed.stdout
    assert "foreign" not in listed.stdout
    assert "foreign" in command("services", "--all", *sink).stdout
    asked = command("purge", *here)
    assert asked.returncode == 130
    assert set(clean_consul.api.services()) == {"host1:web:8000", "foreign"}
    done = command("purge", "--yes", *here)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "removed 1 of 1")
    assert set(clean_consul.api.services()) == {"foreign"}


def test_purge_of_a_source_that_left_nothing(here, web, clean_consul):
    """A misspelt source is an error that says what there is, and nothing is removed."""
    command("apply", *here)
    done = command("purge", "--yes", "--only", "dokcer", *here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "syncer: this syncer has no entries from source 'dokcer'; did you mean 'docker'?",
        "syncer: source docker: web",
    ]
    assert set(clean_consul.api.services()) == {"host1:web:8000"}
    assert command("purge", "--yes", "--only", "docker", *here).returncode == 0
    done = command("purge", "--yes", "--only", "docker", *here)
    assert done.returncode == 1
    assert "it has no entries at all" in done.stderr
    assert command("purge", "--yes", *here).returncode == 0


def test_run_once(here, web, clean_consul):
    """`run --once` is one cycle with log lines, one for each change."""
    done = command("run", "--once", *here)
    assert done.returncode == 0
    assert done.stderr.count(" registered in consul at ") == 1
    assert set(clean_consul.api.services()) == {"host1:web:8000"}
    again = command("run", "--once", *here)
    assert " registered in consul at " not in again.stderr


def test_a_file_with_several_sinks(web, clean_docker, clean_consul, tmp_path):
    """A TOML file names several sources and sinks, the same kind twice included."""
    (tmp_path / "extra.yaml").write_text(
        "services: [{name: printer, address: 192.0.2.7, port: 9100}]"
    )
    config = tmp_path / "syncer.toml"
    config.write_text(f"""
        [sources.docker]
        endpoint = "{clean_docker.address}"
        scope = "host1"
        addresses.advertise = "127.0.0.1"
        [sources.extra]
        kind = "file"
        path = "{tmp_path}/extra.yaml"
        scope = "host1"
        [sinks.consul]
        address = "{clean_consul.address}"
        [sinks.prometheus]
        kind = "file"
        path = "{tmp_path}/targets.json"
        format = "prometheus"
        [sinks.list]
        kind = "file"
        path = "{tmp_path}/all.json"
        sources = ["docker"]
    """)
    checked = command("check-config", "--config", str(config))
    assert (checked.returncode, checked.stdout) == (
        0,
        "ok: sources docker,extra; sinks consul,prometheus,list; "
        "parsers labels,registrator,traefik\n",
    )
    done = command("apply", "--config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert {s["Service"] for s in clean_consul.api.services().values()} == {"web", "printer"}
    assert "192.0.2.7:9100" in (tmp_path / "targets.json").read_text()
    assert "printer" not in (tmp_path / "all.json").read_text()


def test_completion_scripts(tmp_path):
    """`syncer completion` prints what a shell can source."""
    for shell in ("bash", "zsh", "fish"):
        assert "_SYNCER_COMPLETE" in command("completion", shell).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["plan", "--nonsense"], 2, "No such option"),
        (["plan", "--source", "dokcer", "--sink", "memory"], 3, "did you mean 'docker'"),
        (["plan", "--source", "docker", "--sink", "nacos"], 3, "nacos"),
        (["plan", "--source", "docker=unix:///nowhere.sock", "--sink", "memory"], 1, "nowhere"),
        (["plan", "--source", "docker", "--sink", "consul=ftp://x"], 3, "ftp"),
        (["plan", "--sink", "memory"], 3, "no source"),
        (["plan", "--config", "/nonexistent.toml"], 3, "/nonexistent.toml"),
        (["plan", "--source", "file", "--sink", "memory"], 3, "path"),
        (
            ["plan", "--source", "file=x.toml", "--sink", "memory", "--set", "intervall=3s"],
            3,
            "did you mean 'interval'",
        ),
        (
            ["plan", "--source", "file=x.toml", "--sink", "consul", "--set", "sinks.consul.tokn=3"],
            3,
            "did you mean 'token'",
        ),
        (
            [
                "plan",
                "--source",
                "file=x.toml",
                "--sink",
                "memory",
                "--advertise",
                "not an address",
            ],
            3,
            "--advertise",
        ),
    ],
)
def test_bad_input_is_one_clear_line(arguments, code, words):
    """A wrong flag, kind, file or value ends with a line that names it, and no traceback."""
    done = command(*arguments)
    said = done.stderr + done.stdout
    assert done.returncode == code, said
    assert words in said
    assert "Traceback" not in said


def test_an_unreachable_consul_and_a_refused_token_are_one_line(web, clean_docker, start_consul):
    """No answer and a refusal each say which sink, where and why; the token is not shown."""
    from servers.consul import ACL

    source = ("--source", f"docker={clean_docker.address}", "--advertise", "127.0.0.1")
    gone = command("apply", *source, "--sink", "consul=http://127.0.0.1:1")
    assert gone.returncode == 1
    assert "sink consul failed" in gone.stdout
    assert "127.0.0.1:1" in gone.stdout
    guarded = start_consul(config=ACL)
    token = "5ecre7-t0ken"
    refused = command(
        "apply",
        *source,
        "--sink",
        f"consul=http://{guarded.address}",
        env={"CONSUL_HTTP_TOKEN": token},
    )
    assert refused.returncode == 1
    assert "ACL not found" in refused.stdout
    assert token not in refused.stdout + refused.stderr


def test_malformed_labels_cost_only_themselves(here, clean_docker, clean_consul):
    """Bad values are told one by one, and the service is registered without them."""
    clean_docker.run(
        "odd",
        labels={
            "SERVICE_NAME": "odd",
            "SERVICE_CHECK_HTTP": "/",
            "SERVICE_CHECK_INTERVAL": "often",
            "SERVICE_WEIGHT": "heavy",
            "SERVICE_TAGS": "x" * 10_000,
            "SERVICE_bad.key": "value",
            "SERVICE_LONG": "y" * 600,
        },
        ports={"8000/tcp": None},
    )
    clean_docker.run("fine", labels={"SERVICE_NAME": "fine"}, ports={"8000/tcp": None})
    done = command("run", "--once", *here)
    assert done.returncode == 0, done.stderr
    assert set(clean_consul.api.services()) == {"host1:odd:8000", "host1:fine:8000"}
    for key in ("SERVICE_CHECK_INTERVAL", "SERVICE_WEIGHT"):
        assert key in done.stderr
    assert "Traceback" not in done.stderr
