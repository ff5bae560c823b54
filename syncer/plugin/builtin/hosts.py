"""The hosts format: `address name` lines in one block per owner, among other lines.

    127.0.0.1 localhost
    # BEGIN syncer owner syncer
    #: {"id":"h:web:80","service":"web","address":"10.0.0.5","port":80,"mark":{...}}
    10.0.0.5 web
    # END syncer owner syncer

Everything outside the blocks is kept, byte for byte. Comments before each line hold what syncer
reads back. They are split into short pieces: some resolvers read lines into a buffer of 512 bytes
and take the rest for another line.
"""

import ipaddress
import re
from collections.abc import Sequence

import attrs

from syncer import Instance, PermanentError, Registration
from syncer.plugin.builtin import codec
from syncer.plugin.builtin.formats import Entry, Format

BEGIN, END, NOTE = "# BEGIN syncer owner", "# END syncer owner", "#: "
_PIECE = 200
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


class HostsFormat(Format):
    """For /etc/hosts, and resolvers that read such files."""

    tells_status = False
    errors = "surrogateescape"

    def parse(self, text: str) -> list[Entry]:
        """Return registrations in blocks, and all other lines unchanged."""
        entries: list[Entry] = []
        block: str | None = None
        notes: list[str] = []
        for number, line in enumerate(_lines(text), 1):
            bare = line.rstrip("\r\n")
            if _is(bare, BEGIN):
                if block is not None:
                    raise ValueError(f"line {number}: nested block of syncer")
                block = bare[len(BEGIN) :].strip()
            elif block is not None and _is(bare, END):
                if notes:  # without the line that they describe
                    entries.append(Entry(raw="".join(notes), broken=True, block=block))
                    notes.clear()
                block = None
            elif block is None:
                entries.append(Entry(raw=line))
            elif line.startswith(NOTE):
                notes.append(line)
            else:
                entries.append(self._parse_entry(notes, line, block))
                notes.clear()
        if block is not None:
            raise ValueError(f"the block of owner {block!r} has no end")
        return entries

    def _parse_entry(self, notes: Sequence[str], line: str, block: str) -> Entry:
        if not notes:
            return Entry(raw=line, block=block)
        record = "".join(note[len(NOTE) :].rstrip("\r\n") for note in notes)
        raw = "".join(notes) + line
        try:
            fields = codec.loads(record)
        except ValueError:
            return Entry(raw=raw, broken=True, block=block)
        seen = fields.get("id") if isinstance(fields, dict) else ""
        return self.read_back(raw, fields, seen, block)

    def render(self, entries: Sequence[Entry]) -> str:
        """Return the lines; new entries join their owner's block, or a new one at the end."""
        text = ""
        open_block: str | None = None
        for entry in _gathered(entries):
            if entry.block != open_block:
                if open_block is not None:
                    text += f"{END} {open_block}".rstrip() + "\n"
                if entry.block is not None:
                    text += "" if not text or text.endswith("\n") else "\n"
                    text += f"{BEGIN} {entry.block}".rstrip() + "\n"
                open_block = entry.block
            text += entry.raw
        return text if open_block is None else text + f"{END} {open_block}".rstrip() + "\n"

    def raw(self, registration: Registration) -> str:
        """Return the notes and the line."""
        record = codec.dumps(codec.fields_of(registration), ascii_only=True)
        # A piece must not end in a space, which editors remove.
        record = record.replace(" ", "\\u0020")
        pieces = [record[at : at + _PIECE] for at in range(0, len(record), _PIECE)]
        instance = registration.instance
        notes = "".join(f"{NOTE}{piece}\n" for piece in pieces)
        return f"{notes}{instance.address} {instance.service}\n"

    def entry(self, registration: Registration) -> Entry:
        """Return the entry, in the block of its owner."""
        owner = registration.mark.owner.strip() if registration.mark else ""
        return attrs.evolve(super().entry(registration), block=owner)

    def fit(self, instance: Instance) -> None:
        """Raise `PermanentError` unless it has an IP address and a valid host name."""
        try:
            ipaddress.ip_address(instance.address)
        except ValueError:
            text = f"{instance.id}: a hosts file needs an IP address, not {instance.address!r}"
            raise PermanentError(text) from None
        if not _NAME.fullmatch(instance.service):
            raise PermanentError(f"{instance.id}: {instance.service!r} is not a host name")
        if instance.service.lower().rpartition(".")[2] == "localhost":
            raise PermanentError(f"{instance.id}: {instance.service} is this host, and nobody else")


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; unlike with `splitlines`, only line feeds count."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _is(line: str, marker: str) -> bool:
    return line == marker or line.startswith(marker + " ")


def _gathered(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries with each block together, in the place of its first entry."""
    ordered: list[Entry] = []
    seen: set[str] = set()
    for entry in entries:
        if entry.block is None:
            ordered.append(entry)
        elif entry.block not in seen:
            seen.add(entry.block)
            ordered += [other for other in entries if other.block == entry.block]
    return ordered
