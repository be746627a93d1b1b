"""What mCODE says of a radiation, and the residual tumour of an operation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harmonize.checks.fhir_r4 import check_resource
from harmonize.terminology.store import Terminologies
from harmonize.writers.fhir.radiotherapy import DOSE_DELIVERED_TO_VOLUME, MODALITY_AND_TECHNIQUE
from tests.rich_record import code, coded
from tests.unit.writers.fhir.test_r4 import losses, resources
from tests.unit.writers.fhir.test_treatments import BREAST, DRUG, SURGERY, written

RADIATION, PHOTONS = coded(code("SNOMEDCT:1287742003")), coded(code("NCIT:C93337", "photons"))
EXTERNAL = {"text": "external"}
GRAY = {"value": "50.40", "unit": "Gy"}
UNENCODED = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNC", "display": "un-encoded"}
WHOLE = {
    "type": RADIATION,
    "modalities": [PHOTONS],
    "radiation_type": EXTERNAL,
    "sites": [BREAST],
    "cumulative_dose": GRAY,
    "fractions": 28,
}


def parts(procedure: dict[str, Any], url: str) -> dict[str, Any]:
    """The parts of the only extension of this address, by the end of their own addresses."""
    (found,) = [e for e in procedure.get("extension", ()) if e["url"] == url]
    return {p["url"].rpartition("/")[2]: next(v for k, v in p.items() if k != "url") for p in found["extension"]}


def test_a_radiation_has_modality_technique_dose_and_volume() -> None:
    (procedure,), (volume,) = resources("Procedure", treatments=[WHOLE]), resources("BodyStructure", treatments=[WHOLE])
    how = parts(procedure, MODALITY_AND_TECHNIQUE)
    photons = {"system": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "code": "C93337", "display": "photons"}
    assert how["mcode-radiotherapy-modality"] == {"coding": [photons, UNENCODED], "text": "photons"}
    assert how["mcode-radiotherapy-technique"] == {"coding": [UNENCODED], "text": "external"}
    delivered = parts(procedure, DOSE_DELIVERED_TO_VOLUME)
    assert delivered["totalDoseDelivered"]["value"] == 5040 and delivered["totalDoseDelivered"]["code"] == "cGy"
    assert delivered["fractionsDelivered"] == 28
    assert delivered["volume"] == {"reference": f"BodyStructure/{volume['id']}"}
    assert volume["location"] == written(BREAST) and volume["patient"]["reference"].startswith("Patient/")
    assert losses(treatments=[WHOLE]) == set()
    known = {f"{r['resourceType']}/{r['id']}" for r in (procedure, volume)} | {volume["patient"]["reference"]}
    for resource in (procedure, volume):
        found = check_resource(resource, known.__contains__, Terminologies.installed())
        assert [v for v in found if v.rule.startswith("target.")] == []


def without(*slots: str, **more: Any) -> dict[str, Any]:
    return {**{name: value for name, value in WHOLE.items() if name not in slots}, **more}


@pytest.mark.parametrize(
    ("treatment", "lost"),
    [
        (without("sites"), {"cumulative_dose", "fractions"}),
        (without(sites=[BREAST, {"text": "neck"}]), {"cumulative_dose", "fractions"}),
        (without("modalities"), {"radiation_type"}),
        (without(modalities=[PHOTONS, {"text": "electrons"}]), {"radiation_type"}),
        (without(cumulative_dose={"value": "3", "unit": "GBq"}), {"cumulative_dose"}),
        (without(cumulative_dose={"value": "3", "unit": "Gy", "comparator": ">"}), {"cumulative_dose"}),
        (without(cumulative_dose={"value": "1e999", "unit": "Gy"}), {"cumulative_dose"}),
        (without(fractions=2**31), {"fractions"}),
        (
            {"agents": [DRUG], **without("type")},
            {"modalities", "radiation_type", "sites", "cumulative_dose", "fractions"},
        ),
    ],
)
def test_what_has_no_place_is_lost_by_name(treatment: dict[str, Any], lost: set[str]) -> None:
    assert losses(treatments=[treatment]) == {(slot, "dropped") for slot in lost}


@pytest.mark.parametrize(
    ("gray", "centigray"), [("50", "5000"), ("1.8", "180"), ("0.125", "12.5"), ("1e-40", "1E-38"), ("-0.5", "-50")]
)
def test_gray_are_centigray_with_the_digits_that_the_source_wrote(gray: str, centigray: str) -> None:
    (made,) = resources("Procedure", treatments=[without(cumulative_dose={"value": gray, "unit": "Gy"})])
    assert parts(made, DOSE_DELIVERED_TO_VOLUME)["totalDoseDelivered"]["value"] == json.loads(centigray)


def test_what_is_left_of_the_tumour_is_part_of_the_operation() -> None:
    treatment = {"type": SURGERY, "surgical_resection_quality": coded(code("SNOMEDCT:1222638005"))}
    (procedure,) = resources("Procedure", treatments=[treatment])
    (left,) = resources("Observation", treatments=[treatment])
    assert left["partOf"] == [{"reference": f"Procedure/{procedure['id']}"}]
    assert [c["code"] for c in left["code"]["coding"]] == ["84892-9", "445200009"]
    assert left["valueCodeableConcept"]["coding"][0]["code"] == "1222638005" and losses(treatments=[treatment]) == set()


@pytest.mark.parametrize(
    ("more", "place", "lost"),
    [
        ({}, "code", set()),
        ({"procedure": coded(code("SNOMEDCT:172043006"))}, "category", set()),
        ({"type": {"text": "an operation"}}, None, {("subtype", "dropped")}),
    ],
)
def test_the_words_of_a_kind_stand_beside_its_code(
    more: dict[str, Any], place: str | None, lost: set[tuple[str, str]]
) -> None:
    treatment = {"type": SURGERY, "subtype": "FOLFOX", **more}
    (procedure,) = resources("Procedure", treatments=[treatment])
    assert losses(treatments=[treatment]) == lost
    if place:
        assert procedure[place] == {**written(SURGERY), "text": "FOLFOX"}


@pytest.mark.parametrize(
    ("procedure", "site", "lost"),
    [
        ({"code": coded(code("SNOMEDCT:172043006"), qualifiers=["left"])}, "7771000", set()),
        (
            {"code": coded(code("SNOMEDCT:172043006"), qualifiers=["both sides"]), "body_site": BREAST},
            "51440002",
            set(),
        ),
        ({"code": coded(code("SNOMEDCT:172043006"), qualifiers=["dagger"])}, None, {("code", "coarsened")}),
        ({"code": coded(code("SNOMEDCT:172043006"), qualifiers=["left", "dagger"])}, None, {("code", "coarsened")}),
    ],
)
def test_the_side_of_a_procedure_stands_at_its_site(
    procedure: dict[str, Any], site: str | None, lost: set[tuple[str, str]]
) -> None:
    (made,) = resources("Procedure", procedures=[procedure])
    assert losses(procedures=[procedure]) == lost and made["code"] == written(coded(code("SNOMEDCT:172043006")))
    if site is None:
        assert "bodySite" not in made
        return
    (place,) = made["bodySite"]
    assert place["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == site
    assert ("coding" in place) == ("body_site" in procedure)
