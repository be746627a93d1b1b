"""The same persons from CSV, Parquet, DuckDB and SQLite, in any order, give the same records; what is wrong is said by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.errors import InputError
from tests.registry import KEY, RECORDED
from tests.stops import OMOP, SOURCES

PERSONS = 40
FORMATS = [name for name, (profile, _) in SOURCES.items() if profile == OMOP]


def run(source: Path, out: Path, **options: Any) -> dict[str, Any]:
    """The manifest of a conversion to hub records."""
    settings = Settings(OMOP, ("hub",), KEY, "s", "record", RECORDED)
    return convert_files(settings, RunOptions((source,), out, max_errors="100%", **options)).manifest


def records(out: Path) -> dict[str, dict[str, Any]]:
    """The hub records of a run by subject, lists in no order: a table says nothing by the order of its rows."""
    found = {}
    for line in (out / "hub" / "subjects.ndjson").read_text().splitlines():
        record = json.loads(line)
        for name, value in record.items():
            if isinstance(value, list):
                record[name] = sorted(value, key=lambda item: json.dumps(item, sort_keys=True))
        found[record["subject_id"]] = record
    return found


def findings(out: Path) -> list[dict[str, Any]]:
    """The findings of a run."""
    return [json.loads(line) for line in (out / "private" / "findings.ndjson").read_text().splitlines()]


@pytest.fixture(scope="module")
def cdm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic CDM as CSV."""
    return SOURCES["OMOP CSV"][1](tmp_path_factory.mktemp("cdm") / "in", PERSONS)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same(cdm: Path, tmp_path: Path, name: str) -> None:
    expected = run(cdm, tmp_path / "csv")
    source = SOURCES[name][1](tmp_path / "in", PERSONS)
    made = run(source, tmp_path / "out")
    assert records(tmp_path / "out") == records(tmp_path / "csv")
    by_table = [
        {
            file.partition(".csv")[0].rpartition(":")[2].removesuffix(".parquet"): counts
            for file, counts in m["counts"]["rows"].items()
        }
        for m in (expected, made)
    ]
    assert by_table[0] == by_table[1]
    values = [
        {
            key.rpartition(":")[2].replace(".csv", "").replace(".parquet", ""): counts
            for key, counts in m["counts"]["values"]["hub"].items()
        }
        for m in (expected, made)
    ]
    assert values[0] == values[1]


def test_subjects_come_in_the_order_of_their_numbers(cdm: Path, tmp_path: Path) -> None:
    run(cdm, tmp_path / "out")
    order = [
        json.loads(line)["subject_id"]
        for line in (tmp_path / "out" / "hub" / "subjects.ndjson").read_text().splitlines()
    ]
    persons = sorted(
        {
            int(line.split(",")[0])
            for line in (cdm / "person.csv").read_text().splitlines()[1:]
            if line.split(",")[0].isdigit()
        }
    )
    assert order == [KEY.pseudonym("s", "subject", str(person)) for person in persons]


def test_a_table_that_only_looks_sorted(tmp_path: Path) -> None:
    """One row far from where anybody looks: the run begins anew with the table sorted, and nothing is lost."""
    source = SOURCES["OMOP CSV"][1](tmp_path / "in", 1_500)
    expected = run(source, tmp_path / "expected")
    path = source / "measurement.csv"
    header, *lines = path.read_text().splitlines(keepends=True)
    place = len(lines) // 2 + 40
    lines[place], lines[place + 30] = lines[place + 30], lines[place]
    path.write_text(header + "".join(lines))
    made = run(source, tmp_path / "out")
    assert made["counts"]["rows"]["measurement.csv"] == expected["counts"]["rows"]["measurement.csv"]
    assert records(tmp_path / "out") == records(tmp_path / "expected")


