"""The dialect `expose` keeps the contract that every label parser is tested against."""

import pytest

from syncer.testing import REACHABLE, ParserContract, make_labelled
from syncer_csv.expose import ExposeOptions, create


class TestExpose(ParserContract):
    """The dialect with its defaults; the kit makes odd labels of these keys and values."""

    keys = ("expose", "expose.tags")
    values = ("web:8080", "web:x", "no")
    examples = 20

    @pytest.fixture
    def parse(self):
        return create(ExposeOptions())

    @pytest.fixture
    def offering(self):
        return {"expose": "web:8080"}

    @pytest.fixture
    def ignoring(self):
        return {"expose": "no"}

    @pytest.fixture
    def mistaken(self):
        return {"expose": "web"}


def test_tags():
    """Tags are a comma list."""
    workload = make_labelled({"expose": "web:8080", "expose.tags": "blue,fast"})
    (offer,) = create(ExposeOptions())(workload, REACHABLE).offers
    assert offer.tags == ("blue", "fast")


def test_a_wrong_label_is_no_wish_to_be_left_out():
    """It is a problem, also beside a service that another dialect finds; only `no` is a wish."""
    parse = create(ExposeOptions())
    wrong = parse(make_labelled({"expose": "shop"}), REACHABLE)
    assert (wrong.ignored, wrong.offers) == ("", ())
    assert "expose" in wrong.problems[0]
    assert parse(make_labelled({"expose": "no", "expose.tgas": "x"}), REACHABLE).ignored
