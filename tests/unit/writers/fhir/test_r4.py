"""FHIR R4 from hub records: elements, codes and references after the specification, and what is said of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.registry import RECORDED, convert, make_registry
from tests.rich_record import RICH, code, coded, day, write


def lines(**slots: Any) -> list[bytes]:
    record = {"schema_version": "0.1.0", "subject_id": "s", **slots}
    return [document.line for document in write("fhir-r4", record)[0]]


def resources(kind: str, **slots: Any) -> list[dict[str, Any]]:
    return [r for line in lines(**slots) if (r := json.loads(line))["resourceType"] == kind]


def losses(**slots: Any) -> set[tuple[str, str]]:
    record = {"schema_version": "0.1.0", "subject_id": "s", **slots}
    return {(loss.slot, loss.outcome.value) for loss in write("fhir-r4", record)[1].losses}


@pytest.mark.parametrize("text", ["1990", "1990-02", "1990-02-28"])
def test_dates_keep_their_precision(text: str) -> None:
    assert resources("Patient", birth_date=day(text))[0]["birthDate"] == text


@pytest.mark.parametrize(
    ("written", "read"), [("72.50", b"72.50"), ("0.00000001", b"0.00000001"), ("007.0", b"7.0"), ("-0.10", b"-0.10")]
)
def test_decimals_keep_their_digits(written: str, read: bytes) -> None:
    made = lines(measurements=[{"assay": coded(code("LOINC:2160-0")), "value": {"value": written, "unit": "mg/dL"}}])[1]
    assert b'"valueQuantity":{"value":' + read + b"," in made


def test_units_are_ucum_or_as_stated() -> None:
    quantity = {"value": "1", "unit": "umol/L", "unit_source": coded(code("UO:0010003", "micromole per litre"))}
    made = resources("Observation", measurements=[{"assay": coded(code("LOINC:2160-0")), "value": quantity}])[0][
        "valueQuantity"
    ]
    assert made == {"value": 1, "unit": "micromole per litre", "system": "http://unitsofmeasure.org", "code": "umol/L"}


@pytest.mark.parametrize(
    ("born", "gender", "system"),
    [
        ("BIRTHSEX:F", "female", "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender"),
        ("BIRTHSEX:OTH", "other", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"),
        ("BIRTHSEX:UNK", "unknown", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"),
    ],
)
def test_sex_at_birth_is_an_observation_and_gives_the_gender(born: str, gender: str, system: str) -> None:
    sex = coded(code(born))
    assert resources("Patient", sex_at_birth=sex)[0]["gender"] == gender
    observation = resources("Observation", sex_at_birth=sex)[0]
    assert observation["code"]["coding"][0]["code"] == "76689-9"
    assert observation["valueCodeableConcept"]["coding"][0]["system"] == system
    both = resources("Patient", sex_at_birth=sex, administrative_gender=coded(code("GENDER:male")))
    assert both[0]["gender"] == "male", "the administrative gender is preferred"


def test_present_absent_and_onset_as_component() -> None:
    features = [
        {"type": coded(code("HP:0001250", "Seizure")), "excluded": True},
        {"type": coded(code("HP:0001166")), "onset_date": day("1991-02-28"), "date_of_assessment": day("2000-01-01")},
        {"type": coded(code("HP:0001519")), "onset_date": day("1991"), "end_date": day("1999-01-01")},
        {"type": coded(code("HP:0004322")), "onset_age": "P1Y6M"},
    ]
    made = resources("Observation", birth_date=day("1990-02-28"), phenotypic_features=features)
    assert [o["valueCodeableConcept"]["coding"][0]["code"] for o in made] == [
        "LA9634-2",
        "LA9633-4",
        "LA9633-4",
        "LA9633-4",
    ]
    assert made[1]["component"][0]["valueQuantity"]["value"] == 365 and made[1]["effectiveDateTime"] == "2000-01-01"
    assert made[2]["effectivePeriod"] == {"start": "1991", "end": "1999-01-01"} and "component" not in made[2]
    assert made[3]["component"][0]["valueQuantity"] == {
        "value": 18,
        "unit": "months",
        "system": "http://unitsofmeasure.org",
        "code": "mo",
    }
    assert all(
        o["meta"]["profile"] == ["http://hl7.org/fhir/uv/phenomics-exchange/StructureDefinition/phenotype|1.0.0-ballot"]
        for o in made
    )


def test_diagnoses() -> None:
    made = resources("Condition", diagnoses=RICH["diagnoses"][:4])
    assert [c["verificationStatus"]["coding"][0]["code"] for c in made] == [
        "confirmed",
        "refuted",
        "provisional",
        "entered-in-error",
    ]
    assert "clinicalStatus" in made[0] and "clinicalStatus" not in made[3], "con-5"
    assert made[0]["code"]["coding"][0] == {"system": "http://www.orpha.net", "code": "558"}
    assert made[0]["onsetAge"]["value"] == 18 and made[0]["extension"][0]["valueDateTime"] == "1999-01-20"
    assert made[2]["code"]["coding"][0]["system"] == "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
    assert ("disease", "coarsened") in losses(diagnoses=RICH["diagnoses"]), "the dagger has no place"


def test_first_symptoms_belong_to_the_only_disease() -> None:
    onset = [{"date": day("1991-05")}]
    assert (
        resources("Condition", diagnoses=[{"disease": coded(code("ORPHA:558"))}], symptom_onsets=onset)[0][
            "onsetDateTime"
        ]
        == "1991-05"
    )
    two = {
        "diagnoses": [{"disease": coded(code("ORPHA:558"))}, {"disease": coded(code("ORPHA:399"))}],
        "symptom_onsets": onset,
    }
    assert all("onsetDateTime" not in condition for condition in resources("Condition", **two))
    assert resources("Observation", **two)[0]["valueDateTime"] == "1991-05"


def test_variants_after_genomics_reporting() -> None:
    variant, implication = resources("Observation", variants=[RICH["variants"][0]])
    components = {c["code"]["coding"][0]["code"]: c for c in variant["component"]}
    assert components["48004-6"]["valueCodeableConcept"]["coding"][0]["code"] == "NM_000138.5:c.3037G>A"
    assert components["48005-3"]["valueCodeableConcept"]["coding"][0]["system"] == "http://varnomen.hgvs.org"
    assert components["53034-5"]["valueCodeableConcept"]["coding"][0]["code"] == "LA6706-1"
    assert components["48000-4"]["valueCodeableConcept"]["coding"][0]["code"] == "LA21268-0"
    assert components["81254-5"]["valueRange"] == {"low": {"value": 48487153}, "high": {"value": 48487153}}
    assert components["69547-8"]["valueString"] == "C"
    assert implication["derivedFrom"] == [{"reference": f"Observation/{variant['id']}"}]
    assert implication["component"][0]["valueCodeableConcept"]["coding"][0]["code"] == "LA6668-3"
    assert ("hgvs", "dropped") in losses(variants=[RICH["variants"][0]]), "the profile has no HGVS of level n"


def test_a_reference_to_a_gene_is_the_gene_that_was_studied() -> None:
    expression = {"reference": coded(code("HGNC:3603", "FBN1")), "text": "FBN1 deletion"}
    (variant,) = resources("Observation", variants=[{"expressions": [expression]}])
    components = {c["code"]["coding"][0]["code"]: c["valueCodeableConcept"] for c in variant["component"]}
    assert components["48018-6"]["coding"][0]["code"] == "HGNC:3603" and "text" not in components["48018-6"]
    assert components["81252-9"] == {"text": "FBN1 deletion"}


def test_consents() -> None:
    permit, deny = resources("Consent", consents=RICH["consents"])
    assert permit["policyRule"]["coding"][0]["code"] == "OPTIN" and deny["policyRule"]["coding"][0]["code"] == "OPTOUT"
    purpose = {
        "system": "http://purl.obolibrary.org/obo/duo.owl",
        "code": "DUO:0000042",
        "display": "general research use",
    }
    assert permit["provision"] == {"provision": [{"type": "permit", "purpose": [purpose]}]} and "provision" not in deny
    sample = [{"purpose": "sample_use", "decision": "deny"}]
    assert resources("Consent", consents=sample) == [], "that there is no sample is no refusal"
    assert losses(consents=sample) == {("*", "dropped")}
    assert ("*", "dropped") in losses(consents=RICH["consents"]), "without a decision there is no Consent"


def test_death() -> None:
    vital = RICH["vital_status"]
    assert resources("Patient", vital_status=vital)[0]["deceasedDateTime"] == "2024-03-04"
    alive = {"status": coded(code("VITALSTATUS:alive"))}
    assert resources("Patient", vital_status=alive)[0]["deceasedBoolean"] is False
    assert resources("Observation", vital_status=vital)[0]["code"]["coding"][0]["code"] == "184305005"


UNKNOWN = {"null_flavor": "UNK"}


@pytest.mark.parametrize(
    ("vital", "deceased"),
    [
        ({"status": UNKNOWN, "cause_of_death": UNKNOWN}, None),
        ({"cause_of_death": UNKNOWN}, None),
        ({"status": coded(code("VITALSTATUS:unknown")), "cause_of_death": coded(code("ICD10CM:I10"))}, None),
        ({"status": UNKNOWN, "cause_of_death": coded(code("ICD10CM:I10"))}, True),
        ({"age_at_death": "P50Y"}, True),
        ({"status": coded(code("VITALSTATUS:alive")), "age_at_death": "P50Y"}, True),
    ],
)
def test_nobody_is_dead_of_an_unknown_cause(vital: dict[str, Any], deceased: bool | None) -> None:
    assert resources("Patient", vital_status=vital)[0].get("deceasedBoolean") is deceased


def test_nothing_unknown_is_present() -> None:
    assert resources("Observation", phenotypic_features=[{"type": UNKNOWN}]) == []
    assert ("*", "dropped") in losses(phenotypic_features=[{"type": UNKNOWN}])


def test_one_group_and_one_provenance_a_run(tmp_path: Any) -> None:
    run = convert(make_registry(tmp_path / "in", subjects=12).folder, tmp_path / "out", consent="record")
    (group,), (provenance,) = run.lines("fhir-r4/Group.ndjson"), run.lines("fhir-r4/Provenance.ndjson")
    patients = [f"Patient/{p['id']}" for p in run.lines("fhir-r4/Patient.ndjson")]
    assert [m["entity"]["reference"] for m in group["member"]] == patients and group["quantity"] == 12
    assert provenance["target"] == [{"reference": f"Group/{group['id']}"}] and provenance["recorded"] == RECORDED


DRUG = coded(code("NCIT:C66869", "Losartan"))
WRITTEN_DRUG = {"coding": [{"system": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "code": "C66869", "display": "Losartan"}]}  # fmt: skip
SPANS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"start_date": day("2014-01")}, {"DateTime": "2014-01"}),  # a Period without an end would say that it goes on
    ({"start_date": day("2014-01-02"), "end_date": day("2014")}, {"Period": {"start": "2014-01-02", "end": "2014"}}),
    ({"end_date": day("2014-03-04")}, {"Period": {"end": "2014-03-04"}}),
    ({"start_date": day("2014-03"), "end_date": day("2014-02-28")}, {"DateTime": "2014-03"}),  # per-1
    ({}, {}),
]


@pytest.mark.parametrize(("dates", "span"), SPANS)
def test_days_of_what_was_done(dates: dict[str, Any], span: dict[str, Any]) -> None:
    made = resources("MedicationStatement", treatments=[{"agents": [DRUG], **dates}])[0]
    assert {k: v for k, v in made.items() if k.startswith("effective")} == {f"effective{k}": v for k, v in span.items()}
    used = resources("DeviceUseStatement", device_uses=[{"device": DRUG, **dates}])[0]
    assert {k: v for k, v in used.items() if k.startswith("timing")} == {f"timing{k}": v for k, v in span.items()}
    days = {"date" if slot == "start_date" else slot: value for slot, value in dates.items()}
    done = resources("Procedure", procedures=[{"code": DRUG, **days}])[0]
    assert {k: v for k, v in done.items() if k.startswith("performed")} == {f"performed{k}": v for k, v in span.items()}


def test_treatments() -> None:
    oral = coded(code("SNOMEDCT:26643006"))
    made = resources("MedicationStatement", treatments=[{"agents": [DRUG], "routes_of_administration": [oral]}])[0]
    assert made["status"] == "unknown" and made["medicationCodeableConcept"] == WRITTEN_DRUG
    assert made["dosage"] == [{"route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]}}]
    assert losses(treatments=[{"agents": [DRUG], "quantity": {"value": "90"}}]) == set()  # by declaration
    nameless = [{"agents": [{"codings": []}]}]
    assert resources("MedicationStatement", treatments=nameless) == []
    assert ("*", "dropped") in losses(treatments=nameless)


ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def test_devices() -> None:
    use = {"device": DRUG, "device_id": "00112233445566778899", "quantity": {"value": "2"}}
    (device,), (statement,) = resources("Device", device_uses=[use]), resources("DeviceUseStatement", device_uses=[use])
    assert device["type"] == WRITTEN_DRUG and device["identifier"] == [{"value": "00112233445566778899"}]
    assert statement["device"] == {"reference": f"Device/{device['id']}"} and statement["_status"] == ABSENT
    assert losses(device_uses=[use]) == set()  # the number of devices is lost by declaration
    assert resources("Device", device_uses=[{"device": {"codings": []}}]) == []


MARFAN, OTHER = coded(code("ORPHA:558")), coded(code("ORPHA:399"))


@pytest.mark.parametrize(
    ("episode", "diagnosis", "types", "references", "lost"),
    [
        ({"kind": "disease", "object": MARFAN}, {"disease": MARFAN}, [{"text": "disease"}], 1, set()),
        ({"object": MARFAN}, {"disease": coded(code("ICD10:Q87.4"), code("ORPHA:558"))}, None, 1, set()),
        ({"object": MARFAN}, {"disease": MARFAN, "excluded": True}, None, 0, {("object", "dropped")}),
        ({"object": MARFAN}, {"disease": MARFAN, "certainty": "entered_in_error"}, None, 0, {("object", "dropped")}),
        ({"object": {**MARFAN, "text": "more"}}, {"disease": MARFAN}, None, 0, {("object", "dropped")}),
        ({"object": MARFAN}, {"disease": OTHER}, None, 0, {("object", "dropped")}),
        ({"object": {**MARFAN, "qualifiers": ["dagger"]}}, {"disease": MARFAN}, None, 1, {("object", "coarsened")}),
        ({"kind": "treatment", "type": DRUG, "object": MARFAN}, {"disease": MARFAN}, [WRITTEN_DRUG, {"text": "treatment"}], 0, {("object", "dropped")}),
    ],
)  # fmt: skip
def test_episodes_of_care(
    episode: dict[str, Any], diagnosis: dict[str, Any], types: Any, references: int, lost: set[tuple[str, str]]
) -> None:
    slots = {"diagnoses": [diagnosis], "clinical_episodes": [{**episode, "start_date": day("1999"), "number": "1"}]}
    (made,), (condition,) = resources("EpisodeOfCare", **slots), resources("Condition", **slots)
    assert made.get("type") == types and made["period"] == {"start": "1999"} and made["_status"] == ABSENT
    reference = {"condition": {"reference": f"Condition/{condition['id']}"}}
    assert made.get("diagnosis", []) == [reference] * references
    assert losses(**slots) == lost


@pytest.mark.parametrize(
    ("diagnosis", "status", "abated"),
    [
        ({}, "inactive", True),
        ({"clinical_status": "resolved"}, "resolved", True),
        ({"clinical_status": "relapse"}, "relapse", False),  # con-4
        ({"certainty": "entered_in_error"}, None, False),  # con-4 and con-5
    ],
)
def test_a_disease_that_ended_has_abated(diagnosis: dict[str, Any], status: str | None, abated: bool) -> None:
    ended = {"disease": MARFAN, "end_date": day("1999-09"), **diagnosis}
    made = resources("Condition", diagnoses=[ended])[0]
    assert made.get("clinicalStatus", {}).get("coding", [{}])[0].get("code") == status
    assert made.get("abatementDateTime") == ("1999-09" if abated else None)
    assert losses(diagnoses=[ended]) == (set() if abated else {("end_date", "dropped")})


UNIT = b'"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}'


@pytest.mark.parametrize(
    ("bounds", "written"),
    [
        ({"reference_low": "0.60", "reference_high": "007.0"}, b'[{"low":{"value":0.60,' + UNIT + b',"high":{"value":7.0,' + UNIT + b"}]"),
        ({"reference_high": "1e999", "reference_low": "1"}, b'[{"low":{"value":1,' + UNIT + b"}]"),
        ({"reference_high": "1e999"}, None),
    ],
)  # fmt: skip
def test_reference_ranges_keep_their_digits_and_have_no_comparator(
    bounds: dict[str, str], written: bytes | None
) -> None:
    value = {"value": "1", "comparator": "<", "unit": "mg/dL"}
    made = lines(measurements=[{"assay": coded(code("LOINC:2160-0")), "value": value, **bounds}])[1]
    assert (b'"referenceRange":' in made) == (written is not None)
    assert written is None or b'"referenceRange":' + written in made


def test_a_reference_range_of_no_number_is_lost() -> None:
    measurement = {"assay": coded(code("LOINC:2160-0")), "coded_value": DRUG, "reference_low": "1"}
    assert losses(measurements=[measurement]) == {("reference_low", "dropped")}


def test_the_kind_of_contact_is_the_type_of_the_encounter() -> None:
    episode = {"kind": coded(code("ACTCODE:IMP")), "type": DRUG}
    assert resources("Encounter", care_episodes=[episode])[0]["type"] == [WRITTEN_DRUG]
    assert resources("Encounter", care_episodes=[{"type": DRUG}]) == []
    assert losses(care_episodes=[{"type": DRUG}]) == {("*", "dropped")}


def test_a_period_does_not_end_before_it_starts() -> None:
    """FHIR R4, per-1: the end is lost, and said to be."""
    days = {"start_date": day("2020-01-02"), "end_date": day("2020-01-01")}
    episode = {"kind": coded(code("ACTCODE:IMP")), **days}
    (encounter,) = resources("Encounter", care_episodes=[episode])
    assert encounter["period"] == {"start": "2020-01-02"} and encounter["status"] == "finished"
    assert losses(care_episodes=[episode]) == {("end_date", "dropped")}
    feature = {"type": coded(code("HP:0001250")), "onset_date": day("2020"), "end_date": day("2019")}
    assert resources("Observation", phenotypic_features=[feature])[0]["effectivePeriod"] == {"start": "2020"}
    assert losses(phenotypic_features=[feature]) == {("end_date", "dropped")}


@pytest.mark.parametrize("denied", [{"certainty": "entered_in_error"}, {"certainty": "refuted"}, {"excluded": True}])
def test_first_symptoms_are_not_those_of_a_disease_that_nobody_has(denied: dict[str, Any]) -> None:
    had, other = {"disease": coded(code("ORPHA:558"))}, {"disease": coded(code("ORPHA:399")), **denied}
    made = resources("Condition", diagnoses=[other, had], symptom_onsets=[{"date": day("2001-02-03")}])
    assert [c["code"]["coding"][0]["code"] for c in made if "onsetDateTime" in c] == ["558"]
