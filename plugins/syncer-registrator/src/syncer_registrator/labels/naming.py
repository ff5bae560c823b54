"""What services are called: given names, default names, and the port that is added to them."""

import attrs

from syncer_registrator.labels.convert import LONGEST_NAME
from syncer_registrator.labels.keys import Level, Setting
from syncer_registrator.labels.options import Suffix
from syncer_registrator.labels.problems import Problems, quoted, unfit
from syncer_registrator.labels.tags import split_list
from syncer_registrator.labels.template import Place, Template

#: Names of one port; more are a mistake.
MOST_NAMES = 32

#: Used where the operator's template has no value: the image's name, then what else there is.
_FALLBACKS = (Template((("image",),)), Template((("compose_service", "container"),)))


@attrs.frozen
class Names:
    """The names of one port's services, never none, and where they come from."""

    names: tuple[str, ...]
    because: str


def given_names(setting: Setting | None, problems: Problems) -> tuple[str, ...]:
    """The names that a setting lists, each once; unusable ones are reported and left out."""
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
    """Gives names by the operator's rules; `group` is how many ports can be registered."""

    template: Template
    suffix: Suffix
    group: int

    def names(
        self, given: tuple[str, ...], setting: Setting | None, place: Place, problems: Problems
    ) -> Names:
        """The names of this place: those given, else the default one.

        A setting for this port keeps its names as they are, and so it does for a default name
        if its value is empty.
        """
        own = setting is not None and setting.selector.level is not Level.ALL
        if given and setting:
            return self._suffixed(Names(given, setting.origin), place, own)
        default, from_template = self._default(place, problems)
        numbered = from_template and self.template.names("port")
        return self._suffixed(default, place, own or numbered)

    def _suffixed(self, names: Names, place: Place, complete: bool) -> Names:
        several = self.group > 1
        if complete or self.suffix is Suffix.NEVER or not (several or self.suffix is Suffix.ALWAYS):
            return names
        why = f"one of {self.group} ports" if several else "as configured"
        because = f"{names.because}, with -{place.port}: {why}"
        return Names(tuple(f"{name}-{place.port}" for name in names.names), because)

    def _default(self, place: Place, problems: Problems) -> tuple[Names, bool]:
        for template in (self.template, *_FALLBACKS):
            name = template.fill(place)
            reason = unfit(name, LONGEST_NAME)
            if reason:
                problems.add("default name", f"{quoted(name)} {reason}")
            elif name.strip():
                return Names((name.strip(),), "default name"), template is self.template
        return Names((place.workload.id,), "the workload's id"), False
