"""Secrets that tests use, and a search for them in all that syncer printed.

Whoever makes a token or a password for a test says `secret(text)`. Searched are the outputs of
commands, the logs of processes (`servers.syncer`), and what pytest captured while a test ran.
A run in which one is found fails in the end, and says where it was.
"""

import pytest

#: What tests have as literals, whether or not the module that has it was imported.
_KNOWN = {
    "00000000-0000-4000-8000-000000000001",
    "5ecre7-t0ken",
    "b1gs3cret",
    "geheim-of-the-tests",
    "hunter2",
    "pa55word-of-the-tests",
    "r00t-s3cret",
    "s3cret-token",
}
_LOGS, _FOUND = {}, []


def secret(text):
    """Remember a secret, and return it."""
    _KNOWN.add(text)
    return text


def watch(path, name):
    """Have a log searched when all tests have run."""
    _LOGS[path] = name


def search(text, where):
    """Search text that was printed; what is found is told when all tests have run."""
    for line in (text or "").splitlines():
        for known in _KNOWN:
            if known in line:
                shown = line.replace(known, "***")[:300]
                _FOUND.append(f"{where}: {shown}")


def pytest_configure():
    """Search what tests read themselves of captured output, too."""
    fixture = pytest.CaptureFixture
    if hasattr(fixture, "_reads_unsearched"):
        return
    fixture._reads_unsearched = fixture.readouterr

    def readouterr(self):
        found = self._reads_unsearched()
        for text in found:
            if isinstance(text, str):
                search(text, self.request.node.nodeid)
        return found

    fixture.readouterr = readouterr


def pytest_runtest_logreport(report):
    """Search what a test printed."""
    for text in (report.capstdout, report.capstderr, report.caplog):
        search(text, report.nodeid)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(nextitem):
    """Before the last test's servers, and their logs, are gone: search these."""
    if nextitem is None:
        for path, name in _LOGS.items():
            if path.exists():
                search(path.read_text(errors="replace"), f"the log of {name}")
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """A worker has ended: what it found counts for the run."""
    _FOUND.extend(getattr(node, "workeroutput", {}).get("secrets", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail the run in which a secret was printed."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["secrets"] = _FOUND
    if _FOUND:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    """Say where it was, without the secret."""
    if _FOUND:
        terminalreporter.section("secrets were printed", red=True)
        for line in dict.fromkeys(_FOUND):
            terminalreporter.line(line)
