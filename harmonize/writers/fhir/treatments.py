"""Treatments: a MedicationStatement for each agent, a Procedure for what was done as a whole, an Observation of what it left.

Source: FHIR R4 (4.0.1), MedicationStatement, Procedure and Timing; mCODE 4.0.0, SD_Extensions.fsh (ProcedureIntent, whose
contexts are MedicationAdministration, Procedure and DomainResource). The kind of a treatment is the Procedure's:
MedicationStatement.category "indicates where the medication is expected to be consumed or administered".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harmonize.hub.objects import COMPLETED, DISCONTINUED, PLANNED, HubObject, local_code
from harmonize.writers import kept
from harmonize.writers.fhir import radiotherapy
from harmonize.writers.fhir.datatypes import LOINC, SNOMED_CT
from harmonize.writers.fhir.sheet import Sheet

PROCEDURE_INTENT = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-procedure-intent"
_STATUSES: Mapping[str | None, str] = {COMPLETED: "completed", DISCONTINUED: "stopped"}  # both of R4's value sets
_STATUSES_OF_MEDICATION = {**_STATUSES, PLANNED: "intended"}
_PLAIN = frozenset({"agents", "start_date", "end_date", "quantity", "days_supply"})
_OF_PROCEDURES = (
    "type",
    "subtype",
    "procedure",
    "sites",
    "adverse_events",
    "outcome",
    "surgical_resection_quality",
    *radiotherapy.SLOTS,
)
RESIDUAL_TUMOUR = kept(  # MII KDS Onkologie, mii-pr-onko-residualstatus
    {
        "coding": [
            {"system": LOINC, "code": "84892-9", "display": "Residual tumor status after surgical resection"},
            {"system": SNOMED_CT, "code": "445200009", "display": "Status of residual neoplasm"},
        ]
    }
)
_OF_MEDICATION = ("routes_of_administration", "dose_interval")
_OF_AGENTS = ("agents", *_OF_MEDICATION)
_REASONS = ("reason_for_incomplete_treatment", "toxicity_type")
_INTERVAL = re.compile(r"P(?:([0-9]{1,9})([YMWD])|T([0-9]{1,9})([HMS]))")
_PERIOD_UNITS = {"PY": "a", "PM": "mo", "PW": "wk", "PD": "d", "TH": "h", "TM": "min", "TS": "s"}


def treatments(sheet: Sheet) -> None:
    """What FHIR holds of each treatment: the Procedure of what has a kind or a code, the MedicationStatements of its agents."""
    for treatment in sheet.record.get("treatments", ()):
        is_plain = treatment.keys() <= _PLAIN and len(treatment.get("agents", ())) == 1  # as most are
        if not (_plain_statement if is_plain else _treatment)(sheet, treatment):
            sheet.not_made(treatment, "a treatment needs a medication, a procedure or a kind; there is none")


def _plain_statement(sheet: Sheet, treatment: HubObject) -> bool:
    """The MedicationStatement of one agent, of which nothing is said but the time; False where it has no code."""
    statement_id = sheet.new_id("MedicationStatement", treatment)
    medication = sheet.concept_of(treatment, "agents", treatment["agents"][0], "/medicationCodeableConcept")
    if medication is None:
        return False
    sheet.log.default("MedicationStatement.status")
    body = {
        "status": "unknown",
        "medicationCodeableConcept": medication,
        "subject": sheet.patient,
        **sheet.time(treatment, "start_date", "end_date", "effective"),
    }
    sheet.add("MedicationStatement", statement_id, treatment, body)
    return True


def _treatment(sheet: Sheet, treatment: HubObject) -> bool:
    """Both resources; False where neither was made."""
    is_planned = local_code(treatment.get("treatment_status"), "SNOMEDCT") == PLANNED
    has_agents = "agents" in treatment and any(sheet.run.concepts.render(agent).text for agent in treatment["agents"])
    procedure_id = None if is_planned else _procedure(sheet, treatment, has_agents=has_agents)
    if not has_agents:
        _lost(sheet, treatment, _OF_AGENTS, "a Procedure holds neither a medication nor how it is given")
        return procedure_id is not None
    _medication_statements(sheet, treatment, procedure_id)
    if procedure_id is None:
        message = "it belongs to a Procedure, which needs a code and is what was or is being done; there is none"
        _lost(sheet, treatment, _OF_PROCEDURES, message)
    return True


def _lost(sheet: Sheet, treatment: HubObject, slots: Iterable[str], message: str) -> None:
    for slot in slots:
        if slot in treatment:
            sheet.lost(treatment, slot, "", message)


def _shared(sheet: Sheet, treatment: HubObject) -> dict[str, Any]:
    """What both resources hold of a treatment in the same element."""
    made: dict[str, Any] = {}
    intent = sheet.concept(treatment, "intention_to_treat", "/extension")
    if intent:
        made["extension"] = [{"url": PROCEDURE_INTENT, "valueCodeableConcept": intent}]
    disease = _disease(sheet, treatment)
    if disease:
        made["reasonReference"] = [{"reference": f"Condition/{disease}"}]
    return made


def _disease(sheet: Sheet, treatment: HubObject) -> str | None:
    """The Condition that a treatment is for: the only one that is what the treatment says, index disease or comorbidity."""
    if "treated_disease" not in treatment:
        return None
    found = sheet.conditions_by_role.get(treatment["treated_disease"], ())
    if len(found) == 1:
        return found[0]
    message = "a reason refers to one Condition; which of the diagnoses it is, is not stated"
    sheet.lost(treatment, "treated_disease", "/reasonReference", message)
    return None


# --- the procedure --------------------------------------------------------------------------------------------------


def _procedure(sheet: Sheet, treatment: HubObject, *, has_agents: bool) -> str | None:
    """The Procedure of a treatment: its code is the procedure, else the kind. None where neither has a code."""
    procedure_id = sheet.new_id("Procedure/treatment", treatment)
    code = sheet.concept(treatment, "procedure", "/code")
    kind = _kind(sheet, treatment, "/category" if code else "/code")
    if code is None and kind is None:
        return None
    body = _shared(sheet, treatment)
    body["status"] = _status(sheet, treatment, _STATUSES, "Procedure.status")
    irradiated = radiotherapy.radiation(sheet, treatment)
    if irradiated:
        body["extension"] = [*body.get("extension", ()), *irradiated]
    reasons = _reasons(sheet, treatment)
    if reasons:
        body["statusReason"] = reasons[0]
    if len(reasons) > 1 and not has_agents:
        message = "a Procedure has one reason of its status; that of the incomplete treatment is preferred"
        sheet.lost(treatment, "toxicity_type", "/statusReason", message)
    if code and kind:
        body["category"] = kind
    body["code"], body["subject"] = code or kind, sheet.patient
    body.update(sheet.time(treatment, "start_date", "end_date", "performed"))
    for slot, element in (("sites", "bodySite"), ("adverse_events", "complication")):
        made = sheet.concepts(treatment, slot, f"/{element}") if slot in treatment else None
        if made:
            body[element] = made
    outcome = sheet.concept(treatment, "outcome", "/outcome")
    if outcome:
        body["outcome"] = outcome
    sheet.add("Procedure", procedure_id, treatment, body)
    if "surgical_resection_quality" in treatment:
        _residual_tumour(sheet, treatment, procedure_id)
    return procedure_id


def _kind(sheet: Sheet, treatment: HubObject, inside: str) -> Any:
    """The kind of a treatment; what it is in more detail are the words beside its code."""
    kind = sheet.concept(treatment, "type", inside)
    if "subtype" not in treatment:
        return kind
    body, _ = sheet.run.concepts.codings(treatment["type"]) if kind else ({}, False)
    if not body or "text" in body:
        sheet.lost(treatment, "subtype", inside, "it stands beside a coded kind that has no words yet; there is none")
        return kind
    return {**body, "text": treatment["subtype"]}


def _residual_tumour(sheet: Sheet, treatment: HubObject, procedure_id: str) -> None:
    """The Observation of the tumour that was left, part of the Procedure; it is seen when that is over."""
    resource_id = sheet.new_id("Observation/residual-tumour", treatment)
    value = sheet.concept(treatment, "surgical_resection_quality", "/valueCodeableConcept")
    if value is not None:
        sheet.log.default("Observation.status")
        body: dict[str, Any] = {
            "partOf": [{"reference": f"Procedure/{procedure_id}"}],
            "status": "final",
            "code": RESIDUAL_TUMOUR,
            "subject": sheet.patient,
            "valueCodeableConcept": value,
        }
        sheet.add("Observation", resource_id, treatment, body)
    sheet.under_way("Procedure/treatment", procedure_id)


def _status(sheet: Sheet, treatment: HubObject, statuses: Mapping[str | None, str], element: str) -> str:
    """The status of a resource, by HMD's codes of the state of a treatment; `unknown`, counted, for any other."""
    if "treatment_status" in treatment:
        status = statuses.get(local_code(treatment["treatment_status"], "SNOMEDCT"))
        if status is not None:
            return status
        sheet.lost(treatment, "treatment_status", "/status", "its code is none that a status of FHIR says")
    sheet.log.default(element)
    return "unknown"


