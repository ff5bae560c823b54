"""Traces by OpenTelemetry: a span for each cycle of a sink, and for each listing of a source.

On if OpenTelemetry's own variables ask for an exporter. Otherwise nothing of it is imported, and an
event costs the question whether it is on.
"""

from typing import TYPE_CHECKING

from syncer import hookimpl
from syncer_opentelemetry.switch import Switch

if TYPE_CHECKING:
    from syncer.events import AnyEvent

__all__ = ["syncer_event"]

_switch = Switch()


@hookimpl
def syncer_event(event: "AnyEvent") -> None:
    """Make a span of it, if traces are on."""
    _switch(event)
