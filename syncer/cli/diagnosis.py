"""The report of `syncer doctor`: only judges what `Source.examine` and `Sink.examine` found."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

import attrs

from syncer.api.changes import Plan, Treat
from syncer.api.contracts import View
from syncer.api.findings import Finding, Level
from syncer.api.keys import Part, Place
from syncer.api.left_out import LeftOut, LeftOutKind, heading
from syncer.api.registrations import Instance, Registration
from syncer.api.text import many, one_line, some_of
from syncer.api.workloads import Host
from syncer.config.settings import Config
from syncer.desired.address_rules import AddressRules
from syncer.desired.left_out import grouped
from syncer.desired.networking import NoAddressError, advertised, is_loopback
from syncer.desired.ownership import Ownership
from syncer.desired.snapshot import Snapshot
from syncer.engine.queries import Examined, Once
from syncer.plan.adoption import registrator_host

#: The findings, by what they are about.
Report = Mapping[str, tuple[Finding, ...]]

#: Host names that Docker chooses for containers.
_RANDOM = re.compile(r"[0-9a-f]{12}")
#: The host's own interfaces in container networks: other hosts cannot reach their addresses.
_BRIDGE = re.compile(r"docker\d+|br-[0-9a-f]{12}|cni\d+|podman\d+")
#: Examples in one line.
_SHOWN = 3
#: Reasons for which something is not registered, of one source.
_REASONS = 10

_warning = partial(Finding, Level.WARNING)


@attrs.frozen(kw_only=True)
class Installed:
    """The version of an installed, unrelated distribution `syncer`, and plugins that failed."""

    foreign: str = ""
    failed: tuple[str, ...] = ()


def diagnosed(config: Config, installed: Installed, examined: Examined) -> Report:
    """Return all findings, by part."""
    now, errors = examined.now, examined.plans.errors
    found: dict[str, list[Finding]] = {
        "installation": list(_of_installation(installed)),
        "configuration": list(_of_configuration(config)),
    }
    for name, snapshot in now.sources.items():
        what = Part("source", name)
        own = examined.findings.get(what, ())
        found[what] = [*own, *_unanswered(errors.get(what, ""), own)]
        if what not in errors:
            left_out = (one for one in examined.plans.left_out if one.source == name)
            found[what] += _of_source(snapshot, config.sources[name].addresses, left_out)
    for name, view in now.sinks.items():
        what = Part("sink", name)
        own = examined.findings.get(what, ())
        found[what] = [*own, *_unanswered(errors.get(what, ""), own)]
        if what not in errors:
            found[what] += _of_sink(config, name, view, now.ownership, examined.plans)
    return {what: tuple(findings) for what, findings in found.items() if findings}


def failed(report: Report) -> bool:
    """Whether there is a problem among the findings."""
    return any(one.level is Level.PROBLEM for one in chain(*report.values()))


def _of_installation(installed: Installed) -> Iterator[Finding]:
    if installed.foreign:
        yield Finding(
            Level.PROBLEM,
            f"the package syncer {installed.foreign} is also installed: an unrelated program",
            "each overwrites the other: uninstall syncer and syncer-core, then install syncer-core",
        )
    for name in installed.failed:
        text = "run `syncer plugins` to see why; it matters only if the configuration uses it"
        yield _warning(f"plugin {name} cannot be used", text)
    if not installed.foreign and not installed.failed:
        yield Finding(Level.OK, "all plugins load")


def _of_configuration(config: Config) -> Iterator[Finding]:
    """Yield the warnings of `syncer check-config`, such as world-readable secrets."""
    for warning in config.warnings:
        yield _warning(_first_line(warning))
    if not config.warnings:
        yield Finding(Level.OK, "valid; secrets are not world-readable")


def _unanswered(error: str, own: Collection[Finding]) -> Iterator[Finding]:
    """Yield its error, unless it reported a problem itself, with better advice."""
    if error and not any(one.level is Level.PROBLEM for one in own):
        text = "until it answers, nothing is registered or removed for it"
        yield Finding(Level.PROBLEM, _first_line(error), text)


def _of_source(
    snapshot: Snapshot, rules: AddressRules, left_out: Iterable[LeftOut]
) -> Iterator[Finding]:
    host = snapshot.host
    entries = snapshot.workloads.values()
    instances = [one for entry in entries for one in entry.translated.instances]
    text = f"reachable: {many(len(entries), 'workload')}, {many(len(instances), 'instance')}"
    yield Finding(Level.OK, text)
    if snapshot.doubt and not snapshot.unclear:
        yield _warning(snapshot.doubt, "nothing is removed until the listing is complete")
    missing = _missing(snapshot, rules)
    yield from _not_registered(left_out, missing)
    yield from _scope(host.name)
    for text, count in sorted(missing.items()):
        advice = "meanwhile what is registered stays, and nothing is added"
        what = f"{text} ({many(count, 'service')} without an address)"
        yield Finding(Level.PROBLEM, what, advice)
    yield from _addresses(instances, host)
    yield from _places(instances)
    workloads = (entry.workload for entry in entries)
    if others := sorted(one.name for one in workloads if _is_registrator(one.image)):
        yield _warning(
            f"registrator is also running: {some_of(others, _SHOWN)}",
            "stop it: both register the same services (`syncer registrator` takes its flags)",
        )


def _not_registered(left_out: Iterable[LeftOut], told: Collection[str]) -> Iterator[Finding]:
    """Yield a warning for each reason why something is not registered, except those told."""
    groups = grouped(
        one for one in left_out if one.kind is not LeftOutKind.IGNORED and one.reason not in told
    )
    for first, names in list(groups.items())[:_REASONS]:
        who = f"{some_of(names, _SHOWN)}: " if names else ""
        what = heading(first.workload, first.kind)
        yield _warning(one_line(f"{what}: {who}{first.reason}"), first.advice)
    if (more := len(groups) - _REASONS) > 0:
        yield _warning(f"not registered: {more} more reasons", "`syncer plan` lists all of them")


def _scope(host: str) -> Iterator[Finding]:
    if _RANDOM.fullmatch(host):
        yield _warning(
            f"its scope {host} looks like a container id, which changes with each start",
            "set the option scope, or the container's host name, to the host's name",
        )


def _missing(snapshot: Snapshot, rules: AddressRules) -> Mapping[str, int]:
    """Return why addresses are missing that may come back, and for how many services."""
    explained = (one for entry in snapshot.workloads.values() for one in entry.translated.explained)
    missing = Counter(one.choice.problem for one in explained if one.choice.unknown)
    if rules.advertise and snapshot.host.addresses:
        try:
            advertised(rules.advertise, snapshot.host, rules.family)
        except NoAddressError as error:
            missing.setdefault(str(error), 0)
    return missing


def _addresses(instances: Collection[Instance], host: Host) -> Iterator[Finding]:
    """Yield warnings about addresses that other hosts cannot reach."""
    local = [one for one in instances if is_loopback(one.address)]
    names = {
        address: name
        for name, addresses in host.addresses.items()
        if _BRIDGE.fullmatch(name)
        for address in addresses
    }
    inner = [one for one in instances if one.address in names]
    advice = (
        "set --advertise to what other hosts can reach: an address, an interface (eth0) or a CIDR"
    )
    if local:
        text = f"{many(len(local), 'instance')} with a loopback address: {_of_ids(local)}"
        yield _warning(text, advice)
    if inner:
        where = some_of(sorted({names[one.address] for one in inner}), _SHOWN)
        text = f"{many(len(inner), 'instance')} with the address of a bridge ({where})"
        yield _warning(f"{text}: {_of_ids(inner)}", advice)


def _places(instances: Iterable[Instance]) -> Iterator[Finding]:
    """Yield warnings about instances of several workloads at one address and port."""
    by_place: defaultdict[tuple[Place, str], list[Instance]] = defaultdict(list)
    for one in instances:
        if one.port:
            by_place[one.place, one.protocol].append(one)
    for group in by_place.values():
        if len({one.origin.workload if one.origin else one.id for one in group}) > 1:
            yield _warning(
                f"{len(group)} workloads share {group[0].endpoint}: {_of_ids(group)}",
                "only one of them can listen there: give each its own port",
            )


def _is_registrator(image: str) -> bool:
    """Whether the image is called registrator, e.g. `gliderlabs/registrator:v7`."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] == "registrator"


