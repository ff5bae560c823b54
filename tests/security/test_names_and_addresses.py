"""What an operator can forbid to those who write labels: names, and addresses not their own."""

import pytest

from syncer import (
    Binding,
    Engine,
    FoundAs,
    Host,
    MirrorSource,
    Network,
    Offer,
    Port,
    SourcePart,
    Workload,
)
from syncer.desired.addresses import AddressRules
from syncer.desired.filters import Filter
from syncer.desired.translate import Translator
from syncer.plugin.builtin.memory import MemorySink, MemoryStore
from syncer.testing import make_instance, make_registration
from syncer_registrator import RegistratorOptions, create

HOST = Host(name="a", addresses={"eth0": ("10.0.0.5",)}, default_address="10.0.0.5")
PARSER = ("registrator", create(RegistratorOptions()))


def translated(labels, *, filter=None, parser=PARSER, offers=None, ids="own", **rules):
    published = Port(number=80, bindings=(Binding(address="0.0.0.0", port=32768),))
    workload = Workload(
        source="docker",
        scope="a",
        id="c1",
        name="web-1",
        image="nginx",
        labels=labels,
        ports=(published,),
        network_mode="bridge",
        networks=(Network(name="bridge", ipv4="172.17.0.2"),),
        offers=offers,
    )
    translator = Translator((parser,), AddressRules(**rules), filter or Filter(), ids=ids)
    return translator.translate(workload, None, HOST)


def names(answer):
    return [instance.service for instance in answer.instances]


def places(answer):
    return [instance.endpoint for instance in answer.instances]


class TestNames:
    """A source's own lists of names, beside its filters."""

    @pytest.mark.parametrize("name", ["payments", "Payments", "PAYMENTS", "vault-2"])
    def test_a_denied_name_is_not_registered(self, name):
        """In whatever case: DNS knows none."""
        answer = translated(
            {"SERVICE_NAME": name}, filter=Filter(deny_names=("payments", "vault*"))
        )
        assert names(answer) == []
        assert "denied" in answer.left_out

    def test_only_allowed_names_are_registered(self):
        """Of several names of one port each is judged by itself."""
        answer = translated(
            {"SERVICE_NAME": "Team-A-web,payments"}, filter=Filter(allow_names=("team-a-*",))
        )
        assert names(answer) == ["Team-A-web"]

    def test_a_default_name_is_judged_too(self):
        """An image can be called anything."""
        assert names(translated({}, filter=Filter(allow_names=("team-a-*",)))) == []
        assert names(translated({}, filter=Filter(deny_names=("nginx",)))) == []

    def test_a_label_that_admits_a_workload_does_not_admit_its_name(self):
        """Where `include` alone would let it in by the label."""
        labels = {"SERVICE_NAME": "payments", "public": ""}
        loose = Filter(include=("label:public", "service:team-a-*"))
        assert names(translated(labels, filter=loose)) == ["payments"]
        strict = Filter(include=("label:public",), allow_names=("team-a-*",))
        assert names(translated(labels, filter=strict)) == []

    def test_a_denied_name_beats_an_allowed_one(self):
        """The narrower list wins."""
        rules = Filter(allow_names=("team-*",), deny_names=("team-root",))
        assert names(translated({"SERVICE_NAME": "team-root,team-a"}, filter=rules)) == ["team-a"]

    @pytest.mark.parametrize("pattern", ["", "x" * 257])
    def test_what_is_no_pattern_is_refused(self, pattern):
        """When the configuration is read."""
        with pytest.raises(ValueError, match="is not a pattern"):
            Filter(deny_names=(pattern,))


