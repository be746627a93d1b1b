"""Texts of a source record as values of the hub: dates, ages, numbers, decisions, HGVS. Never more precision than is there.

Sources: ISO 8601 for dates and durations, HGVS nomenclature for variants, XSD for datatypes.
"""

from __future__ import annotations

import datetime as dt
import re

from harmonize.findings import Outcome, Severity
from harmonize.profiles.notes import Noted, rejected

# --- dates and ages -------------------------------------------------------------------------------------------------

_TIME = (
    r"T(?:(?:[01][0-9]|2[0-3])(?::?[0-5][0-9](?::?(?:[0-5][0-9]|60)(?:[.,][0-9]+)?)?)?|24:?00(?::?00(?:[.,]0+)?)?)"
    r"(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?"
)
_DATE = re.compile(rf"([0-9]{{4}})(?:-([0-9]{{2}})(?:-([0-9]{{2}})({_TIME})?)?)?")
_YEAR = re.compile(r"[0-9]{4}")
_AGE = re.compile(r"[0-9]{1,3}")
_DURATION = re.compile(
    r"P(?:[0-9]+W|(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?(?:T(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:[.][0-9]+)?S)?)?)"
)


def read_date(text: str) -> dict[str, str] | Noted | None:
    """The ISO 8601 date *text* as a PartialDate with the parts that are there; a time of day is cut off and said.

    >>> read_date("1985-09")
    {'value': '1985-09', 'precision': 'month'}
    >>> read_date("2011-03-35").rule
    'source.date'
    """
    match = _DATE.fullmatch(text.strip())
    if match is None or not _is_calendar_date(int(match[1]), int(match[2] or 1), int(match[3] or 1)):
        return rejected("source.date", "the value is no ISO 8601 calendar date", "write YYYY-MM-DD, YYYY-MM or YYYY")
    precision = "year" if match[2] is None else "month" if match[3] is None else "day"
    value = {"value": match[0].partition("T")[0], "precision": precision}
    if match[4]:
        message = "the time of day is dropped: dates of the hub are days"
        return Noted(value, "source.time-of-day", Severity.INFO, Outcome.COARSENED, message, None)
    return value


def _is_calendar_date(year: int, month: int = 1, day: int = 1) -> bool:
    """Whether year, month and day, as far as they are there, are in the calendar."""
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


def read_year(text: str) -> dict[str, str] | Noted:
    """A year of four digits as a PartialDate.

    >>> read_year("1984")
    {'value': '1984', 'precision': 'year'}
    """
    if _YEAR.fullmatch(text.strip()) is None or text.strip() == "0000":
        return rejected("source.date", "the value is no year", "write four digits")
    return {"value": text.strip(), "precision": "year"}


_WHOLE = re.compile(r"([0-9]{1,9})(?:[.]0+)?")


def read_date_of_parts(year: str | None, month: str | None, day: str | None) -> dict[str, str] | Noted | None:
    """A PartialDate of the parts that are there; a month without year is no date, of a day without month the year is kept.

    >>> read_date_of_parts("1998", "4", None), read_date_of_parts(None, "4", "9").rule, read_date_of_parts("1998", None, "9").value
    ({'value': '1998-04', 'precision': 'month'}, 'source.date', {'value': '1998', 'precision': 'year'})
    """
    if year is not None and month is None and day is not None:
        made = read_date_of_parts(year, None, None)
        message, fix = "a day stands there without its month; the year is kept", "write the month, or no day"
        return (
            Noted(made, "source.date", Severity.ERROR, Outcome.COARSENED, message, fix)
            if isinstance(made, dict)
            else made
        )
    stated = (year, month, day)
    known = [part for part in stated if part is not None]
    if not known:
        return None
    parts = [int(match[1]) if (match := _WHOLE.fullmatch(part.strip())) else 0 for part in known]
    if None in stated[: len(known)] or parts[0] < 1000 or not _is_calendar_date(*parts):
        message = "year, month and day are no calendar date"
        return rejected("source.date", message, "write whole numbers, and no smaller part without the larger one")
    return read_date("-".join(f"{part:02}" for part in parts))


def read_whole(text: str) -> str | Noted:
    """A whole number without sign as digits, also where a program has made it a float.

    >>> read_whole("2.0"), read_whole("two").rule
    ('2', 'source.number')
    """
    match = _WHOLE.fullmatch(text.strip())
    if match is None:
        return rejected("source.number", "the value is no whole number", "write digits only")
    return str(int(match[1]))


