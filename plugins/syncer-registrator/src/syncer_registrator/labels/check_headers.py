"""What an HTTP check sends: its method and its headers."""

import json
import re

from syncer_registrator.labels.convert import LONGEST_TEXT, Reader, word
from syncer_registrator.labels.known_keys import header_number
from syncer_registrator.labels.problems import Unusable, unfit

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORM = "not `Name: value`, nor a JSON object of names and values"

Headers = dict[str, tuple[str, ...]]


def method(text: str) -> str:
    """A request method in capitals. Raises ValueError for anything else than a word."""
    name = word(text).upper()
    if not (name.isascii() and name.isalpha()):
        raise Unusable("a request method", name)
    return name


def read_headers(reader: Reader) -> Headers:
    """The headers that `header`, `header_1`, ... give, in the order of their numbers."""
    numbers = {key: header_number(key) for key in reader.settings}
    merged: Headers = {}
    for _, key in sorted((place, key) for key, place in numbers.items() if place is not None):
        for name, values in (reader.value(_headers, key) or {}).items():
            merged[name] = merged.get(name, ()) + values
    return merged


def _headers(text: str) -> Headers:
    """One setting's headers. Error texts leave values out: they may be passwords."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"is longer than {LONGEST_TEXT} characters")
    if text.lstrip().startswith("{"):
        return _from_json(text)
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(_FORM)
    return {_name(name.strip()): (_value(value.strip()),)}


def _from_json(text: str) -> Headers:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(_FORM) from None
    headers: Headers = {}
    for name, given in found.items():
        values = given if isinstance(given, list) else [given]
        headers[_name(name)] = tuple(_value(value) for value in values)
    return headers


def _name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("what should be the name of a header is none")
    return name


def _value(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(_FORM)
    reason = unfit(value, LONGEST_TEXT)
    if reason:
        raise ValueError(f"the value of a header {reason}")
    return value
