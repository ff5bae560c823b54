"""Translate workloads into the instances that should be registered, with reasons.

Pure. Nothing raises: an error in one offer, parser or workload becomes a problem and does not
affect the others. If the answer cannot be known now, `failed` is set and present entries are kept.
"""

import re
from collections.abc import Callable

import attrs

from syncer.api.checks import Check
from syncer.api.fields import as_tuple
from syncer.api.kinds import MOST_INSTANCES, Parsed, Reachable
from syncer.api.left_out import LeftOutKind
from syncer.api.registrations import Instance, Origin
from syncer.api.text import printable
from syncer.api.workloads import Host, Offer, Workload
from syncer.desired.addresses import LABEL, OVERRIDE, AddressRules, Choice, choose
from syncer.desired.budget import within_budget
from syncer.desired.filters import Filter
from syncer.desired.networking import Subject, own_ports, reachable

#: The function that a `LabelParser` creates.
Parse = Callable[[Workload, Reachable], Parsed]

_CONTAINER = "container"
#: The protocols of ports, and which of them each kind of check speaks.
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_SPOKEN = {"udp": "udp", **dict.fromkeys(("http", "https", "tcp", "grpc", "h2ping"), "tcp")}
#: The mark of containers of `docker compose run`, which have all labels of their service.
_ONE_OFF = "com.docker.compose.oneoff"
_ONE_OFF_TEXT = f"it is a one-off container ({_ONE_OFF})"
_ONE_OFF_ADVICE = (
    "SERVICE_REGISTER=true or syncer.enable=true in its labels registers it, one_offs = true in "
    "the source all of them"
)
#: Values of the setting `ids`: ids of the form that syncer's own have are left to their workload.
OWN, ANY = "own", "any"
_OWN_FORM = re.compile(r".+:.+:\d{1,5}(:.+)?", re.DOTALL)
_NOT_ITS_ID = (
    "the id that its labels give is not used: it has the form of another workload's own, which is"
    ' <host>:<workload>:<port> (the setting ids = "any" of the source allows it)'
)


@attrs.frozen
class Explained:
    """An offer, the address chosen for it, and the instance; if there is none, why."""

    offer: Offer
    choice: Choice = attrs.Factory(Choice)
    instance: Instance | None = None
    why: str = attrs.field(default="", kw_only=True)
    kind: LeftOutKind = attrs.field(default=LeftOutKind.PROBLEM, kw_only=True)


