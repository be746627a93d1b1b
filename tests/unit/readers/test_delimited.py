"""Damage that real exports have: a message that says what, where and what to do; the smallest rejection; nothing else lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.errors import InputError
from tests.registry import ALL_TARGETS, KEY, RECORDED, Registry, Run, convert, write_registry

SEX_F = "http://purl.obolibrary.org/obo/NCIT_C16576"
ARACHNODACTYLY = "http://purl.obolibrary.org/obo/HP_0001166"


def only(run: Run, rule: str) -> dict[str, Any]:
    """The one finding of *rule*."""
    found = [finding for finding in run.findings(info=True) if finding["rule"] == rule]
    assert len(found) == 1, (rule, found)
    assert found[0]["message"] and found[0]["fix"]
    return found[0]


def assert_only_lost(before: Run, after: Run, table: str, rows: int) -> None:
    """*after* rejected exactly *rows* rows of *table* and nothing else than *before*."""
    for file, counts in before.counts["rows"].items():
        expected = rows if file == f"{table}.csv" else 0
        assert after.counts["rows"][file]["rejected"] - counts["rejected"] == expected, file


def test_missing_table_is_said_and_the_rest_is_converted(registry: Registry, tmp_path: Path) -> None:
    (registry.folder / "Sex.csv").unlink()
    run = convert(registry.folder, tmp_path / "out")
    absent = [f for f in run.findings() if f["rule"] == "source.table-absent"]
    assert [f["source"]["file"] for f in absent] == ["Sex.csv"]
    assert run.counts["subjects"]["converted"] > 30
    assert all("sex_at_birth" not in record for record in run.lines("hub/subjects.ndjson"))


def test_wrong_delimiter_stops_the_run(registry: Registry, tmp_path: Path) -> None:
    registry.write_bytes("Sex", registry.bytes_of("Sex").replace(b",", b";"))
    with pytest.raises(InputError, match=r"Sex\.csv.*delimiter.*To mend it") as error:
        convert(registry.folder, tmp_path / "out")
    assert error.value.exit_code == 3
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_unknown_column_is_a_warning_and_counted(registry: Registry, tmp_path: Path) -> None:
    registry.change("Sex", lambda rows: [row.update(colour="blue") for row in rows] and None)
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.unknown-column")["source"] == {"file": "Sex.csv", "row": 1, "column": "colour"}
    counts = run.counts["values"]["hub"]["Sex.csv/colour"]
    assert counts["read"] == 40 and counts["dropped"] + counts["skipped"] == 40


@pytest.mark.parametrize("lines", ["the first two", "all"])
def test_a_row_that_ran_into_the_header_is_not_told(registry: Registry, tmp_path: Path, lines: str) -> None:
    data = registry.bytes_of("Deathdate")
    registry.write_bytes("Deathdate", data.replace(b"\n", b"Jane", 1 if lines == "the first two" else -1))
    run = convert(registry.folder, tmp_path / "out", max_errors="100%")
    told = [f["source"]["column"] for f in run.findings() if f["rule"] == "source.unknown-column"]
    assert told and all(name.startswith("column ") for name in told)
    for path in tmp_path.joinpath("out").rglob("*"):
        assert path.is_dir() or "Jane" not in path.read_text(), path


def test_duplicate_subject_rejects_the_later_row(registry: Registry, tmp_path: Path) -> None:
    before = convert(registry.folder, tmp_path / "before")
    registry.change("Birthdate", lambda rows: rows.append({**rows[4], "value": "1999-09-09"}))
    run = convert(registry.folder, tmp_path / "out")
    finding = only(run, "source.duplicate-subject")
    assert finding["source"]["file"] == "Birthdate.csv" and finding["source"]["row"] == 42
    assert "1999" not in finding["message"]
    assert_only_lost(before, run, "Birthdate", 1)


def test_orphan_event_row_is_rejected(registry: Registry, tmp_path: Path) -> None:
    before = convert(registry.folder, tmp_path / "before")
    registry.change("Symptoms_onset", lambda rows: rows[3].update(event_id="no-such-event"))
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.orphan-row")["source"]["row"] == 5
    assert_only_lost(before, run, "Symptoms_onset", 1)


@pytest.mark.parametrize("text", ["2011-02-30", "31.02.2011", "2011-13", "20110230", "yesterday", "2011-00-00"])
def test_broken_date_costs_the_cell_alone(tmp_path: Path, text: str) -> None:
    tables = {"Sex": [{"pid": "1", "valueIRI": SEX_F}], "Birthdate": [{"pid": "1", "value": text}]}
    run = convert(write_registry(tmp_path / "in", tables).folder, tmp_path / "out")
    finding = only(run, "source.date")
    assert (
        finding["source"] == {"file": "Birthdate.csv", "row": 2, "column": "value"} and finding["outcome"] == "rejected"
    )
    assert text not in finding["message"]
    assert run.counts["values"]["hub"]["Birthdate.csv/value"]["rejected"] == 1
    assert "birth_date" not in run.lines("hub/subjects.ndjson")[0]


def test_unknown_code_costs_the_cell_alone(tmp_path: Path) -> None:
    phenotypes = [
        {"pid": "1", "valueIRI": iri} for iri in (ARACHNODACTYLY, "http://purl.obolibrary.org/obo/HP_9999999")
    ]
    tables = {"Sex": [{"pid": "1", "valueIRI": SEX_F}], "Phenotype": phenotypes}
    run = convert(write_registry(tmp_path / "in", tables).folder, tmp_path / "out")
    finding = only(run, "terms.unknown")
    assert finding["message"] == "HP:9999999 is not in HP 2026-02-16"
    assert finding["source"] == {"file": "Phenotype.csv", "row": 3, "column": "valueIRI"}
    assert len(run.lines("hub/subjects.ndjson")[0]["phenotypic_features"]) == 1


def test_latin_1_bytes_cost_the_cell_alone(registry: Registry, tmp_path: Path) -> None:
    before = convert(registry.folder, tmp_path / "before")
    data = registry.bytes_of("Status").split(b"\n")
    data[2] = data[2].replace(b"Status,", b"St\xe4tus,", 1)
    registry.write_bytes("Status", b"\n".join(data))
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.encoding")["source"] == {"file": "Status.csv", "row": 3, "column": "model"}
    assert_only_lost(before, run, "Status", 0)


def test_byte_order_mark_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    before = convert(registry.folder, tmp_path / "before")
    registry.write_bytes("Sex", b"\xef\xbb\xbf" + registry.bytes_of("Sex"))
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.byte-order-mark")["severity"] == "info"
    for name in ("hub/subjects.ndjson", "fhir-r4/Patient.ndjson"):
        assert (before.folder / name).read_bytes() == (run.folder / name).read_bytes()


def test_nul_costs_the_cell_alone(registry: Registry, tmp_path: Path) -> None:
    data = registry.bytes_of("Status").split(b"\n")
    data[5] = data[5].replace(b"Status,", b"Sta\0tus,", 1)
    registry.write_bytes("Status", b"\n".join(data))
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.nul")["source"] == {"file": "Status.csv", "row": 6, "column": "model"}
    assert run.counts["rows"]["Status.csv"]["rejected"] == 0


def test_file_cut_off_inside_quotes_is_partial(registry: Registry, tmp_path: Path) -> None:
    registry.write_bytes("Status", registry.bytes_of("Status") + b'Status,"DEMO-000000')
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.cut-off")["severity"] == "fatal"
    assert run.outcome.partly_read and run.outcome.manifest["status"] == "partial"
    assert run.counts["subjects"]["converted"] > 30


def test_ragged_row_is_rejected_alone(registry: Registry, tmp_path: Path) -> None:
    before = convert(registry.folder, tmp_path / "before")
    registry.write_bytes("Status", registry.bytes_of("Status") + b"Status,DEMO-00000041\n")
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.ragged-row")["source"]["row"] == 42
    assert_only_lost(before, run, "Status", 1)


def test_row_without_subject_is_rejected_alone(registry: Registry, tmp_path: Path) -> None:
    before = convert(registry.folder, tmp_path / "before")
    registry.change("Phenotype", lambda rows: rows.append({**rows[0], "pid": "", "event_id": "x"}))
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.no-subject-id")["source"]["file"] == "Phenotype.csv"
    assert_only_lost(before, run, "Phenotype", 1)


def test_too_many_rejects_make_the_run_partial(registry: Registry, tmp_path: Path) -> None:
    registry.change("Phenotype", lambda rows: [row.update(pid="") for row in rows] and None)
    run = convert(registry.folder, tmp_path / "out")
    assert run.outcome.rejected_too_many is not None and run.outcome.rejected_too_many.exit_code == 3
    assert run.outcome.manifest["status"] == "partial"


def test_unknown_file_is_a_warning_with_the_closest_name(registry: Registry, tmp_path: Path) -> None:
    (registry.folder / "Statuss.csv").write_text("pid\n1\n")
    finding = only(convert(registry.folder, tmp_path / "out"), "source.unknown-file")
    assert "Status.csv" in finding["fix"]


@pytest.mark.parametrize("out", ["out", "deep/out", "../in/out"])
def test_folder_inside_the_input_is_said_and_that_of_the_output_is_not(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    (tmp_path / "in").symlink_to(registry.folder)
    monkeypatch.chdir(tmp_path / "in")
    for name in ("2024", ".cache", "deep"):
        (registry.folder / name).mkdir(exist_ok=name == "deep")
    said = [
        f["source"]["file"]
        for f in convert(registry.folder, Path(out)).findings()
        if f["rule"] == "source.unknown-file"
    ]
    assert said == (["2024/"] if out == "deep/out" else ["2024/", "deep/"])


def test_folder_inside_the_input_that_is_given_as_well_is_read(registry: Registry, tmp_path: Path) -> None:
    inside = registry.folder / "sub"
    inside.mkdir()
    (registry.folder / "Phenotype.csv").rename(inside / "Phenotype.csv")
    settings = Settings("eu/ern-cde", ALL_TARGETS, KEY, "x", recorded=RECORDED)
    outcome = convert_files(settings, RunOptions((registry.folder, inside), tmp_path / "out"))
    assert outcome.manifest["counts"]["rows"]["Phenotype.csv"]["used"]
    assert "source.unknown-file" not in (tmp_path / "out/private/findings.ndjson").read_text()


@pytest.mark.parametrize("damage", [b"", b"\n\n"])
def test_empty_table(registry: Registry, tmp_path: Path, damage: bytes) -> None:
    registry.write_bytes("Sex", damage)
    with pytest.raises(InputError, match=r"Sex\.csv.*To mend it"):
        convert(registry.folder, tmp_path / "out")


def test_every_rejected_row_is_in_rejects_without_values(registry: Registry, tmp_path: Path) -> None:
    registry.change("Phenotype", lambda rows: rows[2].update(pid="", model="SENTINEL"))
    run = convert(registry.folder, tmp_path / "out")
    assert any(reject["rule"] == "source.no-subject-id" for reject in run.lines("private/rejects.ndjson"))
    assert "SENTINEL" not in (run.folder / "private" / "rejects.ndjson").read_text()
    told = convert(registry.folder, tmp_path / "told", include_values=True)
    assert "SENTINEL" in (told.folder / "private" / "rejects.ndjson").read_text()


def test_bytes_that_are_no_text_in_the_header_are_shown_as_such(registry: Registry, tmp_path: Path) -> None:
    registry.write_bytes("Sex", registry.bytes_of("Sex").replace(b"event_id", b"even\xfft", 1))
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.unknown-column")["source"]["column"] == "even\ufffdt"


@pytest.mark.parametrize("closed_later", [False, True])
def test_an_unclosed_quote_costs_its_own_row_alone(registry: Registry, tmp_path: Path, closed_later: bool) -> None:
    before = convert(registry.folder, tmp_path / "before")
    lines = registry.bytes_of("Laboratory").split(b"\n")
    lines[5] = b'"' + lines[5]
    if closed_later:
        lines[40] = lines[40].replace(b"Laboratory", b'"Laboratory"', 1)
    registry.write_bytes("Laboratory", b"\n".join(lines))
    run = convert(registry.folder, tmp_path / "out")
    assert only(run, "source.quoting")["source"]["row"] == 6
    assert_only_lost(before, run, "Laboratory", 1)
    assert run.counts["rows"]["Laboratory.csv"]["read"] == before.counts["rows"]["Laboratory.csv"]["read"]


def test_a_subject_whose_identifier_is_a_word_for_nothing_is_no_subject(registry: Registry, tmp_path: Path) -> None:
    registry.change("Phenotype", lambda rows: [row.update(pid="NA") for row in rows[:4]] and None)
    run = convert(registry.folder, tmp_path / "out")
    assert run.counts["subjects"]["read"] == 40 and run.counts["rows"]["Phenotype.csv"]["rejected"] == 4


GLOSSARY = [
    "model",
    "pid",
    "event_id",
    "value",
    "value_datatype",
    "valueIRI",
    "activity",
    "unit",
    "input",
    "target",
    "specification",
    "protocol_id",
    "frequency_type",
    "frequency_value",
    "agent",
    "startdate",
    "enddate",
    "age",
    "comments",
    "organisation",
    "duration_value",
    "duration_startdate",
    "duration_enddate",
]


def test_every_column_of_the_glossary_is_known_in_every_table(tmp_path: Path) -> None:
    from harmonize.profiles.loading import load_profile

    tables = {
        table.name: [dict.fromkeys(GLOSSARY, "") | {"pid": "1"}] for table in load_profile("eu/ern-cde").assembly.tables
    }
    run = convert(write_registry(tmp_path / "in", tables).folder, tmp_path / "out")
    assert [f["source"] for f in run.findings() if f["rule"] == "source.unknown-column"] == []
