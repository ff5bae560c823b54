"""What labels, environment and ports give, as rows: keys, ports, offers."""

from typing import Any

import attrs
import pytest

COMPOSE = {"com.docker.compose.service": "front", "com.docker.compose.project": "mall"}


@attrs.frozen
class Row:
    """One case; `offers` are `name:port[/udp]`, `fields` those of the first offer."""

    title: str
    labels: dict[str, str] = attrs.field(factory=dict)
    offers: str = "shop:80"
    fields: dict[str, Any] = attrs.field(factory=dict, kw_only=True)
    env: dict[str, str] = attrs.field(factory=dict, kw_only=True)
    ports: str = attrs.field(default="80", kw_only=True)
    options: dict[str, Any] = attrs.field(factory=dict, kw_only=True)
    more: dict[str, Any] = attrs.field(factory=dict, kw_only=True)
    problems: int = attrs.field(default=0, kw_only=True)


def image(title: str, reference: str, name: str, **more: Any) -> Row:
    return Row(f"image: {title}", {}, f"{name}:80", more={"image": reference, **more})


NAMES = [
    Row("default name"),
    image("tag", "redis:6", "redis"),
    image("registry with a port", "reg:5000/a/b:1", "b"),
    image("no tag", "redis", "redis"),
    image("tag and digest", "a/b:1@sha256:beef", "b"),
    image("digest only", "a/b@sha256:beef", "b"),
    image("id", "sha256:beef", "box"),
    image("id without its algorithm", "0123456789abcdef" * 4, "box"),
    image("id, in compose", "sha256:beef", "front", labels=COMPOSE),
    image("none", "", "box"),
    Row("label", {"SERVICE_NAME": "web"}, "web:80"),
    Row("variable", {}, "web:80", env={"SERVICE_NAME": "web"}),
    Row("label beats variable", {"SERVICE_NAME": "l"}, "l:80", env={"SERVICE_NAME": "e"}),
    Row("empty label hides variable", {"SERVICE_NAME": ""}, env={"SERVICE_NAME": "e"}),
    Row("port beats all", {"SERVICE_NAME": "a", "SERVICE_80_NAME": "p"}, "p:80"),
    Row("port variable beats label", {"SERVICE_NAME": "a"}, "p:80", env={"SERVICE_80_NAME": "p"}),
    Row(
        "port label beats variable", {"SERVICE_80_NAME": "l"}, "l:80", env={"SERVICE_80_NAME": "e"}
    ),
    Row("empty port name gives the image", {"SERVICE_NAME": "web", "SERVICE_80_NAME": ""}),
    Row("group", {"SERVICE_NAME": "w"}, "w-80:80 w-443:443", ports="443 80"),
    Row("group, default name", {}, "shop-80:80 shop-443:443", ports="80 443"),
    Row("group, one of its own", {"SERVICE_80_NAME": "w"}, "w:80 shop-443:443", ports="80 443"),
    Row("group, empty port name", {"SERVICE_80_NAME": ""}, "shop:80 shop-443:443", ports="80 443"),
    Row("group of tcp and udp", {"SERVICE_NAME": "x"}, "x-53:53 x-53:53/udp", ports="53/udp 53"),
    Row("unpublished ports do not count", {"SERVICE_NAME": "w"}, "w:80", ports="80 443!"),
    Row("ignored ports count", {"SERVICE_443_IGNORE": "true"}, "shop-80:80", ports="80 443"),
    Row(
        "suffix never",
        {"SERVICE_NAME": "w"},
        "w:80 w:81",
        ports="80 81",
        options={"suffix": "never"},
    ),
    Row("suffix always", {"SERVICE_NAME": "w"}, "w-80:80", options={"suffix": "always"}),
    Row("suffix always, own name", {"SERVICE_80_NAME": "w"}, "w:80", options={"suffix": "always"}),
    Row("upper-case prefix only", {"service_NAME": "w", "Service_NAME": "v"}),
    Row("rest in any case", {"SERVICE_name": "w"}, "w:80"),
    Row("capitals first", {"SERVICE_name": "l", "SERVICE_NAME": "u"}, "u:80"),
    Row("odd characters", {"SERVICE_NAME": "a_b@c.d"}, "a_b@c.d:80"),
    Row("two names", {"SERVICE_80_NAME": "web,api"}, "web:80 api:80"),
    Row("two names, one twice", {"SERVICE_80_NAME": "web, api,,web"}, "web:80 api:80"),
    Row(
        "two names, two ports",
        {"SERVICE_NAME": "a,b"},
        "a-80:80 b-80:80 a-81:81 b-81:81",
        ports="80 81",
    ),
    Row("a comma in a name", {"SERVICE_NAME": r"a\,b"}, "a,b:80"),
]

