"""The plain label dialect: `syncer.<service>.<key>`.

The plugin offers one label parser, `labels`. The README of this distribution lists every key.
"""

from collections.abc import Iterable

import syncer
from syncer_labels.options import LabelsOptions
from syncer_labels.parser import create

__all__ = ["LabelsOptions", "create", "syncer_label_parsers"]


@syncer.hookimpl
def syncer_label_parsers() -> Iterable[syncer.LabelParser]:
    """Offer the dialect of `syncer.*` labels."""
    return [
        syncer.LabelParser(
            name="labels",
            options=LabelsOptions,
            create=create,
            summary="plain labels, such as syncer.web.port=8080",
        )
    ]
