"""The headers of an HTTP check."""

import json

from syncer.kits.labels import LONGEST_TEXT, Settings, unfit
from syncer.kits.labels.checks import header_name
from syncer_registrator.labels.known_keys import header_number

_FORM = "must be `Name: value`, or a JSON object of names and values"

Headers = dict[str, tuple[str, ...]]


def read_headers(settings: Settings) -> Headers:
    """Return the headers of `header`, `header_1`, ..., in the order of their numbers."""
    numbers = {key: header_number(key) for key in settings.by_key}
    merged: Headers = {}
    for _, key in sorted((number, key) for key, number in numbers.items() if number is not None):
        for name, values in (settings.get(key, _headers) or {}).items():
            merged[name] = merged.get(name, ()) + values
    return merged


def _headers(text: str) -> Headers:
    """Read the headers of one setting. Errors leave values out: they may be passwords."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"is longer than {LONGEST_TEXT} characters")
    if text.lstrip().startswith("{"):
        return _from_json(text)
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(_FORM)
    return {header_name(name.strip()): (_value(value.strip()),)}


def _from_json(text: str) -> Headers:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(_FORM) from None
    headers: Headers = {}
    for name, given in found.items():
        values = given if isinstance(given, list) else [given]
        headers[header_name(name)] = tuple(_value(value) for value in values)
    return headers


def _value(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(_FORM)
    if reason := unfit(value, LONGEST_TEXT):
        raise ValueError(f"the value of a header {reason}")
    return value
