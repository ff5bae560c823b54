"""Traefik's labels as a dialect: what Traefik would balance is registered.

The plugin offers one label parser, `traefik`. The README of this distribution lists the labels that
are read, and says how the others can be passed on to a Traefik that reads the registry.
"""

from collections.abc import Iterable

import syncer
from syncer_traefik.options import PassOn, TraefikOptions
from syncer_traefik.parser import create

__all__ = ["PassOn", "TraefikOptions", "create", "syncer_label_parsers"]


@syncer.hookimpl
def syncer_label_parsers() -> Iterable[syncer.LabelParser]:
    """Offer the dialect of `traefik.*` labels."""
    return [
        syncer.LabelParser(
            name="traefik",
            options=TraefikOptions,
            create=create,
            summary="Traefik's labels, as its Docker provider reads them",
        )
    ]
