"""Texts for properties: arbitrary ones, halves of surrogate pairs among them, and such as nearly have the wanted form."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st


def any_text(size: int) -> st.SearchStrategy[str]:
    """Any text that Python can hold."""
    return st.text(st.characters(exclude_categories=()), max_size=size)


def shuffled_pieces(pieces: Sequence[str], most: int = 8) -> st.SearchStrategy[str]:
    """Texts of up to *most* of the *pieces*, in any order."""
    return st.lists(st.sampled_from(pieces), max_size=most).map("".join)
