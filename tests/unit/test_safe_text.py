"""Hostile texts in the places of a report: they are seen, and are nothing but text."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harmonize.safe_text import csv_cell, html_text, markdown_text, plain

_LINES = Path(__file__).parents[1].joinpath("hostile", "payloads.jsonl").read_text("utf-8").splitlines()
PAYLOADS: dict[str, str] = {payload["name"]: payload["text"] for payload in map(json.loads, _LINES)}
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(sorted(PAYLOADS.values()))
FORMULAS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


class Page(HTMLParser):
    """What a browser would find in a page: its elements with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.others: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def check(text: str) -> None:
    seen = plain(text)
    assert not any(unicodedata.bidirectional(c) in _TURNING or unicodedata.category(c) in ("Cc", "Cs") for c in seen)
    assert plain(seen) == seen
    seen.encode("utf-8")
    page = Page(f'<p title="{html_text(text)}">{html_text(text)}</p>')
    assert page.elements == [("p", [("title", seen)])] and page.text == seen and not page.others
    written = io.StringIO()
    csv.writer(written).writerow([csv_cell(text), "next"])
    cell, following = next(csv.reader(io.StringIO(written.getvalue())))
    assert following == "next" and cell.removeprefix("'") in (seen, seen.removeprefix("'"))
    assert not cell.lstrip().startswith(tuple(FORMULAS))
    check_markdown(text)


def check_markdown(text: str) -> None:
    """By an implementation of CommonMark with tables: the words, in one paragraph or one cell."""
    words = " ".join(plain(text).split())
    for page, elements in (("{}", ["p"]), ("| a | b |\n|---|---|\n| x{} | y |", _TABLE)):
        found = Page(_MARKDOWN.render(page.format(markdown_text(text))))
        assert [tag for tag, _ in found.elements] == (elements if words or "x" in page else []) and not found.others
        assert words in " ".join(found.text.split())


_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_TABLE = ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) == len(_LINES) >= 60


@pytest.mark.parametrize("name", PAYLOADS)
def test_payloads_are_nothing_but_text(name: str) -> None:
    check(PAYLOADS[name])


@given(text=ANY_TEXT)
def test_any_text_is_nothing_but_text(text: str) -> None:
    check(text)


@given(text=st.text("abcäöüßçéñåøłžαβγдежאבגعربी日本語 .,:;()/0123456789", max_size=40))
def test_words_of_any_language_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize("first", FORMULAS)
def test_formulas_get_a_quote(first: str) -> None:
    assert csv_cell(f"{first}1").startswith("'") and csv_cell(f"  {first}1").startswith("'")
    assert not csv_cell(f"1{first}").startswith("'")
