"""A data set as a template that people fill: an Excel workbook with drop-down lists, or CSV tables.

Profile `intl/hmd-template` reads both back. The same data set gives the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harmonize.datasets.specification import Dataset
from harmonize.exports.template_layout import Column, Kind, Sheet, entries_of, is_closed, sheets_of
from harmonize.exports.template_words import LEVELS, how_to_write, level_of, note_of, read_me
from harmonize.profiles.labelled_codes import stated_code

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

READ_ME, LISTS = "Read me", "lists"
NOT_READ = (READ_ME, LISTS, "README", "values", "columns")
"""Sheets and tables of a template that hold no records."""
LAST_ROW = 10_000
"""Rows that have drop-down lists; rows behind them are read all the same."""
_COLOURS = {
    "mandatory": "#F4B183",
    "conditional": "#FFD966",
    "recommended": "#C6E0B4",
    "optional": "#E7E6E6",
    "key": "#9DC3E6",
}
_CREATED = dt.datetime(2026, 1, 1)
_TEXT = 49
"""The number format of text."""
_LONGEST = 255
"""Characters of a title or message of a validation that Excel takes."""

Rows = Mapping[str, Sequence[Mapping[str, str]]]
"""Sheet -> its rows, as column -> text."""


def template_tables(dataset: Dataset) -> dict[str, str]:
    """The template as texts of files by name: a CSV table for each sheet, the permitted values, the columns, how to fill it.

    >>> from harmonize.datasets.specification import load_dataset
    >>> template_tables(load_dataset("hmd"))["SampleRelation.csv"]
    'subject_id,sample_id,related_sample,relation_type,relation_description\\n'
    """
    sheets = sheets_of(dataset)
    made = {f"{sheet.name}.csv": _csv([[column.name for column in sheet.columns]]) for sheet in sheets}
    made["values.csv"] = _csv([["sheet", "column", "entry", "code", "iri"], *_values(sheets)])
    made["columns.csv"] = _csv([["sheet", "column", "item", "level", "condition", "cardinality", "definition", "how"]
                                , *_columns(dataset, sheets)])  # fmt: skip
    made["README.txt"] = "\n".join(read_me(dataset, sheets)) + "\n"
    return made


def _csv(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _values(sheets: tuple[Sheet, ...]) -> Iterable[list[str]]:
    for sheet in sheets:
        for column in sheet.columns:
            known = {}
            if column.value_set is not None:
                known = dict(zip(entries_of(column, sheet), column.value_set.values, strict=False))
            for entry in entries_of(column, sheet):
                value = known.get(entry)
                yield [sheet.name, column.name, entry, stated_code(entry), value.iri if value else ""]


def _columns(dataset: Dataset, sheets: tuple[Sheet, ...]) -> Iterable[list[str]]:
    for sheet in sheets:
        for column in sheet.columns:
            item = column.item
            about = [item.id, item.condition_text, item.cardinality, item.definition] if item else ["", "", "", ""]
            how = how_to_write(column, sheet)
            yield [sheet.name, column.name, about[0], level_of(column, dataset), *about[1:], how]


# --- workbook -------------------------------------------------------------------------------------------------------


def template_workbook(dataset: Dataset, rows: Rows | None = None) -> bytes:
    """The template as an Excel workbook, filled with *rows* where there are any."""
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"title": dataset.title, "author": "harmonize", "created": _CREATED})
    sheets = sheets_of(dataset)
    _write_read_me(book, dataset, sheets)
    lists = _Lists()
    formats = {level: _header_format(book, colour) for level, colour in _COLOURS.items()}
    text = book.add_format({"num_format": _TEXT})
    for sheet in sheets:
        written = book.add_worksheet(sheet.name)
        written.freeze_panes(1, 1)
        for place, column in enumerate(sheet.columns):
            _write_column(written, place, column, sheet, dataset, lists, formats, text)
        for number, row in enumerate((rows or {}).get(sheet.name, ()), start=1):
            for place, column in enumerate(sheet.columns):
                if row.get(column.name):
                    written.write_string(number, place, row[column.name], text)
    lists.write(book)
    book.close()
    return out.getvalue()


class _Lists:
    """The entries of drop-down lists: equal lists stand once on the hidden sheet."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, ...], int] = {}

    def range_of(self, entries: Sequence[str]) -> str:
        """Where the list of *entries* stands."""
        from xlsxwriter.utility import xl_col_to_name

        column = xl_col_to_name(self._columns.setdefault(tuple(entries), len(self._columns)))
        return f"={LISTS}!${column}$1:${column}${len(entries)}"

    def write(self, book: Workbook) -> None:
        """Write the lists that were asked for."""
        sheet = book.add_worksheet(LISTS)
        sheet.hide()
        for entries, column in self._columns.items():
            sheet.write_column(0, column, entries)


