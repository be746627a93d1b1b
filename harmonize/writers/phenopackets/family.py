"""Family and pedigree."""

from __future__ import annotations

from typing import Any

from harmonize.hub.objects import HubObject, local_code
from harmonize.writers.phenopackets.common_elements import SEX
from harmonize.writers.phenopackets.sheet import Sheet

_PARENTS = {"NMTH": "maternalId", "NFTH": "paternalId"}


def family(sheet: Sheet, packet: dict[str, Any]) -> dict[str, Any]:
    """The Family whose proband is the subject of *packet*."""
    record = sheet.record
    pedigree = record["pedigree"]
    sheet.under_way("/pedigree")
    members = _members(sheet, pedigree)
    persons = [_person(sheet, pedigree, member) for member in members]
    if persons and all(person["individualId"] != record["subject_id"] for person in persons):
        persons.insert(0, _proband(sheet, pedigree, members))
    made: dict[str, Any] = {"id": sheet.run.context.identifier("family", pedigree["family_id"]), "proband": packet}
    if pedigree.get("consanguineous_parents"):
        made["consanguinousParents"] = True
    if persons:
        made["pedigree"] = {"persons": persons}
    made["metaData"] = packet["metaData"]
    sheet.made(pedigree)
    return made


def _members(sheet: Sheet, pedigree: HubObject) -> list[HubObject]:
    """The persons of the family, without those that were entered in error."""
    members: list[HubObject] = []
    for member in pedigree.get("members", ()):
        if member.get("record_status") == "entered-in-error":
            sheet.lost(member, "*", "/persons", "it was entered in error; v2 has no way to say so")
        else:
            members.append(member)
    return members


def _person(sheet: Sheet, pedigree: HubObject, member: HubObject) -> dict[str, Any]:
    person = {"familyId": pedigree["family_id"], "individualId": member["individual_id"]}
    for slot, name in (("paternal_id", "paternalId"), ("maternal_id", "maternalId")):
        if slot in member:
            person[name] = member[slot]
    sex = SEX.get(local_code(member.get("sex"), "BIRTHSEX") or "")
    if sex:
        person["sex"] = sex
    elif "sex" in member:
        sheet.lost(member, "sex", "/persons", "it is not translated to HL7 birth sex")
    status = member.get("affected_status")
    if status in ("affected", "unaffected"):
        person["affectedStatus"] = status.upper()
    relation = local_code(member.get("relationship"), "ROLECODE")
    is_proband = member["individual_id"] == sheet.record["subject_id"]
    if "relationship" in member and relation not in _PARENTS and not is_proband:
        message = "a pedigree states fathers and mothers only; how the member is related is lost"
        sheet.lost(member, "relationship", "/persons", message)
    return person


def _proband(sheet: Sheet, pedigree: HubObject, members: list[HubObject]) -> dict[str, Any]:
    """The subject among its family: a pedigree without the proband would relate nobody."""
    record = sheet.record
    person: dict[str, Any] = {"familyId": pedigree["family_id"], "individualId": record["subject_id"]}
    for member in members:
        name = _PARENTS.get(local_code(member.get("relationship"), "ROLECODE") or "")
        if name is None:
            continue
        if name in person:
            message = "a person has one natural father and mother; the first that is stated is preferred"
            sheet.lost(member, "relationship", "/persons", message)
        else:
            person[name] = member["individual_id"]
    sex = SEX.get(local_code(record.get("sex_at_birth"), "BIRTHSEX") or "")
    if sex:
        person["sex"] = sex
    return person
