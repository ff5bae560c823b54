"""Two hosts of one registry, of which one's labels chose the id that is the other's own."""

from syncer import Engine, Offer
from syncer.testing import FakeSource, make_workload

#: The id that syncer makes of `web` on host2.
OWN = "host2:web:8080"


class Squatted:
    """The hosts' engines; the thief's container has the id before the owner's is there."""

    def __init__(self, thief, owner):
        self.thief = Engine({"kit": _source("host1", "10.6.6.6", id=OWN)}, {"sink": thief})
        self._theirs = FakeSource(scope="host2")
        self.owner, self._sink = Engine({"kit": self._theirs}, {"sink": owner}), owner
        _cycle(self.thief)
        _cycle(self.owner)
        self._theirs.put(_web("host2", "10.0.0.5"))

    def settled(self):
        """Some cycles of both, and then the address that holds the id, and whose mark it has."""
        for _ in range(3):
            _cycle(self.owner)
            _cycle(self.thief)
        assert (_cycle(self.owner), _cycle(self.thief)) == (0, 0)
        (found,) = self._sink.registrations().items
        assert (found.id, found.damaged) == (OWN, "")
        return found.instance.address, found.mark.scope


def _web(scope, address, id=""):
    offer = Offer(service="web", id=id, port=8080, register_address=address, register_port=8080)
    return make_workload("web", scope=scope, id=f"{scope}-web", offers=(offer,))


def _source(scope, address, id=""):
    return FakeSource(_web(scope, address, id), scope=scope)


def _cycle(engine):
    report = engine.reconcile()["sink"]
    assert not report.failed
    return report.applied
