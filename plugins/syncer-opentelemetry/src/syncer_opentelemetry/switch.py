"""Whether traces are on, according to OpenTelemetry's environment variables."""

import os
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from syncer import ConfigError

Listener = Callable[[Any], None]

#: Where spans are sent.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_OTLP = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}


class Switch:
    """Forwards events if traces are on, which the first event decides. Thread-safe.

    Raises `ConfigError`, once, if the variables name an exporter that is not available.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._decided = False
        self._listener: Listener | None = None

    def __call__(self, event: object) -> None:
        """Forward the event, if traces are on."""
        if not self._decided:
            self._decide()
        if self._listener is not None:
            self._listener(event)

    def _decide(self) -> None:
        with self._lock:
            if self._decided:
                return
            try:
                if names := exporters(os.environ):
                    # The OpenTelemetry SDK takes longer to import than syncer itself.
                    from syncer_opentelemetry.provider import make_spans

                    self._listener = make_spans(names)
            finally:
                self._decided = True


def exporters(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the entry points of the exporters that the variables name; none if traces are off.

    An endpoint alone means OTLP. Unlike OpenTelemetry's own default, nothing is sent without any
    variable.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    named = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if not named and any(environ.get(name) for name in ENDPOINTS):
        named = "otlp"
    names = [name.strip() for name in named.split(",") if name.strip()]
    if "none" in names:
        return ()
    return tuple(dict.fromkeys(_entry_point(name, environ) for name in names))


def _entry_point(name: str, environ: Mapping[str, str]) -> str:
    if name != "otlp":
        return name
    value = next((text for variable in _PROTOCOLS if (text := environ.get(variable))), "")
    protocol = value.strip() or "http/protobuf"
    if protocol not in _OTLP:
        known = " or ".join(_OTLP)
        raise ConfigError(f"OTEL_EXPORTER_OTLP_PROTOCOL must be {known}, not {protocol!r}")
    return _OTLP[protocol]
