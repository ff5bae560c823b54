"""Has what commands say in the documentation written by running them: python docs/outputs.py

A mark stands in a line of its own before a block of `console`, whose commands begin with `$ `; a
backslash at the end of a line continues the command:

| mark                             | the commands below it                               |
|----------------------------------|-----------------------------------------------------|
| `<!-- run -->`                   | are run, in a folder that is the page's own         |
| `<!-- run, until: PATTERN -->`   | are run, the last one again until it says that      |
| `<!-- start, until: PATTERN -->` | one command, which goes on in the background        |
| `<!-- log, until: PATTERN -->`   | none: what that command has said since              |
| `..., lines: PATTERN -->`        | only the lines in which it is found are shown       |

Without a block: `<!-- before: COMMAND -->` is run and not shown, `<!-- stop -->` is Ctrl-C for the
command in the background. `<!-- write: NAME -->` before a block of TOML puts it into the folder.

A page with `<!-- machine -->` is run on a machine with a Docker engine and a Consul agent, which
`tests/servers/desk.py` makes; `tests/integration/test_outputs.py` does it. All other pages are
run here, in `tests/test_outputs.py`. Both fail while a page is not what this would write. What is
different in each run (times, and on the machine the ids of containers) does not count.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
#: Seconds for a command, and for what is waited for.
DEADLINE = 60.0
_MACHINE = "<!-- machine -->\n"
_MARK = re.compile(
    r"<!-- (?P<do>run|start|log|before|stop|write)(?P<words>[:,] [^\n]*)? -->\n"
    r"(?:```(?:console|toml)\n(?P<code>.*?)```\n)?",
    re.DOTALL,
)
#: A command, with the lines that a backslash at the end of a line joins to it.
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.+)\n", re.MULTILINE)
_WORD = re.compile(r", (until|lines): ")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:\d\d)?")
_ID = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b")


def pages() -> list[Path]:
    """Every page of the documentation."""
    patterns = ("*.md", "docs/**/*.md", "plugins/*/README.md", "contrib/**/README.md")
    found = (page for pattern in patterns for page in ROOT.glob(pattern))
    return sorted(p for p in found if not any(n[0] == "." for n in p.relative_to(ROOT).parts))


def has_outputs(text: str) -> bool:
    """Whether anything on the page is run."""
    return any(mark["do"] in ("run", "start") for mark in _MARK.finditer(text))


def needs_machine(text: str) -> bool:
    """Whether the page is run on a machine with an engine and an agent."""
    return _MACHINE in text


class Background(Protocol):
    """A command that goes on."""

    log: Path

    def stop(self) -> None:
        """End it, as Ctrl-C does."""


class Shell:
    """Runs commands in a folder; this one on the machine that we are on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plain(self, said: str) -> str:
        """What a command said, without what only this run's machine is called."""
        return said

    def run(self, command: str) -> str:
        """What a command says, to its end."""
        done = subprocess.run(
            self.argv(command),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        return self.plain(done.stdout)

    def start(self, command: str) -> Background:
        """Start a command that goes on."""
        raise NotImplementedError(f"only on the machine: {command}")

    def argv(self, command: str) -> list[str]:
        """The program and its arguments that run a command."""
        return ["sh", "-c", command]

    def environment(self) -> dict[str, str]:
        """The environment of commands: the program of this environment, no settings of others."""
        others = ("SYNCER_", "CONSUL_", "DOCKER_", "COLUMNS")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(others)}
        return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


class Machine(Protocol):
    """A machine with an engine and an agent: `servers.desk.Desk`."""

    docker_host: str

    def inside(self) -> list[str]:
        """What stands before a program to have it run there."""

    def background(self, argv: list[str], env: dict[str, str]) -> Background:
        """Start a program there that goes on."""


class MachineShell(Shell):
    """Runs commands on the machine of the documentation."""

    def __init__(self, folder: Path, machine: Machine) -> None:
        super().__init__(folder)
        self._machine = machine

    def plain(self, said: str) -> str:
        """With the engine's usual address."""
        return said.replace(self._machine.docker_host, "unix:///var/run/docker.sock")

    def start(self, command: str) -> Background:
        """Start a command in the folder."""
        argv = self.argv(f"cd {self.folder} && exec {command}")
        return self._machine.background(argv, self.environment())

    def argv(self, command: str) -> list[str]:
        """The command, inside."""
        return [*self._machine.inside(), *super().argv(command)]

    def environment(self) -> dict[str, str]:
        """With the engine's address."""
        return super().environment() | {"DOCKER_HOST": self._machine.docker_host}


