"""What `syncer registrator` makes of containers, held against registrator's rules, without servers.

The engine's description goes through the source `docker`, the address rules, registrator's dialect
and Consul's form, with the settings that registrator's flags become.
"""

import re
from functools import cache
from pathlib import Path

import pytest
from registrator_rules import HOST, RULES, cases, container, words_of

from syncer import AddressRules, Filter, Host, bracketed, translate_checks
from syncer.desired.translate import Translator
from syncer_consul.agent.checks import Translator as ConsulChecks
from syncer_consul.agent.limits import fit_instance
from syncer_consul.options import ConsulOptions
from syncer_docker.containers.describe import describe
from syncer_registrator.command_line import read
from syncer_registrator.labels.options import RegistratorOptions
from syncer_registrator.labels.parser import create

CASES = cases()
ROOT = Path(__file__).parents[2]
VM = Host(
    name=HOST,
    addresses={"eth0": ("192.0.2.1", "2001:db8::1")},
    default_address="192.0.2.1",
)
#: What a check looks at, by the field of Consul's definition.
TARGETS = ("HTTP", "TCP", "UDP", "GRPC", "H2PING", "TTL", "AliasService", "Args")


@cache
def translator(flags):
    """The translation of containers by these flags."""
    settings = read([*flags, "consul://c:8500"], {"SYNCER_HOST": HOST}).settings
    source = settings["sources"]["docker"]
    parse = create(RegistratorOptions(**settings["parsers"]["registrator"]))
    return Translator(
        parsers=(("registrator", parse),),
        rules=AddressRules(**source.get("addresses", {})),
        filter=Filter(include=source.get("include", ())),
        mirror_health=source["healthcheck"] != "ignore",
    )


def shown(instance, port):
    """An entry in the words of the file; `port` is the container's own."""
    translate = ConsulChecks(ConsulOptions())
    instance, _ = translate_checks(instance, translate)
    instance = fit_instance(instance, (1, 18, 0), frozenset())
    at = f"{bracketed(instance.address)}:{instance.port}"
    ending = "" if instance.protocol == "tcp" else f":{instance.protocol}"
    words = {f"meta.{key}={value}" for key, value in instance.meta.items()}
    if instance.id != f"{HOST}:box:{port}{ending}" or instance.protocol == "sctp":
        words.add(f"id={instance.id}")
    if instance.tags:
        words.add("tags=" + ",".join(tag.replace(",", r"\,") for tag in instance.tags))
    if instance.weight is not None:
        words.add(f"weight={instance.weight}")
    if instance.tag_override:
        words.add("override")
    return instance.service, at, frozenset(words | set(map(check_shown, instance.checks)))


def check_shown(check):
    """A check in the words of the file."""
    fields = dict(check.definition)
    target = next(str(fields.pop(key)) for key in TARGETS if key in fields)
    if fields.get("Interval") == "10s":
        del fields["Interval"]
    fields = {key: value for key, value in fields.items() if key not in ("Name", "Notes")}
    more = "".join(f",{key}={value}" for key, value in sorted(fields.items()))
    return f"{check.key}:{target}{more}"


def ordered(entries):
    return sorted(entries, key=lambda entry: (*entry[:2], sorted(entry[2])))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.line}: {case.run}")
def test_case(case):
    """The container has these entries and no others."""
    workload = describe(container(case.run), "docker", HOST)
    translated = translator(case.flags).translate(workload, None, VM)
    found = [shown(one.instance, one.offer.port) for one in translated.explained if one.instance]
    assert ordered(found) == ordered(map(words_of, case.entries)), translated.problems


def test_there_are_enough():
    """At least 250 combinations, each once, and as many as the page says."""
    assert len({(case.flags, case.run) for case in CASES}) == len(CASES) >= 250
    assert f"{len(CASES)} combinations" in (ROOT / "docs/migrate.md").read_text()


def test_every_difference_is_listed():
    """Each has a row in the tables of differences, and is one."""
    text = (ROOT / "docs/migrate.md").read_text().partition("## What is different\n")[2]
    text += (
        (ROOT / "plugins/syncer-registrator/README.md")
        .read_text()
        .partition("## Differences from registrator\n")[2]
    )
    rows = {line.split("|")[1].strip() for line in text.splitlines() if re.match(r"\| [^-]", line)}
    for case in CASES:
        assert bool(case.because) == bool(case.registrator), f"{RULES}:{case.line}"
        assert any(row.startswith(case.because) for row in rows), f"{case.because}: {case.line}"
        theirs = [one for one in case.registrator if one != "-"]
        if case.because:
            assert ordered(map(words_of, theirs)) != ordered(map(words_of, case.entries))
