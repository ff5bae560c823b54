"""The manual pages, made from the commands."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from syncer.cli.commands import cli

MAKE = Path(__file__).parents[2] / "contrib" / "make-manual.py"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A folder with all pages."""
    folder = tmp_path_factory.mktemp("manual") / "man1"
    made = subprocess.run(
        [sys.executable, MAKE, folder],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return folder


def test_each_command_has_a_page(pages):
    """One page for syncer, and one for each command, with all its options."""
    assert {path.name for path in pages.iterdir()} == {
        "syncer.1",
        *(f"syncer-{name}.1" for name in cli.commands),
    }
    page = (pages / "syncer-plan.1").read_text().replace("\\-", "-")
    for option in cli.commands["plan"].params:
        assert option.hidden or all(text in page for text in option.opts), option.name
    for title in ("EXAMPLES", "FILES", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO"):
        assert f"\n.SH {title}\n" in page
    assert "syncer plan --exit-code" in page


def test_no_summary_is_cut(pages):
    """Neither on a page nor in the list of commands."""
    for page in pages.iterdir():
        name = page.read_text().split(".SH SYNOPSIS")[0]
        assert "..." not in name
    assert "..." not in (pages / "syncer.1").read_text().replace("[ARGS]...", "")


def test_pages_are_read_without_warnings(pages):
    """groff, which shows the pages, finds nothing wrong."""
    if not (groff := shutil.which("groff")):
        pytest.skip("there is no groff")
    for page in sorted(pages.iterdir()):
        shown = subprocess.run(
            [groff, "-man", "-Tutf8", "-ww", page],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert shown.stderr == ""
        assert page.stem.split("-")[0] in shown.stdout.lower()
