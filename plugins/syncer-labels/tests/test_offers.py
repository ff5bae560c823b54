"""What labels make of a workload: services, ports, ids, and what is said of each."""

import attrs
import pytest

from syncer import Offer


def one(parsed):
    """The only offer, of labels that are all right."""
    assert parsed.problems == ()
    (offer,) = parsed.offers
    return offer


def test_one_label_is_enough(read):
    """The word in the label is the service's name, and its port the container's own."""
    assert one(read("web.port=8080")) == Offer(service="web", port=8080)


def test_the_only_port_need_not_be_given(read):
    """With one port that can be registered, any label names the service."""
    assert one(read("web.tags=a", ports="9000 9001!")).port == 9000


def test_all_that_an_offer_can_say(read):
    """Every field of an offer has a label."""
    offer = one(
        read(
            *("web.name=shop.web", "web.port=53/udp", "web.tags=a, b,c\\,d", "web.meta.Team=x y"),
            *("web.id=shop-1", "web.address=10.0.0.5/24", "web.address-port=31000"),
            *("web.network=front", "web.internal=true", "web.weight=5", "web.weight-warning=1"),
            *("web.tag-override=yes", "web.health=off", "web.check.udp=true"),
            ports="53/udp",
        )
    )
    assert attrs.asdict(offer, filter=lambda field, _: field.name not in ("checks", "because")) == {
        "service": "shop.web",
        "port": 53,
        "protocol": "udp",
        "tags": ("a", "b", "c,d"),
        "meta": {"Team": "x y"},
        "id": "shop-1",
        "register_address": "10.0.0.5",
        "register_port": 31000,
        "network": "front",
        "internal": True,
        "weight": 5,
        "warning_weight": 1,
        "tag_override": True,
        "mirror_health": False,
    }
    assert [check.kind for check in offer.checks] == ["udp"]
    assert offer.because == "labels syncer.web.*"


@pytest.mark.parametrize(
    ("labels", "asked"),
    [(("web.port=80",), False), (("web.port=80", "enable=true"), True)],
)
def test_asking_for_registration(read, labels, asked):
    """`syncer.enable=true` asks in so many words, for one-off containers too."""
    assert read(*labels).asked is asked


def test_a_network_is_no_address(read):
    """A CIDR that names a network, not a host in it, is a problem."""
    parsed = read("web.port=80", "web.address=10.0.0.0/24")
    assert parsed.offers[0].register_address == ""
    assert "the address of a host" in parsed.problems[0]


def test_several_services(read):
    """Each word is a service of its own."""
    parsed = read("web.port=80", "admin.port=81", "admin.tags=x", ports="80 81")
    assert {(o.service, o.port, o.tags, o.id) for o in parsed.offers} == {
        ("web", 80, (), ""),
        ("admin", 81, ("x",), ""),
    }


def test_services_that_share_a_port_have_ids_of_their_own(read):
    """The usual id is made of the port, so two on one port would overwrite each other."""
    parsed = read("web.port=80", "shop.port=80", "dns.port=80/udp", ports="80 80/udp")
    assert {offer.id for offer in parsed.offers} == {
        "host:box:80:tcp:web",
        "host:box:80:tcp:shop",
        "",
    }


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["enable=false", "web.port=80"], "label syncer.enable"),
        (["web.enable=no", "web.port=80"], "labels syncer.*.enable"),
    ],
)
def test_what_is_not_to_be_registered(read, labels, said):
    """`enable=false` leaves a workload out, for all other dialects too."""
    parsed = read(*labels)
    assert (parsed.offers, parsed.problems, parsed.ignored) == ((), (), said)


def test_one_of_two_is_left_out(read):
    """`enable=false` of one service says nothing of the others."""
    parsed = read("web.enable=false", "admin.port=81")
    assert ([o.service for o in parsed.offers], parsed.ignored) == (["admin"], "")


def test_others_labels_are_nobodys_business(read):
    """A workload without such labels is left to other dialects, without a word."""
    for parsed in (read(), read("web.port=80", prefix="other.")):
        assert parsed.problems == ()
    assert read().offers == ()


def test_case_and_underscores_in_keys(read):
    """Keys are read in any case, with `_` for `-`; what people name stays as it is."""
    offer = one(read("Web.PORT=80", "Web.Address_Port=90", "Web.Meta.a_B=c"))
    assert (offer.service, offer.register_port, offer.meta) == ("Web", 90, {"a_B": "c"})


def test_a_service_without_a_port(read):
    """Port 0 says that there is none."""
    assert one(read("job.port=0", ports="80 81")).port == 0


