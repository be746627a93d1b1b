"""What the shipped data sets ask of a record, where a condition, a selection or an alternative decides it."""

from __future__ import annotations

from typing import Any

import pytest

from harmonize.datasets.grading import Grader
from harmonize.datasets.specification import load_dataset


def coded(*codes: str, **more: str) -> dict[str, Any]:
    return {"codings": [{"system": c.partition(":")[0], "code": c, "origin": "stated"} for c in codes], **more}


def day(text: str) -> dict[str, str]:
    return {"value": text, "precision": {4: "year", 7: "month", 10: "day"}[len(text)]}


def words(dataset: str, record: dict[str, Any]) -> dict[str, str]:
    """The word that each item has for one record, by the part of its id behind the prefix."""
    grader = Grader(load_dataset(dataset))
    return {item.id.partition(":")[2]: word for item, word in grader.statuses(grader.grade(record))}


FILLED, MISSING, NOT_ASKED, INVALID = "filled", "missing", "not_applicable", "invalid"
NORMAL = {"origin": "normal_blood"}


@pytest.mark.parametrize(
    ("sample", "presence", "matching", "of_a_primary"),
    [
        ({}, MISSING, NOT_ASKED, NOT_ASKED),
        ({"matching_samples_exist": False}, FILLED, NOT_ASKED, NOT_ASKED),
        ({"matching_samples_exist": True}, FILLED, MISSING, NOT_ASKED),
        ({"matching_samples_exist": True, "relations": [{"related_samples": ["b"]}]}, FILLED, FILLED, NOT_ASKED),
    ],
)
def test_a_block_of_samples_binds_where_it_is(
    sample: dict[str, Any], presence: str, matching: str, of_a_primary: str
) -> None:
    answers = words("mdc", {"samples": [{**NORMAL, **sample}]})
    assert (answers["59"], answers["60"], answers["30"]) == (presence, matching, of_a_primary)


def test_what_every_cancer_record_has() -> None:
    answers = words("mdc", {})
    assert [number for number, word in answers.items() if word == MISSING and int(number) in range(73, 78)] == [
        "73", "74", "75", "76", "77"
    ]  # fmt: skip
    assert {answers[number] for number in ("1", "14", "19", "22")} == {MISSING}
    assert {answers[number] for number in ("17", "28", "78", "86", "89", "133", "138")} == {NOT_ASKED}


@pytest.mark.parametrize(
    ("agent", "code", "name"),
    [
        (coded("ATC:L01EA01"), FILLED, FILLED),
        (coded("RXNORM:282388"), MISSING, FILLED),
        ({"text": "imatinib"}, MISSING, FILLED),
    ],
)
def test_a_drug_is_a_code_or_a_name(agent: dict[str, Any], code: str, name: str) -> None:
    """A name fills the item for names; that it is no ATC code is no error of the item for codes."""
    treatment = {"type": coded("SNOMEDCT:367336001"), "agents": [agent]}
    answers = words("mdc", {"treatments": [treatment]})
    assert (answers["93"], answers["94"]) == (code, name)
    assert answers["129"] == NOT_ASKED


def test_a_comorbidity_is_not_the_cancer() -> None:
    diagnosis = {"role": "comorbidity", "disease": coded("ICD10:I10")}
    answers = words("mdc", {"diagnoses": [diagnosis]})
    assert (answers["75"], answers["86"]) == (MISSING, FILLED)
    treatment = {
        "treated_disease": "comorbidity",
        "type": coded("SNOMEDCT:387713003"),
        "procedure": coded("SNOMEDCT:71388002"),
    }
    answers = words("mdc", {"treatments": [treatment]})
    assert (answers["89"], answers["91"]) == (NOT_ASKED, NOT_ASKED)


@pytest.mark.parametrize(
    "record",
    [
        {"symptom_onsets": [{"date": day("2001-02")}]},
        {"symptom_onsets": [{"age": "P3Y"}]},
        {"symptom_onsets": [{"stage": coded("HP:0030674")}]},
        {"diagnoses": [{"disease": coded("ORPHA:558"), "onset_date": day("2001")}]},
        {"diagnoses": [{"disease": coded("ORPHA:558"), "onset_stage": coded("HP:0003577")}]},
        {"phenotypic_features": [{"type": coded("HP:0001250"), "onset_age": "P3Y"}]},
    ],
)
def test_an_onset_is_a_date_an_age_or_a_code(record: dict[str, Any]) -> None:
    assert words("erdri-cds", record)["5.1"] == FILLED