class _Page:
    """One page while it is run from top to bottom."""

    def __init__(self, text: str, shell: Shell) -> None:
        self._text, self._shell = text, shell
        self._exact = not needs_machine(text)
        self._background: Background | None = None
        self._told = 0

    def written(self) -> str:
        """The page with what its commands say now."""
        try:
            return _MARK.sub(self._mark, self._text)
        finally:
            self._stop()

    def _mark(self, mark: re.Match[str]) -> str:
        words = mark["words"] or ""
        if mark["do"] == "write":
            (self._shell.folder / words.removeprefix(": ")).write_text(mark["code"])
        elif mark["do"] == "before":
            self._shell.run(words.removeprefix(": "))
        elif mark["do"] == "stop":
            self._stop()
        else:
            return self._block(mark, dict(_words(words)))
        return mark[0]

    def _block(self, mark: re.Match[str], words: dict[str, str]) -> str:
        parts = self._log(words) if mark["do"] == "log" else self._commands(mark, words)
        code = "".join(parts)
        if self._masked(code) == self._masked(mark["code"]):
            return mark[0]
        begin, end = (at - mark.start() for at in mark.span("code"))
        return f"{mark[0][:begin]}{code}{mark[0][end:]}"

    def _commands(self, mark: re.Match[str], words: dict[str, str]) -> Iterator[str]:
        *commands, last = _COMMAND.findall(mark["code"])
        for command in commands:
            yield f"$ {command}\n"
            yield from _shown(self._shell.run(command), words)
        yield f"$ {last}\n"
        if mark["do"] == "start":
            self._background, self._told = self._shell.start(last), 0
            yield from self._log(words)
        else:
            yield from _shown(self._run(last, words.get("until", "")), words)

    def _run(self, command: str, until: str) -> str:
        return _waited(lambda: self._shell.run(command), until, command)

    def _log(self, words: dict[str, str]) -> Iterator[str]:
        """What the command in the background has said since, up to the line that is waited for."""
        background = self._background
        assert background is not None, "nothing was started"

        def since() -> str:
            whole = background.log.read_text() if background.log.exists() else ""
            lines = self._shell.plain(whole).rpartition("\n")[0].splitlines()
            return "\n".join(lines[self._told :])

        until = words["until"]
        lines = _waited(since, until, str(background.log)).splitlines()
        end = 1 + next(at for at, line in enumerate(lines) if re.search(until, line))
        self._told += end
        return _shown("\n".join(lines[:end]), words)

    def _masked(self, code: str) -> str:
        code = _TIME.sub("TIME", code)
        return code if self._exact else _ID.sub("ID", code)

    def _stop(self) -> None:
        if self._background is not None:
            self._background.stop()
            self._background = None


def _words(text: str) -> Iterator[tuple[str, str]]:
    _, *parts = _WORD.split(text)
    return zip(parts[::2], parts[1::2], strict=True)


def _shown(said: str, words: dict[str, str]) -> Iterator[str]:
    for line in said.splitlines():
        if re.search(words.get("lines", ""), line):
            yield f"{line.rstrip()}\n"


def _waited(ask: Callable[[], str], pattern: str, what: str) -> str:
    """The answer, once the pattern is found in one of its lines."""
    end = time.monotonic() + DEADLINE
    while not re.search(pattern, answer := ask(), re.MULTILINE):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: waited for {pattern!r}; it said:\n{answer}")
        time.sleep(0.1)
    return answer


def written(text: str, shell: Shell) -> str:
    """A page with what its commands say when they are run by the shell, from top to bottom."""
    return _Page(text, shell).written()


def unmarked(text: str) -> Iterator[str]:
    """Blocks that show what a command said, and have no mark."""
    marked = {mark["code"] for mark in _MARK.finditer(text)}
    for code in re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        begins, *rest = code.replace("\\\n", "").splitlines() or [""]
        says = bool(rest) and not all(line.startswith("$ ") for line in rest)
        if code not in marked and ((begins.startswith("$ ") and says) or _TIME.match(begins)):
            yield code
    for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE):
        if block.startswith("    $ "):
            yield block


def _rewrite(page: Path, shell: Shell) -> None:
    before = page.read_text()
    after = written(before, shell)
    if after != before:
        page.write_text(after)


def _on_machine(chosen: list[Path]) -> None:
    """Rewrite pages on a machine that is made for them, by the code that the tests use."""
    sys.path.insert(0, str(ROOT / "tests"))
    from servers.desk import Desk
    from servers.process import Guard

    guard = Guard()
    desk = Desk(guard)
    try:
        desk.start()
        for page in chosen:
            desk.clean()
            with tempfile.TemporaryDirectory() as folder:
                _rewrite(page, MachineShell(Path(folder), desk))
    finally:
        desk.stop()
        guard.close()


def main(arguments: list[str]) -> None:
    """Rewrite the pages that are named, else all; those of the machine if this is root."""
    chosen = [Path(name).resolve() for name in arguments] or pages()
    chosen = [page for page in chosen if has_outputs(page.read_text())]
    there = [page for page in chosen if needs_machine(page.read_text())]
    for page in chosen:
        if page not in there:
            with tempfile.TemporaryDirectory() as folder:
                _rewrite(page, Shell(Path(folder)))
    if there and os.geteuid() == 0:
        _on_machine(there)
    elif there:
        names = ", ".join(str(page.relative_to(ROOT)) for page in there)
        sys.exit(f"left as they are, since only root can start an engine: {names}")


if __name__ == "__main__":
    main(sys.argv[1:])
