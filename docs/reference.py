"""Writes the reference parts of the documentation from the code: python docs/reference.py

Each part stands between `<!-- reference: NAME -->` and `<!-- end -->`; what is between them is
replaced. `<!-- include: PATH -->` shows a whole file in the same way. `tests/test_docs.py` fails
while a part is not what this would write.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

import syncer
from syncer.api import errors
from syncer.api.changes import SkipKind
from syncer.api.left_out import LeftOutKind
from syncer.cli.commands import cli
from syncer.cli.help import EXIT_CODES, example_lines
from syncer.cli.plugins import kinds
from syncer.config.describe import OptionInfo, describe_options, describe_settings
from syncer.events import AnyEvent
from syncer.plugin import hookspecs
from syncer.plugin.manager import Plugins
from syncer.testing import parsers, sinks, sources
from syncer.web.metrics import Metrics

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
_PART = re.compile(r"(<!-- (reference|include): (\S[^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
_LANGUAGES = {".py": "python", ".toml": "toml"}

_PLACES = {
    "": "Top of the file",
    "guard": "`[guard]`",
    "probes": "`[probes]`",
    "web": "`[web]`",
    "plugins": "`[plugins]`",
    "parsers": "`[parsers]`",
    "sources.NAME": "`[sources.NAME]`, for every kind",
    "sources.NAME.addresses": "`[sources.NAME.addresses]`",
    "sinks.NAME": "`[sinks.NAME]`, for every kind",
}


def first_party() -> Plugins:
    """The plugins of this repository, whatever else is installed."""
    ours = {"syncer-core", *(folder.name for folder in (ROOT / "plugins").iterdir())}
    others = [p.name for p in Plugins.discover().report() if p.distribution not in ours]
    return Plugins.discover(disabled=others)


def settings() -> str:
    """syncer's own settings, table by table."""
    parts = (
        f"### {_PLACES[place]}\n\n{_options(described)}"
        for place, described in describe_settings().items()
    )
    return "\n".join(parts)


def kind_options() -> str:
    """The options of each kind."""
    return "\n".join(
        f"### `{place}`\n\n{kind.summary[:1].upper()}{kind.summary[1:]}.\n\n"
        + (_options(describe_options(kind.options)) or "It has no options.\n")
        for place, kind in kinds(first_party())
    )


def environment() -> str:
    """Every environment variable by its name, and what it sets."""
    found: dict[str, list[str]] = {}
    for place, options in describe_settings().items():
        _add(found, place, options)
    for place, kind in kinds(first_party()):
        _add(found, place, describe_options(kind.options))
    for name, command in sorted(cli.commands.items()):
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.envvar, str):
                what = f"`{option.opts[-1]}`"
                if (option.opts[-1], option.envvar) in _shared():
                    what += " of every command that has it"
                else:
                    what += f" of `syncer {name}`"
                places = found.setdefault(option.envvar, [])
                if what not in places:
                    places.append(what)
    rows = ((f"`{name}`", ", ".join(places)) for name, places in sorted(found.items()))
    return _table(("variable", "sets"), rows)


def commands() -> str:
    """Every command with its own flags, and the flags that most of them share."""
    shared = _shared()
    lines = ["### Flags that most commands share\n"]
    options = {p.opts[-1]: p for p in cli.commands["plan"].params if isinstance(p, click.Option)}
    lines.append(_flags(p for p in options.values() if (p.opts[-1], p.envvar) in shared))
    for name, command in sorted(cli.commands.items()):
        arguments = [p.make_metavar(_context(command)) for p in command.params if _is_argument(p)]
        lines.append(f"### `{' '.join(['syncer', name, *arguments])}`\n")
        lines.append(" ".join((command.help or "").split()) + "\n")
        own = [p for p in command.params if isinstance(p, click.Option)]
        rest = [p for p in own if (p.opts[-1], p.envvar) not in shared]
        if rest:
            lines.append(_flags(rest))
        if len(rest) + 1 < len(own):
            lines.append("Takes the shared flags too.\n")
        if examples := list(example_lines(name)):
            lines.append("\n".join(["```shell", *examples, "```\n"]))
    return "\n".join(lines)


def exit_codes() -> str:
    """Every exit code, and the errors that end a command with it."""
    rows = [(code, "", meaning) for code, meaning in EXIT_CODES.items()]
    for error in _subclasses(errors.SyncerError):
        rows.append((str(error.exit_code), f"`{error.__name__}`", _sentence(error)))
    return _table(("code", "error", "meaning"), sorted(rows, key=lambda row: int(row[0])))


def hooks() -> str:
    """Every hook with its argument and what it is for."""
    found = (
        (f"`{name}{_signature(hook)}`", _sentence(hook))
        for name, hook in vars(hookspecs).items()
        if name.startswith("syncer_")
    )
    return _table(("hook", "for"), found)


def _signature(hook: Callable[..., object]) -> str:
    text = str(inspect.signature(hook)).replace("collections.abc.", "")
    return text.replace("'", "").replace('"', "")


def contracts() -> str:
    """Every method of the two contracts."""
    return "\n".join(
        f"### `syncer.{contract.__name__}`\n\n"
        + _table(("member", "", "meaning"), _members(contract))
        for contract in (syncer.Source, syncer.Sink, syncer.Locks)
    )


