"""`syncer doctor`: what is wrong, or looks wrong, and what to do about it. Pure.

Sources and sinks examine themselves, see `Source.examine` and `Sink.examine`; here it is judged
what they answered.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

import attrs

from syncer.api.changes import Plan, Treat
from syncer.api.findings import Finding, Level
from syncer.api.keys import Part, Place
from syncer.api.model import Host, Instance, Registration, View
from syncer.api.text import some_of
from syncer.config.settings import Config
from syncer.desired.networking import is_loopback
from syncer.desired.ownership import Ownership
from syncer.desired.snapshot import Snapshot
from syncer.engine.queries import Examined, Once
from syncer.plan.adoption import registrator_host

#: What to look at, and what was found there.
Report = Mapping[str, tuple[Finding, ...]]

#: Names that Docker gives to containers, as host names: nobody chose them.
_RANDOM = re.compile(r"[0-9a-f]{12}")
#: The host's own side of networks of containers: no other host gets there.
_BRIDGE = re.compile(r"docker\d+|br-[0-9a-f]{12}|cni\d+|podman\d+")
#: Examples in one line.
_SHOWN = 3
#: Why something is skipped though nothing is wrong, or though there is a line of its own.


@attrs.frozen(kw_only=True)
class Installed:
    """What is installed: a distribution `syncer` of somebody else's, and plugins that failed."""

    foreign: str = ""
    failed: tuple[str, ...] = ()


def diagnosed(config: Config, installed: Installed, examined: Examined) -> Report:
    """All findings, by what they are about."""
    now, errors = examined.now, examined.plans.errors
    found: dict[str, list[Finding]] = {
        "installation": list(_of_installation(installed)),
        "configuration": list(_of_configuration(config)),
    }
    for name, snapshot in now.sources.items():
        what = Part("source", name)
        own = examined.findings.get(what, ())
        host = examined.hosts.get(what, Host(name=name))
        found[what] = [*own, *_unanswered(errors.get(what, ""), own)]
        if what not in errors:
            found[what] += _of_source(snapshot, host)
    for name, view in now.sinks.items():
        what = Part("sink", name)
        own = examined.findings.get(what, ())
        found[what] = [*own, *_unanswered(errors.get(what, ""), own)]
        if what not in errors:
            found[what] += _of_sink(config, name, view, now.ownership, examined.plans)
    return {what: tuple(findings) for what, findings in found.items() if findings}


def failed(report: Report) -> bool:
    """Whether there is a problem among them."""
    return any(one.level is Level.PROBLEM for one in chain(*report.values()))


def _of_installation(installed: Installed) -> Iterator[Finding]:
    if installed.foreign:
        yield Finding(
            Level.PROBLEM,
            f"the package syncer {installed.foreign}, which is another program, is installed too",
            "one overwrites the other: uninstall syncer and syncer-core, then install syncer-core",
        )
    for name in installed.failed:
        text = "`syncer plugins` says why; it matters only if the configuration uses it"
        yield Finding(Level.WARNING, f"plugin {name} cannot be used", text)
    if not installed.foreign and not installed.failed:
        yield Finding(Level.OK, "no package in the way, all plugins can be used")


def _of_configuration(config: Config) -> Iterator[Finding]:
    """What `syncer check-config` warns of: secrets that others can read, for one."""
    for warning in config.warnings:
        yield Finding(Level.WARNING, _one_line(warning))
    if not config.warnings:
        yield Finding(Level.OK, "nothing is wrong with it, and no secret is open to others")


def _unanswered(error: str, own: Collection[Finding]) -> Iterator[Finding]:
    """That it failed, unless it said so itself: it knows better what to do about it."""
    if error and not any(one.level is Level.PROBLEM for one in own):
        text = "nothing is registered or removed for it meanwhile"
        yield Finding(Level.PROBLEM, _one_line(error), text)


# Sources


def _of_source(snapshot: Snapshot, host: Host) -> Iterator[Finding]:
    instances = list(_instances(snapshot))
    entries = snapshot.workloads.values()
    yield Finding(
        Level.OK, f"answers: {len(snapshot.workloads)} workloads, {len(instances)} instances"
    )
    yield from _unclear(snapshot)
    yield from _scope(host.name)
    yield from _addresses(instances, host)
    yield from _places(instances)
    images = ((entry.workload.name, entry.workload.image) for entry in entries)
    others = sorted(name for name, image in images if _is_registrator(image))
    if others:
        yield Finding(
            Level.WARNING,
            f"registrator runs here too: {some_of(others, _SHOWN)}",
            "stop it, or both write the same services: see docs/migrate",
        )


def _instances(snapshot: Snapshot) -> Iterable[Instance]:
    return chain.from_iterable(entry.translated.instances for entry in snapshot.workloads.values())


