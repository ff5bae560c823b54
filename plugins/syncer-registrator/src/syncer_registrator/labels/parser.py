"""From the keys of a workload to its offers. Pure."""

from collections.abc import Callable
from functools import cache

import attrs

from syncer import Offer, Parsed, Reachable, Workload
from syncer.kits.labels import Problems
from syncer.kits.labels.values import split_list
from syncer_registrator.go.template import GoTemplate, parse_go_template
from syncer_registrator.labels.ids import Draft, offer_ids
from syncer_registrator.labels.keys import read_keys
from syncer_registrator.labels.naming import Namer
from syncer_registrator.labels.options import RegistratorOptions
from syncer_registrator.labels.port_settings import read_port_settings
from syncer_registrator.labels.ports import UsablePort, usable_ports, with_registered_ports
from syncer_registrator.labels.precedence import Precedence
from syncer_registrator.labels.tags import usable_tags
from syncer_registrator.labels.template import Context, Template, parse_template


def create(options: RegistratorOptions) -> Callable[[Workload, Reachable], Parsed]:
    """Return the function that reads workloads with these options."""
    return Parser(
        options=options,
        name=parse_template(options.default_name),
        tags=tuple(parse_template(text) for text in split_list(options.tags)),
        tags_template=parse_go_template(options.tags_template),
    )


@attrs.frozen(kw_only=True)
class Parser:
    """Reads workloads. The templates of the options are parsed once."""

    options: RegistratorOptions
    name: Template
    tags: tuple[Template, ...]
    tags_template: GoTemplate

    def __call__(self, workload: Workload, reachable: Reachable) -> Parsed:
        """Return the offers of a workload."""
        problems = Problems()
        precedence = Precedence(read_keys(workload, self.options, problems), problems)
        # Many ports share the same keys: they are read once.
        read = cache(lambda keys: read_port_settings(keys, problems))
        ports = usable_ports(workload, reachable, precedence, read)
        known = [(port.number, port.protocol) for port in workload.ports]
        known += [(port.number, port.protocol) for port in ports]
        precedence.report_unknown_ports(known, problems)
        wanted = [port for port in ports if not port.settings.ignored_by]
        if not wanted:
            settings = ports[0].settings if ports else read(precedence.keys_without_port())
            return Parsed(problems=problems.texts(), ignored=settings.ignored_by)
        explicit = self.options.explicit
        chosen = [port for port in wanted if port.settings.chosen or not explicit]
        namer = Namer(self.name, self.options.suffix, group=len(ports))
        offers = self._offers(workload, with_registered_ports(chosen, problems), namer, problems)
        return Parsed(offers, problems.texts())

    def _offers(
        self, workload: Workload, ports: list[UsablePort], namer: Namer, problems: Problems
    ) -> list[Offer]:
        drafts: list[tuple[Draft, UsablePort, str]] = []
        for port in ports:
            context, settings = Context(workload, port.number, port.protocol), port.settings
            named = namer.names(settings.names, settings.name, context, problems)
            for rank, service in enumerate(named.names):
                drafts.append((_draft(port, service, rank), port, named.because))
        ids = offer_ids(workload, [draft for draft, _, _ in drafts], problems)
        offers = []
        for (draft, port, because), id_ in zip(drafts, ids, strict=True):
            tags = self._tags(workload, port, problems)
            try:
                offers.append(_offer(draft, port, id_, tags, because))
            except ValueError as error:
                problems.add(because, f"{draft.service} cannot be offered: {error}")
        return offers

    def _tags(self, workload: Workload, port: UsablePort, problems: Problems) -> tuple[str, ...]:
        """Return the container's tags, then the operator's, then `udp` for a UDP port."""
        context = Context(workload, port.number, port.protocol)
        filled = [template.fill(context) for template in self.tags]
        tags = port.settings.tags + usable_tags(filled, "option tags", problems)
        tags += usable_tags(self._from_template(workload, problems), "tags_template", problems)
        return (*tags, "udp") if port.protocol == "udp" else tags

    def _from_template(self, workload: Workload, problems: Problems) -> tuple[str, ...]:
        """Return the tags of the operator's Go template, none if it has no value."""
        try:
            return split_list(self.tags_template.fill(workload))
        except ValueError as error:
            problems.add("tags_template", error)
            return ()


def _draft(port: UsablePort, service: str, rank: int) -> Draft:
    return Draft(
        service=service,
        port=port.number,
        protocol=port.protocol,
        rank=rank,
        given=port.settings.id,
        setting=port.settings.id_setting,
    )


def _offer(draft: Draft, port: UsablePort, id_: str, tags: tuple[str, ...], because: str) -> Offer:
    return Offer(
        service=draft.service,
        port=draft.port,
        protocol=draft.protocol,
        id=id_,
        register_port=port.registered_as,
        tags=tags,
        because=because,
        **port.settings.fields,
    )
