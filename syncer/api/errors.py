"""The errors that syncer raises, each with the exit code of the command that it ends.

    SyncerError                 1
      ConfigError               3   a setting is unknown, missing or invalid
      PluginError               4   a plugin cannot be loaded, or two offer the same kind
      TemporaryError            5   a source or sink cannot answer now: retried without limit
      PermanentError            6   a request was refused; a retry will not help
        Conflict                6   another client was first: the next cycle decides

Wrong usage of a command ends with 2. Plugins raise the last three only. Any other
exception of a plugin is treated as temporary and reported once, with its traceback. Exceptions of
a client library never leave the plugin that uses it.
"""

import traceback

from syncer.api.secrets import hidden


class SyncerError(Exception):
    """Base of all errors that syncer reports; only the message is shown to people."""

    exit_code = 1

    def __str__(self) -> str:
        return hidden(super().__str__())


def text_of(error: BaseException) -> str:
    """Return any error as text, without secrets."""
    try:
        return hidden(str(error)) or type(error).__name__
    except Exception:  # noqa: BLE001 - a plugin's error may fail at this too
        return type(error).__name__


def trace_of(error: BaseException) -> str:
    """Return the traceback of an error as text, without secrets."""
    return hidden("".join(traceback.format_exception(error)))


def of_plugin(error: Exception) -> str:
    """Return an unexpected error of a plugin as text, with its traceback."""
    what = "".join(traceback.format_exception_only(error)).strip()
    return f"{hidden(what)}\n{trace_of(error).strip()}"


class ConfigError(SyncerError):
    """A setting is unknown, missing or invalid. The message names the file and the key's path."""

    exit_code = 3


class PluginError(SyncerError):
    """A plugin cannot be loaded, or two plugins offer the same kind."""

    exit_code = 4


class TemporaryError(SyncerError):
    """The other side cannot answer now; a retry may succeed."""

    exit_code = 5


class PermanentError(SyncerError):
    """The other side refused; retried only at the longest interval, or with other content."""

    exit_code = 6


class Conflict(PermanentError):
    """The entry is no longer as the last listing showed it; nothing was changed."""
