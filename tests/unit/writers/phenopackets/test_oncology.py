"""Stages and TNM findings of diseases and biosamples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rich_record import code, coded
from tests.unit.writers.test_phenopackets import losses, packet

CANCER = coded(code("ICD10:C50.4"))
T, N, M, STAGE = (coded(code(f"SNOMEDCT:{n}")) for n in (1228889001, 1229967007, 1229901006, 1222769002))
CLINICAL, PATHOLOGICAL = {"text": "Clinical"}, coded(code("SNOMEDCT:261023001"))
TNM = {"primary_tumor": T, "lymph_node_status": N, "metastases": M, "stage": STAGE}


def written(*concepts: dict[str, Any]) -> list[dict[str, str]]:
    return [{"id": c["codings"][0]["code"], "label": c["codings"][0]["code"]} for c in concepts]


CATEGORIES = {(slot, "dropped") for slot in ("primary_tumor", "lymph_node_status", "metastases")}
# (classification, what the disease holds, what the biosample holds, losses)
CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], set[tuple[str, str]]]] = [
    (TNM, {"diseaseStage": written(STAGE), "clinicalTnmFinding": written(T, N, M)}, {}, set()),
    ({**TNM, "pathology_clinical": CLINICAL, "sample_id": "a"}, {"diseaseStage": written(STAGE), "clinicalTnmFinding": written(T, N, M)}, {}, set()),
    ({**TNM, "pathology_clinical": PATHOLOGICAL, "sample_id": "a"},
     {}, {"pathologicalStage": written(STAGE)[0], "pathologicalTnmFinding": written(T, N, M)}, set()),
    ({**TNM, "pathology_clinical": PATHOLOGICAL, "sample_id": "b"}, {"diseaseStage": written(STAGE)}, {}, CATEGORIES),
    ({"stage": {"text": "II"}}, {}, {}, {("stage", "dropped")}),
]  # fmt: skip


@pytest.mark.parametrize(("tnm", "of_disease", "of_biosample", "lost"), CASES)
def test_tnm(
    tnm: dict[str, Any], of_disease: dict[str, Any], of_biosample: dict[str, Any], lost: set[tuple[str, str]]
) -> None:
    slots = {"diagnoses": [{"disease": CANCER, "tnm_classifications": [tnm]}], "samples": [{"sample_id": "a"}]}
    made = packet(**slots)
    assert made["diseases"] == [{"term": written(CANCER)[0], **of_disease}]
    assert made["biosamples"] == [{"id": "a", "individualId": "s", **of_biosample}]
    assert set(losses(**slots)) == lost


def test_a_biosample_has_one_stage() -> None:
    tnm = {"stage": STAGE, "pathology_clinical": PATHOLOGICAL, "sample_id": "a"}
    slots = {"diagnoses": [{"disease": CANCER, "tnm_classifications": [tnm, tnm]}], "samples": [{"sample_id": "a"}]}
    assert packet(**slots)["biosamples"][0]["pathologicalStage"] == written(STAGE)[0]
    assert losses(**slots) == [("stage", "dropped")]


def test_what_was_entered_in_error_is_no_finding() -> None:
    tnm = {"stage": STAGE, "pathology_clinical": PATHOLOGICAL, "sample_id": "a"}
    diagnosis = {"disease": CANCER, "certainty": "entered_in_error", "tnm_classifications": [tnm]}
    assert "pathologicalStage" not in packet(diagnoses=[diagnosis], samples=[{"sample_id": "a"}])["biosamples"][0]


def test_the_site_of_a_tumour_is_preferred() -> None:
    both = {"disease": CANCER, "topography": T, "body_site": N}
    assert packet(diagnoses=[both])["diseases"][0]["primarySite"] == written(T)[0]
    assert losses(diagnoses=[both]) == [("body_site", "dropped")]
    nameless = {"disease": CANCER, "topography": {"text": "x"}, "body_site": N}
    assert packet(diagnoses=[nameless])["diseases"][0]["primarySite"] == written(N)[0]


def test_haematological_stages() -> None:
    staging = {"system": T, "stage": STAGE}
    slots = {"diagnoses": [{"disease": CANCER, "haematological_stagings": [staging]}]}
    assert packet(**slots)["diseases"][0]["diseaseStage"] == written(STAGE) and losses(**slots) == []


MORPHOLOGY, GRADE, OTHER_GRADE = (
    coded(code("ICDO3:8500/3")),
    coded(code("OBDS:grading-2")),
    coded(code("OBDS:grading-3")),
)
PATHOLOGY = {**TNM, "pathology_clinical": PATHOLOGICAL}
# (diagnosis, what the biosample of its tissue holds or None, losses)
TISSUES: list[tuple[dict[str, Any], dict[str, Any] | None, list[tuple[str, str]]]] = [
    ({"morphology": MORPHOLOGY, "gradings": [{"grade": GRADE}], "tnm_classifications": [PATHOLOGY]},
     {"histologicalDiagnosis": written(MORPHOLOGY)[0], "tumorGrade": written(GRADE)[0], "pathologicalTnmFinding": written(T, N, M)}, []),
    ({"tnm_classifications": [PATHOLOGY]}, {"pathologicalTnmFinding": written(T, N, M)}, []),
    ({"gradings": [{"grade": GRADE}, {"grade": GRADE}]}, {"tumorGrade": written(GRADE)[0]}, []),
    ({"gradings": [{"grade": GRADE}, {"grade": OTHER_GRADE}]}, {"tumorGrade": written(GRADE)[0]}, [("grade", "dropped")]),
    ({"morphology": MORPHOLOGY}, None, [("morphology", "dropped")]),
    ({"morphology": MORPHOLOGY, "tnm_classifications": [TNM]}, None, [("morphology", "dropped")]),
    ({"tnm_classifications": [{"stage": STAGE, "pathology_clinical": PATHOLOGICAL}]}, None, []),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "held", "lost"), TISSUES)
def test_the_tissue_of_a_tumour(
    stated: dict[str, Any], held: dict[str, Any] | None, lost: list[tuple[str, str]]
) -> None:
    slots = {"diagnoses": [{"disease": CANCER, **stated}]}
    made = packet(**slots).get("biosamples", [])
    assert [{k: v for k, v in tissue.items() if k != "id"} for tissue in made] == (
        [] if held is None else [{"individualId": "s", **held}]
    )
    assert losses(**slots) == lost


def test_tissues_of_two_tumours_have_ids_of_their_contents() -> None:
    one, other = ({"disease": CANCER, "gradings": [{"grade": grade}]} for grade in (GRADE, OTHER_GRADE))
    ids = [tissue["id"] for tissue in packet(diagnoses=[one, other])["biosamples"]]
    assert len(set(ids)) == 2 and ids == [tissue["id"] for tissue in packet(diagnoses=[other, one])["biosamples"]][::-1]
