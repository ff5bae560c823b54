"""Which workloads are looked at at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import Offer, Workload
from syncer.desired.filters import LONGEST_PATTERN, LONGEST_VALUE, Filter


def workload(**fields):
    fields = {
        "source": "docker",
        "scope": "a",
        "id": "1",
        "name": "shop-web-1",
        "image": "registry.example:5000/shop/web:1.2",
        "labels": {"tier": "front", "empty": ""},
    } | fields
    return Workload(**fields)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("name:shop-web-1", True),
        ("name:shop-*", True),
        ("name:shop-web-?", True),
        ("name:shop-web-[12]", True),
        ("name:shop-web-[!1]", False),
        ("name:SHOP-*", False),
        ("name:shop", False),
        ("name:web", False),
        ("image:registry.example:5000/shop/*", True),
        ("image:*/web:*", True),
        ("image:nginx*", False),
        ("label:tier", True),
        ("label:empty", True),
        ("label:missing", False),
        ("label:tier=front", True),
        ("label:tier=f*", True),
        ("label:tier=back", False),
        ("label:tier=", False),
        ("label:empty=", True),
        ("label:empty=*", True),
        ("label:missing=*", False),
        ("label:missing=", False),
    ],
)
def test_patterns(pattern, fits):
    """A pattern fits the whole value, case counts, and a missing label fits nothing."""
    assert (Filter(include=(pattern,)).why_not(workload()) == "") is fits
    assert (Filter(exclude=(pattern,)).why_not(workload()) != "") is fits


WEB = Offer(service="web-admin", tags=("internal", "v2"))


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("service:web-admin", True),
        ("service:web*", True),
        ("service:web", False),
        ("service:Web*", False),
        ("tag:v2", True),
        ("tag:in*", True),
        ("tag:v", False),
        ("tag:internal,v2", False),
    ],
)
def test_patterns_over_services(pattern, fits):
    """They look at one service of a workload, which is itself admitted for now."""
    assert Filter(include=(pattern,)).why_not(workload()) == ""
    assert Filter(exclude=(pattern,)).why_not(workload()) == ""
    assert (Filter(include=(pattern,)).why_not_offer(workload(), WEB) == "") is fits
    assert (Filter(exclude=(pattern,)).why_not_offer(workload(), WEB) != "") is fits


@pytest.mark.parametrize(
    ("include", "exclude", "admitted"),
    [
        ((), (), True),
        (("name:shop-*",), (), True),
        (("name:shop-*", "service:other"), (), True),
        (("name:other", "service:web*"), (), True),
        (("name:other", "service:other"), (), False),
        (("name:shop-*",), ("tag:internal",), False),
    ],
)
def test_patterns_over_workloads_and_services_go_together(include, exclude, admitted):
    """One of `include` is enough, whichever it looks at, and one of `exclude` too."""
    kept = Filter(include=include, exclude=exclude)
    assert (kept.why_not_offer(workload(), WEB) == "") is admitted


def test_without_patterns_everything_is_admitted():
    """An empty filter admits all."""
    assert Filter().why_not(workload()) == ""


def test_exclude_beats_include():
    """What is excluded stays out though it is also included, and the pattern is named."""
    both = Filter(include=("name:shop-*",), exclude=("label:other", "label:tier=front"))
    assert both.why_not(workload()) == "excluded by the filter label:tier=front"


def test_one_include_pattern_is_enough():
    """Of several include patterns any one admits."""
    assert Filter(include=("name:other", "label:tier")).why_not(workload()) == ""


def test_what_is_not_included_is_told_with_the_patterns():
    """The reason names all patterns of which one would have to fit."""
    why = Filter(include=("name:other", "image:nginx")).why_not(workload())
    assert why == "not included by any filter: name:other, image:nginx"


def test_newlines_are_ordinary_characters():
    """A star spans line breaks, so that they hide no value."""
    w = workload(labels={"tier": "front\nline"})
    assert Filter(exclude=("label:tier=front*",)).why_not(w)
    assert Filter(exclude=("label:tier=front",)).why_not(w) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "shop",
        "name:",
        "label:",
        "label:=x",
        "label:com.*",
        "label:com.*=x",
        "state:running",
        "Name:x",
        ":x",
        "name:" + "x" * LONGEST_PATTERN,
    ],
)
@pytest.mark.parametrize("where", ["include", "exclude"])
def test_bad_patterns(pattern, where):
    """A pattern that would never fit anything is refused, and shown."""
    with pytest.raises(ValueError, match="filter ") as raised:
        Filter(**{where: (pattern,)})
    assert repr(pattern[:40])[:-1] in str(raised.value)


def test_of_long_values_a_bounded_part_is_looked_at():
    """No workload can slow down the others by a label of megabytes: the rest is not read."""
    w = workload(labels={"long": "a" * LONGEST_VALUE + "b"})
    assert Filter(include=("label:long=*a",)).why_not(w) == ""
    assert Filter(include=("label:long=*b",)).why_not(w) != ""


def test_filters_are_values():
    """Two filters with the same patterns are equal, whatever they were given as."""
    assert Filter(include=["name:a"]) == Filter(include=("name:a",))
    assert Filter(include=("name:a",)) != Filter(exclude=("name:a",))
    assert "name:a" in repr(Filter(include=("name:a",)))


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["name", "image", "label"]))
def test_any_text_is_read_or_refused(glob, value, kind):
    """Whatever is written is a filter or a ValueError, and a filter answers for any workload."""
    try:
        made = Filter(include=(f"{kind}:{glob}",), exclude=("name:*x*",))
    except ValueError:
        return
    w = workload(name=value, image=value, labels={value: value})
    assert made.why_not(w) == made.why_not(w)


@settings(deadline=None)
@given(st.text(max_size=20).filter(lambda t: not set(t) & set("*?[")))
def test_plain_text_fits_itself(text):
    """Without special characters a pattern fits exactly the value that it writes."""
    w = workload(labels={"tier": text})
    assert Filter(include=(f"label:tier={text}",)).why_not(w) == ""
    assert Filter(include=(f"label:tier={text}",)).why_not(workload(labels={"tier": text + "x"}))
