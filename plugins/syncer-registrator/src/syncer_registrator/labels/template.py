"""Texts with placeholders, in options. Workloads cannot bring templates.

`{image}`, `{container}`, `{hostname}`, `{compose_service}`, `{compose_project}`, `{port}`,
`{protocol}` and `{label:NAME}`; `{a|b}` is `a`, or `b` if `a` has no value.
"""

import re
from collections.abc import Callable, Mapping

import attrs

from syncer import Workload

COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_PROJECT = "com.docker.compose.project"

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_ID = re.compile("[0-9a-f]{64}")
_LABEL = "label:"


@attrs.frozen
class Context:
    """The source of placeholders' values: a workload and one of its ports."""

    workload: Workload
    port: int
    protocol: str

    def value(self, name: str) -> str:
        """Return the value of a placeholder; empty if it has none."""
        if name.startswith(_LABEL):
            return self.workload.labels.get(name.removeprefix(_LABEL), "")
        return _VALUES[name](self)


@attrs.frozen
class Template:
    """A parsed text: `pieces` are texts, or alternative placeholders."""

    pieces: tuple[str | tuple[str, ...], ...]

    def fill(self, context: Context) -> str:
        """Return the text; empty if one of the placeholders has no value."""
        filled = []
        for piece in self.pieces:
            alternatives = (piece,) if isinstance(piece, str) else map(context.value, piece)
            text = next(filter(None, alternatives), "")
            if not text:
                return ""
            filled.append(text)
        return "".join(filled)

    def uses(self, placeholder: str) -> bool:
        """Return whether the placeholder is used."""
        return any(placeholder in piece for piece in self.pieces if isinstance(piece, tuple))


def parse_template(text: str) -> Template:
    """Parse a text. Raises `ValueError` for unknown placeholders and unbalanced braces."""
    pieces: list[str | tuple[str, ...]] = []
    for index, part in enumerate(_PLACEHOLDER.split(text)):
        if index % 2:
            pieces.append(_alternatives(part))
        elif "{" in part or "}" in part:
            raise ValueError(f"unbalanced braces in {text!r}: placeholders look like {{image}}")
        elif part:
            pieces.append(part)
    return Template(tuple(pieces))


def image_name(image: str) -> str:
    """Return the last path element of an image reference, without tag and digest.

    Empty if the image has only an id.
    """
    if image.startswith("sha256:") or _ID.fullmatch(image):
        return ""
    return image.rsplit("/", 1)[-1].split("@", 1)[0].split(":", 1)[0]


def _alternatives(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split("|"))
    for name in names:
        if name not in _VALUES and not (name.startswith(_LABEL) and len(name) > len(_LABEL)):
            known = " ".join(f"{{{known}}}" for known in _VALUES)
            raise ValueError(f"unknown placeholder {{{name}}}; known are {known} {{label:NAME}}")
    return names


_VALUES: Mapping[str, Callable[[Context], str]] = {
    "image": lambda context: image_name(context.workload.image),
    "container": lambda context: context.workload.name,
    "hostname": lambda context: context.workload.hostname,
    "compose_service": lambda context: context.workload.labels.get(COMPOSE_SERVICE, ""),
    "compose_project": lambda context: context.workload.labels.get(COMPOSE_PROJECT, ""),
    "port": lambda context: str(context.port),
    "protocol": lambda context: context.protocol,
}
