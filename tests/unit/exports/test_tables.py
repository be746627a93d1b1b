"""Data dictionary and Markdown: read back, no formulas, the same bytes."""

from __future__ import annotations

import csv
import io

import pytest
from python_calamine import CalamineWorkbook

from harmonize.datasets.specification import dataset_names, load_dataset
from harmonize.errors import UnknownNameError
from harmonize.exports.data_dictionary import COLUMNS, VALUE_SHEET, as_csv, as_xlsx, rows_of
from harmonize.exports.markdown import dataset_markdown, hub_markdown
from tests.unit.exports.small_records import small


def workbook(data: bytes) -> dict[str, list[list[str]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_excel_is_read_back() -> None:
    sheets = workbook(as_xlsx(rows_of(small()), "Small"))
    assert list(sheets) == ["Subject", "Diagnosis", "TNM", "Sample", "Software", VALUE_SHEET]
    assert sheets["Subject"][0] == list(COLUMNS)
    first = dict(zip(COLUMNS, sheets["Subject"][2], strict=True))
    assert (first["id"], first["level"], first["slot"]) == ("small:gender", "mandatory", "administrative_gender")
    assert first["values"] == "GENDER:male Male, GENDER:female Female"
    assert ["words", "NCIT:C8509", "=Primary", ""] in sheets[VALUE_SHEET]  # a text, no formula
    assert ["topography", "ICDO3:*", "codes of ICDO3 of the form C[0-9]{2}([.][0-9])?", ""] in sheets[VALUE_SHEET]
    assert ["disease", "SNOMEDCT:64572001", "SNOMEDCT:64572001 and all that is below it", ""] in sheets[VALUE_SHEET]


def test_excel_holds_no_formula_and_the_same_bytes() -> None:
    import zipfile

    first, second = (as_xlsx(rows_of(small()), "Small") for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
        assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")
    assert not any(b"<f>" in sheet for sheet in sheets) and all(b'state="frozen"' in sheet for sheet in sheets)


def test_csv_is_read_back_without_formulas() -> None:
    rows = rows_of(small())
    rows[0]["definition"] = '=HYPERLINK("x")'
    rows[1]["definition"] = "-1"
    read = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert len(read) == len(small().items) and tuple(read[0]) == COLUMNS
    assert read[0]["definition"] == '\'=HYPERLINK("x")' and read[1]["definition"] == "'-1"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in read for cell in row.values())


def test_versions() -> None:
    assert {row["id"] for row in rows_of(small())} - {row["id"] for row in rows_of(small(), "1.0")} == {"small:journey"}
    assert next(row for row in rows_of(small(), "1.0") if row["id"] == "small:onset")["level"] == "optional"
    with pytest.raises(UnknownNameError, match="no version of small is called '3'"):
        rows_of(small(), "3")


@pytest.mark.parametrize("name", ["hub", *dataset_names()])
def test_data_sets_that_ship(name: str) -> None:
    dataset = None if name == "hub" else load_dataset(name)
    rows = rows_of(dataset)
    sheets = workbook(as_xlsx(rows, name))
    assert sum(len(sheet) - 1 for title, sheet in sheets.items() if title != VALUE_SHEET) == len(rows)
    page = hub_markdown() if dataset is None else dataset_markdown(dataset)
    assert all(f"`{row['id'] if dataset else row['item']}`" in page for row in rows)
    assert page == (hub_markdown() if dataset is None else dataset_markdown(dataset))


def test_markdown() -> None:
    page = dataset_markdown(small())
    assert page.startswith("# Small data set 2.0\n\nFor tests.\n\n17 items.")
    assert (
        "| **Administrative gender** `small:gender` | mandatory | 1..1 | `administrative_gender` | gender: GENDER:male Male, GENDER:female Female; NullFlavor ASKU,"
        in page
    )
    assert (
        "conditional (cancer): mandatory in cancer" in page
        and "- **travel**: Travel; only where it is asked for." in page
    )
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} == {4, 7}
