"""Whatever labels say: no exception, one problem for each mistake, work in proportion."""

import sys

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.kits.labels import MOST_PROBLEMS, SHOWN
from syncer_registrator.labels.known_keys import CHECK_KINDS, CHECK_SETTINGS, PLAIN

WORDS = st.sampled_from(
    [word.upper() for word in sorted(PLAIN)]
    + [f"CHECK_{word.upper()}" for word in sorted(CHECK_SETTINGS) + list(CHECK_KINDS)]
    + ["IP", "FOO", "CHECK_CMD", "CHECK_2_HTTP", "CHECK_2_INTERVAL", "CHECK_HEADER_1", ""]
)
PORTS = st.sampled_from(["", "80_", "53_UDP_", "1-65535_", "080_", "70000_", "90-80_", "81_"])
VALUES = st.one_of(
    st.text(),
    st.sampled_from(
        ["true", "false", "1", "-1", "0", "10s", "1h30m", "9" * 400, "a,b", "/x", "a: b", "{}"]
        + ['{"a": 1}', "[]", '{"a": {}}', "'", "\ud800", "\0", "a\r\nb", "::", "10.0.0.1", "nan"]
    ),
)
KEYS = st.one_of(
    st.builds("SERVICE_{}{}".format, PORTS, WORDS),
    st.builds("service.{}".format, st.text()),
    st.builds("SERVICE_{}".format, st.text()),
    st.builds("SERVICE_{}{}".format, PORTS, st.text()),
    st.builds(lambda port, word: f"service.{port}{word}".lower().replace("_", "."), PORTS, WORDS),
)
MAPS = st.dictionaries(KEYS, VALUES, max_size=12)
EXPOSED = st.sampled_from(["", "80", "80 53/udp", "80 443! 53 53/udp 80/sctp"])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "explicit": st.booleans(),
        "meta_from_env": st.booleans(),
        "suffix": st.sampled_from(["auto", "always", "never"]),
        "default_name": st.sampled_from(["{image}", "{label:service.name}-{port}", "x{hostname}"]),
        "tags": st.sampled_from(["", "a,{label:SERVICE_NAME}", "{image|container}"]),
    },
)
TEXTS = st.one_of(st.text(), st.sampled_from(["a/b:1", "\0", "\ud800", "sha256:1"]))


@given(labels=MAPS, env=MAPS, ports=EXPOSED, options=OPTIONS, image=TEXTS, name=TEXTS)
@settings(max_examples=500, deadline=None)
def test_anything_is_read(read, labels, env, ports, options, image, name):
    """Any keys with any values give an answer, whose ids, check keys and problems are distinct."""
    arguments = {"ports": ports, "options": options, "image": image, "name": name}
    parsed = read(labels, env, **arguments)

    assert read(labels, env, **arguments) == parsed
    given_ids = [offer.id for offer in parsed.offers if offer.id]
    assert len(set(given_ids)) == len(given_ids)
    usual = [(o.port, o.protocol) for o in parsed.offers if not o.id]
    assert len(set(usual)) == len(usual)
    for offer in parsed.offers:
        keys = [check.key for check in offer.checks]
        assert len(set(keys)) == len(keys)
        assert offer.because
        offer.service.encode()
    assert len(set(parsed.problems)) == len(parsed.problems)
    assert all(text.isprintable() or "\n" not in text for text in parsed.problems)


@given(labels=MAPS, env=MAPS, ports=EXPOSED, data=st.data())
@settings(max_examples=200, deadline=None)
def test_the_order_of_labels_does_not_matter(read, labels, env, ports, data):
    """A runtime may list labels and variables in any order."""
    shuffled = dict(data.draw(st.permutations(list(labels.items()))))
    turned = dict(reversed(env.items()))

    assert read(shuffled, turned, ports=ports) == read(labels, env, ports=ports)


SECRETS = [" s3cret ", "s3cret\n", "s3cret\0,x", "0s3cret", "'s3cret", "{s3cret", "s3cret://x y"]
NOT_PUBLISHED = PLAIN - {"name", "id", "tags", "network", "address"} | {"foo", "check_foo"}


@pytest.mark.parametrize("value", SECRETS)
@pytest.mark.parametrize("word", sorted(NOT_PUBLISHED))
def test_variables_leave_no_trace(read, word, value):
    """A variable that is not a known key, or is none by its value, shows nowhere."""
    parsed = read(env={f"SERVICE_{word.upper()}": value, f"SERVICE_80_{word.upper()}": value})

    assert "s3cret" not in str(attrs.asdict(parsed))


BAD_VALUE = "s3cret ://\0" + "s3cret" * 1000


@pytest.mark.parametrize("word", sorted(PLAIN | {f"check_{word}" for word in CHECK_SETTINGS}))
def test_bad_variables_are_reported_without_their_value(read, word):
    """A problem with a variable names it, and leaves out what stands in it."""
    kinds = {f"SERVICE_CHECK_{kind}": "1" for kind in ("HTTPS", "GRPC", "H2PING")}
    kinds |= {"SERVICE_CHECK_TTL": "9s", "SERVICE_CHECK_DOCKER": "x", "SERVICE_CHECK_HTTP": "/"}
    env = {f"SERVICE_{word.upper()}": BAD_VALUE}
    parsed = read(kinds, env, options={"default_name": "box", "added_from_env": True})

    (problem,) = parsed.problems
    assert problem.startswith(f"SERVICE_{word.upper()} (env): ")
    assert "s3cret" not in problem


