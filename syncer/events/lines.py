"""Events as records: a stable word and fields for machines, a sentence for people."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import singledispatch
from typing import Any

import attrs

from syncer import events
from syncer.api.changes import Change, Deregister, Register, Skip, SkipKind, Treat, Update
from syncer.api.checks import CheckStatus
from syncer.api.left_out import missing
from syncer.api.registrations import Instance
from syncer.api.secrets import hidden
from syncer.api.text import many, printable

#: More new skips of one kind than this in one cycle become one line, and so do the problems of
#: one workload after this many.
MANY = 20
#: The longest text of a field: a registry may answer with a whole page.
LONGEST, LONGEST_TRACE = 2000, 20_000
#: Fields of an update whose old and new value are short enough for a sentence.
_SHORT = ("service", "address", "port", "protocol", "weight", "owner")
_DONE = {Register: "registered", Update: "updated", Deregister: "deregistered"}
_SAID = {Register: "registered in", Update: "updated in", Deregister: "removed from"}


@attrs.frozen
class Record:
    """One line of the log. `event` never changes for one kind of event; `text` may."""

    level: str
    event: str
    text: str
    fields: Mapping[str, Any] = attrs.Factory(dict)


def escaped(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Escape control characters in the fields, take secrets out, and cut long texts."""
    return {
        key: _escaped(value, LONGEST_TRACE if key == "trace" else LONGEST)
        for key, value in fields.items()
    }


def _escaped(value: Any, longest: int) -> Any:
    if isinstance(value, (list, tuple)):
        return [_escaped(item, longest) for item in value]
    return printable(hidden(value, data=True), longest) if isinstance(value, str) else value


@singledispatch
def records(event: Any) -> Iterator[Record]:
    """Return the log records of an event; none for an event of a later version."""
    yield from ()


@records.register
def _(event: events.SourceListed) -> Iterator[Record]:
    fields: dict[str, Any] = {"source": event.source, "workloads": event.workloads}
    text = f"{event.source} listed: {many(event.workloads, 'workload')}"
    if event.unclear:
        fields["unclear"] = event.unclear
        text += f", {event.unclear} cannot be read"
    if not event.complete:
        fields["complete"] = False
        text += "; the listing is incomplete"
    yield Record("info" if event.first else "debug", "source listed", text, fields)


@records.register
def _(event: events.LoopFailed) -> Iterator[Record]:
    fields: dict[str, Any] = {"of": event.loop, "error": event.error}
    text = f"{event.loop}: {event.error}"
    if event.retry_in:
        fields |= {"failures": event.failures, "retry_in": f"{event.retry_in:.1f}s"}
        text += f" (retry in {max(1, round(event.retry_in))} s)"
    if event.trace:
        fields["trace"] = event.trace
    yield Record("warning" if event.news else "debug", f"{event.loop} failed", text, fields)


@records.register
def _(event: events.LoopRecovered) -> Iterator[Record]:
    text = f"{event.loop} recovered after {many(event.failures, 'failure')}"
    fields = {"of": event.loop, "failures": event.failures}
    yield Record("info", f"{event.loop} recovered", text, fields)


@records.register
def _(event: events.ProblemsFound) -> Iterator[Record]:
    fields = {"source": event.source, "workload": event.workload}
    where = f"{_quoted(event.workload)} ({event.source})"
    for text in event.problems[:MANY]:
        yield Record("warning", "problem", f"{where}: {text}", {**fields, "problem": text})
    if (more := len(event.problems) - MANY) > 0:
        text = f"{more} more problems, shown by explain"
        yield Record("warning", "more problems", f"{where}: {text}", {**fields, "more": more})