PORT_KEYS = [
    Row(
        "protocol",
        {"SERVICE_53_UDP_NAME": "u"},
        "x-53:53 u:53/udp",
        env={"SERVICE_NAME": "x"},
        ports="53 53/udp",
    ),
    Row(
        "protocol beats port",
        {"SERVICE_53_UDP_NAME": "u", "SERVICE_53_NAME": "p"},
        "p:53 u:53/udp",
        ports="53 53/udp",
    ),
    Row(
        "both protocols",
        {"SERVICE_53_TCP_NAME": "t", "SERVICE_53_UDP_NAME": "u"},
        "t:53 u:53/udp",
        ports="53 53/udp",
    ),
    Row("a word like a protocol", {"SERVICE_80_UDP": "x"}, fields={"meta": {"udp": "x"}}),
    Row(
        "range",
        {"SERVICE_8000-8010_NAME": "r"},
        "r:8000 r:8010 shop-8011:8011",
        ports="8000 8010 8011",
    ),
    Row("port beats range", {"SERVICE_1-90_NAME": "r", "SERVICE_80_NAME": "p"}, "p:80"),
    Row("range beats all", {"SERVICE_1-90_NAME": "r", "SERVICE_NAME": "a"}, "r:80"),
    Row("narrow range beats wide", {"SERVICE_1-90_NAME": "w", "SERVICE_70-90_NAME": "n"}, "n:80"),
    Row("equal ranges: the later", {"SERVICE_70-80_NAME": "a", "SERVICE_75-85_NAME": "b"}, "b:80"),
    Row(
        "range with protocol",
        {"SERVICE_1-99_UDP_NAME": "u", "SERVICE_50-60_NAME": "r"},
        "r:53 u:53/udp",
        ports="53 53/udp",
    ),
    Row(
        "range label beats variable",
        {"SERVICE_1-99_NAME": "l"},
        "l:80",
        env={"SERVICE_1-99_NAME": "e"},
    ),
    Row("port without a word", {"SERVICE_80": "x"}, fields={"meta": {"80": "x"}}),
    Row("leading zero", {"SERVICE_080_NAME": "x"}, problems=1),
    Row("sign", {"SERVICE_+80_NAME": "x"}, problems=1),
    Row("port too large", {"SERVICE_65536_NAME": "x"}, problems=1),
    Row("range backwards", {"SERVICE_90-80_NAME": "x"}, problems=1),
    Row("no such port", {"SERVICE_81_NAME": "x", "SERVICE_81_TAGS": "x"}, problems=1),
    Row("no such protocol", {"SERVICE_80_UDP_NAME": "x"}, problems=1),
    Row("no such port, as a variable", env={"SERVICE_81_NAME": "x"}, problems=1),
    Row("the host's port", {"SERVICE_30080_NAME": "x"}, problems=1),
    Row("the host's port, as a variable", env={"SERVICE_30080_NAME": "x"}, problems=1),
    Row("another program's key with a port", env={"SERVICE_81_FOO": "x"}),
    Row("unpublished port", {"SERVICE_81_NAME": "x"}, ports="80 81!"),
]

