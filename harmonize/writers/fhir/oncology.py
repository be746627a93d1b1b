"""Staging and grading of tumours: Condition.stage, and Observations for TNM.

Source: FHIR R4 (4.0.1), Condition.stage; mCODE 4.0.0, SD_Staging_TNM.fsh, VS_Staging_TNM.fsh (the codes of the observations,
SNOMED CT; LOINC's are deprecated there), SD_TumorSize.fsh, SD_Extensions.fsh. No profile of mCODE is claimed: they bind the
values to AJCC and demand a method.
"""

from __future__ import annotations

from typing import Any

import orjson

from harmonize.hub.objects import HubObject, evaluation_of
from harmonize.writers.fhir.datatypes import LOINC, SNOMED_CT, fixed, fixed_text
from harmonize.writers.fhir.sheet import Part, Sheet

HISTOLOGY_MORPHOLOGY_BEHAVIOR = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior"
LATERALITY_QUALIFIER = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-laterality-qualifier"
TUMOR_SIZE = fixed(LOINC, "21889-1", "Size Tumor")


def _codes(general: str, clinical: str, pathological: str, display: tuple[str, str, str]) -> dict[str | None, str]:
    codes = zip((None, "clinical", "pathological"), (general, clinical, pathological), display, strict=True)
    return {evaluation: fixed_text(SNOMED_CT, code, label) for evaluation, code, label in codes}


_CODES_OF_STAGE = _codes(
    "399390009", "399537006", "399588009",
    ("TNM stage grouping", "Clinical TNM stage grouping", "Pathologic TNM stage grouping"),
)  # fmt: skip
_STAGE: Part = ("stage", "Observation/tnm-stage", _CODES_OF_STAGE)
_CATEGORIES: tuple[Part, ...] = (
    (
        "primary_tumor",
        "Observation/tnm-t",
        _codes("78873005", "399504009", "384625004", ("T category", "cT category", "pT category")),
    ),
    (
        "lymph_node_status",
        "Observation/tnm-n",
        _codes("277206009", "399534004", "371494008", ("N category", "cN category", "pN category")),
    ),
    (
        "metastases",
        "Observation/tnm-m",
        _codes("277208005", "399387003", "371497001", ("M category", "cM category", "pM category")),
    ),
)
_PARTS = (*_CATEGORIES, _STAGE)


def stages(sheet: Sheet, diagnosis: HubObject, condition_id: str) -> list[dict[str, Any]]:
    """Condition.stage of a diagnosis; the Observations of its TNM classifications are put down."""
    made = []
    for slot, value, scale in (("gradings", "grade", "scale"), ("haematological_stagings", "stage", "system")):
        for staged in diagnosis.get(slot, ()):
            summary = sheet.concept(staged, value, "/stage/summary")
            if summary is None:  # con-1
                sheet.lost(staged, "*", "/stage", "a stage needs a summary; there is none")
                continue
            kind = sheet.concept(staged, scale, "/stage/type")
            made.append({"summary": summary, "type": kind} if kind else {"summary": summary})
    for tnm in diagnosis.get("tnm_classifications", ()):
        stage = _tnm(sheet, tnm, diagnosis, condition_id)
        if stage is not None:
            made.append(stage)
    return made


def _tnm(sheet: Sheet, tnm: HubObject, diagnosis: HubObject, condition_id: str) -> dict[str, Any] | None:
    """The stage of a Condition that a TNM classification makes, and its Observations.

    Of a diagnosis that was entered in error they were so as well.
    """
    status = "entered-in-error" if diagnosis.get("certainty") == "entered_in_error" else "final"
    evaluation = evaluation_of(tnm)
    assessment = sheet.classified(tnm, _PARTS, evaluation, status, condition_id)
    if assessment is None:
        assessment = _assessment(sheet, tnm, evaluation, status, condition_id)
    sheet.under_way("Condition", condition_id)
    if not assessment:
        return None
    summary = sheet.run.concepts.render(tnm["stage"]).concept if "stage" in tnm else None
    stage: dict[str, Any] = {} if summary is None else {"summary": summary}
    stage["assessment"] = assessment
    kind = _evaluation(sheet, tnm, evaluation)
    if kind:
        stage["type"] = kind
    return stage


