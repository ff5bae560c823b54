"""The functions of registrator's tag templates, and some of Go's own.

Each takes its arguments as in Go, the piped one last, and raises `ValueError` for wrong ones.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

#: The longest text that a function may make: labels must not choose how much memory it takes.
LONGEST = 65_536
#: The module for regular expressions, in the package google-re2, and the functions that need it.
REGEX = "re2"
BY_REGEX = frozenset({"matchFirstElement", "matchAllElements"})
#: Functions of registrator that are not supported, and why.
REFUSED: Mapping[str, str] = {
    "httpGet": "registering a container must not wait for a web server",
    "jsonParse": "it is only of use with httpGet",
}


def text_of(value: Any) -> str:
    """Return a value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(map(text_of, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{key}:{text_of(value[key])}" for key in sorted(value))
        return f"map[{' '.join(pairs)}]"
    return str(value)


def _str_slice(text: str, *ends: int) -> str:
    """Return a part of a text, or all of it if an end is out of range."""
    if any(not 0 <= end <= len(text) for end in ends) or len(ends) not in (1, 2):
        return text
    if len(ends) == 1 or ends[1] < ends[0]:
        return text[ends[0] :]
    return text[ends[0] : ends[1]]


def _s_index(index: int, items: Sequence[str]) -> str:
    """Return an item, counted from the end if negative; out of range: the first or last."""
    if not items:
        raise ValueError("sIndex of an empty list")
    if index < 0:
        return items[max(index, -len(items))]
    return items[min(index, len(items) - 1)]


def _split(separator: str, text: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _matching(pattern: str, items: Sequence[str]) -> list[str]:
    found = _compiled(pattern)
    return [item for item in items if found.search(item)]


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    """Compile a pattern by RE2, as Go does: the time that it takes grows with the text only.

    With Python's own `re` one value of one container could stop the process.
    """
    re2 = import_module(REGEX)
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"not a regular expression: {pattern!r}: {error}") from None


def _replace(count: int, old: str, new: str, text: str) -> str:
    found = text.count(old)
    times = found if count < 0 else min(count, found)
    _check_length(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, count)


def _join(separator: str, items: Sequence[str]) -> str:
    _check_length(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def _check_length(length: int) -> None:
    if length > LONGEST:
        raise ValueError(f"a text is longer than {LONGEST} characters")


def _index(holder: Any, *keys: Any) -> Any:
    """Go's own `index`. Of a missing key it is empty."""
    for key in keys:
        if isinstance(holder, Mapping):
            holder = holder.get(key, "")
        elif isinstance(holder, list) and isinstance(key, int) and 0 <= key < len(holder):
            holder = holder[key]
        else:
            raise ValueError(f"index {key!r} is out of range")
    return holder


def _printf(form: str, *values: Any) -> str:
    """Go's `printf` with `%s`, `%v`, `%d`, `%q` without widths, and `%%`."""
    left = list(values)

    def fill(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        if not left:
            raise ValueError(f"printf {form!r}: more verbs than values")
        value = text_of(left.pop(0))
        return f'"{value}"' if match[1] == "q" else value

    made = re.sub(r"%([svdq%])", fill, form)
    if left:
        raise ValueError(f"printf {form!r}: more values than verbs")
    return made


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "strSlice": _str_slice,
    "sIndex": _s_index,
    "mIndex": lambda key, holder: _index(holder, key),
    "toUpper": str.upper,
    "toLower": str.lower,
    "replace": _replace,
    "join": _join,
    "split": _split,
    "splitIndex": lambda index, separator, text: _s_index(index, _split(separator, text)),
    "matchFirstElement": lambda pattern, items: next(iter(_matching(pattern, items)), ""),
    "matchAllElements": _matching,
    "index": _index,
    "print": lambda *values: "".join(map(text_of, values)),
    "printf": _printf,
    "or": lambda *values: next(filter(None, values), values[-1]),
}
