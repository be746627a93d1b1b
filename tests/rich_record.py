"""A synthetic hub record that fills every slot of the hub, written by every writer: what no single source holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harmonize.convert import RunOutcome, make_environment
from harmonize.hub import hub_schema
from harmonize.hub.objects import hub_object
from harmonize.profiles.loading import load_profile
from harmonize.writers import TargetLog, WriterContext, load_writer
from tests.registry import ALL_TARGETS, KEY, RECORDED, Run


def code(curie: str, label: str | None = None, origin: str = "stated") -> dict[str, Any]:
    """A Coding."""
    coding = {"system": curie.partition(":")[0], "code": curie, "origin": origin}
    return {**coding, "label": label} if label else coding


def coded(*codings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A CodedValue."""
    return {"codings": list(codings), **more}


def day(value: str, **more: Any) -> dict[str, Any]:
    """A PartialDate with the precision of its text."""
    return {"value": value, "precision": {4: "year", 7: "month", 10: "day"}[len(value)], **more}


RICH: dict[str, Any] = {
    "schema_version": hub_schema().version,
    "subject_id": "0123456789abcdef0123456789abcdef01234567",
    "birth_date": day("1990-02-28"),
    "sex_at_birth": coded(code("NCIT:C16576", "Female"), code("BIRTHSEX:F", "Female", "mapped")),
    "administrative_gender": coded(code("GENDER:female", "Female")),
    "karyotypic_sex": coded(code("SNOMEDCT:734875008"), code("KARYOTYPE:XX", "XX", "mapped")),
    "gender_identity": coded(code("SNOMEDCT:446141000124107")),
    "registration_date": day("1998-06-02"),
    "age_category": coded(code("SNOMEDCT:41847000")),
    "gestation_at_birth": "P261D",
    "undiagnosed": True,
    "country_of_birth": coded(code("ISO3166:ES", "Spain")),
    "country_of_origin": coded(code("ISO3166:PT", "Portugal")),
    "first_contact_date": day("1998-06"),
    "date_of_last_follow_up": day("2024-01-01"),
    "participation_status": {"status": coded(code("ERDRISTATUS:alive", "Alive")), "date": day("2024-01-01")},
    "vital_status": {
        "status": coded(code("VITALSTATUS:deceased", "DECEASED")),
        "date_of_death": day("2024-03-04", estimated=True),
        "age_at_death": "P34Y",
        "cause_of_death": coded(code("HP:0100806", "Sepsis")),
    },
    "symptom_onsets": [
        {"date": day("1991-01")},
        {"age": "P3Y"},
        {"stage": coded(code("HP:0003593", "Infantile onset"))},
    ],
    "diagnoses": [
        {
            "disease": coded(code("ORPHA:558"), code("ICD10:Q87.4"), qualifiers=["dagger"], text="Marfan"),
            "certainty": "confirmed",
            "onset_age": "P1Y6M",
            "date_of_diagnosis": day("1999-01-20"),
            "age_at_diagnosis": "P8Y",
            "stage_at_diagnosis": coded(code("HP:0011463", "Childhood onset")),
            "body_site": coded(code("SNOMEDCT:80891009")),
            "clinical_status": "active",
            "severity": coded(code("SNOMEDCT:24484000")),
            "role": "comorbidity",
        },
        {"disease": coded(code("MONDO:0007947")), "excluded": True, "onset_stage": coded(code("HP:0003593"))},
        {"disease": {"null_flavor": "UNK"}, "certainty": "provisional", "onset_date": day("2000")},
        {"disease": coded(code("OMIM:154700")), "certainty": "entered_in_error", "clinical_status": "inactive"},
        {"disease": coded(code("SNOMEDCT:195967001")), "onset_date": day("1995-05-05"), "end_date": day("1999-09-09"), "clinical_status": "resolved"},
        {
            "disease": coded(code("ICD10:C50.4")),
            "role": "index_disease",
            "topography": coded(code("ICDO3:C50.4")),
            "laterality": coded(code("SNOMEDCT:7771000")),
            "morphology": coded(code("ICDO3:8500/3")),
            "tnm_classifications": [
                {
                    "primary_tumor": coded(code("SNOMEDCT:1228889001")),
                    "lymph_node_status": coded(code("SNOMEDCT:1229967007")),
                    "metastases": coded(code("SNOMEDCT:1229901006")),
                    "tumor_size": {"value": "21", "unit": "mm"},
                    "version": "8",
                    "stage": coded(code("SNOMEDCT:1222769001")),
                    "pathology_clinical": coded(code("SNOMEDCT:260998006")),
                    "date_of_evaluation": day("2010-02-03"),
                },
                {
                    "primary_tumor": coded(code("SNOMEDCT:1228852004")),
                    "stage": coded(code("SNOMEDCT:1222770000")),
                    "pathology_clinical": {"text": "Pathological"},
                    "sample_id": "fedcba9876543210",
                },
                {"tumor_size": {"value": "2.5", "unit": "cm"}, "version": "8"},
                {"metastases": coded(code("SNOMEDCT:1229916009")), "pathology_clinical": {"text": "Pathological"}, "sample_id": "elsewhere"},
            ],
            "gradings": [
                {"scale": coded(code("SNOMEDCT:277457005")), "grade": coded(code("SNOMEDCT:1155708003"))},
                {"scale": coded(code("SNOMEDCT:277457005"))},
            ],
            "haematological_stagings": [{"system": coded(code("SNOMEDCT:1149099005")), "stage": coded(code("NCIT:C141212"))}],
        },
    ],
    "phenotypic_features": [
        {
            "type": coded(code("HP:0001166", "Arachnodactyly")),
            "severity": coded(code("HP:0012828", "Severe")),
            "modifiers": [coded(code("HP:0012832", "Bilateral"))],
            "onset_date": day("1991-02-03"),
            "date_of_assessment": day("2000-03-01"),
            "age_at_assessment": "P10Y",
            "body_site": coded(code("SNOMEDCT:85562004")),
            "evidence": coded(code("ECO:0000033")),
        },
        {"type": coded(code("HP:0001250", "Seizure")), "excluded": True, "onset_age": "P1Y2M3D"},
        {"type": coded(code("HP:0004322")), "onset_stage": coded(code("HP:0003593")), "end_date": day("2001-01-01"), "duration": "P1Y"},
    ],
    "measurements": [
        {
            "assay": coded(code("LOINC:2160-0")),
            "kind": "laboratory",
            "value": {"value": "007.50", "comparator": "<", "unit": "mg/dL", "unit_source": coded(code("UO:0000022"))},
            "reference_low": "0.60",
            "reference_high": "1.20",
            "date": day("2001-09-09"),
            "age": "P11Y",
            "specimen": coded(code("NCIT:C12219")),
            "method": coded(code("NCIT:C49286")),
            "status": "amended",
            "interpretation": coded(code("NCIT:C78800")),
        },
        {"assay": coded(code("LOINC:883-9")), "kind": "exam", "coded_value": coded(code("SNOMEDCT:112144000"))},
        {"assay": coded(code("NCIT:C105949")), "kind": "survey", "value": {"value": "0.00000001", "unit_source": coded(code("UO:0000022"))}},
    ],
    "variants": [
        {
            "expressions": [
                {"hgvs": "NM_000138.5:c.3037G>A", "level": "c", "reference": coded(code("CLINVAR:16465"))},
                {"hgvs": "NC_000015.10:g.48487153C>T", "level": "g"},
                {"hgvs": "NP_000129.3:p.Gly1013Arg", "level": "p"},
                {"hgvs": "NR_000001.1:n.1A>G", "level": "n"},
                {"text": "rs137854480", "reference": coded(code("OMIM:134797"))},
            ],
            "gene": coded(code("HGNC:3603", "FBN1")),
            "zygosity": coded(code("GENO:0000135", "heterozygous")),
            "origin": coded(code("GENO:0000888", "germline")),
            "type": coded(code("SO:0001483", "SNV")),
            "vcf": {"assembly": "GRCh38", "chromosome": "chr15", "position": 48487153, "reference": "C", "alternative": "T"},
            "classification": coded(code("NCIT:C168799", "Pathogenic")),
            "method": coded(code("NCIT:C165219")),
            "date": day("2002-02-02"),
            "age": "P12Y",
            "interpreted_disease": coded(code("MONDO:0007947", "Marfan syndrome")),
            "progress_status": "solved",
            "interpretation_status": "causative",
            "therapeutic_actionability": "actionable",
            "evidence_level": coded(code("LOINC:LA30200-2")),
            "sequence_id": "00ff00ff00ff00ff",
            "interpretation_criteria": [coded(code("NCIT:C164989"))],
            "other_classifications": [{"text": "ESCAT I-A"}],
            "applied_criteria_of_evidence": [{"text": "PVS1"}],
            "expert_panel_decisions": ["to be treated"],
            "clinical_interpretation_tools": [{"name": "a tool", "version": "2.10"}],
            "variant_calling_deviations": [{"name": "a caller"}],
            "variant_annotation_deviations": [{"name": "an annotator"}],
            "variant_annotation_database_deviations": [{"name": "a database"}],
            "reported_to_patient": True,
        },
        {"expressions": [{"hgvs": "NC_012920.1:m.3243A>G", "level": "m"}], "reference_assembly": "GRCh37", "zygosity": coded(code("GENO:0000603"))},
    ],
    "samples": [
        {
            "sample_id": "fedcba9876543210",
            "type": coded(code("NCIT:C12434", "Blood")),
            "anatomical_location": coded(code("UBERON:0000178")),
            "organism": coded(code("NCIT:C14225", "Human"), code("NCBITAXON:9606", "Homo sapiens", "mapped")),
            "pathological_state": coded(code("NCIT:C8509", "Primary Neoplasm")),
            "collection_date": day("2003-04-05"),
            "age_at_collection": "P13Y",
            "extraction_technique": coded(code("NCIT:C15189", "Biopsy")),
            "storage_conditions": [coded(code("NCIT:C63521")), coded(code("NCIT:C70717"))],
            "assayed_biological_macromolecule": coded(code("NCIT:C449", "DNA")),
            "sampling_intents": ["diagnosis"],
            "origin": "solid_tumor_primary",
            "processing": [coded(code("NCIT:C143028", "FFPE")), coded(code("NCIT:C63521", "Frozen"))],
            "description": "a block",
            "matching_samples_exist": True,
            "relations": [{"related_samples": ["0123456789abcdee"], "relation_type": {"text": "Matched"}, "relation_description": "normal tissue"}],
            "biobank": coded(code("BBMRI:bbmri-eric:ID:XX_TEST:collection:A")),
        },
        {
            "sample_id": "0123456789abcdee",
            "pathological_state": coded(code("NCIT:C162623", "Normal Tissue Sample")),
            "age_at_collection": "P13Y",
            "relations": [{"related_samples": ["fedcba9876543210", "elsewhere"], "relation_type": {"text": "Aliquot"}}],
        },
    ],
    "biomarkers": [
        {
            "purpose": coded(code("NCIT:C201361")),
            "type": coded(code("NCIT:C17021")),
            "subtype": coded(code("NCIT:C17021")),
            "name": "HER2",
            "code": coded(code("LOINC:48676-1")),
            "date": day("2010-02-03"),
        }
    ],
    "sequences": [
        {
            "sequence_id": "00ff00ff00ff00ff",
            "sample_id": "fedcba9876543210",
            "target": coded(code("NCIT:C101294")),
            "sequencing_date": day("2010-03-03"),
            "iso_15189_accredited": True,
            "iso_17025_accredited": False,
            "wet_lab_protocol": "a protocol",
            "participated_in_proficiency_testing": True,
            "ivdr_passed": True,
            "sequencing_platforms": [coded(code("NCIT:C146817"))],
            "average_depth_of_coverage": "31.5",
            "breadth_of_coverage": "97",
            "additional_quality_control_metrics": "words",
            "quality_metrics": dict.fromkeys(hub_schema().classes["WgsQualityMetrics"], "1.5"),
            "initial_input_file_format": {"text": "FASTQ"},
            "final_output_file_format": {"text": "VCF"},
            "final_output_file_format_version": "4.3",
            "alignment_software": [
                {
                    "name": "an aligner",
                    "websites": ["https://example.org"],
                    "identifier": "aligner",
                    "version": "2.10",
                    "date_used": day("2010-03-04"),
                    "settings": ["default"],
                    "parameters": ["align --all"],
                }
            ],
            "alignment_genomes": [{"name": "GRCh38"}],
            "alignment_genome_settings": ["no decoys"],
            "target_genes": [{"gene": coded(code("HGNC:1100", "BRCA1")), "label": "BRCA1", "description": "all exons"}],
            "other_targets": [coded(code("SO:0000167"))],
            "panel_of_normals_included": True,
            "panel_of_normals_description": "forty persons",
            "variant_calling": [{"name": "a caller"}],
            "variant_calling_date": day("2010-03-05"),
            "variant_annotation": [{"name": "an annotator"}],
            "variant_annotation_databases": [{"name": "a database"}],
            "clinical_variant_interpretation": [{"name": "ClinVar"}],
        }
    ],
    "environmental_exposure": {
        "tobacco_use_status": coded(code("SNOMEDCT:8517006", "Ex-smoker")),
        "types_of_tobacco_used": [{"text": "cigarette"}],
        "smoking_amount": {"value": "10", "unit": "/d"},
        "pack_years": "12.50",
        "alcohol_use_status": coded(code("SNOMEDCT:82581004", "Ex-drinker")),
        "alcohol_amounts": [{"value": "3", "unit": "/wk"}],
        "other_types_of_exposure": [{"text": "asbestos"}],
        "other_exposure_description": "dust",
        "travels": [{"description": "a journey", "start_date": day("2009-01"), "end_date": day("2009-02")}],
        "residential_areas_at_risk": ["radon"],
        "infectious_agents": [coded(code("NCBITAXON:10566"))],
    },
    "submission": {
        "submitter": "a physician",
        "email": "physician@example.org",
        "role": "oncologist in charge",
        "data_publisher": "a publisher",
        "data_center": "a department",
        "clinical_center": "a clinic",
        "clinical_institution": "a hospital",
        "data_center_institution": "an institute",
        "dataset_id": "GDI-XX-1",
        "publications": ["10.1000/1"],
        "projects": ["a project"],
        "research_consortia": ["a consortium"],
        "country": coded(code("ISO3166:ES", "Spain")),
    },
    "pedigree": {
        "family_id": "family-1",
        "consanguineous_parents": True,
        "subject_is_propositus": False,
        "relationship_to_propositus": coded(code("ROLECODE:NSIS", "natural sister")),
        "members": [
            {
                "individual_id": "0123456789abcdef0123456789abcdef01234567",
                "paternal_id": "father-1",
                "maternal_id": "mother-1",
                "sex": coded(code("BIRTHSEX:F", "Female")),
                "affected_status": "affected",
            },
            {
                "individual_id": "father-1",
                "relationship": coded(code("ROLECODE:FTH", "father")),
                "sex": coded(code("BIRTHSEX:M", "Male")),
                "affected_status": "unaffected",
                "deceased": True,
                "diseases": [coded(code("ORPHA:558"))],
                "birth_date": day("1960"),
                "age_at_death": "P50Y",
                "cause_of_death": coded(code("ICD10CM:I71.0")),
                "record_status": "completed",
            },
            {"individual_id": "mother-1", "affected_status": "missing"},
            {"individual_id": "brother-1", "relationship": coded(code("ROLECODE:NBRO", "natural brother")), "age": "P20Y", "deceased": False},
        ],
    },
    "consents": [
        {"purpose": "data_reuse", "decision": "permit", "data_use": [coded(code("DUO:0000042", "general research use"))], "date": day("2012-01-01"), "status": "proposed", "policies": ["a policy"]},
        {"purpose": "contact", "decision": "deny"},
        {"purpose": "other"},
    ],
    "procedures": [
        {"code": coded(code("SNOMEDCT:2752008")), "body_site": coded(code("SNOMEDCT:112975008")), "status": "completed", "date": day("2013-05-06")},
        {"code": coded(code("SNOMEDCT:26212005")), "date": day("2013-05-06"), "end_date": day("2013-06-07")},
        {"code": coded(code("SNOMEDCT:5431005")), "status": "not-done", "date": day("2014")},
    ],
    "treatments": [
        {
            "agents": [coded(code("NCIT:C66869", "Losartan"))],
            "routes_of_administration": [coded(code("NCIT:C38288"))],
            "start_date": day("2014-01-02"),
            "end_date": day("2014-04"),
            "quantity": {"value": "90", "unit": "{tbl}", "unit_source": coded(code("UO:0000022"))},
            "days_supply": "P90D",
        },
        {"agents": [coded(code("SNOMEDCT:372586001"))], "start_date": day("2015")},
        {
            "type": coded(code("SNOMEDCT:367336001", "Chemotherapy")),
            "subtype": "first",
            "agents": [coded(code("ATC:L01CD01")), coded(code("ATC:L01DB03"))],
            "intention_to_treat": coded(code("SNOMEDCT:373808002")),
            "setting": coded(code("NCIT:C15675")),
            "line": "first",
            "pre_treated": False,
            "start_date": day("2010-04-01"),
            "end_date": day("2010-08-01"),
            "intended_duration": "P150D",
            "routes_of_administration": [coded(code("NCIT:C38276", "Intravenous"))],
            "treatment_status": coded(code("SNOMEDCT:416406003")),
            "reason_for_incomplete_treatment": coded(code("SNOMEDCT:407563006")),
            "toxicity_type": coded(code("NCIT:C27990")),
            "outcome": {"text": "progression"},
            "response_to_treatment": coded(code("NCIT:C18213")),
            "adverse_events": [coded(code("NCIT:C143283")), coded(code("NCIT:C55275"))],
            "treated_disease": "index_disease",
        },
        {
            "agents": [coded(code("ATC:L02BA01"))],
            "routes_of_administration": [coded(code("NCIT:C38288")), coded(code("NCIT:C38276"))],
            "cumulative_dose": {"value": "7300", "unit": "mg"},
            "dose_interval": "P1D",
            "toxicity_type": coded(code("NCIT:C27991")),
        },
        {
            "type": coded(code("SNOMEDCT:387713003", "Surgery")),
            "procedure": coded(code("SNOMEDCT:392021009")),
            "start_date": day("2010-03-01"),
            "end_date": day("2010-03-01"),
            "sites": [coded(code("SNOMEDCT:76752008"))],
            "surgical_resection_quality": coded(code("SNOMEDCT:1222638005")),
            "treatment_status": coded(code("SNOMEDCT:182992009")),
            "outcome": coded(code("NCIT:C4870")),
        },
        {
            "type": coded(code("SNOMEDCT:1287742003", "Radiation therapy")),
            "modalities": [coded(code("NCIT:C93337", "Photon"))],
            "radiation_type": {"text": "external"},
            "fractions": 25,
            "cumulative_dose": {"value": "50.0", "unit": "Gy"},
            "sites": [coded(code("SNOMEDCT:76752008"))],
            "start_date": day("2010-09-01"),
        },
        {"type": coded(code("SNOMEDCT:1287742003")), "fractions": 5, "treatment_status": coded(code("SNOMEDCT:445528004"))},
        {"type": coded(code("SNOMEDCT:387713003")), "treatment_status": coded(code("SNOMEDCT:405613005"))},
    ],
    "device_uses": [
        {
            "device": coded(code("SNOMEDCT:14106009")),
            "device_id": "00112233445566778899",
            "start_date": day("2016-02-03"),
            "end_date": day("2020-02-03"),
            "quantity": {"value": "1", "comparator": ">=", "unit": "1"},
        },
        {"device": coded(code("SNOMEDCT:25062003")), "start_date": day("2017-01-01")},
    ],
    "clinical_episodes": [
        {
            "kind": "disease",
            "type": coded(code("SNOMEDCT:281647001")),
            "object": coded(code("ORPHA:558")),
            "start_date": day("1999-01-20"),
            "end_date": day("2004-03-04"),
            "number": "1",
        },
        {"kind": "treatment", "object": coded(code("NCIT:C15313")), "start_date": day("2014-01-02"), "end_date": day("2014-04-01")},
        {"kind": "treatment", "type": coded(code("NCIT:C15632"))},
    ],
    "disabilities": [
        {"category": coded(code("ICF:d450")), "qualifier": "2", "date": day("2011-03-25"), "end_date": day("2011-04-25"), "age": "P21Y"},
        {"category": coded(code("ICF:b280")), "instrument": coded(code("NCIT:C130325")), "score": {"value": "2"}, "qualifier": "1"},
    ],
    "care_episodes": [
        {"kind": coded(code("ACTCODE:IMP", "inpatient encounter")), "start_date": day("2011-03-01"), "end_date": day("2011-03-09"), "age": "P21Y"},
        {"kind": coded(code("ACTCODE:AMB", "ambulatory")), "type": coded(code("SNOMEDCT:185349003")), "start_date": day("2012-05"), "reason": coded(code("HP:0001250")), "status": "arrived"},
    ],
}  # fmt: skip


def context() -> WriterContext:
    """A writer's context of a run that never was."""
    environment = make_environment(load_profile("eu/ern-cde"), KEY, "test")
    return WriterContext(
        site="test",
        recorded=RECORDED,
        profile_id="test/rich",
        profile_version="1.0.0",
        key=KEY,
        systems=environment.systems,
        editions=environment.terminologies.editions(),
        software_version="0.0.0",
    )


def write(target: str, record: dict[str, Any] = RICH) -> tuple[list[Any], TargetLog]:
    """The documents of a writer for *record*, and what it says."""
    log = TargetLog(target)
    return load_writer(target, context()).documents(hub_object(record), log), log


def rich_run(folder: Path) -> Run:
    """A folder as a run writes it, from the rich record."""
    for target in ALL_TARGETS:
        documents, _ = write(target)
        for document in documents:
            (folder / target).mkdir(parents=True, exist_ok=True)
            with (folder / target / f"{document.stem}.ndjson").open("ab") as file:
                file.write(document.line + b"\n")
    return Run(folder, RunOutcome({}, {}, None, False))
