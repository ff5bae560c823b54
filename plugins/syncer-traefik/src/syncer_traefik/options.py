"""The options of this dialect."""

from enum import Enum

import attrs

from syncer import option


class PassOn(str, Enum):
    """Where the labels for Traefik itself go."""

    NO = "no"
    TAGS = "tags"
    META = "meta"


@attrs.frozen(kw_only=True)
class TraefikOptions:
    """The options of the label parser `traefik`."""

    exposed_by_default: bool = option(
        True, help="Offer containers that have traefik.* labels but no traefik.enable"
    )
    pass_on: PassOn = option(
        PassOn.NO,
        help="Put the traefik.* labels of a service into its tags, where Traefik's Consul Catalog"
        " provider reads them, or into its metadata: no, tags, meta",
        converter=PassOn,
    )
