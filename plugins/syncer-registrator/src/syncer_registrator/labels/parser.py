"""From one workload's keys to its offers. Pure: the same workload gives the same answer."""

from collections.abc import Callable

import attrs

from syncer import Offer, Parsed, Reachable, Workload
from syncer_registrator.go.template import GoTemplate, go_template
from syncer_registrator.labels.ids import Draft, offer_ids
from syncer_registrator.labels.keys import read_keys
from syncer_registrator.labels.naming import Namer
from syncer_registrator.labels.options import RegistratorOptions
from syncer_registrator.labels.port_settings import Wish, read_wish
from syncer_registrator.labels.ports import Slot, usable_ports, with_registered_ports
from syncer_registrator.labels.precedence import Layer, Layers
from syncer_registrator.labels.problems import Problems
from syncer_registrator.labels.tags import split_list, usable_tags
from syncer_registrator.labels.template import Place, Template, compiled


def create(options: RegistratorOptions) -> Callable[[Workload, Reachable], Parsed]:
    """The function that reads workloads as these options say."""
    return Parser(
        options=options,
        name=compiled(options.default_name),
        tags=tuple(compiled(text) for text in split_list(options.tags)),
        tags_template=go_template(options.tags_template),
    )


@attrs.frozen(kw_only=True)
class Parser:
    """Reads workloads; the options' templates are taken apart once."""

    options: RegistratorOptions
    name: Template
    tags: tuple[Template, ...]
    tags_template: GoTemplate

    def __call__(self, workload: Workload, reachable: Reachable) -> Parsed:
        """What the keys of this workload offer on the ports that can be registered."""
        problems = Problems()
        layers = Layers(read_keys(workload, self.options, problems), problems)
        wishes = _Wishes(problems)
        found = usable_ports(workload, reachable, layers, wishes)
        _report_unknown_ports(workload, layers, found, problems)
        wanted = [slot for slot in found if not slot.wish.refused]
        if not wanted:
            refused = found[0].wish.refused if found else wishes(layers.everywhere()).refused
            return Parsed(problems=problems.texts(), ignored=refused)
        chosen = [slot for slot in wanted if slot.wish.chosen or not self.options.explicit]
        namer = Namer(self.name, self.options.suffix, group=len(found))
        slots = with_registered_ports(chosen, problems)
        offers = self._offers(workload, slots, namer, problems)
        return Parsed(offers, problems.texts())

    def _offers(
        self, workload: Workload, slots: list[Slot], namer: Namer, problems: Problems
    ) -> list[Offer]:
        drafts: list[Draft] = []
        unfinished: list[tuple[Slot, str]] = []
        for slot in slots:
            place = Place(workload, slot.number, slot.protocol)
            named = namer.names(slot.wish.names, slot.wish.name, place, problems)
            for rank, service in enumerate(named.names):
                drafts.append(_draft(slot, service, rank))
                unfinished.append((slot, named.because))
        offers = []
        for draft, (slot, because), id_ in zip(
            drafts, unfinished, offer_ids(workload, drafts, problems), strict=True
        ):
            tags = self._tags(workload, slot, problems)
            try:
                offers.append(_offer(draft, slot, id_, tags, because))
            except ValueError as error:
                problems.add(because, f"{draft.service} cannot be offered: {error}")
        return offers

    def _tags(self, workload: Workload, slot: Slot, problems: Problems) -> tuple[str, ...]:
        """The container's tags, then the operator's, then `udp` for a UDP port."""
        place = Place(workload, slot.number, slot.protocol)
        filled = [template.fill(place) for template in self.tags]
        tags = slot.wish.tags + usable_tags(filled, "option tags", problems)
        tags += usable_tags(self._from_template(workload, problems), "tags_template", problems)
        return (*tags, "udp") if slot.protocol == "udp" else tags

    def _from_template(self, workload: Workload, problems: Problems) -> tuple[str, ...]:
        """The tags of the operator's Go template, none where it has no value."""
        try:
            return split_list(self.tags_template.fill(workload))
        except ValueError as error:
            problems.add("tags_template", str(error))
            return ()


class _Wishes:
    """Reads each layer once, however many ports share it."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._read: dict[Layer, Wish] = {}

    def __call__(self, layer: Layer) -> Wish:
        if layer not in self._read:
            self._read[layer] = read_wish(layer, self._problems)
        return self._read[layer]


def _report_unknown_ports(
    workload: Workload, layers: Layers, found: list[Slot], problems: Problems
) -> None:
    ports = [(port.number, port.protocol) for port in workload.ports]
    ports += [(slot.number, slot.protocol) for slot in found]
    layers.report_unknown(ports, problems)


def _draft(slot: Slot, service: str, rank: int) -> Draft:
    return Draft(
        service=service,
        port=slot.number,
        protocol=slot.protocol,
        rank=rank,
        given=slot.wish.id,
        setting=slot.wish.id_setting,
    )


def _offer(draft: Draft, slot: Slot, id_: str, tags: tuple[str, ...], because: str) -> Offer:
    return Offer(
        service=draft.service,
        port=draft.port,
        protocol=draft.protocol,
        id=id_,
        register_port=slot.registered_as,
        tags=tags,
        because=because,
        **slot.wish.fields,
    )
