"""Thresholds against flapping, by the rules of Consul's checks."""

import attrs

from syncer.api.checks import CheckStatus, Probe


@attrs.define
class Thresholds:
    """Counts one probe's outcomes in a row; `status` is the result, `None` before the first."""

    _probe: Probe
    status: CheckStatus | None = None
    _successes: int = 0
    _failures: int = 0

    def note(self, outcome: CheckStatus) -> CheckStatus | None:
        """Count one outcome; return the status.

        Successes and warnings take effect after `success_before_passing` in a row. Failures count
        as a warning after `failures_before_warning`, as critical after `failures_before_critical`.
        """
        if outcome is CheckStatus.CRITICAL:
            self._failures, self._successes = self._failures + 1, 0
            self.status = self._failed()
        else:
            self._failures, self._successes = 0, self._successes + 1
            if self._successes >= self._probe.success_before_passing:
                self.status = outcome
        return self.status

    def _failed(self) -> CheckStatus | None:
        if self._failures >= self._probe.failures_before_critical:
            return CheckStatus.CRITICAL
        warning = self._probe.failures_before_warning or self._probe.failures_before_critical
        return CheckStatus.WARNING if self._failures >= warning else self.status
