r"""Go templates as people give them to registrator's `-tags`: `{{.Name}}`, `{{toUpper .ID}}`.

Values, functions and pipes; no `if`, `with`, `range` or variables. A template is read once, and
wrong ones are refused then, so that no odd container can stop anything: where it has no value
for one, that container is without these tags.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from syncer import Workload
from syncer_registrator.go.functions import FUNCTIONS, REFUSED, text_of

#: What is known of a container, in the words of `docker inspect`; under "*" are any names.
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

Make = Callable[[Mapping[str, Any]], Any]


@attrs.frozen
class GoTemplate:
    """A template taken apart: texts, and what makes a value of a container."""

    pieces: tuple[str | Make, ...]

    def fill(self, workload: Workload) -> str:
        """The text for this workload. Raises ValueError where there is none."""
        facts = _facts(workload)
        try:
            return "".join(
                piece if isinstance(piece, str) else text_of(piece(facts)) for piece in self.pieces
            )
        except (TypeError, AttributeError) as error:
            raise ValueError(f"a function does not fit its arguments: {error}") from error


def go_template(text: str) -> GoTemplate:
    """The template that a text means. Raises ValueError, with what can be had instead."""
    pieces: list[str | Make] = []
    at = 0
    trim = False
    for match in _ACTION.finditer(text):
        before = text[at : match.start()]
        _refuse_braces(before)
        before = before.lstrip() if trim else before
        pieces.append(before.rstrip() if match[1] else before)
        if not match[2].lstrip().startswith("/*"):
            pieces.append(_Action(match[2]).made())
        at, trim = match.end(), bool(match[3])
    _refuse_braces(text[at:])
    pieces.append(text[at:].lstrip() if trim else text[at:])
    return GoTemplate(tuple(piece for piece in pieces if piece != ""))


def _refuse_braces(text: str) -> None:
    if "{{" in text or "}}" in text:
        raise ValueError("a template's {{ has no }}, or the other way round")


class _Action:
    """Reads what stands between the braces, from left to right."""

    def __init__(self, source: str) -> None:
        self._source = source.strip()
        self._words = list(_words(self._source))
        self._at = 0

    def made(self) -> Make:
        """What the whole action makes."""
        if not self._words:
            raise ValueError("a template has nothing between {{ and }}")
        made = self._pipeline()
        if self._at < len(self._words):
            raise self._wrong("there is a ) too many")
        return made

    def _pipeline(self) -> Make:
        made = self._command(None)
        while self._take("sign", "|"):
            made = self._command(made)
        return made

    def _command(self, piped: Make | None) -> Make:
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

    def _operands(self) -> Iterator[Make]:
        while self._at < len(self._words):
            kind, word = self._words[self._at]
            if kind == "sign" and word in "|)":
                return
            self._at += 1
            if kind == "sign":
                made = self._pipeline()
                if not self._take("sign", ")"):
                    raise self._wrong("a ( is not closed")
                yield made
            elif kind == "path":
                yield _path(word)
            elif kind == "name":
                yield _constant(self._function(word)())
            else:
                yield _constant(int(word) if kind == "number" else _unquoted(word))

    def _function(self, word: str) -> Callable[..., Any]:
        if word in _CONTROL:
            raise self._wrong(f"{word} cannot be had; values, functions and pipes can")
        if word in REFUSED:
            raise self._wrong(f"{word} cannot be had: {REFUSED[word]}")
        if word not in FUNCTIONS:
            raise self._wrong(f"there is no function {word}; there are {', '.join(FUNCTIONS)}")
        return FUNCTIONS[word]

    def _peek(self) -> tuple[str, str]:
        if self._at >= len(self._words):
            raise self._wrong("something is missing at its end")
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
            text = f"template {{{{{source}}}}}: cannot be read from {source[at:].strip()!r} on"
            raise ValueError(f"{text}; values, functions and pipes can be had")
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


def _constant(value: Any) -> Make:
    return lambda facts: value


def _unquoted(word: str) -> str:
    body = word[1:-1]
    return body if word[0] == "`" else re.sub(r"\\(.)", r"\1", body)


def _path(word: str) -> Make:
    names = [name for name in word.split(".") if name]
    shape: Any = _SHAPE
    for place, name in enumerate(names):
        if not isinstance(shape, Mapping) or not (name in shape or "*" in shape):
            known = ", ".join(_paths(_SHAPE))
            wrong = ".".join(names[: place + 1])
            raise ValueError(f"template {{{{.{wrong}}}}} is not known; known are {known}")
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
    """The workload in the words of `docker inspect`."""
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
            "Env": [f"{name}={value}" for name, value in workload.env.items()],
            "Labels": dict(workload.labels),
        },
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {"IPAddress": bridge.get("IPAddress", ""), "Networks": networks},
    }
