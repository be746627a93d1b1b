"""Biosamples.

Source: phenopacket-schema v2, biosample.proto. `tumorProgression` asks whether the tissue is of the primary tumour, a metastasis
or a recurrence; `materialSample` holds "the status of the sample", such as that of a normal control.
"""

from __future__ import annotations

from typing import Any

import orjson

from harmonize.hub.objects import HubObject, is_of_a_parent
from harmonize.writers.phenopackets.oncology import morphology_without_tissue, pathological_findings, tissue_of_tumour
from harmonize.writers.phenopackets.sheet import Sheet

_PROGRESSIONS = frozenset(  # HMD v1.1, Sample.Pathological_state, and the examples of biosample.proto
    f"NCIT:{code}" for code in ("C8509", "C3261", "C4798", "C3677", "C84509", "C95606", "C4813")
)


def biosamples(sheet: Sheet) -> list[Any]:
    """One Biosample per sample that has an id, and per tumour of which no sample is stated but what a pathologist found."""
    made: list[Any] = []
    sheet.under_way("/biosamples", made)
    subject_id: str = sheet.record["subject_id"]
    seen: set[str] = set()
    for sample in sheet.record.get("samples", ()):
        if "sample_id" not in sample:
            sheet.lost(sample, "*", "", "a biosample needs an id")
            continue
        made.append(_biosample(sheet, sample, is_first=sample["sample_id"] not in seen))
        seen.add(sample["sample_id"])
    for diagnosis in sheet.record.get("diagnoses", ()):
        text = sheet.elements.tissue(diagnosis, subject_id, seen, sheet.prefixes)
        if text is None:
            tissue = tissue_of_tumour(sheet, diagnosis)
            if tissue is not None and tissue["id"] not in seen:
                made.append(tissue)
                seen.add(tissue["id"])
        elif text:
            made.append(orjson.Fragment(text))
        elif "morphology" in diagnosis:
            morphology_without_tissue(sheet, diagnosis)
    return made


def _biosample(sheet: Sheet, sample: HubObject, *, is_first: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": sample["sample_id"], "individualId": sheet.record["subject_id"]}
    if "relations" in sample:
        _parent(sheet, entry, sample)
    if sample.get("description"):
        entry["description"] = sample["description"]
    sheet.put(entry, "sampledTissue", sample, "anatomical_location")
    sheet.put(entry, "sampleType", sample, "type")
    sheet.put(entry, "taxonomy", sample, "organism")
    collected = sheet.time(sample, "collection_date", "age_at_collection", "-", "/timeOfCollection")
    if collected:
        entry["timeOfCollection"] = collected
    if "pathological_state" in sample:
        codes = {coding["code"] for coding in sample["pathological_state"].get("codings", ())}
        name = "tumorProgression" if codes & _PROGRESSIONS else "materialSample"
        sheet.put(entry, name, sample, "pathological_state")
    if is_first:
        entry.update(pathological_findings(sheet, sample))
    technique = sheet.term(sample, "extraction_technique", "/procedure/code")
    if technique:
        entry["procedure"] = {"code": technique.body}
    for slot, name in (("processing", "sampleProcessing"), ("storage_conditions", "sampleStorage")):
        term = sheet.first_of(sample, slot, f"/{name}")
        if term:
            entry[name] = term.body
    sheet.made(sample)
    return entry


def _parent(sheet: Sheet, entry: dict[str, Any], sample: HubObject) -> None:
    """Biosample.derivedFromId: one sample that this one was derived from."""
    for relation in sample["relations"]:
        if not is_of_a_parent(relation):
            message = "a biosample is related to the one that it was derived from only"
            sheet.lost(relation, "*", "/derivedFromId", message)
            continue
        for related in relation.get("related_samples", ()):
            if related == sample["sample_id"] or "derivedFromId" in entry:
                message = "a biosample was derived from one other"
                sheet.lost(relation, "related_samples", "/derivedFromId", message)
            else:
                entry["derivedFromId"] = related
