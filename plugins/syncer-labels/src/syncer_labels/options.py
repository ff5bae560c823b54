"""What an operator can set for this dialect."""

from typing import Any

import attrs

from syncer import option


def _prefix(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not value.strip("."):
        raise ValueError("prefix must not be empty: every label would be a service's")


@attrs.frozen(kw_only=True)
class LabelsOptions:
    """The options of the label parser `labels`."""

    prefix: str = option(
        "syncer.",
        help="What the labels begin with; a missing dot at its end is added",
        validator=_prefix,
        converter=lambda text: text if text.endswith(".") else f"{text}.",
    )
