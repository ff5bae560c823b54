"""Workloads into the instances that should be registered, with the reasons for each answer.

Pure. Nothing raises: what is wrong with one offer, one parser or one workload is told as a
problem, and all else goes on. Where the answer cannot be known now, `failed` is set: then
what is registered stays.
"""

from collections.abc import Callable

import attrs

from syncer.api.checks import Check
from syncer.api.fields import as_tuple
from syncer.api.kinds import Parsed, Reachable
from syncer.api.model import Host, Instance, Offer, Origin, Port, Status, Workload
from syncer.api.text import printable
from syncer.desired.addresses import LABEL, OVERRIDE, AddressRules, Choice, choose
from syncer.desired.filters import Filter
from syncer.desired.networking import reachable

#: What a `LabelParser` creates.
Parse = Callable[[Workload, Reachable], Parsed]

_CONTAINER = "container"


@attrs.frozen
class Explained:
    """One offer, the address found for it and what was made of both; None if nothing was."""

    offer: Offer
    choice: Choice
    instance: Instance | None = None


@attrs.frozen(kw_only=True)
class Translated:
    """What a workload offers, or why it does not.

    `left_out` says why nothing is offered (its state, a filter, its labels), `parser` names the
    label parser that answered. With `failed` the answer is not whole: something could not be known
    now, and what is registered for this workload must stay.
    """

    instances: tuple[Instance, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: str = ""
    parser: str = ""
    explained: tuple[Explained, ...] = ()
    failed: bool = False


@attrs.frozen
class Translator:
    """Turns workloads into instances, by named label parsers asked in order.

    The first parser that offers anything, or says that the workload is to be ignored, wins. If
    one raises, those after it are not asked: whether it would have won is not known.
    """

    parsers: tuple[tuple[str, Parse], ...] = attrs.field(converter=as_tuple)
    rules: AddressRules = attrs.Factory(AddressRules)
    filter: Filter = attrs.Factory(Filter)
    mirror_health: bool = True

    def translate(self, workload: Workload, peer: Workload | None, host: Host) -> Translated:
        """The instances of a workload. `peer` is the one whose network namespace it shares."""
        try:
            return self._translate(workload, peer, host)
        except Exception as error:  # noqa: BLE001 - workloads come from plugins
            return Translated(problems=(_told(error),), failed=True)

    def _translate(self, workload: Workload, peer: Workload | None, host: Host) -> Translated:
        if not workload.state.offered:
            return Translated(left_out=f"its state is {workload.state.value}")
        if why_not := self.filter.why_not(workload):
            return Translated(left_out=why_not)
        if workload.namespace and peer is None:
            problem = (
                f"the workload {workload.namespace[:12]}, whose network it shares, is not known"
            )
            return Translated(problems=(problem,), failed=True)
        if workload.offers is not None:
            left_out = "" if workload.offers else "its source says that it offers no service"
            return self._resolve(
                Translated(left_out=left_out), workload.offers, workload, peer, host
            )
        ports = reachable(workload, peer, internal=self.rules.internal)
        answer, offers = self._parse(workload, ports)
        if not offers:
            return answer
        return self._resolve(answer, offers, workload, peer, host)

    def _parse(self, workload: Workload, ports: Reachable) -> tuple[Translated, tuple[Offer, ...]]:
        problems: tuple[str, ...] = ()
        for name, parse in self.parsers:
            try:
                parsed = _checked(parse(workload, ports))
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                text = f"label parser {name} failed: {_told(error)}"
                return Translated(problems=(*problems, text), parser=name, failed=True), ()
            problems += parsed.problems
            if parsed.offers or parsed.ignored:
                ignored = "" if parsed.offers else parsed.ignored
                return Translated(problems=problems, left_out=ignored, parser=name), parsed.offers
        return Translated(problems=problems, left_out=self._nothing(workload, ports)), ()

    def _nothing(self, workload: Workload, ports: Reachable) -> str:
        names = ", ".join(name for name, _ in self.parsers) or "none is configured"
        text = f"no label parser offers anything for it ({names})"
        if ports.ports:
            return text
        if not workload.ports:
            return f"{text}; it has no ports"
        return (
            f"{text}; none of its ports can be registered ({_listed(workload.ports)}): publish one"
        )

    def _resolve(
        self,
        answer: Translated,
        offers: tuple[Offer, ...],
        workload: Workload,
        peer: Workload | None,
        host: Host,
    ) -> Translated:
        """The answer with an instance for each offer that is admitted and can have one."""
        offers, left_out = self._admitted(offers, workload)
        answer = attrs.evolve(answer, left_out=answer.left_out or left_out)
        made: dict[str, Instance] = {}
        explained: list[Explained] = []
        problems, failed = list(answer.problems), answer.failed
        for offer in offers:
            one, found, unknown = self._explain(offer, workload, peer, host)
            if one.instance is not None:
                holder = made.setdefault(one.instance.id, one.instance)
                if holder is not one.instance:
                    one = Explained(offer, one.choice)
                    found.append(_taken(holder))
            explained.append(one)
            problems += [f"{_named(offer)}: {text}" for text in found]
            failed = failed or unknown
        return Translated(
            instances=tuple(made.values()),
            problems=tuple(problems),
            left_out=answer.left_out,
            parser=answer.parser,
            explained=tuple(explained),
            failed=failed,
        )

    def _admitted(
        self, offers: tuple[Offer, ...], workload: Workload
    ) -> tuple[tuple[Offer, ...], str]:
        """The offers that the filter lets in, and why there are none if it lets in none."""
        why_not = [self.filter.why_not_offer(workload, offer) for offer in offers]
        admitted = tuple(offer for offer, why in zip(offers, why_not, strict=True) if not why)
        return admitted, why_not[0] if offers and not admitted else ""

    def _explain(
        self, offer: Offer, workload: Workload, peer: Workload | None, host: Host
    ) -> tuple[Explained, list[str], bool]:
        """What becomes of one offer, its problems, and whether the answer is not known now."""
        choice = Choice()
        try:
            choice = choose(offer, workload, peer, host, self.rules)
            found = list(choice.warnings)
            if choice.problem:
                return Explained(offer, choice), [*found, choice.problem], choice.unknown
            return Explained(offer, choice, self._instance(offer, choice, workload)), found, False
        except ValueError as error:
            return Explained(offer, choice), [str(error)], False
        except Exception as error:  # noqa: BLE001 - offers come from plugins
            return Explained(offer, choice), [_told(error)], True

    def _instance(self, offer: Offer, choice: Choice, workload: Workload) -> Instance:
        return Instance(
            id=offer.id or instance_id(offer, workload),
            service=offer.service,
            address=choice.address,
            port=choice.port,
            protocol=offer.protocol,
            tags=offer.tags,
            meta=offer.meta,
            checks=self._checks(offer, workload),
            weight=offer.weight,
            warning_weight=offer.warning_weight,
            tag_override=offer.tag_override,
            status=self._status(offer, workload),
            origin=Origin(source=workload.source, workload=workload.id, name=workload.name),
            by_labels=workload.offers is None
            and (choice.rule in (OVERRIDE, LABEL) or offer.register_port is not None),
        )

    def _mirrors(self, offer: Offer) -> bool:
        """Whether the runtime's own health check counts for this offer."""
        return self.mirror_health and offer.mirror_health

    def _checks(self, offer: Offer, workload: Workload) -> tuple[Check, ...]:
        """The offer's checks, and the runtime's own health check as one of them."""
        wanted = self._mirrors(offer) and workload.health is not None
        if not wanted or any(_CONTAINER in (check.kind, check.key) for check in offer.checks):
            return offer.checks
        return (*offer.checks, Check(kind=_CONTAINER))

    def _status(self, offer: Offer, workload: Workload) -> Status:
        """The workload's status; one whose health is not to be mirrored is fit while it runs."""
        if self._mirrors(offer):
            return workload.status
        return attrs.evolve(workload, health=None).status


def instance_id(offer: Offer, workload: Workload) -> str:
    """The id of an offer that brings none: `<scope>:<workload>:<port>`, then `:udp` for UDP.

    Every other protocol but TCP has its own ending too. The port is the workload's own, so that
    a new published port moves an instance and does not replace it.
    """
    port = offer.port or offer.register_port or 0
    ending = "" if offer.protocol == "tcp" else f":{offer.protocol}"
    return f"{workload.scope}:{workload.name or workload.id}:{port}{ending}"


def _checked(parsed: object) -> Parsed:
    """What a parser returned, if it is of the form agreed; else TypeError."""
    if not isinstance(parsed, Parsed) or not all(isinstance(o, Offer) for o in parsed.offers):
        raise TypeError(f"it returned {parsed!r:.80}, not Parsed with offers")
    return parsed


def _told(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}", 300)


def _taken(holder: Instance) -> str:
    port = f" (port {holder.port})" if holder.port else ""
    return f"its id {holder.id!r} is taken by {holder.service}{port}: give each its own id"


def _named(offer: object) -> str:
    if not isinstance(offer, Offer):
        return printable(repr(offer), 80)
    return f"{offer.service} ({offer.port}/{offer.protocol})" if offer.port else offer.service


def _listed(ports: tuple[Port, ...]) -> str:
    return ", ".join(f"{port.number}/{port.protocol}" for port in ports[:10])
