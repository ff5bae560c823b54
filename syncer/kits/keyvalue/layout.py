"""Layouts: how an instance is written to a store of keys and values, so that consumers find it.

A layout is a small class that a plugin finds by an entry-point group of its own, so that anyone
can add one:

    [project.entry-points."syncer_etcd.layouts"]
    mine = "my_package:MyLayout"

It knows keys and values and nothing else: no request, no lease, no transaction. Each instance has
one entry. The mark is in the entry's value if the consumers ignore unknown fields; else in a twin
entry outside of the consumers' prefix, which the sink writes and reads itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import ClassVar
from urllib.parse import quote, unquote

from syncer.api.errors import ConfigError, PermanentError
from syncer.api.registrations import FoundAs, Instance, Registration
from syncer.api.text import choice, did_you_mean

#: Twin entries are under this, followed by the key of the entry; not a prefix for anything else.
TWINS = "syncer"
_KEPT = frozenset(chr(code) for code in range(32, 127)) - set("/%")


class Layout(ABC):
    """A form of entries. All methods are pure.

    `prefix` is where entries are, without a slash at the end; `settings` are the layout's options,
    whose names are in `knows`. `leading_slash` overrides the class's own: in some stores no key
    begins with a slash.
    """

    #: Where the consumers look, unless configured otherwise.
    default_prefix: ClassVar[str] = "/services"
    #: Whether the consumers' keys begin with a slash.
    leading_slash: ClassVar[bool] = True
    #: Whether a twin entry has the mark, and everything else that the entry has no place for.
    twins: ClassVar[bool] = False
    #: Whether an instance must have a port.
    needs_port: ClassVar[bool] = False
    #: Whether consumers see the status of an instance that is not up.
    tells_status: ClassVar[bool] = False
    #: The names of the layout's own options.
    knows: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, prefix: str, settings: Mapping[str, str], *, leading_slash: bool | None = None
    ) -> None:
        for name in settings:
            if name not in self.knows:
                known = f"it has {', '.join(self.knows)}" if self.knows else "it has none"
                raise ConfigError(f"this layout has no option {name!r}: {known}")
        self.prefix = self._placed((prefix or self.default_prefix).rstrip("/"), leading_slash)
        if self.prefix.strip("/").partition("/")[0] in ("", TWINS):
            raise ConfigError(f"prefix {prefix!r} is not possible: choose one of its own")

    def _placed(self, prefix: str, leading_slash: bool | None) -> str:
        """Return the prefix with or without a slash ahead. Where none is usual, two ask for one."""
        if leading_slash is not None:
            prefix = prefix.lstrip("/")
        slash = self.leading_slash if leading_slash is None else leading_slash
        if not slash:
            return prefix.removeprefix("/")
        return prefix if prefix.startswith("/") else f"/{prefix}"

    @property
    def base(self) -> str:
        """The beginning of every key."""
        return f"{self.prefix}/"

    def fit(self, instance: Instance) -> None:
        """Raise PermanentError if the layout cannot hold the instance."""
        if self.needs_port and not instance.port:
            raise PermanentError(f"{instance.id}: has no port, which this layout needs")

    def key(self, instance: Instance) -> str:
        """Return the key of an entry, unique to it: by default service and id, escaped."""
        return f"{self.base}{segment(instance.service)}/{segment(instance.id)}"

    @abstractmethod
    def value(self, registration: Registration) -> str:
        """Return the value of the entry; with the mark, unless there are twins."""

    @abstractmethod
    def read(self, key: str, value: str) -> Registration | None:
        """Return an entry's registration, with its mark if it has one.

        `None` if it is not an entry of this layout. The value of a foreign entry may be anything:
        raises ValueError (or TypeError, KeyError, AttributeError) if it cannot be read.
        """

    def found_as(self, instance: Instance) -> FoundAs:
        """Return what consumers of this layout find an instance by; see `Sink.found_as`."""
        return FoundAs((instance.service,), (instance.address,))

    def id_in(self, key: str) -> str:
        """Return the id in a key, by default its last part; the key itself if it shows none."""
        return unquote(key.rpartition("/")[2])


def choose(settings: Mapping[str, str], name: str, words: Sequence[str]) -> str:
    """Return a layout's option, by default the first word. Raises ConfigError for others."""
    word = settings.get(name, words[0])
    if word not in words:
        raise ConfigError(f"{name} must be {choice(words, word)}")
    return word


def segment(text: str) -> str:
    """Return a part of a key: slashes, percent signs and control characters are escaped.

    Two texts never give the same part, and none gives "", "." or "..".
    """
    if text in (".", ".."):
        return text.replace(".", "%2E")
    return "".join(
        c if c in _KEPT or (ord(c) > 127 and c.isprintable()) else quote(c, safe="") for c in text
    )


def split_endpoint(text: str) -> tuple[str, int]:
    """Return address and port of `10.0.0.5:80` or `[::1]:80`; raises ValueError."""
    address, colon, port = text.strip().rpartition(":")
    if not colon or not address:
        raise ValueError(f"not address:port: {text!r}")
    return address, int(port)


def load_layout(
    group: str,
    name: str,
    prefix: str,
    settings: Mapping[str, str],
    *,
    leading_slash: bool | None = None,
) -> Layout:
    """Return the layout of this name in an entry-point group.

    `leading_slash` overrides the layout's own. Raises ConfigError if there is no such layout, or it
    cannot be used.
    """
    found = {point.name: point for point in entry_points(group=group)}
    point = found.get(name)
    if point is None:
        known = ", ".join(sorted(found))
        hint = did_you_mean(name, found)
        raise ConfigError(f"there is no layout {name!r}{hint} (there are: {known})")
    more = {} if leading_slash is None else {"leading_slash": leading_slash}
    try:
        layout: Layout = point.load()(prefix, settings, **more)
    except ConfigError as error:
        raise ConfigError(f"layout {name}: {error}") from error
    except Exception as error:
        where = point.dist.name if point.dist else point.value
        raise ConfigError(f"layout {name} of {where} cannot be used: {error!r}") from error
    return layout