@attrs.frozen(kw_only=True)
class Translated:
    """The instances of a workload, or why it has none.

    `left_out` says why nothing is offered (state, filter or labels), `kind` which of these it is,
    and `advice` what to do; `parser` names the label parser that answered. With `failed` the answer
    is incomplete, and the present entries of this workload must be kept.
    """

    instances: tuple[Instance, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: str = ""
    kind: LeftOutKind = LeftOutKind.UNCLEAR
    advice: str = ""
    parser: str = ""
    explained: tuple[Explained, ...] = ()
    failed: bool = False


@attrs.frozen
class Translator:
    """Translates workloads, with named label parsers that are asked in order.

    The first parser that offers anything, or says that the workload is to be ignored, wins. If
    one raises, the parsers after it are not asked, since it might have won. One-off containers are
    left out unless labels ask for them, or `one_offs` are wanted.
    """

    parsers: tuple[tuple[str, Parse], ...] = attrs.field(converter=as_tuple)
    rules: AddressRules = attrs.Factory(AddressRules)
    filter: Filter = attrs.Factory(Filter)
    mirror_health: bool = True
    one_offs: bool = False
    ids: str = OWN
    #: How many instances a workload may have.
    most: int = MOST_INSTANCES

    def translate(self, workload: Workload, peer: Workload | None, host: Host) -> Translated:
        """Translate a workload. `peer` is the one whose network namespace it shares."""
        try:
            return self._translate(Subject(workload, host, peer))
        except Exception as error:  # noqa: BLE001 - workloads come from plugins
            return _unclear(_error_text(error))

    def _translate(self, subject: Subject) -> Translated:
        workload = subject.workload
        if not workload.state.offered:
            why_not = f"its state is {workload.state.value}"
            return Translated(left_out=why_not, kind=LeftOutKind.STATE)
        if why_not := self.filter.why_not(workload):
            return Translated(left_out=why_not, kind=LeftOutKind.FILTERED)
        if subject.network_owner is None:
            why = f"workload {workload.namespace[:12]}, whose network it shares, is unknown"
            return _unclear(why)
        if why := subject.cut_off:
            kind = LeftOutKind.NO_ADDRESS
            return Translated(problems=(*workload.problems, why), left_out=why, kind=kind)
        if workload.offers is not None:
            left_out = "" if workload.offers else "its source says that it offers no service"
            answer = Translated(
                left_out=left_out, kind=LeftOutKind.NO_PORT, problems=workload.problems
            )
            return self._resolve(answer, workload.offers, subject)
        ports = reachable(subject, internal=self.rules.internal)
        answer, offers = self._parse(workload, attrs.evolve(ports, most=self.most))
        return self._resolve(answer, offers, subject) if offers else answer

    def _parse(self, workload: Workload, ports: Reachable) -> tuple[Translated, tuple[Offer, ...]]:
        problems = workload.problems
        for name, parse in self.parsers:
            try:
                parsed = _checked(parse(workload, ports))
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                text = f"label parser {name} failed: {_error_text(error)}"
                return _unclear(text, problems, parser=name), ()
            problems += parsed.problems
            if parsed.offers or parsed.ignored:
                ignored = "" if parsed.offers else parsed.ignored
                answer = Translated(
                    problems=problems, left_out=ignored, kind=LeftOutKind.IGNORED, parser=name
                )
                if parsed.offers and not (parsed.asked or self.one_offs) and _is_one_off(workload):
                    text, advice, kind = _ONE_OFF_TEXT, _ONE_OFF_ADVICE, LeftOutKind.FILTERED
                    return attrs.evolve(answer, left_out=text, kind=kind, advice=advice), ()
                return answer, parsed.offers
        kind, text, advice = self._why_nothing(workload, ports)
        return Translated(problems=problems, left_out=text, kind=kind, advice=advice), ()

    def _why_nothing(self, workload: Workload, ports: Reachable) -> tuple[LeftOutKind, str, str]:
        """Return why no parser offers anything: the kind, the reason, and what to do."""
        if not self.parsers:
            advice = "pip install syncer-registrator"
            return LeftOutKind.NO_PARSER, "no label parser is installed", advice
        names = ", ".join(name for name, _ in self.parsers)
        text = f"its labels offer no service (read by {names})"
        if ports.ports:
            return LeftOutKind.NO_PARSER, text, ""
        if not workload.ports:
            advice = "give one in its labels (SERVICE_PORT=8080)"
            return LeftOutKind.NO_PORT, f"{text}, and it has no ports", advice
        listed = ", ".join(f"{port.number}/{port.protocol}" for port in workload.ports[:10])
        return (
            LeftOutKind.NO_PORT,
            f"{text}, and none of its ports is published ({listed})",
            "publish one, or register the container's own address (internal mode)",
        )

    def _resolve(
        self, answer: Translated, offers: tuple[Offer, ...], subject: Subject
    ) -> Translated:
        """Add an instance for each offer that the filter admits and that can have an address."""
        explained = self._not_admitted(offers, subject.workload)
        left_out = explained[0].why if len(explained) == len(offers) > 0 else ""
        refused = {id(one.offer) for one in explained}
        offers, over = within_budget([one for one in offers if id(one) not in refused], self.most)
        made: dict[str, Instance] = {}
        nowhere: dict[str, str] = {}
        problems, failed = [*over, *answer.problems], answer.failed
        for offer in offers:
            one, found, unknown = self._explain(offer, subject)
            if one.choice.nowhere:
                nowhere[named(offer)] = found.pop()
            if one.instance is not None:
                holder = made.setdefault(one.instance.id, one.instance)
                if holder is not one.instance:
                    one = Explained(offer, one.choice, why=_taken(holder))
                    found.append(one.why)
            explained.append(one)
            problems += [f"{named(offer)}: {text}" for text in found]
            failed = failed or unknown
        if not made:  # as quiet as ports that are not published
            left_out = left_out or next(iter(nowhere.values()), "")
            nowhere = {}
        return Translated(
            instances=tuple(made.values()),
            problems=(*problems, *(f"{name}: {text}" for name, text in nowhere.items())),
            left_out=answer.left_out or left_out,
            kind=answer.kind,
            parser=answer.parser,
            explained=tuple(explained),
            failed=failed,
        )

    def _not_admitted(self, offers: tuple[Offer, ...], workload: Workload) -> list[Explained]:
        """Return the offers that the filter leaves out, each with the reason."""
        why_not = ((offer, self.filter.why_not_offer(workload, offer)) for offer in offers)
        kind = LeftOutKind.FILTERED
        return [Explained(offer, why=why, kind=kind) for offer, why in why_not if why]

    def _explain(self, offer: Offer, subject: Subject) -> tuple[Explained, list[str], bool]:
        """Translate one offer. Return also its problems, and whether they may be temporary."""
        choice = Choice()
        try:
            choice = choose(offer, subject, self.rules)
            found = list(choice.warnings)
            if why := choice.problem:
                left_out = Explained(offer, choice, why=why, kind=LeftOutKind.NO_ADDRESS)
                return left_out, [*found, why], choice.unknown
            own = own_ports(subject, choice.address) if choice.at_host else None
            if own is not None and subject.on_host:
                own |= {choice.port}
            offer, unfit = _with_fitting_checks(offer)
            if self._is_anothers(offer.id, subject.workload):
                found.append(_NOT_ITS_ID)
                offer = attrs.evolve(offer, id="")
            instance = self._instance(offer, choice, subject.workload, own)
            return Explained(offer, choice, instance), [*found, *unfit], False
        except ValueError as error:
            return Explained(offer, choice, why=str(error)), [str(error)], False
        except Exception as error:  # noqa: BLE001 - offers come from plugins
            text = _error_text(error)
            return Explained(offer, choice, why=text), [text], True

    def _is_anothers(self, id_: str, workload: Workload) -> bool:
        """Whether labels give an id that syncer may make of another workload, here or elsewhere."""
        if self.ids == ANY or workload.offers is not None or not _OWN_FORM.fullmatch(id_):
            return False
        return not id_.startswith(_start(workload))

    def _instance(
        self, offer: Offer, choice: Choice, workload: Workload, own: frozenset[int] | None
    ) -> Instance:
        if not (self.mirror_health and offer.mirror_health):
            workload = attrs.evolve(workload, health=None)
        return Instance(
            id=offer.id or instance_id(offer, workload),
            given_id=offer.id not in ("", instance_id(offer, workload), long_id(offer, workload)),
            service=offer.service,
            address=choice.address,
            port=choice.port,
            protocol=offer.protocol,
            tags=offer.tags,
            meta=offer.meta,
            checks=_with_health(offer.checks) if workload.health else offer.checks,
            weight=offer.weight,
            warning_weight=offer.warning_weight,
            tag_override=offer.tag_override,
            status=workload.status,
            origin=Origin(source=workload.source, workload=workload.id, name=workload.name),
            by_labels=workload.offers is None
            and (choice.rule.endswith((OVERRIDE, LABEL)) or offer.register_port is not None),
            own_ports=own,
        )


def _unclear(why: str, problems: tuple[str, ...] = (), parser: str = "") -> Translated:
    """Return that the answer cannot be known now."""
    return Translated(problems=(*problems, why), left_out=why, parser=parser, failed=True)


def instance_id(offer: Offer, workload: Workload) -> str:
    """Return the id of an offer without one: `<scope>:<workload>:<port>`, then `:udp` for UDP.

    Every protocol except TCP has such a suffix. The port is the workload's own, so a new published
    port updates the entry and does not replace it.
    """
    port = offer.port or offer.register_port or 0
    ending = "" if offer.protocol == "tcp" else f":{offer.protocol}"
    return f"{_start(workload)}{port}{ending}"


def long_id(offer: Offer, workload: Workload) -> str:
    """Return the id that label parsers give to one of several services of a port."""
    port = offer.port or offer.register_port or 0
    return f"{_start(workload)}{port}:{offer.protocol}:{offer.service}"


def _start(workload: Workload) -> str:
    return f"{workload.scope}:{workload.name or workload.id}:"


def _is_one_off(workload: Workload) -> bool:
    return workload.labels.get(_ONE_OFF, "").lower() == "true"


def _with_fitting_checks(offer: Offer) -> tuple[Offer, list[str]]:
    """Leave out checks that speak another protocol than the port, and return why.

    One that names a port of its own is for that port.
    """
    unfit = [check for check in offer.checks if not _fits(check, offer.protocol)]
    if not unfit:
        return offer, []
    kept = tuple(check for check in offer.checks if check not in unfit)
    problems = [
        f"check {check.key} is left out: {check.kind} does not work over {offer.protocol.upper()};"
        " give the check a port of its own"
        for check in unfit
    ]
    return attrs.evolve(offer, checks=kept), problems


def _fits(check: Check, protocol: str) -> bool:
    spoken = _SPOKEN.get(check.kind, protocol)
    return spoken == protocol or protocol not in _PROTOCOLS or bool(check.port)


def _with_health(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Return the checks, and the runtime's own health check as one of them."""
    given = any(_CONTAINER in (check.kind, check.key) for check in checks)
    return checks if given else (*checks, Check(kind=_CONTAINER))


def _checked(parsed: object) -> Parsed:
    """Return the parser's answer. Raises TypeError if it is not of the agreed form."""
    if not isinstance(parsed, Parsed):
        raise TypeError(f"it returned {parsed!r:.80}, not Parsed")
    return parsed


def _error_text(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}", 300)


def _taken(holder: Instance) -> str:
    port = f" (port {holder.port})" if holder.port else ""
    return f"its id {holder.id!r} is already used by {holder.service}{port}: set another id"


def named(offer: object) -> str:
    """Return a service and its port, as problems name it."""
    if not isinstance(offer, Offer):
        return printable(repr(offer), 80)
    return f"{offer.service} ({offer.port}/{offer.protocol})" if offer.port else offer.service
