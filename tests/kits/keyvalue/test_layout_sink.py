"""What sinks that keep instances in a layout have in common, without a store."""

import pytest

from syncer import PermanentError, Register, Status, Unhealthy, View
from syncer.kits.keyvalue import JsonLayout, LayoutSink, RegistratorLayout, prepared
from syncer.testing import make_instance, make_registration

ILL = make_instance("ill", status=Status.UNHEALTHY)


class Weighing(LayoutSink):
    """Takes 1000 bytes of a value at once, and writes nothing."""

    store, largest = "nothing", 1000

    def __init__(self, layout, unhealthy=None):
        super().__init__(layout("/x", {}), unhealthy)

    def registrations(self):
        return View()

    def apply(self, changes):
        return iter(())

    def _weigh(self, instance):
        return len(self._layout.value(make_registration(instance)).encode())


def test_what_is_not_up():
    """It is kept where the layout tells the status, dropped elsewhere, or as configured."""
    assert Weighing(JsonLayout).adjust(ILL) is not None
    assert Weighing(JsonLayout, Unhealthy.DROP).adjust(ILL) is None
    assert Weighing(RegistratorLayout).adjust(ILL) is None
    assert Weighing(RegistratorLayout, Unhealthy.KEEP).adjust(ILL) is not None


def test_only_twins_can_be_parked():
    """A drained instance is kept unseen where there are twins and no status, and nowhere else."""
    parked = Weighing(RegistratorLayout).park(ILL)
    assert parked is not None
    assert parked.meta["syncer-status"] == "unhealthy"
    assert Weighing(JsonLayout).park(ILL) is None

    class Both(RegistratorLayout):
        tells_status = True

    assert Weighing(Both).park(ILL) is None


def test_too_large():
    """What weighs more than the store takes is refused."""
    large = make_instance(tags=["x" * 1000])
    with pytest.raises(PermanentError, match="bytes are more than nothing takes at once"):
        Weighing(JsonLayout).adjust(large)


def test_one_that_cannot_be_written_stops_no_other():
    """Of many changes each is prepared, or refused with its own reason."""

    def make(change):
        if change.new.instance.service == "text":
            raise ValueError("no text")
        if change.new.instance.service == "path":
            raise PermanentError("no path")
        return change.id

    changes = [Register(make_registration(make_instance(name))) for name in ("text", "web", "path")]
    steps, refused = prepared(changes, make)
    assert steps == [changes[1].id]
    assert [outcome.change for outcome in refused] == [changes[0], changes[2]]
    assert all(isinstance(outcome.error, PermanentError) for outcome in refused)
    assert "cannot be written: no text" in str(refused[0].error)
