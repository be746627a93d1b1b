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


def test_consents() -> None:
    permit, deny = resources("Consent", consents=RICH["consents"])
    assert permit["policyRule"]["coding"][0]["code"] == "OPTIN" and deny["policyRule"]["coding"][0]["code"] == "OPTOUT"
    assert permit["provision"] == {
        "type": "permit",
        "purpose": [
            {
                "system": "http://purl.obolibrary.org/obo/duo.owl",
                "code": "DUO:0000042",
                "display": "general research use",
            }
        ],
    }
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