def read_integer(text: str) -> int | Noted:
    """A whole number without sign, for a slot that holds numbers.

    >>> read_integer("30"), read_integer("3.5").rule
    (30, 'source.number')
    """
    digits = read_whole(text)
    return int(digits) if isinstance(digits, str) else digits


def if_stated(text: str, value: str) -> str:
    """A value that the map states, where the text is there: for a column whose being filled says something.

    >>> if_stated("SNOMEDCT:254837009", "provisional")
    'provisional'
    """
    return value


def text_if(text: str, other: str | None, *written: str) -> str | None:
    """The text where another text is one of those *written*, and nothing elsewhere.

    >>> text_if("2024-01-15", "alive", "alive"), text_if("2024-01-15", None, "alive")
    ('2024-01-15', None)
    """
    return text if other is not None and other.strip() in written else None


def text_unless(text: str, other: str | None, *written: str) -> str | None:
    """The text where another text is none of those *written*, and nothing elsewhere.

    >>> text_unless("2024-01-15", "no", "no"), text_unless("2024-01-15", None, "no")
    (None, '2024-01-15')
    """
    return None if other is not None and other.strip() in written else text


_SEPARATORS = {"|": re.compile(r"(?<!\S)[|](?!\S)"), "line": re.compile(r"\r\n|\r|\n")}
SEPARATORS = tuple(_SEPARATORS)
"""How several values stand in one text: with a bar and spaces around it between them, or each on a line of its own."""


def parts_of(text: str, separator: str) -> list[str]:
    """The values that *text* holds, blank ones left out.

    >>> parts_of("NCIT:C1 | NCIT:C2", "|"), parts_of("x | | a|b |", "|"), parts_of("a | b\\nc", "line")
    (['NCIT:C1', 'NCIT:C2'], ['x', 'a|b'], ['a | b', 'c'])
    """
    return [part for found in _SEPARATORS[separator].split(text) if (part := found.strip())]


def read_words(text: str) -> str | None:
    """The text without the blanks around it."""
    return text.strip() or None


def read_days(text: str) -> str | Noted:
    """A whole number of days as an ISO 8601 duration.

    >>> read_days("14"), read_days("-3").rule
    ('P14D', 'source.duration')
    """
    match = _WHOLE.fullmatch(text.strip())
    if match is None:
        return rejected(
            "source.duration", "the value is no number of days", "write a whole number that is not negative"
        )
    return f"P{int(match[1])}D"


def choice(text: str, *choices: str) -> str | None:
    """The value that a choice stands for, nothing for other texts.

    >>> choice("4171756", "4171756=<", "4171754=<="), choice("0", "1=a")
    ('<', None)
    """
    values = {key: value for key, _, value in (pair.partition("=") for pair in choices)}
    return values.get(text.strip())


def read_age(text: str) -> str | Noted:
    """Completed years as an ISO 8601 duration.

    >>> read_age("42")
    'P42Y'
    """
    if _AGE.fullmatch(text.strip()) is None or int(text) > 130:
        return rejected("source.age", "the value is no age in completed years", "write a whole number from 0 to 130")
    return f"P{int(text)}Y"


def read_duration(text: str) -> str | Noted:
    """An ISO 8601 duration, as written.

    >>> read_duration("P10Y"), read_duration("P").rule
    ('P10Y', 'source.duration')
    """
    clean = text.strip()
    if clean in ("P", "PT") or clean.endswith("T") or _DURATION.fullmatch(clean) is None:
        return rejected("source.duration", "the value is no ISO 8601 duration", "write for example P10Y, P3M or P1Y6M")
    return clean


_AGE_TYPES = ("xsd:integer", "xsd:int", "xsd:nonNegativeInteger", "xsd:float", "xsd:decimal")


def typed_date(text: str, datatype: str | None) -> dict[str, str] | Noted | None:
    """*text* as a date where its XSD *datatype* says date or nothing; None where it says a number.

    >>> typed_date("1990-07-20", "xsd:date"), typed_date("12", "xsd:integer")
    ({'value': '1990-07-20', 'precision': 'day'}, None)
    """
    return None if datatype in _AGE_TYPES else read_date(text)


