"""Rules on statements of a record that contradict or repeat one another or name what is not there; and on empty records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harmonize.checks.dates import is_after
from harmonize.checks.violations import Circumstances, Violation
from harmonize.hub.objects import HubObject, is_stated, local_code, says_death

# --- vital status and participation ---------------------------------------------------------------------------------


def check_vital_status(record: HubObject, circumstances: Circumstances) -> Iterable[Violation]:
    """Alive and dead, in one place or in two."""
    vital = record.get("vital_status")
    return () if vital is None else _of_vital_status(record, vital)


def _of_vital_status(record: HubObject, vital: HubObject) -> Iterator[Violation]:
    status = local_code(vital["status"], "VITALSTATUS") if "status" in vital else None
    if status == "alive":
        for slot in ("date_of_death", "age_at_death", "cause_of_death"):
            if is_stated(vital.get(slot)):
                message = f"{slot} is stated of a person whose status is alive"
                yield Violation("plausibility.alive-and-dead", f"/vital_status/{slot}", message, vital, slot)
                break
    participation = record.get("participation_status")
    if participation is not None and "status" in participation:
        yield from _participation(participation, vital, status)


def _participation(participation: HubObject, vital: HubObject, status: str | None) -> Iterator[Violation]:
    """The state in the registry may be older than the death; where both have their day, that is looked at."""
    stated = local_code(participation["status"], "ERDRISTATUS")
    path = "/participation_status/status"
    if stated == "alive" and (status == "deceased" or (status is None and says_death(vital))):
        noted, death = participation.get("date"), vital.get("date_of_death")
        if noted is None or death is None or is_after(noted, death):
            message = "the registry calls the person alive, the vital status dead"
            yield Violation("plausibility.status-disagrees", path, message, participation, "status")
    elif stated == "dead" and status == "alive":
        message = "the registry calls the person dead, the vital status alive"
        yield Violation("plausibility.status-disagrees", path, message, participation, "status")


# --- diagnoses ------------------------------------------------------------------------------------------------------

_TIMES = (
    "date_of_diagnosis",
    "age_at_diagnosis",
    "onset_date",
    "onset_age",
    "end_date",
    "topography",
    "morphology",
    "body_site",
)
_SAYS_NOTHING = frozenset({"entered_in_error"})


def check_diagnoses(record: HubObject, circumstances: Circumstances) -> Iterable[Violation]:
    """A disease that is stated twice, or had and ruled out; a diagnosis of who has none."""
    diagnoses = record.get("diagnoses")
    if not diagnoses:
        return ()
    of_undiagnosed = list(_of_undiagnosed(record, diagnoses)) if record.get("undiagnosed") else []
    return of_undiagnosed if len(diagnoses) == 1 else [*of_undiagnosed, *_repeated(diagnoses)]


def _repeated(diagnoses: list[HubObject]) -> Iterator[Violation]:
    """Every disease that an earlier diagnosis of the record states as well."""
    codes = [_first_code(diagnosis) for diagnosis in diagnoses]
    if len(set(codes)) == len(codes) or not any(codes):
        return
    seen: dict[str, list[tuple[int, bool]]] = {}
    for index, (diagnosis, code) in enumerate(zip(diagnoses, codes, strict=True)):
        if code is None or diagnosis.get("certainty") in _SAYS_NOTHING:
            continue
        denied = bool(diagnosis.get("excluded")) or diagnosis.get("certainty") == "refuted"
        before = seen.setdefault(code, [])
        for other, other_denied in before:
            violation = _of_pair(diagnoses, other, index, contradict=denied != other_denied)
            if violation is not None:
                yield violation
                break
        before.append((index, denied))


def _first_code(diagnosis: HubObject) -> str | None:
    codings = diagnosis.get("disease", {}).get("codings")
    return codings[0]["code"] if codings else None


def _of_pair(diagnoses: list[HubObject], first: int, second: int, *, contradict: bool) -> Violation | None:
    one, other = diagnoses[first], diagnoses[second]
    path = f"/diagnoses/{second}/disease"
    if contradict:
        if "date_of_diagnosis" in one and "date_of_diagnosis" in other:  # first ruled out, then found
            return None
        message = "the disease is stated as one that the person has and as ruled out"
        return Violation("plausibility.diagnosis-and-excluded", path, message, other, "disease")
    if all(one.get(slot) == other.get(slot) for slot in _TIMES):
        message = "the disease is stated twice, with nothing that tells the statements apart"
        return Violation("plausibility.duplicate-diagnosis", path, message, other, "disease")
    return None


def _of_undiagnosed(record: HubObject, diagnoses: list[HubObject]) -> Iterator[Violation]:
    for index, diagnosis in enumerate(diagnoses):
        is_had = is_stated(diagnosis.get("disease")) and not diagnosis.get("excluded")
        if is_had and diagnosis.get("certainty") == "confirmed" and diagnosis.get("role") != "comorbidity":
            path, message = (
                f"/diagnoses/{index}/certainty",
                "a confirmed diagnosis of a person who is called undiagnosed",
            )
            yield Violation("plausibility.undiagnosed-and-diagnosed", path, message, diagnosis, "certainty")
            return


# --- variants -------------------------------------------------------------------------------------------------------


def check_variants(record: HubObject, circumstances: Circumstances) -> Iterator[Violation]:
    """A variant has one HGVS description of a level on a reference sequence."""
    for index, variant in enumerate(record.get("variants", ())):
        said: dict[tuple[str, str], str] = {}
        for expression in variant.get("expressions", ()):
            if "hgvs" in expression:
                sequence, _, description = expression["hgvs"].rpartition(":")
                if said.setdefault((sequence, expression.get("level", "")), description) != description:
                    path, message = (
                        f"/variants/{index}/expressions",
                        "two HGVS descriptions of one level differ: they are two variants",
                    )
                    yield Violation("plausibility.several-variants", path, message, variant, "expressions")
                    break


# --- family ---------------------------------------------------------------------------------------------------------


_PARENTS = (("paternal_id", "F"), ("maternal_id", "M"))
"""Slot of a parent, and the sex that this parent does not have."""


def check_pedigree(record: HubObject, circumstances: Circumstances) -> Iterator[Violation]:
    """A person stands once in the family, is nobody's own parent; fathers are not female, mothers not male; parents are older."""
    pedigree = record.get("pedigree")
    members = pedigree.get("members") if pedigree is not None else None
    if not members:
        return
    by_id = {member.get("individual_id"): member for member in members}
    if len(by_id) < len(members):
        seen: set[str | None] = set()
        for index, member in enumerate(members):
            if member.get("individual_id") in seen:
                path, message = f"/pedigree/members/{index}/individual_id", "the person stands twice in the family"
                yield Violation("plausibility.pedigree", path, message, member, "individual_id")
            seen.add(member.get("individual_id"))
    for index, member in enumerate(members):
        for slot, other_sex in _PARENTS:
            if slot in member and member[slot] in by_id:
                problem = _parent_problem(member, by_id[member[slot]], other_sex)
                if problem is not None:
                    yield Violation("plausibility.pedigree", f"/pedigree/members/{index}/{slot}", problem, member, slot)


