"""Excel workbooks as tables: cells as texts, rows as Excel numbers them, what is wrong said or refused."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from harmonize.convert import RunOptions, Settings, convert_files
from harmonize.errors import InputError
from harmonize.input.workbook_tables import cell_text, open_workbook
from tests.registry import KEY, Run
from tests.registry import convert as convert_ern

SEX_F = "http://purl.obolibrary.org/obo/NCIT_C16576"
Fill = Callable[[Any, Any], None]


def workbook(path: Path, **sheets: Fill) -> Path:
    """A workbook of which every sheet is filled by a function of (workbook, worksheet)."""
    book = xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_formulas": False})
    for name, fill in sheets.items():
        fill(book, book.add_worksheet(name))
    book.close()
    return path


def rows(*lines: list[str]) -> Fill:
    def fill(_: Any, sheet: Any) -> None:
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)

    return fill


def repacked(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The workbook with changed parts."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, change(name, data))
    return path


@pytest.fixture
def ern(tmp_path: Path) -> Path:
    """Two tables of eu/ern-cde as sheets of one workbook."""
    birth = rows(["pid", "value"], ["1", "1990-02-28"], ["2", "1991"])
    return workbook(tmp_path / "in.xlsx", Birthdate=birth, Sex=rows(["pid", "valueIRI"], ["1", SEX_F], ["2", SEX_F]))


def test_sheets_are_tables(ern: Path, tmp_path: Path) -> None:
    run = convert_ern(ern, tmp_path / "out")
    assert [r["birth_date"]["value"] for r in run.lines("hub/subjects.ndjson")] == ["1990-02-28", "1991"]
    assert run.counts["rows"]["in.xlsx:Sex"] == {"read": 2, "used": 2, "rejected": 0, "skipped": 0}
    assert [Path(read["file"]).name for read in run.outcome.manifest["inputs"]] == ["in.xlsx"], (
        "a workbook is one input"
    )


def test_the_same_tables_give_the_same_records_as_csv(ern: Path, tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    (folder / "Birthdate.csv").write_text("pid,value\n1,1990-02-28\n2,1991\n")
    (folder / "Sex.csv").write_text(f"pid,valueIRI\n1,{SEX_F}\n2,{SEX_F}\n")
    one, other = convert_ern(ern, tmp_path / "a"), convert_ern(folder, tmp_path / "b")
    assert one.lines("hub/subjects.ndjson") == other.lines("hub/subjects.ndjson")


def test_cells_are_what_the_spreadsheet_holds(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_datetime(0, 0, dt.datetime(2020, 2, 3), day)
        sheet.write_datetime(0, 1, dt.datetime(2020, 2, 3, 4, 5), time)
        sheet.write_number(0, 2, 3.0)
        sheet.write_number(0, 3, 0.1)
        sheet.write_boolean(0, 4, True)
        sheet.write_formula(0, 5, "=1+1", None, 2)
        sheet.write_string(0, 6, " 2020-02 ")
        sheet.write_string(0, 7, "3.0")
        sheet.write_number(0, 8, 123456789012345)

    book = open_workbook(workbook(tmp_path / "a.xlsx", A=fill))
    texts = [cell_text(value) for value in book.table("A").values[0]]
    assert texts == [
        "2020-02-03",
        "2020-02-03T04:05:00",
        "3",
        "0.1",
        "true",
        "2",
        " 2020-02 ",
        "3.0",
        "123456789012345",
    ]


def test_rows_are_numbered_as_in_excel_and_blanks_behind_are_nothing(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        rows(["pid", "value"], ["1", "1990-02-31"])(book, sheet)
        sheet.write_row(5, 0, ["2", "1991"])
        sheet.write_blank(400, 30, None, book.add_format({"bold": True}))

    run = convert_ern(workbook(tmp_path / "in.xlsx", Birthdate=fill), tmp_path / "out")
    assert run.counts["rows"]["in.xlsx:Birthdate"]["read"] == 2
    (found,) = [f for f in run.findings() if f["rule"] == "source.date"]
    assert found["source"] == {"file": "in.xlsx:Birthdate", "row": 2, "column": "value"}
    made = workbook(
        tmp_path / "other.xlsx", Birthdate=lambda b, s: (rows(["pid", "value"])(b, s), s.write_row(5, 0, ["2", "x"]))
    )
    (found,) = [f for f in convert_ern(made, tmp_path / "o2").findings() if f["rule"] == "source.date"]
    assert found["source"]["row"] == 6


def test_errors_of_formulas_are_said_and_blank(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        rows(["pid", "value", "comments"], ["1", "1990"])(book, sheet)
        sheet.write_string(2, 0, "2")
        sheet.write_formula(2, 1, "=NA()", None, "#N/A")
        sheet.write_string(3, 0, "3")
        sheet.write_string(3, 1, "#N/A")

    run = convert_ern(workbook(tmp_path / "in.xlsx", Birthdate=fill), tmp_path / "out")
    found = {
        f["rule"]: f for f in run.findings() if f["rule"].startswith("source.") and f["rule"] != "source.table-absent"
    }
    assert found["source.cell-error"]["source"] == {"file": "in.xlsx:Birthdate", "row": 3, "column": "value"}
    assert found["source.date"]["source"]["row"] == 4, "typed text is text"
    counts = run.counts["values"]["hub"]["in.xlsx:Birthdate/value"]
    assert (counts["read"], counts["carried"], counts["rejected"]) == (3, 1, 2)


def test_merged_cells(tmp_path: Path) -> None:
    def header(book: Any, sheet: Any) -> None:
        rows(["pid"], ["1", "x"])(book, sheet)
        sheet.merge_range(0, 1, 0, 2, "value")

    with pytest.raises(InputError, match=r"in\.xlsx:Birthdate, row 1: .*merged"):
        convert_ern(workbook(tmp_path / "in.xlsx", Birthdate=header), tmp_path / "out")

    def below(book: Any, sheet: Any) -> None:
        rows(["pid", "value"], ["1"], ["2"])(book, sheet)
        sheet.merge_range(1, 1, 2, 1, "1990")

    run = convert_ern(workbook(tmp_path / "b.xlsx", Birthdate=below), tmp_path / "b")
    assert [f["source"]["row"] for f in run.findings() if f["rule"] == "source.merged-cells"] == [2]


def test_other_sheets_are_said(ern: Path, tmp_path: Path) -> None:
    renamed = rows(["pid", "value"], ["1", "x"])
    made = workbook(
        tmp_path / "b.xlsx", Birthdate=rows(["pid", "value"], ["1", "1990"]), Notes=rows(["x"]), Phenotypes=renamed
    )
    run = convert_ern(made, tmp_path / "out")
    said = {f["source"]["file"]: f["fix"] for f in run.findings() if f["rule"] == "source.unknown-file"}
    assert set(said) == {"b.xlsx:Notes", "b.xlsx:Phenotypes"}
    assert said["b.xlsx:Phenotypes"] == "rename it to Phenotype if it is that table", "as a sheet is called"


def test_a_table_that_is_there_twice_is_refused(ern: Path, tmp_path: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    ern.rename(folder / "in.xlsx")
    (folder / "Sex.csv").write_text(f"pid,valueIRI\n1,{SEX_F}\n")
    with pytest.raises(InputError, match="twice"):
        convert_ern(folder, tmp_path / "out")


def test_rows_out_of_order_are_sorted(tmp_path: Path) -> None:
    made = workbook(tmp_path / "in.xlsx", Birthdate=rows(["pid", "value"], ["2", "1991"], ["1", "1990"]))
    records = convert_ern(made, tmp_path / "out").lines("hub/subjects.ndjson")
    assert [record["birth_date"]["value"] for record in records] == ["1990", "1991"]


def test_relational_profiles_read_sheets_too(tmp_path: Path) -> None:
    person = rows(["PERSON_ID", "year_of_birth", "gender_concept_id"], ["7", "1990", "8532"])
    made = workbook(tmp_path / "cdm.xlsx", Person=person)
    settings = Settings("intl/omop-5.4", ("hub",), KEY, "x")
    run = Run(tmp_path / "out", convert_files(settings, RunOptions((made,), tmp_path / "out")))
    assert run.lines("hub/subjects.ndjson")[0]["birth_date"]["value"] == "1990"


# --- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.xls", "a.ods", "a.XLSM", "a.xlsb"])
def test_other_spreadsheets_are_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"whatever")
    with pytest.raises(InputError, match=r"is not read, \.xlsx is.*save it as \.xlsx"):
        convert_ern(tmp_path / name, tmp_path / "out")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted"),
        (b"pid,value\n1,2\n", "damaged"),
        (b"", "damaged"),
        (b"PK\x03\x04rest", "damaged"),
    ],
)
def test_what_is_no_workbook_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(data)
    with pytest.raises(InputError, match=said):
        open_workbook(tmp_path / "a.xlsx")


def test_a_part_that_swells_is_refused(ern: Path) -> None:
    repacked(ern, lambda name, data: data + b" " * 40_000_000 if name == "xl/worksheets/sheet1.xml" else data)
    with pytest.raises(InputError, match="far more"):
        open_workbook(ern)


def test_a_size_that_is_a_lie_is_no_way_around(ern: Path) -> None:
    """The directory of the archive says that a part is small; what comes out is cut off there, and refused."""
    repacked(ern, lambda name, data: data + b" " * 40_000_000 if name == "xl/worksheets/sheet1.xml" else data)
    data = bytearray(ern.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        true_size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    lie = data.replace(true_size.to_bytes(4, "little"), (900).to_bytes(4, "little"))
    ern.write_bytes(lie)
    with pytest.raises(InputError, match="damaged"):
        open_workbook(ern)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"])
def test_a_dtd_is_refused(ern: Path, part: str) -> None:
    dtd = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    repacked(ern, lambda name, data: data.replace(b"?>", b"?>" + dtd, 1) if name == part else data)
    with pytest.raises(InputError, match="DTD"):
        open_workbook(ern)


def test_a_cell_far_away_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    def fill(book: Any, sheet: Any) -> None:
        rows(["pid", "value"], ["1", "1990"])(book, sheet)
        sheet.write_string(1_048_575, 2_000, "x")

    made = open_workbook(workbook(tmp_path / "a.xlsx", Birthdate=fill))
    with pytest.raises(InputError, match="spans 1,048,576 rows"):
        made.table("Birthdate")


def test_what_is_left_beside_an_open_workbook_is_no_workbook(ern: Path, tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    ern.rename(folder / "in.xlsx")
    (folder / "~$in.xlsx").write_bytes(b"\x05Jane Doe")
    run = convert_ern(folder, tmp_path / "out")
    assert run.counts["subjects"]["converted"] == 2
