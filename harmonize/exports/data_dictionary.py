"""The hub and the data sets as a data dictionary: CSV with one row for each item, Excel with a sheet for each class and the value sets.

No cell is a formula: in CSV a text that a spreadsheet would take for one begins with an apostrophe, in Excel every cell is a text. The
same data give the same bytes.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Sequence
from typing import Any

from harmonize.datasets.specification import Dataset
from harmonize.datasets.value_set_words import parts_of, value_set_text
from harmonize.exports.item_rows import ItemRow, hub_rows, item_rows
from harmonize.hub import hub_schema
from harmonize.safe_text import csv_cell

COLUMNS = ("id", "class", "item", "definition", "slot", "range", "level", "cardinality", "condition", "petal", "value_set", "values",
           "null_flavors", "pattern", "note", "source")  # fmt: skip
VALUE_COLUMNS = ("value_set", "code", "label", "iri")
VALUE_SHEET = "value sets"
_WIDTHS = {
    "definition": 50,
    "values": 50,
    "slot": 40,
    "item": 32,
    "condition": 32,
    "note": 40,
    "source": 24,
    "label": 50,
    "iri": 60,
    "id": 30,
}
_CREATED = datetime.datetime(2000, 1, 1)  # fixed, so that bytes repeat
_SHEET_NAME = 31
_CELL = 32_767
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))


def rows_of(dataset: Dataset | None, version: str | None = None) -> list[ItemRow]:
    """The rows of *dataset* in *version*; None for the hub."""
    if dataset is None:
        return hub_rows()
    return item_rows(dataset, dataset.version if version is None else version)


def as_csv(rows: Sequence[ItemRow]) -> str:
    """The rows as CSV.

    >>> as_csv([]).split(",")[0]
    'id'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([csv_cell(cell) for cell in _cells(row)])
    return text.getvalue()


def _cells(row: ItemRow) -> list[str]:
    values = row["value_set"]
    cells: dict[str, Any] = {
        **row,
        "value_set": "" if values is None else values["name"],
        "values": "" if values is None else value_set_text(values, [], 20).removeprefix(f"{values['name']}: "),
        "null_flavors": ", ".join(row["null_flavors"]),
    }
    return [str(cells[column]) for column in COLUMNS]


def as_xlsx(rows: Sequence[ItemRow], title: str) -> bytes:
    """The rows as an Excel workbook: a sheet for each class, then the value sets."""
    import xlsxwriter

    file = io.BytesIO()
    workbook = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    workbook.set_properties({"title": title, "created": _CREATED, "author": "harmonize"})
    taken: set[str] = {VALUE_SHEET}
    for name in dict.fromkeys(row["class"] for row in rows):
        own = [_cells(row) for row in rows if row["class"] == name]
        _sheet(workbook, _sheet_name(name, taken), COLUMNS, own)
    _sheet(workbook, VALUE_SHEET, VALUE_COLUMNS, _value_rows(rows))
    workbook.close()
    return file.getvalue()


def _value_rows(rows: Sequence[ItemRow]) -> list[list[str]]:
    sets = {row["value_set"]["name"]: row["value_set"] for row in rows if row["value_set"]}
    found = []
    for name, values in sorted(sets.items()):
        found += [[name, value["code"], value["label"], value.get("iri", "")] for value in values.get("values", [])]
        found += [[name, code, words, ""] for part in parts_of(values) for code, words in part.codes]
    return found


def _sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel allows and that is not taken yet, whatever its case."""
    plain = name.translate(_FORBIDDEN).strip("'")[:_SHEET_NAME] or "class"
    number = 1
    while plain.casefold() in taken:
        number += 1
        suffix = f" {number}"
        plain = plain[: _SHEET_NAME - len(suffix)] + suffix
    taken.add(plain.casefold())
    return plain


def _sheet(workbook: Any, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    sheet = workbook.add_worksheet(name)
    bold = workbook.add_format({"bold": True})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    for index, column in enumerate(columns):
        sheet.write_string(0, index, column, bold)
        sheet.set_column(index, index, _WIDTHS.get(column, 16))
    for line, row in enumerate(rows, start=1):
        for index, cell in enumerate(row):
            sheet.write_string(line, index, cell[:_CELL], wrapped)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)


def title_of(dataset: Dataset | None, version: str | None = None) -> str:
    """The title of the workbook."""
    return f"Hub {hub_schema().version}" if dataset is None else f"{dataset.title} {version or dataset.version}"
