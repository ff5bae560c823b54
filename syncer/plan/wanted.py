"""Instances in the form that one sink can hold, as the planner takes them."""

from collections.abc import Mapping

import attrs

from syncer.api.errors import PermanentError
from syncer.api.fields import EMPTY, as_tuple, frozen_map
from syncer.api.keys import Claim, Place
from syncer.api.registrations import Instance, Mark, Registration


@attrs.frozen(kw_only=True)
class Wanted:
    """An instance that one sink should hold.

    `instance` is what is written, `listed` what a listing shows of it afterwards.
    """

    instance: Instance
    listed: Instance
    mark: Mark
    #: Position of the source in the configuration: the first one wins if two claim one id.
    order: int = 0
    #: Whether the id was given: one that syncer makes of a workload goes before it.
    given_id: bool = False

    @property
    def registration(self) -> Registration:
        """The registration that is written."""
        return Registration(instance=self.instance, mark=self.mark)


class Forbidden(PermanentError):
    """Consumers would find the instance in a way that its source does not allow."""


@attrs.frozen
class Rejected:
    """Why a sink does not hold an instance, with its service and place.

    If it cannot, an older form of it stays; not if it is `forbidden` that consumers find it there.
    """

    reason: str
    service: str = ""
    place: Place = Place("", 0)
    forbidden: bool = False

    @classmethod
    def of(cls, offered: Instance, error: PermanentError) -> "Rejected":
        """Return why the sink cannot represent an offered instance."""
        reason = str(error).removeprefix(f"{offered.id}: ")  # shown next to its id
        return cls(reason, offered.service, offered.place, isinstance(error, Forbidden))

    def may_be(self, held: Instance) -> bool:
        """Whether an entry may be this instance: the sink may have registered another name."""
        return self.place == held.place or self.service == held.service


@attrs.frozen(kw_only=True)
class Adjusted:
    """Everything that one sink should hold, and what it should not, with the reason.

    `withheld` are instances that are not listed in their present status, `rejected` those that
    the sink cannot or must not hold, `unprobed` those whose health syncer has yet to find out. All
    are by claim: other workloads may claim the same id.
    """

    wanted: tuple[Wanted, ...] = attrs.field(default=(), converter=as_tuple)
    withheld: Mapping[Claim, Place] = attrs.field(default=EMPTY, converter=frozen_map)
    rejected: Mapping[Claim, Rejected] = attrs.field(default=EMPTY, converter=frozen_map)
    unprobed: Mapping[Claim, Place] = attrs.field(default=EMPTY, converter=frozen_map)

    def keeps_older(self, claim: Claim) -> Rejected | None:
        """Return why the sink cannot hold it, so that an older form of it stays; else `None`."""
        found = self.rejected.get(claim)
        return found if found and not found.forbidden else None
