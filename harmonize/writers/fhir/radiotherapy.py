"""What mCODE says of a radiation: modality and technique, sessions, and the dose that was delivered to a volume.

Source: mCODE 4.0.0, SD_Radiotherapy.fsh (RadiotherapyModalityAndTechnique, RadiotherapyDoseDeliveredToVolume, RadiotherapyVolume)
and VS_Radiotherapy.fsh. The profile of the course is not claimed: it is a US Core Procedure with one code. The value sets of modality
and technique hold no codes of rays as the hub has them, but `UNC` beside a text: the stated code stands with it.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

import orjson

from harmonize.hub.objects import HubObject
from harmonize.writers.fhir.datatypes import NULL_FLAVOR, UCUM, number
from harmonize.writers.fhir.sheet import Sheet

_MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition"
MODALITY_AND_TECHNIQUE = f"{_MCODE}/mcode-radiotherapy-modality-and-technique"
DOSE_DELIVERED_TO_VOLUME = f"{_MCODE}/mcode-radiotherapy-dose-delivered-to-volume"
_UNENCODED = {"system": NULL_FLAVOR, "code": "UNC", "display": "un-encoded"}
_UNSIGNED_INT = 2**31 - 1
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_WRITTEN_OUT = 30
"""Numbers of more places are written with an exponent."""
SLOTS = ("modalities", "radiation_type", "fractions", "cumulative_dose")


def radiation(sheet: Sheet, treatment: HubObject) -> list[dict[str, Any]]:
    """The extensions of the Procedure under way that say how was irradiated; the volume is put down."""
    if treatment.keys().isdisjoint(SLOTS):
        return []
    return [*_modalities(sheet, treatment), *_dose(sheet, treatment)]


def _modalities(sheet: Sheet, treatment: HubObject) -> list[dict[str, Any]]:
    """One extension for each modality, with the technique where there is one modality that it can be of."""
    stated = treatment.get("modalities", ())
    made = [concept for coded in stated if (concept := _unencoded(sheet, treatment, "modalities", coded))]
    technique = None
    if "radiation_type" in treatment:
        if len(made) == 1 == len(stated):
            technique = _unencoded(sheet, treatment, "radiation_type", treatment["radiation_type"])
        else:
            message = "a technique stands beside the modality that it is of; that is none, or one of several"
            sheet.lost(treatment, "radiation_type", "/extension", message)
    techniques = [_part("mcode-radiotherapy-technique", technique)] if technique else []
    return [
        {"url": MODALITY_AND_TECHNIQUE, "extension": [_part("mcode-radiotherapy-modality", modality), *techniques]}
        for modality in made
    ]


def _part(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"url": f"{_MCODE}/{name}", "valueCodeableConcept": value}


def _unencoded(sheet: Sheet, treatment: HubObject, slot: str, coded: HubObject) -> dict[str, Any] | None:
    """The CodeableConcept of a value with `UNC` beside its codes, and the text that `UNC` demands."""
    if sheet.concept_of(treatment, slot, coded, "/extension") is None:
        return None
    body, _ = sheet.run.concepts.codings(coded)
    codings = body.get("coding", [])
    if any(coding["system"] == NULL_FLAVOR for coding in codings):
        return body
    text = body.get("text") or codings[0].get("display", codings[0]["code"])
    return {"coding": [*codings, _UNENCODED], "text": text}


def _dose(sheet: Sheet, treatment: HubObject) -> list[dict[str, Any]]:
    """The dose and the fractions of the one volume, whose BodyStructure is put down."""
    parts: list[dict[str, Any]] = []
    gray = _centigray(sheet, treatment)
    if gray is not None:
        parts.append({"url": "totalDoseDelivered", "valueQuantity": gray})
    if "fractions" in treatment:
        if treatment["fractions"] <= _UNSIGNED_INT:
            parts.append({"url": "fractionsDelivered", "valueUnsignedInt": treatment["fractions"]})
        else:
            sheet.lost(treatment, "fractions", "/extension", "an unsignedInt of FHIR ends at 2,147,483,647")
    if not parts:
        return []
    volume = _volume(sheet, treatment)
    if volume is None:
        message = "mCODE's dose is that of a volume; the treatment names none, or several sites"
        for slot in ("cumulative_dose", "fractions"):
            if slot in treatment and (slot == "fractions" or gray is not None):
                sheet.lost(treatment, slot, "/extension", message)
        return []
    reference = {"url": "volume", "valueReference": {"reference": f"BodyStructure/{volume}"}}
    return [{"url": DOSE_DELIVERED_TO_VOLUME, "extension": [reference, *parts]}]


def _centigray(sheet: Sheet, treatment: HubObject) -> orjson.Fragment | None:
    """The cumulative dose in centigray, the unit that mCODE demands; None, with a loss, for what is none of radiation."""
    dose = treatment.get("cumulative_dose")
    if dose is None:
        return None
    if dose.get("unit") not in ("Gy", "cGy") or "comparator" in dose:
        message = "a dose of radiation is in Gray and has no comparator; a MedicationStatement holds a dose at a time"
        sheet.lost(treatment, "cumulative_dose", "/extension", message)
        return None
    digits = number(_centi(dose["value"]) if dose["unit"] == "Gy" else dose["value"])
    if digits is None:
        sheet.lost(treatment, "cumulative_dose", "/extension", "the number is too large for readers of JSON")
        return None
    return orjson.Fragment(f'{{"value":{digits},"unit":"cGy","system":"{UCUM}","code":"cGy"}}')


def _centi(digits: str) -> str:
    """A hundred times a number, exactly and with the same digits."""
    value = Decimal(digits).scaleb(2, _EXACT)
    return f"{value:f}" if abs(value.adjusted()) < _WRITTEN_OUT else str(value)


def _volume(sheet: Sheet, treatment: HubObject) -> str | None:
    """The id of the BodyStructure that is the only site of a treatment; None where there is not one."""
    sites = treatment.get("sites", ())
    location = sheet.run.concepts.render(sites[0]).concept if len(sites) == 1 else None
    if location is None:
        return None
    return sheet.beside(
        "BodyStructure/volume", "BodyStructure", treatment, {"location": location, "patient": sheet.patient}
    )