def _header_format(book: Workbook, colour: str) -> Format:
    return book.add_format({"bold": True, "bg_color": colour, "border": 1, "num_format": _TEXT})


def _write_read_me(book: Workbook, dataset: Dataset, sheets: tuple[Sheet, ...]) -> None:
    sheet = book.add_worksheet(READ_ME)
    sheet.set_column(0, 0, 130)
    title = book.add_format({"bold": True, "font_size": 14})
    colours = {f"   {level}: {LEVELS[level]}": book.add_format({"bg_color": c}) for level, c in _COLOURS.items()}
    for number, line in enumerate(read_me(dataset, sheets)):
        sheet.write_string(number, 0, line, title if number == 0 else colours.get(line))


def _write_column(
    written: Worksheet, place: int, column: Column, sheet: Sheet, dataset: Dataset, lists: _Lists,
    formats: Mapping[str, Format], text: Format,
) -> None:  # fmt: skip
    """The header of a column with its note, text as the format of its cells, and what may stand there."""
    written.set_column(place, place, max(14, min(len(column.name) + 3, 40)), text)
    written.write_string(0, place, column.name, formats[level_of(column, dataset)])
    note = note_of(column, sheet, dataset)
    height = 20 * (note.count("\n") + 2 + len(note) // 60)
    written.write_comment(0, place, note, {"author": "", "x_scale": 3, "height": height})
    rule = _validation(column, sheet, lists, place)
    if rule is not None:
        written.data_validation(1, place, LAST_ROW, place, rule)


def _validation(column: Column, sheet: Sheet, lists: _Lists, place: int) -> dict[str, Any] | None:
    entries = entries_of(column, sheet)
    if entries:
        closed = is_closed(column)
        return {
            "validate": "list",
            "source": lists.range_of(entries),
            "error_type": "stop" if closed else "information",
            "show_error": closed,
            "error_title": "Not in the list",
            "error_message": how_to_write(column, sheet)[:_LONGEST],
        }
    formula = _formula(column, place)
    if formula is None:
        return None
    return {
        "validate": "custom",
        "value": formula,
        "error_type": "warning",
        "error_title": "Not written as expected",
        "error_message": how_to_write(column, sheet)[:_LONGEST],
    }


def _formula(column: Column, place: int) -> str | None:
    """What Excel checks of a cell that is typed: whether it looks as it is to be written. The profile checks it whole."""
    from xlsxwriter.utility import xl_col_to_name

    cell = f"{xl_col_to_name(place)}2"
    if column.kind is Kind.DATE:
        year = f"AND(LEN({cell})=4,ISNUMBER(--{cell}))"
        month = f'AND(LEN({cell})=7,MID({cell},5,1)="-",ISNUMBER(DATEVALUE({cell}&"-01")))'
        day = f'AND(LEN({cell})=10,MID({cell},5,1)="-",MID({cell},8,1)="-",ISNUMBER(DATEVALUE({cell})))'
        return f"=OR({year},{month},{day})"
    if column.kind in (Kind.NUMBER, Kind.WHOLE):
        return f'=ISNUMBER(--SUBSTITUTE({cell},".",MID(1/2,2,1)))'  # the point, whatever the language of Excel writes
    if column.kind is Kind.DURATION:
        return f'=LEFT({cell},1)="P"'
    return None
