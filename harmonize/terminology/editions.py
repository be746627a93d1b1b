"""Which of several installed editions answers for a code: that of the stated edition, else that of the date, else the newest.

`by-year`: an edition holds from 1 January to 31 December, as BfArM publishes ICD-10-GM and OPS; which one a statement means is said by
the year of its date. `by-version`: codes change their meaning or vanish with an edition, and no date says with which. Where a
system has neither rule its codes outlive editions, as the ids of ontologies do, and the newest answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

BY_YEAR, BY_VERSION = "by-year", "by-version"
RULES = (BY_YEAR, BY_VERSION)
_YEAR = re.compile(r"(?<![0-9])[12][0-9]{3}(?![0-9])")
_LEADING_YEAR = re.compile(r"[12][0-9]{3}(?![0-9])|[12][0-9]{3}(?=[0-9]{4})")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


class Chosen(NamedTuple):
    """The place of an edition; `certain` unless it only is the newest and another one may be meant."""

    place: int
    certain: bool


def year_of(text: str) -> str:
    """The year that a date or the name of an edition states, also as YYYYMMDD or DD.MM.YYYY; empty where it states none, or two.

    >>> year_of("2023-01-05T10:00"), year_of("05.01.2023"), year_of("202301051030"), year_of("10 2023 GM"), year_of("23")
    ('2023', '2023', '2023', '2023', '')
    """
    leading = _LEADING_YEAR.match(text.strip())
    if leading:
        return leading[0]
    years = set(_YEAR.findall(text))
    return years.pop() if len(years) == 1 else ""


def choose(rule: str | None, versions: Sequence[str], edition: str, date: str) -> Chosen | str:
    """The edition that answers among *versions*, of which the last one is the newest; or why none of them may.

    >>> choose("by-year", ["2022", "2023"], "", "2022-05-01")
    Chosen(place=0, certain=True)
    >>> choose("by-year", ["2022", "2023"], "", "2021-05-01")
    'its edition 2021 is not installed (2022, 2023 are)'
    """
    named = year_of(edition) if rule == BY_YEAR else edition.strip()
    wanted = named or (year_of(date) if rule == BY_YEAR else "")
    for place in range(len(versions) - 1, -1, -1):
        known = year_of(versions[place]) if rule == BY_YEAR else versions[place]
        if wanted and _folded(known) == _folded(wanted):
            return Chosen(place, certain=True)
    if rule is not None and (wanted or edition.strip()):
        return f"its edition {_shown(wanted)} is not installed ({', '.join(versions[-9:])} are)"
    return Chosen(len(versions) - 1, certain=rule != BY_YEAR)


def _folded(version: str) -> str:
    return _NOT_IN_NAMES.sub("", version.lower())


def _shown(wanted: str) -> str:
    """The name of an edition where it is surely one: a record may hold anything in its place."""
    return wanted if re.fullmatch(r"[0-9]{4}(?:-[0-9]{2}){0,2}", wanted) else "(as the statement names it)"
