"""Target `phenopackets`: GA4GH Phenopackets v2 in canonical protobuf JSON, written as plain dicts.

Source: phenopacket-schema v2 (phenopackets/schema/v2 of ga4gh/phenopacket-schema) and the protobuf JSON mapping: names in
lowerCamelCase, enumerations by name, defaults (false, 0, empty) absent, 64-bit integers as text, one key of a oneof.

What is decided here
- A known day becomes a timestamp at T00:00:00Z; it means the day. A coarser date has no exact form and is a loss.
- An OntologyClass holds one code: the first of the preference list; other *stated* codes are a loss (coarsened).
- Where no label is known the label is the code.
- An interpretation needs a disease: with exactly one disease that is not excluded it is that one; otherwise it is the
  root of MONDO, a default that is counted.
- vcfRecord is written from stated coordinates, or from a genomic substitution in HGVS; there is no VRS.
- A slot that `DECLARATION` drops as a whole is counted from there; `unsupported` is called for single losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from math import isinf
from typing import Any

import orjson

from harmonize.findings import Outcome
from harmonize.hub import hub_schema
from harmonize.hub.objects import HubObject, Identities, local_code, says_death
from harmonize.terminology.reference_sequences import genomic_substitution
from harmonize.writers import CARRIES, Document, Parts, Support, TargetLog, WriterContext, coarsens, drops

_PREFERENCE = {
    system: rank
    for rank, system in enumerate(
        (
            "HP",
            "MONDO",
            "OMIM",
            "ORPHA",
            "HGNC",
            "GENO",
            "SO",
            "UCUM",
            "LOINC",
            "NCIT",
            "UBERON",
            "SNOMEDCT",
            "ICD10CM",
            "ICD10",
        )
    )
}
_CACHE_LIMIT = 100_000
_NO_PLACE = "Phenopackets v2 has no element for it"

_DROPPED: Mapping[str, str] = {
    "Subject.schema_version": "version of the hub, not a datum of the subject",
    "Subject.country_of_birth": _NO_PLACE,
    "Subject.country_of_origin": _NO_PLACE,
    "Subject.first_contact_date": _NO_PLACE,
    "Subject.participation_status": _NO_PLACE,
    "Subject.consents": _NO_PLACE,
    "Subject.disabilities": _NO_PLACE,
    "Subject.registration_date": _NO_PLACE,
    "Subject.age_category": _NO_PLACE,
    "Subject.gestation_at_birth": _NO_PLACE,
    "Subject.undiagnosed": _NO_PLACE,
    "Diagnosis.stage_at_diagnosis": "v2 holds the onset of a disease, not its diagnosis",
    "Diagnosis.clinical_status": "v2 does not say whether a disease is active",
    "Diagnosis.severity": "v2 holds the severity of features, not of diseases",
    "PhenotypicFeature.body_site": "v2 has no site of a feature",
    "Measurement.status": _NO_PLACE,
    "Measurement.interpretation": "v2 holds reference ranges, not what a result means",
    "Variant.reference_assembly": "v2 names the assembly with coordinates only",
    "Variant.evidence_level": _NO_PLACE,
    "Pedigree.subject_is_propositus": "a family is that of its proband",
    "Pedigree.relationship_to_propositus": "a pedigree states fathers and mothers only",
    "PedigreeMember.birth_date": _NO_PLACE,
    "PedigreeMember.age": _NO_PLACE,
    "PedigreeMember.age_at_death": _NO_PLACE,
    "PedigreeMember.cause_of_death": _NO_PLACE,
    "PedigreeMember.record_status": _NO_PLACE,
    "Subject.care_episodes": _NO_PLACE,
    "Diagnosis.date_of_diagnosis": "v2 holds the onset of a disease, not its diagnosis",
    "Diagnosis.age_at_diagnosis": "v2 holds the onset of a disease, not its diagnosis",
    "PhenotypicFeature.duration": "v2 holds onset and resolution",
    "PhenotypicFeature.date_of_assessment": "v2 holds onset and resolution, not the assessment",
    "PhenotypicFeature.age_at_assessment": "v2 holds onset and resolution, not the assessment",
    "Measurement.kind": "v2 does not tell laboratory from examination",
    "Measurement.specimen": "the material of a measurement has no element beside a biosample",
    "Variant.origin": "v2 has no element for germline or somatic outside of VRSATILE structures",
    "Variant.method": _NO_PLACE,
    "Variant.date": _NO_PLACE,
    "Variant.age": _NO_PLACE,
    "Variant.type": "VariationDescriptor.structuralType is for structural variants only",
    "Sample.biobank": _NO_PLACE,
    "PedigreeMember.diseases": "a pedigree states affected or not",
    "PedigreeMember.deceased": _NO_PLACE,
    "CodedValue.qualifiers": "an ontology class has no place for qualifiers",
    "CodedValue.null_flavor": "an ontology class needs a code",
    "CodedValue.text": "an ontology class has the label of its code",
    "Coding.version": "metaData.resources names one edition of a code system",
    "Coding.origin": "an ontology class does not say whether it was translated",
    "Coding.predicate": "an ontology class does not say how it was translated",
    "Coding.mapping_set": "an ontology class does not say how it was translated",
    "Coding.row": "an ontology class does not say how it was translated",
    "PartialDate.estimated": "a timestamp does not say that it is an estimate",
}
_DROPPED_CLASSES = {"Consent", "Disability", "CareEpisode", "ParticipationStatus"}
_COARSENED: Mapping[str, str] = {
    "Diagnosis.certainty": "a provisional diagnosis is written as a disease; v2 does not say how sure it is",
    "PedigreeMember.relationship": "a pedigree states fathers and mothers only",
    "Procedure.status": "what was done is written, what was not done is left out; the state itself has no element",
    "Quantity.comparator": "a quantity of v2 has no comparator",
}


def _declaration() -> dict[str, Support]:
    result = {}
    for name, slots in hub_schema().classes.items():
        for slot in slots:
            key = f"{name}.{slot}"
            if key in _DROPPED or name in _DROPPED_CLASSES:
                result[key] = drops(_DROPPED.get(key, _NO_PLACE))
            else:
                result[key] = coarsens(_COARSENED[key]) if key in _COARSENED else CARRIES
    return result


_SEX = {"F": "FEMALE", "M": "MALE", "OTH": "OTHER_SEX", "female": "FEMALE", "male": "MALE", "other": "OTHER_SEX"}
_UNKNOWN_SEX = frozenset(["UNK", "ASKU", "unknown"])  # UNKNOWN_SEX is the default and is not written
_KARYOTYPES = frozenset(["XX", "XY", "XO", "XXY", "XXX", "XXYY", "XXXY", "XXXX", "XYY", "OTHER_KARYOTYPE"])
_ACMG = {  # NCIT codes of HMD v1.1, Variant, Clinical_Variant_Interpretation_result
    "NCIT:C168799": "PATHOGENIC",
    "NCIT:C168800": "LIKELY_PATHOGENIC",
    "NCIT:C94187": "UNCERTAIN_SIGNIFICANCE",
    "NCIT:C168801": "LIKELY_BENIGN",
    "NCIT:C168802": "BENIGN",
}
_PARENTS = {"NMTH": "maternalId", "NFTH": "paternalId"}
_NOT_DONE = frozenset({"preparation", "not-done", "entered-in-error"})
_MOLECULE = {
    "c": "transcript",
    "n": "transcript",
    "r": "transcript",
    "g": "genomic",
    "m": "genomic",
    "o": "genomic",
    "p": "protein",
}


UNSPECIFIED_DISEASE = {"id": "MONDO:0000001", "label": "disease"}
"""The root of MONDO: v2 demands a disease of every diagnosis, and with several diseases no source says which one a variant is of."""


def _coordinates_of_substitution(variant: Mapping[str, Any]) -> dict[str, Any] | None:
    """VCF coordinates where all that the variant states in genomic HGVS is one substitution on a known chromosome."""
    genomic = [e["hgvs"] for e in variant.get("expressions", ()) if e.get("level") == "g" and "hgvs" in e]
    found = {genomic_substitution(hgvs) for hgvs in genomic}
    substitution = found.pop() if len(found) == 1 else None
    return substitution._asdict() if substitution is not None else None


def _is_exactly(number: float, digits: str) -> bool:
    """Whether the double, as JSON writes it, is the number that *digits* are."""
    try:
        return Decimal(repr(number)) == Decimal(digits)
    except InvalidOperation:  # an exponent that Decimal does not take
        return False


class PhenopacketsWriter:
    """Writes one Phenopacket per subject, and a Family where there is a pedigree."""

    target = "phenopackets"
    declaration: Mapping[str, Support] = _declaration()
    defaults: Mapping[str, str] = {
        "interpretations.diagnosis.disease": "MONDO:0000001 disease",
        "metaData.resources.version": "not stated",
    }

    def __init__(self, context: WriterContext) -> None:
        self.context = context
        self._identities = Identities()
        self._classes: dict[int, tuple[Any, dict[str, str], bool]] = {}
        self._resources: dict[str, tuple[dict[str, str], bool]] = {}

    def documents(self, record: HubObject, log: TargetLog) -> list[Document]:
        """The packet of *record*, and its family."""
        prefixes: set[str] = set()
        packet_id = self.context.identifier("phenopacket", record["subject_id"])
        packet: dict[str, Any] = {"id": packet_id, "subject": self._individual(record, prefixes, log)}
        for name, made in (
            ("phenotypicFeatures", self._features(record, prefixes, log)),
            ("measurements", self._measurements(record, prefixes, log)),
            ("biosamples", self._biosamples(record, prefixes, log)),
            ("interpretations", self._interpretations(record, packet_id, prefixes, log)),
            ("diseases", self._diseases(record, prefixes, log)),
            ("medicalActions", self._medical_actions(record, prefixes, log)),
        ):
            if made:
                packet[name] = made
        for disability in record.get("disabilities", ()):
            if "score" in disability:  # Disability is dropped by declaration, Quantity is not
                log.unsupported(disability["score"], "*", "", _NO_PLACE)
        packet["metaData"] = self._meta_data(prefixes, log)
        documents = [Document("phenopackets", packet_id, orjson.dumps(packet))]
        if "pedigree" in record:
            documents.append(self._family(record, packet, log))
        return documents

    def close(self, subjects: int, parts: Parts) -> Iterator[tuple[str, Iterator[bytes]]]:
        """No file of the run."""
        return iter(())

    # --- values -----------------------------------------------------------------------------------------------------

    def _ontology_class(
        self, holder: HubObject, slot: str, path: str, prefixes: set[str], log: TargetLog
    ) -> dict[str, str] | None:
        """The OntologyClass of a coded slot; None, with a loss, where the value has no code."""
        coded = holder.get(slot)
        if coded is None:
            return None
        known = self._classes.get(id(coded))
        if known is None:
            known = self._render(coded)
            if len(self._classes) >= _CACHE_LIMIT:
                self._classes.clear()
            self._classes[id(coded)] = known
        _, rendered, loses = known
        if not rendered:
            log.unsupported(holder, slot, path, "an ontology class needs a code; there is none")
            return None
        if loses:
            message = "an ontology class holds one of several stated codes, and no qualifier"
            log.unsupported(holder, slot, path, message, Outcome.COARSENED)
        prefixes.add(rendered["id"].partition(":")[0])
        return rendered

    def _render(self, coded: Mapping[str, Any]) -> tuple[Any, dict[str, str], bool]:
        codings = coded.get("codings", ())
        if not codings:
            return coded, {}, False
        rank = min(range(len(codings)), key=lambda i: (_PREFERENCE.get(codings[i]["system"], 99), i))
        picked = codings[rank]
        others = [c for c in codings if c is not picked and c["origin"] == "stated"]
        loses = "qualifiers" in coded or (bool(others) and (picked["origin"] == "stated" or len(others) > 1))
        return coded, {"id": picked["code"], "label": picked.get("label") or picked["code"]}, loses

    def _timestamp(self, holder: HubObject, slot: str, path: str, log: TargetLog) -> str | None:
        date = holder.get(slot)
        if date is None:
            return None
        if date["precision"] != "day":
            log.unsupported(holder, slot, path, f"a timestamp needs the day; the {date['precision']} is known")
            return None
        if date.get("estimated"):
            log.unsupported(holder, slot, path, "a timestamp does not say that it is an estimate", Outcome.COARSENED)
        return f"{date['value']}T00:00:00Z"

    def _time(
        self, holder: HubObject, slots: tuple[str, str, str], path: str, prefixes: set[str], log: TargetLog
    ) -> dict[str, Any] | None:
        """A TimeElement from (date, age, coded stage); one is written, the others are lost."""
        made: dict[str, Any] | None = None
        for slot, kind in zip(slots, ("timestamp", "age", "ontologyClass"), strict=True):
            if slot not in holder:
                continue
            if made is not None:
                log.unsupported(holder, slot, path, "a time element holds one form; another is preferred")
                continue
            if kind == "timestamp":
                stamp = self._timestamp(holder, slot, path, log)
                made = {"timestamp": stamp} if stamp else None
            elif kind == "age":
                made = {"age": {"iso8601duration": holder[slot]}}
            else:
                term = self._ontology_class(holder, slot, path, prefixes, log)
                made = {"ontologyClass": term} if term else None
        return made

    # --- parts ------------------------------------------------------------------------------------------------------

    def _individual(self, record: HubObject, prefixes: set[str], log: TargetLog) -> dict[str, Any]:
        subject: dict[str, Any] = {"id": record["subject_id"]}
        log.made("/subject", record)
        birth = self._timestamp(record, "birth_date", "/subject/dateOfBirth", log)
        if birth:
            subject["dateOfBirth"] = birth
        last = self._timestamp(record, "date_of_last_follow_up", "/subject/timeAtLastEncounter", log)
        if last:
            subject["timeAtLastEncounter"] = {"timestamp": last}
        vital = self._vital_status(record, prefixes, log)
        if vital:
            subject["vitalStatus"] = vital
        sex = self._sex(record, log)
        if sex:
            subject["sex"] = sex
        karyotype = local_code(record.get("karyotypic_sex"), "KARYOTYPE")
        if karyotype in _KARYOTYPES:
            subject["karyotypicSex"] = karyotype
        elif "karyotypic_sex" in record:
            log.unsupported(record, "karyotypic_sex", "/subject/karyotypicSex", "it is none of the enumeration")
        gender = self._ontology_class(record, "gender_identity", "/subject/gender", prefixes, log)
        if gender:
            subject["gender"] = gender
        return subject

    def _sex(self, record: HubObject, log: TargetLog) -> str | None:
        born = local_code(record.get("sex_at_birth"), "BIRTHSEX")
        gender = local_code(record.get("administrative_gender"), "GENDER")
        if "sex_at_birth" in record and born not in _SEX.keys() | _UNKNOWN_SEX:
            log.unsupported(record, "sex_at_birth", "/subject/sex", "it is not translated to HL7 birth sex")
        sex = _SEX.get((gender if born is None else born) or "")
        if "administrative_gender" in record:
            if gender not in _SEX.keys() | _UNKNOWN_SEX:
                message = "it is not translated to AdministrativeGender"
                log.unsupported(record, "administrative_gender", "/subject/gender", message)
            elif _SEX.get(gender or "") != sex:
                message = "it differs from the sex at birth and has no ontology class"
                log.unsupported(record, "administrative_gender", "/subject/gender", message)
        return sex

    def _vital_status(self, record: HubObject, prefixes: set[str], log: TargetLog) -> dict[str, Any] | None:
        vital = record.get("vital_status")
        if vital is None:
            return None
        path = "/subject/vitalStatus"
        status = local_code(vital.get("status"), "VITALSTATUS")
        made: dict[str, Any] = {}
        if status == "deceased" or (status is None and says_death(vital)):
            made["status"] = "DECEASED"
        elif status == "alive":
            made["status"] = "ALIVE"
        if "status" in vital and status not in ("deceased", "alive"):
            log.unsupported(vital, "status", path, "it is not translated to a status of Phenopackets")
        stamp = self._timestamp(vital, "date_of_death", f"{path}/timeOfDeath", log)
        if stamp:
            made["timeOfDeath"] = {"timestamp": stamp}
            if "age_at_death" in vital:
                log.unsupported(
                    vital, "age_at_death", f"{path}/timeOfDeath", "a time element holds one form; the date is preferred"
                )
        elif "age_at_death" in vital:
            made["timeOfDeath"] = {"age": {"iso8601duration": vital["age_at_death"]}}
        cause = self._ontology_class(vital, "cause_of_death", f"{path}/causeOfDeath", prefixes, log)
        if cause:
            made["causeOfDeath"] = cause
        log.made(path, vital)
        return made or None

    def _features(self, record: HubObject, prefixes: set[str], log: TargetLog) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for feature in record.get("phenotypic_features", ()):
            path = f"/phenotypicFeatures/{len(made)}"
            term = self._ontology_class(feature, "type", f"{path}/type", prefixes, log)
            if term is None:
                log.unsupported(feature, "*", path, "a phenotypic feature needs a type; there is no code")
                continue
            entry: dict[str, Any] = {"type": term}
            if feature.get("excluded"):
                entry["excluded"] = True
            severity = self._ontology_class(feature, "severity", f"{path}/severity", prefixes, log)
            if severity:
                entry["severity"] = severity
            modifiers = self._modifiers(feature, f"{path}/modifiers", prefixes, log)
            if modifiers:
                entry["modifiers"] = modifiers
            onset = self._time(feature, ("onset_date", "onset_age", "onset_stage"), f"{path}/onset", prefixes, log)
            if onset:
                entry["onset"] = onset
            end = self._timestamp(feature, "end_date", f"{path}/resolution", log)
            if end:
                entry["resolution"] = {"timestamp": end}
            evidence = self._ontology_class(feature, "evidence", f"{path}/evidence/0/evidenceCode", prefixes, log)
            if evidence:
                entry["evidence"] = [{"evidenceCode": evidence}]
            log.made(path, feature)
            made.append(entry)
        return made

    def _modifiers(self, feature: HubObject, path: str, prefixes: set[str], log: TargetLog) -> list[dict[str, str]]:
        made: list[dict[str, Any]] = []
        for coded in feature.get("modifiers", ()):
            _, rendered, loses = self._render(coded)
            if not rendered or loses:
                outcome = Outcome.COARSENED if rendered else Outcome.DROPPED
                log.unsupported(feature, "modifiers", path, "an ontology class holds one code", outcome)
            if rendered:
                prefixes.add(rendered["id"].partition(":")[0])
                made.append(rendered)
        return made

    def _diseases(self, record: HubObject, prefixes: set[str], log: TargetLog) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        onset_of = self._onset_of_the_only_disease(record, log)
        for diagnosis in record.get("diagnoses", ()):
            path = f"/diseases/{len(made)}"
            term = self._ontology_class(diagnosis, "disease", f"{path}/term", prefixes, log)
            if term is None:
                log.unsupported(diagnosis, "*", path, "a disease needs a term; there is no code")
                continue
            if diagnosis.get("certainty") == "entered_in_error":
                log.unsupported(diagnosis, "*", path, "it was entered in error; v2 has no way to say so")
                continue
            entry: dict[str, Any] = {"term": term}
            if diagnosis.get("excluded"):
                entry["excluded"] = True
            elif diagnosis.get("certainty", "confirmed") != "confirmed":
                message = "it is written as a disease; v2 does not say that it is not confirmed"
                log.unsupported(diagnosis, "certainty", path, message, Outcome.COARSENED)
            onset = self._time(diagnosis, ("onset_date", "onset_age", "onset_stage"), f"{path}/onset", prefixes, log)
            if onset is None and onset_of is not None and onset_of[0] is diagnosis:
                onset = self._time(onset_of[1], ("date", "age", "stage"), f"{path}/onset", prefixes, log)
            if onset:
                entry["onset"] = onset
            site = self._ontology_class(diagnosis, "body_site", f"{path}/primarySite", prefixes, log)
            if site:
                entry["primarySite"] = site
            log.made(path, diagnosis)
            made.append(entry)
        return made

    def _onset_of_the_only_disease(self, record: HubObject, log: TargetLog) -> tuple[HubObject, HubObject] | None:
        """(diagnosis, onset) where the first symptoms can only be those of one disease; else the onsets are lost."""
        onsets = record.get("symptom_onsets", ())
        diseases = [d for d in record.get("diagnoses", ()) if not d.get("excluded") and "disease" in d]
        if (
            len(onsets) == 1
            and len(diseases) == 1
            and diseases[0]["disease"].get("codings")
            and not {"onset_date", "onset_age", "onset_stage"} & diseases[0].keys()
        ):
            return diseases[0], onsets[0]
        for onset in onsets:
            log.unsupported(
                onset, "*", "/diseases", "first symptoms are not tied to one disease; v2 has no other place for them"
            )
        return None

    def _measurements(self, record: HubObject, prefixes: set[str], log: TargetLog) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for measurement in record.get("measurements", ()):
            path = f"/measurements/{len(made)}"
            assay = self._ontology_class(measurement, "assay", f"{path}/assay", prefixes, log)
            value = self._value(measurement, path, prefixes, log)
            if assay is None or value is None:
                log.unsupported(measurement, "*", path, "a measurement needs an assay and a value")
                continue
            if measurement.get("status") in ("cancelled", "entered-in-error"):
                log.unsupported(measurement, "*", path, "it was cancelled or entered in error; v2 has no way to say so")
                continue
            entry: dict[str, Any] = {"assay": assay, "value": value}
            time = self._time(measurement, ("date", "age", "-"), f"{path}/timeObserved", prefixes, log)
            if time:
                entry["timeObserved"] = time
            method = self._ontology_class(measurement, "method", f"{path}/procedure/code", prefixes, log)
            if method:
                entry["procedure"] = {"code": method}
            log.made(path, measurement)
            made.append(entry)
        return made

    def _value(self, measurement: HubObject, path: str, prefixes: set[str], log: TargetLog) -> dict[str, Any] | None:
        quantity = measurement.get("value")
        if quantity is None:
            term = self._ontology_class(measurement, "coded_value", f"{path}/value/ontologyClass", prefixes, log)
            return {"ontologyClass": term} if term else None
        if "coded_value" in measurement:
            log.unsupported(
                measurement,
                "coded_value",
                f"{path}/value",
                "a value is a quantity or a code; the quantity is preferred",
            )
        made: dict[str, Any] = {}
        unit = self._unit(quantity, path, prefixes, log)
        if unit is None:
            log.unsupported(
                quantity, "value", f"{path}/value/quantity", "a quantity needs a unit; the source states none"
            )
            return None
        made["unit"] = unit
        number = float(quantity["value"])
        if isinf(number):
            log.unsupported(quantity, "value", f"{path}/value/quantity/value", "the number is too large for a double")
            return None
        if not _is_exactly(number, quantity["value"]):
            message = "the number has more digits than a double holds"
            log.unsupported(quantity, "value", f"{path}/value/quantity/value", message, Outcome.COARSENED)
        if number:
            made["value"] = number
        if "comparator" in quantity:
            log.unsupported(quantity, "comparator", f"{path}/value/quantity", "a quantity of v2 has no comparator")
        return {"quantity": made}

    def _unit(self, quantity: HubObject, path: str, prefixes: set[str], log: TargetLog) -> dict[str, str] | None:
        if "unit" in quantity:
            prefixes.add("UCUM")
            return {"id": f"UCUM:{quantity['unit']}", "label": quantity["unit"]}
        return self._ontology_class(quantity, "unit_source", f"{path}/value/quantity/unit", prefixes, log)

    def _medical_actions(self, record: HubObject, prefixes: set[str], log: TargetLog) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for procedure in record.get("procedures", ()):
            path = f"/medicalActions/{len(made)}"
            if procedure.get("status") in _NOT_DONE:
                log.unsupported(procedure, "*", path, "v2 holds what was done; this procedure was not")
                continue
            code = self._ontology_class(procedure, "code", f"{path}/procedure/code", prefixes, log)
            if code is None:
                log.unsupported(procedure, "*", path, "a procedure needs a code; there is none")
                continue
            entry: dict[str, Any] = {"code": code}
            site = self._ontology_class(procedure, "body_site", f"{path}/procedure/bodySite", prefixes, log)
            if site:
                entry["bodySite"] = site
            stamp = self._timestamp(procedure, "date", f"{path}/procedure/performed", log)
            if stamp:
                entry["performed"] = {"timestamp": stamp}
            log.made(path, procedure)
            made.append({"procedure": entry})
        return made

    def _biosamples(self, record: HubObject, prefixes: set[str], log: TargetLog) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for sample in record.get("samples", ()):
            path = f"/biosamples/{len(made)}"
            if "sample_id" not in sample:
                log.unsupported(sample, "*", path, "a biosample needs an id")
                continue
            entry: dict[str, Any] = {"id": sample["sample_id"], "individualId": record["subject_id"]}
            tissue = self._ontology_class(sample, "anatomical_location", f"{path}/sampledTissue", prefixes, log)
            if tissue:
                entry["sampledTissue"] = tissue
            kind = self._ontology_class(sample, "type", f"{path}/sampleType", prefixes, log)
            if kind:
                entry["sampleType"] = kind
            stamp = self._timestamp(sample, "collection_date", f"{path}/timeOfCollection", log)
            if stamp:
                entry["timeOfCollection"] = {"timestamp": stamp}
            log.made(path, sample)
            made.append(entry)
        return made

    # --- variants ---------------------------------------------------------------------------------------------------

    def _interpretations(
        self, record: HubObject, packet_id: str, prefixes: set[str], log: TargetLog
    ) -> list[dict[str, Any]]:
        """One interpretation for the variants that were interpreted for one disease and are equally far."""
        groups: dict[tuple[str, str], list[HubObject]] = {}
        for variant in record.get("variants", ()):
            key = (self._identities.of(variant.get("interpreted_disease")), variant.get("progress_status", ""))
            groups.setdefault(key, []).append(variant)
        made: list[dict[str, Any]] = []
        for (disease, progress), variants in groups.items():
            path = f"/interpretations/{len(made)}/diagnosis"
            genomic = self._genomic(record, variants, f"{path}/genomicInterpretations", prefixes, log)
            if not genomic:
                continue
            diagnosis = {
                "disease": self._interpreted_disease(record, variants[0], f"{path}/disease", prefixes, log),
                "genomicInterpretations": genomic,
            }
            content = f"{packet_id}|{disease}|{progress}" if disease != "None" or progress else packet_id
            entry: dict[str, Any] = {"id": self.context.identifier("interpretation", content)}
            if progress:
                entry["progressStatus"] = progress.upper()
            made.append({**entry, "diagnosis": diagnosis})
        return made

    def _genomic(
        self, record: HubObject, variants: list[HubObject], path: str, prefixes: set[str], log: TargetLog
    ) -> list[dict[str, Any]]:
        genomic: list[dict[str, Any]] = []
        for variant in variants:
            here = f"{path}/{len(genomic)}"
            descriptor = self._descriptor(record, variant, here, prefixes, log)
            if descriptor is None:
                log.unsupported(variant, "*", here, "a variant needs an expression, a reference, a gene or coordinates")
                continue
            interpretation: dict[str, Any] = {}
            acmg = self._acmg(variant, here, log)
            if acmg:
                interpretation["acmgPathogenicityClassification"] = acmg
            if "therapeutic_actionability" in variant:
                interpretation["therapeuticActionability"] = variant["therapeutic_actionability"].upper()
            interpretation["variationDescriptor"] = descriptor
            entry: dict[str, Any] = {"subjectOrBiosampleId": record["subject_id"]}
            if "interpretation_status" in variant:
                entry["interpretationStatus"] = variant["interpretation_status"].upper()
            genomic.append({**entry, "variantInterpretation": interpretation})
            log.made(here, variant)
        return genomic

    def _interpreted_disease(
        self, record: HubObject, variant: HubObject, path: str, prefixes: set[str], log: TargetLog
    ) -> dict[str, str]:
        """The disease that a variant was interpreted for, else the only disease of the person, else the root of MONDO."""
        stated = self._ontology_class(variant, "interpreted_disease", path, prefixes, log)
        if stated:
            return stated
        diseases = [
            d for d in record.get("diagnoses", ()) if not d.get("excluded") and d.get("disease", {}).get("codings")
        ]
        if len(diseases) == 1:
            _, disease, _ = self._render(diseases[0]["disease"])
        else:
            log.default("interpretations.diagnosis.disease")
            disease = UNSPECIFIED_DISEASE
        prefixes.add(disease["id"].partition(":")[0])
        return disease

    def _acmg(self, variant: HubObject, path: str, log: TargetLog) -> str | None:
        if "classification" not in variant:
            return None
        for coding in variant["classification"].get("codings", ()):
            if coding["code"] in _ACMG:
                return _ACMG[coding["code"]]
        log.unsupported(variant, "classification", path, "it is none of the five ACMG classes")
        return None

    def _descriptor(
        self, record: HubObject, variant: HubObject, path: str, prefixes: set[str], log: TargetLog
    ) -> dict[str, Any] | None:
        expressions, xrefs = self._expressions(variant, path, prefixes, log)
        gene = self._gene(variant, path, prefixes, log)
        texts = any(e.get("text") for e in variant.get("expressions", ()))
        if not (expressions or xrefs or gene or texts or "vcf" in variant):
            return None
        content = self._identities.of(variant)
        made: dict[str, Any] = {"id": self.context.identifier("variant", f"{record['subject_id']}|{content}")}
        if gene:
            made["geneContext"] = gene
        if expressions:
            made["expressions"] = expressions
        labels = [e["text"] for e in variant.get("expressions", ()) if e.get("text")]
        if labels:
            made["alternateLabels"] = labels
        vcf = variant.get("vcf") or _coordinates_of_substitution(variant)
        if vcf is not None:
            made["vcfRecord"] = {
                "genomeAssembly": vcf["assembly"],
                "chrom": vcf["chromosome"],
                "pos": str(vcf["position"]),
                "ref": vcf["reference"],
                "alt": vcf["alternative"],
            }
        if xrefs:
            made["xrefs"] = xrefs
        molecules = {_MOLECULE.get(e["syntax"].partition(".")[2]) for e in expressions}
        molecule = molecules.pop() if len(molecules) == 1 else None
        if molecule is not None:
            made["moleculeContext"] = molecule
        zygosity = self._ontology_class(variant, "zygosity", f"{path}/allelicState", prefixes, log)
        if zygosity:
            made["allelicState"] = zygosity
        return made

    def _expressions(
        self, variant: HubObject, path: str, prefixes: set[str], log: TargetLog
    ) -> tuple[list[dict[str, str]], list[str]]:
        expressions: list[dict[str, str]] = []
        xrefs: list[str] = []
        for expression in variant.get("expressions", ()):
            if "hgvs" in expression:
                level = expression.get("level")
                expressions.append({"syntax": f"hgvs.{level}" if level else "hgvs", "value": expression["hgvs"]})
            reference = self._ontology_class(expression, "reference", f"{path}/xrefs", prefixes, log)
            if reference:
                xrefs.append(reference["id"])
        return expressions, xrefs

    def _gene(self, variant: HubObject, path: str, prefixes: set[str], log: TargetLog) -> dict[str, str] | None:
        term = self._ontology_class(variant, "gene", f"{path}/geneContext", prefixes, log)
        return {"valueId": term["id"], "symbol": term["label"]} if term else None

    # --- family and meta data ---------------------------------------------------------------------------------------

    def _family(self, record: HubObject, packet: dict[str, Any], log: TargetLog) -> Document:
        pedigree = record["pedigree"]
        members = pedigree.get("members", ())
        persons = [self._person(pedigree, member, record["subject_id"], log) for member in members]
        if persons and all(person["individualId"] != record["subject_id"] for person in persons):
            persons.insert(0, self._proband(pedigree, record))
        family_id = self.context.identifier("family", pedigree["family_id"])
        family: dict[str, Any] = {"id": family_id, "proband": packet}
        if pedigree.get("consanguineous_parents"):
            family["consanguinousParents"] = True
        if persons:
            family["pedigree"] = {"persons": persons}
        family["metaData"] = packet["metaData"]
        log.made("/pedigree", pedigree)
        return Document("families", family_id, orjson.dumps(family))

    def _person(self, pedigree: HubObject, member: HubObject, subject_id: str, log: TargetLog) -> dict[str, Any]:
        person = {"familyId": pedigree["family_id"], "individualId": member["individual_id"]}
        for slot, name in (("paternal_id", "paternalId"), ("maternal_id", "maternalId")):
            if slot in member:
                person[name] = member[slot]
        sex = _SEX.get(local_code(member.get("sex"), "BIRTHSEX") or "")
        if sex:
            person["sex"] = sex
        elif "sex" in member:
            log.unsupported(member, "sex", "/pedigree/persons", "it is not translated to HL7 birth sex")
        status = member.get("affected_status")
        if status in ("affected", "unaffected"):
            person["affectedStatus"] = status.upper()
        relation = local_code(member.get("relationship"), "ROLECODE")
        if "relationship" in member and relation not in _PARENTS and member["individual_id"] != subject_id:
            message = "a pedigree states fathers and mothers only; how the member is related is lost"
            log.unsupported(member, "relationship", "/pedigree/persons", message)
        return person

    def _proband(self, pedigree: HubObject, record: HubObject) -> dict[str, Any]:
        """The subject among its family: a pedigree without the proband would relate nobody."""
        person: dict[str, Any] = {"familyId": pedigree["family_id"], "individualId": record["subject_id"]}
        for member in pedigree.get("members", ()):
            name = _PARENTS.get(local_code(member.get("relationship"), "ROLECODE") or "")
            if name is not None:
                person.setdefault(name, member["individual_id"])
        sex = _SEX.get(local_code(record.get("sex_at_birth"), "BIRTHSEX") or "")
        if sex:
            person["sex"] = sex
        return person

    def _meta_data(self, prefixes: set[str], log: TargetLog) -> dict[str, Any]:
        meta: dict[str, Any] = {
            "created": self.context.recorded,
            "createdBy": f"harmonize {self.context.software_version}",
            "submittedBy": self.context.site,
        }
        resources = []
        for prefix in sorted(prefixes):
            resource, defaulted = self._resource(prefix)
            if defaulted:
                log.default("metaData.resources.version")
            resources.append(resource)
        if resources:
            meta["resources"] = resources
        meta["phenopacketSchemaVersion"] = "2.0"
        return meta

    def _resource(self, prefix: str) -> tuple[dict[str, str], bool]:
        known = self._resources.get(prefix)
        if known is None:
            system = self.context.systems[prefix]
            edition = self.context.editions.get(prefix)
            resource = {
                "id": system.phenopackets.id,
                "name": system.phenopackets.name,
                "url": system.phenopackets.url,
                "version": edition or self.defaults["metaData.resources.version"],
                "namespacePrefix": prefix,
                "iriPrefix": system.phenopackets.iri_prefix,
            }
            known = self._resources[prefix] = (resource, edition is None)
        return known


def writer(context: WriterContext) -> PhenopacketsWriter:
    """The writer for a run."""
    return PhenopacketsWriter(context)
