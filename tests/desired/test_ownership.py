"""Whose registration it is."""

import pytest
from fakes import SCOPE, SOURCE, mark

from syncer.desired.ownership import ANY, Ownership

SCOPES = {SOURCE: frozenset({SCOPE, "former"}), "file": frozenset({"shared"})}
OURS = Ownership("syncer", SCOPES, {SOURCE: frozenset({"me", "was me"}), "file": frozenset()})
UNTOLD = Ownership("syncer", SCOPES, {SOURCE: None, "file": frozenset()})
ANYBODY = Ownership("syncer", SCOPES, {SOURCE: frozenset({ANY}), "file": frozenset()})


@pytest.mark.parametrize(
    ("of", "manages", "in_scope", "stray", "namesake"),
    [
        (mark(), True, True, False, False),
        (mark(scope="former"), True, True, False, False),
        (mark(owner="another"), False, False, False, False),
        (mark(scope="elsewhere"), False, False, False, False),
        (mark(scope="shared"), False, True, False, False),
        (mark(source="gone"), False, True, True, False),
        (mark(source="gone", scope="elsewhere"), False, False, False, False),
        (mark(identity="me"), True, True, False, False),
        (mark(identity="was me", scope="former"), True, True, False, False),
        (mark(identity="another"), False, False, False, True),
        (mark(identity="another", scope="former"), False, False, False, True),
        (mark(identity="another", owner="another"), False, False, False, False),
        (mark(identity="another", scope="elsewhere"), False, False, False, False),
        (mark(identity="another", scope="shared"), False, False, False, False),
        (mark(identity="another", source="file", scope="shared"), False, False, False, True),
        (mark(identity="another", source="gone"), False, False, False, True),
        (mark(identity="me", source="gone"), False, True, True, False),
        (None, False, False, False, False),
    ],
)
def test_whose_it_is(of, manages, in_scope, stray, namesake):
    """Owner, scope, identity and source count; a stray is of a source that is not configured."""
    found = (OURS.manages(of), OURS.in_scope(of), OURS.is_stray(of), OURS.is_namesake(of))
    assert found == (manages, in_scope, stray, namesake)


def test_an_identity_that_is_not_told_yet():
    """Whatever has the scope is kept alive, but nobody may purge it, and nobody is a namesake."""
    other = mark(identity="another")
    assert UNTOLD.manages(mark())
    assert UNTOLD.manages(other)
    assert not UNTOLD.in_scope(other)
    assert not UNTOLD.is_stray(mark(identity="another", source="gone"))
    assert not UNTOLD.is_namesake(other)


def test_any_identity():
    """The scope alone decides."""
    other = mark(identity="another")
    assert ANYBODY.manages(other)
    assert ANYBODY.in_scope(other)
    assert not ANYBODY.is_namesake(other)


def test_of_one_source():
    """Also of one that is not configured any more."""
    assert OURS.in_scope(mark(source="gone"), "gone")
    assert not OURS.in_scope(mark(), "gone")