def test_an_onset_is_none_of_an_excluded_disease() -> None:
    record = {"diagnoses": [{"disease": coded("ORPHA:558"), "excluded": True, "onset_date": day("2001")}]}
    answers = words("erdri-cds", record)
    assert (answers["5.1"], answers["6.1"]) == (MISSING, MISSING)


SOLVED = {"diagnoses": [{"disease": coded("ORPHA:558")}]}
FEATURE = {"phenotypic_features": [{"type": coded("HP:0001250")}]}


@pytest.mark.parametrize(
    ("record", "diagnosis", "undiagnosed"),
    [
        ({}, MISSING, MISSING),
        (FEATURE, MISSING, FILLED),
        (SOLVED, FILLED, NOT_ASKED),
        ({**SOLVED, **FEATURE}, FILLED, NOT_ASKED),
        ({"undiagnosed": True}, NOT_ASKED, MISSING),
        ({"undiagnosed": True, **FEATURE}, NOT_ASKED, FILLED),
        ({"diagnoses": [{"disease": coded("ORPHA:616874")}], **FEATURE}, NOT_ASKED, FILLED),
    ],
)
def test_an_undiagnosed_case_is_defined(record: dict[str, Any], diagnosis: str, undiagnosed: str) -> None:
    answers = words("erdri-cds", record)
    assert (answers["6.1"], answers["6.3"]) == (diagnosis, undiagnosed)


@pytest.mark.parametrize(
    ("record", "death", "biobank"),
    [
        ({}, NOT_ASKED, NOT_ASKED),
        ({"participation_status": {"status": coded("ERDRISTATUS:dead")}}, MISSING, NOT_ASKED),
        ({"vital_status": {"status": coded("VITALSTATUS:deceased"), "date_of_death": day("2020")}}, FILLED, NOT_ASKED),
        ({"vital_status": {"date_of_death": day("2020")}}, FILLED, NOT_ASKED),
        ({"vital_status": {"status": coded("VITALSTATUS:alive"), "date_of_death": day("2020")}}, INVALID, NOT_ASKED),
        ({"samples": [{"sample_id": "a"}]}, NOT_ASKED, MISSING),
        ({"samples": [{"biobank": coded("BBMRI:bbmri-eric:ID:DE_1:collection:A")}]}, NOT_ASKED, FILLED),
    ],
)
def test_what_binds_under_a_condition(record: dict[str, Any], death: str, biobank: str) -> None:
    answers = words("erdri-cds", record)
    assert (answers["3.2"], answers["7.4"]) == (death, biobank)


def test_a_temporal_pattern_is_one_of_the_modifiers() -> None:
    feature = {"type": coded("HP:0001250"), "modifiers": [coded("HP:0012828")]}
    assert words("rd-cdm", {"phenotypic_features": [feature]})["6.2.6"] == MISSING
    feature["modifiers"].append(coded("HP:0011009"))
    assert words("rd-cdm", {"phenotypic_features": [feature]})["6.2.6"] == FILLED


@pytest.mark.parametrize(("sex", "word"), [("F", FILLED), ("UNK", INVALID)])
def test_a_population_has_one_of_two_sexes(sex: str, word: str) -> None:
    assert words("goe", {"sex_at_birth": coded(f"BIRTHSEX:{sex}")})["sex"] == word


def test_a_country_of_origin_may_be_a_part_of_a_country() -> None:
    assert words("goe", {"country_of_origin": coded("ISO3166-2:DE-BY")})["country_of_origin"] == FILLED


@pytest.mark.parametrize(("text", "word"), [("98.3", FILLED), ("100.00", FILLED), ("983", INVALID)])
def test_a_percentage_looks_like_one(text: str, word: str) -> None:
    record = {"sequences": [{"quality_metrics": {"pct_reads_mapped": text}}]}
    assert words("ga4gh-wgs-qc", record)["pct_reads_mapped"] == word
