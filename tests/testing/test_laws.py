"""How the contract kit works a sink: as the engine does, pulse included."""

from datetime import timedelta

from syncer.plugin.builtin.memory import MemorySink
from syncer.testing import make_instance, wait_until
from syncer.testing.laws import Desk


class Leasing(MemorySink):
    """Notes what it is asked to renew."""

    pulse = timedelta(milliseconds=1)

    def __init__(self):
        super().__init__()
        self.renewed = []

    def renew(self, held):
        self.renewed.append({one.id for one in held})
        return ()


def test_what_the_law_wrote_is_renewed():
    """However slow the machine is: entries on a lease must not run out under the law."""
    sink = Leasing()
    desk = Desk(sink, lambda check, instance: check, 10)
    one, two = make_instance("one"), make_instance("two")
    with desk.renewing():
        for wanted in ([one, two], [two], []):
            desk.settle(wanted)
            ids = {instance.id for instance in wanted}
            wait_until(lambda ids=ids: sink.renewed[-1:] == [ids], 10, "they are renewed")


def test_without_a_pulse_nothing_is_renewed():
    """A sink that needs none is left alone."""
    desk = Desk(MemorySink(), lambda check, instance: check, 10)
    with desk.renewing():
        desk.settle([make_instance()])
