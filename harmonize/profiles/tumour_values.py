"""TNM categories, codes whose system another text names, and dates whose accuracy another text states.

Sources: UICC TNM Classification of Malignant Tumours, 8th edition (prefixes and symbols: c, p, u; y, r, a; m).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from harmonize.errors import SpecificationError
from harmonize.findings import Outcome, Severity
from harmonize.profiles.coded_values import Environment, coded_value, coding, make_map_code, memoised
from harmonize.profiles.notes import Noted, rejected
from harmonize.profiles.text_values import read_date
from harmonize.terminology.notation import NotACode

_DAY_FIRST = re.compile(r"([0-9]{2})[.]([0-9]{2})[.]([0-9]{4})")
_LENGTHS = {"day": 10, "month": 7, "year": 4}


def known_date(text: str, accuracy: str | None = None, *choices: str) -> Any:
    """A date written year first or day first, no more exact than *accuracy* says; `00` says that a part is not known.

    A choice is written `text=day`, `=month`, `=year` (the parts that are exact) or `=estimated` (none is: the year stays, as an estimate).

    >>> known_date("2021-03-15", "T", "E=day", "T=month"), known_date("00.03.2021")
    ({'value': '2021-03', 'precision': 'month'}, {'value': '2021-03', 'precision': 'month'})
    >>> known_date("2021-07-01", "V", "V=estimated")
    {'value': '2021', 'precision': 'year', 'estimated': True}
    """
    clean = text.strip()
    match = _DAY_FIRST.fullmatch(clean)
    if match:
        day, month, year = match.groups()
        if month == "00" and day != "00":
            return rejected("source.date", "a day without a month is no date", "write 00 for the day as well")
        clean = "-".join(part for part in (year, month, day) if part != "00")
    made = read_date(clean)
    if not isinstance(made, dict) or accuracy is None:
        return made
    exact = _exactness(choices).get(accuracy.strip())
    if exact is None:
        message, fix = "how exact the date is, is said by none of the words that the map knows", "correct the accuracy"
        return Noted(None, "source.date", Severity.ERROR, Outcome.REJECTED, message, fix)
    if exact == "estimated":
        return {"value": made["value"][:4], "precision": "year", "estimated": True}
    if len(made["value"]) <= _LENGTHS[exact]:
        return made
    return {"value": made["value"][: _LENGTHS[exact]], "precision": exact}


@lru_cache(maxsize=100)
def _exactness(choices: tuple[str, ...]) -> Mapping[str, str]:
    """What a text says of a date, by the choices of a map."""
    return dict(choice.split("=", 1) for choice in choices)


def known_date_if(text: str, condition: str | None, *values: str) -> Any:
    """`known_date(text)` where another text is one of *values*; nothing elsewhere, for the date is of something else.

    >>> known_date_if("2021-03-15", "S", "S"), known_date_if("2021-03-15", "O", "S"), known_date_if("2021-03-15", None, "S")
    ({'value': '2021-03-15', 'precision': 'day'}, None, None)
    """
    return known_date(text) if condition is not None and condition.strip() in values else None


def make_code_of_edition(environment: Environment) -> Callable[..., Any]:
    """`code_of_edition(text, edition, '10 # WHO=ICD10', ...)`: a code whose system and edition another text names.

    `#` stands for the edition; `31=ICDO3 3.1` states it. A text that names no system of the map leaves the code as words.
    """

    def code_of_edition(text: str, edition: str | None, *choices: str) -> Any:
        system, number = _named(edition, choices)
        parsed = environment.systems.parse(text, system or _first_system(choices))
        if isinstance(parsed, NotACode):
            name = system or _first_system(choices)
            return rejected(
                "source.code", f"the value is no code of {name}: {parsed.reason}", f"write it as {name} does"
            )
        if system is None:
            message = "beside the code stands no edition that names its system; the code is carried as words"
            fix = "state the edition of the code, with its system"
            return Noted({"text": parsed.local}, "source.no-edition", Severity.WARNING, Outcome.COARSENED, message, fix)
        return coded_value(environment, parsed._replace(edition=number) if number else parsed)

    return memoised(code_of_edition)


def _named(edition: str | None, choices: tuple[str, ...]) -> tuple[str | None, str | None]:
    """(system, edition) that *edition* names."""
    for choice in choices:
        pattern, _, named = choice.partition("=")
        system, _, number = named.partition(" ")
        before, mark, after = pattern.partition("#")
        text = (edition or "").strip()
        if not mark:
            if text == pattern:
                return system, number or None
        elif text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after):
            return system, text[len(before) : len(text) - len(after)]
    return None, None


def _first_system(choices: tuple[str, ...]) -> str:
    return choices[0].partition("=")[2].partition(" ")[0]


def make_code_if_stated(environment: Environment) -> Callable[..., Any]:
    """`code_if_stated(text, CODE, SYSTEM)`: a code that the map states, where the text is there."""
    of_map = make_map_code(environment)
    return memoised(lambda text, code, system: of_map(code, system))


_STRANGE_SYMBOL = Noted(
    None,
    "source.code",
    Severity.ERROR,
    Outcome.COARSENED,
    "the text for several tumours is no symbol of TNM; the category stands without it",
    "write m, or how many tumours there are",
)


def make_tnm(environment: Environment) -> Callable[..., Any]:
    """`tnm(text, AXIS, prefix, edition, y, r, a, m)`: a category with its prefix and symbols, as TNM writes it: `ypT2(m)`."""

    def tnm(
        text: str,
        axis: str,
        prefix: str | None = None,
        edition: str | None = None,
        y: str | None = None,
        r: str | None = None,
        a: str | None = None,
        m: str | None = None,
    ) -> Any:
        if axis not in ("T", "N", "M"):
            raise SpecificationError(f"tnm: {axis!r} is no axis of TNM", fix="write T, N or M")
        bare = text.strip().removeprefix(axis)
        symbols = "".join(part.strip() for part in (r, y, a, prefix) if part is not None)
        multiple = f"({m.strip().strip('()')})" if m is not None and m.strip() else ""
        category = f"{symbols}{axis}{bare}"
        parsed = environment.systems.parse(f"{category}{multiple}", "TNM")
        strange = None
        if isinstance(parsed, NotACode) and multiple:
            parsed, strange = environment.systems.parse(category, "TNM"), _STRANGE_SYMBOL
        if isinstance(parsed, NotACode):
            return rejected(
                "source.code", f"the value is no {axis} category of TNM", "write it as TNM does, such as 2a"
            )
        made, noted = coding(environment, parsed._replace(edition=edition.strip()) if edition else parsed)
        noted = strange or noted
        value = {"codings": [made]}
        return value if noted is None else noted._replace(value=value)

    return memoised(tnm)


def make_tnm_basis(environment: Environment) -> Callable[..., Any]:
    """`tnm_basis(T, N, M)`: what a classification is based on, where the prefixes of all its categories agree."""
    of_map = make_map_code(environment)
    codes = {"c": "tnm-clinical", "p": "tnm-pathological"}

    def tnm_basis(*prefixes: str | None) -> Any:
        stated = {prefix.strip() for prefix in prefixes if prefix is not None}
        code = codes.get(stated.pop()) if len(stated) == 1 else None
        return of_map(code, "HMD") if code is not None else None

    return memoised(tnm_basis)
