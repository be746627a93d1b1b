"""Individual: birth, sex, gender and vital status of the subject."""

from __future__ import annotations

from typing import Any

import orjson

from harmonize.hub.objects import HubObject, is_stated, local_code, says_death
from harmonize.writers.phenopackets.common_elements import CODES_OF_SEX, SEX
from harmonize.writers.phenopackets.sheet import Sheet, midnight

_KARYOTYPES = frozenset(["XX", "XY", "XO", "XXY", "XXX", "XXYY", "XXXY", "XXXX", "XYY", "OTHER_KARYOTYPE"])


def individual(sheet: Sheet) -> Any:
    """The Individual."""
    text = sheet.elements.subject(sheet.record, sheet.prefixes)
    return _individual(sheet) if text is None else orjson.Fragment(text)


def _individual(sheet: Sheet) -> dict[str, Any]:
    record = sheet.record
    sheet.under_way("/subject")
    subject: dict[str, Any] = {"id": record["subject_id"]}
    sheet.made(record)
    birth = sheet.day(record, "birth_date", "/dateOfBirth")
    if birth:
        subject["dateOfBirth"] = midnight(birth)
    last = sheet.timestamp(record, "date_of_last_follow_up", "/timeAtLastEncounter")
    if last:
        subject["timeAtLastEncounter"] = last
    vital = _vital_status(sheet)
    if vital:
        subject["vitalStatus"] = vital
    sheet.under_way("/subject")
    sex = _sex(sheet)
    if sex:
        subject["sex"] = sex
    karyotype = local_code(record.get("karyotypic_sex"), "KARYOTYPE")
    if karyotype in _KARYOTYPES:
        subject["karyotypicSex"] = karyotype
    elif "karyotypic_sex" in record:
        sheet.lost(record, "karyotypic_sex", "/karyotypicSex", "it is none of the enumeration")
    sheet.put(subject, "gender", record, "gender_identity")
    return subject


def _sex(sheet: Sheet) -> str | None:
    record = sheet.record
    born = local_code(record.get("sex_at_birth"), "BIRTHSEX")
    gender = local_code(record.get("administrative_gender"), "GENDER")
    if "sex_at_birth" in record and born not in CODES_OF_SEX:
        sheet.lost(record, "sex_at_birth", "/sex", "it is not translated to HL7 birth sex")
    sex = SEX.get((gender if born is None else born) or "")
    if "administrative_gender" in record:
        if gender not in CODES_OF_SEX:
            sheet.lost(record, "administrative_gender", "/gender", "it is not translated to AdministrativeGender")
        elif SEX.get(gender or "") != sex:
            message = "it differs from the sex at birth and has no ontology class"
            sheet.lost(record, "administrative_gender", "/gender", message)
    return sex


def _vital_status(sheet: Sheet) -> dict[str, Any] | None:
    vital = sheet.record.get("vital_status")
    if vital is None:
        return None
    sheet.under_way("/subject/vitalStatus")
    made = _status(sheet, vital)
    if not made:  # VitalStatus.status is required, and UNKNOWN_STATUS, its default, is not written
        if "cause_of_death" in vital:
            sheet.lost(vital, "cause_of_death", "", "a vital status needs a status; there is none")
        return None
    died = sheet.timestamp(vital, "date_of_death", "/timeOfDeath")
    if died:
        made["timeOfDeath"] = died
        if "age_at_death" in vital:
            message = "a time element holds one form; the date is preferred"
            sheet.lost(vital, "age_at_death", "/timeOfDeath", message)
    elif "age_at_death" in vital:
        made["timeOfDeath"] = {"age": {"iso8601duration": vital["age_at_death"]}}
    sheet.put(made, "causeOfDeath", vital, "cause_of_death")
    sheet.made(vital)
    return made


def _status(sheet: Sheet, vital: HubObject) -> dict[str, Any]:
    status = local_code(vital.get("status"), "VITALSTATUS")
    if "status" in vital and status not in ("deceased", "alive"):
        sheet.lost(vital, "status", "", "it is not translated to a status of Phenopackets")
    if status == "alive" and says_death(vital):
        sheet.lost(vital, "status", "", "it contradicts the death that is stated beside it")
    has_time = is_stated(vital.get("date_of_death")) or is_stated(vital.get("age_at_death"))
    if status == "deceased" or has_time or (status in (None, "alive") and says_death(vital)):
        return {"status": "DECEASED"}
    return {"status": "ALIVE"} if status == "alive" else {}