def _of_sink(
    config: Config, name: str, view: View[Registration], ownership: Ownership, plans: Once[Plan]
) -> Iterator[Finding]:
    ours = [one for one in view.items if ownership.in_scope(one.mark)]
    scopes = frozenset().union(*ownership.scopes.values())
    entries = many(len(view.items), "entry", "entries")
    yield Finding(Level.OK, f"reachable: {entries}, {len(ours)} managed here")
    for problem in view.problems:
        yield _warning(problem)
    if not view.complete and not view.problems:
        yield _warning(
            "its listing is incomplete: permissions hide a part",
            "nothing is removed meanwhile; allow the token to read all services",
        )
    if plan := plans.get(name):
        yield from _skips(plan)
    left = [one.id for one in view.items if not one.mark and registrator_host(one.id) in scopes]
    if left and not config.sinks[name].adopt:
        found = many(len(left), "entry", "entries")
        yield _warning(
            f"{found} in registrator's form for this host: {some_of(left, _SHOWN)}",
            f"they are left alone; take them over with --set sinks.{name}.adopt=own",
        )
    yield from _rivals(config, name, ours)


def _skips(plan: Plan) -> Iterator[Finding]:
    reasons = {skip.kind: skip for skip in reversed(plan.skipped)}
    for kind, count in sorted(Counter(skip.kind for skip in plan.skipped).items()):
        if Treat.REPORT in kind.treat:
            first = reasons[kind]
            text = f"{count} skipped ({kind}): {first.id}: {first.reason}"
            yield _warning(_first_line(text), "run `syncer plan` to list all of them")


def _rivals(config: Config, name: str, ours: Iterable[Registration]) -> Iterator[Finding]:
    """Yield a warning about entries of our owner and scope from a source not configured here."""
    sources = config.sinks[name].sources or tuple(config.sources)
    strange = sorted({one.mark.source for one in ours if one.mark} - set(sources))
    if strange and not config.sinks[name].lock:
        yield _warning(
            f"entries of this owner and host come from other sources: {some_of(strange, _SHOWN)}",
            "if another syncer writes them, give each its own owner, or both the same lock; if they"
            " are left over, remove them with `syncer purge --only`",
        )


def _of_ids(instances: Iterable[Instance]) -> str:
    return some_of([one.id for one in instances], _SHOWN)


def _first_line(text: str) -> str:
    """Return the first line: a traceback may follow."""
    return (text.splitlines() or [""])[0]
