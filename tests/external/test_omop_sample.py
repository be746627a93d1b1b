"""intl/omop-5.4 over a sample CDM, against SQL of its own: every person, event, date and value is in the hub or in the account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from harmonize.cli.main import app
from tests.external.test_judges import resources
from tests.redcap import convert
from tests.registry import KEY, Run
from tests.shared_data import SHARED

SAMPLES = SHARED / "national-formats" / "eu-omop54-csv" / "samples"
Fact = tuple[str | None, ...]

# 0 says nothing in these columns of the sample (OMOP CDM 5.4, "No matching concept" of an optional column).
NOTHING_IF_ZERO = {
    "admitted_from_concept_id", "condition_status_concept_id", "discharged_to_concept_id", "ethnicity_source_concept_id", "gender_source_concept_id",
    "modifier_concept_id", "operator_concept_id", "qualifier_concept_id", "race_source_concept_id", "route_concept_id", "unit_concept_id",
    "value_as_concept_id", "visit_source_concept_id",
}  # fmt: skip

FACTS = {
    "person": "SELECT person_id, printf('%04d-%02d-%02d', year_of_birth::INT, month_of_birth::INT, day_of_birth::INT),"
    " CASE gender_concept_id WHEN '8507' THEN 'BIRTHSEX:M' WHEN '8532' THEN 'BIRTHSEX:F' END",
    "death": "SELECT person_id, death_date, 'OMOP:' || cause_concept_id",
    "visit_occurrence": "SELECT person_id, 'OMOP:' || visit_concept_id, visit_start_date, visit_end_date,"
    " CASE visit_concept_id WHEN '9201' THEN 'ACTCODE:IMP' WHEN '9202' THEN 'ACTCODE:AMB' WHEN '9203' THEN 'ACTCODE:EMER' END",
    "condition_occurrence": "SELECT person_id, 'OMOP:' || condition_concept_id, condition_start_date, condition_end_date",
    "drug_exposure": "SELECT person_id, 'OMOP:' || drug_concept_id, drug_exposure_start_date, drug_exposure_end_date, quantity,"
    " 'P' || days_supply || 'D'",
    "procedure_occurrence": "SELECT person_id, 'OMOP:' || procedure_concept_id, procedure_date, procedure_end_date",
    "measurement": "SELECT person_id, 'OMOP:' || measurement_concept_id, measurement_date, value_as_number,"
    " CASE WHEN value_as_number IS NOT NULL THEN 'OMOP:' || nullif(unit_concept_id, '0') END",
    "observation": "SELECT person_id, 'OMOP:' || observation_concept_id, observation_date, value_as_number, NULL",
}  # fmt: skip


def code(value: dict[str, Any] | None) -> str | None:
    return value["codings"][0]["code"] if value else None


def day(value: dict[str, Any] | None) -> str | None:
    return value["value"] if value else None


def measured(m: dict[str, Any]) -> Fact:
    value = m.get("value", {})
    return code(m["assay"]), day(m.get("date")), value.get("value"), code(value.get("unit_source"))


IN_THE_HUB: dict[str, Callable[[dict[str, Any]], Iterator[Fact]]] = {
    "person": lambda r: iter([(day(r.get("birth_date")), code(r.get("sex_at_birth")))]),
    "death": lambda r: (
        (day(v["date_of_death"]), code(v["cause_of_death"])) for v in [r.get("vital_status")] if v is not None
    ),
    "visit_occurrence": lambda r: (
        (code(e["type"]), day(e["start_date"]), day(e["end_date"]), code(e.get("kind")))
        for e in r.get("care_episodes", ())
    ),
    "condition_occurrence": lambda r: (
        (code(d["disease"]), day(d["onset_date"]), day(d.get("end_date"))) for d in r.get("diagnoses", ())
    ),
    "drug_exposure": lambda r: (
        (code(t["agents"][0]), day(t["start_date"]), day(t["end_date"]), t["quantity"]["value"], t["days_supply"])
        for t in r.get("treatments", ())
    ),
    "procedure_occurrence": lambda r: (
        (code(p["code"]), day(p["date"]), day(p["end_date"])) for p in r.get("procedures", ())
    ),
    "measurement": lambda r: (measured(m) for m in r.get("measurements", ())),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    if not SAMPLES.exists():
        pytest.skip(f"needs {SAMPLES}, which is not on this machine")
    return convert(SAMPLES, tmp_path_factory.mktemp("omop") / "out", profile="intl/omop-5.4", consent="record")


def rows_of(table: str) -> str:
    return f"read_csv('{SAMPLES / table}.csv', header = true, all_varchar = true, nullstr = '')"


def stated(table: str) -> Counter[Fact]:
    """The facts of *table*, by SQL over the file; the person by the pseudonym of its key."""
    rows = duckdb.sql(f"{FACTS[table]} FROM {rows_of(table)}").fetchall()
    return Counter((KEY.pseudonym("test", "subject", person), *fact) for person, *fact in rows)


def made(run: Run, table: str) -> Counter[Fact]:
    records = run.lines("hub/subjects.ndjson")
    return Counter((record["subject_id"], *fact) for record in records for fact in IN_THE_HUB[table](record))


@pytest.mark.parametrize("table", [name for name in IN_THE_HUB if name != "measurement"])
def test_every_fact_is_in_the_hub(run: Run, table: str) -> None:
    expected = stated(table)
    assert expected and made(run, table) == expected


def test_every_measurement_and_observation_is_in_the_hub(run: Run) -> None:
    assert made(run, "measurement") == stated("measurement") + stated("observation")


def test_the_account_counts_every_row_and_value(run: Run) -> None:
    counts = run.counts
    assert counts["subjects"]["read"] == counts["subjects"]["converted"] == 14
    for table in FACTS:
        columns = [name for name, *_ in duckdb.sql(f"DESCRIBE SELECT * FROM {rows_of(table)}").fetchall()]
        number, *filled = duckdb.sql(
            f"SELECT count(*), {', '.join(f'count({value_of(name)})' for name in columns)} FROM {rows_of(table)}"
        ).fetchall()[0]
        assert counts["rows"][f"{table}.csv"]["used"] == number
        for column, expected in zip(columns, filled, strict=True):
            for target in ("hub", "fhir-r4", "phenopackets"):
                values = counts["values"][target][f"{table}.csv/{column}"]
                assert values["read"] == expected, (target, column)
                assert expected == sum(count for name, count in values.items() if name != "read"), (target, column)
                assert values["rejected"] == values["unmapped"] == values["skipped"] == 0, (target, column)


def value_of(column: str) -> str:
    """SQL of a cell: NULL where it is blank."""
    zero = column in NOTHING_IF_ZERO or (column.endswith("_source_concept_id") and column != "cause_source_concept_id")
    return f"nullif({column}, '0')" if zero else column


def test_every_kind_of_event_is_in_the_targets(run: Run) -> None:
    """Events by kind of resource, and the subjects of the packets. The judges of documents are in `test_judges`."""
    kinds = Counter(resource["resourceType"] for resource in resources(run))
    assert kinds["Patient"] == 14 and kinds["Condition"] == 229 and kinds["Procedure"] == 811
    assert kinds["Observation"] >= 5_698 + 4_008 and kinds["Encounter"] == 919
    drugs = run.counts["values"]["fhir-r4"]["drug_exposure.csv/drug_concept_id"]
    assert kinds["MedicationStatement"] == drugs["carried"] + drugs["coarsened"]
    packets = run.lines("phenopackets/phenopackets.ndjson")
    assert {packet["subject"]["id"] for packet in packets} == {
        r["subject_id"] for r in run.lines("hub/subjects.ndjson")
    }
    assert sum(len(packet["diseases"]) for packet in packets) == 229


@pytest.mark.parametrize("form", ["fhir-r4", "phenopackets"])
def test_no_document_is_refused(run: Run, form: str) -> None:
    answer = CliRunner().invoke(app, ["validate", str(run.folder / form), "--as", form])
    assert answer.exit_code == 0, answer.output
