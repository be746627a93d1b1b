"""Concept ids as coded values: with a CONCEPT table, with gaps in it, without one; never a stop, never a person's number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harmonize.convert import make_environment
from harmonize.findings import Outcome, Severity
from harmonize.profiles.coded_values import Environment
from harmonize.profiles.functions import FUNCTIONS
from harmonize.profiles.loading import load_profile
from harmonize.profiles.notes import Noted
from harmonize.terminology.concept_table import ConceptTable, build_reference
from tests.registry import KEY

ROWS = [
    ("320128", "59621000", "SNOMED", "essential hypertension", ""),
    ("35207668", "I10", "ICD10CM", "hypertension of the CDM", ""),
    ("1", "Z99.99", "ICD10CM", "code of another edition", ""),
    ("2", "no code", "LOINC", "not written as LOINC does", ""),
    ("32817", "OMOP4976890", "Type Concept", "EHR", ""),
    ("8840", "mg/dL", "UCUM", "milligram per decilitre", ""),
    ("9", "furlongs!", "UCUM", "no unit", ""),
    ("2000000102", "D-9", "Site drugs", "withdrawn drug", "D"),
    ("3", "19073094", "RxNorm Extension", "", ""),
]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    made = make_environment(load_profile("eu/ern-cde"), KEY, "test")
    build_reference(ROWS, tmp_path / "concept.sqlite")
    made.concepts = ConceptTable(tmp_path / "concept.sqlite")
    return made


def call(environment: Environment, name: str, *arguments: str | None) -> Any:
    return FUNCTIONS[name].make(environment)(*arguments)


def only(value: Any) -> dict[str, Any]:
    (coding,) = value["codings"]
    return dict(coding)


@pytest.mark.parametrize(
    ("text", "code", "label"),
    [
        ("320128", "SNOMEDCT:59621000", "essential hypertension"),  # the name of the CDM: nothing better is installed
        ("320128.0", "SNOMEDCT:59621000", "essential hypertension"),
        ("35207668", "ICD10CM:I10", "Essential (primary) hypertension"),  # the installed label
        ("1", "ICD10CM:Z99.99", "code of another edition"),
        ("2", "OMOP:2", "not written as LOINC does"),
        ("32817", "OMOP:32817", "EHR"),
        ("2000000102", "OMOP:2000000102", "withdrawn drug"),
        ("3", "OMOP:3", None),
        ("4", "OMOP:4", None),
    ],
)
def test_a_concept_is_the_code_of_its_vocabulary(environment: Environment, text: str, code: str, label: str) -> None:
    coding = only(call(environment, "concept", text))
    assert (coding["code"], coding.get("label"), coding["origin"]) == (code, label, "stated")
    assert coding["system"] == code.partition(":")[0]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("4", ("terms.no-concept", "OMOP:4")),
        ("1", ("terms.unknown", "ICD10CM:Z99.99")),
        ("2000000102", ("terms.obsolete", "OMOP:2000000102")),
    ],
)
def test_what_is_wrong_with_a_concept_is_said_once_per_run(
    environment: Environment, text: str, note: tuple[str, str]
) -> None:
    call(environment, "concept", text)
    call(environment, "concepts", text, None)
    assert environment.run_notes[note].severity is Severity.WARNING
    assert [key for key in environment.run_notes if key[0] == note[0]] == [note]


def test_without_a_table_concept_ids_are_carried(environment: Environment) -> None:
    environment.concepts = None
    assert only(call(environment, "concept", "320128")) == {"system": "OMOP", "code": "OMOP:320128", "origin": "stated"}
    assert list(environment.run_notes) == [("terms.not-checked", "OMOP")]


@pytest.mark.parametrize("text", ["I10", "", "-1", "3.5", "2147483648", "99999999999", "１２"])
def test_what_is_no_concept_id_is_rejected_and_not_quoted(environment: Environment, text: str) -> None:
    for answer in (call(environment, "concept", text), call(environment, "concepts", text, None)):
        assert isinstance(answer, Noted) and answer.rule == "source.code" and answer.value is None
        assert not text or text not in answer.message
    assert not environment.run_notes


@pytest.mark.parametrize("text", ["0", "0.0", " 0 "])
def test_concept_zero_says_that_nothing_maps(environment: Environment, text: str) -> None:
    answer = call(environment, "concept", text)
    assert answer.value == {"null_flavor": "OTH"}
    assert (answer.rule, answer.outcome) == ("terms.unmapped", Outcome.UNMAPPED)
    assert call(environment, "concepts", text, "0") == call(environment, "concepts", text, None) == answer


def test_the_concept_of_the_source_stands_beside_the_standard_one(environment: Environment) -> None:
    standard, source = call(environment, "concepts", "320128", "35207668")["codings"]
    assert standard["code"] == "SNOMEDCT:59621000" and source["code"] == "ICD10CM:I10"
    assert (standard["origin"], source["origin"]) == ("mapped", "stated")
    assert standard["mapping_set"] == "OMOP standard concept" and "mapping_set" not in source
    for other in ("320128", "320128.0", "0", None):
        assert only(call(environment, "concepts", "320128", other))["origin"] == "stated"


def test_where_one_of_two_columns_is_of_no_use_the_other_stands(environment: Environment) -> None:
    zero = call(environment, "concepts", "0", "35207668")
    assert only(zero.value)["code"] == "ICD10CM:I10" and zero.outcome is Outcome.CARRIED
    assert only(call(environment, "concepts", None, "35207668"))["code"] == "ICD10CM:I10"
    assert call(environment, "concepts", None, None) is None
    for pair in (("320128", "I10"), ("I10", "320128")):
        answer = call(environment, "concepts", *pair)
        assert only(answer.value)["code"] == "SNOMEDCT:59621000"
        assert (answer.rule, answer.outcome) == ("source.code", Outcome.COARSENED)


def test_units(environment: Environment) -> None:
    assert call(environment, "ucum", "8840") == "mg/dL"
    for other in ("9", "320128", "4", "0", "kg"):
        assert call(environment, "ucum", other) is None


def test_the_same_ids_give_the_identical_object(environment: Environment) -> None:
    concepts = FUNCTIONS["concepts"].make(environment)
    assert concepts("320128", "35207668") is concepts("320128", "35207668")


@pytest.mark.parametrize(
    ("parts", "value"),
    [
        (("1998", "4", "9"), "1998-04-09"),
        (("1998.0", "04", "9.0"), "1998-04-09"),
        (("1998", "12", None), "1998-12"),
        (("1998", None, None), "1998"),
        ((None, None, None), None),
        (("1998", None, "9"), "source.date"),
        ((None, "4", "9"), "source.date"),
        (("1998", "13", None), "source.date"),
        (("98", "1", "1"), "source.date"),
        (("1998", "2", "30"), "source.date"),
        (("MCM", None, None), "source.date"),
        (("10000", None, None), "source.date"),
    ],
)
def test_dates_of_parts(environment: Environment, parts: tuple[str | None, ...], value: str | None) -> None:
    answer = call(environment, "date_of_parts", *parts)
    if isinstance(answer, Noted):
        assert answer.rule == value
    else:
        assert (answer or {}).get("value") == value


def test_choices(environment: Environment) -> None:
    assert call(environment, "choice", " 32528 ", "32528=disease") == "disease"
    assert call(environment, "choice", "1", "32528=disease") is None
    assert only(call(environment, "chosen_if", "9201", "ACTCODE", "9201=IMP"))["code"] == "ACTCODE:IMP"
    assert call(environment, "chosen_if", "1", "ACTCODE", "9201=IMP") is None
    assert (call(environment, "days", "14.0"), call(environment, "whole", "02")) == ("P14D", "2")
    assert call(environment, "days", "x").rule == "source.duration"
