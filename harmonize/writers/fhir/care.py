"""What was done: encounters, procedures, devices and episodes of care."""

from __future__ import annotations

from typing import Any

import orjson

from harmonize.findings import Outcome
from harmonize.hub.objects import HubObject
from harmonize.writers.fhir.datatypes import ACT_CODE, DATA_ABSENT_REASON, SNOMED_CT, fixed_text
from harmonize.writers.fhir.oncology import with_side
from harmonize.writers.fhir.sheet import Sheet

_NOT_STATED = orjson.Fragment(orjson.dumps({"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "unknown"}]}))
"""A primitive that must be there and is not known, where its required value set has no code that says so."""

_SIDES = {  # qualifiers of codes (mappings/systems); SNOMED CT as mCODE 4.0.0 has it, LateralityQualifierVS
    ("left",): fixed_text(SNOMED_CT, "7771000", "Left"),
    ("right",): fixed_text(SNOMED_CT, "24028007", "Right"),
    ("both sides",): fixed_text(SNOMED_CT, "51440002", "Right and left"),
}


def encounters(sheet: Sheet) -> None:
    """One Encounter per care episode. Encounter.class is one coding of v3-ActCode."""
    for episode in sheet.record.get("care_episodes", ()):
        resource_id = sheet.new_id("Encounter", episode)
        kind = next((c for c in episode.get("kind", {}).get("codings", ()) if c["system"] == "ACTCODE"), None)
        if kind is None:
            sheet.lost(episode, "*", "", "an encounter needs its class; the record states none of HL7 ActCode")
            continue
        if any(other["origin"] == "stated" and other is not kind for other in episode["kind"]["codings"]):
            message = "the class of an encounter is one coding; another stated code is left out"
            sheet.lost(episode, "kind", "/class", message, Outcome.COARSENED)
        status = episode.get("status", "finished" if "end_date" in episode else None)
        if status is None:
            sheet.log.default("Encounter.status")
        coding = {"system": ACT_CODE, "code": kind["code"].partition(":")[2]}
        if "label" in kind:
            coding["display"] = kind["label"]
        body: dict[str, Any] = {"status": status or "unknown", "class": coding, "subject": sheet.patient}
        kind_of_contact = sheet.concept(episode, "type", "/type")
        if kind_of_contact:
            body["type"] = [kind_of_contact]
        period = sheet.period(episode, "start_date", "end_date", "/period")
        if period:
            body["period"] = period
        reason = sheet.concept(episode, "reason", "/reasonCode")
        if reason:
            body["reasonCode"] = [reason]
        sheet.add("Encounter", resource_id, episode, body)


def procedures(sheet: Sheet) -> None:
    """FHIR R4 Procedure."""
    for procedure in sheet.record.get("procedures", ()):
        resource_id = sheet.new_id("Procedure", procedure)
        code, side = _code_and_side(sheet, procedure)
        if not code:
            sheet.not_made(procedure, "a procedure needs a code; the record states none")
            continue
        if "status" not in procedure:
            sheet.log.default("Procedure.status")
        body: dict[str, Any] = {
            "status": procedure.get("status", "unknown"),
            "code": code,
            "subject": sheet.patient,
        }
        body.update(sheet.time(procedure, "date", "end_date", "performed"))
        site = sheet.concept(procedure, "body_site", "/bodySite")
        if side:
            place = sheet.run.concepts.render(procedure["body_site"]).text if site else ""
            body["bodySite"] = [with_side(place, side)]
        elif site:
            body["bodySite"] = [site]
        sheet.add("Procedure", resource_id, procedure, body)


def _code_and_side(sheet: Sheet, procedure: HubObject) -> tuple[Any, Any]:
    """The code of a procedure, and the side where a qualifier of the code says one: FHIR holds it at the body site."""
    stated = procedure.get("code", {})
    side = _SIDES.get(tuple(stated.get("qualifiers", ())))
    if side is not None:
        body, loses = sheet.run.concepts.codings({name: v for name, v in stated.items() if name != "qualifiers"})
        if body and not loses:
            return body, side
    return sheet.concept(procedure, "code", "/code"), None


def device_use_statements(sheet: Sheet) -> None:
    """One Device and one DeviceUseStatement per use: a use refers to its device."""
    for use in sheet.record.get("device_uses", ()):
        device_id = sheet.new_id("Device", use)
        kind = sheet.concept(use, "device", "/type")
        statement_id = sheet.new_id("DeviceUseStatement", use)
        if kind is None:
            sheet.not_made(use, "the use of a device needs the kind of device; there is none")
            continue
        device: dict[str, Any] = {"type": kind, "patient": sheet.patient}
        if "device_id" in use:
            device["identifier"] = [{"value": use["device_id"]}]
        sheet.add("Device", device_id, use, device)
        sheet.log.default("DeviceUseStatement.status")
        body = {
            "_status": _NOT_STATED,
            "subject": sheet.patient,
            **sheet.time(use, "start_date", "end_date", "timing"),
            "device": {"reference": f"Device/{device_id}"},
        }
        sheet.add("DeviceUseStatement", statement_id, use, body)


def episodes_of_care(sheet: Sheet) -> None:
    """One EpisodeOfCare per clinical episode: disease management is an example of `type` on the page of the resource."""
    for episode in sheet.record.get("clinical_episodes", ()):
        resource_id = sheet.new_id("EpisodeOfCare", episode)
        sheet.log.default("EpisodeOfCare.status")
        body: dict[str, Any] = {"_status": _NOT_STATED, "patient": sheet.patient}
        stated = sheet.concept(episode, "type", "/type")
        kind = {"text": episode["kind"]} if "kind" in episode else None
        types = [concept for concept in (stated, kind) if concept is not None]
        if types:
            body["type"] = types
        conditions = _conditions_of(sheet, episode)
        if conditions:
            body["diagnosis"] = [{"condition": {"reference": f"Condition/{condition}"}} for condition in conditions]
        period = sheet.period(episode, "start_date", "end_date", "/period")
        if period:
            body["period"] = period
        sheet.add("EpisodeOfCare", resource_id, episode, body)


def _conditions_of(sheet: Sheet, episode: HubObject) -> list[str]:
    """The Conditions of the disease that an episode consists of: EpisodeOfCare.diagnosis takes references to them only."""
    stated = episode.get("object")
    if stated is None:
        return []
    if episode.get("kind") == "treatment":
        message = "EpisodeOfCare has no element for a regimen; its diagnosis is a Condition"
        sheet.lost(episode, "object", "/diagnosis", message)
        return []
    found = [resource_id for disease, resource_id in sheet.conditions_with(stated) if _says_all(disease, stated)]
    if not found:
        message = "EpisodeOfCare.diagnosis refers to a Condition; the record states none of this disease"
        sheet.lost(episode, "object", "/diagnosis", message)
    elif sheet.run.concepts.render(stated).loses:
        message = "a code or qualifier has no place in a CodeableConcept"
        sheet.lost(episode, "object", "/diagnosis", message, Outcome.COARSENED)
    return found


def _says_all(disease: HubObject, stated: HubObject) -> bool:
    """Whether the coded value *disease* holds the codes and the text of *stated*."""
    codes = {coding["code"] for coding in stated["codings"]}
    return codes <= {coding["code"] for coding in disease["codings"]} and stated.get("text") in (
        None,
        disease.get("text"),
    )