@given(env=st.dictionaries(st.builds("SERVICE_{}".format, st.text()), st.just("s3cret")))
@settings(deadline=None)
def test_variables_are_never_published_unasked(read, env):
    """No variable that is not a known key leaves a trace in offers or problems."""
    known = {"NAME", "ID", "TAGS", "NETWORK", "ADDRESS", "IP"}
    env = {key: value for key, value in env.items() if key[8:].upper() not in known}

    assert "s3cret" not in str(attrs.asdict(read(env=env)))


BAD = [
    ("SERVICE_NAME", "a\nb", "the name 'a\\nb' has control characters"),
    ("SERVICE_NAME", "x" * 300, f"the name {'x' * SHOWN + '...'!r} is longer than 255 characters"),
    ("SERVICE_TAGS", "a\x1b,ok", "the tag 'a\\x1b' has control characters"),
    ("SERVICE_TAGS", "t" * 10_240 + ",ok", f"the tag {'t' * SHOWN + '...'!r} is longer than 4096"),
    ("SERVICE_TAGS", "\ud800,ok", "the tag '\\ud800' has control characters"),
    ("SERVICE_FOO", "a\0b", "its value has control characters"),
    ("SERVICE_FOO", "v" * 10_240, "its value is longer than 4096 characters"),
    ("SERVICE_WEIGHT", "70000", "must be 0 to 65535, not '70000'"),
    ("SERVICE_WEIGHT", "9" * 10_000, "is longer than 64 characters"),
    ("SERVICE_WEIGHT", "²", "must be a whole number, not '²'"),
    ("SERVICE_PORT", "80.5", "must be a whole number, not '80.5'"),
    ("SERVICE_IGNORE", "perhaps", "must be true or false, not 'perhaps'; taken as true"),
    ("SERVICE_REGISTER", "perhaps", "must be true or false, not 'perhaps'"),
    ("SERVICE_NETWORK", "a\nb", "has control characters"),
    ("SERVICE_ADDRESS", "http://x", "must be an IP address or a host name, not 'http://x'"),
]


@pytest.mark.parametrize(("key", "value", "reason"), BAD, ids=[row[2][:30] for row in BAD])
def test_one_clear_problem(read, key, value, reason):
    """A bad value is one short problem that names the label; the rest of the workload stays."""
    parsed = read({key: value, "SERVICE_OK": "1"})

    (problem,) = parsed.problems
    assert problem.startswith(f"{key} (label): {reason}")
    assert len(problem) < 200
    for offer in parsed.offers:
        assert (offer.service, offer.meta) == ("shop", {"ok": "1"})
        assert offer.tags == (("ok",) if key == "SERVICE_TAGS" else ())
    assert len(parsed.offers) == (0 if key == "SERVICE_IGNORE" else 1)


def test_control_characters_in_a_key(read):
    """A key with control characters is shown escaped, and makes no metadata."""
    parsed = read({"SERVICE_FOO\nERROR all is lost": "x", f"SERVICE_{'K' * 300}": "x"})

    assert parsed.offers[0].meta == {}
    first, second = sorted(parsed.problems)
    assert "\n" not in first
    assert "its name has control characters" in first
    assert "its name is longer than 255 characters" in second
    assert len(second) < 200


def test_thousands_of_mistakes_are_counted(read):
    """So many problems are shown; the last one counts the rest."""
    parsed = read({f"SERVICE_CHECK_NO{n}": "x" for n in range(5000)})

    assert len(parsed.problems) == MOST_PROBLEMS + 1
    assert parsed.problems[-1] == "4900 more problems are not shown"
    assert parsed.offers[0].service == "shop"


def test_too_much_of_a_kind_is_cut_with_a_problem(read):
    """Names, attributes and ranges have limits; what is beyond is reported, and the rest kept."""
    names = read({"SERVICE_80_NAME": ",".join(f"n{n}" for n in range(5000))})
    meta = read({f"SERVICE_A{n:05}": "x" for n in range(1001)})
    ranges = read({f"SERVICE_1-{200 + n}_NAME": f"r{n}" for n in range(101)})

    assert len(names.offers) == 32
    assert names.problems == ("SERVICE_80_NAME (label): only the first 32 of 5000 names are used",)
    assert len(meta.offers[0].meta) == 1000
    assert len(meta.problems) == 1
    assert [offer.service for offer in ranges.offers] == ["r1"]
    assert len(ranges.problems) == 1


def test_a_range_of_all_ports_costs_nothing(read):
    """A key for ports 1 to 65535 makes only the offers of the ports that there are."""
    parsed = read({"SERVICE_1-65535_NAME": "w"}, ports="1 65535")

    assert [(offer.service, offer.port) for offer in parsed.offers] == [("w", 1), ("w", 65535)]


def calls_for(read, keys: int) -> int:
    """How many calls it takes to read this many keys of every sort, and long lists."""
    labels = {f"SERVICE_{n + 1}_NAME": "x" for n in range(keys)}
    labels |= {f"SERVICE_A{n}": "x" for n in range(keys)}
    labels |= {f"SERVICE_CHECK_HEADER_{n}": "x" for n in range(keys)}
    labels |= {f"SERVICE_CHECK_{n % 99 + 1}_{n}": "x" for n in range(keys)}
    labels |= {"SERVICE_TAGS": "a," * keys, "SERVICE_NAME": "x," * keys}
    count = 0

    def called(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        read(labels, ports="80 443")
    finally:
        sys.setprofile(None)
    return count


def test_work_grows_with_the_input_not_with_its_square(read):
    """Ten times the keys take about ten times the work."""
    assert calls_for(read, 10_000) < 13 * calls_for(read, 1_000)
