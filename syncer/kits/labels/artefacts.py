"""Accidents in values: quotes and blanks that the way to a container adds, the host's port.

Nobody means them.
"""

from collections.abc import Iterable

from syncer.api.workloads import Port
from syncer.kits.labels.problems import Problems

#: Quotes, each with the one that ends it: typographic ones come from copied documents.
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c"}
#: A mark of byte order, and a space without width: editors add them, and nobody sees them.
_UNSEEN = "\ufeff\u200b"


def as_meant(label: str, value: str, problems: Problems, *, keep_blanks: bool = False) -> str:
    """Return a value without quotes, blanks and line ends around all of it; report them.

    `docker run --env-file` and `--label-file` keep the quotes that a shell or Compose takes off.
    With `keep_blanks` only quotes and line ends are left out.
    """
    bare = _stripped(value)
    if inner := _inside_quotes(bare):
        problems.add(label, "the quotes around its value are left out")
        return _stripped(inner)
    kept = value.strip("\r\n" + _UNSEEN) if keep_blanks else bare
    if kept != value:
        problems.add(label, "the blanks or line ends around its value are left out")
    return kept


def report_quotes(label: str, value: str, problems: Problems) -> None:
    """Report quotes around a free text, which stay: they may be meant."""
    if _inside_quotes(_stripped(value)):
        problems.add(label, "the quotes around its value are kept, as a part of it")


def host_port(number: int, ports: Iterable[Port]) -> str:
    """Return what to write in place of a port of the host; "" for any other port.

    Labels are about the container's own ports.
    """
    for port in ports:
        if any(binding.port == number for binding in port.bindings):
            return f"{number} is the host's port: write {port.number}"
    return ""


def _stripped(value: str) -> str:
    return value.strip().strip(_UNSEEN).strip()


def _inside_quotes(value: str) -> str:
    """Return what stands between two quotes if they enclose all of the value, else ""."""
    end = _QUOTES.get(value[:1])
    if end is None or len(value) < 3 or value.find(end, 1) != len(value) - 1:
        return ""
    return value[1:-1]
