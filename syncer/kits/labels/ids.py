"""Ids of offers. The core makes them of the workload and the port, unless they are given."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence

import attrs

from syncer.api.workloads import Offer, Workload


def with_own_ids(workload: Workload, offers: Sequence[Offer]) -> Iterator[Offer]:
    """Give offers that share a port, and have no id, an id that names the service."""
    sharing = Counter(_port(offer) for offer in offers)
    start = f"{workload.scope}:{workload.name or workload.id}"
    for offer in offers:
        if not offer.id and sharing[_port(offer)] > 1:
            port, protocol = _port(offer)
            own = f"{start}:{port}:{protocol}:{offer.service}"
            with contextlib.suppress(ValueError):  # the workload's name is not fit for ids
                offer = attrs.evolve(offer, id=own)
        yield offer


def _port(offer: Offer) -> tuple[int, str]:
    return offer.port or offer.register_port or 0, offer.protocol