def _reasons(sheet: Sheet, treatment: HubObject) -> list[Any]:
    """Why a treatment ended: the reason, and the toxicity that ended it."""
    return [reason for slot in _REASONS if (reason := sheet.concept(treatment, slot, "/statusReason")) is not None]


# --- the medication -------------------------------------------------------------------------------------------------


def _medication_statements(sheet: Sheet, treatment: HubObject, procedure_id: str | None) -> bool:
    """One MedicationStatement per agent, each with all that the treatment says; False where there was none to make."""
    agents = treatment.get("agents", ())
    ids = [_statement_id(sheet, treatment, agent) for agent in agents]
    medications = [sheet.concept_of(treatment, "agents", agent, "/medicationCodeableConcept") for agent in agents]
    if not any(medications):
        return False
    body = _statement(sheet, treatment)
    if procedure_id is not None:
        body["partOf"] = [{"reference": f"Procedure/{procedure_id}"}]
    for statement_id, medication in zip(ids, medications, strict=True):
        if medication is not None:
            sheet.add("MedicationStatement", statement_id, treatment, {**body, "medicationCodeableConcept": medication})
    return True


def _statement_id(sheet: Sheet, treatment: HubObject, agent: Any) -> str:
    return sheet.new_id("MedicationStatement", treatment if len(treatment["agents"]) == 1 else [treatment, agent])


