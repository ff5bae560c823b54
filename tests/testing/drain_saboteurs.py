"""Sinks with one fault each in what they do with a drain by hand; see `saboteurs.py`."""

import attrs
from saboteurs import Healthy, LeasingSink, finds

from syncer import Mark, Status


@finds("park")
class SabotageParksNothing(Healthy):
    """Has no form for what is drained, and does not decline the clause."""

    class kind(LeasingSink):
        def park(self, instance):
            return None


@finds("park")
class SabotageParksWhatIsUp(Healthy):
    """Takes the form in which consumers find it for one that they do not."""

    class kind(LeasingSink):
        def park(self, instance):
            return attrs.evolve(instance, status=Status.UP)


@finds("park")
class SabotageForgetsTheHold(Healthy):
    """Writes the mark without what the operator asked for."""

    class kind(LeasingSink):
        def update(self, old, new):
            return super().update(old, attrs.evolve(new, mark=_let_go(new.mark)))


@finds("park")
class SabotageListsNoHold(Healthy):
    """Keeps the hold and answers with it, but reads it no more: a cycle would undo the drain."""

    class kind(LeasingSink):
        def registrations(self):
            view = super().registrations()
            return attrs.evolve(
                view, items=[attrs.evolve(r, mark=r.mark and _let_go(r.mark)) for r in view.items]
            )


@finds("park")
class SabotageHidesWhatIsParked(Healthy):
    """Does not list what it has parked, so that nobody finds it any more."""

    class kind(LeasingSink):
        def registrations(self):
            view = super().registrations()
            return attrs.evolve(view, items=[r for r in view.items if not (r.mark and r.mark.hold)])


@finds("park")
class SabotageKeepsTheHold(Healthy):
    """An undrain that does not take the hold off."""

    class kind(LeasingSink):
        def update(self, old, new):
            hold = new.mark.hold or old.mark.hold
            return super().update(old, attrs.evolve(new, mark=attrs.evolve(new.mark, hold=hold)))


@finds("park")
class SabotageDropsWhatIsBesideTheParked(Healthy):
    """Removes what is parked by the beginning of its id."""

    class kind(LeasingSink):
        def deregister(self, old):
            super().deregister(old)
            for held in self.store.all() if old.mark and old.mark.hold else ():
                if held.id.startswith(old.id):
                    self._forget(held.id)


def _let_go(mark: Mark) -> Mark:
    return attrs.evolve(mark, hold="")