@records.register
def _(event: events.LeftOutChanged) -> Iterator[Record]:
    kinds = Counter(one.kind for one in event.left_out if one.kind.missing)
    fields: dict[str, Any] = {"source": event.source}
    fields |= {kind.value.replace("-", "_"): count for kind, count in kinds.items()}
    count = missing(event.left_out)
    text = f"{event.source}: {many(count, 'workload')} not registered"
    # Else what is only noted would look like one of them.
    told = [one for one in event.left_out if one.missing or not one.workload]
    if told:
        fields["for_example"] = ": ".join(filter(None, (told[0].workload, told[0].text)))
        text += f"{', for example:' if count else ';'} {fields['for_example']}"
    yield Record("info" if event.news else "debug", "left out", text, fields)


@records.register
def _(event: events.ChangeApplied) -> Iterator[Record]:
    fields = {"sink": event.sink, **described(event.change)}
    if event.drift:
        fields["drift"] = True
    yield Record("info", _DONE[type(event.change)], _applied(event), fields)


@records.register
def _(event: events.ChangeFailed) -> Iterator[Record]:
    fields = {"sink": event.sink, **described(event.change), "error": event.error}
    if event.permanent:
        fields["refused"] = True
    kind = type(event.change)
    error = event.error.removeprefix(f"{event.change.id}: ")
    text = f"{_subject(event.change)} not {_SAID[kind]} {event.sink}: {error}"
    yield Record("warning", f"not {_DONE[kind]}", text, fields)


@records.register
def _(event: events.SkipsChanged) -> Iterator[Record]:
    groups: defaultdict[tuple[SkipKind, str], list[Skip]] = defaultdict(list)
    for skip in event.skips:
        once = Treat.ONCE in skip.kind.treat
        groups[skip.kind, skip.reason if once else ""].append(skip)
    for (kind, reason), skips in groups.items():
        level = "warning" if Treat.WARN in kind.treat else "info"
        if len(skips) > MANY or (reason and len(skips) > 1):
            fields = {**_skip(event.sink, skips[0]), "for_example": True, "held": len(skips)}
            held = f"{len(skips)} changes held back"
            example = f"{_quoted(skips[0].id)}: {skips[0].reason}"
            text = f"{held} in {event.sink} ({kind}), for example {example}"
            yield Record(level, "changes held back", text, fields)
            continue
        for skip in skips:
            text = f"{_quoted(skip.id)} held back in {event.sink} ({kind}): {skip.reason}"
            yield Record(level, "change held back", text, _skip(event.sink, skip))


def _skip(sink: str, skip: Skip) -> dict[str, Any]:
    return {"sink": sink, "id": skip.id, "why": skip.kind.value, "reason": skip.reason}


@records.register
def _(event: events.GuardPaused) -> Iterator[Record]:
    fields = {"sink": event.sink, "held": event.held, "of": event.ours}
    text = (
        f"guard holds back {event.held} removals and moves of {event.ours} entries in {event.sink}:"
        " too many at once (see syncer plan)"
    )
    yield Record("warning", "guard paused: too many removals at once", text, fields)


@records.register
def _(event: events.GuardReleased) -> Iterator[Record]:
    text = f"guard holds nothing back in {event.sink} any more"
    yield Record("info", "guard released", text, {"sink": event.sink})


@records.register
def _(event: events.LeaseLost) -> Iterator[Record]:
    text = f"{event.sink} lost {event.lost} entries or checks; writing them again"
    fields = {"sink": event.sink, "lost": event.lost}
    yield Record("warning", "registry lost entries", text, fields)


@records.register
def _(event: events.PulseBeaten) -> Iterator[Record]:
    seconds, late = round(event.seconds, 4), round(event.late, 4)
    fields = {"sink": event.sink, "held": event.held, "late": late, "seconds": seconds}
    text = f"{event.sink}: {event.held} entries renewed in {seconds} s, {late} s late"
    yield Record("debug", "pulse", text, fields)


@records.register
def _(event: events.Elected) -> Iterator[Record]:
    leads = event.leads
    text = "leader: this syncer writes" if leads else "standby: another syncer holds the lock"
    word = "became leader" if leads else "became standby"
    yield Record("info", word, f"{event.sink}: {text}", {"sink": event.sink})


