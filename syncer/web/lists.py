"""Parts of lists, as a request asks for them: filtered, from an offset, bounded."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import attrs

from syncer.api.left_out import LeftOut
from syncer.api.registrations import Registration
from syncer.engine.as_json import left_out_json
from syncer.web.rows import Row

#: The most items in one answer, and the default.
MOST, USUAL = 500, 100
#: Bytes of JSON after which the items of an answer end: the rest is asked for by its offset.
LARGEST = 2**20
#: The instances of each service in a list of services, unless more are asked for.
EACH = 5
#: So many of one workload are listed in the summary.
FEW = 3
#: The fields of a row that a request may ask for by their value.
_FIELDS = ("source", "state", "status", "service")


@attrs.frozen(kw_only=True)
class Query:
    """Which part of a list a request asks for."""

    text: str = ""
    fields: Mapping[str, str] = attrs.Factory(dict)
    offset: int = 0
    limit: int = USUAL
    each: int = EACH


def fair(found: Collection[LeftOut]) -> Iterator[dict[str, Any]]:
    """Yield the first few of each workload, as JSON types; `more` is how many the last stands for.

    So one workload with a hundred mistakes does not push the others off a list.
    """
    left = Counter((one.source, one.id) for one in found if one.id)
    shown = Counter[tuple[str, str]]()
    for one in found:
        key = one.source, one.id
        shown[key] += 1
        if not one.id or shown[key] <= FEW:
            (plain,) = left_out_json([one])
            is_last = one.id and shown[key] == FEW < left[key]
            yield {**plain, "more": left[key] - FEW} if is_last else plain


def page(
    items: Iterable[Any],
    query: Query,
    fits: Callable[[Any, Query], bool],
    shown: Callable[[Any], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the part of the items that fit, as JSON types, and how many there are."""
    found = [item for item in items if fits(item, query)]
    asked = (dict(shown(item)) for item in found[query.offset : query.offset + query.limit])
    part = bounded(asked)
    more = query.offset + len(part) < len(found)
    return {"total": len(found), "offset": query.offset, "items": part, "more": more}


def bounded(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return as many items as an answer may have, by their length in JSON, and one at least."""
    part: list[dict[str, Any]] = []
    length = 0
    for item in items:
        length += len(json.dumps(item))
        if part and length > LARGEST:
            break
        part.append(item)
    return part


def fits_row(row: Row, query: Query) -> bool:
    """Whether a row is asked for."""
    plain, fields = row.plain, query.fields
    if (sink := fields.get("sink")) and sink not in plain["sinks"]:
        return False
    if any(fields.get(key) not in (None, "", plain[key]) for key in _FIELDS):
        return False
    if (whose := fields.get("whose")) and plain["wanted"] is (whose == "others"):
        return False
    return row.has(query.text.casefold().split())


def has(item: tuple[str, Registration], words: Iterable[str]) -> bool:
    """Whether each of these words is in an entry, whose texts are not copied into one."""
    sink, one = item
    instance, mark = one.instance, one.mark.fields() if one.mark else {}
    texts = [sink, instance.id, instance.service, instance.address, str(instance.port)]
    texts += [instance.protocol, instance.status.value, *instance.tags, *mark.values()]
    texts += [text for pair in instance.meta.items() for text in pair]
    found = [text.casefold() for text in texts]
    return all(any(word in text for text in found) for word in words)


def contains(item: Mapping[str, Any], query: Query) -> bool:
    """Whether an item has the fields and the words that are asked for."""
    if any(value and item.get(key) != value for key, value in query.fields.items()):
        return False
    text = "\n".join(str(value) for value in item.values()).casefold()
    return all(word in text for word in query.text.casefold().split())
