"""Converters of this dialect; see those of the kit."""

from syncer.kits.labels import Settings, values

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})


def truth(value: str) -> bool:
    """Return whether the word means true."""
    return values.truth(value, _TRUE, _FALSE)


def switch(settings: Settings, key: str) -> bool | None:
    """Read true or false; any other word is reported, and means true, as in registrator."""
    setting = settings.given(key)
    if setting is None:
        return None
    try:
        return truth(setting.value)
    except ValueError as error:
        settings.report(setting, error, "; taken as true")
        return True
