"""Labels taken apart: which service each is about, and what was written wrongly."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import attrs

from syncer import did_you_mean
from syncer.kits.labels import Problems, name

T = TypeVar("T")

#: Services of one workload; more are a mistake.
MOST_SERVICES = 100


@attrs.frozen
class Settings:
    """What labels say of one thing: values by key, and `label`, the beginning of their names."""

    label: str
    values: Mapping[str, str]
    problems: Problems

    def get(self, key: str, convert: Callable[[str], T]) -> T | None:
        """What `convert` makes of the value; None if there is none, or it is a problem."""
        value = self.values.get(key)
        if value is None or not value.strip():
            return None
        try:
            return convert(value)
        except ValueError as error:
            self.problems.add(self.label + key, error)
            return None

    def below(self, start: str) -> "Settings":
        """What is said under keys that begin so, by the rest of each key."""
        found = {
            key.removeprefix(start): value
            for key, value in self.values.items()
            if key.startswith(start)
        }
        return Settings(self.label + start, found, self.problems)

    def report_unknown(self, known: Iterable[str]) -> None:
        """Report keys that are not among these, with the nearest that is."""
        words = tuple(known)
        for key in sorted(self.values.keys() - set(words)):
            hint = did_you_mean(key, words)
            self.problems.add(self.label + key, f"there is no such key{hint}")


def services(
    labels: Mapping[str, str], prefix: str, problems: Problems
) -> tuple[Mapping[str, Settings], Settings]:
    """The settings of each service by the word for it, and those that are about none."""
    found: dict[str, dict[str, str]] = {}
    alone: dict[str, str] = {}
    for label in sorted(labels):
        if not label.startswith(prefix):
            continue
        word, dot, key = label.removeprefix(prefix).partition(".")
        if not dot:
            alone[word.lower()] = labels[label]
        elif _usable(label, word, problems):
            found.setdefault(word, {})[_key(key)] = labels[label]
    if len(found) > MOST_SERVICES:
        problems.add(prefix, f"only the first {MOST_SERVICES} of {len(found)} services are read")
    by_word = {
        word: Settings(f"{prefix}{word}.", found[word], problems)
        for word in list(found)[:MOST_SERVICES]
    }
    return by_word, Settings(prefix, alone, problems)


def _usable(label: str, word: str, problems: Problems) -> bool:
    try:
        name(label)
    except ValueError as error:
        problems.add(label, f"the label {error}")
        return False
    if not word.strip():
        problems.add(label, "no service is named")
    return bool(word.strip())


def _key(key: str) -> str:
    """The key as this plugin writes it; what people name themselves stays as it is."""
    first, dot, rest = key.partition(".")
    word = first.lower().replace("_", "-")
    if word == "meta":
        return f"{word}{dot}{rest}"
    if ".header." in f".{rest}":
        before, header, after = rest.partition("header.")
        return f"{word}{dot}{before.lower().replace('_', '-')}{header}{after}"
    return f"{word}{dot}{rest.lower().replace('_', '-')}"
