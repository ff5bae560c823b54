"""The parser keeps the contract that every label parser is tested against."""

import pytest

from syncer.testing import ParserContract
from syncer_labels import LabelsOptions, create
from syncer_labels.checks import KINDS, SETTINGS
from syncer_labels.parser import KEYS


class TestLabels(ParserContract):
    """The parser `labels`, with its defaults."""

    keys = (
        *(f"syncer.{service}{key}" for service in ("", "web.", "db.", ".") for key in KEYS),
        *(f"syncer.web.check.{key}" for key in (*KINDS, *SETTINGS, "header.X", "header.", "")),
        *(f"syncer.web.check.ready.{key}" for key in ("http", "tcp", "interval")),
        "syncer.web.meta.team",
    )

    @pytest.fixture
    def parse(self):
        return create(LabelsOptions())

    @pytest.fixture
    def offering(self):
        return {"syncer.web.port": "8080"}

    @pytest.fixture
    def ignoring(self):
        return {"syncer.enable": "false"}

    @pytest.fixture
    def mistaken(self):
        return {"syncer.web.prot": "8080"}
