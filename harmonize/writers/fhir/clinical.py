"""Conditions and observations: diagnoses, first symptoms, phenotypic features, measurements, disability."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson

from harmonize.hub.objects import HubObject, is_had, is_stated
from harmonize.writers.fhir import oncology
from harmonize.writers.fhir.datatypes import LOINC, SNOMED_CT, UCUM, concept, fixed
from harmonize.writers.fhir.sheet import Sheet

PHENOTYPE_PROFILE = "http://hl7.org/fhir/uv/phenomics-exchange/StructureDefinition/phenotype|1.0.0-ballot"
_PHENOTYPE_COMPONENT = "http://hl7.org/fhir/uv/phenomics-exchange/CodeSystem/temporary-phenotype-component"
AGE_ONSET = fixed(_PHENOTYPE_COMPONENT, "AGE_ONSET", "Age of onset")
AGE_ONSET_CODED = fixed(_PHENOTYPE_COMPONENT, "AGE_ONSET_CODED", "Coded age of onset")
HPO = "http://human-phenotype-ontology.org"
SEVERITY = fixed(HPO, "HP:0012824", "Severity")
MODIFIER = fixed(HPO, "HP:0012823", "Clinical modifier")
PRESENT = fixed(LOINC, "LA9633-4", "Present")
ABSENT = fixed(LOINC, "LA9634-2", "Absent")
ASSERTED_DATE = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
SYMPTOM_ONSET = concept(SNOMED_CT, "298059007", "Date of onset")  # RD-CDM 2.0, element 5.4
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_VERIFICATIONS = {
    "confirmed": fixed(_VERIFICATION, "confirmed", "Confirmed"),
    "provisional": fixed(_VERIFICATION, "provisional", "Provisional"),
    "differential": fixed(_VERIFICATION, "differential", "Differential"),
    "unconfirmed": fixed(_VERIFICATION, "unconfirmed", "Unconfirmed"),
    "refuted": fixed(_VERIFICATION, "refuted", "Refuted"),
    "entered_in_error": fixed(_VERIFICATION, "entered-in-error", "Entered in Error"),
}
REFUTED = _VERIFICATIONS["refuted"]
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_CLINICAL_STATUSES = {
    code: fixed(_CLINICAL, code, code.capitalize())
    for code in ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
}
_PLAIN = frozenset({"disease", "certainty", "excluded", "clinical_status", "onset_date", "onset_age", "end_date"})
_ONSET = ("onset_date", "onset_age", "onset_stage")
_NOT_HAD = frozenset({"refuted", "entered_in_error"})
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
UNDIAGNOSED = concept(  # RareLink's concept map of RD-CDM 2.0, element 3.6
    "http://www.orpha.net", "616874", "Rare disorder without a determined diagnosis after full investigation"
)
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_CATEGORIES = {
    code: orjson.dumps([concept(_CATEGORY, code, display)]).decode()
    for code, display in (
        ("laboratory", "Laboratory"),
        ("exam", "Exam"),
        ("survey", "Survey"),
        ("vital-signs", "Vital Signs"),
        ("imaging", "Imaging"),
        ("social-history", "Social History"),
        ("procedure", "Procedure"),
        ("therapy", "Therapy"),
        ("activity", "Activity"),
    )
}


def days_between(born: Any, later: Any) -> int | None:
    """Whole days between two hub dates, where both are known to the day and in order."""
    if not born or not later or born["precision"] != "day" or later["precision"] != "day":
        return None
    days = (dt.date.fromisoformat(later["value"]) - dt.date.fromisoformat(born["value"])).days
    return days if days >= 0 else None


def conditions(sheet: Sheet) -> None:
    """One Condition per diagnosis, and one that says that there is none. con-3 asks for clinicalStatus on problem lists only."""
    onset = _onset_of_the_only_disease(sheet)
    for diagnosis in sheet.record.get("diagnoses", ()):
        _condition(sheet, diagnosis, onset[1] if onset is not None and onset[0] is diagnosis else None)
    _undiagnosed(sheet)
    if onset is None:
        for first in sheet.record.get("symptom_onsets", ()):
            _symptom_onset(sheet, first)


def _condition(sheet: Sheet, diagnosis: HubObject, first_symptoms: HubObject | None) -> None:
    resource_id = sheet.new_id("Condition", diagnosis)
    is_plain = diagnosis.keys() <= _PLAIN  # as most are
    body: dict[str, Any] = {} if is_plain else _described(sheet, diagnosis)
    body.update(_statuses(sheet, diagnosis))
    code = sheet.concept(diagnosis, "disease", "/code")
    if code:
        body["code"] = code
    body["subject"] = sheet.patient
    if not diagnosis.keys().isdisjoint(_ONSET):
        body.update(_onset(sheet, diagnosis, _ONSET))
    if first_symptoms is not None:
        body.update(_onset(sheet, first_symptoms, ("date", "age", "stage")))
    if "end_date" in diagnosis:
        body.update(_abatement(sheet, diagnosis))
    if "clinical_episodes" in sheet.record:
        _remember(sheet, diagnosis, resource_id)
    if not is_plain:
        if "role" in diagnosis:
            sheet.conditions_by_role.setdefault(diagnosis["role"], []).append(resource_id)
        stages = oncology.stages(sheet, diagnosis, resource_id)
        if stages:
            body["stage"] = stages
    sheet.add("Condition", resource_id, diagnosis, body)


def _remember(sheet: Sheet, diagnosis: HubObject, resource_id: str) -> None:
    """Keep the Condition for the episodes of its disease."""
    if not diagnosis.get("excluded") and diagnosis.get("certainty") not in _NOT_HAD:
        for code_of_disease in {coding["code"] for coding in diagnosis["disease"].get("codings", ())}:
            sheet.conditions.setdefault(code_of_disease, []).append((diagnosis["disease"], resource_id))


def _described(sheet: Sheet, diagnosis: HubObject) -> dict[str, Any]:
    """When the diagnosis was made, what mCODE says of a tumour beside its site, severity and sites."""
    made: dict[str, Any] = {}
    extensions: list[dict[str, Any]] = []
    diagnosed = sheet.date(diagnosis, "date_of_diagnosis", "/extension")
    if diagnosed:
        extensions.append({"url": ASSERTED_DATE, "valueDateTime": diagnosed})
    morphology = sheet.concept(diagnosis, "morphology", "/extension")
    if morphology:
        extensions.append({"url": oncology.HISTOLOGY_MORPHOLOGY_BEHAVIOR, "valueCodeableConcept": morphology})
    if extensions:
        made["extension"] = extensions
    severity = sheet.concept(diagnosis, "severity", "/severity")
    if severity:
        made["severity"] = severity
    sites = _sites(sheet, diagnosis)
    if sites:
        made["bodySite"] = sites
    return made


def _sites(sheet: Sheet, diagnosis: HubObject) -> list[Any]:
    """The sites of a disease; the side is said with the last of them, or where there is none by itself."""
    sites: list[Any] = []
    last: Any = None
    for slot in ("body_site", "topography"):
        if slot in diagnosis:
            site = sheet.concept(diagnosis, slot, "/bodySite")
            if site:
                sites.append(site)
                last = diagnosis[slot]
    if sheet.concept(diagnosis, "laterality", "/bodySite"):
        render = sheet.run.concepts.render
        place = render(last).text if sites else ""
        sites[-1:] = [oncology.with_side(place, render(diagnosis["laterality"]).text)]
    return sites


def _statuses(sheet: Sheet, diagnosis: HubObject) -> dict[str, Any]:
    """clinicalStatus and verificationStatus."""
    made: dict[str, Any] = {}
    if "clinical_status" in diagnosis:
        if diagnosis.get("certainty") == "entered_in_error":
            message = "con-5: there is no clinical status of what was entered in error"
            sheet.lost(diagnosis, "clinical_status", "/clinicalStatus", message)
        else:
            made["clinicalStatus"] = _CLINICAL_STATUSES[diagnosis["clinical_status"]]
    if diagnosis.get("excluded"):
        made["verificationStatus"] = REFUTED
        if diagnosis.get("certainty", "refuted") != "refuted":
            message = "a verification status that is refuted says no other certainty"
            sheet.lost(diagnosis, "certainty", "/verificationStatus", message)
    elif "certainty" in diagnosis:
        made["verificationStatus"] = _VERIFICATIONS[diagnosis["certainty"]]
    return made


def _abatement(sheet: Sheet, diagnosis: HubObject) -> dict[str, Any]:
    """abatementDateTime. con-4 demands a clinicalStatus that is not active beside it; `inactive` is the most general of them."""
    if diagnosis.get("certainty") == "entered_in_error":
        message = "con-4 demands a clinical status of what has abated, con-5 forbids it of what was entered in error"
        sheet.lost(diagnosis, "end_date", "/abatementDateTime", message)
        return {}
    if diagnosis.get("clinical_status") in _ACTIVE:
        message = "con-4: what is active has not abated"
        sheet.lost(diagnosis, "end_date", "/abatementDateTime", message)
        return {}
    made: dict[str, Any] = {"abatementDateTime": sheet.date(diagnosis, "end_date", "/abatementDateTime")}
    if "clinical_status" not in diagnosis:
        sheet.log.default("Condition.clinicalStatus")
        made["clinicalStatus"] = _CLINICAL_STATUSES["inactive"]
    return made


def _undiagnosed(sheet: Sheet) -> None:
    """A Condition that says that the person has a rare disease without a determined diagnosis."""
    if "undiagnosed" not in sheet.record:
        return
    resource_id = sheet.new_id("Condition/undiagnosed", True)
    if not sheet.record["undiagnosed"]:
        message = "that a diagnosis was made is said by the diagnosis alone"
        sheet.log.unsupported(sheet.record, "undiagnosed", "/Condition", message)
        return
    sheet.add("Condition", resource_id, sheet.record, {"code": UNDIAGNOSED, "subject": sheet.patient})


def _onset(sheet: Sheet, holder: HubObject, slots: tuple[str, str, str]) -> dict[str, Any]:
    """Condition.onset[x] from (date, age, stage); it holds one form, the others are lost."""
    made: dict[str, Any] = {}
    for slot, name in zip(slots, ("onsetDateTime", "onsetAge", "onsetString"), strict=True):
        if slot not in holder:
            continue
        if made:
            sheet.lost(holder, slot, "/onset", "an onset holds one form; another is preferred")
        elif name == "onsetDateTime":
            made = {name: sheet.date(holder, slot, f"/{name}")}
        elif name == "onsetAge":
            value = sheet.age(holder, slot, f"/{name}")
            made = {name: value} if value else {}
        else:
            sheet.lost(holder, slot, "/onset", "an onset has no coded form")
    return made


def _onset_of_the_only_disease(sheet: Sheet) -> tuple[HubObject, HubObject] | None:
    """(diagnosis, first symptoms) where they can only be those of one disease that states no onset itself."""
    onsets = sheet.record.get("symptom_onsets", ())
    if len(onsets) != 1 or "stage" in onsets[0]:
        return None
    diseases = [d for d in sheet.record.get("diagnoses", ()) if is_had(d)]
    if len(diseases) != 1 or not diseases[0].keys().isdisjoint(_ONSET):
        return None
    return diseases[0], onsets[0]


def _symptom_onset(sheet: Sheet, first: HubObject) -> None:
    """First symptoms that are tied to no single disease: an Observation, as RD-CDM 2.0 (element 5.4) has it."""
    resource_id = sheet.new_id("Observation/symptom-onset", first)
    path = "/value"
    value: dict[str, Any] = {}
    if "date" in first:
        value = {"valueDateTime": sheet.date(first, "date", path)}
    elif "age" in first:
        quantity = sheet.age(first, "age", path)
        value = {"valueQuantity": quantity} if quantity else {}
    elif "stage" in first:
        stage = sheet.concept(first, "stage", path)
        value = {"valueCodeableConcept": stage} if stage else {}
    used = next((slot for slot in ("date", "age", "stage") if slot in first), None)
    for slot in ("age", "stage"):
        if slot in first and slot != used:
            sheet.lost(first, slot, path, f"a value holds one form; the {used} is preferred")
    if not value:
        return
    sheet.log.default("Observation.status")
    sheet.add(
        "Observation", resource_id, first, {"status": "final", "code": SYMPTOM_ONSET, "subject": sheet.patient, **value}
    )


def phenotypic_features(sheet: Sheet) -> None:
    """Observations after the profile `phenotype` of phenomics-exchange 1.0.0-ballot: present or absent, onset as component."""
    born = sheet.record.get("birth_date")
    for feature in sheet.record.get("phenotypic_features", ()):
        resource_id = sheet.new_id("Observation/phenotype", feature)
        code = sheet.concept(feature, "type", "/code") if is_stated(feature.get("type")) else None
        if code is None:  # nor is it said that something unknown is present
            sheet.not_made(feature, "an observation needs a code")
            continue
        sheet.log.default("Observation.status")
        components, computed = _feature_components(sheet, feature, born)
        body: dict[str, Any] = {"status": "final", "code": code, "subject": sheet.patient}
        body.update(_feature_time(sheet, feature, computed))
        body["valueCodeableConcept"] = ABSENT if feature.get("excluded") else PRESENT
        site = sheet.concept(feature, "body_site", "/bodySite")
        if site:
            body["bodySite"] = site
        evidence = sheet.concept(feature, "evidence", "/method")
        if evidence:
            body["method"] = evidence  # RD-CDM 2.0, element 6.2.9
        if components:
            body["component"] = components
        sheet.add("Observation", resource_id, feature, body, PHENOTYPE_PROFILE)


def _feature_components(sheet: Sheet, feature: HubObject, born: Any) -> tuple[list[dict[str, Any]], bool]:
    """The components, and whether they hold the date of onset as an exact age."""
    path = "/component"
    components: list[dict[str, Any]] = []
    days = days_between(born, feature.get("onset_date"))
    stated = sheet.age(feature, "onset_age", path)
    if stated:
        components.append({"code": AGE_ONSET, "valueQuantity": stated})
    elif days is not None:
        components.append(
            {"code": AGE_ONSET, "valueQuantity": {"value": days, "unit": "days", "system": UCUM, "code": "d"}}
        )
    stage = sheet.concept(feature, "onset_stage", path)
    if stage:
        components.append({"code": AGE_ONSET_CODED, "valueCodeableConcept": stage})
    severity = sheet.concept(feature, "severity", path)
    if severity:
        components.append({"code": SEVERITY, "valueCodeableConcept": severity})
    for modifier in feature.get("modifiers", ()):
        value = sheet.concept_of(feature, "modifiers", modifier, path)
        if value:
            components.append({"code": MODIFIER, "valueCodeableConcept": value})
    return components, days is not None and stated is None


def _feature_time(sheet: Sheet, feature: HubObject, computed: bool) -> dict[str, Any]:
    """Observation.effective[x], "the time-period the observed value is asserted as being true".

    The date of the assessment where that is all; the period where the end is known, or where only the onset is.
    """
    path = "/effective"
    period = sheet.period(feature, "onset_date", "end_date", path)
    start = period.get("start")
    if "end" in period or (start and "date_of_assessment" not in feature):
        if "date_of_assessment" in feature:
            sheet.lost(
                feature,
                "date_of_assessment",
                path,
                "effective[x] holds one form; the period of the feature is preferred",
            )
        return {"effectivePeriod": period}
    if start and not computed:
        sheet.lost(
            feature,
            "onset_date",
            path,
            "without two whole dates there is no age at onset; effective[x] holds the assessment",
        )
    assessed = sheet.date(feature, "date_of_assessment", path)
    return {"effectiveDateTime": assessed} if assessed else {}


def measurements(sheet: Sheet) -> None:
    """One Observation per measurement; a stated material becomes a Specimen of its own."""
    for measurement in sheet.record.get("measurements", ()):
        resource_id = sheet.measured(measurement, _CATEGORIES)
        if resource_id is not None:
            _measurement(sheet, measurement, resource_id)


def _measurement(sheet: Sheet, measurement: HubObject, resource_id: str) -> None:
    code = sheet.concept(measurement, "assay", "/code")
    if code is None:
        sheet.not_made(measurement, "an observation needs a code; the measurement states none")
        return
    if "status" not in measurement:
        sheet.log.default("Observation.status")
    body: dict[str, Any] = {"status": measurement.get("status", "final")}
    if "kind" in measurement:
        body["category"] = orjson.Fragment(_CATEGORIES[measurement["kind"]])
    body["code"], body["subject"] = code, sheet.patient
    taken = sheet.date(measurement, "date", "/effectiveDateTime")
    if taken:
        body["effectiveDateTime"] = taken
    body.update(_value(sheet, measurement))
    if "reference_low" in measurement or "reference_high" in measurement:
        bounds = _reference_range(sheet, measurement)
        body.update({"referenceRange": [bounds]} if bounds else {})
    if "interpretation" in measurement:
        meaning = sheet.concept(measurement, "interpretation", "/interpretation")
        body.update({"interpretation": [meaning]} if meaning else {})
    if "method" in measurement:
        method = sheet.concept(measurement, "method", "/method")
        body.update({"method": method} if method else {})
    if "specimen" in measurement:
        specimen = _material(sheet, measurement)
        body.update({"specimen": {"reference": f"Specimen/{specimen}"}} if specimen else {})
    sheet.add("Observation", resource_id, measurement, body)


def _value(sheet: Sheet, measurement: HubObject) -> dict[str, Any]:
    if "value" in measurement:
        if "coded_value" in measurement:
            sheet.lost(
                measurement,
                "coded_value",
                "/value",
                "a value is a quantity or a code; the quantity is preferred",
            )
        quantity = sheet.quantity(measurement["value"], "/valueQuantity")
        return {"valueQuantity": quantity} if quantity else {}
    coded = sheet.concept(measurement, "coded_value", "/valueCodeableConcept")
    return {"valueCodeableConcept": coded} if coded else {}


def _reference_range(sheet: Sheet, measurement: HubObject) -> dict[str, orjson.Fragment]:
    """Observation.referenceRange in the unit of the value; empty where no bound can be written."""
    made = {}
    for name in ("low", "high"):
        slot = f"reference_{name}"
        if slot not in measurement:
            continue
        if "value" not in measurement:
            sheet.lost(measurement, slot, "/referenceRange", "without a number there is no unit of the range")
            continue
        bound = sheet.bound(measurement, slot, measurement["value"], f"/referenceRange/0/{name}")
        if bound is not None:
            made[name] = bound
    return made


def _material(sheet: Sheet, measurement: HubObject) -> str | None:
    kind = sheet.concept(measurement, "specimen", "/specimen")
    if kind is None:
        return None
    specimen_id = sheet.new_id("Specimen/material", measurement)
    sheet.add("Specimen", specimen_id, measurement, {"type": kind, "subject": sheet.patient})
    return specimen_id


def disabilities(sheet: Sheet) -> None:
    """One Observation per rating of functioning: the ICF category, else the instrument, is what was observed."""
    for disability in sheet.record.get("disabilities", ()):
        resource_id = sheet.new_id("Observation/disability", disability)
        category = sheet.concept(disability, "category", "/code")
        instrument = sheet.concept(disability, "instrument", "/method")
        code = category or instrument
        if code is None:
            sheet.lost(disability, "*", "", "an observation needs a code; neither category nor instrument is stated")
            continue
        sheet.log.default("Observation.status")
        body: dict[str, Any] = {
            "status": "final",
            "category": orjson.Fragment(_CATEGORIES["survey"]),
            "code": code,
            "subject": sheet.patient,
        }
        body.update(sheet.time(disability, "date", "end_date", "effective"))
        if "score" in disability:
            score = sheet.quantity(disability["score"], "/valueQuantity")
            body.update({"valueQuantity": score} if score else {})
            if "qualifier" in disability:
                sheet.lost(disability, "qualifier", "/value", "a value holds one form; the score is preferred")
        elif "qualifier" in disability:
            body["valueString"] = disability["qualifier"]
        if category and instrument:
            body["method"] = instrument
        sheet.add("Observation", resource_id, disability, body)
