"""The budget of a workload: what of its offers is registered."""

from syncer import Check, Offer, Parsed, Port, Workload
from syncer.api.workloads import Host
from syncer.desired.addresses import AddressRules
from syncer.desired.budget import OF_INSTANCE, OF_WORKLOAD, within_budget
from syncer.desired.translate import Translator


def offers(count, **fields):
    return tuple(Offer(service=f"web{n}", port=80 + n, **fields) for n in range(count))


def test_what_is_within_the_budget_is_as_it_was():
    """The same offers, and nothing is said."""
    some = offers(256, tags=("a", "b"), meta={"k": "v"}, checks=(Check(kind="http"),))
    found, problems = within_budget(some, 256)
    assert all(one is two for one, two in zip(found, some, strict=True))
    assert problems == ()


def test_no_more_instances_than_configured():
    """The first ones, and one problem for all others."""
    found, problems = within_budget(offers(2003), 256)
    assert found == offers(2003)[:256]
    assert problems == (
        "2,003 services of one workload: only the first 256 are registered; "
        "the source's setting most_instances allows more",
    )


def test_tags_come_before_metadata():
    """Both are cut where an instance has enough; what is left is whole."""
    (one,), (problem,) = within_budget(
        offers(
            1,
            tags=[f"{n:04}" + "t" * 960 for n in range(50)],
            meta={"a": "v" * 9000, "b": "w" * 9000},
        ),
        256,
    )
    assert len(one.tags) == 50
    assert one.meta == {"a": "v" * 9000}
    assert problem == (
        f"web0: more than {OF_INSTANCE:,} bytes of tags and metadata: only the first 50 of 50 tags "
        "and 1 of 2 keys are used"
    )


def test_bytes_are_counted_not_letters():
    """A letter may have four of them; what is no text has some too."""
    (one,), (problem,) = within_budget(
        offers(1, tags=[f"{n}" + "😀" * 4000 for n in range(10)]), 256
    )
    assert len(one.tags) == 4
    (one,), _ = within_budget(offers(1, tags=("\ud800",)), 256)
    assert one.tags == ("\ud800",)


def test_a_workload_has_a_sum_of_bytes():
    """Of tags and metadata of all instances, and of their checks."""
    tags = tuple(f"{n:04}" + "t" * 960 for n in range(60))
    found, (problem,) = within_budget(offers(200, tags=tags), 256)
    assert 10 < len(found) <= OF_WORKLOAD // (60 * 964)
    assert problem.startswith(f"200 services of one workload: only the first {len(found)} are")
    assert "together they have more than 1,048,576 bytes" in problem
    checks = tuple(Check(kind="http", key=f"h{n}", headers={"X": ("y" * 900,)}) for n in range(100))
    found, problems = within_budget(offers(200, checks=checks), 256)
    assert 5 < len(found) < 10
    assert problems


def test_an_instance_that_alone_has_too_much_is_left_out():
    """And costs the others of the workload that come after it: they are told together."""
    checks = (Check(kind="http", body="x" * OF_WORKLOAD),)
    assert within_budget((*offers(1, checks=checks), *offers(1)), 256)[0] == ()


def test_a_parser_hears_how_many_are_used():
    """So that it does not read what is left out."""
    heard = []

    def parse(workload, reachable):
        heard.append(reachable.most)
        return Parsed(offers(30, register_address="192.0.2.9", register_port=80))

    workload = Workload(
        source="s", scope="h", id="1", name="web", ports=tuple(Port(number=n) for n in range(1, 99))
    )
    translator = Translator((("test", parse),), AddressRules(), most=7)
    answer = translator.translate(workload, None, Host(name="h"))
    assert heard == [7]
    assert len(answer.instances) == 7
    assert answer.problems[0].startswith("30 services of one workload: only the first 7 are")
