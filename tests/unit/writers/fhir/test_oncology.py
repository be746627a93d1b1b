"""Stages, grades and TNM as Condition.stage and Observations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rich_record import code, coded, day
from tests.unit.writers.fhir.test_r4 import losses, resources

CANCER = coded(code("ICD10:C50.4"))
T, N, M, STAGE = (
    {"text": "T2"},
    {"text": "N0"},
    {"text": "M0"},
    {"text": "IIA"},
)
CLINICAL, PATHOLOGICAL = coded(code("SNOMEDCT:260998006")), coded(code("SNOMEDCT:261023001"))


def slots(*, certainty: str = "confirmed", samples: tuple[str, ...] = (), **tnm: Any) -> dict[str, Any]:
    diagnosis = {"disease": CANCER, "certainty": certainty, "tnm_classifications": [tnm]}
    made: dict[str, Any] = {"diagnoses": [diagnosis]}
    return {**made, "samples": [{"sample_id": name} for name in samples]} if samples else made


def codes(observations: list[dict[str, Any]]) -> list[str]:
    return [observation["code"]["coding"][0]["code"] for observation in observations]


@pytest.mark.parametrize(
    ("evaluation", "expected"),
    [
        ({}, ["78873005", "277206009", "277208005", "399390009"]),
        ({"pathology_clinical": CLINICAL}, ["399504009", "399534004", "399387003", "399537006"]),
        ({"pathology_clinical": {"text": "clinical"}}, ["399504009", "399534004", "399387003", "399537006"]),
        ({"pathology_clinical": PATHOLOGICAL}, ["384625004", "371494008", "371497001", "399588009"]),
        ({"pathology_clinical": {"text": "by autopsy"}}, ["78873005", "277206009", "277208005", "399390009"]),
    ],
)
def test_codes_of_mcode_by_the_evaluation(evaluation: dict[str, Any], expected: list[str]) -> None:
    record = slots(primary_tumor=T, lymph_node_status=N, metastases=M, stage=STAGE, version="8", date_of_evaluation=day("2010-02"), **evaluation)  # fmt: skip
    made = resources("Observation", **record)
    (condition,) = resources("Condition", **record)
    assert codes(made) == expected and losses(**record) == set()
    assert all(o["focus"] == [{"reference": f"Condition/{condition['id']}"}] for o in made)
    assert all(o["method"] == {"text": "8"} and o["effectiveDateTime"] == "2010-02" for o in made)
    *categories, group = ({"reference": f"Observation/{o['id']}"} for o in made)
    assert made[-1]["hasMember"] == categories and made[-1]["valueCodeableConcept"] == STAGE
    (stage,) = condition["stage"]
    assert stage["assessment"] == [group] and stage["summary"] == STAGE
    assert ("type" in stage) == bool(evaluation)


def test_without_a_stage_group_the_categories_are_the_assessment() -> None:
    record = slots(primary_tumor=T, metastases=M)
    made = resources("Observation", **record)
    (condition,) = resources("Condition", **record)
    assert condition["stage"] == [{"assessment": [{"reference": f"Observation/{o['id']}"} for o in made]}]


def test_the_size_of_a_tumour_is_no_category() -> None:
    record = slots(tumor_size={"value": "21.0", "unit": "mm"}, version="8", pathology_clinical=CLINICAL)
    (made,) = resources("Observation", **record)
    assert codes([made]) == ["21889-1"] and made["valueQuantity"]["code"] == "mm" and "method" not in made
    assert "stage" not in resources("Condition", **record)[0]
    assert losses(**record) == {("version", "dropped"), ("pathology_clinical", "dropped")}


@pytest.mark.parametrize("tnm", [{"version": "8"}, {"tumor_size": {"value": "1e999"}}, {"stage": {"codings": []}}])
def test_a_classification_without_a_finding_is_lost(tnm: dict[str, Any]) -> None:
    assert resources("Observation", **slots(**tnm)) == []
    assert "stage" not in resources("Condition", **slots(**tnm))[0]
    assert ("*", "dropped") in losses(**slots(**tnm))


def test_what_was_examined_is_a_specimen_of_the_record() -> None:
    here, elsewhere = (
        slots(stage=STAGE, sample_id="a", samples=("b", "a")),
        slots(stage=STAGE, sample_id="a", samples=("b",)),
    )
    (made,), specimens = resources("Observation", **here), resources("Specimen", **here)
    assert made["specimen"] == {"reference": f"Specimen/{specimens[1]['id']}"} and losses(**here) == set()
    assert "specimen" not in resources("Observation", **elsewhere)[0]
    assert losses(**elsewhere) == {("sample_id", "dropped")}


@pytest.mark.parametrize(("certainty", "status"), [("confirmed", "final"), ("entered_in_error", "entered-in-error")])
def test_of_a_diagnosis_in_error_the_stage_is_so_too(certainty: str, status: str) -> None:
    assert resources("Observation", **slots(stage=STAGE, certainty=certainty))[0]["status"] == status


@pytest.mark.parametrize(
    ("slot", "value", "scale"), [("gradings", "grade", "scale"), ("haematological_stagings", "stage", "system")]
)
def test_grades_and_other_stages(slot: str, value: str, scale: str) -> None:
    whole, without_scale, without_value = {value: STAGE, scale: T}, {value: STAGE}, {scale: T}
    record = {"diagnoses": [{"disease": CANCER, slot: [whole, without_scale, without_value]}]}
    (made,) = resources("Condition", **record)
    assert made["stage"] == [{"summary": STAGE, "type": T}, {"summary": STAGE}]
    assert losses(**record) == {("*", "dropped")}  # con-1


def test_site_and_morphology_of_a_tumour() -> None:
    diagnosis = {"disease": CANCER, "topography": T, "body_site": N, "morphology": coded(code("ICDO3:8500/3"))}
    (made,) = resources("Condition", diagnoses=[diagnosis])
    assert made["bodySite"] == [N, T]
    (extension,) = made["extension"]
    assert extension["url"] == "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior"
    coding = {"system": "http://terminology.hl7.org/CodeSystem/icd-o-3", "code": "8500/3"}
    assert extension["valueCodeableConcept"] == {"coding": [coding]}


def test_a_side_stands_with_the_last_site_that_can_be_written() -> None:
    site, side = coded(code("SNOMEDCT:76752008")), coded(code("SNOMEDCT:7771000"))
    diagnosis = {"disease": CANCER, "body_site": site, "topography": coded(code("ADDICTO:1")), "laterality": side}
    (made,) = resources("Condition", diagnoses=[diagnosis])
    (place,) = made["bodySite"]
    assert place["coding"][0]["code"] == "76752008"
    assert place["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "7771000"
    assert losses(diagnoses=[diagnosis]) == {("topography", "dropped")}
