"""Stages and TNM findings, of diseases and of biosamples.

Source: phenopacket-schema v2, disease.proto and biosample.proto. A Disease holds clinical findings of TNM
(`clinicalTnmFinding`); pathological ones, and the pathological stage, belong to the Biosample that was examined. Where a source says
what the pathologist found and names no sample, as messages of registries do, the tissue of the tumour is a Biosample of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harmonize.hub.objects import HubObject, evaluation_of
from harmonize.writers.phenopackets.common_elements import CATEGORIES
from harmonize.writers.phenopackets.sheet import Sheet


def tumour_findings(sheet: Sheet, diagnosis: HubObject) -> dict[str, list[Any]]:
    """`diseaseStage` and `clinicalTnmFinding` of a disease, empty ones left out."""
    stages: list[Any] = []
    findings: list[Any] = []
    for tnm in diagnosis.get("tnm_classifications", ()):
        if not _is_of_a_biosample(sheet, tnm):
            stages += _bodies(sheet, tnm, ("stage",), "/diseaseStage")
            findings += _findings_of_disease(sheet, tnm)
    for staging in diagnosis.get("haematological_stagings", ()):
        stages += _bodies(sheet, staging, ("stage",), "/diseaseStage")
    made = (("diseaseStage", stages), ("clinicalTnmFinding", findings))
    return {name: values for name, values in made if values}


def _findings_of_disease(sheet: Sheet, tnm: HubObject) -> list[Any]:
    if evaluation_of(tnm) != "pathological":
        return _bodies(sheet, tnm, CATEGORIES, "/clinicalTnmFinding")
    if "sample_id" not in tnm:
        return []  # they stand with the tissue of the tumour
    for slot in CATEGORIES:
        if slot in tnm:
            message = "pathological findings belong to a biosample; the record has none of this identifier"
            sheet.lost(tnm, slot, "/clinicalTnmFinding", message)
    return []


def _is_of_a_biosample(sheet: Sheet, tnm: HubObject) -> bool:
    """Whether a classification is pathological and its sample is in the packet."""
    return "sample_id" in tnm and evaluation_of(tnm) == "pathological" and tnm["sample_id"] in _sample_ids(sheet)


def _sample_ids(sheet: Sheet) -> frozenset[str]:
    return frozenset(sample["sample_id"] for sample in sheet.record.get("samples", ()) if "sample_id" in sample)


def _bodies(sheet: Sheet, holder: HubObject, slots: Iterable[str], inside: str) -> list[Any]:
    return [term.body for slot in slots if (term := sheet.term(holder, slot, inside)) is not None]


def pathological_findings(sheet: Sheet, sample: HubObject) -> dict[str, Any]:
    """`pathologicalStage` and `pathologicalTnmFinding` of a biosample."""
    made: dict[str, Any] = {}
    findings: list[Any] = []
    for tnm in _classifications_of(sheet, sample["sample_id"]):
        if "pathologicalStage" not in made:
            sheet.put(made, "pathologicalStage", tnm, "stage")
        elif "stage" in tnm:
            sheet.lost(tnm, "stage", "/pathologicalStage", "a biosample has one stage; another is preferred")
        findings += _bodies(sheet, tnm, CATEGORIES, "/pathologicalTnmFinding")
    return {**made, "pathologicalTnmFinding": findings} if findings else made


def _classifications_of(sheet: Sheet, sample_id: str) -> list[HubObject]:
    return [
        tnm
        for diagnosis in sheet.record.get("diagnoses", ())
        if diagnosis.get("certainty") != "entered_in_error"
        for tnm in diagnosis.get("tnm_classifications", ())
        if tnm.get("sample_id") == sample_id and evaluation_of(tnm) == "pathological"
    ]


def tissue_of_tumour(sheet: Sheet, diagnosis: HubObject) -> dict[str, Any] | None:
    """The Biosample of the tissue of which a diagnosis states a grade or pathological findings, but no sample; else None."""
    if diagnosis.get("certainty") == "entered_in_error":
        return None
    examined = [
        tnm
        for tnm in diagnosis.get("tnm_classifications", ())
        if evaluation_of(tnm) == "pathological" and "sample_id" not in tnm and not tnm.keys().isdisjoint(CATEGORIES)
    ]
    graded = [grading for grading in diagnosis.get("gradings", ()) if "grade" in grading]
    if diagnosis.get("excluded"):
        _of_excluded(
            sheet,
            diagnosis,
            [*((tnm, slot) for tnm in examined for slot in CATEGORIES), *((g, "grade") for g in graded)],
        )
        return None
    if not examined and not graded:
        if "morphology" in diagnosis:
            morphology_without_tissue(sheet, diagnosis)
        return None
    entry: dict[str, Any] = {
        "id": sheet.run.tissue_id(sheet.record["subject_id"], diagnosis),
        "individualId": sheet.record["subject_id"],
    }
    sheet.put(entry, "histologicalDiagnosis", diagnosis, "morphology")
    _grade(sheet, entry, graded)
    findings = [body for tnm in examined for body in _bodies(sheet, tnm, CATEGORIES, "/pathologicalTnmFinding")]
    if findings:
        entry["pathologicalTnmFinding"] = findings
    if len(entry) == len(("id", "individualId")):
        return None
    sheet.made(diagnosis)
    return entry


def _grade(sheet: Sheet, entry: dict[str, Any], gradings: Iterable[HubObject]) -> None:
    """Biosample.tumorGrade: the first grade that has a code."""
    preferred = None
    for grading in gradings:
        term = sheet.term(grading, "grade", "/tumorGrade")
        if term is None:
            continue
        if preferred is None:
            preferred, entry["tumorGrade"] = term.code, term.body
        elif term.code != preferred:
            sheet.lost(grading, "grade", "/tumorGrade", "a biosample has one grade; another is preferred")


def _of_excluded(sheet: Sheet, diagnosis: HubObject, findings: Iterable[tuple[HubObject, str]]) -> None:
    for holder, slot in ((diagnosis, "morphology"), *findings):
        if slot in holder:
            sheet.lost(holder, slot, "", "a tumour that is excluded has no tissue that a pathologist saw")


def morphology_without_tissue(sheet: Sheet, diagnosis: HubObject) -> None:
    """Say that the morphology of a tumour is lost of which no finding of a pathologist is stated."""
    message = "the histology of v2 is that of a biosample; the record states no finding of a pathologist"
    sheet.lost(diagnosis, "morphology", "/histologicalDiagnosis", message)
