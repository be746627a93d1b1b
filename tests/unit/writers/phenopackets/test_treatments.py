"""Treatments as MedicalActions."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from harmonize.findings import Outcome
from harmonize.hub.objects import hub_object
from harmonize.writers import TargetLog, load_writer
from tests.rich_record import code, coded, context, day
from tests.unit.writers.test_phenopackets import losses, packet

DRUG, OTHER_DRUG = coded(code("ATC:L01CD01")), coded(code("ATC:L01DB03"))
ORAL, INTRAVENOUS = coded(code("NCIT:C38288")), coded(code("NCIT:C38276"))
SURGERY, RADIATION, MASTECTOMY = (coded(code(f"SNOMEDCT:{n}")) for n in (387713003, 1287742003, 172043006))
BREAST, NODE, PHOTON = coded(code("SNOMEDCT:76752008")), coded(code("SNOMEDCT:68171009")), coded(code("NCIT:C93337"))
PLANNED, NOT_TOLERATED, TOXIC = (coded(code(c)) for c in ("SNOMEDCT:405613005", "SNOMEDCT:407563006", "NCIT:C27990"))
GRAY = {"value": "50.0", "unit": "Gy"}
WHOLE = {"type": RADIATION, "modalities": [PHOTON], "sites": [BREAST], "cumulative_dose": GRAY, "fractions": 25}


def written(concept: dict[str, Any]) -> dict[str, str]:
    """The OntologyClass of a coded value of one code without label."""
    curie = concept["codings"][0]["code"]
    return {"id": curie, "label": curie}


def agent(drug: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"treatment": {"agent": written(drug), **more}}


def procedure(concept: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"procedure": {"code": written(concept), **more}}


IRRADIATED = {
    "radiationTherapy": {"modality": written(PHOTON), "bodySite": written(BREAST), "dosage": 50, "fractions": 25}
}
NO_RADIATION = {("modalities", "dropped"), ("fractions", "dropped"), ("cumulative_dose", "dropped")}
# (treatment, actions, losses)
CASES: list[tuple[dict[str, Any], list[dict[str, Any]], set[tuple[str, str]]]] = [
    ({"agents": [DRUG, OTHER_DRUG], "routes_of_administration": [ORAL]},
     [agent(DRUG, routeOfAdministration=written(ORAL)), agent(OTHER_DRUG, routeOfAdministration=written(ORAL))], set()),
    ({"agents": [DRUG, OTHER_DRUG], "routes_of_administration": [ORAL, INTRAVENOUS]},
     [agent(DRUG), agent(OTHER_DRUG)], {("routes_of_administration", "dropped")}),
    ({"agents": [DRUG], "routes_of_administration": [ORAL, INTRAVENOUS]},
     [agent(DRUG, routeOfAdministration=written(ORAL))], {("routes_of_administration", "coarsened")}),
    ({"agents": [DRUG], "cumulative_dose": {"value": "73", "unit": "mg"}},
     [agent(DRUG, cumulativeDose={"unit": {"id": "UCUM:mg", "label": "mg"}, "value": 73.0})], set()),
    ({"agents": [DRUG, OTHER_DRUG], "cumulative_dose": GRAY}, [agent(DRUG), agent(OTHER_DRUG)], {("cumulative_dose", "dropped")}),
    ({"agents": [DRUG], "type": SURGERY}, [agent(DRUG)], {("type", "dropped")}),
    ({"agents": [DRUG], "start_date": day("2010-01-01"), "sites": [BREAST]}, [agent(DRUG)], {("start_date", "dropped"), ("sites", "dropped")}),
    ({"agents": [DRUG], "procedure": MASTECTOMY, "start_date": day("2010-01-01")},
     [agent(DRUG), procedure(MASTECTOMY, performed={"timestamp": "2010-01-01T00:00:00Z"})], set()),
    ({"type": SURGERY, "sites": [BREAST, NODE]}, [procedure(SURGERY, bodySite=written(BREAST))], {("sites", "coarsened")}),
    ({"type": SURGERY, "procedure": MASTECTOMY}, [procedure(MASTECTOMY)], {("type", "dropped")}),
    ({"procedure": MASTECTOMY, "routes_of_administration": [ORAL], "cumulative_dose": GRAY},
     [procedure(MASTECTOMY)], {("routes_of_administration", "dropped"), ("cumulative_dose", "dropped")}),
    (WHOLE, [IRRADIATED], {("type", "dropped")}),
    ({**WHOLE, "start_date": day("2010-09-01")}, [IRRADIATED], {("type", "dropped"), ("start_date", "dropped")}),
    ({**WHOLE, "procedure": MASTECTOMY}, [IRRADIATED, procedure(MASTECTOMY, bodySite=written(BREAST))], {("type", "dropped")}),
    ({**WHOLE, "cumulative_dose": {"value": "50.4", "unit": "Gy"}}, [procedure(RADIATION, bodySite=written(BREAST))], NO_RADIATION),
    ({**WHOLE, "cumulative_dose": {"value": "5000", "unit": "cGy"}}, [procedure(RADIATION, bodySite=written(BREAST))], NO_RADIATION),
    ({**WHOLE, "cumulative_dose": {**GRAY, "comparator": ">"}}, [procedure(RADIATION, bodySite=written(BREAST))], NO_RADIATION),
    ({**WHOLE, "modalities": [PHOTON, {"text": "x"}]}, [procedure(RADIATION, bodySite=written(BREAST))], NO_RADIATION),
    ({**WHOLE, "modalities": [{"text": "x"}]}, [procedure(RADIATION, bodySite=written(BREAST))], NO_RADIATION),
    ({**WHOLE, "fractions": 2**31}, [procedure(RADIATION, bodySite=written(BREAST))], NO_RADIATION),
    ({"type": RADIATION, "fractions": 5}, [procedure(RADIATION)], {("fractions", "dropped")}),
    ({"agents": [DRUG], "treatment_status": PLANNED}, [], {("*", "dropped")}),
    ({"start_date": day("2010-01-01")}, [], {("start_date", "dropped"), ("*", "dropped")}),
]  # fmt: skip


@pytest.mark.parametrize(("treatment", "actions", "lost"), CASES)
def test_treatments(treatment: dict[str, Any], actions: list[dict[str, Any]], lost: set[tuple[str, str]]) -> None:
    assert packet(treatments=[treatment]).get("medicalActions", []) == actions
    assert set(losses(treatments=[treatment])) == lost


def test_what_a_treatment_is_for_and_led_to_stands_in_each_action() -> None:
    treatment = {
        "agents": [DRUG],
        "procedure": MASTECTOMY,
        "intention_to_treat": SURGERY,
        "response_to_treatment": RADIATION,
        "adverse_events": [TOXIC, {"text": "nausea"}],
        "reason_for_incomplete_treatment": NOT_TOLERATED,
        "toxicity_type": TOXIC,
        "treated_disease": "index_disease",
    }
    diagnoses = [{"disease": NODE, "role": "index_disease"}, {"disease": BREAST, "role": "comorbidity"}]
    about = {
        "treatmentTarget": written(NODE),
        "treatmentIntent": written(SURGERY),
        "responseToTreatment": written(RADIATION),
        "adverseEvents": [written(TOXIC)],
        "treatmentTerminationReason": written(NOT_TOLERATED),
    }
    made = packet(treatments=[treatment], diagnoses=diagnoses)["medicalActions"]
    assert made == [{**agent(DRUG), **about}, {**procedure(MASTECTOMY), **about}]
    assert set(losses(treatments=[treatment], diagnoses=diagnoses)) == {("adverse_events", "dropped"), ("toxicity_type", "dropped")}  # fmt: skip


@pytest.mark.parametrize("roles", [(), ("comorbidity",), ("index_disease", "index_disease")])
def test_without_the_one_disease_there_is_no_target(roles: tuple[str, ...]) -> None:
    slots = {"diagnoses": [{"disease": NODE, "role": role} for role in roles], "treatments": [{"agents": [DRUG], "treated_disease": "index_disease"}]}  # fmt: skip
    assert packet(**slots)["medicalActions"] == [agent(DRUG)]
    assert set(losses(**slots)) == {("treated_disease", "dropped")}


@pytest.mark.parametrize(
    ("filled", "outcome", "said"),
    [
        (None, Outcome.CARRIED, 2),
        ({"Treatment.agents", "Treatment.start_date"}, Outcome.DROPPED, 0),
        ({"Treatment.agents", "Treatment.type"}, Outcome.CARRIED, 2),
        ({"Treatment.procedure"}, Outcome.CARRIED, 2),
    ],
)
def test_where_a_profile_knows_agents_only_their_dates_are_lost_once_a_run(
    filled: set[str] | None, outcome: Outcome, said: int
) -> None:
    known = dataclasses.replace(context(), filled=None if filled is None else frozenset(filled))
    writer, log = load_writer("phenopackets", known), TargetLog("phenopackets")
    treatment = {"agents": [DRUG], "start_date": day("2010-01-01")}
    record = {"subject_id": "s", "treatments": [treatment, {**treatment, "routes_of_administration": [ORAL]}]}
    writer.documents(hub_object(record), log)
    assert writer.declaration["Treatment.start_date"].outcome is outcome
    assert [loss.slot for loss in log.losses] == ["start_date"] * said


def test_what_is_remembered_is_what_is_written_first() -> None:
    writer = load_writer("phenopackets", dataclasses.replace(context(), filled=frozenset()))
    record = hub_object(
        {"subject_id": "s", "treatments": [{"agents": [DRUG], "start_date": day("2010"), "days_supply": "P9D"}]}
    )
    first, second = (writer.documents(record, TargetLog("phenopackets")) for _ in range(2))
    assert first == second
