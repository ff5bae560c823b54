"""What was written wrongly, collected in words for the people who wrote it."""

from syncer.kits.labels import MOST_PROBLEMS
from syncer.kits.labels import quoted as quoted
from syncer.kits.labels import unfit as unfit


class Unusable(ValueError):
    """A value that is not what it must be; `expected` says what that is.

    The value is told apart, since it is shown of labels only: people keep passwords in
    environments, and a variable may be meant for another program.
    """

    def __init__(self, expected: str, value: str) -> None:
        super().__init__(f"must be {expected}, not {quoted(value)}")
        self.without_value = f"must be {expected}"


def told(error: ValueError, *, show_value: bool) -> str:
    """The error in words, with the value that it is about only if that may be shown."""
    if isinstance(error, Unusable) and not show_value:
        return error.without_value
    return str(error)


class Problems:
    """Collects problem texts while one workload is read; each counts once."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._left_out = 0

    def add(self, origin: str, reason: str) -> None:
        """Report what is wrong with what `origin`, a setting's description, says."""
        text = f"{origin}: {reason}"
        if text in self._texts:
            return
        if len(self._texts) < MOST_PROBLEMS:
            self._texts[text] = None
        else:
            self._left_out += 1

    def texts(self) -> tuple[str, ...]:
        """All problems in the order found, the last one counting those left out."""
        more = (f"{self._left_out} more problems are not shown",) if self._left_out else ()
        return (*self._texts, *more)
