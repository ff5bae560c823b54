"""Names of services: given ones, default ones, and the port that is added. Tags, too."""

from collections.abc import Iterable

import attrs

from syncer.kits.labels import LONGEST_NAME, LONGEST_TEXT, Problems, quoted, unfit
from syncer_registrator.labels.keys import Level, Setting
from syncer_registrator.labels.options import Suffix
from syncer_registrator.labels.template import Context, Template


@attrs.frozen
class Limits:
    """The limits of names or of tags: how long each may be, and how many are used."""

    word: str
    longest: int
    most: int


NAME, TAG = Limits("name", LONGEST_NAME, 32), Limits("tag", LONGEST_TEXT, 1000)
#: Used if the operator's template has no value.
_FALLBACKS = (Template((("image",),)), Template((("compose_service", "container"),)))


@attrs.frozen
class Names:
    """The names of one port's services, at least one, and where they come from."""

    names: tuple[str, ...]
    because: str


def usable(
    texts: Iterable[str], limits: Limits, origin: str, problems: Problems, *, show: bool = True
) -> tuple[str, ...]:
    """Return the names or tags that can be used; report the others. `show`: as text, too."""
    found = []
    for text in texts:
        if reason := unfit(text, limits.longest):
            shown = f"the {limits.word} {quoted(text)}" if show else f"a {limits.word}"
            problems.add(origin, f"{shown} {reason}")
        elif text:
            found.append(text)
    if len(found) > limits.most:
        reason = f"only the first {limits.most} of {len(found)} {limits.word}s are used"
        problems.add(origin, reason)
    return tuple(found[: limits.most])


@attrs.frozen
class Namer:
    """Names services by the operator's rules. `group` is how many ports can be registered."""

    template: Template
    suffix: Suffix
    group: int

    def names(
        self, given: tuple[str, ...], setting: Setting | None, context: Context, problems: Problems
    ) -> Names:
        """Return the given names, else the default one.

        No port is added if a setting, even an empty one, is for this port, or if the default
        name has the port in it.
        """
        own = setting is not None and setting.selector.level is not Level.ALL
        if given and setting:
            return self._suffixed(Names(given, setting.origin), context, own)
        default, from_template = self._default(context, problems)
        numbered = from_template and self.template.uses("port")
        return self._suffixed(default, context, own or numbered)

    def _suffixed(self, names: Names, context: Context, complete: bool) -> Names:
        several = self.group > 1
        if complete or self.suffix is Suffix.NEVER or not (several or self.suffix is Suffix.ALWAYS):
            return names
        why = f"one of {self.group} ports" if several else "as configured"
        because = f"{names.because}, with -{context.port}: {why}"
        return Names(tuple(f"{name}-{context.port}" for name in names.names), because)

    def _default(self, context: Context, problems: Problems) -> tuple[Names, bool]:
        for template in (self.template, *_FALLBACKS):
            name = template.fill(context)
            reason = unfit(name, LONGEST_NAME)
            if reason:
                problems.add("default name", f"{quoted(name)} {reason}")
            elif name.strip():
                return Names((name.strip(),), "default name"), template is self.template
        return Names((context.workload.id,), "the workload's id"), False
