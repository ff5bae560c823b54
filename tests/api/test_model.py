"""Values: canonical forms, equality, digests, marks, checks, options and changes."""

from datetime import timedelta

import attrs
import pytest
from fakes import held, instance, mark, wanted, workload
from hypothesis import given
from hypothesis import strategies as st

from syncer import (
    Binding,
    Check,
    CheckStatus,
    Deregister,
    Health,
    Instance,
    Mark,
    Native,
    Network,
    Offer,
    Plan,
    Port,
    Reason,
    Register,
    Registration,
    Secret,
    Skip,
    State,
    Status,
    Update,
    View,
    option,
    parse_duration,
)
from syncer.api.fields import bracketed, canonical_address, clean, filled, frozen_map, within
from syncer.api.options import format_duration
from syncer.api.text import printable
from syncer.plan.wanted import Adjusted
from syncer.testing import instances, marks


class TestValues:
    """How fields get their canonical form."""

    @pytest.mark.parametrize(
        ("given", "canonical"),
        [
            ("10.0.0.1", "10.0.0.1"),
            (" 10.0.0.1 ", "10.0.0.1"),
            ("2001:0DB8::0:1", "2001:db8::1"),
            ("[::1]", "::1"),
            ("web.example", "web.example"),
            ("", ""),
            ("300.1.1.1", "300.1.1.1"),
        ],
    )
    def test_an_address_has_one_form(self, given, canonical):
        """Addresses that mean the same are equal; what is none stays as it is."""
        assert canonical_address(given) == canonical
        assert canonical_address(canonical) == canonical

    def test_only_ipv6_is_bracketed(self):
        """In a URL or before a port."""
        assert bracketed("::1") == "[::1]"
        assert bracketed("10.0.0.1") == "10.0.0.1"

    def test_a_frozen_map_is_a_copy(self):
        """What it was made from may change; it does not, and cannot be changed."""
        source = {"a": 1}
        frozen = frozen_map(source)
        source["a"] = 2
        assert frozen == {"a": 1}
        with pytest.raises(TypeError):
            frozen["a"] = 3
        assert frozen_map(frozen) is frozen

    @pytest.mark.parametrize("value", [-1, 65536, float("nan")])
    def test_a_number_out_of_bounds_is_refused(self, value):
        """The message names the field, the bounds and the value."""
        field = attrs.fields(Offer).port
        with pytest.raises(ValueError, match="port must be 0 to 65535, not"):
            within(0, 65535)(None, field, value)
        within(0, 65535)(None, field, None)

    @pytest.mark.parametrize("text", ["a\nb", "\x00", "a\x7f", "\t"])
    def test_control_characters_are_refused(self, text):
        """They would forge log lines and keys."""
        with pytest.raises(ValueError, match="service has control characters"):
            clean(None, attrs.fields(Offer).service, text)

    def test_other_characters_are_not(self):
        """Names may be in any script."""
        clean(None, attrs.fields(Offer).service, "wéb-服务 \u200b")

    def test_empty_text_is_refused_where_some_is_needed(self):
        """The message names the field."""
        with pytest.raises(ValueError, match="service must not be empty"):
            filled(None, attrs.fields(Offer).service, "")

    @given(st.text())
    def test_printable_text_is_one_line(self, text):
        """Whatever comes in can be shown on a terminal, and what could be shown is as it was."""
        found = printable(text)
        assert found.isprintable()
        if text.isprintable() and len(text) <= 2000:
            assert found == text

    def test_printable_text_is_bounded(self):
        """Its beginning is shown."""
        assert printable("abc", 2).startswith("ab")
        assert "c" not in printable("abc", 2)


