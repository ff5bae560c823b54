"""Filters: which workloads and services are registered, by name, image, label or tag."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import translate
from typing import Any

import attrs

from syncer.api.fields import as_tuple
from syncer.api.workloads import Offer, Workload

#: Longer patterns are refused, and only this much of a value is compared: the owner of one
#: workload must not be able to slow down the registration of all others.
LONGEST_PATTERN = 256
LONGEST_VALUE = 1024

_Matches = Callable[[str], bool]

_FORMS = "name:GLOB, image:GLOB, label:KEY, label:KEY=GLOB, service:GLOB or tag:GLOB"


@attrs.frozen
class _Pattern:
    """A pattern with its test, of the workload or of one offer."""

    text: str
    workload: Callable[[Workload], bool] = lambda workload: False
    offer: Callable[[Offer], bool] | None = None

    def fits(self, workload: Workload, offers: Iterable[Offer]) -> bool:
        """Whether it fits the workload or one of these offers."""
        return self.workload(workload) or (self.offer is not None and any(map(self.offer, offers)))


def _pattern(text: str) -> _Pattern:
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"filter {text[:40]!r}... is longer than {LONGEST_PATTERN} characters")
    kind, _, rest = text.partition(":")
    if not rest or kind not in ("name", "image", "label", "service", "tag"):
        raise ValueError(f"filter {text!r} is not valid: use {_FORMS}")
    if kind == "label":
        return _Pattern(text, _label_test(text, rest))
    matches = _glob(rest)
    if kind == "service":
        return _Pattern(text, offer=lambda offer: matches(offer.service))
    if kind == "tag":
        return _Pattern(text, offer=lambda offer: any(map(matches, offer.tags)))
    if kind == "name":
        return _Pattern(text, lambda workload: matches(workload.name))
    return _Pattern(text, lambda workload: matches(workload.image))


def _label_test(pattern: str, rest: str) -> Callable[[Workload], bool]:
    key, equals, glob = rest.partition("=")
    if not key or any(c in key for c in "*?["):
        raise ValueError(f"filter {pattern!r}: needs a label name without wildcards")
    if not equals:
        return lambda workload: key in workload.labels
    matches = _glob(glob)
    return lambda workload: key in workload.labels and matches(workload.labels[key])


def _name_glob(glob: str) -> _Matches:
    if not glob or len(glob) > LONGEST_PATTERN:
        raise ValueError(f"{glob[:40]!r} is not a pattern of 1 to {LONGEST_PATTERN} characters")
    return _glob(_folded(glob))


def _folded(name: str) -> str:
    """Return a name without its case: equal for names that any registry takes for equal.

    Some make upper case of names, as of a dotless i, some lower case, as of a dotted capital I.
    """
    return name.replace("\u0130", "i").upper().casefold()


def _glob(glob: str) -> _Matches:
    match = re.compile(translate(glob)).match
    return lambda value: match(value[:LONGEST_VALUE]) is not None


def _compiled(field: str, compile: Callable[[str], object]) -> Any:
    """Declare a field that has the texts of another one, compiled."""
    made = attrs.Factory(lambda self: tuple(map(compile, getattr(self, field))), takes_self=True)
    return attrs.field(init=False, eq=False, repr=False, default=made)


@attrs.frozen
class Filter:
    """Admits an offer unless an `exclude` pattern matches, or no `include` pattern does.

    Without `include` patterns everything is included. Patterns are `name:GLOB`, `image:GLOB`,
    `label:KEY` (the workload has it) and `label:KEY=GLOB` for the workload, `service:GLOB` and
    `tag:GLOB` for the offer. A glob (`*`, `?`, `[...]`) is matched against the whole value; case
    matters. Raises ValueError for any other pattern.

    `allow_names` and `deny_names` are globs over service names, where case does not matter, as in
    DNS. A name must be allowed (if any are) and not denied, whatever the patterns say.
    """

    include: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    exclude: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    allow_names: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    deny_names: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    _included: tuple[_Pattern, ...] = _compiled("include", _pattern)
    _excluded: tuple[_Pattern, ...] = _compiled("exclude", _pattern)
    _allowed: tuple[_Matches, ...] = _compiled("allow_names", _name_glob)
    _denied: tuple[_Matches, ...] = _compiled("deny_names", _name_glob)

    def why_not(self, workload: Workload) -> str:
        """Return why the workload is left out; "" if it, or one of its offers, may be admitted."""
        for pattern in self._excluded:
            if pattern.workload(workload):
                return f"excluded by the filter {pattern.text}"
        if any(pattern.offer for pattern in self._included) or self._includes(workload):
            return ""
        return self._not_included()

    def why_not_offer(self, workload: Workload, offer: Offer) -> str:
        """Return why an offer of an admitted workload is left out; "" if it is admitted."""
        if self.judges_names and (why_not := self.why_not_name(offer.service)):
            return why_not
        for pattern in self._excluded:
            if pattern.offer and pattern.offer(offer):
                return f"excluded by the filter {pattern.text}"
        if self._includes(workload) or any(p.offer and p.offer(offer) for p in self._included):
            return ""
        return self._not_included()

    def unused(self, world: Sequence[tuple[Workload, Sequence[Offer]]]) -> Iterator[str]:
        """Yield the setting and text of each pattern that fits no workload and no offer."""
        for setting, patterns in (("include", self._included), ("exclude", self._excluded)):
            for pattern in patterns:
                if not any(pattern.fits(workload, offers) for workload, offers in world):
                    yield f"{setting} {pattern.text}"
        services = {_folded(offer.service) for _, offers in world for offer in offers}
        for text, matches in zip(self.allow_names, self._allowed, strict=True):
            if not any(map(matches, services)):
                yield f"allow_names {text}"

    @property
    def judges_names(self) -> bool:
        """Whether there are `allow_names` or `deny_names`."""
        return bool(self._allowed or self._denied)

    def why_not_name(self, service: str) -> str:
        """Return why `allow_names` or `deny_names` refuse a name; "" if they do not."""
        name = _folded(service)
        if any(matches(name) for matches in self._denied):
            return f"the service name {service!r} is denied by deny_names"
        if self._allowed and not any(matches(name) for matches in self._allowed):
            return f"the service name {service!r} is not in allow_names"
        return ""

    def _includes(self, workload: Workload) -> bool:
        return not self._included or any(p.workload(workload) for p in self._included)

    def _not_included(self) -> str:
        return f"not included by any filter: {', '.join(self.include)}"
