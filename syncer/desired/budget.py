"""The budget of a workload: how much is registered of it, whatever its labels ask for. Pure.

Each label has its limits, but ports, names, tags and checks multiply. Without a budget one workload
could take the time and the memory of all others.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from syncer.api.checks import Check
from syncer.api.workloads import Offer

#: Bytes of tags and metadata of one instance, and of everything of one workload.
OF_INSTANCE, OF_WORKLOAD = 64 * 1024, 1024 * 1024
#: Bytes that each tag or key, and each check, takes in addition to its text.
_EACH, _CHECK = 32, 400


def within_budget(offers: Sequence[Any], most: int) -> tuple[tuple[Offer, ...], tuple[str, ...]]:
    """Return the first offers that are within the budget, and what was left out, in words.

    What is no offer, by a source's mistake, is not judged here.
    """
    found: list[Offer] = []
    problems: list[str] = []
    left, sizes = OF_WORKLOAD, dict[int, int]()
    for offer in offers[:most]:
        if isinstance(offer, Offer):
            offer, problem = _cut(offer)
            if id(offer.checks) not in sizes:  # services share them
                sizes[id(offer.checks)] = sum(map(_size_of_check, offer.checks))
            left -= _EACH + _size(offer) + sizes[id(offer.checks)]
            problems += [f"{offer.service}: {problem}"] if problem else []
        if left < 0:
            break
        found.append(offer)
    if len(found) < len(offers):
        problems.append(_left_out(len(offers), len(found), fits=left >= 0))
    return tuple(found), tuple(problems)


def _left_out(of: int, used: int, *, fits: bool) -> str:
    why = (
        "the source's setting most_instances allows more"
        if fits
        else f"together they have more than {OF_WORKLOAD:,} bytes of tags, metadata and checks"
    )
    return f"{of:,} services of one workload: only the first {used} are registered; {why}"


def _cut(offer: Offer) -> tuple[Offer, str]:
    """Return the offer with as many tags, then metadata, as an instance may have."""
    if _size(offer) <= OF_INSTANCE:
        return offer, ""
    left = OF_INSTANCE
    tags: list[str] = []
    meta: dict[str, str] = {}
    for tag in offer.tags:
        if (left := left - _EACH - _bytes(tag)) < 0:
            break
        tags.append(tag)
    for key, text in sorted(offer.meta.items()):
        if (left := left - _EACH - _bytes(key) - _bytes(text)) < 0:
            break
        meta[key] = text
    problem = (
        f"more than {OF_INSTANCE:,} bytes of tags and metadata: only the first {len(tags)} of"
        f" {len(offer.tags)} tags and {len(meta)} of {len(offer.meta)} keys are used"
    )
    return attrs.evolve(offer, tags=tags, meta=meta), problem


def _size(offer: Offer) -> int:
    return _size_of((*offer.tags, *offer.meta.values())) + sum(map(_bytes, offer.meta))


def _size_of_check(check: Check) -> int:
    texts = (check.name, check.notes, check.path, check.body, *check.command, *check.headers)
    return _CHECK + _size_of((*texts, *(text for one in check.headers.values() for text in one)))


def _size_of(texts: Iterable[str]) -> int:
    return sum(_EACH + _bytes(text) for text in texts)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
