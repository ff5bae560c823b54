"""Which workloads are looked at at all, by patterns over name, image and labels."""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

import attrs

from syncer.model import Workload
from syncer.values import as_tuple

#: Longer patterns are refused, and of longer values only so much is looked at: a workload's
#: owner must not be able to slow down everybody's registrations.
LONGEST_PATTERN = 256
LONGEST_VALUE = 1024

_FORMS = "name:GLOB, image:GLOB, label:KEY or label:KEY=GLOB"

_Test = Callable[[Workload], bool]


@attrs.frozen
class Filter:
    """Admits a workload, unless an `exclude` pattern fits it, or there are `include` patterns and
    none of them fits.

    Patterns are `name:GLOB`, `image:GLOB`, `label:KEY` (the workload has it) and
    `label:KEY=GLOB`. A glob knows `*`, `?` and `[...]`, is matched against the whole value, and
    case counts. Raises ValueError for a pattern that is none of these.
    """

    include: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    exclude: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    _included: tuple[_Test, ...] = attrs.field(init=False, eq=False, repr=False)
    _excluded: tuple[tuple[str, _Test], ...] = attrs.field(init=False, eq=False, repr=False)

    @_included.default
    def _compile_include(self) -> tuple[_Test, ...]:
        return tuple(test for _, test in _compiled(self.include))

    @_excluded.default
    def _compile_exclude(self) -> tuple[tuple[str, _Test], ...]:
        return tuple(_compiled(self.exclude))

    def why_not(self, workload: Workload) -> str:
        """Why the workload is left out, in words; "" if it is admitted."""
        for pattern, fits in self._excluded:
            if fits(workload):
                return f"excluded by the filter {pattern}"
        if not self._included or any(fits(workload) for fits in self._included):
            return ""
        return f"not included by any filter: {', '.join(self.include)}"


def _compiled(patterns: Iterable[str]) -> Iterable[tuple[str, _Test]]:
    for pattern in patterns:
        yield pattern, _test(pattern)


def _test(pattern: str) -> _Test:
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"filter {pattern[:40]!r}... is longer than {LONGEST_PATTERN} characters")
    kind, _, rest = pattern.partition(":")
    if not rest or kind not in ("name", "image", "label"):
        raise ValueError(f"filter {pattern!r} is none of {_FORMS}")
    if kind == "label":
        return _label_test(pattern, rest)
    matches = _glob(rest)
    if kind == "name":
        return lambda workload: matches(workload.name)
    return lambda workload: matches(workload.image)


def _label_test(pattern: str, rest: str) -> _Test:
    key, equals, glob = rest.partition("=")
    if not key or any(c in key for c in "*?["):
        raise ValueError(f"filter {pattern!r}: a label's name is needed, and is matched as it is")
    if not equals:
        return lambda workload: key in workload.labels
    matches = _glob(glob)
    return lambda workload: key in workload.labels and matches(workload.labels[key])


def _glob(glob: str) -> Callable[[str], bool]:
    match = re.compile(translate(glob)).match
    return lambda value: match(value[:LONGEST_VALUE]) is not None
