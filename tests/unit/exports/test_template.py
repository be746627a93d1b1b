"""The template of a data set: what stands in the workbook and in the tables, and that the generated profile is in step."""

from __future__ import annotations

import csv
import io
import re
import runpy
import zipfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from harmonize.datasets.specification import load_dataset
from harmonize.exports.template import LAST_ROW, template_tables, template_workbook
from harmonize.exports.template_layout import Kind, entries_of, is_closed, sheets_of
from harmonize.profiles.loading import load_profile

ROOT = Path(__file__).parents[3]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HMD = load_dataset("hmd")


@cache
def made() -> bytes:
    return template_workbook(HMD)


@cache
def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(made())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def part(sheet: str) -> ElementTree.Element:
    """The XML of a sheet: they are numbered in the order of the workbook."""
    number = CalamineWorkbook.from_filelike(io.BytesIO(made())).sheet_names.index(sheet) + 1
    return ElementTree.fromstring(parts()[f"xl/worksheets/sheet{number}.xml"])


def test_the_same_data_set_gives_the_same_bytes() -> None:
    assert template_workbook(HMD) == made()


def test_one_sheet_a_class_and_the_lists_are_hidden() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(made()))
    assert book.sheet_names == ["Read me", *HMD.classes, "lists"]
    hidden = {sheet.name for sheet in book.sheets_metadata if sheet.visible is not SheetVisibleEnum.Visible}
    assert hidden == {"lists"}
    for sheet in sheets_of(HMD):
        assert book.get_sheet_by_name(sheet.name).to_python() == [[column.name for column in sheet.columns]]
    assert len([column for sheet in sheets_of(HMD) for column in sheet.columns if column.item]) == 110


@pytest.mark.parametrize("name", list(HMD.classes))
def test_every_column_with_a_list_has_it(name: str) -> None:
    sheet = next(s for s in sheets_of(HMD) if s.name == name)
    lists = CalamineWorkbook.from_filelike(io.BytesIO(made())).get_sheet_by_name("lists").to_python()
    found = {}
    for rule in part(name).iter(f"{MAIN}dataValidation"):
        column = _index(re.match(r"[A-Z]+", rule.attrib["sqref"])[0])  # type: ignore[index]
        assert rule.attrib["sqref"].endswith(str(LAST_ROW + 1))
        found[sheet.columns[column].name] = rule
    for column in sheet.columns:
        entries = entries_of(column, sheet)
        rule = found.get(column.name)
        if not entries:
            assert rule is None or rule.attrib["type"] == "custom", column.name
            assert (rule is not None) == (column.kind in (Kind.DATE, Kind.NUMBER, Kind.WHOLE, Kind.DURATION))
            continue
        assert rule is not None and rule.attrib["type"] == "list"
        place = re.fullmatch(r"lists!\$([A-Z]+)\$1:\$\1\$([0-9]+)", rule.findtext(f"{MAIN}formula1", ""))
        assert place is not None and [row[_index(place[1])] for row in lists[: int(place[2])]] == entries
        assert ("showErrorMessage" in rule.attrib) == is_closed(column), (
            "what a list does not hold is stopped only where nothing else may stand"
        )


def _index(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def test_excel_takes_the_formulas_and_messages() -> None:
    for sheet in HMD.classes:
        for rule in part(sheet).iter(f"{MAIN}dataValidation"):
            assert len(rule.findtext(f"{MAIN}formula1", "")) <= 255
            assert len(rule.attrib.get("error", "")) <= 255 and len(rule.attrib.get("errorTitle", "")) <= 32


def test_cells_are_text_and_headers_have_notes() -> None:
    styles = ElementTree.fromstring(parts()["xl/styles.xml"])
    formats = [xf.attrib["numFmtId"] for xf in styles.find(f"{MAIN}cellXfs") or ()]
    for number, sheet in enumerate(sheets_of(HMD), start=1):
        columns = part(sheet.name).findall(f"{MAIN}cols/{MAIN}col")
        assert {formats[int(column.attrib["style"])] for column in columns} == {"49"}, "49 is text"
        notes = ElementTree.fromstring(parts()[f"xl/comments{number}.xml"])
        texts = ["".join(note.itertext()) for note in notes.iter(f"{MAIN}comment")]
        assert len(texts) == len(sheet.columns)
        for column, text in zip(sheet.columns, texts, strict=True):
            if column.item is not None:
                assert (
                    column.item.id in text
                    and column.item.levels[HMD.version] in text
                    and column.item.condition_text in text
                )


def test_nothing_in_the_workbook_leads_out() -> None:
    assert not [name for name in parts() if "external" in name.lower() or name.endswith((".bin", ".vba"))]
    assert b"TargetMode" not in b"".join(parts().values())


def test_tables_say_the_same_as_the_workbook() -> None:
    tables = template_tables(HMD)
    assert set(tables) == {*(f"{name}.csv" for name in HMD.classes), "values.csv", "columns.csv", "README.txt"}
    values = list(csv.DictReader(io.StringIO(tables["values.csv"])))
    for sheet in sheets_of(HMD):
        for column in sheet.columns:
            found = [row["entry"] for row in values if (row["sheet"], row["column"]) == (sheet.name, column.name)]
            assert found == entries_of(column, sheet)
    columns = list(csv.DictReader(io.StringIO(tables["columns.csv"])))
    assert [(row["sheet"], row["column"]) for row in columns] == [
        (s.name, c.name) for s in sheets_of(HMD) for c in s.columns
    ]
    assert {row["item"] for row in columns if row["item"]} == {
        c.item.id for s in sheets_of(HMD) for c in s.columns if c.item
    }


def test_the_generated_profile_is_in_step() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "generate_hmd_template.py"))
    for name, text in script["generate"]().items():
        assert (script["TARGET"] / name).read_text(encoding="utf-8") == text, f"{name}: run `make generate`"


def test_the_profile_names_every_item() -> None:
    text = (ROOT / "mappings" / "intl" / "hmd-template" / "map.yaml").read_text()
    items = {column.item.id for sheet in sheets_of(HMD) for column in sheet.columns if column.item}
    assert items <= set(re.findall(r"- (hmd:\S+)", text))


def test_identifiers_have_a_privacy_class_and_become_pseudonyms() -> None:
    profile = load_profile("intl/hmd-template")
    assert profile.identifiers["subject_id"]["privacy"] == "direct"
    keys = {c.name for s in sheets_of(HMD) for c in s.columns if c.kind in (Kind.KEY, Kind.REFERENCE)}
    assert keys == set(profile.identifiers)