def _statement(sheet: Sheet, treatment: HubObject) -> dict[str, Any]:
    """What every MedicationStatement of a treatment holds but the medication."""
    made: dict[str, Any] = {
        **_shared(sheet, treatment),
        "status": _status(sheet, treatment, _STATUSES_OF_MEDICATION, "MedicationStatement.status"),
        "subject": sheet.patient,
        **sheet.time(treatment, "start_date", "end_date", "effective"),
    }
    reasons = _reasons(sheet, treatment)
    if reasons:
        made["statusReason"] = reasons
    dosage = _dosage(sheet, treatment)
    if dosage:
        made["dosage"] = dosage
    return made


def _dosage(sheet: Sheet, treatment: HubObject) -> list[dict[str, Any]]:
    """Dosages: the routes, and how often. Of several agents it is not stated which one was given by which of several routes."""
    several = len(treatment["agents"]) > 1
    if several and len(treatment.get("routes_of_administration", ())) > 1:
        message = "which of the agents was given by which route is not stated"
        sheet.lost(treatment, "routes_of_administration", "/dosage", message)
        routes: list[Any] = []
    else:
        routes = sheet.concepts(treatment, "routes_of_administration", "/dosage/0/route")
    if several and "dose_interval" in treatment:
        sheet.lost(treatment, "dose_interval", "/dosage", "which of the agents was given so often is not stated")
        timing = None
    else:
        timing = _timing(sheet, treatment) if "dose_interval" in treatment else None
    if timing is not None and len(routes) == 1:
        return [{"timing": timing, "route": routes[0]}]
    by_route = [{"route": route} for route in routes]  # with the timing beside each it would be given more often
    return by_route if timing is None else [{"timing": timing}, *by_route]


def _timing(sheet: Sheet, treatment: HubObject) -> dict[str, Any] | None:
    """Timing: once in the time between two doses (FHIR R4, Timing.repeat, frequency, period and periodUnit)."""
    match = _INTERVAL.fullmatch(treatment["dose_interval"])
    if match is None:
        message = "a timing repeats after a number of one unit, of nine digits at most"
        sheet.lost(treatment, "dose_interval", "/dosage/0/timing", message)
        return None
    days, day_unit, seconds, second_unit = match.groups()
    unit = _PERIOD_UNITS[f"P{day_unit}" if days else f"T{second_unit}"]
    return {"repeat": {"frequency": 1, "period": int(days or seconds), "periodUnit": unit}}
