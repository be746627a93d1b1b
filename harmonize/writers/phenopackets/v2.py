"""Target `phenopackets`: GA4GH Phenopackets v2 in canonical protobuf JSON, written as plain dicts.

Source: phenopacket-schema v2 (phenopackets/schema/v2 of ga4gh/phenopacket-schema) and the protobuf JSON mapping: names in
lowerCamelCase, enumerations by name, defaults (false, 0, empty) absent, 64-bit integers as text, one key of a oneof.

What is decided here
- A known day becomes a timestamp at T00:00:00Z; it means the day. A coarser date has no exact form and is a loss.
- An OntologyClass holds one code: the first of the preference list; other *stated* codes are a loss (coarsened).
- Where no label is known the label is the code.
- A slot that `DECLARATION` drops as a whole is counted from there; `unsupported` is called for single losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from harmonize.extensions import with_methods_of
from harmonize.hub import hub_schema
from harmonize.hub.objects import HubObject
from harmonize.writers import CARRIES, Document, Parts, Support, TargetLog, WriterContext, coarsens, drops, kept
from harmonize.writers.phenopackets.biosamples import biosamples
from harmonize.writers.phenopackets.clinical import diseases, features
from harmonize.writers.phenopackets.family import family
from harmonize.writers.phenopackets.individual import individual
from harmonize.writers.phenopackets.interpretations import UNSPECIFIED_DISEASE, interpretations
from harmonize.writers.phenopackets.measurements import measurements
from harmonize.writers.phenopackets.medical_actions import medical_actions
from harmonize.writers.phenopackets.sheet import VERSION_NOT_STATED, RunParts, Sheet
from harmonize.writers.phenopackets.treatments import NO_DOSE, OF_PROCEDURES

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
    "Subject.undiagnosed": "a Disease states a disease; that none was found has no element",
    "Treatment.subtype": "an ontology class has no words beside it",
    "Treatment.setting": _NO_PLACE,
    "Treatment.line": _NO_PLACE,
    "Treatment.pre_treated": _NO_PLACE,
    "Treatment.intended_duration": "v2 holds what was done, not what was meant to be",
    "Treatment.dose_interval": NO_DOSE,
    "Treatment.surgical_resection_quality": _NO_PLACE,
    "Treatment.radiation_type": "a RadiationTherapy has a modality and no kind",
    "Treatment.quantity": NO_DOSE,
    "Treatment.days_supply": NO_DOSE,
    "ClinicalEpisode.number": "v2 does not number regimens",
    "TNM.tumor_size": "a Disease has no element for the size of a tumour",
    "TNM.version": "an ontology class does not say the edition of the classification",
    "TNM.date_of_evaluation": "findings of TNM have no date",
    "Grading.scale": "an ontology class of a grade does not say its scale",
    "HaematologicalStaging.system": "a stage does not say its system",
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
    "Subject.device_uses": _NO_PLACE,
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
    "Sample.assayed_biological_macromolecule": "sampleType is what the sample is, not what was derived for an assay",
    "Sample.sampling_intents": _NO_PLACE,
    "Sample.origin": "v2 has no element for the block of a data set",
    "Sample.matching_samples_exist": _NO_PLACE,
    "SampleRelation.relation_description": _NO_PLACE,
    "Subject.biomarkers": "diagnosticMarkers are those of a biosample, of which no source says which one it is",
    "Subject.sequences": "v2 holds files with addresses, not how a sequencing was made",
    "Subject.environmental_exposure": _NO_PLACE,
    "Subject.submission": "metaData.submittedBy names the site; v2 has no element for persons of the centre",
    "Variant.sequence_id": "v2 does not describe a sequencing",
    "Variant.interpretation_criteria": "v2 holds the result by ACMG alone",
    "Variant.other_classifications": "v2 holds the result by ACMG alone",
    "Variant.applied_criteria_of_evidence": "v2 holds the result by ACMG, not the criteria that were met",
    "Variant.expert_panel_decisions": _NO_PLACE,
    "Variant.clinical_interpretation_tools": _NO_PLACE,
    "Variant.variant_calling_deviations": _NO_PLACE,
    "Variant.variant_annotation_deviations": _NO_PLACE,
    "Variant.variant_annotation_database_deviations": _NO_PLACE,
    "Variant.reported_to_patient": _NO_PLACE,
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
_DROPPED_CLASSES = {
    "Consent", "Disability", "CareEpisode", "DeviceUse", "ParticipationStatus", "Biomarker", "Sequence", "DigitalResource",
    "TargetGene", "WgsQualityMetrics", "EnvironmentalExposure", "Travel", "Submission",
}  # fmt: skip
_COARSENED: Mapping[str, str] = {
    "Diagnosis.certainty": "a provisional diagnosis is written as a disease; v2 does not say how sure it is",
    "Diagnosis.role": "a Disease has no element for it; it is the target of treatments of that disease",
    "TNM.pathology_clinical": "findings stand with the disease, or with the biosample where they are pathological",
    "TNM.sample_id": "pathological findings stand with that biosample; it is told by that alone",
    "SampleRelation.relation_type": "derivedFromId does not tell an aliquot from what was derived",
    "Treatment.treatment_status": "what was done is written, what is planned is left out; the state itself has no element",
    "PedigreeMember.relationship": "a pedigree states fathers and mothers only",
    "Procedure.status": "what was done is written, what was not done is left out; the state itself has no element",
    "Quantity.comparator": "a quantity of v2 has no comparator",
}


_DATES_OF_TREATMENTS = ("Treatment.start_date", "Treatment.end_date")


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


_MOST_META_DATA = 1_000
"""Sets of code systems whose MetaData is kept."""


class PhenopacketsWriter:
    """Writes one Phenopacket per subject, and a Family where there is a pedigree."""

    target = "phenopackets"
    declaration: Mapping[str, Support] = _declaration()
    defaults: Mapping[str, str] = {
        "interpretations.diagnosis.disease": " ".join(UNSPECIFIED_DISEASE),
        "medicalActions.therapeuticRegimen.regimenStatus": "UNKNOWN_STATUS",
        "metaData.resources.version": VERSION_NOT_STATED,
    }

    def __init__(self, context: WriterContext) -> None:
        self._context = context
        agents_only = context.filled is not None and context.filled.isdisjoint(OF_PROCEDURES)
        if agents_only:  # so that their dates are lost once a run, not once a treatment
            self.declaration = {**self.declaration, **dict.fromkeys(_DATES_OF_TREATMENTS, drops(NO_DOSE))}
        self._run = RunParts(context, drops_dates_of_treatments=agents_only)
        self._known_meta_data: dict[frozenset[str], tuple[orjson.Fragment, int]] = {}
        self._sheet = with_methods_of("harmonize.writers.phenopackets.sheet_methods", Sheet)

    def documents(self, record: HubObject, log: TargetLog) -> list[Document]:
        """The packet of *record*, and its family."""
        sheet = self._sheet(self._run, record, log)
        packet_id = self._run.identifiers["phenopacket"](record["subject_id"])
        packet: dict[str, Any] = {"id": packet_id, "subject": individual(sheet)}
        for name, made in (
            ("phenotypicFeatures", features(sheet)),
            ("measurements", measurements(sheet)),
            ("biosamples", biosamples(sheet)),
            ("interpretations", interpretations(sheet, packet_id)),
            ("diseases", diseases(sheet)),
            ("medicalActions", medical_actions(sheet)),
        ):
            if made:
                packet[name] = made
        packet["metaData"] = self._meta_data(sheet)
        documents = [Document("phenopackets", packet_id, orjson.dumps(packet))]
        if "pedigree" in record:
            made_family = family(sheet, packet)
            documents.append(Document("families", made_family["id"], orjson.dumps(made_family)))
        return documents

    def close(self, subjects: int, parts: Parts) -> Iterator[tuple[str, Iterator[bytes]]]:
        """No file of the run."""
        return iter(())

    def _meta_data(self, sheet: Sheet) -> orjson.Fragment:
        """MetaData: packets that use the same code systems have the same."""
        prefixes = frozenset(sheet.prefixes)
        known = self._known_meta_data.get(prefixes)
        if known is None:
            if len(self._known_meta_data) >= _MOST_META_DATA:
                self._known_meta_data.clear()
            known = self._known_meta_data[prefixes] = self._new_meta_data(sorted(prefixes))
        made, defaulted = known
        if defaulted:
            sheet.log.default("metaData.resources.version", defaulted)
        return made

    def _new_meta_data(self, prefixes: Sequence[str]) -> tuple[orjson.Fragment, int]:
        """The MetaData of packets with codes of *prefixes*, and how many versions in it are defaults."""
        meta: dict[str, Any] = {
            "created": self._context.recorded,
            "createdBy": f"harmonize {self._context.software_version}",
            "submittedBy": self._context.site,
        }
        resources = [self._run.resource(prefix) for prefix in prefixes]
        if resources:
            meta["resources"] = [resource for resource, _ in resources]
        meta["phenopacketSchemaVersion"] = "2.0"
        return kept(meta), sum(is_default for _, is_default in resources)


def writer(context: WriterContext) -> PhenopacketsWriter:
    """The writer for a run."""
    return PhenopacketsWriter(context)