def test_names_in_capitals(cdm: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for path in cdm.glob("*.csv"):
        header, rest = path.read_text().split("\n", 1)
        (tmp_path / "in" / path.name.upper()).write_text(f"{header.upper()}\n{rest}")
    run(cdm, tmp_path / "expected")
    run(tmp_path / "in", tmp_path / "out")
    assert records(tmp_path / "out") == records(tmp_path / "expected")


def test_concepts_as_ohdsi_delivers_them(cdm: Path, tmp_path: Path) -> None:
    """Athena's CONCEPT.csv is delimited by tabs and knows no quotes."""
    (tmp_path / "in").mkdir()
    for path in cdm.glob("*.csv"):
        text = path.read_text()
        if path.stem == "concept":
            rows = duckdb.connect().execute(f"SELECT * FROM read_csv('{path}', all_varchar=true)")
            header = [column[0] for column in rows.description or ()]
            text = "\n".join("\t".join(cell or "" for cell in row) for row in [tuple(header), *rows.fetchall()]) + "\n"
            text = text.replace("seizure", 'a 5" seizure')
        (tmp_path / "in" / path.name.upper()).write_text(text)
    run(cdm, tmp_path / "expected")
    run(tmp_path / "in", tmp_path / "out")
    made, expected = records(tmp_path / "out"), records(tmp_path / "expected")
    assert {k: len(v.get("diagnoses", ())) for k, v in made.items()} == {
        k: len(v.get("diagnoses", ())) for k, v in expected.items()
    }
    codes = {
        c["code"]
        for record in made.values()
        for d in record.get("diagnoses", ())
        for c in d["disease"].get("codings", ())
    }
    assert any(code.startswith("SNOMEDCT:") for code in codes)


def _with_concepts(cdm: Path, folder: Path, change: Callable[[bytes], bytes]) -> Path:
    folder.mkdir()
    for path in cdm.glob("*.csv"):
        data = path.read_bytes()
        (folder / path.name).write_bytes(change(data) if path.stem == "concept" else data)
    return folder


def test_an_empty_concept_table_is_refused(cdm: Path, tmp_path: Path) -> None:
    source = _with_concepts(cdm, tmp_path / "in", lambda data: b"")
    with pytest.raises(InputError, match=r"concept\.csv.*empty"):
        run(source, tmp_path / "out")


def test_a_concept_table_that_is_cut_off_inside_a_quote_is_refused(cdm: Path, tmp_path: Path) -> None:
    """Its codes would be unknown in every record, which only the file is to blame for."""

    def cut(data: bytes) -> bytes:
        header, *rest = data.splitlines(keepends=True)
        return header + b"".join(rest[:3]) + b'9,"a name that'

    with pytest.raises(InputError, match=r"concept\.csv.*row 5.*never closed"):
        run(_with_concepts(cdm, tmp_path / "in", cut), tmp_path / "out")


def test_broken_concepts_are_said_and_stop_nothing(cdm: Path, tmp_path: Path) -> None:
    """Rows of another width, and bytes that are no UTF-8."""

    def spoil(data: bytes) -> bytes:
        header, first, *rest = data.splitlines()
        return b"\n".join([header, first.replace(b",", b",\xe9", 1), b"1,2", *rest, b"3,4,5"]) + b"\n"

    run(_with_concepts(cdm, tmp_path / "in", spoil), tmp_path / "out")
    (ragged,) = [f for f in findings(tmp_path / "out") if f["rule"] == "source.ragged-row"]
    assert ragged["source"]["file"] == "concept.csv" and ragged["source"]["row"] == 3 and ragged["count"] == 2


def test_without_a_concept_table_nothing_stops(cdm: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for path in cdm.glob("*.csv"):
        if path.stem != "concept":
            (tmp_path / "in" / path.name).write_bytes(path.read_bytes())
    run(tmp_path / "in", tmp_path / "out")
    rules = {finding["rule"] for finding in findings(tmp_path / "out")}
    assert {"source.table-absent", "terms.not-checked"} <= rules
    systems = {
        c["system"]
        for r in records(tmp_path / "out").values()
        for d in r.get("diagnoses", ())
        for c in d["disease"].get("codings", ())
    }
    assert systems == {"OMOP"}


def test_tables_that_are_left_out_are_named(cdm: Path, tmp_path: Path) -> None:
    run(cdm, tmp_path / "out")
    left_out = [
        f for f in findings(tmp_path / "out") if f["rule"] == "mapping.left-out" and f["source"]["column"] is None
    ]
    assert any(f["source"]["file"] == "note.csv" and "free text" in f["message"].lower() for f in left_out)


def _damaged(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : 2 * len(data) // 3] = b"x" * (len(data) // 3)
    path.write_bytes(bytes(data))


def _two_schemas(path: Path) -> None:
    with duckdb.connect(str(path)) as session:
        session.execute("CREATE SCHEMA other; CREATE TABLE other.person AS SELECT * FROM person")


def _no_person_id(path: Path) -> None:
    session = sqlite3.connect(path)
    session.execute("ALTER TABLE measurement RENAME COLUMN person_id TO person")
    session.commit()
    session.close()


WRONG: list[tuple[str, Callable[[Path], None], str]] = [
    ("OMOP DuckDB", _damaged, "damaged"),
    ("OMOP SQLite", _damaged, "damaged"),
    ("OMOP DuckDB", _two_schemas, "person is there twice"),
    ("OMOP SQLite", _no_person_id, "'person_id' is missing"),
]


@pytest.mark.parametrize(("name", "spoil", "message"), WRONG, ids=lambda value: getattr(value, "__name__", None))
def test_what_cannot_be_used_is_said(tmp_path: Path, name: str, spoil: Callable[[Path], None], message: str) -> None:
    source = SOURCES[name][1](tmp_path / "in", PERSONS)
    spoil(source)
    with pytest.raises(InputError, match=message) as error:
        run(source, tmp_path / "out")
    assert error.value.exit_code == 3 and "To mend it" in str(error.value)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_damaged_parquet(tmp_path: Path) -> None:
    source = SOURCES["OMOP Parquet"][1](tmp_path / "in", PERSONS)
    (source / "measurement.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match=r"measurement\.parquet.*damaged"):
        run(source, tmp_path / "out")


def test_a_table_twice(cdm: Path, tmp_path: Path) -> None:
    source = SOURCES["OMOP Parquet"][1](tmp_path / "in", PERSONS)
    (source / "person.csv").write_bytes((cdm / "person.csv").read_bytes())
    with pytest.raises(InputError, match="person is there twice"):
        run(source, tmp_path / "out")


def test_a_database_reaches_no_other_file(tmp_path: Path) -> None:
    """A view that reads a file of the machine is no table, and what stands in it is not executed."""
    source = SOURCES["OMOP DuckDB"][1](tmp_path / "in", PERSONS)
    with duckdb.connect(str(source)) as session:
        session.execute("DROP TABLE death; CREATE VIEW death AS SELECT * FROM read_csv('/etc/passwd')")
    run(source, tmp_path / "out")
    assert any(
        f["rule"] == "source.table-absent" and f["source"]["file"] == "death.csv" for f in findings(tmp_path / "out")
    )


def test_typed_columns_give_the_texts_of_a_csv(tmp_path: Path) -> None:
    """Numbers, days and timestamps as a database types them."""
    path = tmp_path / "cdm.duckdb"
    with duckdb.connect(str(path)) as session:
        session.execute(
            "CREATE TABLE person AS SELECT 7 AS person_id, 8507 AS gender_concept_id, 1980 AS year_of_birth, 2 AS month_of_birth, NULL::INTEGER AS day_of_birth"
        )
        session.execute(
            "CREATE TABLE measurement AS SELECT 1 AS measurement_id, 7 AS person_id, 3025315 AS measurement_concept_id, DATE '2020-02-03' AS measurement_date, TIMESTAMP '2020-02-03 04:05:06' AS measurement_datetime, 72.5::DECIMAL(6, 2) AS value_as_number, 9529 AS unit_concept_id, 0 AS operator_concept_id"
        )
    run(path, tmp_path / "out")
    (record,) = records(tmp_path / "out").values()
    assert record["birth_date"] == {"value": "1980-02", "precision": "month"}
    (measurement,) = record["measurements"]
    assert measurement["value"]["value"] == "72.50" and measurement["date"] == {
        "value": "2020-02-03",
        "precision": "day",
    }
