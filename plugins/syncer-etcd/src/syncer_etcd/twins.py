"""Where twin entries stand: outside of the consumers' prefix, one beside each entry.

A twin holds the mark, and all else that an entry of its layout has no room for.
"""

from syncer.kits.keyvalue.layout import TWINS


def twin_key(key: str) -> str:
    """The key of the twin of an entry: with a slash before it if the entry's has one."""
    return f"/{TWINS}{key}" if key.startswith("/") else f"{TWINS}/{key}"


def entry_key(twin: str) -> str:
    """The key of the entry whose twin this is."""
    return twin.removeprefix(f"/{TWINS}") if twin.startswith("/") else twin[len(TWINS) + 1 :]
