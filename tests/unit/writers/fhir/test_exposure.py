"""Tobacco as Observations, after US Core."""

from __future__ import annotations

from tests.rich_record import code, coded
from tests.unit.writers.fhir.test_r4 import lines, losses, resources


def test_smoking_status_and_pack_years() -> None:
    exposure = {"tobacco_use_status": coded(code("SNOMEDCT:8517006", "Ex-smoker")), "pack_years": "012.50"}
    status, amount = resources("Observation", environmental_exposure=exposure)
    assert status["code"]["coding"][0]["code"] == "72166-2"
    assert status["valueCodeableConcept"]["coding"][0]["code"] == "8517006"
    assert amount["code"]["coding"][0] == {"system": "http://snomed.info/sct", "code": "401201003", "display": "Cigarette pack-years"}  # fmt: skip
    quantity = b'"valueQuantity":{"value":12.50,"unit":"pack-years","system":"http://unitsofmeasure.org","code":"{pack-years}"}'
    assert quantity in lines(environmental_exposure=exposure)[2]
    assert losses(environmental_exposure=exposure) == set()


def test_what_has_no_form_is_lost() -> None:
    exposure = {"tobacco_use_status": {"codings": []}, "pack_years": "1e999"}
    assert resources("Observation", environmental_exposure=exposure) == []
    assert losses(environmental_exposure=exposure) == {("tobacco_use_status", "dropped"), ("pack_years", "dropped")}
