"""Which of several editions of a code system is the newest: by the dates and numbers in their names, never by the order of letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:-(\d\d)(?:-(\d\d))?|(\d\d)(\d\d)?)?(?![\d.])", re.ASCII)
_PARTS = re.compile(r"(\d+(?:[._]\d+)*)", re.ASCII)


class Editions(NamedTuple):
    """The editions from the oldest to the newest; `sure` is False where their names do not say which is newer."""

    names: tuple[str, ...]
    sure: bool

    @property
    def newest(self) -> str:
        """The one that counts."""
        return self.names[-1]


def in_order(names: Iterable[str]) -> Editions:
    """Dates (2026, 2026-02, 20260131, 2026-01-31) in their order, numbers (2.9, 2.10) part by part.

    Of a date and a number, and of names whose words differ, nobody knows which is newer; then their letters decide, and that is told.

    >>> in_order(["2.10", "2.9"]).names, in_order(["20240131", "2023-07-31"]).newest
    (('2.9', '2.10'), '20240131')
    >>> in_order(["2.10", "winter"]).sure
    False
    """
    found = [(*_key(name), name) for name in dict.fromkeys(names)]
    sure = len({form for form, _, _ in found}) <= 1 and len({key for _, key, _ in found}) == len(found)
    if sure:
        found.sort(key=lambda entry: entry[1])
        return Editions(tuple(name for _, _, name in found), sure=True)
    return Editions(tuple(sorted(name for _, _, name in found)), sure=False)


def _key(name: str) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """The words of the name, with what kind of number stands between them; and the numbers."""
    words: list[str] = []
    numbers: list[tuple[int, ...]] = []
    place = 0
    plain = re.sub(r"^[vV](?=[0-9])", "", name)
    for date in _DATE.finditer(plain):
        _split(plain[place : date.start()], words, numbers)
        words.append("date")
        numbers.append(_numbers(date.groups()))
        place = date.end()
    _split(plain[place:], words, numbers)
    return tuple(words), tuple(numbers)


def _numbers(groups: Sequence[str | None]) -> tuple[int, ...]:
    return tuple(int(group) for group in groups if group is not None)


def _split(text: str, words: list[str], numbers: list[tuple[int, ...]]) -> None:
    for part in _PARTS.split(text):
        if part[:1].isascii() and part[:1].isdigit():
            words.append("number")
            numbers.append(tuple(int(number) for number in re.split("[._]", part)))
        elif part:
            words.append(f"={part.casefold()}")
