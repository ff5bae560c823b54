"""Many changes in one transaction, and what happens when one is refused."""

import attrs
import pytest

from syncer import Deregister, Outcome, PermanentError, Reason, TemporaryError
from syncer.kits.keyvalue import batches, send_all
from syncer.testing import make_instance, make_registration


@attrs.frozen
class Step:
    """One key, one operation."""

    name: str
    size: int = 1
    operations: int = 1

    @property
    def change(self):
        return Deregister(make_registration(make_instance(id=self.name)), Reason.PURGED)

    @property
    def keys(self):
        return [self.name]


def names(found):
    return ["".join(step.name for step in batch) for batch in found]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([Step(name) for name in "abcde"], ["abc", "de"]),
        ([Step("a", size=6), Step("b", size=6)], ["a", "b"]),
        ([Step("a", size=99), Step("b")], ["a", "b"]),
        ([Step("a"), Step("b"), Step("a")], ["ab", "a"]),
        ([Step("a", operations=2), Step("b", operations=2)], ["a", "b"]),
    ],
)
def test_as_few_as_fit(steps, found):
    """Operations and bytes are limited, and no key is in a transaction twice."""
    assert names(batches(steps, 3, 10)) == found


def sent(refuse, fatal=(TemporaryError,)):
    """The batches that were sent, and the ids that failed."""
    tried = []

    def send(batch):
        tried.append(names([batch])[0])
        refuse(tried[-1])
        return [Outcome(step.change) for step in batch], []

    todo = batches([Step(name) for name in "abcdef"], 4, 99)
    outcomes = list(send_all(todo, send, fatal))
    assert sorted(one.change.id for one in outcomes) == list("abcdef")
    return tried, [one.change.id for one in outcomes if one.error]


def test_a_refused_batch_is_split():
    """Until the one to blame is alone; the others are written."""

    def refuse(batch):
        if "b" in batch:
            raise PermanentError("not this one")

    assert sent(refuse) == (["abcd", "ab", "a", "b", "cd", "ef"], ["b"])


def test_nothing_more_is_tried_when_there_is_no_answer():
    """With thousands of instances that would take an hour."""

    def refuse(batch):
        raise TemporaryError("no answer")

    assert sent(refuse) == (["abcd"], list("abcdef"))


def test_what_is_sent_again_goes_first():
    """Steps that were not to blame are sent again, without the others."""
    tried = []

    def send(batch):
        tried.append(names([batch])[0])
        again = batch[1:] if len(batch) > 2 else []
        return [Outcome(step.change) for step in batch if step not in again], again

    list(send_all(batches([Step(name) for name in "abcdef"], 3, 99), send))
    assert tried == ["abc", "bc", "def", "ef"]
