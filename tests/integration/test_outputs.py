"""What commands say in the documentation, run step by step between real Docker and real Consul."""

from pathlib import Path

import pytest
from doc_programs import doc_program

from servers.lifetimes import leave_out

DOCS = Path(__file__).parents[2] / "docs"
DESK = "The documentation's machine"
pytestmark = pytest.mark.server


outputs = doc_program("outputs")


@pytest.fixture(scope="module")
def desk(pytestconfig, server_guard):
    """The machine that the pages are written on, as the last page left it."""
    from servers import desk

    if missing := desk.missing():
        leave_out(pytestconfig, DESK, missing)
    machine = desk.Desk(server_guard)
    machine.start()
    yield machine
    machine.stop()


def pages():
    for page in outputs.pages():
        if outputs.needs_machine(page.read_text()):
            yield page


@pytest.mark.parametrize("page", [*pages()], ids=lambda page: str(page.relative_to(outputs.ROOT)))
def test_every_step_says_what_the_page_shows(desk, page, tmp_path):
    """A reader who follows the page command by command sees what it shows."""
    desk.clean()
    shell = outputs.MachineShell(tmp_path, desk)
    assert outputs.written(page.read_text(), shell) == page.read_text()


def test_the_tutorial_is_one_of_them():
    """The tutorial is among the pages that are run."""
    assert DOCS / "tutorial.md" in pages()