class TestAddresses:
    """`addresses.overrides`: which addresses labels may give in place of the workload's own."""

    ELSEWHERE = {"SERVICE_ADDRESS": "192.0.2.9"}

    def test_any_as_registrator_does(self):
        """The default."""
        assert places(translated(self.ELSEWHERE)) == ["192.0.2.9:32768"]
        assert places(translated({"SERVICE_ADDRESS": "db.example"})) == ["db.example:32768"]

    @pytest.mark.parametrize("address", ["192.0.2.9", "db.example", "2001:db8::1"])
    def test_none(self, address):
        """The workload's own address is registered, and a problem says what was ignored."""
        answer = translated({"SERVICE_ADDRESS": address}, overrides=())
        assert places(answer) == ["10.0.0.5:32768"]
        assert any(address in text and "ignored" in text for text in answer.problems)
        assert not answer.failed

    def test_some(self):
        """A network that the address lies in; a host name lies in none."""
        assert places(translated(self.ELSEWHERE, overrides=("192.0.2.0/24",))) == [
            "192.0.2.9:32768"
        ]
        assert places(translated(self.ELSEWHERE, overrides=("198.51.100.0/24",))) == [
            "10.0.0.5:32768"
        ]
        named = {"SERVICE_ADDRESS": "db.example"}
        assert places(translated(named, overrides=("0.0.0.0/0",))) == ["10.0.0.5:32768"]

    def test_without_overrides_no_port_either(self):
        """A port of the host that is not the workload's is somebody else's."""
        answer = translated({"SERVICE_PORT": "8500"}, overrides=())
        assert places(answer) == ["10.0.0.5:32768"]
        assert any("8500" in text for text in answer.problems)
        assert places(translated({"SERVICE_PORT": "8500"})) == ["10.0.0.5:8500"]

    def test_the_configured_address_label_too(self):
        """Its value comes from the same people."""
        labels = {"io.example.ip": "192.0.2.9"}
        asked = {"label": "io.example.ip"}
        assert places(translated(labels, **asked)) == ["192.0.2.9:32768"]
        assert places(translated(labels, **asked, overrides=())) == ["10.0.0.5:32768"]

    def test_what_an_operator_wrote_is_no_label(self):
        """The services of a file keep their addresses."""
        offers = (Offer(service="web", register_address="192.0.2.9", register_port=1),)
        assert places(translated({}, offers=offers, overrides=())) == ["192.0.2.9:1"]

    @pytest.mark.parametrize("text", ["all", "10.0.0.1", ""])
    def test_what_is_no_network_is_refused(self, text):
        """When the configuration is read."""
        with pytest.raises(ValueError, match="neither a CIDR nor the word any"):
            AddressRules(overrides=(text,))

    @pytest.mark.parametrize(
        ("labels", "by_labels"),
        [
            ({}, False),
            ({"SERVICE_NAME": "web"}, False),
            ({"SERVICE_ADDRESS": "127.0.0.1"}, True),
            ({"SERVICE_PORT": "8500"}, True),
        ],
    )
    def test_an_instance_says_whether_labels_chose_its_place(self, labels, by_labels):
        """Probes of the loopback depend on it."""
        (instance,) = translated(labels).instances
        assert instance.by_labels is by_labels


class TestIds:
    """`ids`: an id that labels choose has not the form of another workload's own."""

    @pytest.mark.parametrize(
        "id_", ["a:db:5432", "b:web-1:80", "b:x:53:udp", "b:x:80:tcp:web", "b:c:d:1", "a:web:80"]
    )
    def test_another_workloads_own_is_not_used(self, id_):
        """The workload gets its own, and a problem says which setting allows it."""
        answer = translated({"SERVICE_ID": id_})
        (instance,) = answer.instances
        assert (instance.id, instance.given_id) == ("a:web-1:80", False)
        assert any('ids = "any"' in text for text in answer.problems)
        (instance,) = translated({"SERVICE_ID": id_}, ids="any").instances
        assert (instance.id, instance.given_id) == (id_, True)

    @pytest.mark.parametrize("id_", ["web", "web-5", "b:web", "a:web-1:x", "web:v2:blue", "80"])
    def test_any_other_form_is_used(self, id_):
        """Nobody has it as its own; it comes after those who do, all the same."""
        (instance,) = translated({"SERVICE_ID": id_}).instances
        assert (instance.id, instance.given_id) == (id_, True)

    @pytest.mark.parametrize("id_", ["a:web-1:80", "a:web-1:80:tcp:nginx"])
    def test_its_own(self, id_):
        """Whether it says so or not."""
        (instance,) = translated({"SERVICE_ID": id_}).instances
        assert (instance.id, instance.given_id) == (id_, False)

    def test_what_an_operator_wrote_is_kept(self):
        """So is what a mirror reads: an entry keeps its id. It goes before nobody's own."""
        offers = (Offer(service="web", id="b:db:80", register_address="192.0.2.9"),)
        (instance,) = translated({}, offers=offers).instances
        assert (instance.id, instance.given_id) == ("b:db:80", True)


class Led(MemorySink):
    """A sink whose consumers follow two keys of metadata."""

    def found_as(self, instance):
        names, addresses = {instance.service}, {instance.address}
        if alias := instance.meta.get("alias"):
            names.add(alias)
        if at := instance.meta.get("at"):
            addresses.add(at)
        return FoundAs(names, addresses)


@pytest.mark.parametrize(
    ("meta", "kind"),
    [
        ({"alias": "team-b"}, None),
        ({"alias": "payments"}, "forbidden"),
        ({"at": "10.0.0.5"}, None),
        ({"at": "203.0.113.66"}, "forbidden"),
    ],
)
def test_a_mirror_hands_on_what_its_own_source_allows(meta, kind):
    """Metadata that means nothing in one registry may lead consumers of another elsewhere."""
    there, here = MemoryStore(), MemoryStore()
    instance = make_instance("team-a", meta=meta)
    there.put(make_registration(instance, owner="dc1", scope="host1"), expected=None)
    part = SourcePart(
        source=MirrorSource(MemorySink(there), "consul:dc1", "dc1"),
        filter=Filter(allow_names=("team-*",)),
        rules=AddressRules(overrides=()),
    )
    plan = Engine({"dc1": part}, {"here": Led(here)}).reconcile()["here"].plan
    assert [skip.kind for skip in plan.skipped] == ([kind] if kind else [])
    assert len(here.all()) == (0 if kind else 1)
