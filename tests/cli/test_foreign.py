"""What libraries and the interpreter say by themselves comes as syncer's own lines."""

import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings

import pytest

from syncer import Secret
from syncer.cli import foreign
from syncer.events.logs import Form, Log

TOKEN = "t0ken-of-the-tests-of-libraries"


@pytest.fixture
def heard(monkeypatch):
    """What was said, as JSON lines; all is as before after the test."""
    stream = io.StringIO()
    root, show = logging.getLogger(), warnings.showwarning
    before = root.handlers[:]
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    foreign.listen(Log(stream, form=Form.JSON, verbose=False).foreign)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before
    logging.captureWarnings(False)
    warnings.showwarning = show


def test_what_a_library_logs(heard):
    """With its name, without secrets, on one line; nothing that it tells only to debug."""
    Secret(TOKEN).reveal()
    log = logging.getLogger("kazoo.client")
    log.warning("sent %s\nand more", TOKEN)
    log.info("nothing")
    logging.getLogger("syncer_opentelemetry").warning("syncer: traces cannot be sent")
    assert [line["event"] for line in heard()] == [
        "kazoo.client: sent ***\\nand more",
        "traces cannot be sent",
    ]
    assert {line["level"] for line in heard()} == {"warning"}


def test_an_error_that_it_logs(heard):
    """Its traceback is a field, without secrets."""
    Secret(TOKEN).reveal()
    try:
        raise ValueError(f"Invalid header value b'{TOKEN}'")
    except ValueError:
        logging.getLogger("urllib3").exception("it broke")
    (line,) = heard()
    assert line["event"] == "urllib3: it broke"
    assert "ValueError: Invalid header value b'***'" in line["trace"]


def test_arguments_that_do_not_fit(heard):
    """The words are still told."""
    record = logging.LogRecord("odd", logging.WARNING, "", 1, "%d of %s", ("x",), None)
    (ours,) = [one for one in logging.getLogger().handlers if isinstance(one, foreign._Lines)]
    ours.handle(record)
    assert heard()[0]["event"] == "odd: %d of %s"


@pytest.mark.filterwarnings("default")
def test_warnings_of_the_interpreter(heard):
    """urllib3 warns so, for example."""
    warnings.warn("unverified", RuntimeWarning, stacklevel=1)
    assert "RuntimeWarning: unverified" in heard()[0]["event"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_of_a_library_that_ends(heard):
    """Its error is not printed in the middle of the lines."""
    Secret(TOKEN).reveal()

    def fail():
        raise RuntimeError(TOKEN)

    thread = threading.Thread(target=fail, name="a pool")
    thread.start()
    thread.join()
    (line,) = heard()
    assert line["event"] == "a thread ended: a pool"
    assert "RuntimeError: ***" in line["trace"]


def test_the_last_one_that_listens_is_told(heard):
    """A command begins with standard error; `run` goes on with its log."""
    said = []
    foreign.listen(lambda message, trace: said.append(message))
    logging.getLogger("x").warning("again")
    assert (said, heard()) == (["x: again"], [])


@pytest.mark.parametrize(("given", "found"), [({}, "NONE"), ({"GRPC_VERBOSITY": "DEBUG"}, "DEBUG")])
def test_grpc_is_quiet_unless_somebody_asks(given, found):
    """It reads that when it is imported; nobody imports it before."""
    script = (
        "import os, sys, syncer.cli.commands as c\n"
        "assert 'grpc' not in sys.modules\n"
        "try: c.main(['completion', 'bash'])\n"
        "except SystemExit: pass\n"
        "print('grpc says', os.environ['GRPC_VERBOSITY'])\n"
    )
    environ = {k: v for k, v in os.environ.items() if k != "GRPC_VERBOSITY"} | given
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"grpc says {found}" in done.stdout