TAGS_AND_META = [
    Row("tags in order", {"SERVICE_TAGS": "c,a,b"}, fields={"tags": ("c", "a", "b")}),
    Row("escaped comma", {"SERVICE_TAGS": r"a\,b,c"}, fields={"tags": ("a,b", "c")}),
    Row("backslash", {"SERVICE_TAGS": r"a\b,c\\,d"}, fields={"tags": ("a\\b", "c\\,d")}),
    Row("empty tags", {"SERVICE_TAGS": ",a,,b,"}, fields={"tags": ("a", "b")}),
    Row("spaces", {"SERVICE_TAGS": "a, b"}, fields={"tags": ("a", " b")}, problems=1),
    Row("equal tags", {"SERVICE_TAGS": "a,b,a"}, fields={"tags": ("a", "b")}),
    Row(
        "port tags replace", {"SERVICE_TAGS": "a", "SERVICE_80_TAGS": "b"}, fields={"tags": ("b",)}
    ),
    Row(
        "empty port tags replace", {"SERVICE_TAGS": "a", "SERVICE_80_TAGS": ""}, fields={"tags": ()}
    ),
    Row("udp", {"SERVICE_TAGS": "a"}, "shop:53/udp", ports="53/udp", fields={"tags": ("a", "udp")}),
    Row(
        "operator's tags",
        {"SERVICE_TAGS": "a"},
        "shop:53/udp",
        ports="53/udp",
        options={"tags": "x,y"},
        fields={"tags": ("a", "x", "y", "udp")},
    ),
    Row(
        "placeholders in tags",
        {"zone": "b,c"},
        options={"tags": r"z={label:zone},{container}:{port},a\,b"},
        fields={"tags": ("z=b,c", "box:80", "a,b")},
    ),
    Row(
        "placeholder without a value",
        {},
        options={"tags": "z={label:zone},k"},
        fields={"tags": ("k",)},
    ),
    Row("attribute", {"SERVICE_Foo_Bar": "x"}, fields={"meta": {"foo_bar": "x"}}),
    Row(
        "attribute of a port",
        {"SERVICE_FOO": "a", "SERVICE_80_FOO": "p"},
        fields={"meta": {"foo": "p"}},
    ),
    Row("empty attribute", {"SERVICE_FOO": ""}, fields={"meta": {"foo": ""}}),
    Row("attribute with a dot", {"SERVICE_foo.bar": "x"}, fields={"meta": {"foo.bar": "x"}}),
    Row("variables stay private", env={"SERVICE_PASSWORD": "x"}, fields={"meta": {}}),
    Row(
        "variables when asked for",
        env={"SERVICE_FOO": "x"},
        options={"meta_from_env": True},
        fields={"meta": {"foo": "x"}},
    ),
    Row("check keys stay out", {"SERVICE_CHECK_TCP": "true"}, fields={"meta": {}}),
    Row("known keys stay out", {"SERVICE_ID": "i", "SERVICE_TAGS": "t"}, fields={"meta": {}}),
    Row("empty word", {"SERVICE_": "x"}, problems=1, fields={"meta": {}}),
    Row("empty word of a port", {"SERVICE_80_": "x"}, problems=1, fields={"meta": {}}),
    Row("empty word of a variable", env={"SERVICE_": "x", "SERVICE_80_": "y"}),
    Row("eureka", {"SERVICE_EUREKA_STATUS": "UP"}, fields={"meta": {"eureka_status": "UP"}}),
]

CHOICE = [
    Row(
        "ignored port", {"SERVICE_80_IGNORE": "yes", "SERVICE_81_NAME": "w"}, "w:81", ports="80 81"
    ),
    Row("ignore=false", {"SERVICE_IGNORE": "false"}),
    Row("ignore=0", {"SERVICE_IGNORE": "0"}),
    Row("ignore empty", {"SERVICE_IGNORE": ""}),
    Row(
        "port kept",
        {"SERVICE_IGNORE": "1", "SERVICE_80_IGNORE": "no", "SERVICE_80_NAME": "w"},
        "w:80",
        ports="80 81",
    ),
    Row("explicit, no name", {}, "", options={"explicit": True}),
    Row("explicit, name", {"SERVICE_NAME": "w"}, "w:80", options={"explicit": True}),
    Row("explicit, variable", {}, "w:80", env={"SERVICE_NAME": "w"}, options={"explicit": True}),
    Row(
        "explicit, port name",
        {"SERVICE_80_NAME": "w"},
        "w:80",
        ports="80 81",
        options={"explicit": True},
    ),
    Row(
        "explicit, empty name",
        {"SERVICE_80_NAME": ""},
        "",
        env={"SERVICE_NAME": "w"},
        options={"explicit": True},
    ),
    Row("explicit, register", {"SERVICE_REGISTER": "true"}, options={"explicit": True}),
    Row(
        "explicit, register a port",
        {"SERVICE_81_REGISTER": "1"},
        "shop-81:81",
        ports="80 81",
        options={"explicit": True},
    ),
    Row("register=false for a port", {"SERVICE_81_REGISTER": "false"}, "shop-80:80", ports="80 81"),
    Row("nothing published", {"SERVICE_NAME": "w"}, "", ports="80!"),
    Row("no ports", {"SERVICE_NAME": "w"}, "", ports=""),
]

