"""The built-in kinds, which use the same hooks as any plugin.

    source file     services listed in TOML, YAML or JSON
    sink   memory   keeps registrations in this process: for trials and tests
    sink   file     writes registrations to one file: json, prometheus (file_sd) or hosts,
                    and its check translator

Nothing is imported until the kinds are requested.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from syncer import hookimpl

if TYPE_CHECKING:
    from syncer import CheckTranslator, SinkType, SourceType


@hookimpl
def syncer_sources() -> Iterable["SourceType"]:
    """Return the source `file`."""
    from syncer import SourceType
    from syncer.plugin.builtin.file_source import FileSource, FileSourceOptions
    from syncer.plugin.builtin.uris import source_options

    return [
        SourceType(
            name="file",
            options=FileSourceOptions,
            create=FileSource.create,
            summary="Services listed in a TOML, YAML or JSON file, or a directory of these",
            schemes=("file",),
            from_uri=source_options,
        )
    ]


@hookimpl
def syncer_sinks() -> Iterable["SinkType"]:
    """Return the sinks `memory` and `file`."""
    from syncer import SinkType
    from syncer.plugin.builtin.file_sink import FileSink, FileSinkOptions
    from syncer.plugin.builtin.memory import MemoryOptions, MemorySink
    from syncer.plugin.builtin.uris import memory_options, sink_options

    return [
        SinkType(
            name="memory",
            options=MemoryOptions,
            create=MemorySink.create,
            summary="Keeps registrations in this process only",
            schemes=("memory",),
            from_uri=memory_options,
        ),
        SinkType(
            name="file",
            options=FileSinkOptions,
            create=FileSink.create,
            summary="Writes one file: json, prometheus (file_sd) or hosts",
            schemes=("file", "file+json", "file+prometheus", "file+hosts"),
            from_uri=sink_options,
        ),
    ]


@hookimpl
def syncer_check_translators() -> Iterable["CheckTranslator"]:
    """Return the check translator of the sink `file`."""
    from syncer import CheckTranslator
    from syncer.plugin.builtin.file_sink import check_translator

    return [CheckTranslator(name="file", sink_kind="file", create=check_translator)]