def typed_age(text: str, datatype: str | None) -> str | Noted | None:
    """*text* as an age in completed years where its XSD *datatype* says a number; else None.

    >>> typed_age("12", "xsd:integer"), typed_age("1990-07-20", "xsd:date")
    ('P12Y', None)
    """
    return read_age(text) if datatype in _AGE_TYPES else None


_GESTATION = re.compile(r"([0-9]{1,2})(?:[+]([0-6]))?")


def read_gestation(text: str) -> str | Noted:
    """Weeks and days of a pregnancy (`37+2`) as an ISO 8601 duration in days, which holds both exactly.

    Source: rare disease common data model 2.0, element 3.5 (XX+X).

    >>> read_gestation("37+2"), read_gestation("40"), read_gestation("37+9").rule
    ('P261D', 'P280D', 'source.duration')
    """
    match = _GESTATION.fullmatch(text.strip())
    if match is None:
        return rejected("source.duration", "the value is no length of gestation", "write weeks+days, for example 37+2")
    return f"P{int(match[1]) * 7 + int(match[2] or 0)}D"


def replace_text(text: str, old: str, new: str) -> str:
    """*text* with *old* replaced by *new*, for notations that a form writes its own way.

    >>> replace_text("8302_2", "_", "-")
    '8302-2'
    """
    return text.replace(old, new)


# --- numbers and texts ----------------------------------------------------------------------------------------------

_DECIMAL = re.compile(r"-?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?")


def read_decimal(text: str) -> str | Noted:
    """A decimal number with the digits that were written.

    >>> read_decimal("138.0"), read_decimal("1,5").rule
    ('138.0', 'source.number')
    """
    clean = text.strip()
    if len(clean) > 60 or _DECIMAL.fullmatch(clean) is None:
        return rejected("source.number", "the value is no decimal number", "write digits with a decimal point")
    return clean


_DECISIONS = {
    **dict.fromkeys(("true", "yes", "y", "1", "permit"), "permit"),
    **dict.fromkeys(("false", "no", "n", "0", "deny"), "deny"),
}


def read_decision(text: str) -> str | Noted:
    """`permit` or `deny`. A word that is neither is no consent: the caller must not take it for one.

    >>> read_decision(" False "), read_decision("perhaps").rule
    ('deny', 'source.decision')
    """
    decision = _DECISIONS.get(text.strip().casefold())
    if decision is None:
        return rejected("source.decision", "the value says neither yes nor no", "write true or false")
    return decision


# --- HGVS -----------------------------------------------------------------------------------------------------------

# A change holds a digit or one of = ? 0; a word such as a name holds none and is no HGVS.
HGVS = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)(?:\(([A-Za-z0-9_-]+)\))?:([cgmnopr])[.]([^\s0-9=?]*[0-9=?]\S*)")


def read_hgvs(text: str) -> str | None:
    """*text* where it is an HGVS description (reference, level, change), else None. The change itself is not checked.

    Source: HGVS nomenclature, https://hgvs-nomenclature.org/stable/.

    >>> read_hgvs("NM_000341.3(SLC3A1):c.-82T>G"), read_hgvs("601556")
    ('NM_000341.3(SLC3A1):c.-82T>G', None)
    """
    return text.strip() if HGVS.fullmatch(text.strip()) else None


def hgvs_level(text: str) -> str | None:
    """The level letter of an HGVS description.

    >>> hgvs_level("NM_000341.3(SLC3A1):c.-82T>G")
    'c'
    """
    match = HGVS.fullmatch(text.strip())
    return match.group(3) if match else None


_ACCESSION = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9_.:()>*=+/;,|\[\]-]{1,79}")


def accession(text: str) -> str | Noted | None:
    """*text* where it is an accession number or another notation of a variant, None where it is HGVS (another slot takes it).

    Words are rejected: free text of a person may name persons and is never carried.

    >>> accession("rs137854480"), accession("NM_000341.3:c.1A>G"), accession("as in the letter").rule
    ('rs137854480', None, 'source.free-text')
    """
    clean = text.strip()
    if HGVS.fullmatch(clean):
        return None
    if _ACCESSION.fullmatch(clean):
        return clean
    message = "the value is neither HGVS nor an accession; free text is never carried"
    return rejected("source.free-text", message, "write HGVS, or the accession number alone", Severity.WARNING)
