"""The errors that syncer raises, each with the exit code of the command that ends by it.

    SyncerError                 1
      ConfigError               3   a setting is unknown, missing or wrong
      PluginError               4   a plugin cannot be loaded, or two offer the same kind
      TemporaryError            5   a source or sink cannot answer now: asked again, without end
      PermanentError            6   a request was refused, and repeating it will not help
        Conflict                6   somebody else was first: the next cycle decides

2 is what `syncer plan` ends with when something would change. The last three are the whole
language between the engine and a plugin. Any other exception that a plugin raises counts as
temporary, and is reported once with its traceback. A client library's exceptions never leave
the plugin that uses it.
"""

import traceback


class SyncerError(Exception):
    """Anything that syncer itself reports; the message alone is meant for people."""

    exit_code = 1


def of_plugin(error: Exception) -> str:
    """The text of an error that no plugin should raise, with its traceback: it is a mistake."""
    what = "".join(traceback.format_exception_only(error)).strip()
    return f"{what}\n{''.join(traceback.format_exception(error)).strip()}"


class ConfigError(SyncerError):
    """A setting is unknown, missing or wrong. The message names the file and the key's path."""

    exit_code = 3


class PluginError(SyncerError):
    """A plugin cannot be loaded, or two plugins offer the same kind."""

    exit_code = 4


class TemporaryError(SyncerError):
    """The other side cannot answer now; the same question later may succeed."""

    exit_code = 5


class PermanentError(SyncerError):
    """The other side refused; it is asked again only at the slow cap, or with other content."""

    exit_code = 6


class Conflict(PermanentError):
    """The registry no longer holds what the last listing showed; nothing was changed."""
