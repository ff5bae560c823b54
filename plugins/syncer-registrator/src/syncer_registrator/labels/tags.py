"""Comma lists, as `SERVICE_TAGS` and the option `tags` have them."""

import re
from collections.abc import Iterable

from syncer_registrator.labels.problems import Problems, quoted, unfit

#: Tags longer than this are mistakes; registries refuse or cut them. In characters.
LONGEST_TAG = 4096
#: Tags of one service; every reader of the registry gets them all.
MOST_TAGS = 1000

_SEPARATOR = re.compile(r"(?<!\\),")


def split_list(text: str) -> tuple[str, ...]:
    r"""The parts of a comma list in their order; `\,` is a comma inside a part.

    Empty parts are dropped and spaces kept. A backslash before anything else is itself.
    """
    return tuple(part.replace(r"\,", ",") for part in _SEPARATOR.split(text) if part)


def usable_tags(
    tags: Iterable[str], origin: str, problems: Problems, *, show: bool = True
) -> tuple[str, ...]:
    """Those of the tags that can be used; the others are reported as said by `origin`.

    `show` allows that they are shown then.
    """
    usable = []
    for tag in tags:
        reason = unfit(tag, LONGEST_TAG)
        if reason:
            problems.add(origin, f"the tag {quoted(tag)} {reason}" if show else f"a tag {reason}")
        elif tag:
            usable.append(tag)
    if len(usable) > MOST_TAGS:
        problems.add(origin, f"only the first {MOST_TAGS} of {len(usable)} tags are used")
    return tuple(usable[:MOST_TAGS])