def _parent_problem(member: HubObject, parent: HubObject, other_sex: str) -> str | None:
    if parent is member:
        return "a person is named as the own parent"
    if local_code(parent.get("sex"), "BIRTHSEX") == other_sex:
        return "the sex of the parent is that of the other parent"
    if is_after(parent.get("birth_date"), member.get("birth_date")):
        return "the parent is born after the child"
    return None


# --- references -----------------------------------------------------------------------------------------------------


def check_references(record: HubObject, circumstances: Circumstances) -> Iterator[Violation]:
    """What an object of the record is said of is in the record; a SampleRelation may name a relative's sample."""
    named: list[tuple[str, HubObject]] = []
    for index, sequence in enumerate(record.get("sequences", ())):
        if "sample_id" in sequence:
            named.append((f"/sequences/{index}", sequence))
    for number, diagnosis in enumerate(record.get("diagnoses", ())):
        if "tnm_classifications" in diagnosis:
            for index, tnm in enumerate(diagnosis["tnm_classifications"]):
                if "sample_id" in tnm:
                    named.append((f"/diagnoses/{number}/tnm_classifications/{index}", tnm))
    if named:
        yield from _dangling(named, "sample_id", "samples", record)
    of_variants = [
        (f"/variants/{index}", variant)
        for index, variant in enumerate(record.get("variants", ()))
        if "sequence_id" in variant
    ]
    if of_variants:
        yield from _dangling(of_variants, "sequence_id", "sequences", record)


def _dangling(named: list[tuple[str, HubObject]], slot: str, collection: str, record: HubObject) -> Iterator[Violation]:
    known = {item.get(slot) for item in record.get(collection, ())}
    for path, item in named:
        if item[slot] not in known:
            message = f"{slot} is that of none of the {collection} of the record"
            yield Violation("plausibility.dangling-reference", f"{path}/{slot}", message, item, slot)


# --- records that say nothing ---------------------------------------------------------------------------------------

_OF_THE_RECORD = frozenset(
    {"schema_version", "subject_id", "consents", "submission", "participation_status", "registration_date"}
)


def check_contents(record: HubObject, circumstances: Circumstances) -> Iterable[Violation]:
    """A record holds something of the person: more than ids, consents and who submits it."""
    if record.keys() <= _OF_THE_RECORD:
        return (Violation("completeness.empty-record", "", "nothing is stated of the person", record, None),)
    return ()
