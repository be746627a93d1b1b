"""What one run writes is graded alike in all its formats: a format may hide an item, it never makes one better or worse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harmonize.checks.conformance import conformance
from harmonize.checks.foreign_records import PartialRecords
from harmonize.datasets.specification import load_dataset
from harmonize.datasets.statuses import COUNTED
from tests.registry import Run, convert, make_registry

FORMATS = ("fhir-r4", "phenopackets")
DATA_SETS = ("erdri-cds", "goe", "hmd", "mdc", "rd-cdm")
MORE_THERE = "our writer puts more into the element than the slot of the hub that the item stands in"
NO_WORD = "the format has no word for what the hub says: unknown is the same as nothing"
EXCEPTIONS = {
    (
        "erdri-cds",
        "fhir-r4",
        "erdri:3.2",
    ): "alive with a date of death in the hub; in FHIR the date says that the person is dead",
    ("goe", "phenopackets", "goe:sex"): NO_WORD,
    (
        "erdri-cds",
        "phenopackets",
        "erdri:3.2",
    ): "a death beside the status alive is written as one, so nothing contradicts",
    ("hmd", "fhir-r4", "hmd:Subject.Administrative_Gender"): "Patient.gender is written from the sex at birth",
    ("hmd", "phenopackets", "hmd:Subject.Administrative_Gender"): "Individual.sex is written from the sex at birth",
    ("hmd", "fhir-r4", "hmd:Sample.Date"): "a Specimen is written for a sample that is only said to exist",
    ("hmd", "fhir-r4", "hmd:Sample.ID"): "a Specimen is written for a sample that is only said to exist",
    ("hmd", "fhir-r4", "hmd:Sample.Biospecimen_Type"): "a Specimen is written for a sample that is only said to exist",
    ("rd-cdm", "fhir-r4", "rdcdm:1.2"): MORE_THERE,
    ("rd-cdm", "fhir-r4", "rdcdm:4.3"): "Encounter.status is demanded by FHIR and written as unknown",
    ("rd-cdm", "fhir-r4", "rdcdm:6.1.11"): "the writer translates the zygosity into the codes that the item takes",
    ("rd-cdm", "fhir-r4", "rdcdm:6.2.2"): "the hub says only that a feature is excluded, FHIR also that it is present",
    ("rd-cdm", "fhir-r4", "rdcdm:6.3.1"): "every Observation with a quantity is a measurement",
    ("rd-cdm", "fhir-r4", "rdcdm:6.3.2"): "every Observation with a quantity is a measurement",
    ("rd-cdm", "fhir-r4", "rdcdm:6.3.3"): "every Observation with a quantity is a measurement",
    ("rd-cdm", "fhir-r4", "rdcdm:6.3.4"): "every Observation with a quantity is a measurement",
    ("rd-cdm", "fhir-r4", "rdcdm:6.3.5"): "every Observation with a quantity is a measurement",
    ("rd-cdm", "fhir-r4", "rdcdm:7.1"): "Consent.status is demanded by FHIR and written as active",
    ("rd-cdm", "fhir-r4", "rdcdm:8.1"): "the answer to a questionnaire is missed only where there is a questionnaire",
    ("rd-cdm", "phenopackets", "rdcdm:3.1"): NO_WORD,
    ("rd-cdm", "phenopackets", "rdcdm:6.2.2"): "what is not said to be excluded is observed; the hub may leave it open",
    (
        "rd-cdm",
        "phenopackets",
        "rdcdm:6.1.1",
    ): "the disease that a variant explains is written as the genomic diagnosis",
    ("rd-cdm", "phenopackets", "rdcdm:6.3.2"): "a measurement without its value is not written",
    ("rd-cdm", "phenopackets", "rdcdm:6.3.3"): "a measurement without its value is not written",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("formats")
    return convert(make_registry(folder / "registry", 60).folder, folder / "out")


def graded(folder: Path, dataset: str) -> dict[str, dict[str, int]]:
    return {c.item.id: dict(c.records) for c in conformance(folder, dataset, level="optional").items}


@pytest.mark.parametrize("dataset", DATA_SETS)
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_format_hides_items_and_changes_none(run: Run, dataset: str, format_name: str) -> None:
    hub, other = graded(run.folder / "hub", dataset), graded(run.folder / format_name, dataset)
    assert sum(other[key]["filled"] for key in other) > 0
    differing = {
        (dataset, format_name, key): (hub[key], other[key])
        for key in hub
        if other[key]["not_checked"] != sum(other[key].values()) and _is_otherwise(hub[key], other[key])
    }
    named = {key for key in EXCEPTIONS if key[:2] == (dataset, format_name)}
    assert differing.keys() == named, {key: differing.get(key) for key in differing.keys() ^ named}


def _is_otherwise(hub: dict[str, Any], other: dict[str, Any]) -> bool:
    return any(other[word] > hub[word] for word in COUNTED if word != "not_checked")


def test_a_feature_that_is_not_excluded_is_observed() -> None:
    """Protobuf leaves out false, its default."""
    features = [{"type": {"id": "HP:0001250", "label": "Seizure"}, **more} for more in ({"excluded": True}, {})]
    record = PartialRecords(load_dataset("rd-cdm"), "phenopackets").of([{"id": "p", "phenotypicFeatures": features}])
    assert [feature["excluded"] for feature in record["phenotypic_features"]] == [True, False]