ADDRESSES = [
    Row("address", {"SERVICE_ADDRESS": "10.0.0.5"}, fields={"register_address": "10.0.0.5"}),
    Row("ip", {"SERVICE_IP": "10.0.0.5/24"}, fields={"register_address": "10.0.0.5"}),
    Row("ipv6", {"SERVICE_IP": "[FD00:0::1]"}, fields={"register_address": "fd00::1"}),
    Row(
        "host name",
        {"SERVICE_ADDRESS": "db.example.org"},
        fields={"register_address": "db.example.org"},
    ),
    Row(
        "address before ip",
        {"SERVICE_ADDRESS": "10.0.0.1", "SERVICE_IP": "10.0.0.2"},
        fields={"register_address": "10.0.0.1"},
    ),
    Row(
        "port ip before address",
        {"SERVICE_ADDRESS": "10.0.0.1", "SERVICE_80_IP": "10.0.0.2"},
        fields={"register_address": "10.0.0.2"},
    ),
    Row("bad address", {"SERVICE_IP": "10.0.0.256"}, problems=1, fields={"register_address": ""}),
    Row(
        "unreachable address",
        {"SERVICE_IP": "0.0.0.0"},
        problems=1,
        fields={"register_address": ""},
    ),
    Row("port override", {"SERVICE_PORT": "8080"}, fields={"port": 80, "register_port": 8080}),
    Row(
        "override of one port",
        {"SERVICE_80_PORT": "8080"},
        "shop-80:80 shop-81:81",
        ports="80 81",
        fields={"register_port": 8080},
    ),
    Row(
        "override of several",
        {"SERVICE_PORT": "8080"},
        "shop-80:80 shop-81:81",
        ports="80 81",
        problems=1,
        fields={"register_port": None},
    ),
    Row(
        "override for both protocols",
        {"SERVICE_53_PORT": "5353"},
        "shop-53:53 shop-53:53/udp",
        ports="53 53/udp",
        fields={"register_port": 5353},
    ),
    Row("the program's own variable", env={"SERVICE_PORT": "8080"}, fields={"register_port": None}),
    Row("variable that names a port", env={"SERVICE_80_PORT": "81"}, fields={"register_port": 81}),
    Row("bad port", {"SERVICE_PORT": "http"}, problems=1, fields={"register_port": None}),
    Row(
        "unknown port",
        {"SERVICE_PORT": "8080"},
        "shop:8080",
        ports="",
        fields={"register_port": 8080},
    ),
    Row("unknown port, variable", {}, "shop:8080", ports="", env={"SERVICE_PORT": "8080"}),
    Row(
        "unknown port, its own name",
        {"SERVICE_PORT": "8080", "SERVICE_8080_NAME": "w"},
        "w:8080",
        ports="",
    ),
    Row("unpublished port, label", {"SERVICE_PORT": "8080"}, "shop:8080", ports="80!"),
    Row("unpublished port, variable", {}, "", ports="80!", env={"SERVICE_PORT": "80"}),
    Row("no port at all", {"SERVICE_PORT": "0"}, "shop:0", ports="", fields={"register_port": 0}),
    Row("network", {"SERVICE_NETWORK": "back"}, fields={"network": "back", "internal": None}),
    Row(
        "internal",
        {"SERVICE_INTERNAL": "true"},
        "shop-80:80 shop-81:81",
        ports="80 81!",
        fields={"internal": True},
    ),
    Row(
        "internal for one port",
        {"SERVICE_82_INTERNAL": "true"},
        "shop-80:80 shop-82:82",
        ports="80 81! 82!",
    ),
    Row(
        "not internal",
        {"SERVICE_INTERNAL": "false"},
        more={"internal": True},
        ports="80 81!",
        fields={"internal": False},
    ),
    Row(
        "all internal",
        {},
        "shop-80:80 shop-81:81",
        more={"internal": True},
        ports="80 81!",
        fields={"internal": None},
    ),
    Row(
        "not internal, host network",
        {"SERVICE_INTERNAL": "no"},
        more={"internal": True, "network_mode": "host"},
        ports="80!",
    ),
    Row(
        "weights",
        {"SERVICE_WEIGHT": "10", "SERVICE_WEIGHT_WARNING": "1"},
        fields={"weight": 10, "warning_weight": 1},
    ),
    Row("bad weight", {"SERVICE_WEIGHT": "-1"}, problems=1, fields={"weight": None}),
    Row("tag override", {"SERVICE_ENABLE_TAG_OVERRIDE": "true"}, fields={"tag_override": True}),
    Row(
        "bad boolean",
        {"SERVICE_ENABLE_TAG_OVERRIDE": "perhaps"},
        problems=1,
        fields={"tag_override": False},
    ),
]

