"""Text for people: suggestions, lists that are cut, one line."""

from syncer import choice, did_you_mean, one_line, some_of
from syncer.api.text import shown


def test_a_similar_word_is_suggested():
    """Case, hyphens and underscores do not count."""
    assert did_you_mean("Token_File", ["token-file"]) == "; did you mean 'token-file'?"
    assert did_you_mean("x", ["token"]) == ""


def test_a_choice_names_the_words_and_the_value():
    """The nearest word is suggested, if the value is text."""
    assert choice(("a", "b"), None) == "one of a, b, not None"
    assert choice(("fast",), "fsat") == "one of fast, not 'fsat'; did you mean 'fast'?"


def test_a_list_of_names_is_cut():
    """Only as many as fit a line, and the number of the others."""
    assert some_of(["a", "b"], 2) == "a, b"
    assert some_of({"a": 1, "b": 2, "c": 3}, 2) == "a, b and 1 more"


def test_text_becomes_one_line():
    """Errors too."""
    assert one_line(ValueError("a\n  b\t c ")) == "a b c"


def test_a_value_is_shown_as_in_a_file():
    """Bools in lower case, long values cut."""
    assert shown(True) == "true"
    assert shown("x" * 100) == "'" + "x" * 56 + "..."
