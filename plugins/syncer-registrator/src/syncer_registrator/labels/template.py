"""Texts with placeholders, which operators write into options.

`{image}`, `{container}`, `{hostname}`, `{compose_service}`, `{compose_project}`, `{port}`,
`{protocol}` and `{label:NAME}`; `{a|b}` is `a`, or `b` where `a` has no value. Workloads cannot
bring templates of their own.
"""

import re
from collections.abc import Callable, Mapping

import attrs

from syncer import Workload

COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_PROJECT = "com.docker.compose.project"

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LABEL = "label:"


@attrs.frozen
class Place:
    """What placeholders are filled from: a workload and one of its ports."""

    workload: Workload
    port: int
    protocol: str


@attrs.frozen
class Template:
    """A text with placeholders, taken apart: `pieces` are texts, or alternatives to look up."""

    pieces: tuple[str | tuple[str, ...], ...]

    def fill(self, place: Place) -> str:
        """The text for this place; empty if one of the placeholders has no value there."""
        filled = []
        for piece in self.pieces:
            text = piece if isinstance(piece, str) else _first(piece, place)
            if not text:
                return ""
            filled.append(text)
        return "".join(filled)

    def names(self, placeholder: str) -> bool:
        """Whether the placeholder is used."""
        return any(placeholder in piece for piece in self.pieces if isinstance(piece, tuple))


def compiled(text: str) -> Template:
    """The template that a text means. Raises ValueError for unknown placeholders and braces."""
    pieces: list[str | tuple[str, ...]] = []
    for index, part in enumerate(_PLACEHOLDER.split(text)):
        if index % 2:
            pieces.append(_alternatives(part))
        elif "{" in part or "}" in part:
            raise ValueError(f"braces mark placeholders, such as {{image}}; not so in {text!r}")
        elif part:
            pieces.append(part)
    return Template(tuple(pieces))


def image_name(image: str) -> str:
    """The last path element of an image reference, without tag and digest.

    Empty for an image that has only an id, since that names nothing.
    """
    if image.startswith("sha256:") or _is_id(image):
        return ""
    return image.rsplit("/", 1)[-1].split("@", 1)[0].split(":", 1)[0]


def _is_id(image: str) -> bool:
    return len(image) == 64 and all(c in "0123456789abcdef" for c in image)


def _alternatives(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split("|"))
    for name in names:
        if name not in _VALUES and not (name.startswith(_LABEL) and len(name) > len(_LABEL)):
            known = " ".join(f"{{{known}}}" for known in _VALUES)
            raise ValueError(f"unknown placeholder {{{name}}}; there are {known} {{label:NAME}}")
    return names


def _first(names: tuple[str, ...], place: Place) -> str:
    return next(filter(None, (_value(name, place) for name in names)), "")


def _value(name: str, place: Place) -> str:
    if name.startswith(_LABEL):
        return place.workload.labels.get(name.removeprefix(_LABEL), "")
    return _VALUES[name](place)


_VALUES: Mapping[str, Callable[[Place], str]] = {
    "image": lambda place: image_name(place.workload.image),
    "container": lambda place: place.workload.name,
    "hostname": lambda place: place.workload.hostname,
    "compose_service": lambda place: place.workload.labels.get(COMPOSE_SERVICE, ""),
    "compose_project": lambda place: place.workload.labels.get(COMPOSE_PROJECT, ""),
    "port": lambda place: str(place.port),
    "protocol": lambda place: place.protocol,
}
