"""Names of services: given names, default names, and the port that is added to them."""

import attrs

from syncer.kits.labels import LONGEST_NAME, Problems, quoted, unfit
from syncer.kits.labels.values import split_list
from syncer_registrator.labels.keys import Level, Setting
from syncer_registrator.labels.options import Suffix
from syncer_registrator.labels.template import Context, Template

#: Names of one port.
MOST_NAMES = 32

#: Used if the operator's template has no value.
_FALLBACKS = (Template((("image",),)), Template((("compose_service", "container"),)))


@attrs.frozen
class Names:
    """The names of one port's services, at least one, and where they come from."""

    names: tuple[str, ...]
    because: str


def given_names(setting: Setting | None, problems: Problems) -> tuple[str, ...]:
    """Return the names that a setting lists, each once; report those that cannot be used."""
    if setting is None:
        return ()
    names: dict[str, None] = {}
    for part in split_list(setting.value):
        name = part.strip()
        reason = unfit(name, LONGEST_NAME)
        if reason:
            what = "a name" if setting.from_env else f"the name {quoted(name)}"
            problems.add(setting.origin, f"{what} {reason}")
        elif name:
            names[name] = None
    if len(names) > MOST_NAMES:
        problems.add(setting.origin, f"only the first {MOST_NAMES} of {len(names)} names are used")
    return tuple(names)[:MOST_NAMES]


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
