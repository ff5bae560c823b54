"""What a cautious source keeps labels from, in Eureka: other names and addresses to be found by."""

import json
import urllib.error

import pytest

from syncer import AddressRules, Engine, Filter, Network, SourcePart
from syncer.testing import FakeSource, make_workload
from syncer_eureka.form.decode import instances_in
from syncer_registrator import RegistratorOptions, create

PARSER = ("registrator", create(RegistratorOptions()))
LABELS = {"SERVICE_NAME": "team-a"}


@pytest.fixture
def cycle(sink):
    """Runs a container with these labels under a cautious source's rules; returns its skips."""

    def cycle(overrides=(), **labels):
        evil = make_workload(
            "evil",
            labels={**LABELS, **labels},
            offers=None,
            network_mode="bridge",
            networks=(Network(name="bridge", ipv4="10.0.0.5"),),
        )
        source = FakeSource(evil)
        rules = AddressRules(overrides=overrides, internal=True)
        part = SourcePart(source=source, rules=rules, filter=Filter(allow_names=("team-*",)))
        report = Engine({"kit": part}, {"eureka": sink}, parsers=[PARSER]).reconcile()["eureka"]
        assert not report.failed
        return [(skip.kind, skip.reason) for skip in report.plan.skipped]

    return cycle


def asked(server, vip):
    """What a Spring Cloud client is answered that looks for this name."""
    try:
        answer = json.loads(server.api.request("GET", f"vips/{vip}"))
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 404:
                raise
        return []
    return list(instances_in(answer))


def test_its_own_names_and_paths(cycle, clean_eureka):
    """What is allowed is registered: further names of the team, and pages of the instance."""
    labels = {"SERVICE_EUREKA_VIP": "team-a,team-b", "SERVICE_EUREKA_HOME_PAGE_URL": "/home"}
    assert cycle(**labels) == []
    assert len(asked(clean_eureka, "team-b")) == 1


@pytest.mark.parametrize(
    ("labels", "setting"),
    [
        ({"SERVICE_EUREKA_VIP": "payments"}, "allow_names"),
        ({"SERVICE_EUREKA_VIP": "team-a,Payments"}, "allow_names"),
        ({"SERVICE_EUREKA_SECURE_VIP": "payments"}, "allow_names"),
        ({"SERVICE_EUREKA_HOSTNAME": "evil.example.com"}, "addresses.overrides"),
        ({"SERVICE_EUREKA_IPADDR": "203.0.113.66"}, "addresses.overrides"),
        ({"SERVICE_EUREKA_HOME_PAGE_URL": "https://evil.example.com/"}, "addresses.overrides"),
        ({"SERVICE_EUREKA_STATUS_PAGE_URL": "http://203.0.113.66/x"}, "addresses.overrides"),
        ({"SERVICE_EUREKA_HEALTH_CHECK_URL": "http://169.254.169.254/"}, "addresses.overrides"),
        ({"SERVICE_EUREKA_METADATA_MANAGEMENT.ADDRESS": "192.0.2.1"}, "addresses.overrides"),
    ],
)
def test_what_is_not_allowed_is_not_registered(cycle, clean_eureka, labels, setting):
    """The reason names the setting; consumers of the other service see nothing new."""
    clean_eureka.api.register("payments", "theirs")
    ((kind, reason),) = cycle(**labels)
    assert kind == "forbidden"
    assert setting in reason
    assert [one["instanceId"] for one in asked(clean_eureka, "payments")] == ["theirs"]
    assert clean_eureka.api.instances("team-a") == []


def test_what_was_registered_before_goes(cycle, clean_eureka, sink):
    """An entry that the rules of now forbid is removed, as one whose name they deny."""
    labels = {"SERVICE_EUREKA_HOSTNAME": "evil.example.com"}
    assert cycle(("any",), **labels) == []
    assert len(clean_eureka.api.instances("team-a")) == 1
    cycle(**labels)
    assert clean_eureka.api.instances("team-a") == []
    ((kind, _),) = cycle(**labels)
    assert kind == "forbidden"