def test_a_port_that_nobody_publishes(read):
    """`internal` asks for the container's own port, published or not."""
    assert one(read("web.internal=true", ports="80!")).port == 80
    assert one(read("web.internal=false", ports="80! 81", internal=True)).port == 81


def test_an_address_and_port_elsewhere_need_no_port_here(read):
    """Where the registry's port is given, the container need not have one."""
    offer = one(read("web.address=10.0.0.9", "web.address-port=443", ports=""))
    assert (offer.port, offer.register_port) == (0, 443)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (["web.tags=x"], "syncer.web.port: must be given: the container has several ports"),
        (["web.prot=80"], "syncer.web.prot: unknown key; did you mean 'port'?"),
        (["web.port=http"], "syncer.web.port: must be a whole number, not 'http'"),
        (["web.port=80/icmp"], "syncer.web.port: must be tcp, udp or sctp after the port"),
        (["web.port=70000"], "syncer.web.port: must be a port, not '70000'"),
        (["enable=true"], "syncer.enable: no service is named: set syncer.NAME.port"),
        (["enabled=true"], "syncer.enabled: unknown key; did you mean 'enable'?"),
        (["web.port=80", "web.weight=-1"], "syncer.web.weight: must be a whole number"),
        (["web.port=80", "web.weight=99999"], "syncer.web.weight: must be 0 to 65535, not '99999'"),
        (
            ["web.port=80", "web.address=0.0.0.0"],
            "syncer.web.address: must be a reachable address, not '0.0.0.0'",
        ),
        (["web.port=80", "web.address=a b"], "syncer.web.address: must be an IP address or a host"),
        (["web.port=80", "web.tags=a\nb"], "syncer.web.tags: has control characters"),
        (
            ["web.port=80", "web.meta.a\t=b"],
            "'syncer.web.meta.a\\t': the label has control characters",
        ),
        (["web.port=80", "web.internal=maybe"], "syncer.web.internal: must be true or false"),
        ([".port=80"], "syncer..port: no service is named"),
        (["web.port=80", "web.meta.=x"], "syncer.web.meta.: metadata without a key"),
    ],
)
def test_written_wrongly(read, labels, problem):
    """A mistake is a problem that names its label."""
    problems = read(*labels, ports="80 81").problems
    assert any(text.startswith(problem) for text in problems), problems


QUOTED = ("name=x", "tags=a,b", "port=8080", "check.http=/health", "check.interval=5s")


@pytest.mark.parametrize("form", ['"{}"', "'{}'", "{}\r", " {} ", "\u201c{}\u201d"])
def test_what_the_way_here_added_is_left_out(read, form):
    """Quotes, blanks and line ends around a value lose only themselves, and are reported."""
    plain = [f"web.{label}" for label in QUOTED]
    written = [f"web.{k}={form.format(v)}" for k, v in (one.split("=") for one in QUOTED)]
    parsed = read(*written)
    assert parsed.offers == read(*plain).offers
    assert len(parsed.problems) == len(QUOTED)
    assert all("its value are left out" in problem for problem in parsed.problems)
    assert read(f"web.enable={form.format('false')}").ignored


def test_quotes_in_free_text_stay(read):
    """They may be meant: in metadata a problem says that they stay."""
    labels = ("web.meta.a='x'", 'web.check.header.If-None-Match="v"', "web.check.http=/")
    parsed = read(*labels)
    (offer,) = parsed.offers
    assert offer.meta == {"a": "'x'"}
    assert offer.checks[0].headers == {"If-None-Match": ('"v"',)}
    assert parsed.problems == (
        "syncer.web.meta.a: the quotes around its value are kept, as a part of it",
    )


def test_the_port_of_the_host(read):
    """Labels are about the container's own port: which one that is, the problem says."""
    (problem,) = read("web.port=38080").problems
    assert problem == "syncer.web.port: 38080 is the host's port: write 8080"
    assert read("web.port=8080", ports="8080 38080!").problems == ()


def test_a_bad_label_loses_itself_only(read):
    """What else the labels say counts."""
    parsed = read("web.port=80", "web.weight=x", "web.tags=a")
    (offer,) = parsed.offers
    assert (offer.port, offer.tags, offer.weight, len(parsed.problems)) == (80, ("a",), None, 1)


def test_no_problem_without_end(read):
    """A workload cannot drown the log."""
    parsed = read(*(f"web.key{n}=1" for n in range(500)))
    assert len(parsed.problems) == 101
    assert parsed.problems[-1] == "400 more problems are not shown"
