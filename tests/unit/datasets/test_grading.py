"""Grading: every kind of item, condition, level and breach, as cases; sums against an evaluator that is written another way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harmonize.datasets.grading import Grader
from harmonize.datasets.specification import read_dataset
from harmonize.errors import UnknownNameError

SMALL = read_dataset(Path(__file__).parent / "small.yaml")


def coded(*codes: str) -> dict[str, Any]:
    return {"codings": [{"system": code.partition(":")[0], "code": code, "origin": "stated"} for code in codes]}


def day(text: str, precision: str = "day") -> dict[str, str]:
    return {"value": text, "precision": precision}


PERSON = {
    "birth_date": day("1985-09", "month"),
    "sex_at_birth": coded("BIRTHSEX:F"),
    "samples": [{"organism": coded("NCIT:C14225")}],
}
MORPHOLOGY = {"disease": coded("MONDO:0005148"), "morphology": coded("ICDO3:8140/3")}
DEAD = {"status": coded("VITALSTATUS:deceased")}


def graded(record: dict[str, Any], **settings: Any) -> dict[str, str]:
    """The words of all items for one record."""
    grader = Grader(SMALL, **settings)
    return {item.id.removeprefix("small:"): word for item, word in grader.statuses(grader.grade(record))}


def broken(record: dict[str, Any], **settings: Any) -> set[tuple[str, str]]:
    """Rule and path of all violations of one record."""
    grader = Grader(SMALL, **settings)
    grade = grader.grade(record)
    found = list(grader.violations(record, grade))
    assert bool(found) == grader.is_flagged(grade)
    assert sum(grader.rule_counts().values()) == len(found)
    return {(violation.rule.removeprefix("dataset."), violation.path) for violation in found}


CASES = [
    # what is changed in a conforming person, the item that it is about, its word, rule and path of the violation if there is one
    ({}, "birth", "filled", None),
    ({"birth_date": None}, "birth", "missing", ("mandatory-missing", "/birth_date")),
    ({"birth_date": day("2019-02-31")}, "birth", "invalid", ("date", "/birth_date")),
    ({"birth_date": day("2019-00-00")}, "birth", "invalid", ("date", "/birth_date")),
    ({"birth_date": day("0000-01-01")}, "birth", "invalid", ("date", "/birth_date")),
    ({"birth_date": day("2019", "day")}, "birth", "invalid", ("date", "/birth_date")),
    ({"birth_date": day("2020-02-29")}, "birth", "filled", None),
    ({"sex_at_birth": {"null_flavor": "UNK"}}, "sex", "null_flavor", None),
    ({"sex_at_birth": {"null_flavor": "MSK"}}, "sex", "invalid", ("null-flavor", "/sex_at_birth")),
    ({"sex_at_birth": coded("NCIT:C16576")}, "sex", "invalid", ("code", "/sex_at_birth")),
    ({"sex_at_birth": coded("NCIT:C16576", "BIRTHSEX:M")}, "sex", "filled", None),
    ({"sex_at_birth": {"text": "female"}}, "sex", "invalid", ("code", "/sex_at_birth")),
    ({"sex_at_birth": {"codings": []}}, "sex", "missing", ("mandatory-missing", "/sex_at_birth")),
    ({}, "country", "not_applicable", None),
    ({"country_of_origin": coded("ISO3166:NO")}, "country", "filled", None),
    ({"vital_status": DEAD}, "death", "missing", ("mandatory-missing", "/vital_status/date_of_death")),
    ({"vital_status": {**DEAD, "date_of_death": day("2020-01-01")}}, "death", "filled", None),
    ({"vital_status": {"date_of_death": day("2020-01-01")}}, "death", "invalid", ("condition", "/vital_status/date_of_death")),
    ({}, "follow-up", "not_applicable", None),
    ({"diagnoses": [MORPHOLOGY]}, "follow-up", "missing", None),
    ({"date_of_last_follow_up": day("2020", "year")}, "follow-up", "filled", None),
    ({}, "onset", "missing", None),
    ({"symptom_onsets": [{"age": "P3Y"}]}, "onset", "filled", None),
    ({"symptom_onsets": [{"age": "P3Y"}, {"date": day("2019-02-30")}]}, "onset", "invalid", ("date", "/symptom_onsets/1/date")),
    ({"gestation_at_birth": "P280D"}, "gestation", "filled", None),
    ({"gestation_at_birth": "40 weeks"}, "gestation", "invalid", ("text", "/gestation_at_birth")),
    ({}, "disease", "not_applicable", None),
    ({"diagnoses": [{"disease": coded("MONDO:0005148")}]}, "disease", "filled", None),
    ({"diagnoses": [{"disease": coded("MONDO:0005148")}]}, "provisional", "not_applicable", None),
    ({"diagnoses": [{"disease": coded("MONDO:9999999")}]}, "disease", "invalid", ("code", "/diagnoses/0/disease")),
    ({"diagnoses": [{"disease": coded("SNOMEDCT:73211009")}]}, "disease", "filled", None),
    ({"diagnoses": [{"disease": coded("ICD10:E11")}]}, "disease", "filled", None),
    ({"diagnoses": [{"disease": coded("ICD10:nonsense")}]}, "disease", "invalid", ("code", "/diagnoses/0/disease")),
    ({"diagnoses": [{"disease": {"null_flavor": "NI"}, "certainty": "provisional"}]}, "provisional", "invalid", ("null-flavor", "/diagnoses/0/disease")),
    ({"diagnoses": [{"certainty": "provisional"}]}, "provisional", "missing", ("mandatory-missing", "/diagnoses/0/disease")),
    ({"diagnoses": [{**MORPHOLOGY, "tnm_classifications": [{"tumor_size": {"value": "2", "unit": "cm"}}]}]}, "tnm-size-unit", "filled", None),
    ({"diagnoses": [{**MORPHOLOGY, "tnm_classifications": [{"tumor_size": {"value": "2", "unit": "inches"}}]}]}, "tnm-size-unit", "invalid", ("code", "/diagnoses/0/tnm_classifications/0/tumor_size/unit")),
    ({"samples": []}, "organism", "missing", ("class-missing", "/samples")),
    ({"samples": [{"organism": coded("NCIT:C14225")}, {}]}, "organism", "missing", ("mandatory-missing", "/samples/1/organism")),
    ({"samples": [{"organism": {"null_flavor": "MSK"}}]}, "organism", "null_flavor", None),
    ({"samples": [{"organism": coded("NCIT:C1"), "storage_conditions": [coded("FG:1")] * 3}]}, "storage", "invalid", ("cardinality", "/samples/0/storage_conditions")),
    ({"samples": [{"organism": coded("NCIT:C1"), "relations": [{}]}]}, "related", "missing", ("mandatory-missing", "/samples/0/relations/0/related_samples")),
    ({"samples": [{"organism": coded("NCIT:C1"), "relations": [{"related_samples": ["b"]}]}]}, "related", "filled", None),
    ({}, "blood-date", "not_applicable", None),
    ({"samples": [{"organism": coded("NCIT:C1"), "origin": "normal_blood"}]}, "blood-date", "missing", ("mandatory-missing", "/samples/0/collection_date")),
    ({"samples": [{"organism": coded("NCIT:C1"), "origin": "other"}]}, "blood-date", "not_applicable", None),
    ({"sequences": [{"alignment_software": [{"name": "bwa"}]}]}, "parameters", "missing", ("mandatory-missing", "/sequences/0/alignment_software/0/parameters")),
    ({"sequences": [{"variant_calling": [{"name": "gatk"}]}]}, "parameters", "not_applicable", None),
]  # fmt: skip


@pytest.mark.parametrize(("change", "item", "word", "violation"), CASES)
def test_an_item_is_graded_as_a_person_would(
    change: dict[str, Any], item: str, word: str, violation: tuple[str, str] | None
) -> None:
    record = {slot: value for slot, value in {**PERSON, **change}.items() if value is not None}
    assert graded(record)[item] == word
    assert broken(record) == ({violation} if violation else set())


def test_the_level_says_what_must_not_be_missing() -> None:
    record = {**PERSON, "diagnoses": [MORPHOLOGY]}
    assert broken(record) == set()
    recommended = {
        ("recommended-missing", "/date_of_last_follow_up"),
        ("recommended-missing", "/samples/0/storage_conditions"),
    }
    assert broken(record, level="recommended") == recommended
    assert broken(record, level="optional") >= recommended | {("optional-missing", "/gestation_at_birth")}


def test_a_release_has_its_own_items_and_levels() -> None:
    assert "tnm-size-unit" not in graded(PERSON, version="1")
    assert ("recommended-missing", "/samples/0/storage_conditions") not in broken(
        PERSON, version="1", level="recommended"
    )


def test_petals_are_shown_by_the_record_or_said_by_the_call() -> None:
    assert graded(PERSON)["country"] == "not_applicable"
    assert broken(PERSON, petals=["goe"]) == {("mandatory-missing", "/country_of_origin")}
    assert graded({**PERSON, "diagnoses": [MORPHOLOGY]}, petals=[])["follow-up"] == "not_applicable"


@pytest.mark.parametrize("settings", [{"level": "mandatry"}, {"version": "3"}, {"petals": ["canser"]}])
def test_names_that_are_not_there_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError):
        Grader(SMALL, **settings)


def test_codes_of_a_system_that_is_not_installed_are_named() -> None:
    grader = Grader(SMALL)
    grader.grade({**PERSON, "diagnoses": [{"disease": coded("SNOMEDCT:73211009")}]})
    assert grader.unchecked == [("diseases", "SNOMEDCT")]


def test_the_five_counts_add_up_to_the_records_and_the_worst_object_counts() -> None:
    grader = Grader(SMALL)
    records = [
        {slot: value for slot, value in {**PERSON, **change}.items() if value is not None} for change, *_ in CASES
    ]
    words: dict[str, list[str]] = {}
    for record in records:
        for item, word in grader.statuses(grader.grade(record)):
            words.setdefault(item.id, []).append(word)
    for counts in grader.counts():
        assert sum(counts.records.values()) == len(records) == grader.records
        assert counts.records == {word: words[counts.item.id].count(word) for word in counts.records}
    organism = next(counts for counts in grader.counts() if counts.item.id == "small:organism")
    assert sum(organism.objects.values()) == sum(len(record["samples"]) for record in records)
