"""The texts of the page, by language (`texts/*.yaml`), and how each language writes numbers.

Titles and advice of rules are translated in `texts/rules/*.yaml`. What is not there, and what runs and data sets say, is English in every
language; the page marks it so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harmonize.errors import UnknownNameError
from harmonize.report.totals import percent
from harmonize.terminology.strict_yaml import load_strict_yaml

_FOLDER = Path(__file__).parent / "texts"


def languages() -> tuple[str, ...]:
    """The languages that there are texts of.

    >>> languages()
    ('de', 'en')
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


@dataclass(frozen=True)
class PageTexts:
    """The texts of one language."""

    language: str
    texts: Mapping[str, str]
    rules: Mapping[str, str]
    """Rule and part of it, as `terms.unknown.title` -> its text; for English, which the catalogue is in, empty."""

    def __call__(self, key: str, **values: object) -> str:
        """The text *key* with *values* in it; integers are written as the language writes them. Raises KeyError."""
        shown = {name: self.number(value) if isinstance(value, int) else value for name, value in values.items()}
        text = self.texts[key]
        return text.format_map(shown) if shown else text

    def number(self, value: int) -> str:
        """A whole number in groups of three digits."""
        return f"{value:,}".replace(",", self.texts["number.group"])

    def share(self, part: int, whole: int) -> str:
        """*part* of *whole* in percent, never rounded up to 100 or down to 0."""
        return "0 %" if whole and not part else percent(part, whole).replace(".", self.texts["number.decimal"])


@cache
def page_texts(language: str) -> PageTexts:
    """The texts of *language*. Raises UnknownNameError.

    >>> page_texts("de").number(1234567), page_texts("de").share(999, 1000)
    ('1.234.567', '99,9 %')
    """
    if language not in languages():
        raise UnknownNameError("language of reports", language, languages())
    return PageTexts(language, _texts(_FOLDER / f"{language}.yaml"), _texts(_FOLDER / "rules" / f"{language}.yaml"))


def _texts(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    tree, _ = load_strict_yaml(path, name=path.name)
    return {str(key): str(text) for key, text in tree.items()}