class TestInstance:
    """The unit that is compared."""

    def test_equality_is_over_what_a_registry_keeps(self):
        """Status, origin and problems travel by other ways; the order of tags says nothing."""
        one = instance(tags=("a", "b"))
        assert one == instance(tags=("b", "a", "b"), status=Status.PAUSED, problems=("x",))
        assert one != instance(tags=("a",))
        assert one.tags == ("a", "b")

    @pytest.mark.parametrize(
        "fields",
        [
            {"service": "api"},
            {"address": "10.0.0.2"},
            {"port": 81},
            {"protocol": "udp"},
            {"tags": ("x",)},
            {"meta": {"a": "b"}},
            {"checks": (Check(kind="http"),)},
            {"checks": (Native(key="http"),)},
            {"weight": 0},
            {"warning_weight": 1},
            {"tag_override": True},
        ],
        ids=lambda fields: next(iter(fields)),
    )
    def test_whatever_a_user_can_set_is_in_digest_and_equality(self, fields):
        """A change of any of it is a change of the registration."""
        assert instance(**fields) != instance()
        assert instance(**fields).digest() != instance().digest()

    def test_the_digest_of_a_plain_instance_never_changes(self):
        """A later version must not rewrite every registration of an earlier one."""
        assert instance().digest() == "fd63a0c547579ba45504a6fd303cb6fc"
        rich = instance(
            tags=("b", "a"),
            meta={"k": "v"},
            checks=(Check(kind="http", path="/h", interval=10, headers={"A": ["b"]}),),
        )
        assert rich.digest() == "7317c50db8b29acdbea178bfb6e9a66f"

    def test_equal_checks_have_equal_digests(self):
        """10 and 10.0 seconds are the same."""
        one, two = (instance(checks=(Check(kind="tcp", interval=n),)) for n in (10, 10.0))
        assert one == two
        assert one.digest() == two.digest()
        assert instance(checks=(Check(kind="tcp", interval=0.5),)).digest() != one.digest()

    @given(instances())
    def test_equal_instances_have_equal_digests(self, made):
        """The digest follows from the value, whatever the order of tags and meta."""
        other = attrs.evolve(
            made,
            tags=made.tags[::-1],
            meta=dict(reversed(made.meta.items())),
            status=Status.DRAINING,
        )
        assert other == made
        assert other.digest() == made.digest()
        assert len(made.digest()) == 32

    def test_the_endpoint_is_written_as_usual(self):
        """IPv6 in brackets."""
        assert instance(address="::1").endpoint == "[::1]:80"

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"id": ""}, "id must not be empty"),
            ({"service": "a\nb"}, "service has control characters"),
            ({"address": ""}, "address must not be empty"),
            ({"port": 70000}, "port must be 0 to 65535"),
            ({"weight": -1}, "weight must be"),
        ],
    )
    def test_what_cannot_be_is_refused(self, fields, message):
        """The message says which field is wrong, and how."""
        with pytest.raises(ValueError, match=message):
            Instance(**{"id": "a", "service": "b", "address": "c", **fields})

    def test_values_cannot_be_changed(self):
        """Threads share them."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            instance().port = 1
        with pytest.raises(TypeError):
            instance(meta={"a": "b"}).meta["a"] = "c"


class TestWorkload:
    """What a runtime said."""

    @pytest.mark.parametrize(
        ("state", "offered"),
        [
            (State.CREATED, False),
            (State.RUNNING, True),
            (State.PAUSED, True),
            (State.STOPPING, True),
            (State.RESTARTING, False),
            (State.EXITED, False),
            (State.DEAD, False),
        ],
    )
    def test_a_state_offers_or_does_not(self, state, offered):
        """What is about to run, or ran, offers nothing."""
        assert state.offered is offered

    @pytest.mark.parametrize(
        ("state", "health", "status"),
        [
            (State.RUNNING, None, Status.UP),
            (State.RUNNING, Health.HEALTHY, Status.UP),
            (State.RUNNING, Health.STARTING, Status.STARTING),
            (State.RUNNING, Health.UNHEALTHY, Status.UNHEALTHY),
            (State.PAUSED, Health.HEALTHY, Status.PAUSED),
            (State.STOPPING, Health.UNHEALTHY, Status.DRAINING),
        ],
    )
    def test_state_and_health_make_the_status(self, state, health, status):
        """The state comes first."""
        assert workload(state=state, health=health).status is status

    def test_the_environment_is_not_shown(self):
        """People keep passwords there."""
        assert "hunter2" not in repr(workload(env={"PASSWORD": "hunter2"}))

    def test_parts_have_canonical_addresses(self):
        """Bindings and networks compare by what they mean."""
        assert Binding(address="[::1]", port=1) == Binding(address="::1", port=1)
        assert Network(name="n", ipv6="FE80::1") == Network(name="n", ipv6="fe80::1")
        assert Port(number=1, bindings=[Binding(port=2)]).bindings == (Binding(port=2),)


class TestMark:
    """Whose a registration is."""

    @given(marks())
    def test_it_survives_being_stored(self, made):
        """What a sink stored is the mark again, also beside fields of a later version."""
        assert Mark.from_fields(made.fields()) == made
        assert Mark.from_fields({**made.fields(), "later": "x"}) == made
        assert all(isinstance(value, str) for value in made.fields().values())

    def test_where_it_was_mirrored_from_is_stored_only_if_it_was(self):
        """Marks written before there were mirrors stay as they are."""
        assert "via" not in mark().fields()
        mirrored = attrs.evolve(mark(), via="consul:dc1")
        assert mirrored.fields()["via"] == "consul:dc1"
        assert Mark.from_fields(mirrored.fields()) == mirrored

    @pytest.mark.parametrize("name", ["owner", "scope", "source", "workload", "digest"])
    @pytest.mark.parametrize(
        "value", [None, "", "a\nb", "w\ufffe", "\uffff", "x\ud800", "\udfff", 5, ["x"], {"a": "b"}]
    )
    def test_what_is_no_whole_mark_is_none(self, name, value):
        """Others write into a registry what they like: that is no mark, and no error."""
        assert Mark.from_fields({**mark().fields(), name: value}) is None
        without = {k: v for k, v in mark().fields().items() if k != name}
        assert Mark.from_fields(without) is None

    @pytest.mark.parametrize("fields", [None, [], "text", 5])
    def test_what_is_no_mapping_is_no_mark(self, fields):
        """Nor is anything else an error."""
        assert Mark.from_fields(fields) is None


class TestRegistration:
    """An instance as a sink holds it."""

    def test_the_version_is_not_part_of_the_value(self):
        """Equality is over what it says, damage included."""
        assert held(version="1") == held(version="2")
        assert held(damaged="x") != held()
        assert held().id == "h:web:80"


def test_a_view_is_complete_unless_it_says_otherwise():
    """Its items and unclear ids cannot be changed."""
    view = View(iter([1, 2]))
    assert (view.items, view.complete, view.unclear) == ((1, 2), True, frozenset())
    assert View([], unclear=["a"]).unclear == {"a"}


class TestCheck:
    """What a user asked for."""

    def test_the_key_is_the_kind_unless_given(self):
        """One check of each kind needs no key."""
        assert Check(kind="http").key == "http"
        assert Check(kind="http", key="other").key == "other"

    def test_headers_are_frozen(self):
        """Values that mean the same are equal."""
        check = Check(kind="http", headers={"A": ["b", "c"]})
        assert check.headers == {"A": ("b", "c")}
        assert check == Check(kind="http", headers={"A": ("b", "c")})

    @pytest.mark.parametrize(
        "fields",
        [{"kind": ""}, {"interval": 0}, {"timeout": -1}, {"port": 70000}, {"ttl": 0.5}],
        ids=lambda fields: next(iter(fields)),
    )
    def test_what_cannot_be_is_refused(self, fields):
        """The message names the field."""
        with pytest.raises(ValueError, match=next(iter(fields))):
            Check(**{"kind": "http", **fields})

    def test_statuses_are_the_words_that_registries_share(self):
        """They are written as they are."""
        assert [status.value for status in CheckStatus] == ["passing", "warning", "critical"]


class TestChanges:
    """Register, update, deregister."""

    def test_each_has_the_id_of_its_instance(self):
        """Whatever the change, the id says where."""
        one = held()
        for change in (Register(one), Update(one, one), Deregister(one, Reason.PURGED)):
            assert change.id == one.id

    @pytest.mark.parametrize(
        ("fields", "moves"),
        [({"port": 81}, True), ({"address": "10.0.0.2"}, True), ({"tags": ("x",)}, False)],
    )
    def test_another_address_or_port_is_a_move(self, fields, moves):
        """Other content is none."""
        assert Update(held(), wanted(**fields).registration).moves is moves

    @pytest.mark.parametrize(
        ("old", "new", "names"),
        [
            (held(), held(port=81, tags=("x",)), ["port", "tags"]),
            (held(damaged="gone"), held(), ["damaged"]),
            (held(), held(workload="other"), ["workload"]),
            (held(), held(digest="f" * 32), ["checks"]),
            (held(unmarked=True), held(), ["owner"]),
            (held(), held(scope="new"), []),
            (held(tags=("a", "b")), held(tags=("b", "a")), []),
        ],
        ids=["fields", "damage", "workload", "checks", "mark", "scope", "order of tags"],
    )
    def test_differences_are_told_in_words(self, old, new, names):
        """What people see of an update is what differs."""
        assert [name for name, _, _ in Update(old, new).differences()] == names

    def test_a_plan_holds_changes_back(self):
        """They become skips with their reasons; nothing held is the same plan."""
        one, two = Register(held("a")), Register(held("b"))
        plan = Plan(changes=(one, two), ours=5)
        assert plan.hold({}) is plan
        held_back = plan.hold({"a": Skip("a", "guard", "because"), "x": Skip("x", "held", "z")})
        assert held_back.changes == (two,)
        assert held_back.skipped == (Skip("a", "guard", "because"),)
        assert held_back.ours == 5

    def test_the_digest_of_a_plan_tells_plans_apart(self):
        """Another kind of change, id, reason or content is another plan."""
        one = held()
        plans = [
            Plan(changes=[change])
            for change in (
                Register(one),
                Update(one, one),
                Register(held("other")),
                Register(held(port=81)),
                Register(Registration(instance=instance())),
                Deregister(one, Reason.PURGED),
                Deregister(one, Reason.NOT_OFFERED),
            )
        ]
        assert len({plan.digest() for plan in plans}) == len(plans)

    def test_an_aim_cannot_be_changed(self):
        """What was handed in may change afterwards."""
        claims, withheld = [wanted()], {"a": "b"}
        adjusted = Adjusted(wanted=claims, withheld=withheld)
        claims.clear(), withheld.clear()
        assert (len(adjusted.wanted), dict(adjusted.withheld)) == (1, {"a": "b"})


class TestSecret:
    """Text that nothing may show."""

    def test_it_is_shown_nowhere(self):
        """Neither by repr, str, format, nor within another value."""

        @attrs.frozen
        class Options:
            token: Secret = option(Secret(""), help="A token")

        secret = Secret("hunter2")
        for text in (repr(secret), str(secret), f"{secret}", repr(Options(secret)), f"{[secret]}"):
            assert "hunter2" not in text
        assert secret.reveal() == "hunter2"
        assert repr(Secret("")) == "Secret('')"

    def test_it_compares_by_its_text(self):
        """Equal secrets are equal, and only these."""
        assert Secret("a") == Secret("a")
        assert Secret("a") != Secret("b")
        assert Secret("a") != "a"
        assert len({Secret("a"), Secret("a")}) == 1
        assert (bool(Secret("")), bool(Secret("a"))) == (False, True)


class TestDurations:
    """Lengths of time as people write them."""

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("30s", 30),
            ("5m", 300),
            ("1h30m", 5400),
            ("500ms", 0.5),
            ("1.5h", 5400),
            ("2d", 172_800),
            (" 10s ", 10),
            ("10", 10),
            (10, 10),
            (0.5, 0.5),
            ("0", 0),
        ],
    )
    def test_they_are_read(self, text, seconds):
        """Units may follow one another; without one it is seconds."""
        assert parse_duration(text) == seconds

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "s",
            "5x",
            "-1",
            -1,
            "1h-5m",
            "nan",
            "inf",
            True,
            None,
            "5 m",
            "1h30",
            "9" * 5000,
            "1s" * 5000,
        ],
    )
    def test_nonsense_is_refused(self, text):
        """The message shows what was written."""
        with pytest.raises(ValueError, match="not a length of time"):
            parse_duration(text)

    @given(st.integers(0, 10**9))
    def test_what_is_written_is_read_back(self, milliseconds):
        """To the precision of six digits of the seconds."""
        text = format_duration(timedelta(milliseconds=milliseconds))
        assert parse_duration(text) == pytest.approx(milliseconds / 1000)

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0, "0s"),
            (90, "1m30s"),
            (3600, "1h"),
            (0.25, "0.25s"),
            (86_400, "24h"),
            (1e-5, "0.00001s"),
            (1e-9, "0s"),
        ],
    )
    def test_they_are_written_short(self, seconds, text):
        """No unit without a number."""
        assert format_duration(seconds) == text
