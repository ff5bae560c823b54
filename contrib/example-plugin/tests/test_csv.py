"""The kinds `csv` keep the contracts that every sink and every source is tested against."""

import pytest

import syncer
import syncer_csv.table as table
from syncer.testing import SinkContract, SourceContract, make_instance
from syncer_csv.sink import CsvSink
from syncer_csv.source import CsvSource

NO_SECRETS = "a CSV file has no passwords"


@pytest.fixture
def path(tmp_path):
    """A CSV file that is not there yet."""
    return tmp_path / "services.csv"


def options(path):
    """The options as syncer would fill them."""
    return table.CsvOptions(path=path)


class TestCsvSink(SinkContract):
    """The sink."""

    declines = {
        "secrets": NO_SECRETS,
        "park": "a CSV file lists only what is up",
        "hostile": "a row that is not understood refuses the file: writing would lose it",
    }
    examples = 20

    @pytest.fixture
    def sink(self, path):
        return CsvSink(options(path))

    @pytest.fixture
    def reopen(self, path):
        return lambda: CsvSink(options(path))

    @pytest.fixture
    def unmarked(self, path):
        def write(instance):
            held = table.read(path) if path.exists() else []
            table.write(path, [*held, syncer.Registration(instance=instance)])

        return write

    @pytest.fixture
    def unreachable(self, tmp_path):
        return CsvSink(options(tmp_path / "no-folder" / "services.csv"))

    @pytest.fixture
    def spoil(self, path):
        def add_half_a_row():
            with path.open("a") as file:
                file.write("half,a row\n")
            return "half"

        return add_half_a_row

    @pytest.fixture
    def refused(self):
        return make_instance("surrogate", id="not \ud800 text")


class TestCsvSource(SourceContract):
    """The source."""

    declines = {
        "secrets": NO_SECRETS,
        "unclear": "a row is understood, or the whole file is refused",
        "breaks": "nothing is connected that could break off",
    }

    @pytest.fixture
    def source(self, path):
        table.write(path, [])
        return CsvSource(options(path))

    @pytest.fixture
    def start(self, path):
        def add_row(name):
            new = syncer.Registration(instance=make_instance(name, id=name))
            table.write(path, [*table.read(path), new])
            return name

        return add_row

    @pytest.fixture
    def end(self, path):
        return lambda id_: table.write(path, [row for row in table.read(path) if row.id != id_])

    @pytest.fixture
    def reopen(self, path):
        return lambda: CsvSource(options(path))

    @pytest.fixture
    def unreachable(self, tmp_path):
        return CsvSource(options(tmp_path / "nothing.csv"))


def test_what_a_row_cannot_hold_is_told(path):
    """What is left out of a row is in the instance's problems, for `syncer explain`."""
    rich = make_instance(meta={"team": "shop"}, checks=(syncer.Check(kind="tcp"),), weight=3)
    adjusted = CsvSink(options(path)).adjust(rich)
    assert adjusted.problems == ("a CSV file cannot hold meta, checks, weight",)


def test_unhealthy_instances_are_not_listed(path):
    """A CSV file has no column for health: what is not up is not listed."""
    sick = make_instance(status=syncer.Status.UNHEALTHY)
    assert CsvSink(options(path)).adjust(sick) is None
