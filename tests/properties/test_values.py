"""Laws of the parsers of values: never more precision than given, digits kept, codes unchanged."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import orjson
from hypothesis import given
from hypothesis import strategies as st

from harmonize.findings import Outcome
from harmonize.profiles.notes import Noted
from harmonize.profiles.text_values import (
    accession,
    read_age,
    read_date,
    read_decimal,
    read_duration,
    read_hgvs,
    read_year,
)
from harmonize.terminology.notation import Code, NotACode, load_systems
from harmonize.writers.fhir.datatypes import age, number

DAYS = st.dates(min_value=dt.date(1000, 1, 1)).map(dt.date.isoformat)
MONTHS = DAYS.map(lambda text: text[:7])
YEARS = DAYS.map(lambda text: text[:4])
SYSTEMS = load_systems()


@given(text=st.one_of(DAYS, MONTHS, YEARS))
def test_a_date_keeps_its_precision(text: str) -> None:
    found = read_date(text)
    assert found == {"value": text, "precision": {10: "day", 7: "month", 4: "year"}[len(text)]}


@given(text=st.text(max_size=30))
def test_any_text_is_a_date_or_rejected_without_being_quoted(text: str) -> None:
    found = read_date(text)
    if isinstance(found, Noted):
        assert found.outcome in (Outcome.REJECTED, Outcome.COARSENED)
        assert len(text.strip()) < 4 or text.strip() not in found.message
    else:
        assert text.strip().startswith(found["value"])


@given(year=st.integers(0, 99), month=st.integers(1, 12), day=st.integers(29, 99))
def test_days_that_no_calendar_has_are_rejected(year: int, month: int, day: int) -> None:
    try:
        dt.date(1900 + year, month, day)
    except ValueError:
        assert isinstance(read_date(f"{1900 + year}-{month:02d}-{day:02d}"), Noted)


@given(digits=st.from_regex(r"-?[0-9]{1,30}([.][0-9]{1,30})?", fullmatch=True))
def test_a_decimal_keeps_its_digits(digits: str) -> None:
    assert read_decimal(digits) == digits
    written = orjson.dumps(number(digits)).decode()
    assert Decimal(written) == Decimal(digits)
    assert written.partition(".")[2] == digits.partition(".")[2]
    orjson.loads(written)


@given(text=st.text(max_size=20))
def test_any_text_is_a_number_or_rejected(text: str) -> None:
    for read in (read_decimal, read_year, read_age, read_duration):
        found = read(text)
        assert found is not None
        if isinstance(found, Noted):
            assert found.value is None and found.outcome is Outcome.REJECTED


@given(years=st.integers(0, 130), months=st.integers(0, 11), days=st.integers(0, 30))
def test_an_age_never_grows(years: int, months: int, days: int) -> None:
    parts = [f"{years}Y"] * bool(years) + [f"{months}M"] * bool(months) + [f"{days}D"] * bool(days)
    if not parts:
        return
    made = age("P" + "".join(parts))
    assert made is not None
    quantity, loses = made
    in_days = {"a": 365, "mo": 30, "wk": 7, "d": 1}[quantity["code"]] * quantity["value"]
    assert in_days <= years * 366 + months * 31 + days
    assert loses == bool(days and (years or months))


@given(text=st.text(max_size=60))
def test_a_notation_is_hgvs_or_an_accession_or_rejected(text: str) -> None:
    if text.strip():
        assert (read_hgvs(text) is None) != (accession(text) is None)
        assert " " not in str(accession(text) if isinstance(accession(text), str) else "")


@given(system=st.sampled_from(sorted(SYSTEMS)), data=st.data())
def test_a_code_is_read_back_from_its_curie(system: str, data: st.DataObject) -> None:
    local = data.draw(
        st.from_regex(SYSTEMS[system].pattern, fullmatch=True).filter(lambda t: t.isascii() and len(t) < 40)
    )
    parsed = SYSTEMS.parse(f"{system}:{local}", system)
    if isinstance(parsed, Code):
        assert SYSTEMS.parse(str(parsed), system) == parsed
        assert str(parsed).startswith(f"{system}:")


@given(text=st.text(max_size=600), system=st.sampled_from(sorted(SYSTEMS)))
def test_any_text_is_a_code_or_a_reason(text: str, system: str) -> None:
    assert isinstance(SYSTEMS.parse(text, system), Code | NotACode)
    assert isinstance(SYSTEMS.parse_iri(text, (system,)), Code | NotACode)
