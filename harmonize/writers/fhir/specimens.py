"""Specimens: the samples of the person and which of them were derived from one another.

Source: FHIR R4 (4.0.1), Specimen.
"""

from __future__ import annotations

from typing import Any

from harmonize.hub.objects import HubObject, is_of_a_parent
from harmonize.writers.fhir.sheet import Sheet


def specimens(sheet: Sheet) -> None:
    """One Specimen per sample. Its identifier is a pseudonym. Written first, for other resources refer to them."""
    samples = sheet.record.get("samples")
    if not samples:
        return
    ids = [sheet.new_id("Specimen", sample) for sample in samples]
    for sample, specimen_id in zip(samples, ids, strict=True):
        if "sample_id" in sample:
            sheet.specimens.setdefault(sample["sample_id"], specimen_id)
    for sample, specimen_id in zip(samples, ids, strict=True):
        sheet.under_way("Specimen", specimen_id)
        sheet.add("Specimen", specimen_id, sample, _specimen(sheet, sample))


def _specimen(sheet: Sheet, sample: HubObject) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if "sample_id" in sample:
        body["identifier"] = [{"value": sample["sample_id"]}]
    kind = sheet.concept(sample, "type", "/type")
    if kind:
        body["type"] = kind
    body["subject"] = sheet.patient
    parents = _parents(sheet, sample)
    if parents:
        body["parent"] = parents
    collection = _collection(sheet, sample)
    if collection:
        body["collection"] = collection
    processing = sheet.concepts(sample, "processing", "/processing")
    if processing:
        body["processing"] = [{"procedure": procedure} for procedure in processing]
    return body


def _collection(sheet: Sheet, sample: HubObject) -> dict[str, Any]:
    stated = (
        ("collectedDateTime", sheet.date(sample, "collection_date", "/collection/collectedDateTime")),
        ("method", sheet.concept(sample, "extraction_technique", "/collection/method")),
        ("bodySite", sheet.concept(sample, "anatomical_location", "/collection/bodySite")),
    )
    return {name: value for name, value in stated if value}


def _parents(sheet: Sheet, sample: HubObject) -> list[dict[str, str]]:
    """Specimen.parent, "when the specimen was either derived from or a component of another specimen"."""
    made: list[dict[str, str]] = []
    for relation in sample.get("relations", ()):
        if not is_of_a_parent(relation):
            sheet.lost(relation, "*", "/parent", "a Specimen is related to the specimens that it was derived from only")
            continue
        for related in relation.get("related_samples", ()):
            parent = sheet.specimens.get(related) if related != sample.get("sample_id") else None
            if parent is None:
                message = "a parent is another Specimen of the record; there is none of this identifier"
                sheet.lost(relation, "related_samples", "/parent", message)
            else:
                made.append({"reference": f"Specimen/{parent}"})
    return made