DIALECT = [
    Row(
        "other prefix", {"ACME_NAME": "w", "SERVICE_NAME": "x"}, "w:80", options={"prefix": "ACME"}
    ),
    Row(
        "dotted", {"service.name": "w", "service.tags": "a,b"}, "w:80", fields={"tags": ("a", "b")}
    ),
    Row("dotted port", {"service.80.name": "w"}, "w:80"),
    Row("dotted protocol and range", {"service.50-60.udp.name": "u"}, "u:53/udp", ports="53/udp"),
    Row("dotted attribute", {"service.my-team.lead": "x"}, fields={"meta": {"my_team_lead": "x"}}),
    Row("capitals before dots", {"service.name": "d", "SERVICE_NAME": "u"}, "u:80"),
    Row("dotted beats variable", {"service.name": "d"}, "d:80", env={"SERVICE_NAME": "e"}),
    Row("dotted off", {"service.name": "d"}, options={"dotted_prefix": ""}),
    Row("dotted off with another prefix", {"service.name": "d"}, options={"prefix": "ACME_"}),
    Row("other dotted prefix", {"acme.name": "d"}, "d:80", options={"dotted_prefix": "acme"}),
    Row("dotted is for labels", env={"service.name": "d"}),
    Row(
        "name template",
        COMPOSE,
        "mall-front:80",
        options={"default_name": "{compose_project}-{compose_service}"},
    ),
    Row("name template, no value", {}, options={"default_name": "{compose_service}"}),
    Row(
        "name template, alternatives",
        {},
        "box:80",
        options={"default_name": "{compose_service|container}"},
    ),
    Row(
        "name template, all else",
        {"team": "t"},
        "t-inside-tcp:80",
        options={"default_name": "{label:team}-{hostname}-{protocol}"},
    ),
    Row(
        "name template with the port",
        {},
        "p80:80 p81:81",
        ports="80 81",
        options={"default_name": "p{port}"},
    ),
]


OWN = ("IP", "ADDRESS", "NETWORK", "INTERNAL", "REGISTER", "WEIGHT", "WEIGHT_WARNING")
AS_WRITTEN = {
    "IP": "product-service",
    "ADDRESS": "host.docker.internal",
    "NETWORK": "back",
    "INTERNAL": "true",
    "REGISTER": "false",
    "WEIGHT": "7",
    "WEIGHT_WARNING": "3",
}


@pytest.mark.parametrize("key", OWN)
def test_what_registrator_does_not_know_is_not_read_from_variables(read, key):
    """Programs have such variables for themselves: they are metadata, as in registrator."""
    env = {f"SERVICE_{key}": AS_WRITTEN[key]}
    assert read(env=env) == read()
    meta = {key.lower(): AS_WRITTEN[key]}
    (offer,) = read(env=env, options={"meta_from_env": True}).offers
    assert offer == attrs.evolve(read().offers[0], meta=meta)
    asked = read(env=env, options={"added_from_env": True})
    assert asked.offers == read({f"SERVICE_{key}": AS_WRITTEN[key]}).offers
    assert asked != read()