def _unclear(snapshot: Snapshot) -> Iterator[Finding]:
    if unclear := sorted(snapshot.unclear):
        yield Finding(
            Level.WARNING,
            f"cannot describe {len(unclear)} workloads: {some_of(unclear, _SHOWN)}",
            "what is registered for them stays as it is; `syncer run --verbose` says why",
        )
    elif snapshot.doubt:
        yield Finding(Level.WARNING, snapshot.doubt, "nothing is removed until it is complete")


def _scope(host: str) -> Iterator[Finding]:
    if _RANDOM.fullmatch(host):
        yield Finding(
            Level.WARNING,
            f"its scope {host} looks like the id of a container, another after each start",
            "set the option scope, or the container's host name, to the name of the host",
        )


def _addresses(instances: Collection[Instance], host: Host) -> Iterator[Finding]:
    """Addresses at which no other host finds what is registered."""
    local = [one for one in instances if is_loopback(one.address)]
    names = {
        address: name
        for name, addresses in host.addresses.items()
        if _BRIDGE.fullmatch(name)
        for address in addresses
    }
    inner = [one for one in instances if one.address in names]
    advice = "set --advertise to an address of this host that others reach: docs/addresses.md"
    if local:
        text = f"{len(local)} instances are registered at a loopback address: {_of_ids(local)}"
        yield Finding(Level.WARNING, text, advice)
    if inner:
        where = some_of(sorted({names[one.address] for one in inner}), _SHOWN)
        text = f"{len(inner)} instances are registered at a bridge's address ({where})"
        yield Finding(Level.WARNING, f"{text}: {_of_ids(inner)}", advice)


def _places(instances: Iterable[Instance]) -> Iterator[Finding]:
    """Instances that cannot all be what answers at their address and port."""
    there: defaultdict[tuple[Place, str], list[Instance]] = defaultdict(list)
    for one in instances:
        if one.port:
            there[one.place, one.protocol].append(one)
    for group in there.values():
        if len({one.origin.workload if one.origin else one.id for one in group}) > 1:
            yield Finding(
                Level.WARNING,
                f"{len(group)} workloads are registered at {group[0].endpoint}: {_of_ids(group)}",
                "only one of them can listen there: give each a port of its own",
            )


def _is_registrator(image: str) -> bool:
    """Whether the image goes by registrator's name: `gliderlabs/registrator:v7`."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] == "registrator"


# Sinks


def _of_sink(
    config: Config,
    name: str,
    view: View[Registration],
    ownership: Ownership,
    plans: Once[Plan],
) -> Iterator[Finding]:
    ours = [one for one in view.items if ownership.in_scope(one.mark)]
    scopes = frozenset().union(*ownership.scopes.values())
    yield Finding(Level.OK, f"answers: {len(view.items)} entries, {len(ours)} of them ours")
    if not view.complete:
        yield Finding(
            Level.WARNING,
            "it does not show everything: rights hide a part",
            "nothing is removed so; give the token the right to read all services",
        )
    if plan := plans.get(name):
        yield from _skips(plan)
    left = [one.id for one in view.items if not one.mark and registrator_host(one.id) in scopes]
    if left and not config.sinks[name].adopt:
        yield Finding(
            Level.WARNING,
            f"{len(left)} entries look like registrator's for this host: {some_of(left, _SHOWN)}",
            "they are left alone; take them over by the option adopt, see docs/migrate",
        )
    yield from _rivals(config, name, ours)


def _skips(plan: Plan) -> Iterator[Finding]:
    reasons = {skip.kind: skip for skip in reversed(plan.skipped)}
    for kind, count in sorted(Counter(skip.kind for skip in plan.skipped).items()):
        if Treat.REPORT in kind.treat:
            first = reasons[kind]
            text = f"{count} skipped as {kind}: {first.id}: {first.reason}"
            yield Finding(Level.WARNING, _one_line(text), "`syncer plan` lists all of them")


def _rivals(config: Config, name: str, ours: Iterable[Registration]) -> Iterator[Finding]:
    """Entries under our owner and scope from a source that we do not have."""
    sources = config.sinks[name].sources or tuple(config.sources)
    strange = sorted({one.mark.source for one in ours if one.mark} - set(sources))
    if strange and not config.sinks[name].lock:
        yield Finding(
            Level.WARNING,
            f"entries with our owner and scope come from other sources: {some_of(strange, _SHOWN)}",
            "if another syncer writes them, give each its own owner, or both one lock; if they are"
            " left over, `syncer purge --only` removes them",
        )


# Words


def _of_ids(instances: Iterable[Instance]) -> str:
    return some_of([one.id for one in instances], _SHOWN)


def _one_line(text: str) -> str:
    """The first line: what follows is a traceback."""
    return (text.splitlines() or [""])[0]
