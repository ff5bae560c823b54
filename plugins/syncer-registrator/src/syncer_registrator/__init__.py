"""registrator's label dialect, `SERVICE_*` in labels and environment, and its command line.

The plugin offers one label parser and one command line, both `registrator`. The README of this
distribution lists every key, and every deliberate difference from registrator.
"""

from collections.abc import Iterable, Mapping, Sequence

import syncer
from syncer_registrator.labels.options import RegistratorOptions, Suffix
from syncer_registrator.labels.parser import create

__all__ = ["RegistratorOptions", "Suffix", "create", "syncer_command_lines", "syncer_label_parsers"]


@syncer.hookimpl
def syncer_label_parsers() -> Iterable[syncer.LabelParser]:
    """Offer the dialect of `SERVICE_*` keys."""
    return [
        syncer.LabelParser(
            name="registrator",
            options=RegistratorOptions,
            create=create,
            summary="SERVICE_* labels and environment, as registrator reads them",
        )
    ]


def _read(arguments: Sequence[str], environ: Mapping[str, str]) -> syncer.Invocation:
    from syncer_registrator.command_line import read

    return read(arguments, environ)


@syncer.hookimpl
def syncer_command_lines() -> Iterable[syncer.CommandLine]:
    """Offer registrator's command line."""
    return [
        syncer.CommandLine(
            name="registrator", create=_read, summary="registrator's flags and registry URIs"
        )
    ]