@pytest.mark.parametrize("key", OWN)
def test_a_variable_with_a_port_that_is_not_read_is_told(read, key):
    """Only this dialect has keys for a port."""
    parsed = read(env={f"SERVICE_80_{key}": AS_WRITTEN[key]})
    assert parsed.offers == read().offers
    (problem,) = parsed.problems
    assert problem == (
        f"SERVICE_80_{key} (env): not read from a variable: write a label, or set the option "
        "added_from_env"
    )


def test_the_port_of_the_host_in_a_key(read):
    """Keys are about the container's own port: which one that is, the problem says."""
    for given in ({"labels": {"SERVICE_30080_NAME": "w"}}, {"env": {"SERVICE_30080_NAME": "w"}}):
        (problem,) = read(**given).problems
        assert problem.endswith("30080 is the host's port: write 80")


@pytest.mark.parametrize("key", ["CHECK_DOCKER_SCRIPT", "CHECK_HTPP", "80_CHECK_HTPP", "CHECK_"])
def test_mistyped_checks_in_variables_are_told(read, key):
    """Whatever begins with `SERVICE_CHECK_` is meant for this dialect; values are not shown."""
    (problem,) = read(env={f"SERVICE_{key}": "s3cret"}).problems
    assert problem.startswith(f"SERVICE_{key} (env): unknown check setting")
    assert "s3cret" not in problem


QUOTED = {
    "SERVICE_NAME": "web",
    "SERVICE_TAGS": "blue,v2",
    "SERVICE_ID": "mine",
    "SERVICE_CHECK_HTTP": "/health",
    "SERVICE_CHECK_INTERVAL": "5s",
    "SERVICE_IGNORE": "false",
}


@pytest.mark.parametrize("where", ["labels", "env"])
@pytest.mark.parametrize(
    "form",
    ['"{}"', "'{}'", ' "{}"\n', "\u201c{}\u201d", "{}\r", "\n{}\r\n", "\ufeff{}", '" {} "'],
)
def test_what_the_way_here_added_is_left_out(read, where, form):
    """Quotes, blanks and line ends around a value lose only themselves, and are reported."""
    written = {key: form.format(value) for key, value in QUOTED.items()}
    parsed = read(**{where: written})
    assert parsed.offers == read(**{where: QUOTED}).offers
    assert len(parsed.problems) == len(QUOTED)
    assert all("its value are left out" in problem for problem in parsed.problems)


@pytest.mark.parametrize("value", ['"a","b"', "'a", '"', '""', "a'b'", '{"a": "b"}'])
def test_quotes_that_do_not_enclose_all(read, value):
    """Only quotes that enclose the whole value are left out."""
    assert read({"SERVICE_NAME": value}).problems == ()


def test_quotes_in_free_text_stay(read):
    """They may be meant: in metadata a problem says that they stay."""
    parsed = read({"SERVICE_A": '"x"', "SERVICE_CHECK_BODY": '"ping"', "SERVICE_CHECK_HTTP": "/"})
    (offer,) = parsed.offers
    assert (offer.meta, offer.checks[0].body) == ({"a": '"x"'}, '"ping"')
    assert parsed.problems == (
        "SERVICE_A (label): the quotes around its value are kept, as a part of it",
    )


@pytest.mark.parametrize(
    "row",
    NAMES + PORT_KEYS + TAGS_AND_META + CHOICE + ADDRESSES + DIALECT,
    ids=lambda row: row.title,
)
def test_row(read, row):
    """Each row's keys give exactly its offers, and as many problems as it says."""
    given = {"labels": row.labels, **row.more}
    parsed = read(env=row.env, ports=row.ports, options=row.options, **given)

    shown = [f"{o.service}:{o.port}{'/udp' if o.protocol == 'udp' else ''}" for o in parsed.offers]
    assert shown == row.offers.split()
    assert len(parsed.problems) == row.problems, parsed.problems
    for field, value in row.fields.items():
        assert getattr(parsed.offers[0], field) == value
