"""Laws of dates, ages and durations: never more precision than given, real calendar days only, the written text kept."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmonize.findings import Outcome
from harmonize.profiles.notes import Noted
from harmonize.profiles.text_values import (
    read_age,
    read_date,
    read_duration,
    read_year,
    typed_age,
    typed_date,
)
from harmonize.writers.fhir.datatypes import age
from tests.properties.effort import examples
from tests.properties.texts import any_text, shuffled_pieces

PRECISIONS = {4: "year", 7: "month", 10: "day"}
NUMBER_TYPES = ("xsd:integer", "xsd:int", "xsd:nonNegativeInteger", "xsd:float", "xsd:decimal")

# --- the traps ------------------------------------------------------------------------------------------------------


class Trap(NamedTuple):
    """A text in a column of dates and what is made of it: the kept date, None where it is rejected."""

    text: str
    kept: str | None
    cut: bool = False
    """Whether a time of day was cut off, which is said."""


TRAPS = (
    # whole and partial dates
    Trap("1985-09-10", "1985-09-10"), Trap("1985-09", "1985-09"), Trap("1985", "1985"), Trap("0001-01-01", "0001-01-01"),
    Trap("9999-12-31", "9999-12-31"), Trap("9999", "9999"), Trap("1582-10-10", "1582-10-10"),
    # zeros that stand for what is not known: never a date, never rounded to one
    Trap("0000-00-00", None), Trap("0000", None), Trap("0000-01-01", None), Trap("1980-00-00", None), Trap("1980-00", None), Trap("1980-05-00", None),
    Trap("00.00.1980", None), Trap("00/00/1980", None), Trap("1980-XX-XX", None), Trap("1980-??", None), Trap("19XX", None), Trap("198", None),
    # days and months that no calendar has
    Trap("2001-02-29", None), Trap("2000-02-29", "2000-02-29"), Trap("1900-02-29", None), Trap("2024-02-29", "2024-02-29"), Trap("2001-02-31", None),
    Trap("2001-04-31", None), Trap("2001-13-01", None), Trap("2001-13", None), Trap("2001-12-32", None), Trap("31.02.2001", None),
    # orders of day, month and year that only their country can read
    Trap("10.09.1985", None), Trap("10.9.85", None), Trap("09/10/1985", None), Trap("10/09/1985", None), Trap("1985/09/10", None), Trap("10-09-1985", None),
    Trap("1985-10-9", None), Trap("1985-9", None), Trap("85-09-10", None), Trap("85", None), Trap("10 Sep 1985", None), Trap("September 1985", None),
    # other forms of ISO 8601 and of programs
    Trap("19850910", None), Trap("198509", None), Trap("1985-W37-2", None), Trap("1985W372", None), Trap("1985-W37", None), Trap("1985-253", None),
    Trap("1985253", None), Trap("--09-10", None), Trap("+1985-09-10", None), Trap("-1985-09-10", None), Trap("-0044-03-15", None), Trap("+12345-01-01", None),
    Trap("12345-01-01", None), Trap("31299", None), Trap("31299.5", None), Trap("495158400", None), Trap("1985-09-10/1985-09-12", None), Trap("1985..1986", None),
    Trap("1985-09-10~", None), Trap("1985~", None), Trap("198u", None),
    # time of day, zones, daylight saving, leap second: the day is kept as written, the time is cut off and said
    Trap("1985-09-10T00:00:00", "1985-09-10", True), Trap("1985-09-10T23:59:60Z", "1985-09-10", True), Trap("2016-12-31T23:59:60Z", "2016-12-31", True),
    Trap("2024-03-31T02:30:00+01:00", "2024-03-31", True), Trap("2024-10-27T02:30:00", "2024-10-27", True), Trap("1985-09-10T00:30:00+14:00", "1985-09-10", True),
    Trap("1985-09-10T23:30:00-12:00", "1985-09-10", True), Trap("1985-09-10T12:00:00.000Z", "1985-09-10", True), Trap("1985-09-10T24:00:00", "1985-09-10", True),
    Trap("1985-09-10T12:00", "1985-09-10", True), Trap("1985-09-10T12", "1985-09-10", True), Trap("1985-09-10T12:00:00+0200", "1985-09-10", True),
    Trap("1985-09-10T", None), Trap("1985-09-10T25:00:00", None), Trap("1985-09-10T12:60:00", None), Trap("1985-09-10T12:00:61", None),
    Trap("1985-09-10T::::", None), Trap("1985-09-10T...", None), Trap("1985-09-10T12:00:00+99:99", None), Trap("1985-09-10T12:00:00Europe/Berlin", None),
    Trap("1985-09T12:00", None), Trap("1985T12:00", None), Trap("1985-09-10 12:00:00", None), Trap("1985-09-10Z", None), Trap("2001-02-29T12:00:00", None),
    # digits that are none of ASCII, blanks, signs, what programs add
    Trap("١٩٨٥-٠٩-١٠", None), Trap("１９８５-０９-１０", None), Trap("१९८५", None), Trap("1985‐09‐10", None), Trap("1985–09–10", None), Trap("1985−09−10", None),
    Trap(" 1985-09-10 ", "1985-09-10"), Trap("1985-09-10\n", "1985-09-10"), Trap("\u00a01985-09\u00a0", "1985-09"), Trap("\ufeff1985-09-10", None),
    Trap("1985 - 09 - 10", None), Trap("1985-09-10\n1986", None), Trap("'1985-09-10", None), Trap('"1985-09-10"', None), Trap("=1985-09-10", None),
    Trap("1985-09-10.0", None), Trap("1985.0", None), Trap("1.985E3", None), Trap("", None), Trap(" ", None), Trap("-", None), Trap("NaT", None), Trap("null", None),
    Trap("unknown", None), Trap("today", None), Trap("1985-09-10\x00", None), Trap("1985-09-1０", None), Trap("1985-09-10" * 1000, None),
)  # fmt: skip


def found(answer: Any) -> tuple[str | None, bool]:
    """(kept date, whether a time was cut off) of what a reader answers."""
    value = answer.value if isinstance(answer, Noted) else answer
    return (value["value"] if value else None), isinstance(answer, Noted) and answer.rule == "source.time-of-day"


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: ascii(trap.text[:30]))
def test_traps_of_dates(trap: Trap) -> None:
    assert found(read_date(trap.text)) == (trap.kept, trap.cut)
    assert found(typed_date(trap.text, None)) == found(typed_date(trap.text, "xsd:date")) == (trap.kept, trap.cut)
    of_year = trap.kept if trap.kept is not None and len(trap.kept) == 4 else None
    assert found(read_year(trap.text)) == (of_year, False)
    assert all(typed_date(trap.text, datatype) is None for datatype in NUMBER_TYPES)


# --- laws of dates --------------------------------------------------------------------------------------------------

DATES = st.dates(min_value=dt.date(1, 1, 1)).map(dt.date.isoformat)
TIMES = st.times(timezones=st.none() | st.just(dt.UTC) | st.just(dt.timezone(dt.timedelta(hours=-9, minutes=-30))))
NEARLY_DATES = st.one_of(
    st.from_regex(r"[0-9]{3,5}[-./ ]?[0-9]{0,3}[-./]?[0-9]{0,3}", fullmatch=True),
    st.from_regex(r"(19|20)[0-9]{2}-[0-9]{2}(-[0-9]{2}(T[0-9:.Z+-]{0,14})?)?", fullmatch=True),
    shuffled_pieces(("1985", "09", "10", "00", "31", "02", "29", "-", ".", "/", "T", "12:30", ":60", "Z", " ", "W37")),
    DATES,
    st.tuples(DATES, TIMES).map(lambda both: f"{both[0]}T{both[1].isoformat()}"),
)


def calendar_parts(text: str) -> tuple[int, ...] | None:
    """Year, month and day of a partial date, by the calendar of the standard library and without `datetime`."""
    parts = text.split("-")
    widths = [len(part) for part in parts]
    if widths != [4, 2, 2][: len(parts)] or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    year, month, day = (*map(int, parts), 1, 1)[:3]
    in_calendar = 1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(max(year, 1), month)[1]
    return tuple(map(int, parts)) if in_calendar else None


@examples(1200)
@given(text=st.one_of(NEARLY_DATES, any_text(30)))
def test_a_date_is_a_prefix_of_its_text_and_in_the_calendar(text: str) -> None:
    for read in (read_date, lambda t: typed_date(t, "xsd:date"), read_year):
        answer = read(text)
        value, cut = found(answer)
        if value is None:
            assert isinstance(answer, Noted) and answer.outcome is Outcome.REJECTED and answer.fix
            assert answer.message == read("?").message, "a message says nothing of the text"
            continue
        clean = text.strip()
        assert clean.startswith(value) and calendar_parts(value) is not None
        assert read(value) == {"value": value, "precision": PRECISIONS[len(value)]}, "reading twice changes nothing"
        assert (clean[len(value) :] == "") is not cut, "what is cut off is said, and nothing else is cut off"
    if calendar_parts(text) is not None:
        assert found(read_date(text)) == (text, False), "what is a partial date is read as one"


@examples(300)
@given(day=DATES, time=TIMES)
def test_a_time_of_day_never_moves_the_day(day: str, time: dt.time) -> None:
    assert found(read_date(f"{day}T{time.isoformat()}")) == (day, True)


# --- ages and durations ---------------------------------------------------------------------------------------------

AGES = (
    ("0", "P0Y"), ("42", "P42Y"), ("042", "P42Y"), ("130", "P130Y"), (" 7 ", "P7Y"), ("007", "P7Y"),
    ("131", None), ("999", None), ("-1", None), ("+1", None), ("12.0", None), ("12.5", None), ("12,5", None), ("1e1", None), ("", None), (" ", None),
    ("P12Y", None), ("12 years", None), ("12y", None), ("٤٢", None), ("４２", None), ("½", None), ("1 2", None), ("0x10", None), ("1_0", None), ("IV", None),
)  # fmt: skip
DURATIONS = (
    ("P10Y", "P10Y"), ("P3M", "P3M"), ("P1Y6M", "P1Y6M"), ("P1Y6M3D", "P1Y6M3D"), ("P4W", "P4W"), ("P0D", "P0D"), ("P0Y", "P0Y"), ("PT1H", "PT1H"),
    ("PT36H", "PT36H"), ("PT1.5S", "PT1.5S"), ("P1DT12H", "P1DT12H"), (" P1Y ", "P1Y"), ("P013Y", "P013Y"), ("P18M", "P18M"),
    ("P", None), ("PT", None), ("P1YT", None), ("", None), ("-P1Y", None), ("+P1Y", None), ("P-1Y", None), ("P1.5Y", None), ("P1,5Y", None), ("P0.5M", None),
    ("PT1,5S", None), ("PT1.S", None), ("PT.5S", None), ("P1M1Y", None), ("P1D1M", None), ("P1W2D", None), ("P1Y2W", None), ("1Y", None), ("p1y", None), ("P1y", None),
    ("P1S", None), ("PT1Y", None), ("P1H", None), ("P0001-06-00", None), ("P1Y/P2Y", None), ("P1 Y", None), ("P١Y", None), ("P１Y", None), ("P1Y\nP2Y", None),
    ("R5/P1Y", None), ("10Y6M", None), ("10", None), ("PY", None), ("PTS", None), ("P1Y1Y", None), ("P∞Y", None),
)  # fmt: skip
PARTS = st.lists(st.none() | st.integers(0, 10**6), min_size=6, max_size=6).filter(
    lambda p: any(x is not None for x in p)
)


@pytest.mark.parametrize(
    ("read", "text", "kept"), [*((read_age, *a) for a in AGES), *((read_duration, *d) for d in DURATIONS)]
)
def test_traps_of_ages_and_durations(read: Callable[[str], Any], text: str, kept: str | None) -> None:
    answer = read(text)
    assert (answer.value if isinstance(answer, Noted) else answer) == kept
    assert kept is None or read_duration(kept) == kept
    if read is read_age:
        assert all(typed_age(text, datatype) == answer for datatype in NUMBER_TYPES)
    assert typed_age(text, "xsd:date") is None and typed_age(text, None) is None


def duration_of(parts: list[int | None]) -> str:
    """An ISO 8601 duration of years, months, days, hours, minutes, seconds."""
    texts = ["" if part is None else f"{part}{unit}" for part, unit in zip(parts, "YMDHMS", strict=True)]
    time = "".join(texts[3:])
    return f"P{''.join(texts[:3])}{'T' if time else ''}{time}"


@examples(400)
@given(parts=PARTS)
def test_a_duration_is_kept_as_written_and_an_age_never_grows(parts: list[int | None]) -> None:
    text = duration_of(parts)
    assert read_duration(text) == text == read_duration(f" {text}\n")
    years, months, days = (part or 0 for part in parts[:3])
    made = age(text)
    if any(part is not None for part in parts[3:]):
        assert made is None, "an age has no time of day"
        return
    assert made is not None
    quantity, loses = made
    at_least = {"a": 365, "mo": 28, "wk": 7, "d": 1}[quantity["code"]] * quantity["value"]
    assert at_least <= years * 366 + months * 31 + days
    assert loses == bool(days and (years or months))
    if not loses:
        assert (quantity["code"] == "d" and quantity["value"] == days) or quantity["value"] in (
            years,
            years * 12 + months,
        )


@examples(700)
@given(
    text=st.one_of(
        shuffled_pieces(("P", "T", "1", "0", "12", "Y", "M", "W", "D", "H", "S", ".", "-", " ", "9" * 25)), any_text(20)
    )
)
@example(text="P99999999999999999999Y")
def test_any_text_is_an_age_or_a_duration_or_rejected(text: str) -> None:
    for read in (read_age, read_duration):
        answer = read(text)
        if isinstance(answer, Noted):
            assert answer.value is None and answer.outcome is Outcome.REJECTED and answer.fix
            assert answer.message == read("?").message
        else:
            assert re.fullmatch(r"P[0-9YMWDTHS.]+", answer) and read_duration(answer) == answer
            made = age(answer)
            assert made is None or 0 <= made[0]["value"] < 2**53, "a number that every reader of JSON can hold"
