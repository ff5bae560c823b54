"""Whose registration it is."""

import pytest
from fakes import SCOPE, SOURCE, mark

from syncer.desired.ownership import Ownership

OURS = Ownership("syncer", {SOURCE: frozenset({SCOPE, "former"}), "file": frozenset({"shared"})})


@pytest.mark.parametrize(
    ("of", "manages", "in_scope", "stray"),
    [
        (mark(), True, True, False),
        (mark(scope="former"), True, True, False),
        (mark(owner="another"), False, False, False),
        (mark(scope="elsewhere"), False, False, False),
        (mark(scope="shared"), False, True, False),
        (mark(source="gone"), False, True, True),
        (mark(source="gone", scope="elsewhere"), False, False, False),
        (None, False, False, False),
    ],
)
def test_whose_it_is(of, manages, in_scope, stray):
    """Owner, scope and source all count; a stray is of a source that is not configured."""
    found = (OURS.manages(of), OURS.in_scope(of), OURS.is_stray(of))
    assert found == (manages, in_scope, stray)


def test_of_one_source():
    """Also of one that is not configured any more."""
    assert OURS.in_scope(mark(source="gone"), "gone")
    assert not OURS.in_scope(mark(), "gone")
