"""The options of this dialect."""

from typing import Any

import attrs

from syncer import option


def _not_empty(instance: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not value.strip("."):
        raise ValueError("prefix must not be empty: every label would be read")


@attrs.frozen(kw_only=True)
class LabelsOptions:
    """The options of the label parser `labels`."""

    prefix: str = option(
        "syncer.",
        help="Prefix of the labels; a missing dot at its end is added",
        validator=_not_empty,
        converter=lambda text: text if text.endswith(".") else f"{text}.",
    )
