"""The label dialect of registrator: `SERVICE_*` in labels and environment.

The plugin offers one label parser, `registrator`. The README of this distribution lists every
key, and every deliberate difference from the program that the dialect comes from.
"""

from collections.abc import Iterable

import syncer
from syncer_registrator.options import RegistratorOptions, Suffix
from syncer_registrator.parser import create

__all__ = ["RegistratorOptions", "Suffix", "create", "syncer_label_parsers"]


@syncer.hookimpl
def syncer_label_parsers() -> Iterable[syncer.LabelParser]:
    """The dialect of `SERVICE_*` keys."""
    return [
        syncer.LabelParser(
            name="registrator",
            options=RegistratorOptions,
            create=create,
            summary="SERVICE_* labels and environment, as registrator reads them",
        )
    ]
