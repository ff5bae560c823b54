"""Brakes of the engine, each as it is taken out: `python tests/mutations.py` does."""

import attrs


@attrs.frozen
class Mutant:
    """A brake taken out: in `file` the first `old` becomes `new`; `tests` are to notice.

    `blind` says why the model test cannot notice; "" if it does.
    """

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    blind: str = ""


#: Why the model does not notice what it could: histories that are random come upon few of all.
RARE = "its 600 histories do not come upon it"


def brakes_of(file: str, *usual: str):
    """A maker of mutants of one file, which these tests notice unless others are named."""

    def make(what: str, old: str, new: str = "if False:", *tests: str, blind: str = "") -> Mutant:
        named = tuple(
            test if test.endswith(".py") else f"tests/{test}.py" for test in tests or usual
        )
        return Mutant(what, f"syncer/{file}", old, new, named, blind)

    return make
