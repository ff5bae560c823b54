"""What commands say in the documentation is what they say: `docs/outputs.py`."""

import pytest
from doc_programs import doc_program

outputs = doc_program("outputs")


def named(page):
    return str(page.relative_to(outputs.ROOT))


def run_here():
    for page in outputs.pages():
        text = page.read_text()
        if outputs.has_outputs(text) and not outputs.needs_machine(text):
            yield page


@pytest.mark.parametrize("page", [*run_here()], ids=named)
def test_outputs_are_what_commands_say(page, tmp_path):
    """What a page shows that needs no server is what `python docs/outputs.py` writes."""
    assert page.read_text() == outputs.written(page.read_text(), outputs.Shell(tmp_path))


@pytest.mark.parametrize("page", outputs.pages(), ids=named)
def test_nothing_is_typed_by_hand(page):
    """Every block that shows what a command said has a mark, so that it is made by running it."""
    assert list(outputs.unmarked(page.read_text())) == []


def block(mark, *lines):
    return "\n".join([f"<!-- {mark} -->", "```console", *lines, "```", ""])


def test_a_stale_output_is_written_anew(tmp_path):
    """What a command does not say any more is replaced, and all around it stays."""
    page = "# Page\n\n" + block("run", "$ echo one", "two", "$ echo three", "three") + "\nEnd.\n"
    told = "# Page\n\n" + block("run", "$ echo one", "one", "$ echo three", "three") + "\nEnd.\n"
    assert outputs.written(page, outputs.Shell(tmp_path)) == told


def test_a_long_command_may_take_several_lines(tmp_path):
    """A backslash at the end of a line continues the command, and stays on the page."""
    page = block("run", "$ echo one \\", "    two", "old")
    told = block("run", "$ echo one \\", "    two", "one two")
    assert outputs.written(page, outputs.Shell(tmp_path)) == told
    assert not list(outputs.unmarked(block("write: it", "$ echo one \\", "    two")))


def test_times_do_not_count(tmp_path):
    """A page keeps its times, since those are others in each run."""
    page = block("run", "$ echo 2026-01-01T00:00:00.000001 it", "2025-05-05T05:05:05.555555 it")
    assert outputs.written(page, outputs.Shell(tmp_path)) == page


def test_files_and_commands_of_a_page_share_a_folder(tmp_path):
    """A page writes files for its commands, and runs some that it does not show."""
    made = '<!-- write: a.toml -->\n```toml\na = 1\n```\n<!-- before: echo "b = 2" >> a.toml -->\n'
    page = made + block("run, lines: b", "$ cat a.toml", "b = 2")
    assert outputs.written(page, outputs.Shell(tmp_path)) == page


def test_what_is_waited_for_comes(tmp_path):
    """A command is run again until it says what its mark waits for."""
    command = "$ test -e there && echo yes || { touch there; echo no; }"
    page = block("run, until: yes", command, "yes")
    assert outputs.written(page, outputs.Shell(tmp_path)) == page


@pytest.mark.parametrize(
    "text",
    [
        "```console\n$ syncer plan\nnothing\n```\n",
        "```text\n$ syncer plan\nnothing\n```\n",
        "```text\n2026-11-23T00:15:07.783441 [info     ] registered\n```\n",
        "Text:\n\n    $ consul kv get a\n    b\n",
    ],
)
def test_outputs_without_a_mark_are_found(text):
    """Outputs that nobody runs are found in every form that pages have them in."""
    assert len(list(outputs.unmarked(text))) == 1


@pytest.mark.parametrize(
    "text", ["```console\n$ syncer run\n$ syncer plan\n```\n", "```toml\na = 1\n```\n"]
)
def test_commands_alone_need_no_mark(text):
    """A block with nothing but commands, or with no command, says nothing that could be stale."""
    assert list(outputs.unmarked(text)) == []
