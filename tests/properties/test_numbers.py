"""Laws of numbers: the written digits are kept, or a finding says what was lost; nothing a person can write crashes."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from math import isinf
from typing import Any

import orjson
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import example, given
from hypothesis import strategies as st
from phenopackets.schema.v2.phenopackets_pb2 import Phenopacket

from harmonize.findings import Outcome
from harmonize.hub import hub_schema
from harmonize.profiles.notes import Noted
from harmonize.profiles.text_values import read_decimal, read_decision
from harmonize.writers.fhir.datatypes import number
from tests.properties.effort import examples
from tests.properties.texts import any_text, shuffled_pieces
from tests.properties.written import write

NUMBERS = (
    # kept with the digits that were written
    ("0", "0"), ("-0", "-0"), ("0.0", "0.0"), ("-0.00", "-0.00"), ("1", "1"), ("72.50", "72.50"), ("007.0", "007.0"), ("-007", "-007"), ("000", "000"),
    ("1e-300", "1e-300"), ("1E+300", "1E+300"), ("1e400", "1e400"), ("1e-400", "1e-400"), ("0.1", "0.1"), ("0.30000000000000004", "0.30000000000000004"),
    ("123456789012345678901234567890", "123456789012345678901234567890"), ("9007199254740993", "9007199254740993"), (" 5 ", "5"), ("5\n", "5"),
    ("1e99999999999999999999", "1e99999999999999999999"), ("0e99999999999999999999", "0e99999999999999999999"), ("1e007", "1e007"),
    # never guessed
    ("1,5", None), ("1.234,5", None), ("1,234.5", None), ("1 234", None), ("1\u00a0234", None), ("1'234", None), ("1_234", None), ("1.", None), (".5", None),
    ("+5", None), ("--5", None), ("5-", None), ("- 5", None), ("−5", None), ("1.2.3", None), ("1e", None), ("1e5.5", None), ("e5", None), ("0x1F", None), ("0b1", None),
    ("1/2", None), ("½", None), ("²", None), ("٣", None), ("５", None), ("5٫3", None), ("१", None), ("IV", None), ("5%", None), ("5 mg", None), ("<5", None), (">=5", None),
    ("~5", None), ("5-7", None), ("5±1", None), ("(5)", None), ("$5", None), ("NaN", None), ("nan", None), ("inf", None), ("Infinity", None), ("-inf", None),
    ("null", None), ("None", None), ("true", None), ("", None), (" ", None), ("-", None), (".", None), ("1\n2", None), ("1\x00", None), ("=5", None), ("'5", None),
    ("1" * 61, None),
)  # fmt: skip


@pytest.mark.parametrize(("text", "kept"), NUMBERS, ids=lambda value: ascii(value)[:30])
def test_traps_of_numbers(text: str, kept: str | None) -> None:
    answer = read_decimal(text)
    assert (answer.value if isinstance(answer, Noted) else answer) == kept
    if kept is not None:
        assert_no_digit_is_lost(kept)


def written(sign: str, whole: int, zeros: int, fraction: str, exponent: str) -> str:
    """A decimal number as somebody may write it."""
    return f"{sign}{'0' * zeros}{whole}{fraction}{exponent}"


FRACTIONS = st.just("") | st.tuples(st.integers(0, 3), st.integers(0, 10**20)).map(lambda f: f".{'0' * f[0]}{f[1]}")
EXPONENTS = st.just("") | st.tuples(
    st.sampled_from(("e", "E", "e+", "E-", "e-", "e00")), st.integers(0, 400) | st.integers(0, 10**25)
).map(lambda e: f"{e[0]}{e[1]}")
DIGITS = st.one_of(
    st.builds(written, st.sampled_from(("", "-")), st.integers(0, 10**25), st.integers(0, 3), FRACTIONS, EXPONENTS),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


def of_number(target: str, digits: str) -> tuple[Any, list[tuple[str, Outcome]]]:
    """What a target makes of a measurement of *digits* mg, its numbers as the texts that were written; and the losses."""
    measured = {
        "assay": {"codings": [{"system": "LOINC", "code": "LOINC:2160-0", "origin": "stated"}]},
        "value": {"value": digits, "unit": "mg"},
    }
    record = {"schema_version": hub_schema().version, "subject_id": "s", "measurements": [measured]}
    documents, log = write(target, record)
    document = next(d for d in documents if d.stem in ("Observation", "phenopackets"))
    orjson.loads(document.line)
    plain = json.loads(document.line, parse_float=str, parse_int=str)
    losses = [(loss.slot, loss.outcome) for loss in log.losses if loss.slot == "value" or target == "fhir-r4"]
    return (plain.get("valueQuantity") if target == "fhir-r4" else plain.get("measurements")), losses


def exactly(digits: str) -> Decimal | None:
    """The number, or None where its exponent is larger than Decimal takes."""
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


def assert_no_digit_is_lost(digits: str) -> None:
    """The law of numbers for both targets."""
    sign, plain = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    quantity, losses = of_number("fhir-r4", digits)
    if losses:
        assert losses == [("*", Outcome.DROPPED)] and float(digits) in (float("inf"), float("-inf"))
        assert quantity is None
    else:
        written = quantity["value"]
        assert plain.endswith(written.removeprefix("-")) and written.startswith(sign)
        assert set(plain.removesuffix(written.removeprefix("-"))) <= {"0"}, "only leading zeros are left out"
        assert exactly(written) == exactly(digits)
    measurements, losses = of_number("phenopackets", digits)
    if measurements is None:
        assert ("value", Outcome.DROPPED) in losses and float(digits) in (float("inf"), float("-inf"))
        return
    written = measurements[0]["value"]["quantity"].get("value", "0")
    assert float(written) == float(digits), "the double that is nearest"
    exact = exactly(digits)
    assert (losses == [("value", Outcome.COARSENED)]) == (exact is None or exactly(written) != exact)


@examples(800)
@given(digits=DIGITS)
@example(digits="1e99999999999999999999")
@example(digits="-1e-99999999999999999999")
def test_no_digit_is_lost_without_a_word(digits: str) -> None:
    answer = read_decimal(digits)
    assert answer == digits if len(digits) <= 60 else isinstance(answer, Noted)
    assert_no_digit_is_lost(digits)


@examples(1200)
@given(digits=DIGITS)
def test_a_json_number_has_the_digits_that_were_read(digits: str) -> None:
    written = number(digits)
    if written is None:
        assert isinf(float(digits)), "past all doubles"
        return
    assert exactly(written) == exactly(digits)
    assert written.partition(".")[1:] == digits.partition(".")[1:]
    assert json.loads(written, parse_float=str, parse_int=str) == written, "JSON takes it as a number"


@examples(150)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_protobuf_gives_every_double_back(value: float) -> None:
    measurements, losses = of_number("phenopackets", repr(value))
    assert not losses
    packet = {"measurements": json.loads(json.dumps(measurements))}
    quantity = packet["measurements"][0]["value"]["quantity"]
    quantity.update({"value": float(quantity["value"])} if "value" in quantity else {})
    assert MessageToDict(ParseDict(packet, Phenopacket())) == packet


@examples(1200)
@given(text=st.one_of(shuffled_pieces(("1", "0", "9" * 12, ".", ",", "-", "+", "e", "E", " ", "٣", "_")), any_text(20)))
def test_any_text_is_a_number_or_rejected(text: str) -> None:
    answer = read_decimal(text)
    if isinstance(answer, Noted):
        assert answer.value is None and answer.outcome is Outcome.REJECTED
        assert answer.message == read_decimal("?").message, "a message says nothing of the text"
    else:
        assert answer == text.strip() and answer.isascii() and read_decimal(answer) == answer
        float(answer)


@examples(400)
@given(
    text=st.one_of(
        any_text(10),
        st.sampled_from(["true", "Yes", " NO ", "0", "1", "permit", "deny", "maybe", "nein", "ｙｅｓ", "ﬀ"]),
    )
)
def test_a_decision_is_never_guessed(text: str) -> None:
    answer = read_decision(text)
    if isinstance(answer, Noted):
        assert answer.value is None and answer.outcome is Outcome.REJECTED
    else:
        words = {"permit": ("true", "yes", "y", "1", "permit"), "deny": ("false", "no", "n", "0", "deny")}
        assert text.strip().casefold() in words[answer]