def _members(contract: type) -> Iterator[tuple[str, str, str]]:
    for name, member in vars(contract).items():
        if name.startswith("_") or not inspect.isfunction(member):
            continue
        arguments = ", ".join([*inspect.signature(member).parameters][1:])
        needed = "must" if getattr(member, "__isabstractmethod__", False) else "may"
        yield f"`{name}({arguments})`", needed, _sentence(member)


def events() -> str:
    """Every event."""
    known = AnyEvent.__args__
    return _table(("event", "tells"), ((f"`{e.__name__}`", _sentence(e)) for e in known))


def names() -> str:
    """Every name that `import syncer` offers."""
    rows = []
    for name in sorted(set(syncer.__all__) - {"__version__"}):
        value = getattr(syncer, name)
        about = _sentence(value) if inspect.isclass(value) or inspect.isfunction(value) else ""
        rows.append((f"`{name}`", about or _OTHER_NAMES[name]))
    return _table(("name", ""), rows)


_OTHER_NAMES = {
    "STATUS_KEY": "The key of `Instance.meta` for a status that the registry itself cannot hold.",
    "Change": "`Register`, `Update` or `Deregister`.",
    "hookimpl": "Marks an implementation of a hook.",
}


def metrics() -> str:
    """Every metric of syncer's own."""
    rows = (
        (f"`{name}`", kind, ", ".join(labels), about)
        for name, kind, labels, about in Metrics().described()
    )
    return _table(("metric", "type", "labels", "meaning"), rows)


def layers() -> str:
    """The rooms, as the import linter holds them, top to bottom."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    (rooms,) = [c["layers"] for c in contracts if c.get("containers") == ["syncer"]]
    return "```text\n" + "\n".join(rooms) + "\n```\n"


def skips() -> str:
    """Every word that a skip can have."""
    return _table(("word", "means"), ((f"`{kind}`", kind.means) for kind in SkipKind))


def left_out() -> str:
    """Why something is not registered: each word, and what it means."""
    return _table(("word", "means"), ((f"`{kind}`", kind.means) for kind in LeftOutKind))


def sink_clauses() -> str:
    """The clauses of the sink contract, as its module tells them."""
    return _clauses(sinks.__doc__)


def source_clauses() -> str:
    """The clauses of the source contract, as its module tells them."""
    return _clauses(sources.__doc__)


def parser_clauses() -> str:
    """The clauses of the contract of label parsers, as its module tells them."""
    return _clauses(parsers.__doc__)


def _clauses(text: str | None) -> str:
    return "```text\n" + (text or "").partition("\n\n")[2].strip() + "\n```\n"


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "options": kind_options,
    "environment": environment,
    "commands": commands,
    "exit codes": exit_codes,
    "hooks": hooks,
    "contracts": contracts,
    "events": events,
    "names": names,
    "left-out": left_out,
    "metrics": metrics,
    "layers": layers,
    "skips": skips,
    "sink clauses": sink_clauses,
    "source clauses": source_clauses,
    "parser clauses": parser_clauses,
}


def written(text: str) -> str:
    """The page with its parts as the code has them now."""

    def part(found: re.Match[str]) -> str:
        made = _included(found[3]) if found[2] == "include" else PARTS[found[3]]()
        return f"{found[1]}\n{made}\n{found[4]}"

    return _PART.sub(part, text)


def _included(path: str) -> str:
    file = ROOT / path
    return f"```{_LANGUAGES[file.suffix]}\n{file.read_text()}```\n"


def _shared() -> set[tuple[str, Any]]:
    """The flags that `plan` and `check-config` have in common, with their variables."""
    first, second = (
        {(p.opts[-1], p.envvar) for p in cli.commands[name].params if isinstance(p, click.Option)}
        for name in ("plan", "check-config")
    )
    return first & second


def _flags(options: Iterable[click.Option]) -> str:
    rows = ((f"`{_written_flag(o)}`", str(o.envvar or ""), o.help or "") for o in options)
    return _table(("flag", "environment", "meaning"), rows)


def _written_flag(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.make_metavar(_context(cli))}"
    return ", ".join(option.opts) + value


def _context(command: click.Command) -> click.Context:
    return click.Context(command)


def _is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


def _add(found: dict[str, list[str]], place: str, options: Iterable[OptionInfo]) -> None:
    for option in options:
        for name in option.env:
            found.setdefault(name, []).append(f"`{'.'.join(filter(None, (place, option.name)))}`")


def _options(options: Iterable[OptionInfo]) -> str:
    rows = [
        (f"`{o.name}`", o.type, f"`{o.default}`" if o.default else "", " ".join(o.env), _help(o))
        for o in options
    ]
    return _table(("key", "type", "default", "environment", "meaning"), rows) if rows else ""


def _table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _help(option: OptionInfo) -> str:
    """The help with what Markdown would take for a tag, or emphasis, kept as it is."""
    return option.help.replace("<", "&lt;").replace("_*", "_\\*")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _subclasses(error: type[errors.SyncerError]) -> Iterator[type[errors.SyncerError]]:
    yield error
    for below in error.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from _subclasses(below)


def _sentence(documented: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(documented) or "").partition("\n\n")[0].split())


def main() -> None:
    """Rewrite the pages."""
    for page in PAGES:
        page.write_text(written(page.read_text()))


if __name__ == "__main__":
    main()
