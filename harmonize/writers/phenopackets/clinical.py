"""Phenotypic features and diseases.

Source: phenopacket-schema v2, disease.proto: `diseaseStage`, `clinicalTnmFinding` (ARGO's clinical categories), `primarySite`
(ICD-O).
"""

from __future__ import annotations

from typing import Any

import orjson

from harmonize.findings import Outcome
from harmonize.hub.objects import HubObject, is_had
from harmonize.writers.phenopackets.common_elements import NOTHING_COMMON
from harmonize.writers.phenopackets.oncology import tumour_findings
from harmonize.writers.phenopackets.sheet import Sheet

_Elements = list[Any]


def features(sheet: Sheet) -> _Elements:
    """One PhenotypicFeature per feature that has a code."""
    made: _Elements = []
    if "phenotypic_features" not in sheet.record:
        return made
    sheet.under_way("/phenotypicFeatures", made)
    for feature in sheet.record["phenotypic_features"]:
        term = sheet.term(feature, "type", "/type")
        if term is None:
            sheet.lost(feature, "*", "", "a phenotypic feature needs a type; there is no code")
            continue
        entry: dict[str, Any] = {"type": term.body}
        if feature.get("excluded"):
            entry["excluded"] = True
        sheet.put(entry, "severity", feature, "severity")
        if "modifiers" in feature:
            modifiers = sheet.terms(feature, "modifiers", "/modifiers")
            if modifiers:
                entry["modifiers"] = [modifier.body for modifier in modifiers]
        onset = sheet.time(feature, "onset_date", "onset_age", "onset_stage", "/onset")
        if onset:
            entry["onset"] = onset
        end = sheet.timestamp(feature, "end_date", "/resolution")
        if end:
            entry["resolution"] = end
        evidence = sheet.term(feature, "evidence", "/evidence/0/evidenceCode")
        if evidence:
            entry["evidence"] = [{"evidenceCode": evidence.body}]
        sheet.made(feature)
        made.append(entry)
    return made


def diseases(sheet: Sheet) -> _Elements:
    """One Disease per diagnosis that has a code and was not entered in error."""
    onset_of = _onset_of_the_only_disease(sheet) if "symptom_onsets" in sheet.record else None
    items = sheet.record.get("diagnoses", ())
    elements = sheet.elements if onset_of is None else NOTHING_COMMON
    common = elements.diseases(items, sheet.prefixes, False)
    if not isinstance(common, list):
        return [orjson.Fragment(common)] if common else []
    made: _Elements = []
    sheet.under_way("/diseases", made)
    for diagnosis, text in zip(items, common, strict=True):
        if text is not None:
            made.append(orjson.Fragment(text))
            continue
        term = sheet.term(diagnosis, "disease", "/term")
        if term is None:
            sheet.lost(diagnosis, "*", "", "a disease needs a term; there is no code")
            continue
        if diagnosis.get("certainty") == "entered_in_error":
            sheet.lost(diagnosis, "*", "", "it was entered in error; v2 has no way to say so")
            continue
        entry: dict[str, Any] = {"term": term.body}
        if diagnosis.get("excluded"):
            entry["excluded"] = True
        elif diagnosis.get("certainty", "confirmed") != "confirmed":
            message = "it is written as a disease; v2 does not say that it is not confirmed"
            sheet.lost(diagnosis, "certainty", "", message, Outcome.COARSENED)
        onset = sheet.time(diagnosis, "onset_date", "onset_age", "onset_stage", "/onset")
        if onset is None and onset_of is not None and onset_of[0] is diagnosis:
            onset = sheet.time(onset_of[1], "date", "age", "stage", "/onset")
        if onset:
            entry["onset"] = onset
        end = sheet.timestamp(diagnosis, "end_date", "/resolution")
        if end:
            entry["resolution"] = end
        entry.update(tumour_findings(sheet, diagnosis))
        _primary_site(sheet, entry, diagnosis)
        sheet.made(diagnosis)
        made.append(entry)
    return made


def _primary_site(sheet: Sheet, entry: dict[str, Any], diagnosis: HubObject) -> None:
    """Disease.primarySite: the site of the tumour, else the part of the body that the disease affects."""
    sheet.put(entry, "primarySite", diagnosis, "topography")
    sheet.put(entry, "laterality", diagnosis, "laterality")
    if "primarySite" not in entry:
        sheet.put(entry, "primarySite", diagnosis, "body_site")
    elif "body_site" in diagnosis:
        message = "a disease has one site; that of the tumour is preferred"
        sheet.lost(diagnosis, "body_site", "/primarySite", message)


def _onset_of_the_only_disease(sheet: Sheet) -> tuple[HubObject, HubObject] | None:
    """(diagnosis, onset) where the first symptoms can only be those of one disease; else the onsets are lost."""
    onsets = sheet.record["symptom_onsets"]
    stated = [d for d in sheet.record.get("diagnoses", ()) if is_had(d) and "disease" in d]
    if (
        len(onsets) == 1
        and len(stated) == 1
        and stated[0]["disease"].get("codings")
        and not {"onset_date", "onset_age", "onset_stage"} & stated[0].keys()
    ):
        return stated[0], onsets[0]
    sheet.under_way("/diseases")
    for onset in onsets:
        message = "first symptoms are not tied to one disease; v2 has no other place for them"
        sheet.lost(onset, "*", "", message)
    return None
