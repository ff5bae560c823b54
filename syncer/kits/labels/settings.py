"""Settings: what the labels of a workload say of one service."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import attrs

from syncer.kits.labels.problems import BadValue, Problems, escaped

T = TypeVar("T")


@attrs.frozen(eq=False)
class Setting:
    """A label, or a variable of the environment, with its name as written."""

    name: str
    value: str
    from_env: bool = False

    @property
    def origin(self) -> str:
        """The name as problems show it."""
        return escaped(self.name)


@attrs.frozen
class Settings:
    """Settings by key. `label` is what the names of their labels begin with."""

    label: str
    by_key: Mapping[str, Setting]
    problems: Problems

    def given(self, key: str) -> Setting | None:
        """Return the setting, or `None` if it is missing or empty."""
        setting = self.by_key.get(key)
        return setting if setting and setting.value.strip() else None

    def get(self, key: str, convert: Callable[[str], T]) -> T | None:
        """Return the converted value, or `None` if it is missing, empty or wrong.

        A `ValueError` of `convert` is reported as a problem.
        """
        setting = self.given(key)
        if setting is None:
            return None
        try:
            return convert(setting.value)
        except ValueError as error:
            self.report(setting, error)
            return None

    def report(self, setting: Setting, error: ValueError, consequence: str = "") -> None:
        """Report a bad value. Values of variables are not shown."""
        hidden = setting.from_env and isinstance(error, BadValue)
        reason = error.without_value if hidden else error  # type: ignore[attr-defined]
        self.problems.add(setting.origin, f"{reason}{consequence}")

    def below(self, start: str) -> "Settings":
        """Return the settings whose keys begin with `start`, by the rest of their keys."""
        found = {
            key.removeprefix(start): setting
            for key, setting in self.by_key.items()
            if key.startswith(start)
        }
        return Settings(self.label + start, found, self.problems)

    def report_unknown(self, known: Iterable[str]) -> None:
        """Report keys that are not among these."""
        words = tuple(known)
        for key in sorted(self.by_key.keys() - set(words)):
            self.problems.add_unknown(self.by_key[key].name, key, words)
