"""Three-way tests of the rules: a record in which each holds, one that breaks it, one to which it does not apply."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harmonize.checks.catalogue import FAMILIES, not_checked, rule, rules
from harmonize.checks.codes import code_problem
from harmonize.checks.documents import validate
from harmonize.checks.fhir_r4 import check_resource
from harmonize.checks.hub_records import CHECKS, check_record, checks_of
from harmonize.checks.measurements import bounds
from harmonize.checks.phenopackets import check_packet
from harmonize.checks.tumour_tables import tumour_tables
from harmonize.checks.tumours import Tumour, is_one_tumour
from harmonize.checks.violations import Circumstances
from harmonize.convert import Converter
from harmonize.datasets.specification import LEVELS
from harmonize.errors import UnknownNameError
from harmonize.hub.objects import hub_object
from harmonize.terminology.notation import Code, load_systems
from harmonize.terminology.store import Terminologies
from tests.properties.hub_records import filled_slots

TERMINOLOGIES = Terminologies.installed()
OBO = "http://purl.obolibrary.org/obo/"


def day(value: str) -> dict[str, str]:
    return {"value": value, "precision": {4: "year", 7: "month", 10: "day"}[len(value)]}


def feature(code: str, **more: Any) -> dict[str, Any]:
    return {"type": {"codings": [{"system": "HP", "code": code, "origin": "stated"}]}, **more}


def hub(**slots: Any) -> dict[str, Any]:
    return {"schema_version": "0.1.0", "subject_id": "a", **slots}


def features(*stated: dict[str, Any]) -> dict[str, Any]:
    return hub(phenotypic_features=list(stated))


def coded(curie: str) -> dict[str, Any]:
    return {"codings": [{"system": curie.partition(":")[0], "code": curie, "origin": "stated"}]}


def diagnoses(*stated: tuple[str, dict[str, Any]], **slots: Any) -> dict[str, Any]:
    return hub(diagnoses=[{"disease": coded(curie), **more} for curie, more in stated], **slots)


def sexed(sex: str, *stated: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return diagnoses(*stated, sex_at_birth=coded(f"BIRTHSEX:{sex}"))


def tumour(
    topography: str | None, morphology: str | None, sex: str | None = None, age: str | None = None
) -> dict[str, Any]:
    stated = {"disease": {}, "topography": topography, "morphology": morphology}
    made: dict[str, Any] = {
        name: coded(f"ICDO3:{v}") if isinstance(v, str) else v for name, v in stated.items() if v is not None
    }
    if age:
        made["age_at_diagnosis"] = age
    return hub(diagnoses=[made], **({"sex_at_birth": coded(f"BIRTHSEX:{sex}")} if sex else {}))


def tumours(*stated: str) -> dict[str, Any]:
    return hub(diagnoses=[tumour(*one.split())["diagnoses"][0] for one in stated])


def family(*members: dict[str, Any]) -> dict[str, Any]:
    return hub(pedigree={"family_id": "f", "members": list(members)})


def measured(assay: str, number: str, unit: str | None) -> dict[str, Any]:
    return hub(measurements=[{"assay": coded(assay), "value": {"value": number, **({"unit": unit} if unit else {})}}])


VITAL = {
    status: {"codings": [{"system": "VITALSTATUS", "code": f"VITALSTATUS:{status}", "origin": "mapped"}]}
    for status in ("alive", "deceased")
}
OFF = {"excluded": True}
# rule: (records in which it holds, records that break it, records to which it does not apply)
HUB_RULES: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "plausibility.several-variants": (
        [
            hub(
                variants=[
                    {"expressions": [{"hgvs": "NM_1.2:c.1A>G", "level": "c"}, {"hgvs": "NM_1.2:c.1A>G", "level": "c"}]}
                ]
            )
        ],
        [
            hub(variants=[{"expressions": [{"hgvs": "c.1A>G", "level": "c"}, {"hgvs": "c.2A>G", "level": "c"}]}]),
            hub(
                variants=[
                    {
                        "expressions": [
                            {"hgvs": h, "level": "c"} for h in ("NM_1.2:c.1A>G", "NM_1.2:c.2A>G", "NM_1.2:c.3A>G")
                        ]
                    }
                ]
            ),
        ],
        [
            hub(
                variants=[
                    {"expressions": [{"hgvs": "NM_1.2:c.1A>G", "level": "c"}, {"hgvs": "NM_2.1:c.5A>G", "level": "c"}]}
                ]
            ),
            hub(
                variants=[
                    {
                        "expressions": [
                            {"hgvs": "NM_1.2:c.1A>G", "level": "c"},
                            {"hgvs": "NP_1.2:p.M1V", "level": "p"},
                            {"text": "x"},
                        ]
                    }
                ]
            ),
        ],
    ),
    "plausibility.date-order": (
        [
            hub(birth_date=day("1990-02-28"), first_contact_date=day("1990-02-28")),
            hub(birth_date=day("1990"), diagnoses=[{"disease": {}, "date_of_diagnosis": day("1990-01-01")}]),
            hub(vital_status={"date_of_death": day("2000-01-01")}, samples=[{"collection_date": day("2001")}]),
            hub(vital_status={"date_of_death": day("2000-01-01")}, registration_date=day("2001")),
            hub(
                vital_status={"date_of_death": day("2000")},
                sequences=[{"sequencing_date": day("2001")}],
                biomarkers=[{"date": day("2001")}],
            ),
            hub(
                vital_status={"date_of_death": day("2000")},
                diagnoses=[{"tnm_classifications": [{"date_of_evaluation": day("2001")}]}],
            ),
        ],
        [
            hub(birth_date=day("1990-02-28"), first_contact_date=day("1990-02-27")),
            hub(birth_date=day("1991"), vital_status={"date_of_death": day("1990-12-31")}),
            hub(vital_status={"date_of_death": day("2000-01")}, phenotypic_features=[{"onset_date": day("2000-02")}]),
            hub(care_episodes=[{"start_date": day("2001-01-02"), "end_date": day("2001-01-01")}]),
            hub(sequences=[{"sequencing_date": day("2001-02"), "variant_calling_date": day("2001-01-31")}]),
            hub(birth_date=day("1990"), biomarkers=[{"date": day("1989-12-31")}]),
            hub(birth_date=day("1990"), diagnoses=[{"tnm_classifications": [{"date_of_evaluation": day("1989")}]}]),
        ],
        [hub(), hub(birth_date=day("1990"))],
    ),
    "plausibility.onset-before-birth": (
        [hub(birth_date=day("1990-06-01"), diagnoses=[{"disease": {}, "onset_date": day("1990-06")}])],
        [
            hub(birth_date=day("1990-06-01"), phenotypic_features=[{"type": {}, "onset_date": day("1990-03")}]),
            hub(diagnoses=[{"disease": {}, "onset_age": "-P20W"}]),
        ],
        [
            hub(birth_date=day("1990-06-01"), phenotypic_features=[{"type": {}, "onset_date": day("1988")}]),
            hub(birth_date=day("1990-06-01"), diagnoses=[{"disease": {}, "date_of_diagnosis": day("1990-03")}]),
        ],
    ),
    "plausibility.onset-after-diagnosis": (
        [
            hub(diagnoses=[{"disease": {}, "onset_date": day("2001"), "date_of_diagnosis": day("2001-01-01")}]),
            hub(diagnoses=[{"disease": {}, "onset_age": "P9Y", "age_at_diagnosis": "P9Y"}]),
        ],
        [
            hub(diagnoses=[{"disease": {}, "onset_date": day("2001-02"), "date_of_diagnosis": day("2001-01-31")}]),
            hub(diagnoses=[{"disease": {}, "onset_age": "P9Y", "age_at_diagnosis": "P7Y"}]),
        ],
        [hub(diagnoses=[{"disease": {}, "onset_date": day("2001-02"), "age_at_diagnosis": "P7Y"}])],
    ),
    "plausibility.after-follow-up": (
        [hub(date_of_last_follow_up=day("2001"), diagnoses=[{"disease": {}, "date_of_diagnosis": day("2001-05")}])],
        [hub(date_of_last_follow_up=day("2001"), diagnoses=[{"disease": {}, "date_of_diagnosis": day("2002")}])],
        [hub(date_of_last_follow_up=day("2001")), hub(diagnoses=[{"disease": {}, "date_of_diagnosis": day("2002")}])],
    ),
    "plausibility.early-date": (
        [hub(birth_date=day("1850")), hub(samples=[{"collection_date": day("1985")}])],
        [hub(birth_date=day("1800-01-01")), hub(treatments=[{"start_date": day("1111-11-11")}])],
        [hub(), hub(birth_date=day("1990"), measurements=[{"assay": {}, "age": "P1Y"}])],
    ),
    "plausibility.age-range": (
        [hub(vital_status={"age_at_death": "P122Y164D"}), hub(samples=[{"age_at_collection": "P0D"}])],
        [hub(vital_status={"age_at_death": "P850Y"}), hub(samples=[{"age_at_collection": "-P3D"}])],
        [hub(), hub(samples=[{"age_at_collection": "old"}])],
    ),
    "plausibility.age-and-date": (
        [
            hub(
                birth_date=day("1990-02-28"),
                samples=[{"age_at_collection": "P8Y", "collection_date": day("1999-01-20")}],
            ),
            hub(birth_date=day("1990"), samples=[{"age_at_collection": "P9Y", "collection_date": day("1999")}]),
            hub(birth_date=day("1990-02-28"), care_episodes=[{"age": "P1M2D", "start_date": day("1990-04-01")}]),
            hub(birth_date=day("2000-12-31"), vital_status={"age_at_death": "P0D", "date_of_death": day("2001-01-01")}),
        ],
        [
            hub(
                birth_date=day("1990-02-28"),
                samples=[{"age_at_collection": "P18Y", "collection_date": day("1999-01-20")}],
            ),
            hub(
                birth_date=day("2000-12-31"),
                diagnoses=[{"disease": {}, "onset_age": "P2Y", "onset_date": day("2001-01-01")}],
            ),
            hub(birth_date=day("1990"), vital_status={"age_at_death": "P50Y", "date_of_death": day("1999")}),
        ],
        [
            hub(samples=[{"age_at_collection": "P18Y", "collection_date": day("1999")}]),
            hub(birth_date=day("1990"), samples=[{"age_at_collection": "P18Y"}]),
        ],
    ),
    "plausibility.age-order": (
        [hub(vital_status={"age_at_death": "P9Y"}, phenotypic_features=[{"type": {}, "onset_age": "P9Y11M"}])],
        [hub(vital_status={"age_at_death": "P9Y"}, phenotypic_features=[{"type": {}, "onset_age": "P11Y"}])],
        [hub(vital_status={"age_at_death": "P9Y"}, samples=[{"age_at_collection": "P11Y"}])],
    ),
    "plausibility.onset-stage": (
        [
            hub(diagnoses=[{"disease": {}, "onset_stage": coded("HP:0003593"), "onset_age": "P1Y"}]),
            hub(birth_date=day("1990"), symptom_onsets=[{"stage": coded("HP:0003577"), "date": day("1990")}]),
        ],
        [
            hub(diagnoses=[{"disease": {}, "onset_stage": coded("HP:0003581"), "onset_age": "P3Y"}]),
            hub(birth_date=day("1990"), symptom_onsets=[{"stage": coded("HP:0003577"), "date": day("1995")}]),
            hub(
                phenotypic_features=[{**feature("HP:0001250"), "onset_stage": coded("HP:0030674"), "onset_age": "P1Y"}]
            ),
        ],
        [
            hub(diagnoses=[{"disease": {}, "onset_stage": coded("HP:0003581")}]),
            hub(diagnoses=[{"disease": {}, "onset_stage": coded("SNOMEDCT:133936004"), "onset_age": "P3Y"}]),
        ],
    ),
    "plausibility.not-a-phenotype": (
        [features(feature("HP:0001250")), features(feature("HP:0001275"))],  # the second is an alternative id
        [features(feature("HP:0003593")), features(feature("HP:0001250"), feature("HP:0000007", **OFF))],
        [hub(), features({"type": coded("MONDO:0007947")}), features(feature("HP:9999999"))],
    ),
    "plausibility.wrong-branch": (
        [
            features({**feature("HP:0001250"), "onset_stage": coded("HP:0003593"), "severity": coded("HP:0012828")}),
            features({**feature("HP:0001250"), "modifiers": [coded("HP:0012832"), coded("HP:0012828")]}),
        ],
        [
            features({**feature("HP:0001250"), "severity": coded("HP:0012832")}),
            features({**feature("HP:0001250"), "modifiers": [coded("HP:0012832"), coded("HP:0001250")]}),
            features({**feature("HP:0001250"), "onset_stage": coded("HP:0012828")}),
            hub(diagnoses=[{"disease": {}, "stage_at_diagnosis": coded("HP:0001250")}]),
        ],
        [features({**feature("HP:0001250"), "severity": coded("SNOMEDCT:24484000")}), hub(symptom_onsets=[{}])],
    ),
    "plausibility.status-disagrees": (
        [
            hub(vital_status={"status": VITAL["alive"]}, participation_status={"status": coded("ERDRISTATUS:alive")}),
            hub(
                vital_status={"date_of_death": day("2001")},
                participation_status={"status": coded("ERDRISTATUS:alive"), "date": day("1999")},
            ),
        ],
        [
            hub(
                vital_status={"status": VITAL["deceased"]}, participation_status={"status": coded("ERDRISTATUS:alive")}
            ),
            hub(vital_status={"status": VITAL["alive"]}, participation_status={"status": coded("ERDRISTATUS:dead")}),
        ],
        [hub(vital_status={"status": VITAL["alive"]}), hub(participation_status={"status": coded("ERDRISTATUS:dead")})],
    ),
    "plausibility.duplicate-diagnosis": (
        [
            diagnoses(("ORPHA:558", {}), ("ORPHA:98", {})),
            diagnoses(
                ("ORPHA:558", {"date_of_diagnosis": day("2001")}), ("ORPHA:558", {"date_of_diagnosis": day("2002")})
            ),
        ],
        [diagnoses(("ORPHA:558", {}), ("ORPHA:558", {"certainty": "confirmed"}))],
        [hub(), diagnoses(("ORPHA:558", {})), hub(diagnoses=[{"disease": {"null_flavor": "UNK"}}] * 2)],
    ),
    "plausibility.diagnosis-and-excluded": (
        [
            diagnoses(("ORPHA:558", {}), ("ORPHA:98", OFF)),
            diagnoses(
                ("ORPHA:558", OFF | {"date_of_diagnosis": day("2001")}),
                ("ORPHA:558", {"date_of_diagnosis": day("2002")}),
            ),
        ],
        [
            diagnoses(("ORPHA:558", OFF), ("ORPHA:558", {})),
            diagnoses(("ORPHA:558", {}), ("ORPHA:558", {"certainty": "refuted"})),
        ],
        [diagnoses(("ORPHA:558", OFF)), diagnoses(("ORPHA:558", {}), ("ORPHA:558", {"certainty": "entered_in_error"}))],
    ),
    "plausibility.undiagnosed-and-diagnosed": (
        [
            hub(undiagnosed=True, diagnoses=[{"disease": coded("ORPHA:558"), "certainty": "provisional"}]),
            hub(
                undiagnosed=True,
                diagnoses=[{"disease": coded("ORPHA:558"), "certainty": "confirmed", "role": "comorbidity"}],
            ),
        ],
        [hub(undiagnosed=True, diagnoses=[{"disease": coded("ORPHA:558"), "certainty": "confirmed"}])],
        [hub(undiagnosed=True), hub(diagnoses=[{"disease": coded("ORPHA:558"), "certainty": "confirmed"}])],
    ),
    "plausibility.pedigree": (
        [
            family(
                {"individual_id": "a", "paternal_id": "b", "birth_date": day("1990")},
                {"individual_id": "b", "sex": coded("BIRTHSEX:M"), "birth_date": day("1960")},
            )
        ],
        [
            family({"individual_id": "a", "paternal_id": "b"}, {"individual_id": "b", "sex": coded("BIRTHSEX:F")}),
            family({"individual_id": "a", "maternal_id": "a"}),
            family({"individual_id": "a"}, {"individual_id": "a"}),
            family(
                {"individual_id": "a", "maternal_id": "b", "birth_date": day("1990")},
                {"individual_id": "b", "birth_date": day("1991")},
            ),
        ],
        [hub(), hub(pedigree={"family_id": "f"}), family({"individual_id": "a", "paternal_id": "elsewhere"})],
    ),
    "plausibility.sex-and-disease": (
        [sexed("F", ("ICD10:C56", {})), sexed("M", ("ICD10GM:N40", {})), sexed("M", ("ICD10:C50.9", {}))],
        [sexed("M", ("ICD10:C56", {})), sexed("M", ("ICD10GM:O80.0", {})), sexed("F", ("ICD10CM:N41.1", {}))],
        [
            sexed("OTH", ("ICD10:C56", {})),
            diagnoses(("ICD10:C56", {})),
            sexed("M", ("ICD10:C56", OFF)),
            sexed("M", ("ORPHA:558", {})),
        ],
    ),
    "plausibility.sex-and-site": (
        [tumour("C53.9", "8070/3", sex="F"), tumour("C61.9", None, sex="M")],
        [tumour("C53.9", "8070/3", sex="M"), tumour("C62.1", None, sex="F")],
        [tumour("C53.9", "8070/3"), tumour("C53.9", "8070/3", sex="UNK"), tumour(None, "8070/3", sex="M")],
    ),
    "plausibility.sex-and-morphology": (
        [tumour("C56.9", "8600/3", sex="F"), tumour("C62.9", "9063/3", sex="M")],
        [tumour(None, "9090/3", sex="M"), tumour("C38.1", "9063/3", sex="F")],
        [tumour(None, "9090/3"), tumour("C56.9", None, sex="F")],
    ),
    "plausibility.age-and-site": (
        [tumour("C50.9", "8500/3", age="P20Y"), tumour("C50.9", "9010/0", age="P15Y")],
        [
            tumour("C50.9", "8500/3", age="P19Y"),
            hub(
                birth_date=day("2000"),
                diagnoses=[
                    {
                        "disease": {},
                        "topography": coded("ICDO3:C20.9"),
                        "morphology": coded("ICDO3:8140/3"),
                        "date_of_diagnosis": day("2010"),
                    }
                ],
            ),
        ],
        [tumour("C50.9", "8500/3"), tumour("C50.9", None, age="P19Y")],
    ),
    "plausibility.age-and-morphology": (
        [
            tumour("C69.2", "9510/3", age="P5Y"),
            tumour("C71.6", "9470/3", age="P14Y"),
            tumour("C34.1", "8240/3", age="P12Y"),
        ],
        [
            tumour("C69.2", "9510/3", age="P6Y"),
            tumour("C71.6", "9470/3", age="P15Y"),
            tumour("C34.1", "8140/3", age="P12Y"),
            tumour("C61.9", "8140/3", age="P39Y"),
        ],
        [tumour("C69.2", "9510/3"), tumour("C69.2", None, age="P6Y"), tumour(None, "8140/3", age="P12Y")],
    ),
    "plausibility.site-and-morphology": (
        [tumour("C22.0", "8170/3"), tumour("C76.2", "8170/3"), tumour("C80.9", "9732/3"), tumour("C18.0", "8140/3")],
        [tumour("C50.9", "8170/3"), tumour("C34.9", "9732/3"), tumour("C18.2", "9530/0")],
        [tumour("C22.0", None), tumour(None, "8170/3"), hub(diagnoses=[{"disease": coded("ICD10:C22.0")}])],
    ),
    "plausibility.behaviour-and-site": (
        [tumour("C71.9", "9400/3"), tumour("C53.9", "8077/2")],
        [tumour("C71.9", "9400/2"), tumour("C40.0", "8070/2")],
        [tumour(None, "9400/2"), tumour("C71.9", None)],
    ),
    "plausibility.metastatic-behaviour": (
        [tumour("C50.9", "8500/3")],
        [tumour("C34.9", "8140/6"), tumour(None, "8140/6")],
        [
            tumour("C34.9", None),
            hub(diagnoses=[{"disease": {}, "excluded": True, "morphology": coded("ICDO3:8140/6")}]),
        ],
    ),
    "plausibility.multiple-primaries": (
        [
            tumours("C18.0 8140/3", "C50.9 8500/3"),
            tumours("C44.5 8720/3", "C44.5 8070/3"),
            tumours("C18.0 8140/3", "C18.2 8140/2"),
        ],
        [
            tumours("C19.9 8140/3", "C20.9 8480/3"),
            tumours("C77.0 9650/3", "C77.2 9651/3"),
            tumours("C50.1 8500/3", "C50.9 8000/3"),
        ],
        [tumours("C18.0 8140/3"), hub(diagnoses=[{"disease": {}, "morphology": coded("ICDO3:8140/3")}] * 2)],
    ),
    "plausibility.value-range": (
        [
            measured("LOINC:8302-2", "171", "cm"),
            measured("LOINC:8310-5", "36.6", "Cel"),
            measured("LOINC:2708-6", "100", "%"),
        ],
        [
            measured("LOINC:8302-2", "1710", "cm"),
            measured("LOINC:8310-5", "98.6", "Cel"),
            measured("LOINC:2708-6", "-1", "%"),
        ],
        [
            measured("LOINC:8302-2", "1710", "mm"),
            measured("LOINC:1742-6", "9999", "U/L"),
            measured("LOINC:8302-2", "1710", None),
        ],
    ),
    "plausibility.reference-range": (
        [
            hub(
                measurements=[
                    {
                        "assay": {},
                        "value": {"value": "1", "unit": "1"},
                        "reference_low": "0.60",
                        "reference_high": "1.2",
                    }
                ]
            )
        ],
        [
            hub(
                measurements=[
                    {"assay": {}, "value": {"value": "1", "unit": "1"}, "reference_low": "10", "reference_high": "9"}
                ]
            )
        ],
        [hub(measurements=[{"assay": {}, "value": {"value": "1", "unit": "1"}, "reference_low": "10"}])],
    ),
    "completeness.empty-record": (
        [hub(birth_date=day("1990"))],
        [hub(), hub(registration_date=day("2001"), consents=[{"purpose": "contact"}])],
        [hub(undiagnosed=True)],
    ),
    "plausibility.alive-and-dead": (
        [
            hub(vital_status={"status": VITAL["alive"]}),
            hub(vital_status={"status": VITAL["deceased"], "date_of_death": day("2000")}),
        ],
        [hub(vital_status={"status": VITAL["alive"], "date_of_death": day("2000")})],
        [hub(), hub(vital_status={"date_of_death": day("2000")})],
    ),
    "plausibility.dangling-reference": (
        [
            hub(samples=[{"sample_id": "a"}], sequences=[{"sample_id": "a", "sequence_id": "b"}]),
            hub(sequences=[{"sequence_id": "b"}], variants=[{"sequence_id": "b"}]),
            hub(samples=[{"sample_id": "a", "relations": [{"related_samples": ["of a relative"]}]}]),
        ],
        [
            hub(samples=[{"sample_id": "a"}], sequences=[{"sample_id": "b"}]),
            hub(sequences=[{}], variants=[{"sequence_id": "b"}]),
            hub(diagnoses=[{}, {"tnm_classifications": [{"sample_id": "a"}]}]),
        ],
        [hub(), hub(samples=[{}], sequences=[{}], variants=[{}])],
    ),
    "plausibility.duplicate-feature": (
        [
            features(feature("HP:0001250"), feature("HP:0001166")),
            features(
                feature("HP:0001250", date_of_assessment=day("2000")),
                feature("HP:0001250", date_of_assessment=day("2001")),
            ),
        ],
        [
            features(feature("HP:0001250"), feature("HP:0001275")),  # an alternative id of the same term
            features(feature("HP:0001250"), feature("HP:0001250", date_of_assessment=day("2001"))),
        ],
        [hub(), features(feature("HP:0001250"), {"type": {"null_flavor": "UNK"}})],
    ),
    "plausibility.observed-and-excluded": (
        [
            features(feature("HP:0001250"), feature("HP:0001166", **OFF)),
            features(
                feature("HP:0001250", age_at_assessment="P3Y"), feature("HP:0001250", age_at_assessment="P1Y", **OFF)
            ),
        ],
        [features(feature("HP:0001250"), feature("HP:0001250", **OFF))],
        [features(feature("HP:0001250"))],
    ),
    "plausibility.term-beside-ancestor": (
        [features(feature("HP:0002069"), feature("HP:0001166"))],
        [features(feature("HP:0002069"), feature("HP:0001250"))],
        [features(feature("HP:0002069"))],
    ),
    "plausibility.excluded-ancestor": (
        [
            features(feature("HP:0001250"), feature("HP:0002069", **OFF))
        ],  # a general term present, a special one excluded
        [features(feature("HP:0002069"), feature("HP:0001250", **OFF))],
        [features(feature("HP:0002069"))],
    ),
    "plausibility.redundant-exclusion": (
        [features(feature("HP:0001166", **OFF), feature("HP:0001250", **OFF))],
        [features(feature("HP:0002069", **OFF), feature("HP:0001250", **OFF))],
        [features(feature("HP:0002069", **OFF))],
    ),
}


@pytest.mark.parametrize("rule_id", HUB_RULES)
def test_rules_on_hub_records(rule_id: str) -> None:
    holds, broken, not_applicable = HUB_RULES[rule_id]
    for record in (*holds, *not_applicable):
        assert rule_id not in {v.rule for v in check_record(hub_object(record), TERMINOLOGIES)}, record
    for record in broken:
        found = [v for v in check_record(hub_object(record), TERMINOLOGIES) if v.rule == rule_id]
        assert len(found) == 1, record
        assert _at(record, found[0].path) is not None


def test_a_check_that_is_left_out_would_have_said_nothing() -> None:
    """A profile that fills none of the slots that a check asks for does without it; each of them is needed by some broken record."""
    spoke: set[str] = set()
    for _, broken, _ in HUB_RULES.values():
        for record in broken:
            filled = frozenset(filled_slots(record, "Subject"))
            assert {v.rule for v in check_record(hub_object(record), TERMINOLOGIES, checks=checks_of(filled))} == {
                v.rule for v in check_record(hub_object(record), TERMINOLOGIES)
            }, record
            spoke |= {
                known.check.__name__
                for known in CHECKS
                if known.asks and list(known.check(hub_object(record), Circumstances(TERMINOLOGIES)))
            }
    assert spoke == {known.check.__name__ for known in CHECKS if known.asks}


def test_a_date_in_the_future() -> None:
    """Three ways: after the last day; not after it, as far as both are known; no last day is known."""
    record = hub_object(hub(samples=[{"collection_date": day("2026-12-02")}], registration_date=day("2027")))
    found = {v.path for v in check_record(record, TERMINOLOGIES, "2026-12-01") if v.rule == "plausibility.future-date"}
    assert found == {"/samples/0/collection_date", "/registration_date"}
    known = hub_object(hub(samples=[{"collection_date": day("2026")}], registration_date=day("2026-12")))
    for judged, last in ((known, "2026-12-01"), (record, "")):
        assert "plausibility.future-date" not in {v.rule for v in check_record(judged, TERMINOLOGIES, last)}


def test_without_hpo_the_rules_that_need_it_are_named_and_say_nothing() -> None:
    without = Terminologies({name: path for name, path in TERMINOLOGIES.paths.items() if name != "HP"})
    for rule_id in ("plausibility.not-a-phenotype", "plausibility.wrong-branch", "plausibility.excluded-ancestor"):
        assert rule_id in not_checked("conversion", without.paths) and rule_id not in not_checked("conversion", ["HP"])
        for record in HUB_RULES[rule_id][1]:
            assert rule_id not in {v.rule for v in check_record(hub_object(record), without)}


def test_tables_are_of_codes_and_cite_their_sources() -> None:
    systems = load_systems()
    for name, rows in tumour_tables().items():
        for row in rows:
            assert len(row.source) > 20 and 0 < row.confidence <= 1, name
            for span in (*row.sites, *row.morphologies):
                assert span.first <= span.last, row
                for code in span:
                    text = code if code.startswith("C") else f"{code}/3"
                    assert isinstance(systems.parse(text, "ICDO3"), Code), (name, code)
    for code in bounds():
        assert isinstance(systems.parse(code, "LOINC"), Code), code


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        (("C01.9", "8070"), ("C02.1", "8070"), True),  # one organ by table 1
        (("C34.1", "8140"), ("C34.1", "8070"), False),  # two groups of histologies
        (("C34.1", "8010"), ("C34.3", "8070"), True),  # carcinoma that is not specified
        (("C34.1", "8010"), ("C34.3", "8800"), False),
        (("C42.1", "9823"), ("C77.0", "9591"), True),  # a lymphoid neoplasm that is not specified
        (("C42.1", "9863"), ("C77.0", "9823"), False),
        (("C44.1", "9140"), ("C18.1", "9140"), True),  # Kaposi sarcoma counts once
        (("C18.1", "8140"), ("C20.9", "8140"), False),
    ],
)
def test_tumours_that_count_as_one(first: tuple[str, str], second: tuple[str, str], one: bool) -> None:
    assert is_one_tumour(Tumour(*first, "3"), Tumour(*second, "3")) is one
    assert is_one_tumour(Tumour(*second, "3"), Tumour(*first, "3")) is one


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


CODE_RULES = {
    "terms.unknown": ("HP:0001250", "HP:9999999", "ATC:A01AA01"),
    "terms.obsolete": ("HP:0410379", "HP:0410382", "ATC:A01AA01"),
    "terms.alternative-id": ("HP:0001250", "HP:0001275", "ATC:A01AA01"),
    "terms.not-checked": ("HP:0001250", "NCIT:C99999999", "HP:9999999"),
}


@pytest.mark.parametrize("rule_id", CODE_RULES)
def test_rules_on_codes(rule_id: str) -> None:
    holds, broken, other = CODE_RULES[rule_id]
    assert code_problem(holds, None, TERMINOLOGIES) is None
    problem = code_problem(broken, None, TERMINOLOGIES)
    assert problem is not None and problem.rule == rule_id
    another = code_problem(other, None, TERMINOLOGIES)
    assert another is None or another.rule != rule_id


@pytest.mark.parametrize(
    ("label", "problem"),
    [("Seizure", False), ("seizures", False), ("Epileptic seizure", False), ("Arachnodactyly", True), (None, False)],
)
def test_label_differs(label: str | None, problem: bool) -> None:
    found = code_problem("HP:0001250", label, TERMINOLOGIES)
    assert (found is not None) is problem
    assert found is None or (found.rule == "terms.label-differs" and "Arachno" not in found.message)


def test_an_old_code_beside_its_replacement_is_no_problem() -> None:
    assert code_problem("HP:0410382", None, TERMINOLOGIES, {"HP:0410379", "HP:0410382"}) is None


def converted(record: dict[str, Any]) -> set[str]:
    converter = Converter("eu/ern-cde", targets=["hub"], key=bytes(32))
    return {finding.rule for finding in next(converter.convert([{"pid": "1", **record}])).findings}


CONVERSION_RULES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "terms.unknown": (
        {"phenotype": [{"valueIRI": f"{OBO}HP_0001250"}]},
        {"phenotype": [{"valueIRI": f"{OBO}HP_9999999"}]},
        {"diagnosis": [{"valueIRI": "http://www.orpha.net/ORDO/Orphanet_558"}]},
    ),
    "terms.obsolete": (
        {"phenotype": [{"valueIRI": f"{OBO}HP_0001250"}]},
        {"phenotype": [{"valueIRI": f"{OBO}HP_0410382"}]},
        {},
    ),
    "terms.wrong-system": (
        {"phenotype": [{"valueIRI": f"{OBO}HP_0001250"}]},
        {"phenotype": [{"valueIRI": f"{OBO}MONDO_0007947"}]},
        {"phenotype": [{"valueIRI": "seizure"}]},
    ),
    "privacy.consent-unreadable": (
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "yes"}]},
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "perhaps"}]},
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042"}]},
    ),
    "source.free-text": (
        {"genetic": [{"rows": [{"value": "NM_000138.5:c.3037G>A"}]}]},
        {"genetic": [{"rows": [{"value": "as in the letter of the clinic"}]}]},
        {"genetic": [{"rows": [{"value": "rs137854480"}]}]},
    ),
    "privacy.consent-not-stated": (
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "true"}]},
        {},
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "false"}]},
    ),
    "privacy.consent-refused": (
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "true"}]},
        {"consent": [{"valueIRI": f"{OBO}DUO_0000042", "value": "false"}]},
        {"consent": [{"valueIRI": f"{OBO}OBIB_0000488", "value": "false"}]},
    ),
}


@pytest.mark.parametrize("rule_id", CONVERSION_RULES)
def test_rules_on_the_way(rule_id: str) -> None:
    holds, broken, not_applicable = CONVERSION_RULES[rule_id]
    assert rule_id not in converted(holds)
    assert rule_id in converted(broken)
    assert rule_id not in converted(not_applicable)


PACKET: dict[str, Any] = {
    "id": "packet",
    "subject": {"id": "p", "timeAtLastEncounter": {"age": {"iso8601duration": "P10Y"}}},
    "phenotypicFeatures": [{"type": {"id": "HP:0001250", "label": "Seizure"}}],
    "interpretations": [
        {
            "id": "i",
            "diagnosis": {
                "disease": {"id": "HP:0001250", "label": "Seizure"},
                "genomicInterpretations": [{"subjectOrBiosampleId": "p", "variantInterpretation": {}}],
            },
        }
    ],
    "metaData": {
        "created": "2026-01-01T00:00:00Z",
        "createdBy": "x",
        "phenopacketSchemaVersion": "2.0",
        "resources": [
            {
                "id": "hp",
                "name": "HPO",
                "url": "u",
                "version": "v",
                "namespacePrefix": "HP",
                "iriPrefix": "http://purl.obolibrary.org/obo/HP_",
            }
        ],
    },
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """*document* with another value at *path*; None removes it."""
    made = copy.deepcopy(document)
    *parents, last = path.split("/")
    holder: Any = made
    for part in parents:
        holder = holder[int(part)] if isinstance(holder, list) else holder[part]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    return made


PACKET_MUTANTS = [
    ("target.phenopackets-schema", "subject/nickname", "x", "/subject"),
    ("target.phenopackets-schema", "subject/sex", "FEMININE", "/subject/sex"),
    ("target.phenopackets-schema", "subject/timeAtLastEncounter", {"age": {}, "timestamp": "2020-01-01T00:00:00Z"}, "/subject/timeAtLastEncounter"),
    ("target.phenopackets-schema", "metaData/created", "2026-01-01", "/metaData/created"),
    ("target.phenopackets-required", "id", None, "/id"),
    ("target.phenopackets-required", "metaData/createdBy", None, "/metaData/createdBy"),
    ("target.phenopackets-resource", "metaData/resources", [], "/phenotypicFeatures/0/type/id"),
    ("target.phenopackets-duration", "subject/timeAtLastEncounter/age/iso8601duration", "P10Q", "/subject/timeAtLastEncounter/age/iso8601duration"),
    (
        "target.phenopackets-reference",
        "interpretations/0/diagnosis/genomicInterpretations/0/subjectOrBiosampleId",
        "nobody",
        "/interpretations/0/diagnosis/genomicInterpretations/0/subjectOrBiosampleId",
    ),
    ("target.phenopackets-required", "medicalActions", [{"radiationTherapy": {"modality": {"id": "HP:0001250", "label": "Seizure"}}}], "/medicalActions/0/radiationTherapy/bodySite"),
    ("target.phenopackets-required", "phenotypicFeatures/0/type", {"label": "Seizure"}, "/phenotypicFeatures/0/type/id"),
    ("target.phenopackets-required", "biosamples", [{"id": "b", "procedure": {}}], "/biosamples/0/procedure/code"),
    ("terms.unknown", "phenotypicFeatures/0/type/id", "HP:9999999", "/phenotypicFeatures/0/type/id"),
]  # fmt: skip


PACKET_OF_RULES: dict[str, Any] = changed(
    changed(PACKET, "subject/dateOfBirth", "1990-02-28T00:00:00Z"), "subject/sex", "MALE"
)
ONSET = "phenotypicFeatures/0/onset"
# what is there beside it: the rules on hub records, on packets: rule, path, value, where it is found; None where it is not
RULES_ON_PACKETS = [
    ("plausibility.excluded-ancestor", "phenotypicFeatures/1", {"type": {"id": "HP:0002069", "label": "Bilateral tonic-clonic seizure"}}, None),
    ("plausibility.term-beside-ancestor", "phenotypicFeatures/1", {"type": {"id": "HP:0002069", "label": "Bilateral tonic-clonic seizure"}}, "/phenotypicFeatures/0/type"),
    ("plausibility.observed-and-excluded", "phenotypicFeatures/1", {"type": {"id": "HP:0001250", "label": "Seizure"}, "excluded": True}, "/phenotypicFeatures/0/type"),
    ("plausibility.not-a-phenotype", "phenotypicFeatures/0/type", {"id": "HP:0003593", "label": "Infantile onset"}, "/phenotypicFeatures/0/type"),
    ("plausibility.wrong-branch", ONSET, {"ontologyClass": {"id": "HP:0012828", "label": "Severe"}}, "/phenotypicFeatures/0/onset"),
    ("plausibility.wrong-branch", "phenotypicFeatures/0/modifiers", [{"id": "HP:0001250", "label": "Seizure"}], "/phenotypicFeatures/0/modifiers/0"),
    ("plausibility.age-order", ONSET, {"age": {"iso8601duration": "P12Y"}}, "/phenotypicFeatures/0/onset"),
    ("plausibility.age-order", ONSET, {"age": {"iso8601duration": "P10Y6M"}}, None),
    ("plausibility.onset-before-birth", ONSET, {"timestamp": "1990-01-01T00:00:00Z"}, "/phenotypicFeatures/0/onset"),
    ("plausibility.date-order", ONSET, {"timestamp": "1980-01-01T00:00:00Z"}, "/phenotypicFeatures/0/onset"),
    ("plausibility.future-date", ONSET, {"timestamp": "2030-01-01T00:00:00Z"}, "/phenotypicFeatures/0/onset"),
    ("plausibility.alive-and-dead", "subject/vitalStatus", {"status": "ALIVE", "timeOfDeath": {"age": {"iso8601duration": "P9Y"}}}, "/subject/vitalStatus/timeOfDeath"),
    ("plausibility.sex-and-disease", "diseases", [{"term": {"id": "ICD10:C56", "label": "x"}}], "/diseases/0/term"),
    ("plausibility.sex-and-disease", "diseases", [{"term": {"id": "ICD10:C61", "label": "x"}}], None),
    ("plausibility.diagnosis-and-excluded", "diseases", [{"term": {"id": "OMIM:154700", "label": "x"}}, {"term": {"id": "OMIM:154700", "label": "x"}, "excluded": True}], "/diseases/1/term"),
    ("plausibility.value-range", "measurements", [{"assay": {"id": "LOINC:8302-2", "label": "x"}, "value": {"quantity": {"unit": {"id": "UCUM:cm", "label": "cm"}, "value": 1710}}}], "/measurements/0/value"),
    ("plausibility.reference-range", "measurements", [{"assay": {"id": "LOINC:1-8", "label": "x"}, "value": {"quantity": {"unit": {"id": "UCUM:cm", "label": "cm"}, "value": 1, "referenceRange": {"unit": {"id": "UCUM:cm", "label": "cm"}, "low": 2}}}}], "/measurements/0/value/quantity/referenceRange/low"),
    ("privacy.identifier-in-text", "phenotypicFeatures/0/description", "mother: +49 30 1234567", "/phenotypicFeatures/0/description"),
]  # fmt: skip


@pytest.mark.parametrize(("rule_id", "path", "value", "where"), RULES_ON_PACKETS)
def test_rules_on_records_judge_packets(rule_id: str, path: str, value: Any, where: str | None) -> None:
    assert {v.rule for v in check_packet(PACKET_OF_RULES, TERMINOLOGIES, "2026-12-01")} == set()
    packet = copy.deepcopy(PACKET_OF_RULES)
    if path == "phenotypicFeatures/1":
        packet["phenotypicFeatures"].append(value)
    else:
        packet = changed(packet, path, value)
    found = [v.path for v in check_packet(packet, TERMINOLOGIES, "2026-12-01") if v.rule == rule_id]
    assert found == ([where] if where else [])
    if where:
        assert _at(packet, where) is not None or where.endswith("low")


def test_a_family_that_cannot_be() -> None:
    persons = [
        {"familyId": "f", "individualId": "a", "paternalId": "b", "maternalId": "0"},
        {"familyId": "f", "individualId": "b", "paternalId": "0", "maternalId": "0", "sex": "MALE"},
    ]
    family = {"id": "f", "proband": PACKET, "pedigree": {"persons": persons}, "metaData": PACKET["metaData"]}
    assert "plausibility.pedigree" not in {v.rule for v in check_packet(family, TERMINOLOGIES)}
    persons[1]["sex"] = "FEMALE"
    found = [v.path for v in check_packet(family, TERMINOLOGIES) if v.rule == "plausibility.pedigree"]
    assert found == ["/pedigree/persons/0/paternalId"]


@pytest.mark.parametrize(
    "broken", [7, "x", None, [], {}, {"a": 1}, [7], [None], [[{}]], [{"type": 7}], [{"term": [], "onset": 5}]]
)
def test_broken_packets_are_read_to_their_end(broken: Any) -> None:
    for name in (
        "subject",
        "phenotypicFeatures",
        "diseases",
        "measurements",
        "biosamples",
        "metaData",
        "interpretations",
    ):
        packet = {**PACKET, name: broken}
        assert all(violation.message for violation in check_packet(packet, TERMINOLOGIES))


@pytest.mark.parametrize(("rule_id", "path", "value", "where"), PACKET_MUTANTS)
def test_rules_on_packets(rule_id: str, path: str, value: Any, where: str) -> None:
    assert list(check_packet(PACKET, TERMINOLOGIES)) == []
    found = [v for v in check_packet(changed(PACKET, path, value), TERMINOLOGIES) if v.rule == rule_id]
    assert where in {v.path for v in found}, found


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "meta": {"profile": ["http://hl7.org/fhir/uv/phenomics-exchange/StructureDefinition/phenotype|1.0.0-ballot"]},
    "status": "final",
    "code": {"coding": [{"system": "http://human-phenotype-ontology.org", "code": "HP:0001250", "display": "Seizure"}]},
    "subject": {"reference": "Patient/p"},
    "valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA9633-4", "display": "Present"}]},
}
OBSERVATION_MUTANTS = [
    ("target.fhir-r4-schema", "status", None),
    ("target.fhir-r4-schema", "colour", "red"),
    ("target.fhir-r4-schema", "note", []),
    ("target.fhir-r4-reference", "subject/reference", "Patient/nobody"),
    ("target.fhir-r4-reference", "subject/reference", "Patient p"),
    ("target.fhir-r4-invariant", "subject/reference", "Organization/p"),
    ("target.fhir-r4-invariant", "valueString", "x"),
    ("target.fhir-r4-invariant", "effectivePeriod", {"start": "2001-05-06T10:00:00Z", "end": "2001-05-05"}),
    ("target.fhir-r4-invariant", "dataAbsentReason", {"text": "x"}),
    ("target.fhir-r4-profile", "valueCodeableConcept", {"text": "yes"}),
    ("target.fhir-r4-type", "resourceType", "Observatory"),
    ("terms.label-differs", "code/coding/0/display", "Arachnodactyly"),
]


@pytest.mark.parametrize(("rule_id", "path", "value"), OBSERVATION_MUTANTS)
def test_rules_on_resources(rule_id: str, path: str, value: Any) -> None:
    def known(key: str) -> bool:
        return key in ("Patient/p", "Organization/p")

    if "coding/0" in path:
        mutant = copy.deepcopy(OBSERVATION)
        mutant["code"]["coding"][0]["display"] = value
    else:
        mutant = changed(OBSERVATION, path, value)
    assert list(check_resource(OBSERVATION, known, TERMINOLOGIES)) == []
    assert rule_id in {v.rule for v in check_resource(mutant, known, TERMINOLOGIES)}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"schema_version": "0.1.0"},
        hub(colour="red"),
        hub(birth_date={"value": "1990-13-01"}),
        hub(birth_date=day("1990") | {"precision": "hour"}),
    ],
)
def test_hub_structure(document: dict[str, Any], tmp_path: Any) -> None:
    import json

    (tmp_path / "good.json").write_text(json.dumps(hub(birth_date=day("1990"))))
    (tmp_path / "bad.json").write_text(json.dumps(document))
    assert set(validate(tmp_path / "good.json", "hub").by_severity()) == {"info"}  # what it does not state
    assert "hub.structure" in validate(tmp_path / "bad.json", "hub").counts


def test_every_rule_has_a_whole_text() -> None:
    for known in rules().values():
        assert known.family in FAMILIES
        assert all(
            len(text) > 10 for text in (known.title, known.what, known.why, known.how, known.mend, known.means)
        ), known.id
    with pytest.raises(UnknownNameError, match="Did you mean"):
        rule("terms.obsolet")


def test_every_rule_that_code_names_exists_and_every_rule_is_named() -> None:
    import re
    from pathlib import Path

    import harmonize

    text = "".join(p.read_text() for p in Path(harmonize.__file__).parent.rglob("*.py"))
    families = "source|terms|mapping|hub|target|plausibility|privacy|internal|dataset|completeness|accounting"
    named = set(re.findall(rf'"((?:{families})\.[a-z][a-z0-9-]*[a-z0-9])"', text))
    named |= {f"dataset.{level}-missing" for level in LEVELS}  # made of the level
    named |= {"plausibility.age-and-site", "plausibility.age-and-morphology"}  # made of the table
    assert set(rules()) - named == set(), "rules that nothing uses"
    assert named - set(rules()) <= {"source.yaml", "map.yaml"}, "rules without a text"


def test_said_once(tmp_path: Any) -> None:
    from tests.registry import convert, make_registry

    run = convert(make_registry(tmp_path / "in", subjects=20).folder, tmp_path / "out", targets=("hub",))
    said = [f["message"] for f in run.findings(info=True) if f["rule"] == "terms.not-checked"]
    assert len(said) == len(set(said)) and any(message.startswith("ORPHA") for message in said)


RESOURCE_MUTANTS = [
    ("target.fhir-r4-invariant", {"resourceType": "MedicationStatement", "status": "unknown", "subject": {"reference": "Patient/p"}}, "/medication"),
    ("target.fhir-r4-schema", {"resourceType": "MedicationStatement", "medicationCodeableConcept": {"text": "x"}, "subject": {"reference": "Patient/p"}}, "/status"),
    ("target.fhir-r4-schema", {"resourceType": "DeviceUseStatement", "subject": {"reference": "Patient/p"}, "device": {"reference": "Device/d"}}, "/status"),
    ("target.fhir-r4-schema", {"resourceType": "EpisodeOfCare", "status": "unknown", "patient": {"reference": "Patient/p"}}, "/status"),
    ("target.fhir-r4-schema", {"resourceType": "EpisodeOfCare", "status": "active"}, "/patient"),
    ("target.fhir-r4-schema", {"resourceType": "Bundle"}, "/type"),
    ("target.fhir-r4-schema", {"resourceType": "MedicationRequest", "status": "active", "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "x"}}, "/intent"),
    ("target.fhir-r4-invariant", {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"reference": "Patient/p"}}, "/medication"),
    ("target.fhir-r4-invariant", {"resourceType": "MedicationAdministration", "status": "completed", "subject": {"reference": "Patient/p"}, "medicationCodeableConcept": {"text": "x"}}, "/effective"),
    ("target.fhir-r4-schema", {"resourceType": "Patient", "birthDate": "1980-02-30"}, "/birthDate"),
    ("target.fhir-r4-schema", {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "effectiveDateTime": "2021-02-29T10:00:00Z"}, "/effectiveDateTime"),
    ("target.fhir-r4-schema", {"resourceType": "Patient", "name": [{"given": [None, "b"]}]}, "/name/0/given/0"),
    ("target.fhir-r4-invariant", {"resourceType": "DeviceUseStatement", "status": "active", "subject": {"reference": "Patient/p"}, "device": {"reference": "Patient/p"}}, "/device/reference"),
    ("target.fhir-r4-invariant", {"resourceType": "Device", "patient": {"reference": "Group/g"}}, "/patient/reference"),
    ("target.fhir-r4-invariant", {"resourceType": "EpisodeOfCare", "status": "active", "patient": {"reference": "Patient/p"}, "diagnosis": [{"condition": {"reference": "Procedure/p"}}]}, "/diagnosis/0/condition/reference"),
    ("target.fhir-r4-invariant", {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "referenceRange": [{"type": {"text": "x"}}]}, "/referenceRange/0"),
    ("target.fhir-r4-invariant", {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "abatementDateTime": "1999"}, "/abatement"),
    ("target.fhir-r4-invariant", {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "stage": [{"type": {"text": "TNM"}}]}, "/stage/0"),
]  # fmt: skip


def test_what_is_missing_is_counted_once() -> None:
    found = list(check_resource({"resourceType": "Observation", "id": "o"}, None, TERMINOLOGIES))
    assert sorted(violation.path for violation in found) == ["/code", "/status"]


def test_every_violation_of_the_schema_counts() -> None:
    component = {"valueInteger": 1}
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "component": [component] * 30}
    assert len(list(check_resource(body, None, TERMINOLOGIES))) == 30
    many = [v.message for v in check_resource({**body, "component": [component] * 1_200}, None, TERMINOLOGIES)]
    assert len(many) == 1_001 and many[-1].endswith("the others are not counted")


FILLED = {
    "resourceType": "Patient",
    "name": [
        {
            "given": [None, "b"],
            "_given": [{"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}, None],
        }
    ],
}  # fmt: skip
CONDITIONAL = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient?identifier=http://x|1"}}  # fmt: skip


@pytest.mark.parametrize("resource", [FILLED, CONDITIONAL], ids=["null keeps a place", "conditional reference"])
def test_what_the_specification_allows_is_no_finding(resource: dict[str, Any]) -> None:
    """R4, JSON representation of primitive elements; R4, RESTful API, conditional references in transactions."""
    assert list(check_resource(resource, None, TERMINOLOGIES)) == []


def test_a_code_of_an_edition_that_is_newer_than_the_installed_is_not_checked() -> None:
    for edition, expected in (
        ("2099-01-01", "terms.not-checked"),
        ("2020-01-01", "terms.unknown"),
        ("", "terms.unknown"),
    ):
        problem = code_problem("HP:9999999", None, TERMINOLOGIES, edition=edition)
        assert problem is not None and problem.rule == expected


@pytest.mark.parametrize(("rule_id", "resource", "path"), RESOURCE_MUTANTS)
def test_rules_on_other_resources(rule_id: str, resource: dict[str, Any], path: str) -> None:
    found = {(violation.rule, violation.path) for violation in check_resource(resource, None, TERMINOLOGIES)}
    assert (rule_id, path) in found


def test_a_mapped_column_without_any_value(tmp_path: Any) -> None:
    """Three ways: a column with values, one without, and one that the map does not use."""
    from tests.registry import convert, make_registry

    registry = make_registry(tmp_path / "in", subjects=20)
    registry.write("Birthdate", [{**row, "value": "", "stranger": ""} for row in registry.rows("Birthdate")])
    run = convert(registry.folder, tmp_path / "out", targets=("hub",))
    empty = {
        (f["source"]["file"], f["source"]["column"])
        for f in run.findings(info=True)
        if f["rule"] == "completeness.empty-column"
    }
    assert ("Birthdate.csv", "value") in empty
    assert not empty & {("Birthdate.csv", "stranger"), ("Phenotype.csv", "valueIRI"), ("Birthdate.csv", "pid")}
