"""Measurements: assay, value, reference range, time and method."""

from __future__ import annotations

from math import isinf
from typing import Any

import orjson

from harmonize.findings import Outcome
from harmonize.hub.objects import HubObject
from harmonize.writers.phenopackets.quantities import quantity_of
from harmonize.writers.phenopackets.sheet import Sheet, double

_RANGE = ("reference_low", "reference_high")
_DENIALS = frozenset({"SNOMEDCT:2667000", "SNOMEDCT:410516002", "SNOMEDCT:410594000", "LOINC:LA9634-2"})
"""Absent, known absent, definitely not present (SNOMED CT, qualifier values); Absent (LOINC answer): what is found is not there."""


def measurements(sheet: Sheet) -> list[Any]:
    """One Measurement per measurement that has an assay and a value and holds."""
    items = sheet.record.get("measurements", ())
    common = sheet.elements.measurements(items, sheet.prefixes, False)
    if not isinstance(common, list):
        return [orjson.Fragment(common)] if common else []
    made: list[Any] = []
    sheet.under_way("/measurements", made)
    for measurement, text in zip(items, common, strict=True):
        if text is not None:
            made.append(orjson.Fragment(text))
            continue
        assay = sheet.term(measurement, "assay", "/assay")
        value = _value(sheet, measurement)
        if assay is None or value is None:
            sheet.lost(measurement, "*", "", "a measurement needs an assay and a value")
            continue
        if measurement.get("status") in ("cancelled", "entered-in-error"):
            sheet.lost(measurement, "*", "", "it was cancelled or entered in error; v2 has no way to say so")
            continue
        if _is_denied(measurement):
            sheet.lost(measurement, "*", "", "its interpretation denies what its value says; v2 has no way to say so")
            continue
        entry: dict[str, Any] = {"assay": assay.body, "value": value}
        time = sheet.time(measurement, "date", "age", "-", "/timeObserved")
        if time:
            entry["timeObserved"] = time
        method = sheet.term(measurement, "method", "/procedure/code")
        if method:
            entry["procedure"] = {"code": method.body}
        sheet.made(measurement)
        made.append(entry)
    return made


def _is_denied(measurement: HubObject) -> bool:
    """Whether an interpretation says that what is found is not there, and the value does not say it as well."""
    if "interpretation" not in measurement:
        return False
    denying = {coding["code"] for coding in measurement["interpretation"].get("codings", ())} & _DENIALS
    stated = {coding["code"] for coding in measurement.get("coded_value", {}).get("codings", ())}
    return bool(denying) and not denying & stated


def _value(sheet: Sheet, measurement: HubObject) -> dict[str, Any] | None:
    """Value: a quantity, else a code. A complex value has parts of which the hub knows nothing."""
    if "value" in measurement:
        if "coded_value" in measurement:
            message = "a value is a quantity or a code; the quantity is preferred"
            sheet.lost(measurement, "coded_value", "/value", message)
        quantity = _quantity(sheet, measurement)
        return None if quantity is None else {"quantity": quantity}
    for slot in _RANGE:
        if slot in measurement:
            sheet.lost(measurement, slot, "/value", "a reference range is that of a quantity; there is none")
    term = sheet.term(measurement, "coded_value", "/value/ontologyClass")
    return None if term is None else {"ontologyClass": term.body}


def _quantity(sheet: Sheet, measurement: HubObject) -> dict[str, Any] | None:
    made = quantity_of(sheet, measurement["value"], "/value/quantity")
    if made is None:
        return None
    if "reference_low" in measurement or "reference_high" in measurement:
        reference_range = _reference_range(sheet, measurement, made["unit"])
        if reference_range is not None:
            made["referenceRange"] = reference_range
    return made


def _reference_range(sheet: Sheet, measurement: HubObject, unit: orjson.Fragment) -> dict[str, Any] | None:
    """ReferenceRange, in the unit of the value. Its page in the documentation of v2 requires `low` and `high` both."""
    inside = "/value/quantity/referenceRange"
    stated = [(slot, double(measurement[slot])) for slot in _RANGE if slot in measurement]
    if len(stated) < len(_RANGE) or any(isinf(bound.number) for _, bound in stated):
        for slot, _ in stated:
            sheet.lost(measurement, slot, inside, "a reference range needs two bounds, each a double")
        return None
    for slot, bound in stated:
        if not bound.exact:
            message = "the number has more digits than a double holds"
            sheet.lost(measurement, slot, inside, message, Outcome.COARSENED)
    bounds = zip(("low", "high"), (bound.number for _, bound in stated), strict=True)
    return {"unit": unit, **{name: number for name, number in bounds if number}}
