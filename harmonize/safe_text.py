"""Text of others, made fit to stand in a report or a table: seen as it is, never taken for markup, a formula or an order to turn round.

Codes, labels, notes and names of files and sites come from tools and sources that nobody here wrote. Each place has one function:
`html_text`, `markdown_text`, `csv_cell`; all of them begin with `plain`.
Sources: Unicode Technical Report 36 (bidirectional controls), Boucher and Anderson, Trojan Source (CVE-2021-42574), OWASP CSV Injection.
"""

from __future__ import annotations

import html
import re

_INVISIBLE = re.compile(
    "["
    "\u0000-\u001f\u007f-\u009f"  # controls C0 and C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # separators of lines and paragraphs
    "\u00ad\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"  # not seen; joiners are left, for scripts need them
    "\ud800-\udfff"  # halves of surrogate pairs, which UTF-8 cannot hold
    "\U000e0000-\U000e007f"  # tags
    "]"
)
_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets begin a formula by; the wide forms in East Asian ones."""
_BREAKS = frozenset("\t\r\n")
_MARKUP = re.compile(r"[\\`*_{}\[\]()#|<>&~!$@^]|:(?=//)|(?<=www)\.|(?<=mailto):|^[-+=]", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d{1,9})\.")
"""What begins markup in CommonMark, and links of GitHub's Markdown (`https://`, `www.`, `@`); some of it only at the start."""


def plain(text: str) -> str:
    r"""*text* in one line, with every character that cannot be seen, or that turns others round, as its number.

    >>> plain("a\u202eb\n\x00")
    'a\\u202eb\\u000a\\u0000'
    """
    return _INVISIBLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def html_text(text: str) -> str:
    """*text* as the content of an element, or as the value of an attribute in quotes; not for scripts, styles and addresses.

    >>> html_text("<b onclick='x'>")
    '&lt;b onclick=&#x27;x&#x27;&gt;'
    """
    return html.escape(plain(text), quote=True)


def markdown_text(text: str) -> str:
    """*text* as words of a paragraph or of a table's cell in CommonMark and GitHub's Markdown.

    >>> markdown_text("[x](javascript:y) | <b>")
    '\\\\[x\\\\]\\\\(javascript:y\\\\) \\\\| \\\\<b\\\\>'
    """
    return _NUMBERED.sub(r"\1\\.", _MARKUP.sub(r"\\\g<0>", plain(text).strip()))


def csv_cell(text: str) -> str:
    """*text* as a cell that no spreadsheet takes for a formula. For reports and dictionaries: data are written as they are.

    >>> csv_cell("=1+1"), csv_cell("HP:0001250")
    ("'=1+1", 'HP:0001250')
    """
    begun = text.lstrip()
    is_formula = begun.startswith(_SIGNS) or not _BREAKS.isdisjoint(text[: len(text) - len(begun)])
    return f"'{plain(text)}" if is_formula else plain(text)
