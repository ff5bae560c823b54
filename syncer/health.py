"""Placeholder while the prober is being written: replace this file whole."""

from collections.abc import Callable, Collection
from typing import Any

from syncer.checks import CheckResult, Probe


class Prober:
    """Probes nothing."""

    def __init__(self, **_: Callable[..., Any]) -> None:
        pass

    def want(self, who: str, probes: Collection[Probe]) -> None:
        """Nothing."""

    def result(self, probe: Probe) -> CheckResult | None:
        """Nothing."""
        return None

    def wait(self, timeout: float) -> bool:
        """Nothing to wait for."""
        return True

    def close(self) -> None:
        """Nothing."""
