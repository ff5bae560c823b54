"""An example of a plugin for syncer: a CSV file as source and sink, and a label dialect."""

import syncer
from syncer_csv import expose
from syncer_csv.sink import CsvSink
from syncer_csv.source import CsvSource
from syncer_csv.table import CsvOptions


@syncer.hookimpl
def syncer_sources() -> list[syncer.SourceType]:
    """Offer the kind of source `csv`."""
    return [
        syncer.SourceType(
            name="csv",
            options=CsvOptions,
            create=lambda options, context: CsvSource(options),
            summary="Services from the rows of a CSV file",
            from_uri=lambda value: {"path": value},
        )
    ]


@syncer.hookimpl
def syncer_sinks() -> list[syncer.SinkType]:
    """Offer the kind of sink `csv`."""
    return [
        syncer.SinkType(
            name="csv",
            options=CsvOptions,
            create=lambda options, context: CsvSink(options),
            summary="Registrations as the rows of a CSV file",
            from_uri=lambda value: {"path": value},
        )
    ]


@syncer.hookimpl
def syncer_label_parsers() -> list[syncer.LabelParser]:
    """Offer the dialect `expose`."""
    return [
        syncer.LabelParser(
            name="expose",
            options=expose.ExposeOptions,
            create=expose.create,
            summary="one label, expose=NAME:PORT",
        )
    ]


@syncer.hookimpl
def syncer_check_translators() -> list[syncer.CheckTranslator]:
    """Have syncer run the checks, which a file cannot."""
    return [syncer.CheckTranslator(name="csv", sink_kind="csv", create=syncer.probing)]
