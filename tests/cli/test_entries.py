"""What `syncer services` shows."""

from datetime import timedelta

from fakes import held

from syncer import Status, View
from syncer.cli.entries import services_lines

LONG = "ops1:billing-of-a-customer-with-a-long-name:8080"


def lines(*entries, owner="syncer", complete=True, **more):
    """The lines for these entries."""
    view = View(items=entries, complete=complete)
    return list(services_lines("s", view, owner, **more))


def test_ids_are_never_cut_and_ids_of_containers_are():
    """`drain` takes the id as it is shown; names of workloads stay whole too."""
    found = lines(
        held(LONG, workload="f" * 64), held("b", workload="billing-10.2.example.internal")
    )
    assert any(LONG in line for line in found)
    assert any(line.endswith(f":{'f' * 12}") for line in found)
    assert any("billing-10.2.example.internal" in line for line in found)


def test_the_status_is_always_there():
    """What is drained says so, whatever its health was."""
    entries = [
        held("a", service="a"),
        held("b", service="b", status=Status.UNHEALTHY),
        held("c", service="c", status=Status.PAUSED),
        held("d", service="d", status=Status.UNHEALTHY, hold="drain"),
    ]
    heading, *rows, last = lines(*entries)
    assert heading.split()[:2] == ["SERVICE", "STATUS"]
    assert [row.split()[1] for row in rows] == ["up", "unhealthy", "paused", "draining"]
    assert last == "[bold]s[/]: 4 services, 4 instances, 1 unhealthy, 1 paused, 1 draining"


def test_the_order_is_that_of_people():
    """Numbers count as numbers, in names and in addresses."""
    ids = ["web-10.20.0.120", "web-10.20.0.12", "web-2", "web-10", "²"]
    rows = lines(*(held(id) for id in ids))[1:-1]
    assert [row.split()[3] for row in rows] == [
        "web-2",
        "web-10",
        "web-10.20.0.12",
        "web-10.20.0.120",
        "²",
    ]


def test_a_number_of_thousands_of_digits_is_in_order():
    """Python reads none so long; ids of others may be anything."""
    rows = lines(held("9" * 5000), held("1" + "0" * 5000), held("7"))[1:-1]
    assert [row.split()[3][:2] for row in rows] == ["7", "99", "10"]


def test_an_empty_registry_is_said():
    """And where others' entries are, if there may be any."""
    assert lines() == ["[bold]s[/]: no entries of owner syncer; --all lists those of others"]
    assert lines(owner="") == ["[bold]s[/]: no entries"]


def test_the_owner_is_shown_among_others():
    """Among one's own it says nothing."""
    assert "OWNER" not in lines(held("a"))[0]
    found = lines(held("a"), held("b", unmarked=True), owner="")
    assert found[0].endswith("OWNER")
    assert found[2].endswith("unmarked")


def test_what_may_be_missing_is_said():
    """A listing that is not complete, and a registry that answers from a cache."""
    assert lines(held("a"), complete=False)[-1].endswith("1 instance (incomplete)")
    assert lines(lag=timedelta(seconds=30))[-1] == (
        "s: answers from a cache: changes of the last 30 s may be missing"
    )


def test_nothing_of_others_is_markup():
    """Whatever a registry holds."""
    found = "\n".join(lines(held("[red]x", service="[b]web", tags=("[i]",)), owner=""))
    assert "\\[red]x" in found
    assert "\\[b]web" in found
