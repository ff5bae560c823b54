"""The base of both contracts: clauses have names, and are skipped only if declined."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])


def clause(name: str) -> Callable[[F], F]:
    """Decorate a test as part of a clause of the contract."""

    def mark(test: F) -> F:
        test.clause = name  # type: ignore[attr-defined]
        return test

    return mark


def needed(what: str, name: str = "...") -> Any:
    """Return a fixture that fails unless the author overrides it or declines the clause `name`."""

    def fixture(self: object, request: pytest.FixtureRequest) -> NoReturn:
        pytest.fail(
            f"provide the fixture `{request.fixturename}` ({what}), or decline the clause with a"
            f' reason: declines = {{"{name}": "..."}}',
            pytrace=False,
        )

    fixture.__doc__ = what
    return pytest.fixture(fixture)


class Contract:
    """The base of the contracts.

    `declines` maps clauses that do not apply to the reason, which pytest shows with the skip.
    `patience` is how many seconds the registry or runtime may take for what it reports late: a
    wake, the removal of an expired entry, or a write after `Sink.stale_for` has passed.
    """

    declines: ClassVar[Mapping[str, str]] = {}
    patience: ClassVar[float] = 20.0

    @classmethod
    def clauses(cls) -> frozenset[str]:
        """Return the names of all clauses."""
        tests = (getattr(cls, name) for name in dir(cls) if name.startswith("test_"))
        return frozenset(filter(None, (getattr(test, "clause", None) for test in tests)))

    @pytest.fixture(autouse=True)
    def _skip_if_declined(self, request: pytest.FixtureRequest) -> None:
        unknown = sorted(set(self.declines) - self.clauses())
        if unknown:
            known = ", ".join(sorted(self.clauses()))
            pytest.fail(f"declines: unknown clause {unknown[0]!r}; known: {known}", pytrace=False)
        name: str = getattr(request.function, "clause", "")
        if name in self.declines:
            pytest.skip(f"{name}: {self.declines[name]}")
