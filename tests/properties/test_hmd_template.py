"""Round trips of the HMD template: hub record -> filled template -> hub record, as CSV tables and as Excel workbook."""

from __future__ import annotations

import csv
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from harmonize.convert import Engine, RunOptions, Settings, convert_files
from harmonize.datasets.specification import load_dataset
from harmonize.exports.template import template_tables, template_workbook
from harmonize.exports.template_layout import items_without_column
from harmonize.input.opening import Opening
from harmonize.profiles.assembly import Assembler
from harmonize.profiles.notes import SubjectLog
from harmonize.readers import open_source
from tests.hmd_template import Rows, facts, filled_rows, hub_records, sheets, with_pseudonyms
from tests.properties.effort import examples
from tests.registry import KEY

PROFILE, SITE = "intl/hmd-template", "north"


@cache
def engine() -> Engine:
    return Engine(Settings(PROFILE, ("hub",), KEY, SITE))


def as_tables(rows: Rows, folder: Path) -> Path:
    """The CSV template with *rows* below its headers."""
    for name, text in template_tables(load_dataset("hmd")).items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, made in rows.items():
        with (folder / f"{name}.csv").open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, [c.name for c in sheets()[name].columns], lineterminator="\n").writerows(made)
    return folder


def as_workbook(rows: Rows, folder: Path) -> Path:
    path = folder / "filled.xlsx"
    path.write_bytes(template_workbook(load_dataset("hmd"), rows))
    return path


def read_back(source_path: Path, work: Path) -> tuple[list[Any], list[str]]:
    """The hub records of a filled template, and the rules of what was said on the way."""
    source = open_source(Opening(engine().profile, (source_path,), work))
    assembler = Assembler(engine().profile, source.held, source.files)
    records, said = [], []
    for raw in source.subjects():
        log = SubjectLog()
        assembled = assembler.assemble(raw)
        records.append(json.loads(json.dumps(engine().derive(assembled.record, log))))
        said += [noted.rule for noted, _, _ in log.notes]
        said += [bad.finding.rule for bad in (*assembled.rejected, *assembled.bad_cells)]
    said += [finding.rule for finding in source.log.findings if finding.rule != "mapping.left-out"]
    return records, said


@settings(examples(60), suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(record=hub_records())
def test_what_is_filled_comes_back(record: dict[str, Any]) -> None:
    expected = facts(with_pseudonyms(record, SITE))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "csv").mkdir()
        tables = as_tables(filled_rows(record, labels=False), folder / "csv")
        for source in (tables, as_workbook(filled_rows(record), folder)):
            records, said = read_back(source, folder / "work")
            assert said == []
            assert [facts(made) for made in records] == [expected]


@cache
def whole_record() -> dict[str, Any]:
    """A record that fills every item."""
    return find(hub_records(every=True), lambda _: True, settings=settings(phases=[Phase.generate], database=None))


def test_the_whole_record_fills_every_column() -> None:
    filled = {
        (name, column)
        for name, rows in filled_rows(whole_record()).items()
        for row in rows
        for column, text in row.items()
        if text
    }
    columns = {(sheet.name, column.name) for sheet in sheets().values() for column in sheet.columns}
    assert columns - filled == {("Biomarker", "code_system")}, "a CURIE names its system itself"
    items = [column.item.id for sheet in sheets().values() for column in sheet.columns if column.item is not None]
    without = items_without_column(load_dataset("hmd"))
    assert len(items) == len(set(items)) and {*items} | {*without} == {item.id for item in load_dataset("hmd").items}
    assert (len(items), len(without)) == (110, 11)


@pytest.mark.parametrize("write", [as_tables, as_workbook])
def test_every_item_through_a_conversion(write: Any, tmp_path: Path) -> None:
    record = whole_record()
    (tmp_path / "in").mkdir()
    source = write(filled_rows(record), tmp_path / "in")
    run = convert_files(
        Settings(PROFILE, ("hub", "fhir-r4", "phenopackets"), KEY, SITE), RunOptions((source,), tmp_path / "out")
    )
    (made,) = [json.loads(line) for line in (tmp_path / "out" / "hub" / "subjects.ndjson").read_text().splitlines()]
    assert facts(made) == facts(with_pseudonyms(record, SITE))
    found = [json.loads(line) for line in (tmp_path / "out" / "private" / "findings.ndjson").read_text().splitlines()]
    assert {
        f["rule"] for f in found if f["severity"] != "info" and not f["rule"].startswith(("plausibility.", "target."))
    } == set()
    counts = run.manifest["counts"]
    assert all(rows["read"] == rows["used"] for rows in counts["rows"].values())
    lost = {column for column, n in counts["values"]["hub"].items() if n["read"] != n["carried"]}
    keys = {"diagnosis_id", "variant_id", "used_for", "sample_id", "sequence_id"}
    assert {column.rpartition("/")[2] for column in lost} <= keys
