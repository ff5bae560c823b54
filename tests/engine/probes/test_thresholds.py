"""Thresholds against flapping, as Consul counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import CheckStatus, Probe
from syncer.engine.probes.thresholds import Thresholds

P, W, C = CheckStatus.PASSING, CheckStatus.WARNING, CheckStatus.CRITICAL


def counted(outcomes, **thresholds):
    """The status after each outcome."""
    counts = Thresholds(Probe(kind="tcp", address="10.0.0.1", port=1, **thresholds))
    return [counts.note(outcome) for outcome in outcomes]


@pytest.mark.parametrize(
    ("thresholds", "outcomes", "statuses"),
    [
        ({}, [P, C, P, W, C], [P, C, P, W, C]),
        ({"success_before_passing": 1, "failures_before_critical": 1}, [P, C, P], [P, C, P]),
        ({"success_before_passing": 3}, [P, P, P, C, P, P, P], [None, None, P, C, C, C, P]),
        ({"failures_before_critical": 3}, [P, C, C, P, C, C, C], [P, P, P, P, P, P, C]),
        ({"failures_before_critical": 2}, [C, C, P], [None, C, P]),
        (
            {"failures_before_warning": 2, "failures_before_critical": 4},
            [P, C, C, C, C, P],
            [P, P, W, W, C, P],
        ),
        ({"success_before_passing": 2}, [W, W, P], [None, W, P]),
    ],
)
def test_an_outcome_counts_after_as_many_as_asked_for(thresholds, outcomes, statuses):
    """One success or failure between others starts the count again."""
    assert counted(outcomes, **thresholds) == statuses


@given(st.lists(st.sampled_from([P, W, C])))
def test_without_thresholds_each_outcome_counts(outcomes):
    """The status is the last outcome."""
    assert counted(outcomes) == outcomes
