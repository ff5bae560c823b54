"""Parts of `--help` and the manual pages besides options: examples, exit codes."""

from collections.abc import Iterator

import click

MORE = (
    "`syncer help COMMAND` shows options and examples, `syncer plugins -v` the settings of each"
    " kind of source and sink. Documentation: docs/ in the source, beginning with docs/index.md."
)
#: The exit codes that are not those of an error class in `syncer.api.errors`.
EXIT_CODES = {
    "0": "All went well, or `run` was stopped.",
    "1": "A source or sink failed or refused, the guard holds something, or what a workload offers"
    " is unknown. From `status`: something is not in sync.",
    "2": "Wrong usage: an unknown command, flag or argument. From `plan --exit-code`: something"
    " would change.",
    "5": "From `status`: no syncer answers.",
    "6": "From `status`: the running syncer refuses the answer, for want of the token.",
    "130": "A command other than `run` was stopped by Ctrl-C, or a question was answered with no.",
}
#: By command: pairs of what is wanted and what to type.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "syncer": (
        ("What would be registered?", "syncer plan --source docker --sink consul"),
        ("Register it, and keep it so", "syncer run --source docker --sink consul --web"),
    ),
    "run": (
        (
            "With the status page at 127.0.0.1:8520",
            "syncer run --source docker --sink consul --web",
        ),
        ("By a file, as a service does", "syncer run --config /etc/syncer/syncer.toml"),
    ),
    "plan": (
        ("By /etc/syncer/syncer.toml", "syncer plan"),
        ("In a script: 2 if something would change", "syncer plan --exit-code"),
    ),
    "apply": (("Only what a plan has shown", "syncer apply --expect 68ab50846886"),),
    "explain": (("Why is web not registered?", "syncer explain web"),),
    "services": (
        ("What this syncer registered, and its status", "syncer services --sink consul"),
        ("Everybody's entries, again and again", "syncer services --sink consul --all --watch"),
    ),
    "status": (
        ("On this host", "syncer status"),
        ("On another", "syncer status --web ops2.example:8520"),
    ),
    "drain": (
        ("One container, before it is stopped", "syncer drain web-1"),
        ("All of this host", "syncer drain --all --force"),
    ),
    "undrain": (("All of this host", "syncer undrain --all"),),
    "purge": (("Entries of a source that is gone", "syncer purge --only old-engine"),),
    "doctor": (("Before the first run", "syncer doctor --source docker --sink consul"),),
    "check-config": (("A file before it is used", "syncer check-config --config new.toml"),),
    "init": (("For this host", "sudo syncer init /etc/syncer/syncer.toml"),),
    "completion": (("In ~/.bashrc", 'eval "$(syncer completion bash)"'),),
    "registrator": (
        ("As registrator was started", "syncer registrator -resync 60 consul://localhost:8500"),
    ),
}


class SharedOption(click.Option):
    """An option that many commands have; help shows these in a section of their own."""


class Command(click.Command):
    """A command whose help has its own options first, and ends with examples."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write its own options, then those that it shares with others."""
        for title, shared in (("Options", False), ("Sources, sinks and settings", True)):
            records = [
                record
                for one in self.get_params(ctx)
                if isinstance(one, SharedOption) is shared and (record := one.get_help_record(ctx))
            ]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(self.name or "", formatter)


def write_examples(name: str, formatter: click.HelpFormatter) -> None:
    """Write the examples of a command, if it has any."""
    if name in EXAMPLES:
        with formatter.section("Examples"):
            for line in example_lines(name):
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def example_lines(name: str) -> Iterator[str]:
    """Yield the examples of a command, each below a comment."""
    for wanted, typed in EXAMPLES.get(name, ()):
        yield f"# {wanted}"
        yield typed
