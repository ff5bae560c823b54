"""Kinds that plugins offer: sources, sinks, label parsers, check translators, command lines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from syncer.api.checks import Check, Native, Probe, Problem, Shown
from syncer.api.contracts import Sink, Source
from syncer.api.fields import as_tuple
from syncer.api.registrations import Instance
from syncer.api.text import shown
from syncer.api.workloads import Offer, Port, Workload


@attrs.frozen(kw_only=True)
class Context:
    """Passed to a kind when a source or sink is created.

    `name` is the configured name of that source or sink, `owner` the owner name of this syncer.
    """

    name: str
    owner: str = "syncer"


@attrs.frozen(kw_only=True)
class SourceType:
    """A kind of source. `options` is an attrs class whose fields are declared by `option()`.

    `from_uri` turns the value of `--source KIND=VALUE`, or a whole URI with one of `schemes`, into
    options by name; it raises ValueError with a reason. `needs_parser` says that its workloads have
    no offers before a label parser finds them: without any parser it is a mistake to use it.
    """

    name: str
    options: type
    create: Callable[[Any, Context], Source]
    summary: str = ""
    schemes: tuple[str, ...] = ()
    from_uri: Callable[[str], Mapping[str, Any]] | None = None
    needs_parser: bool = False


@attrs.frozen(kw_only=True)
class SinkType:
    """A kind of sink; the fields are those of `SourceType`."""

    name: str
    options: type
    create: Callable[[Any, Context], Sink]
    summary: str = ""
    schemes: tuple[str, ...] = ()
    from_uri: Callable[[str], Mapping[str, Any]] | None = None


def _offers(values: Iterable[Offer]) -> tuple[Offer, ...]:
    return _all_of(Offer, "offers", values)


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return _all_of(str, "problems", values)


def _all_of(kind: type, field: str, values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the values as a tuple. Raises `TypeError` if one is of another type."""
    found = tuple(values)
    wrong = values if isinstance(values, str) else [v for v in found if not isinstance(v, kind)]
    if wrong:
        raise TypeError(f"{field} must be a list of {kind.__name__}, not {shown(wrong)}")
    return found


def _text(instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name} must be str, not {value!r:.60}")


@attrs.frozen
class Parsed:
    """The answer of a label parser about one workload.

    `problems` are texts about mistakes in the labels. `ignored` says why the labels exclude this
    workload from registration; then no other parser is asked. It is empty if they do not. `asked`
    means that they ask for registration in so many words, so that one-off containers are too.
    """

    offers: tuple[Offer, ...] = attrs.field(default=(), converter=_offers)
    problems: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    ignored: str = attrs.field(default="", validator=_text)
    asked: bool = False


#: How many instances of one workload are registered unless its source is configured otherwise.
MOST_INSTANCES = 256


@attrs.frozen(kw_only=True)
class Reachable:
    """The ports of a workload that can be registered, as its source is configured.

    `internal` says whether containers' own addresses are registered. `ports` can be registered in
    this mode; `all_ports` are all, for labels that ask for the other mode. No more than the first
    `most` offers are used.
    """

    internal: bool = False
    most: int = MOST_INSTANCES
    ports: tuple[Port, ...] = attrs.field(default=(), converter=as_tuple)
    all_ports: tuple[Port, ...] = attrs.field(default=(), converter=as_tuple)


@attrs.frozen(kw_only=True)
class LabelParser:
    """A label dialect. `create` returns the pure function that reads a workload's labels.

    Parsers are asked in the configured order; the first that offers anything wins.
    """

    name: str
    options: type
    create: Callable[[Any], Callable[[Workload, Reachable], Parsed]]
    summary: str = ""


#: A check at one sink: the registry runs it (`Native`, or the unchanged `Check`), syncer runs it
#: (`Probe`, or `Shown` if the registry shows it), the instance's status already says the same
#: (`None`), or the sink does not support it (`Problem`).
TranslatedCheck = Check | Native | Probe | Shown | Problem | None


@attrs.frozen(kw_only=True)
class CheckTranslator:
    """Translates a check into a form that one kind of sink understands, or says why it cannot.

    `create` receives the options of the sink, which may restrict checks. For a registry that runs
    no checks, use `syncer.probing`.
    """

    name: str
    sink_kind: str
    create: Callable[[Any], Callable[[Check, Instance], TranslatedCheck]]


def translate_checks(
    instance: Instance, translate: Callable[[Check, Instance], TranslatedCheck]
) -> tuple[Instance, tuple[Probe, ...]]:
    """Return the instance with the checks that the registry runs, and the probes for syncer to run.

    The reason why a check is left out is added to the instance's problems.
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
    """The command line of another program, translated.

    `sources` and `sinks` are values of `--source` and `--sink`; `settings` are tables of the
    configuration file and take precedence over them. `origins` maps key paths of the settings to
    the flags that they come from, for errors. If `text` is set, it is printed and the
    command ends with `exit_code`. `only_print` prints the configuration and runs nothing.
    """

    sources: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    sinks: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    settings: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    origins: Mapping[str, str] = attrs.field(factory=dict)
    only_print: bool = False
    warnings: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)
    text: str = ""
    exit_code: int = 0


@attrs.frozen(kw_only=True)
class CommandLine:
    """The command line of a program that syncer replaces.

    `create` reads its arguments and environment. It raises ConfigError for unsupported ones.
    """

    name: str
    create: Callable[[Sequence[str], Mapping[str, str]], Invocation]
    summary: str = ""
