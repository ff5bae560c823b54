"""From the keys of a workload to its offers. Pure."""

from collections.abc import Callable, Iterator
from itertools import islice

import attrs

from syncer import Offer, Parsed, Reachable, Workload
from syncer.kits.labels import Problems
from syncer.kits.labels.values import split_list
from syncer_registrator.go.template import GoTemplate, parse_go_template
from syncer_registrator.labels.ids import Draft, offer_ids
from syncer_registrator.labels.keys import read_keys
from syncer_registrator.labels.naming import TAG, Namer, usable
from syncer_registrator.labels.options import RegistratorOptions
from syncer_registrator.labels.port_settings import port_reader
from syncer_registrator.labels.ports import UsablePort, usable_ports, with_registered_ports
from syncer_registrator.labels.precedence import Precedence
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
        read = port_reader(problems)
        ports = usable_ports(workload, reachable, precedence, read)
        known = {(port.number, port.protocol) for port in workload.ports}
        known |= {(port.number, port.protocol) for port in ports}
        bound = (*workload.ports, *reachable.ports)
        precedence.report_unknown_ports(known, bound, problems)
        wanted = [port for port in ports if not port.settings.ignored_by]
        if not wanted:
            settings = ports[0].settings if ports else read(precedence.keys_of())
            return Parsed(problems=problems.texts(), ignored=settings.ignored_by)
        explicit = self.options.explicit
        chosen = [port for port in wanted if port.settings.chosen or not explicit]
        namer = Namer(self.name, self.options.suffix, group=len(ports))
        chosen = with_registered_ports(chosen, problems)
        most = reachable.most
        drafts = list(islice(_drafts(workload, chosen, namer, problems), most + 1))
        offers = self._offers(workload, drafts[:most], problems)
        over = _too_many(chosen, most, self.options.prefix) if len(drafts) > most else ()
        asked = any(port.settings.asked for port in chosen)
        return Parsed(offers, (*over, *problems.texts()), asked=asked)

    def _offers(self, workload: Workload, drafts: list[Draft], problems: Problems) -> list[Offer]:
        offers = []
        more = self._more_tags(workload, problems)
        for draft, id_ in zip(drafts, offer_ids(workload, drafts, problems), strict=True):
            tags = self._tags(workload, draft.port, more, problems)
            try:
                offers.append(_offer(draft, id_, tags))
            except ValueError as error:
                problems.add(draft.because, f"{draft.service} cannot be offered: {error}")
        return offers

    def _tags(
        self, workload: Workload, port: UsablePort, more: tuple[str, ...], problems: Problems
    ) -> tuple[str, ...]:
        """Return the container's tags, then the operator's, then `udp` for a UDP port."""
        context = Context(workload, port.number, port.protocol)
        filled = [template.fill(context) for template in self.tags]
        tags = port.settings.tags() + usable(filled, TAG, "option tags", problems) + more
        return (*tags, "udp") if port.protocol == "udp" else tags

    def _more_tags(self, workload: Workload, problems: Problems) -> tuple[str, ...]:
        """Return the tags of the Go template, which are the same for all ports."""
        try:
            more = split_list(self.tags_template.fill(workload))
            return usable(more, TAG, "tags_template", problems)
        except ValueError as error:
            problems.add("tags_template", error)
            return ()


def _drafts(
    workload: Workload, ports: list[UsablePort], namer: Namer, problems: Problems
) -> Iterator[Draft]:
    for port in ports:
        context = Context(workload, port.number, port.protocol)
        named = namer.names(port.settings.names, port.settings.name, context, problems)
        for rank, service in enumerate(named.names):
            yield Draft(service, rank, port, named.because)


def _too_many(ports: list[UsablePort], most: int, prefix: str) -> tuple[str, ...]:
    """Return the problem of a workload with more services than are registered."""
    some = f"{prefix}{ports[0].number}-{ports[-1].number}_IGNORE=true"
    return (
        f"{len(ports):,} ports of one container: only the first {most} services are registered. A"
        f" label such as {some} leaves ports out; the source's setting most_instances allows more",
    )


def _offer(draft: Draft, id_: str, tags: tuple[str, ...]) -> Offer:
    return Offer(
        service=draft.service,
        port=draft.port.number,
        protocol=draft.port.protocol,
        id=id_,
        register_port=draft.port.registered_as,
        tags=tags,
        because=draft.because,
        **draft.port.settings.fields(),
    )
