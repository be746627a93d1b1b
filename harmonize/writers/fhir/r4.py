"""Target `fhir-r4`: HL7 FHIR R4 (4.0.1) as NDJSON per resource type, the layout of Bulk Data.

What is decided here
- Resources are built as plain dicts and written with orjson; numbers keep their digits; nothing is null, no array empty.
- Ids are keyed hashes of the subject and of what the resource says, never of a position; Patient.id is the subject's pseudonym.
- Every resource has meta.source and the security label PSEUDED. meta.profile names a profile only where, by construction, our check of
  it passes on every resource written: `phenotype` of phenomics-exchange, `variant` and `diagnostic-implication` of
  Genomics Reporting 3.0.0.
- One Provenance a run; its target is one Group of the subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from harmonize.extensions import with_methods_of
from harmonize.hub import hub_schema
from harmonize.hub.objects import HubObject
from harmonize.writers import CARRIES, Document, Parts, Support, TargetLog, WriterContext, coarsens, drops
from harmonize.writers.fhir import care, clinical, exposure, genomics, person, specimens, treatments
from harmonize.writers.fhir.sheet import RunParts, Sheet

_NO_ELEMENT = "FHIR R4 has no element for it that a guide cites"
_DROPPED: Mapping[str, str] = {
    "Subject.schema_version": "version of the hub, not a datum of the subject",
    "Subject.country_of_origin": _NO_ELEMENT,
    "Subject.first_contact_date": _NO_ELEMENT,
    "Subject.registration_date": _NO_ELEMENT,
    "Subject.date_of_last_follow_up": _NO_ELEMENT,
    "Subject.participation_status": _NO_ELEMENT,
    "VitalStatus.age_at_death": "Patient.deceased[x] is a date or yes or no",
    "Diagnosis.age_at_diagnosis": "the extension condition-assertedDate takes a date",
    "Diagnosis.stage_at_diagnosis": "the extension condition-assertedDate takes a date",
    "Diagnosis.onset_stage": "Condition.onset[x] has no coded form",
    "PhenotypicFeature.age_at_assessment": "Observation.effective[x] takes no age",
    "PhenotypicFeature.duration": "Observation.effective[x] holds start and end",
    "Measurement.age": "Observation.effective[x] takes no age",
    "Variant.age": "Observation.effective[x] takes no age",
    "Variant.progress_status": "the variant profile has no element for the progress of an interpretation",
    "Variant.interpretation_status": "the variant profile has no element for the conclusion of an interpretation",
    "Variant.therapeutic_actionability": "the variant profile has no element for it",
    "Disability.age": "Observation.effective[x] takes no age",
    "CareEpisode.age": "Encounter.period takes no age",
    "Treatment.setting": _NO_ELEMENT,
    "Treatment.line": _NO_ELEMENT,
    "Treatment.pre_treated": _NO_ELEMENT,
    "Treatment.intended_duration": "MedicationStatement and Procedure hold what was done, not what was meant to be",
    "Treatment.response_to_treatment": "Procedure.outcome holds how the treatment ended; a response has no element",
    "Treatment.quantity": "a MedicationStatement holds what is taken at a time, not an amount",
    "Treatment.days_supply": "a MedicationStatement says when it is taken, not for how long an amount lasts",
    "DeviceUse.quantity": "a DeviceUseStatement is about one device",
    "ClinicalEpisode.number": "EpisodeOfCare does not number the episodes of a patient",
    "Sample.organism": "Specimen has no element for the species; its subject is the Patient",
    "Sample.pathological_state": "Specimen.condition is bound to states of the material, such as clotted; R4 has no other",
    "Sample.age_at_collection": "Specimen.collection.collected[x] takes no age",
    "Sample.storage_conditions": "Specimen has no element for storage",
    "Sample.assayed_biological_macromolecule": "Specimen.type is what the sample is, not what was derived for an assay",
    "Sample.sampling_intents": "why it was taken stands in a ServiceRequest, which no source states",
    "Sample.origin": "Specimen has no element for the block of a data set",
    "Sample.description": "free text is not written",
    "Sample.matching_samples_exist": "Specimen refers to specimens and does not say whether there are any",
    "SampleRelation.relation_description": "free text is not written",
    "Subject.biomarkers": "an Observation of a biomarker holds its result, which the class does not have",
    "Subject.sequences": "the genomic study of Genomics Reporting is a Procedure with analyses; they are not written",
    "Subject.submission": "it is about persons of the centre; Provenance names the site",
    "Variant.sequence_id": "sequencings are not written",
    "Variant.interpretation_criteria": "the implication has no element for the standard of the interpretation",
    "Variant.other_classifications": "the significance is bound to the five classes of LOINC LL4034-6",
    "Variant.applied_criteria_of_evidence": "the implication has no element for the criteria that were met",
    "Variant.expert_panel_decisions": "free text is not written",
    "Variant.clinical_interpretation_tools": "the genomic study, which names tools, is not written",
    "Variant.variant_calling_deviations": "the genomic study, which names tools, is not written",
    "Variant.variant_annotation_deviations": "the genomic study, which names tools, is not written",
    "Variant.variant_annotation_database_deviations": "the genomic study, which names tools, is not written",
    "Variant.reported_to_patient": _NO_ELEMENT,
    "Consent.policies": "Consent.policy takes the address of a policy, not its words",
    "EnvironmentalExposure.types_of_tobacco_used": _NO_ELEMENT,
    "EnvironmentalExposure.smoking_amount": "codes of observations count cigarettes a day; the amount may be of other things and times",
    "EnvironmentalExposure.alcohol_use_status": _NO_ELEMENT,
    "EnvironmentalExposure.alcohol_amounts": "codes of observations count drinks a day; the amount may be of other times",
    "EnvironmentalExposure.other_types_of_exposure": "an Observation of an exposure needs a code of its own",
    "EnvironmentalExposure.other_exposure_description": "free text is not written",
    "EnvironmentalExposure.travels": "an Observation of a journey holds a country; the class has words",
    "EnvironmentalExposure.residential_areas_at_risk": "free text is not written",
    "EnvironmentalExposure.infectious_agents": "a Condition needs the infection, an Observation the test; an agent alone is neither",
    "Sample.biobank": "Specimen has no element for the collection that it lies in",
    "Pedigree.family_id": "FamilyMemberHistory names the patient, not the family",
    "Pedigree.consanguineous_parents": _NO_ELEMENT,
    "Pedigree.subject_is_propositus": _NO_ELEMENT,
    "Pedigree.relationship_to_propositus": _NO_ELEMENT,
    "PedigreeMember.paternal_id": "FamilyMemberHistory states the relationship to the patient only",
    "PedigreeMember.maternal_id": "FamilyMemberHistory states the relationship to the patient only",
    "PedigreeMember.affected_status": "FamilyMemberHistory lists conditions; affected or not has no element",
    "ParticipationStatus.status": _NO_ELEMENT,
    "ParticipationStatus.date": _NO_ELEMENT,
    "CodedValue.qualifiers": "a CodeableConcept has no place for qualifiers",
    "Coding.origin": "a Coding does not say whether it was translated",
    "Coding.predicate": "a Coding does not say how it was translated",
    "Coding.mapping_set": "a Coding does not say how it was translated",
    "Coding.row": "a Coding does not say how it was translated",
    "PartialDate.estimated": "a date does not say that it is an estimate",
}
_DROPPED_CLASSES: Mapping[str, str] = {
    "Biomarker": _DROPPED["Subject.biomarkers"],
    "Sequence": _DROPPED["Subject.sequences"],
    "WgsQualityMetrics": _DROPPED["Subject.sequences"],
    "TargetGene": _DROPPED["Subject.sequences"],
    "DigitalResource": _DROPPED["Variant.clinical_interpretation_tools"],
    "Submission": _DROPPED["Subject.submission"],
    "Travel": _DROPPED["EnvironmentalExposure.travels"],
}
_COARSENED: Mapping[str, str] = {
    "Diagnosis.role": "Condition has no element for it; treatments of that disease refer to its Condition",
    "SampleRelation.relation_type": "Specimen.parent does not tell an aliquot from what was derived",
    "Consent.purpose": "Consent.category holds it as text",
    "ClinicalEpisode.kind": "EpisodeOfCare.type holds it as text",
}


def _declaration() -> dict[str, Support]:
    keys = [(name, f"{name}.{slot}") for name, slots in hub_schema().classes.items() for slot in slots]
    result = {}
    for name, key in keys:
        if key in _DROPPED or name in _DROPPED_CLASSES:
            result[key] = drops(_DROPPED.get(key) or _DROPPED_CLASSES[name])
        else:
            result[key] = coarsens(_COARSENED[key]) if key in _COARSENED else CARRIES
    return result


_RESOURCES: Sequence[tuple[str | None, Callable[[Sheet], None]]] = (
    ("samples", specimens.specimens),
    (None, clinical.conditions),
    ("phenotypic_features", clinical.phenotypic_features),
    ("measurements", clinical.measurements),
    ("variants", genomics.variants),
    ("disabilities", clinical.disabilities),
    ("environmental_exposure", exposure.exposures),
    ("pedigree", person.family_member_histories),
    ("consents", person.consents),
    ("care_episodes", care.encounters),
    ("procedures", care.procedures),
    ("treatments", treatments.treatments),
    ("device_uses", care.device_use_statements),
    ("clinical_episodes", care.episodes_of_care),
)
"""The slot of a record, and what writes the resources of it; None for what looks at several slots. Later ones refer to earlier ones."""


class FhirR4Writer:
    """Writes the resources of one subject; the Group and the Provenance of a run at its end."""

    target = "fhir-r4"
    declaration: Mapping[str, Support] = _declaration()
    defaults: Mapping[str, str] = {
        "Observation.status": "final",
        "Condition.clinicalStatus": "inactive",
        "Consent.status": "active",
        "Consent.scope": "research",
        "Consent.category": "research",
        "Encounter.status": "unknown",
        "FamilyMemberHistory.status": "partial",
        "Procedure.status": "unknown",
        "MedicationStatement.status": "unknown",
        "DeviceUseStatement.status": "data absent: unknown",
        "EpisodeOfCare.status": "data absent: unknown",
    }

    def __init__(self, context: WriterContext) -> None:
        self._context = context
        self._run = RunParts(context)
        self._sheet = with_methods_of("harmonize.writers.fhir.sheet_methods", Sheet)

    def documents(self, record: HubObject, log: TargetLog) -> list[Document]:
        """The resources of *record*. Each refers to the Patient; none refers out of the set."""
        sheet = self._sheet(self._run, record, log)
        person.patient(sheet)
        for slot, write in _RESOURCES:
            if slot is None or slot in record:
                write(sheet)
        return sheet.documents

    def close(self, subjects: int, parts: Parts) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The Group of the subjects, streamed from the patients just written, and the Provenance of the run."""
        if not subjects:
            return
        group_id = self._context.identifier("fhir/Group", self._context.profile_id)
        yield "Group", self._group(group_id, subjects, parts("Patient"))
        yield "Provenance", iter([orjson.dumps(self._provenance(group_id)) + b"\n"])

    def _group(self, group_id: str, subjects: int, patients: Sequence[Path]) -> Iterator[bytes]:
        head = {
            "resourceType": "Group",
            "id": group_id,
            "meta": self._run.meta.of(),
            "type": "person",
            "actual": True,
            "quantity": subjects,
        }
        yield orjson.dumps(head)[:-1] + b',"member":['
        between = b""
        for path in patients:
            with path.open("rb") as lines:
                for line in lines:
                    reference = {"entity": {"reference": f"Patient/{orjson.loads(line)['id']}"}}
                    yield between + orjson.dumps(reference)
                    between = b","
        yield b"]}\n"

    def _provenance(self, group_id: str) -> dict[str, Any]:
        context = self._context
        agent = {
            "type": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                        "code": "assembler",
                        "display": "Assembler",
                    }
                ]
            },
            "who": {"display": f"harmonize {context.software_version}"},
            "onBehalfOf": {"display": context.site},
        }
        entity = {
            "role": "source",
            "what": {"display": f"records after profile {context.profile_id} {context.profile_version}"},
        }
        return {
            "resourceType": "Provenance",
            "id": context.identifier("fhir/Provenance", f"{context.profile_id}|{context.recorded}"),
            "meta": self._run.meta.of(),
            "target": [{"reference": f"Group/{group_id}"}],
            "recorded": context.recorded,
            "agent": [agent],
            "entity": [entity],
        }


def writer(context: WriterContext) -> FhirR4Writer:
    """The writer for a run."""
    return FhirR4Writer(context)
