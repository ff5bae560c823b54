r"""Go templates, as registrator's `-tags` takes them: `{{.Name}}`, `{{toUpper .ID}}`.

Values, functions and pipes; no `if`, `with`, `range` or variables. A template is parsed once, and
a wrong one is an error of the configuration. A container without a value has no such tags.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import attrs

from syncer import Workload
from syncer_registrator.go.functions import (
    BY_REGEX,
    FUNCTIONS,
    LONGEST,
    REFUSED,
    REGEX,
    text_of,
)

#: The values of a container, named as in `docker inspect`; "*" is any name.
_SHAPE: Mapping[str, Any] = {
    "ID": "",
    "Id": "",
    "Name": "",
    "Config": {"Hostname": "", "Image": "", "Env": [], "Labels": {"*": ""}},
    "HostConfig": {"NetworkMode": ""},
    "NetworkSettings": {
        "IPAddress": "",
        "Networks": {"*": {"IPAddress": "", "GlobalIPv6Address": ""}},
    },
}
_ACTION = re.compile(r"\{\{(-\s)?(.*?)(\s-)?\}\}", re.DOTALL)
_WORD = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<number>[+-]?\d+)|(?P<path>\.[\w.]*)
    |(?P<name>[A-Za-z]\w*)|(?P<sign>[|()]))""",
    re.VERBOSE,
)
_CONTROL = frozenset(
    ("if", "else", "end", "range", "with", "define", "template", "block", "break", "continue")
)

_INSTALL = "pip install 'syncer-registrator[regex]'"

Evaluate = Callable[[Mapping[str, Any]], Any]


@attrs.frozen
class GoTemplate:
    """A parsed template: texts, and functions from a container to a value."""

    pieces: tuple[str | Evaluate, ...]

    def fill(self, workload: Workload) -> str:
        """Return the text for this workload. Raises `ValueError` if it has no value."""
        facts = _facts(workload)
        try:
            return "".join(
                piece if isinstance(piece, str) else text_of(piece(facts)) for piece in self.pieces
            )
        except (TypeError, AttributeError) as error:
            raise ValueError(f"a function does not fit its arguments: {error}") from error
        except ValueError:
            raise
        except Exception as error:  # its text may have a value of the container's in it
            name = type(error).__name__
            raise ValueError(f"a function does not fit its arguments ({name})") from error


def parse_go_template(text: str) -> GoTemplate:
    """Parse a template. Raises `ValueError` that names what is supported."""
    pieces: list[str | Evaluate] = []
    at = 0
    trim = False
    for match in _ACTION.finditer(text):
        before = text[at : match.start()]
        _refuse_braces(before)
        before = before.lstrip() if trim else before
        pieces.append(before.rstrip() if match[1] else before)
        if not match[2].lstrip().startswith("/*"):
            pieces.append(_parsed(match[2]))
        at, trim = match.end(), bool(match[3])
    _refuse_braces(text[at:])
    pieces.append(text[at:].lstrip() if trim else text[at:])
    return GoTemplate(tuple(piece for piece in pieces if piece != ""))


def _parsed(action: str) -> Evaluate:
    try:
        return _ActionParser(action).parse()
    except RecursionError:
        raise ValueError("a template has too many ( in each other") from None


def _refuse_braces(text: str) -> None:
    if "{{" in text or "}}" in text:
        raise ValueError("a template has {{ without }}, or }} without {{")


