"""OpenTelemetry traces: a span for each cycle of a sink and each listing of a source.

Traces are on if OpenTelemetry's environment variables name an exporter. Otherwise OpenTelemetry is
not imported, and an event costs one comparison.
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
    """Record the event, if traces are on."""
    _switch(event)
