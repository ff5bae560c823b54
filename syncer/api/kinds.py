"""What plugins offer: kinds of sources, sinks, label parsers, check translators, command lines."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from syncer.api.checks import Check, Native, Probe, Problem, Shown
from syncer.api.contracts import Sink, Source
from syncer.api.fields import as_tuple
from syncer.api.model import Instance, Offer, Port, Workload


@attrs.frozen(kw_only=True)
class Context:
    """What a kind is told about its place when it is made.

    `name` is the configured name of this source or sink, `owner` the owner id of this syncer.
    """

    name: str
    owner: str = "syncer"


@attrs.frozen(kw_only=True)
class SourceType:
    """A kind of source. `options` is an attrs class whose fields are made by `option()`.

    `from_uri` turns the value of `--source KIND=VALUE`, or a whole URI with one of `schemes`, into
    options by name; it raises ValueError with a reason.
    """

    name: str
    options: type
    create: Callable[[Any, Context], Source]
    summary: str = ""
    schemes: tuple[str, ...] = ()
    from_uri: Callable[[str], Mapping[str, Any]] | None = None


@attrs.frozen(kw_only=True)
class SinkType:
    """A kind of sink; the fields are those of `SourceType`."""

    name: str
    options: type
    create: Callable[[Any, Context], Sink]
    summary: str = ""
    schemes: tuple[str, ...] = ()
    from_uri: Callable[[str], Mapping[str, Any]] | None = None


@attrs.frozen
class Parsed:
    """What a label parser made of one workload.

    `problems` says what was written wrongly. With `ignored` the labels say that this workload
    is not to be registered, in the words given: no other parser is asked.
    """

    offers: tuple[Offer, ...] = attrs.field(default=(), converter=as_tuple)
    problems: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    ignored: str = ""


@attrs.frozen(kw_only=True)
class Reachable:
    """Which of a workload's ports can be registered, as its source is configured.

    `internal` says whether containers' own addresses are registered. `ports` are those that can
    be registered then; `all_ports` are all, for labels that ask for the other way.
    """

    internal: bool = False
    ports: tuple[Port, ...] = attrs.field(default=(), converter=as_tuple)
    all_ports: tuple[Port, ...] = attrs.field(default=(), converter=as_tuple)


@attrs.frozen(kw_only=True)
class LabelParser:
    """A label dialect. `create` makes the pure function that reads a workload's labels.

    Parsers are asked in the configured order; the first that offers anything wins.
    """

    name: str
    options: type
    create: Callable[[Any], Callable[[Workload, Reachable], Parsed]]
    summary: str = ""


#: What becomes of a check at one sink: the registry runs it (`Native`, or the `Check` as it is),
#: syncer runs it (`Probe`, or `Shown` if the registry tells of it), the instance's status says it
#: already (None), or it cannot be had.
TranslatedCheck = Check | Native | Probe | Shown | Problem | None


@attrs.frozen(kw_only=True)
class CheckTranslator:
    """Turns a check into what one kind of sink understands, or says why it cannot.

    `create` receives the options of the sink, since these decide what is allowed there. For a
    registry that runs no checks, `syncer.probing` is all that is needed.
    """

    name: str
    sink_kind: str
    create: Callable[[Any], Callable[[Check, Instance], TranslatedCheck]]


def translate_checks(
    instance: Instance, translate: Callable[[Check, Instance], TranslatedCheck]
) -> tuple[Instance, tuple[Probe, ...]]:
    """The instance with the checks that the registry runs, and those that syncer is to run.

    Why one was left out is added to the instance's problems.
    """
    kept: list[Check | Native] = []
    probes: list[Probe] = []
    problems = list(instance.problems)
    for check in instance.checks:
        answer = check if isinstance(check, Native) else translate(check, instance)
        if isinstance(answer, Problem):
            problems.append(answer.text)
        elif isinstance(answer, Probe):
            probes.append(answer)
        elif isinstance(answer, Shown):
            probes.append(answer.probe)
            kept.append(answer.native)
        elif answer is not None:
            kept.append(answer)
    translated = attrs.evolve(instance, checks=tuple(kept), problems=tuple(problems))
    return translated, tuple(probes)


@attrs.frozen(kw_only=True)
class Invocation:
    """What a command line of another program asks for, in words of ours.

    `sources` and `sinks` are written as after `--source` and `--sink`, `settings` are tables as in
    the configuration file, over what these say. With `text` there is nothing to run: it is shown,
    and the command ends with `exit_code`. `only_print` shows the configuration and runs nothing.
    `warnings` are for people.
    """

    sources: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    sinks: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    settings: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    only_print: bool = False
    warnings: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    text: str = ""
    exit_code: int = 0


@attrs.frozen(kw_only=True)
class CommandLine:
    """The command line of a program that syncer replaces.

    `create` reads its arguments, in an environment. It raises ConfigError for what cannot be had.
    """

    name: str
    create: Callable[[Sequence[str], Mapping[str, str]], Invocation]
    summary: str = ""
