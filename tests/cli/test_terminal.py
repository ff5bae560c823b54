"""What commands print, in a pipe."""

from rich.console import Console
from rich.table import Table

from syncer.cli import terminal


def test_many_lines_are_printed_at_once(monkeypatch, capsys):
    """Each in its place, between tables too: ten thousand entries would take seconds otherwise."""
    printed = []
    print_ = Console.print
    monkeypatch.setattr(Console, "print", lambda *given: printed.append(1) or print_(*given))
    table = Table.grid()
    table.add_row("a table")
    lines = [f"[bold]line[/] {number}" for number in range(1000)]
    terminal.emit(iter([*lines[:10], table, table, *lines[10:]]))
    texts = [f"line {number}" for number in range(1000)]
    shown = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert shown == [*texts[:10], "a table", "a table", *texts[10:]]
    assert len(printed) < 20


def test_no_line_is_no_print(capsys):
    """Not even an empty one; an empty line is one."""
    terminal.emit(())
    assert capsys.readouterr().out == ""
    terminal.emit(["a", "", "b"])
    assert capsys.readouterr().out == "a\n\nb\n"
