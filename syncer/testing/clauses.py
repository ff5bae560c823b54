"""Shared by both contracts: clauses have names, and are skipped only if the plugin declares so."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])


def clause(name: str) -> Callable[[F], F]:
    """Mark a test as part of a clause of the contract."""

    def mark(test: F) -> F:
        test.clause = name  # type: ignore[attr-defined]
        return test

    return mark


def missing(fixture: str, what: str, name: str) -> NoReturn:
    """Fail: the author neither gave the fixture nor declined the clause."""
    pytest.fail(
        f"give the fixture `{fixture}` ({what}), or declare why the clause does not apply: "
        f'declines = {{"{name}": "..."}}',
        pytrace=False,
    )


class Contract:
    """The base of the contracts.

    `declines` maps the clauses that do not apply to the reason, which the skip shows. `patience` is
    how many seconds the other side may take: to wake, to drop an expired entry, to show a write
    beyond `Sink.stale_for`.
    """

    declines: ClassVar[Mapping[str, str]] = {}
    patience: ClassVar[float] = 20.0

    @classmethod
    def clauses(cls) -> frozenset[str]:
        """The names of all clauses."""
        tests = (getattr(cls, name) for name in dir(cls) if name.startswith("test_"))
        return frozenset(filter(None, (getattr(test, "clause", None) for test in tests)))

    @pytest.fixture(autouse=True)
    def _only_what_applies(self, request: pytest.FixtureRequest) -> None:
        unknown = sorted(set(self.declines) - self.clauses())
        if unknown:
            known = ", ".join(sorted(self.clauses()))
            pytest.fail(f"declines: no clause {unknown[0]!r} (there are: {known})", pytrace=False)
        name: str = getattr(request.function, "clause", "")
        if name in self.declines:
            pytest.skip(f"{name}: {self.declines[name]}")
