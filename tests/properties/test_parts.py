"""Laws of texts that hold several values: no separator is part of a value, and what is written so is read back."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from harmonize.profiles.text_values import parts_of
from tests.properties.effort import examples
from tests.properties.texts import shuffled_pieces

PIECES = ("x", "y", "|", " ", "  ", "\t", "\n", "a|b", "NCIT:C1")


@given(shuffled_pieces(PIECES, 12))
@example("x | | y | ")
@example("| x |")
@examples(150)
def test_no_value_holds_a_bar_that_stands_alone(text: str) -> None:
    parts = parts_of(text, "|")
    assert all(part == part.strip() and "|" not in part.split() for part in parts)
    assert "".join("".join(parts).split()) == "".join(word for word in text.split() if word != "|")


@given(st.lists(st.sampled_from(("x", "a|b", "two words", "NCIT:C1")), max_size=6), st.sampled_from(("|", "line")))
@examples(150)
def test_what_is_joined_is_read_back(values: list[str], separator: str) -> None:
    assert parts_of({"|": " | ", "line": "\n"}[separator].join(values), separator) == values
