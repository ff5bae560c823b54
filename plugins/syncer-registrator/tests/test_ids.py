"""Ids: the core's own, unless labels or several names on one port ask for more."""

from typing import Any

import pytest


def ids(parsed):
    return [offer.id for offer in parsed.offers]


def test_ids_are_left_to_the_core(read):
    """Without `SERVICE_ID` and with one name for each port the core gives registrator's ids."""
    assert ids(read({"SERVICE_NAME": "w"}, ports="80 53/udp")) == ["", ""]


def test_further_names_of_a_port_get_ids_of_their_own(read):
    """The first name keeps the usual id; the others' tell protocol and name as well."""
    parsed = read({"SERVICE_53_NAME": "dns,udp"}, ports="53 53/udp")

    assert ids(parsed) == ["", "host:box:53:tcp:udp", "", "host:box:53:udp:udp"]


ROWS: list[tuple[str, dict[str, str], str, list[str], int]] = [
    ("one port", {"SERVICE_ID": "i"}, "80", ["i"], 0),
    ("port", {"SERVICE_80_ID": "i"}, "80 81", ["i", ""], 0),
    ("udp ending is replaced", {"SERVICE_ID": "i"}, "53/udp", ["i"], 0),
    ("several ports", {"SERVICE_ID": "i"}, "80 443", ["i-80", "i-443"], 1),
    ("both protocols", {"SERVICE_53_ID": "i"}, "53 53/udp", ["i-53", "i-53-udp"], 1),
    ("range", {"SERVICE_80-90_ID": "i"}, "80 81 443", ["i-80", "i-81", ""], 1),
    ("others ignored", {"SERVICE_ID": "i", "SERVICE_81_IGNORE": "1"}, "80 81", ["i"], 0),
    ("several names", {"SERVICE_ID": "i", "SERVICE_NAME": "a,b"}, "80", ["i", "i-b"], 0),
    ("the usual id", {"SERVICE_80_ID": "host:box:80"}, "80", ["host:box:80"], 0),
    (
        "taken",
        {"SERVICE_80_ID": "i", "SERVICE_81_ID": "i"},
        "80 81",
        ["i", "host:box:81:tcp:shop-81"],
        1,
    ),
    (
        "the usual id of another",
        {"SERVICE_80_ID": "host:box:81"},
        "80 81",
        ["host:box:80:tcp:shop-80", ""],
        1,
    ),
    ("empty", {"SERVICE_80_ID": ""}, "80", [""], 0),
    ("control characters", {"SERVICE_ID": "a\nb"}, "80", [""], 1),
    ("sctp beside tcp", {}, "80 80/sctp", ["", ""], 0),
]


@pytest.mark.parametrize(
    ("labels", "ports", "expected", "problems"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_given_ids(read, labels, ports, expected, problems):
    """A given id is used as it is, or made particular where it would be used twice, with a word."""
    parsed = read(labels, ports=ports)

    assert ids(parsed) == expected
    assert len(parsed.problems) == problems, parsed.problems


def test_a_shared_id_is_reported_once(read):
    """One id for several ports is one problem, which says what became of it."""
    parsed = read({"SERVICE_ID": "i"}, ports="80 81 82")

    assert parsed.problems == ("SERVICE_ID (label): one id for 3 ports: the port is added to each",)


BECAUSE: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["default name"]),
    ({"labels": {"SERVICE_80_NAME": "w"}}, ["SERVICE_80_NAME (label)"]),
    ({"labels": {"service.name": "w"}}, ["service.name (label)"]),
    ({"env": {"SERVICE_NAME": "w"}}, ["SERVICE_NAME (env)"]),
    (
        {"env": {"SERVICE_NAME": "w"}, "ports": "80 81"},
        [f"SERVICE_NAME (env), with -{port}: one of 2 ports" for port in (80, 81)],
    ),
    ({"options": {"suffix": "always"}}, ["default name, with -80: as configured"]),
]


@pytest.mark.parametrize(("workload", "because"), BECAUSE)
def test_offers_say_where_their_name_comes_from(read, workload, because):
    """`because` names the key that gave the name, and where that stands."""
    assert [offer.because for offer in read(**workload).offers] == because


IGNORED = [
    ({"labels": {"SERVICE_IGNORE": "true"}}, "SERVICE_IGNORE (label)"),
    ({"env": {"SERVICE_IGNORE": "1"}}, "SERVICE_IGNORE (env)"),
    ({"labels": {"SERVICE_IGNORE": "true"}, "ports": ""}, "SERVICE_IGNORE (label)"),
    ({"labels": {"SERVICE_80_IGNORE": "true"}}, "SERVICE_80_IGNORE (label)"),
    ({"labels": {"SERVICE_REGISTER": "false"}}, "SERVICE_REGISTER (label)"),
    ({"labels": {"SERVICE_80_IGNORE": "true"}, "ports": "80 81"}, ""),
    ({"labels": {"SERVICE_IGNORE": "false"}}, ""),
    ({"options": {"explicit": True}}, ""),
    ({"ports": "80!"}, ""),
]


@pytest.mark.parametrize(("workload", "ignored"), IGNORED)
def test_ignored_workloads_say_so(read, workload, ignored):
    """Where labels forbid every port of a workload, the answer says by which key."""
    assert read(**workload).ignored == ignored
