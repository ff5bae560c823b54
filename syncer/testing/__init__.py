"""The test kit for plugin authors: contracts to pass, builders, fakes and generated values.

    from syncer.testing import SinkContract

    class TestMySink(SinkContract):
        declines = {"race": "the registry has no compare-and-set"}

        @pytest.fixture
        def sink(self): ...

`SinkContract`, `SourceContract` and `ParserContract` have at least one test for each clause of the
contract. The docstrings of their modules list the clauses and the fixtures that each clause needs.
A clause is skipped only if the plugin declines it with a reason, never because a fixture is
missing.

New mandatory clauses come only in minor releases, never in patch releases.

This package needs pytest and, for generated values, hypothesis. No other part of syncer imports it.
"""

from typing import TYPE_CHECKING, Any

import pytest

pytest.register_assert_rewrite(
    "syncer.testing.clauses",
    "syncer.testing.sinks",
    "syncer.testing.draining",
    "syncer.testing.leases",
    "syncer.testing.laws",
    "syncer.testing.parsers",
    "syncer.testing.sources",
)

from syncer.testing.builders import (  # noqa: E402 - after the registration for rewriting
    OWNER,
    SCOPE,
    SOURCE,
    make_instance,
    make_mark,
    make_registration,
    make_workload,
)
from syncer.testing.clauses import clause  # noqa: E402
from syncer.testing.fakes import FakeSource, FaultySink, ManualClock  # noqa: E402
from syncer.testing.parsers import REACHABLE, ParserContract, make_labelled  # noqa: E402
from syncer.testing.sinks import SinkContract  # noqa: E402
from syncer.testing.sources import SourceContract  # noqa: E402
from syncer.testing.waiting import wait_until  # noqa: E402

if TYPE_CHECKING:
    from syncer.testing.strategies import checks, instances, marks, natives, registrations

__all__ = [
    "OWNER",
    "REACHABLE",
    "SCOPE",
    "SOURCE",
    "FakeSource",
    "FaultySink",
    "ManualClock",
    "ParserContract",
    "SinkContract",
    "SourceContract",
    "checks",
    "clause",
    "instances",
    "make_instance",
    "make_labelled",
    "make_mark",
    "make_registration",
    "make_workload",
    "marks",
    "natives",
    "registrations",
    "wait_until",
]


def __getattr__(name: str) -> Any:
    """Import the strategies, and with them hypothesis, when one is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'syncer.testing' has no attribute {name!r}")
    from syncer.testing import strategies

    return getattr(strategies, name)