@records.register
def _(event: events.HealthChanged) -> Iterator[Record]:
    level = "info" if event.status is CheckStatus.PASSING else "warning"
    status = event.status.value
    fields = {"target": event.target, "status": status, "output": event.output}
    output = f": {event.output}" if event.output else ""
    yield Record(level, "health changed", f"{event.target} is {status}{output}", fields)


@records.register
def _(event: events.CycleFinished) -> Iterator[Record]:
    plan = event.plan
    fields = {
        "sink": event.sink,
        "applied": event.applied,
        "failed": len(event.failed),
        "unchanged": plan.unchanged,
        "skipped": len(plan.skipped),
        "foreign": plan.foreign,
        "seconds": round(event.seconds, 4),
    }
    text = (
        f"{event.sink}: cycle took {fields['seconds']} s: {event.applied} applied, "
        f"{fields['failed']} failed, {plan.unchanged} unchanged, {fields['skipped']} held back"
    )
    yield Record("debug", "cycle finished", text, fields)


@records.register
def _(event: events.ConfigReloaded) -> Iterator[Record]:
    if event.changed:
        text = f"configuration reloaded: {', '.join(event.changed)}"
        yield Record("info", "configuration reloaded", text, {"changed": list(event.changed)})
    else:
        yield Record("info", "configuration unchanged", "configuration unchanged")


@records.register
def _(event: events.ConfigRefused) -> Iterator[Record]:
    for problem in event.problems:
        text = f"configuration refused, the previous one stays in use: {problem}"
        yield Record("warning", "configuration refused", text, {"problem": problem})


@records.register
def _(event: events.Warned) -> Iterator[Record]:
    yield Record("warning", event.text, event.text)


def in_sync(event: events.CycleFinished) -> Record:
    """Return the record for a sink that is in sync again, or for the first time."""
    held = sum(event.held_back.values())
    fields = {"sink": event.sink, "registered": event.ours, "held_back": held}
    text = f"{event.ours} registered in {event.sink}"
    text = f"{text}, {many(held, 'change')} held back" if held else f"in sync: {text}"
    return Record("info", "in sync", text, fields)


def described(change: Change) -> Mapping[str, Any]:
    """Return the fields of a line about a change."""
    instance = _instance(change)
    fields: dict[str, Any] = {
        "service": instance.service,
        "id": instance.id,
        "address": instance.endpoint,
    }
    if isinstance(change, Deregister):
        fields["reason"] = change.reason.value
    if isinstance(change, Update):
        fields["changed"] = [name for name, _, _ in change.differences()] or ["mark"]
    return fields


def _instance(change: Change) -> Instance:
    return change.old.instance if isinstance(change, Deregister) else change.new.instance


def _applied(event: events.ChangeApplied) -> str:
    change, sink = event.change, event.sink
    subject = _subject(change)
    if isinstance(change, Deregister):
        return f"{subject} removed from {sink}: {change.reason.value}"
    if isinstance(change, Register):
        done = "registered again in" if event.drift else "registered in"
        return f"{subject} {done} {sink} at {change.new.instance.endpoint}"
    differences = {name: (old, new) for name, old, new in change.differences()}
    status = differences.pop("status", None)
    words = [f"{status[0]} -> {status[1]}"] if status else []
    words += (
        f"{name} {old} -> {new}" if name in _SHORT else name
        for name, (old, new) in differences.items()
    )
    done = "restored in" if event.drift else "in" if status else "updated in"
    return f"{subject} {done} {sink}: {', '.join(words) or 'mark'}"


def _subject(change: Change) -> str:
    return f"{_quoted(_instance(change).service)} ({_quoted(change.id)})"


def _quoted(name: str) -> str:
    """Put a name in quotes if its end would not be clear without them."""
    return repr(name) if set(name) & set(" \"'()") else name
