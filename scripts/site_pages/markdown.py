"""Markdown as text: what is escaped, how links and tables are written."""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Iterable, Sequence

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_SPECIAL = re.compile(r"([\\`*_\[\]|])")


def plain(text: str) -> str:
    r"""*text* so that Markdown shows it as it is.

    >>> plain("a_b | <c>")
    'a\\_b \\| &lt;c>'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;")


def code(text: str) -> str:
    """*text* as code."""
    return f"`{text}`"


def slug(text: str) -> str:
    """*text* as a name of a file or an anchor.

    >>> slug("4.1.1_Solid_Tumor_Primary"), slug("SampleRelation"), slug("TNM")
    ('4-1-1-solid-tumor-primary', 'sample-relation', 'tnm')
    """
    return re.sub(r"[^a-z0-9]+", "-", _CAMEL.sub(" ", text).lower()).strip("-")


def words(name: str) -> str:
    """A name as words.

    >>> words("Date_of_Last_Follow_up"), words("TargetGene")
    ('Date of Last Follow up', 'Target Gene')
    """
    return " ".join(_CAMEL.sub(" ", name).replace("_", " ").split())


def link(text: str, target: str, page: str) -> str:
    """A link from *page* to *target*, both below docs/; *target* may have an anchor. *text* is Markdown."""
    file, _, anchor = target.partition("#")
    relative = posixpath.basename(file) if file == page else posixpath.relpath(file, posixpath.dirname(page) or ".")
    return f"[{text}]({relative}{'#' + anchor if anchor else ''})"


def heading(level: int, text: str, anchor: str = "") -> str:
    """A heading with its anchor. *text* is Markdown."""
    return f"{'#' * level} {text}{f' {{#{anchor}}}' if anchor else ''}"


def part(text: str, level: int) -> str:
    """What stands over a part of an item: a heading on a page of its own, a line on a page of several items, for then the search
    finds the item and not its parts."""
    return heading(2, text, slug(text)) if level == 2 else f"{text}\n{{: .part }}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table and an empty one. Cells are Markdown without line breaks."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def facts(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """A table of names and what they hold; the first pair is its head. What is empty is left out."""
    (first, value), *rest = [(name, text) for name, text in pairs if text]
    return table([first, value], [(f"**{name}**", text) for name, text in rest])


def page_of(lines: Sequence[str], *, boost: float | None = None) -> str:
    """The text of a page. Its title is that of its first heading. *boost* lifts it in the search."""
    first = next(line for line in lines if line.startswith("# "))
    title = html.unescape(re.sub(r"\\(.)", r"\1", first.removeprefix("# ")))
    head = ["---", f"title: {json.dumps(title, ensure_ascii=False)}"]
    head += ["search:", f"  boost: {boost}"] if boost is not None else []
    return "\n".join([*head, "---", ""]) + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def counted(number: int, thing: str, plural: str = "") -> str:
    """A number with its thing.

    >>> counted(1, "item"), counted(2, "class", "classes")
    ('1 item', '2 classes')
    """
    return f"{number} {thing if number == 1 else plural or thing + 's'}"
