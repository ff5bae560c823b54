"""Whether traces are on, by the variables that OpenTelemetry gives for it."""

import os
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from syncer import ConfigError

Listener = Callable[[Any], None]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_OTLP = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}


class Switch:
    """Hears events, and passes them on if traces are on: decided when the first one is told.

    Safe in threads. Raises ConfigError, once, if what the variables ask for cannot be had.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._decided = False
        self._listener: Listener | None = None

    def __call__(self, event: object) -> None:
        """Pass the event on, if anybody wants it."""
        if not self._decided:
            self._decide()
        if self._listener is not None:
            self._listener(event)

    def _decide(self) -> None:
        with self._lock:
            if self._decided:
                return
            try:
                if names := wanted(os.environ):
                    # Half of what follows takes longer to import than syncer itself.
                    from syncer_opentelemetry.opening import opened

                    self._listener = opened(names)
            finally:
                self._decided = True


def wanted(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The exporters that the variables ask for, by their entry points; none: traces are off.

    An endpoint alone asks for OTLP. Unlike OpenTelemetry's, this default is off: without any
    variable nothing is sent.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    named = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if not named and any(environ.get(name) for name in _ENDPOINTS):
        named = "otlp"
    names = [name.strip() for name in named.split(",") if name.strip()]
    if "none" in names:
        return ()
    return tuple(dict.fromkeys(_entry_point(name, environ) for name in names))


def _entry_point(name: str, environ: Mapping[str, str]) -> str:
    if name != "otlp":
        return name
    said = next((text for variable in _PROTOCOLS if (text := environ.get(variable))), "")
    protocol = said.strip() or "http/protobuf"
    if protocol not in _OTLP:
        known = " and ".join(_OTLP)
        raise ConfigError(f"OTEL_EXPORTER_OTLP_PROTOCOL: {known} are known, not {protocol!r}")
    return _OTLP[protocol]
