"""Medical actions of treatments: their agents, a radiation, a procedure.

Source: phenopacket-schema v2, medical_action.proto and its pages MedicalAction, Treatment, RadiationTherapy and DoseInterval.
A MedicalAction is of one form; what it is for, meant to reach and led to stands in each that a treatment makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from harmonize.hub.objects import PLANNED, HubObject, local_code
from harmonize.writers.phenopackets.quantities import quantity_of
from harmonize.writers.phenopackets.sheet import Sheet, midnight

NO_DOSE = "only a DoseInterval holds it, which needs a schedule that no source states"
OF_PROCEDURES = frozenset({"Treatment.type", "Treatment.procedure"})
"""Without these slots every treatment is one of agents."""
_DATES = ("start_date", "end_date")
_OF_AGENTS = ("routes_of_administration", "cumulative_dose")
_RADIATION = ("modalities", "fractions")
_ENDS = ("reason_for_incomplete_treatment", "toxicity_type", "outcome")
_INT32 = 2**31 - 1


def add_treatment(sheet: Sheet, treatment: HubObject, made: list[Any]) -> None:
    """Add the MedicalActions of a treatment to those already *made*."""
    if local_code(treatment.get("treatment_status"), "SNOMEDCT") == PLANNED:
        sheet.lost(treatment, "*", "", "v2 holds what was done; this treatment is planned")
        return
    about = _about(sheet, treatment)
    before = len(made)
    agents = sheet.terms(treatment, "agents", "/treatment/agent")
    if agents:
        shared = _administration(sheet, treatment, agents=len(treatment["agents"]))
        for agent in agents:
            sheet.made(treatment)
            made.append({"treatment": {"agent": agent.body, **shared}, **about})
    else:
        slots = ("routes_of_administration",) if _is_radiation(treatment) else _OF_AGENTS
        _lost(sheet, treatment, slots, "", "it belongs to an agent; there is none")
    radiation = _radiation(sheet, treatment) if _is_radiation(treatment) else None
    if radiation:
        sheet.made(treatment)
        made.append({"radiationTherapy": radiation, **about})
    procedure = _procedure(sheet, treatment, is_alone=len(made) == before)
    if procedure:
        sheet.made(treatment)
        made.append({"procedure": procedure, **about})
    else:
        _without_procedure(sheet, treatment, has_site=radiation is not None)
    if len(made) == before:
        sheet.lost(
            treatment, "*", "", "a treatment needs an agent, a radiation, a procedure or a kind; there is no code"
        )


def _lost(sheet: Sheet, treatment: HubObject, slots: Iterable[str], inside: str, message: str) -> None:
    for slot in slots:
        if slot in treatment:
            sheet.lost(treatment, slot, inside, message)


# --- what every action of a treatment says --------------------------------------------------------------------------


def _about(sheet: Sheet, treatment: HubObject) -> dict[str, Any]:
    """Target, intent, response, adverse events, and why it ended."""
    made: dict[str, Any] = {}
    target = _target(sheet, treatment)
    if target:
        made["treatmentTarget"] = target
    sheet.put(made, "treatmentIntent", treatment, "intention_to_treat")
    sheet.put(made, "responseToTreatment", treatment, "response_to_treatment")
    events = sheet.terms(treatment, "adverse_events", "/adverseEvents")
    if events:
        made["adverseEvents"] = [event.body for event in events]
    for slot in _ENDS:
        if "treatmentTerminationReason" not in made:
            sheet.put(made, "treatmentTerminationReason", treatment, slot)
        elif slot in treatment:
            message = "an action has one reason of its end; another is preferred"
            sheet.lost(treatment, slot, "/treatmentTerminationReason", message)
    return made


def _target(sheet: Sheet, treatment: HubObject) -> orjson.Fragment | None:
    """The disease of the only diagnosis that is what the treatment says, index disease or comorbidity."""
    if "treated_disease" not in treatment:
        return None
    diagnoses = [d for d in sheet.record.get("diagnoses", ()) if d.get("role") == treatment["treated_disease"]]
    if len(diagnoses) == 1 and diagnoses[0]["disease"].get("codings"):
        term = sheet.run.term(diagnoses[0]["disease"])
        sheet.prefixes.add(term.prefix)
        return term.body
    message = "a target is one disease; which of the diagnoses it is, is not stated"
    sheet.lost(treatment, "treated_disease", "/treatmentTarget", message)
    return None


# --- agents ---------------------------------------------------------------------------------------------------------


def _administration(sheet: Sheet, treatment: HubObject, *, agents: int) -> dict[str, Any]:
    """Route and cumulative dose. Of several agents it is not stated which one a dose, or one of several routes, is of."""
    made: dict[str, Any] = {}
    inside = "/treatment/routeOfAdministration"
    if agents > 1 and len(treatment.get("routes_of_administration", ())) > 1:
        message = "which of the agents was given by which route is not stated"
        sheet.lost(treatment, "routes_of_administration", inside, message)
    else:
        route = sheet.first_of(treatment, "routes_of_administration", inside)
        if route:
            made["routeOfAdministration"] = route.body
    if "cumulative_dose" in treatment and not _is_radiation(treatment):
        inside = "/treatment/cumulativeDose"
        if agents > 1:
            sheet.lost(treatment, "cumulative_dose", inside, "of which of the agents it is the dose is not stated")
            return made
        dose = quantity_of(sheet, treatment["cumulative_dose"], inside)
        if dose:
            made["cumulativeDose"] = dose
    return made


# --- radiation ------------------------------------------------------------------------------------------------------


def _is_radiation(treatment: HubObject) -> bool:
    return not treatment.keys().isdisjoint(_RADIATION)


def _radiation(sheet: Sheet, treatment: HubObject) -> dict[str, Any] | None:
    """RadiationTherapy, which requires modality, site, dosage in whole Gray and fractions."""
    dosage, fractions = _gray(treatment), treatment.get("fractions")
    one_each = all(len(treatment.get(slot, ())) == 1 for slot in ("modalities", "sites"))
    if one_each and dosage is not None and fractions is not None and fractions <= _INT32:
        modality = sheet.first_of(treatment, "modalities", "/radiationTherapy/modality")
        site = sheet.first_of(treatment, "sites", "/radiationTherapy/bodySite")
        if modality and site:
            counts = {name: count for name, count in (("dosage", dosage), ("fractions", fractions)) if count}
            return {"modality": modality.body, "bodySite": site.body, **counts}
    message = "a radiation needs one modality, one site, the dose in whole Gray and the fractions"
    _lost(sheet, treatment, (*_RADIATION, "cumulative_dose"), "/radiationTherapy", message)
    return None


def _gray(treatment: HubObject) -> int | None:
    """The cumulative dose in whole Gray; None where it is stated in no such unit."""
    dose = treatment.get("cumulative_dose", {})
    if dose.get("unit") != "Gy" or "comparator" in dose:
        return None
    number = float(dose["value"])
    return int(number) if number.is_integer() and 0 <= number <= _INT32 else None


# --- procedure ------------------------------------------------------------------------------------------------------


def _procedure(sheet: Sheet, treatment: HubObject, *, is_alone: bool) -> dict[str, Any] | None:
    """Procedure: what the treatment says that it is or, where nothing else is written of it, its kind."""
    inside = "/procedure"
    code = sheet.term(treatment, "procedure", f"{inside}/code")
    if code is None and is_alone:
        code = sheet.term(treatment, "type", f"{inside}/code")
    else:
        _lost(sheet, treatment, ("type",), "", "an action has no element for the kind of a treatment beside its form")
    if code is None:
        return None
    entry: dict[str, Any] = {"code": code.body}
    site = sheet.first_of(treatment, "sites", f"{inside}/bodySite")
    if site:
        entry["bodySite"] = site.body
    performed = performed_time(sheet, treatment, "start_date", "end_date")
    if performed:
        entry["performed"] = performed
    return entry


def _without_procedure(sheet: Sheet, treatment: HubObject, *, has_site: bool) -> None:
    """Say what only a Procedure holds."""
    if not sheet.run.drops_dates_of_treatments:
        _lost(sheet, treatment, _DATES, "", NO_DOSE)
    if not has_site:
        _lost(sheet, treatment, ("sites",), "", "a treatment with an agent has no site")


def performed_time(sheet: Sheet, holder: HubObject, first: str, last: str) -> Any:
    """The TimeElement of a procedure: an interval of two known days, else the first day."""
    inside = "/procedure/performed"
    if last not in holder:
        return sheet.timestamp(holder, first, inside)
    start, end = sheet.day(holder, first, inside), sheet.day(holder, last, inside)
    if start and end:
        return {"interval": {"start": midnight(start), "end": midnight(end)}}
    if end:
        sheet.lost(holder, last, inside, "an interval needs two days; the first is not known")
    return sheet.run.time(start) if start else None