def _assessment(
    sheet: Sheet, tnm: HubObject, evaluation: str | None, status: str, condition_id: str
) -> list[dict[str, str]]:
    """References to what a classification was put down as: the stage group, which refers to the categories, else these."""
    sheet.under_way("Condition", condition_id)
    common = _common(sheet, tnm, status, condition_id)
    sized = _size(sheet, tnm, common)
    if "version" in tnm:
        common["method"] = {"text": tnm["version"]}
    members = [made for category in _CATEGORIES if (made := _category(sheet, tnm, category, common, evaluation))]
    group = _category(sheet, tnm, _STAGE, {**common, "hasMember": members} if members else common, evaluation)
    if not (group or members):
        sheet.under_way("Condition", condition_id)
        _without_category(sheet, tnm, sized=sized)
    return [group] if group else members


def _evaluation(sheet: Sheet, tnm: HubObject, evaluation: str | None) -> Any:
    """Condition.stage.type: by which evaluation a classification was made; mCODE's code where the stated one has no system in FHIR."""
    if evaluation is not None and sheet.run.concepts.render(tnm["pathology_clinical"]).concept is None:
        return orjson.Fragment(_CODES_OF_STAGE[evaluation])
    return sheet.concept(tnm, "pathology_clinical", "/stage/type")


def _without_category(sheet: Sheet, tnm: HubObject, *, sized: bool) -> None:
    """Say what is lost of a classification that states neither a category nor a stage group, but perhaps a size."""
    if not sized:
        sheet.lost(tnm, "*", "/stage", "a stage needs a category, a stage group or a size; there is none")
        return
    for slot in ("version", "pathology_clinical"):
        if slot in tnm:
            sheet.lost(tnm, slot, "/stage", "it belongs to a category or a stage group; there is none")


def _common(sheet: Sheet, tnm: HubObject, status: str, condition_id: str) -> dict[str, Any]:
    """What all Observations of a classification hold."""
    made: dict[str, Any] = {
        "status": status,
        "subject": sheet.patient,
        "focus": [{"reference": f"Condition/{condition_id}"}],
    }
    evaluated = sheet.date(tnm, "date_of_evaluation", "/stage/assessment")
    if evaluated:
        made["effectiveDateTime"] = evaluated
    if "sample_id" in tnm:
        specimen = sheet.specimens.get(tnm["sample_id"])
        if specimen is None:
            message = "an Observation refers to a Specimen of the record; there is none of this identifier"
            sheet.lost(tnm, "sample_id", "/stage/assessment", message)
        else:
            made["specimen"] = {"reference": f"Specimen/{specimen}"}
    return made


def _category(
    sheet: Sheet, tnm: HubObject, part: Part, common: dict[str, Any], evaluation: str | None
) -> dict[str, str] | None:
    """A reference to the Observation of a category or of the stage group; None where it is not stated."""
    slot, kind, codes = part
    if slot not in tnm:
        return None
    resource_id = sheet.new_id(kind, tnm)
    value = sheet.concept(tnm, slot, "/valueCodeableConcept")
    if value is None:
        return None
    if common["status"] == "final":
        sheet.log.default("Observation.status")
    code = orjson.Fragment(codes[evaluation])
    sheet.add("Observation", resource_id, tnm, {**common, "code": code, "valueCodeableConcept": value})
    return {"reference": f"Observation/{resource_id}"}


def with_side(site: str, side: str) -> orjson.Fragment:
    """The CodeableConcept of a site, whose JSON is *site*, empty for none, with the side of the body."""
    opened = f"{site[:-1]}," if site else "{"
    return orjson.Fragment(f'{opened}"extension":[{{"url":"{LATERALITY_QUALIFIER}","valueCodeableConcept":{side}}}]}}')


def _size(sheet: Sheet, tnm: HubObject, common: dict[str, Any]) -> bool:
    """Whether the size of the tumour was put down. Which of its dimensions it is, mCODE's component, is not stated."""
    if "tumor_size" not in tnm:
        return False
    resource_id = sheet.new_id("Observation/tumor-size", tnm)
    quantity = sheet.quantity(tnm["tumor_size"], "/valueQuantity")
    if quantity is None:
        return False
    if common["status"] == "final":
        sheet.log.default("Observation.status")
    sheet.add("Observation", resource_id, tnm, {**common, "code": TUMOR_SIZE, "valueQuantity": quantity})
    return True
