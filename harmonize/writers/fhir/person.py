"""Patient, death, family, and consent: the resources that are about the person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harmonize.findings import Outcome
from harmonize.hub.objects import HubObject, local_code, says_death
from harmonize.writers import kept
from harmonize.writers.fhir.datatypes import ACT_CODE, LOINC, SNOMED_CT, concept, fixed
from harmonize.writers.fhir.sheet import Sheet

PATIENT_GENDER_IDENTITY = "http://hl7.org/fhir/StructureDefinition/patient-genderIdentity"
PATIENT_BIRTH_PLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
CAUSE_OF_DEATH = concept(SNOMED_CT, "184305005", "Cause of death")  # RD-CDM 2.0, element 3.3
KARYOTYPIC_SEX = concept(SNOMED_CT, "1296886006", "Karyotypic sex")  # RD-CDM 2.0, element 2.3
AGE_CATEGORY = concept(SNOMED_CT, "105727008", "Age AND/OR growth period")  # RD-CDM 2.0, element 3.4
GESTATION_AT_BIRTH = concept(SNOMED_CT, "412726003", "Length of gestation at birth")  # RD-CDM 2.0, element 3.5
SEX_AT_BIRTH = fixed(LOINC, "76689-9", "Sex assigned at birth")
_OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SOCIAL_HISTORY = kept([concept(_OBSERVATION_CATEGORY, "social-history", "Social History")])
CONSENT_SCOPE = concept("http://terminology.hl7.org/CodeSystem/consentscope", "research", "Research")
CONSENT_CATEGORY = concept(
    "http://terminology.hl7.org/CodeSystem/consentcategorycodes", "research", "Research Information Access"
)
_POLICY_RULES = {"permit": concept(ACT_CODE, "OPTIN", "opt-in"), "deny": concept(ACT_CODE, "OPTOUT", "opt-out")}
_GENDER_OF_BIRTH_SEX = {"F": "female", "M": "male", "OTH": "other", "UNK": "unknown", "ASKU": "unknown"}
_GENDERS = frozenset({"female", "male", "other", "unknown"})


def patient(sheet: Sheet) -> None:
    """FHIR R4 Patient. The gender is the administrative one; without it, that of the sex at birth."""
    record = sheet.record
    body: dict[str, Any] = {}
    extensions = [e for e in (_birth_place(sheet), _gender_identity(sheet)) if e is not None]
    if extensions:
        body["extension"] = extensions
    gender = _gender(sheet)
    if gender:
        body["gender"] = gender
    born = sheet.date(record, "birth_date", "/birthDate")
    if born:
        body["birthDate"] = born
    vital = record.get("vital_status")
    if vital is not None:
        body.update(_deceased(sheet, vital))
    sheet.add("Patient", sheet.patient_id, record, body)
    if "sex_at_birth" in record:
        _birth_sex(sheet)
    if vital is not None and "cause_of_death" in vital:
        cause_of_death(sheet, vital)
    for slot, code in (("karyotypic_sex", KARYOTYPIC_SEX), ("age_category", AGE_CATEGORY)):
        if slot in record:
            _coded_observation(sheet, slot, code)
    if "gestation_at_birth" in record:
        _gestation(sheet)


def _birth_sex(sheet: Sheet) -> None:
    """Observation with LOINC 76689-9: FHIR R4 itself has no element for the sex at birth, and extensions belong to guides."""
    record = sheet.record
    resource_id = sheet.new_id("Observation/sex-at-birth", record["sex_at_birth"])
    value = sheet.concept(record, "sex_at_birth", "/valueCodeableConcept")
    if value is None:
        return
    sheet.log.default("Observation.status")
    body = {
        "status": "final",
        "category": SOCIAL_HISTORY,
        "code": SEX_AT_BIRTH,
        "subject": sheet.patient,
        "valueCodeableConcept": value,
    }
    sheet.add("Observation", resource_id, record, body)


def _coded_observation(sheet: Sheet, slot: str, code: Mapping[str, Any]) -> None:
    """A coded datum of the person that the rare disease common data model 2.0 makes an Observation."""
    resource_id = sheet.new_id(f"Observation/{slot}", sheet.record[slot])
    value = sheet.concept(sheet.record, slot, "/valueCodeableConcept")
    if value is None:
        return
    sheet.log.default("Observation.status")
    body = {"status": "final", "code": code, "subject": sheet.patient, "valueCodeableConcept": value}
    sheet.add("Observation", resource_id, sheet.record, body)


def _gestation(sheet: Sheet) -> None:
    resource_id = sheet.new_id("Observation/gestation_at_birth", sheet.record["gestation_at_birth"])
    length = sheet.age(sheet.record, "gestation_at_birth", "/valueQuantity")
    if length is None:
        return
    sheet.log.default("Observation.status")
    body = {"status": "final", "code": GESTATION_AT_BIRTH, "subject": sheet.patient, "valueQuantity": length}
    sheet.add("Observation", resource_id, sheet.record, body)


def _gender_identity(sheet: Sheet) -> dict[str, Any] | None:
    value = sheet.concept(sheet.record, "gender_identity", "/extension")
    return None if value is None else {"url": PATIENT_GENDER_IDENTITY, "valueCodeableConcept": value}


def _birth_place(sheet: Sheet) -> dict[str, Any] | None:
    country = sheet.record.get("country_of_birth")
    if country is None:
        return None
    name = local_code(country, "ISO3166")
    if name is None:
        name = next((c["label"] for c in country.get("codings", ()) if "label" in c), country.get("text"))
        if name is None:
            message = "Address.country takes an ISO 3166 code or a name; neither is known"
            sheet.lost(sheet.record, "country_of_birth", "/extension", message)
            return None
        message = "Address.country holds the name of the country and not its code"
        sheet.lost(sheet.record, "country_of_birth", "/extension", message, Outcome.COARSENED)
    return {"url": PATIENT_BIRTH_PLACE, "valueAddress": {"country": name}}


def _gender(sheet: Sheet) -> str | None:
    record = sheet.record
    if "administrative_gender" in record:
        gender = local_code(record["administrative_gender"], "GENDER")
        if gender in _GENDERS:
            return gender
        sheet.lost(record, "administrative_gender", "/gender", "it is not translated to AdministrativeGender")
    return _GENDER_OF_BIRTH_SEX.get(local_code(record.get("sex_at_birth"), "BIRTHSEX") or "")


def _deceased(sheet: Sheet, vital: HubObject) -> dict[str, Any]:
    died = sheet.date(vital, "date_of_death", "/deceasedDateTime")
    status = local_code(vital.get("status"), "VITALSTATUS")
    if died:
        if "status" in vital and status != "deceased":
            sheet.lost(
                vital,
                "status",
                "/deceasedBoolean",
                "a date of death stands beside a status that is not deceased",
            )
        return {"deceasedDateTime": died}
    if status == "alive" and says_death(vital):
        sheet.lost(vital, "status", "/deceasedBoolean", "it contradicts the death that is stated beside it")
        return {"deceasedBoolean": True}
    if status in ("alive", "deceased"):
        return {"deceasedBoolean": status == "deceased"}
    if "status" in vital:
        sheet.lost(vital, "status", "/deceasedBoolean", "it says neither alive nor deceased")
    return {"deceasedBoolean": True} if status is None and says_death(vital) else {}


def cause_of_death(sheet: Sheet, vital: HubObject) -> None:
    """Observation with SNOMED CT 184305005, as the rare disease common data model 2.0 (element 3.3) has it."""
    resource_id = sheet.new_id("Observation/cause-of-death", vital)
    value = sheet.concept(vital, "cause_of_death", "/valueCodeableConcept")
    if value is None:
        return
    sheet.log.default("Observation.status")
    body = {"status": "final", "code": CAUSE_OF_DEATH, "subject": sheet.patient, "valueCodeableConcept": value}
    sheet.add("Observation", resource_id, vital, body)


def family_member_histories(sheet: Sheet) -> None:
    """One FamilyMemberHistory per member of the pedigree that states its relationship to the subject."""
    for member in sheet.record.get("pedigree", {}).get("members", ()):
        if member["individual_id"] == sheet.patient_id:
            _proband(sheet, member)
            continue
        resource_id = sheet.new_id("FamilyMemberHistory", member)
        relationship = sheet.concept(member, "relationship", "/relationship")
        if relationship is None:
            sheet.not_made(member, "a family member history needs the relationship to the patient")
            continue
        if "record_status" not in member:
            sheet.log.default("FamilyMemberHistory.status")
        body: dict[str, Any] = {
            "identifier": [{"value": member["individual_id"]}],
            "status": member.get("record_status", "partial"),
            "patient": sheet.patient,
            "relationship": relationship,
        }
        sex = sheet.concept(member, "sex", "/sex")
        if sex:
            body["sex"] = sex
        body.update(_member_age(sheet, member))
        conditions = [sheet.concept_of(member, "diseases", coded, "/condition") for coded in member.get("diseases", ())]
        made: list[dict[str, Any]] = [{"code": code} for code in conditions if code is not None]
        cause = sheet.concept(member, "cause_of_death", "/condition")
        if cause:
            made.append({"code": cause, "contributedToDeath": True})
        if made:
            body["condition"] = made
        sheet.add("FamilyMemberHistory", resource_id, member, body)


def _member_age(sheet: Sheet, member: HubObject) -> dict[str, Any]:
    """born[x], age[x] and deceased[x]; `fhs-1` lets born and age not stand together, and deceased holds one form."""
    made: dict[str, Any] = {}
    born = sheet.date(member, "birth_date", "/bornDate")
    age = sheet.age(member, "age", "/ageAge")
    if born:
        made["bornDate"] = born
    elif age:
        made["ageAge"] = age
    if born and age:
        sheet.lost(member, "age", "/ageAge", "fhs-1: an age does not stand beside the birth date")
    died_at = sheet.age(member, "age_at_death", "/deceasedAge")
    if died_at:
        made["deceasedAge"] = died_at
        if member.get("deceased") is False:
            message = "an age at death is stated of a member who is said to live"
            sheet.lost(member, "deceased", "/deceasedBoolean", message)
    elif "deceased" in member:
        made["deceasedBoolean"] = member["deceased"]
    return made


def _proband(sheet: Sheet, member: HubObject) -> None:
    """The proband is the Patient. What the pedigree alone says of the proband has no resource."""
    sex = local_code(member.get("sex"), "BIRTHSEX")
    same_sex = sex is not None and sex == local_code(sheet.record.get("sex_at_birth"), "BIRTHSEX")
    for slot in sorted(member.keys() - {"individual_id", "paternal_id", "maternal_id", "affected_status"}):
        if not (slot == "sex" and same_sex):
            message = "the proband is the Patient, of whom there is no family member history"
            sheet.log.unsupported(member, slot, "/FamilyMemberHistory", message)


def consents(sheet: Sheet) -> None:
    """FHIR R4 Consent. `ppc-1` demands a policy: OPTIN or OPTOUT after the decision; without one there is no Consent.

    Consent.provision.type is "not permitted in root rule, required in all nested rules": the decision stands there for purposes only.
    """
    for consent in sheet.record.get("consents", ()):
        resource_id = sheet.new_id("Consent", consent)
        decision = consent.get("decision")
        if decision is None:
            sheet.not_made(consent, "a consent needs a decision; the record states none")
            continue
        if consent.get("purpose") == "sample_use":
            sheet.not_made(consent, "whether a sample is there for research is not what a person agreed to")
            continue
        for element in ("Consent.scope", "Consent.category"):
            sheet.log.default(element)
        if "status" not in consent:
            sheet.log.default("Consent.status")
        category = [CONSENT_CATEGORY]
        if "purpose" in consent:
            category = [CONSENT_CATEGORY, {"text": consent["purpose"].replace("_", " ")}]
        body: dict[str, Any] = {
            "status": consent.get("status", "active"),
            "scope": CONSENT_SCOPE,
            "category": category,
            "patient": sheet.patient,
        }
        stated = sheet.date(consent, "date", "/dateTime")
        if stated:
            body["dateTime"] = stated
        body["policyRule"] = _POLICY_RULES[decision]
        purposes: list[Any] = []
        for coded in consent.get("data_use", ()):
            made, loses = sheet.run.concepts.codings(coded)
            purposes += made.get("coding", ())
            if "coding" not in made:
                sheet.lost(consent, "data_use", "/provision/purpose", "a purpose needs a code; there is none")
            elif loses or "text" in made:
                message = "a purpose is a coding: a code, qualifier or text has no place in it"
                sheet.lost(consent, "data_use", "/provision/purpose", message, Outcome.COARSENED)
        if purposes:
            body["provision"] = {"provision": [{"type": decision, "purpose": purposes}]}
        sheet.add("Consent", resource_id, consent, body)