class _ActionParser:
    """Parses the text between the braces, from left to right."""

    def __init__(self, source: str) -> None:
        self._source = source.strip()
        self._words = list(_words(self._source))
        self._at = 0

    def parse(self) -> Evaluate:
        """Return the function that evaluates the action."""
        if not self._words:
            raise ValueError("a template has nothing between {{ and }}")
        parsed = self._pipeline()
        if self._at < len(self._words):
            raise self._wrong("unexpected )")
        return parsed

    def _pipeline(self) -> Evaluate:
        parsed = self._command(None)
        while self._take("sign", "|"):
            parsed = self._command(parsed)
        return parsed

    def _command(self, piped: Evaluate | None) -> Evaluate:
        kind, word = self._peek()
        if kind == "name":
            self._at += 1
            function = self._function(word)
            arguments = [*self._operands(), *([piped] if piped else [])]
            return lambda facts: function(*(argument(facts) for argument in arguments))
        operands = list(self._operands())
        if len(operands) != 1 or piped is not None:
            raise self._wrong("a value takes no arguments")
        return operands[0]

    def _operands(self) -> Iterator[Evaluate]:
        while self._at < len(self._words):
            kind, word = self._words[self._at]
            if kind == "sign" and word in "|)":
                return
            self._at += 1
            if kind == "sign":
                parsed = self._pipeline()
                if not self._take("sign", ")"):
                    raise self._wrong("a ( is not closed")
                yield parsed
            elif kind == "path":
                yield _path(word)
            elif kind == "name":
                yield _constant(self._function(word)())
            else:
                yield _constant(int(word) if kind == "number" else _unquoted(word))

    def _function(self, word: str) -> Callable[..., Any]:
        if word in _CONTROL:
            raise self._wrong(f"{word} is not supported; only values, functions and pipes are")
        if word in REFUSED:
            raise self._wrong(f"{word} is not supported: {REFUSED[word]}")
        if word not in FUNCTIONS:
            raise self._wrong(f"unknown function {word}; known are {', '.join(FUNCTIONS)}")
        if word in BY_REGEX and find_spec(REGEX) is None:
            raise self._wrong(f"{word} needs the package google-re2: {_INSTALL}")
        return FUNCTIONS[word]

    def _peek(self) -> tuple[str, str]:
        if self._at >= len(self._words):
            raise self._wrong("unexpected end")
        return self._words[self._at]

    def _take(self, kind: str, word: str) -> bool:
        found = self._words[self._at : self._at + 1] == [(kind, word)]
        self._at += found
        return found

    def _wrong(self, reason: str) -> ValueError:
        return ValueError(f"template {{{{{self._source}}}}}: {reason}")


def _words(source: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(source):
        match = _WORD.match(source, at)
        if match is None or match.lastgroup is None:
            text = f"template {{{{{source}}}}}: unexpected {source[at:].strip()!r}"
            raise ValueError(f"{text}; only values, functions and pipes are supported")
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


def _constant(value: Any) -> Evaluate:
    return lambda facts: value


def _unquoted(word: str) -> str:
    body = word[1:-1]
    return body if word[0] == "`" else re.sub(r"\\(.)", r"\1", body)


def _path(word: str) -> Evaluate:
    names = [name for name in word.split(".") if name]
    shape: Any = _SHAPE
    for place, name in enumerate(names):
        if not isinstance(shape, Mapping) or not (name in shape or "*" in shape):
            known = ", ".join(_paths(_SHAPE))
            wrong = ".".join(names[: place + 1])
            raise ValueError(f"template {{{{.{wrong}}}}}: unknown value; known are {known}")
        shape = shape.get(name, shape.get("*"))

    def look_up(facts: Any) -> Any:
        for name in names:
            if name not in facts:
                raise ValueError(f".{'.'.join(names)} has no value")
            facts = facts[name]
        return facts

    return look_up


def _paths(shape: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for name, below in shape.items():
        path = f"{before}.{'NAME' if name == '*' else name}"
        if isinstance(below, Mapping):
            yield from _paths(below, path)
        else:
            yield path


def _facts(workload: Workload) -> dict[str, Any]:
    """Return the workload as `docker inspect` shows it."""
    networks = {
        one.name: {"IPAddress": one.ipv4, "GlobalIPv6Address": one.ipv6}
        for one in workload.networks
    }
    mode = f"container:{workload.namespace}" if workload.namespace else workload.network_mode
    bridge = networks.get("bridge", {})
    return {
        "ID": workload.id,
        "Id": workload.id,
        "Name": f"/{workload.name}",
        "Config": {
            "Hostname": workload.hostname,
            "Image": workload.image,
            "Env": [f"{name}={value}"[:LONGEST] for name, value in workload.env.items()],
            "Labels": {name: value[:LONGEST] for name, value in workload.labels.items()},
        },
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"IPAddress": bridge.get("IPAddress", ""), "Networks": networks},
    }
