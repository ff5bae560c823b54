"""The errors that syncer raises, each with the exit code of the command that it ends.

    SyncerError                 1
      ConfigError               3   a setting is unknown, missing or invalid
      PluginError               4   a plugin cannot be loaded, or two offer the same kind
      TemporaryError            5   a source or sink cannot answer now: retried without limit
      PermanentError            6   a request was refused; a retry will not help
        Conflict                6   another client was first: the next cycle decides

`syncer plan` ends with 2 if something would change. Plugins raise the last three only. Any other
exception of a plugin is treated as temporary and reported once, with its traceback. Exceptions of
a client library never leave the plugin that uses it.
"""

import traceback


class SyncerError(Exception):
    """Base of all errors that syncer reports; only the message is shown to people."""

    exit_code = 1


def of_plugin(error: Exception) -> str:
    """Return an unexpected error of a plugin as text, with its traceback."""
    what = "".join(traceback.format_exception_only(error)).strip()
    return f"{what}\n{''.join(traceback.format_exception(error)).strip()}"


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
