"""eu/ern-cde against the merged table that the CARE-SM toolkit makes of the same samples: every fact, every difference explained."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.registry import KEY, Run, convert

OBO = "http://purl.obolibrary.org/obo/"
Fact = tuple[str, ...]

NOT_IN_THE_SAMPLES = {
    # The expected table was made from more tables than lie in samples/: their rows cannot be compared.
    "Birthplace",
    "Birthyear",
    "Examination",
    "Hospitalization",
    "Medication",
    "Surgery",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    from tests.shared_data import ERN

    if not ERN.exists():
        pytest.skip(f"needs {ERN}, which is not on this machine")
    return convert(ERN / "samples", tmp_path_factory.mktemp("ern") / "out")


def subject(pid: str) -> str:
    return KEY.pseudonym("test", "subject", pid)


def curie(iri: str) -> str:
    """The CURIE of an IRI of the samples, by string surgery only: this must not be our own parser."""
    local = iri.rstrip("/").rsplit("/", 1)[-1]
    if "clinvar" in iri:
        return f"CLINVAR:{local}"
    if "omim" in iri:
        return f"OMIM:{local}"
    if "Orphanet_" in iri:
        return local.replace("Orphanet_", "ORPHA:")
    if "bbmri" in iri:
        return f"BBMRI:{local}"
    return local.replace("_", ":", 1)


EXPECTED: dict[str, Callable[[dict[str, str]], Fact]] = {
    "Birthdate": lambda r: (r["value_date"],),
    "Biobank": lambda r: (KEY.pseudonym("test", "sample", r["value_id_string"]), curie(r["output_id"]), r["startdate"]),
    "Deathdate": lambda r: (r["value_date"], curie(r["cause_id"])),
    "Diagnosis": lambda r: (curie(r["output_id"]), r["startdate"]),
    "Disability": lambda r: (r["value_integer"], curie(r["specification"]), r["startdate"]),
    "First_visit": lambda r: (r["value_date"],),
    "Genetic": lambda r: (
        r["value_id_string"],
        curie(r["output_id"]),
        curie(r["specific_method_type"]),
        r["startdate"],
    ),
    "Laboratory": lambda r: (
        curie(r["target_type"]),
        r["value_float"],
        curie(r["unit_type"]),
        curie(r["input_type"]),
        curie(r["specific_method_type"]),
        r["startdate"],
    ),
    "Phenotype": lambda r: (curie(r["output_id"]), r["duration_value"], r["duration_enddate"], r["startdate"]),
    "Sex": lambda r: (curie(r["attribute_type"]),),
    "Status": lambda r: (curie(r["attribute_type"]), r["startdate"]),
    "Symptoms_onset": lambda r: (curie(r["target_id"]) if r["target_id"] else "", r["value_date"]),
}


def first(coded: dict[str, Any] | None) -> str:
    """The stated code of a coded value."""
    return next((c["code"] for c in (coded or {}).get("codings", ()) if c["origin"] == "stated"), "")


def date(value: dict[str, str] | None) -> str:
    return (value or {}).get("value", "")


def facts_of(record: dict[str, Any]) -> Iterator[tuple[str, Fact]]:
    """The facts of a hub record, as (element, values)."""
    yield "Birthdate", (date(record.get("birth_date")),)
    yield "Sex", (first(record.get("sex_at_birth")),)
    yield "First_visit", (date(record.get("first_contact_date")),)
    status = record["participation_status"]
    yield "Status", (first(status["status"]), date(status.get("date")))
    vital = record.get("vital_status", {})
    if "date_of_death" in vital:
        yield "Deathdate", (date(vital["date_of_death"]), first(vital.get("cause_of_death")))
    for item in record.get("diagnoses", ()):
        yield "Diagnosis", (first(item["disease"]), date(item.get("date_of_diagnosis")))
    for item in record.get("phenotypic_features", ()):
        yield (
            "Phenotype",
            (
                first(item["type"]),
                item.get("duration", ""),
                date(item.get("end_date")),
                date(item.get("date_of_assessment")),
            ),
        )
        if "onset_date" in item and "duration" not in item:
            yield "Symptoms_onset", (first(item["type"]), date(item["onset_date"]))
    for item in record.get("symptom_onsets", ()):
        yield "Symptoms_onset", ("", date(item["date"]))
    for item in record.get("measurements", ()):
        value = item["value"]
        yield (
            "Laboratory",
            (
                first(item["assay"]),
                value["value"],
                first(value["unit_source"]),
                first(item["specimen"]),
                first(item["method"]),
                date(item["date"]),
            ),
        )
    for item in record.get("variants", ()):
        for expression in item["expressions"]:
            text = expression.get("hgvs", expression.get("text", ""))
            yield "Genetic", (text, first(expression.get("reference")), first(item["method"]), date(item["date"]))
    for item in record.get("samples", ()):
        yield "Biobank", (item["sample_id"], first(item["biobank"]), date(item["collection_date"]))
    for item in record.get("disabilities", ()):
        yield "Disability", (item["score"]["value"], first(item["instrument"]), date(item["date"]))


def test_hub_facts_equal_the_expected_merged_table(run: Run, shared: Callable[[str], Path]) -> None:
    with shared("national-formats/eu-ern-cde-csv/expected/CARE.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] not in NOT_IN_THE_SAMPLES]
    expected = Counter((subject(row["pid"]), row["model"], EXPECTED[row["model"]](row)) for row in rows)
    found = Counter(
        (record["subject_id"], element, fact)
        for record in run.lines("hub/subjects.ndjson")
        for element, fact in facts_of(record)
    )
    assert len(rows) > 500
    assert dict((expected - found).items()) == {}, "facts that we miss"
    assert dict((found - expected).items()) == {}, "facts that we invent"


def test_every_sample_is_converted(run: Run) -> None:
    assert run.counts["subjects"] == {"read": 60, "converted": 60, "rejected": 0, "skipped": 0}
    assert all(counts["rejected"] == 0 for counts in run.counts["rows"].values())


def test_the_only_findings_are_the_known_faults_of_the_samples(run: Run) -> None:
    # One enddate of the samples is 2011-03-35; eight dates stand in an order that no life has.
    assert Counter(finding["rule"] for finding in run.findings()) == {"plausibility.date-order": 8, "source.date": 1}
