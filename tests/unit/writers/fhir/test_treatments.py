"""Treatments as MedicationStatements and Procedures."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rich_record import code, coded, day
from tests.unit.writers.fhir.test_r4 import losses, resources

DRUG, OTHER_DRUG = coded(code("ATC:L01CD01")), coded(code("ATC:L01DB03"))
ORAL, INTRAVENOUS = coded(code("NCIT:C38288")), coded(code("NCIT:C38276"))
CHEMOTHERAPY, SURGERY = coded(code("SNOMEDCT:367336001")), coded(code("SNOMEDCT:387713003"))
MASTECTOMY, BREAST = coded(code("SNOMEDCT:172043006")), coded(code("SNOMEDCT:76752008"))
COMPLETED, DISCONTINUED = coded(code("SNOMEDCT:182992009")), coded(code("SNOMEDCT:416406003"))
CHANGED, PLANNED = coded(code("SNOMEDCT:445528004")), coded(code("SNOMEDCT:405613005"))
NOT_TOLERATED, TOXIC = coded(code("SNOMEDCT:407563006")), coded(code("NCIT:C27990"))


def written(concept: dict[str, Any]) -> dict[str, Any]:
    """The CodeableConcept of a coded value of one code."""
    systems = {"ATC": "http://www.whocc.no/atc", "SNOMEDCT": "http://snomed.info/sct"}
    systems["NCIT"] = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
    prefix, _, local = concept["codings"][0]["code"].partition(":")
    return {"coding": [{"system": systems[prefix], "code": local}]}


def test_one_medication_statement_for_each_agent() -> None:
    treatment = {
        "agents": [DRUG, OTHER_DRUG],
        "start_date": day("2010-04-01"),
        "routes_of_administration": [INTRAVENOUS],
    }
    made = resources("MedicationStatement", treatments=[treatment])
    assert [m["medicationCodeableConcept"] for m in made] == [written(DRUG), written(OTHER_DRUG)]
    assert all(m["effectiveDateTime"] == "2010-04-01" for m in made)
    assert all(m["dosage"] == [{"route": written(INTRAVENOUS)}] for m in made)
    assert len({m["id"] for m in made}) == 2 and losses(treatments=[treatment]) == set()


def test_the_medication_is_part_of_what_was_done() -> None:
    treatment = {"type": CHEMOTHERAPY, "agents": [DRUG], "adverse_events": [TOXIC], "start_date": day("2010-04-01")}
    (procedure,) = resources("Procedure", treatments=[treatment])
    (statement,) = resources("MedicationStatement", treatments=[treatment])
    assert procedure["code"] == written(CHEMOTHERAPY) and procedure["complication"] == [written(TOXIC)]
    assert statement["partOf"] == [{"reference": f"Procedure/{procedure['id']}"}] and "category" not in statement
    assert procedure["performedDateTime"] == statement["effectiveDateTime"]


# (treatment, elements of the Procedure or None, elements of the MedicationStatement or None, losses)
CASES: list[tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None, set[tuple[str, str]]]] = [
    ({"type": SURGERY, "sites": [BREAST]}, {"code": written(SURGERY), "bodySite": [written(BREAST)]}, None, set()),
    ({"type": SURGERY, "procedure": MASTECTOMY}, {"code": written(MASTECTOMY), "category": written(SURGERY)}, None, set()),
    ({"procedure": MASTECTOMY, "treatment_status": COMPLETED}, {"status": "completed"}, None, set()),
    ({"procedure": MASTECTOMY, "treatment_status": DISCONTINUED}, {"status": "stopped"}, None, set()),
    ({"procedure": MASTECTOMY, "treatment_status": CHANGED}, {"status": "unknown"}, None, {("treatment_status", "dropped")}),
    ({"procedure": MASTECTOMY, "treatment_status": PLANNED}, None, None, {("*", "dropped")}),
    ({"agents": [DRUG], "treatment_status": PLANNED}, None, {"status": "intended"}, set()),
    ({"agents": [DRUG], "type": CHEMOTHERAPY, "treatment_status": PLANNED}, None, {"status": "intended"}, {("type", "dropped")}),
    ({"agents": [DRUG], "treatment_status": DISCONTINUED, "reason_for_incomplete_treatment": NOT_TOLERATED, "toxicity_type": TOXIC},
     None, {"status": "stopped", "statusReason": [written(NOT_TOLERATED), written(TOXIC)]}, set()),
    ({"procedure": MASTECTOMY, "reason_for_incomplete_treatment": NOT_TOLERATED, "toxicity_type": TOXIC},
     {"statusReason": written(NOT_TOLERATED)}, None, {("toxicity_type", "dropped")}),
    ({"procedure": MASTECTOMY, "toxicity_type": TOXIC, "outcome": {"text": "cured"}},
     {"statusReason": written(TOXIC), "outcome": {"text": "cured"}}, None, set()),
    ({"agents": [DRUG], "sites": [BREAST]}, None, {}, {("sites", "dropped")}),
    ({"procedure": MASTECTOMY, "routes_of_administration": [ORAL], "dose_interval": "P1D"}, {},
     None, {("routes_of_administration", "dropped"), ("dose_interval", "dropped")}),
    ({"procedure": MASTECTOMY, "agents": [{"codings": []}]}, {}, None, {("agents", "dropped")}),
    ({"agents": [DRUG, OTHER_DRUG], "routes_of_administration": [ORAL, INTRAVENOUS]}, None, {}, {("routes_of_administration", "dropped")}),
    ({"agents": [DRUG, OTHER_DRUG], "dose_interval": "P1D"}, None, {}, {("dose_interval", "dropped")}),
    ({"start_date": day("2010")}, None, None, {("*", "dropped")}),
]  # fmt: skip


@pytest.mark.parametrize(("treatment", "procedure", "statement", "lost"), CASES)
def test_treatments(
    treatment: dict[str, Any],
    procedure: dict[str, Any] | None,
    statement: dict[str, Any] | None,
    lost: set[tuple[str, str]],
) -> None:
    for kind, expected in (("Procedure", procedure), ("MedicationStatement", statement)):
        made = resources(kind, treatments=[treatment])
        assert bool(made) == (expected is not None)
        for resource in made:
            assert {name: resource[name] for name in expected or ()} == expected
    assert losses(treatments=[treatment]) == lost


@pytest.mark.parametrize(
    ("interval", "repeat"),
    [
        ("P1D", {"frequency": 1, "period": 1, "periodUnit": "d"}),
        ("P3W", {"frequency": 1, "period": 3, "periodUnit": "wk"}),
        ("P2M", {"frequency": 1, "period": 2, "periodUnit": "mo"}),
        ("PT8H", {"frequency": 1, "period": 8, "periodUnit": "h"}),
        ("PT90M", {"frequency": 1, "period": 90, "periodUnit": "min"}),
        ("P1Y6M", None),
        ("P1DT12H", None),
        ("P99999999999999999999Y", None),
    ],
)
def test_the_time_between_two_doses(interval: str, repeat: dict[str, Any] | None) -> None:
    treatment = {"agents": [DRUG], "dose_interval": interval}
    (made,) = resources("MedicationStatement", treatments=[treatment])
    assert made.get("dosage") == (None if repeat is None else [{"timing": {"repeat": repeat}}])
    assert losses(treatments=[treatment]) == (set() if repeat else {("dose_interval", "dropped")})


def test_two_routes_do_not_double_the_doses() -> None:
    treatment = {"agents": [DRUG], "routes_of_administration": [ORAL, INTRAVENOUS], "dose_interval": "P1D"}
    timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    (made,) = resources("MedicationStatement", treatments=[treatment])
    assert made["dosage"] == [{"timing": timing}, {"route": written(ORAL)}, {"route": written(INTRAVENOUS)}]


@pytest.mark.parametrize(("roles", "found"), [(("index_disease", "comorbidity"), 0), (("index_disease", "index_disease"), None), ((), None)])  # fmt: skip
def test_a_treatment_is_for_the_only_disease_of_its_role(roles: tuple[str, ...], found: int | None) -> None:
    diagnoses = [{"disease": coded(code(f"ORPHA:55{n}")), "role": role} for n, role in enumerate(roles)]
    slots = {"diagnoses": diagnoses, "treatments": [{"agents": [DRUG], "treated_disease": "index_disease"}]}
    (made,) = resources("MedicationStatement", **slots)
    conditions = resources("Condition", **slots)
    expected = None if found is None else [{"reference": f"Condition/{conditions[found]['id']}"}]
    assert made.get("reasonReference") == expected
    assert losses(**slots) == (set() if expected else {("treated_disease", "dropped")})


def test_what_a_treatment_is_meant_to_reach_is_the_extension_of_mcode() -> None:
    (made,) = resources("Procedure", treatments=[{"type": SURGERY, "intention_to_treat": COMPLETED}])
    assert made["extension"] == [
        {"url": "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-procedure-intent", "valueCodeableConcept": written(COMPLETED)}
    ]  # fmt: skip
