"""What the person was exposed to: tobacco.

Source: US Core 7.0.0, profile us-core-smokingstatus: LOINC 72166-2 with a CodeableConcept, SNOMED CT 401201003 with a Quantity
in UCUM {pack-years} (https://hl7.org/fhir/us/core/STU7/StructureDefinition-us-core-smokingstatus-definitions.html). The
profile is not claimed: it binds the answers and demands a date.
"""

from __future__ import annotations

from typing import Any

import orjson

from harmonize.hub.objects import HubObject
from harmonize.writers.fhir.datatypes import LOINC, SNOMED_CT, UCUM, concept, number
from harmonize.writers.fhir.person import SOCIAL_HISTORY
from harmonize.writers.fhir.sheet import Sheet

TOBACCO_USE = concept(LOINC, "72166-2", "Tobacco smoking status")
PACK_YEARS = concept(SNOMED_CT, "401201003", "Cigarette pack-years")


def exposures(sheet: Sheet) -> None:
    """One Observation for the status of smoking, one for the pack-years."""
    exposure = sheet.record.get("environmental_exposure")
    if exposure is None:
        return
    if "tobacco_use_status" in exposure:
        resource_id = sheet.new_id("Observation/tobacco-use", exposure["tobacco_use_status"])
        status = sheet.concept(exposure, "tobacco_use_status", "/valueCodeableConcept")
        if status:
            _observation(sheet, exposure, resource_id, TOBACCO_USE, {"valueCodeableConcept": status})
    if "pack_years" in exposure:
        resource_id = sheet.new_id("Observation/pack-years", exposure["pack_years"])
        amount = _pack_years(sheet, exposure)
        if amount:
            _observation(sheet, exposure, resource_id, PACK_YEARS, {"valueQuantity": amount})


def _observation(
    sheet: Sheet, exposure: HubObject, resource_id: str, code: dict[str, Any], value: dict[str, Any]
) -> None:
    sheet.log.default("Observation.status")
    body = {"status": "final", "category": SOCIAL_HISTORY, "code": code, "subject": sheet.patient, **value}
    sheet.add("Observation", resource_id, exposure, body)


def _pack_years(sheet: Sheet, exposure: HubObject) -> dict[str, Any] | None:
    digits = number(exposure["pack_years"])
    if digits is None:
        sheet.lost(exposure, "pack_years", "/valueQuantity", "the number is too large for readers of JSON")
        return None
    return {"value": orjson.Fragment(digits), "unit": "pack-years", "system": UCUM, "code": "{pack-years}"}
