"""Instances in the form that one sink can hold, as the planner takes them."""

from collections.abc import Mapping

import attrs

from syncer.api.fields import EMPTY, as_tuple, frozen_map
from syncer.api.keys import Claim, Place
from syncer.api.model import Instance, Mark, Registration


@attrs.frozen(kw_only=True)
class Wanted:
    """An instance as it should stand in one sink.

    `instance` is what will be written, `listed` what a listing will show of it.
    """

    instance: Instance
    listed: Instance
    mark: Mark
    #: For equal claims on one id: the place of the source in the configuration.
    order: int = 0

    @property
    def registration(self) -> Registration:
        """What a write hands to the sink."""
        return Registration(instance=self.instance, mark=self.mark)


@attrs.frozen
class Rejected:
    """Why the sink cannot hold an instance, and which service it is, where."""

    reason: str
    service: str = ""
    place: Place = Place("", 0)

    def may_be(self, held: Instance) -> bool:
        """Whether what stands there may be the same: a sink's form may have another name."""
        return self.place == held.place or self.service == held.service


@attrs.frozen(kw_only=True)
class Aim:
    """All that should stand in one sink.

    `withheld` maps what is not listed in its present status to its address and port, `rejected`
    what this sink cannot hold. `unprobed` is what syncer is about to find the health
    of, with address and port. All are by claim: what is so for one workload says nothing of another
    that asks for the same id.
    """

    wanted: tuple[Wanted, ...] = attrs.field(default=(), converter=as_tuple)
    withheld: Mapping[Claim, Place] = attrs.field(default=EMPTY, converter=frozen_map)
    rejected: Mapping[Claim, Rejected] = attrs.field(default=EMPTY, converter=frozen_map)
    unprobed: Mapping[Claim, Place] = attrs.field(default=EMPTY, converter=frozen_map)
