"""Tags of a service."""

from collections.abc import Iterable

from syncer.kits.labels import LONGEST_TEXT, Problems, quoted, unfit

#: Tags of one service.
MOST_TAGS = 1000


def usable_tags(
    tags: Iterable[str], origin: str, problems: Problems, *, show: bool = True
) -> tuple[str, ...]:
    """Return the tags that can be used; report the others. `show`: as text, too."""
    usable = []
    for tag in tags:
        reason = unfit(tag, LONGEST_TEXT)
        if reason:
            problems.add(origin, f"the tag {quoted(tag)} {reason}" if show else f"a tag {reason}")
        elif tag:
            usable.append(tag)
    if len(usable) > MOST_TAGS:
        problems.add(origin, f"only the first {MOST_TAGS} of {len(usable)} tags are used")
    return tuple(usable[:MOST_TAGS])
