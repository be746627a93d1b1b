"""Excel workbooks (.xlsx) as tables of texts: a sheet is a table, its first row the header, rows are numbered as Excel does.

Nothing is guessed. A cell that was typed as text stays what was typed; a cell that Excel holds as a date is written as ISO 8601
day, a whole number without ".0", a truth value as true or false; of a formula the value that was stored last is read. A cell that
holds an error of a formula (`#N/A`) is blanked and said, as is a region of merged cells.

A workbook is a zip of XML. What is handed to the parser is a copy of the members that matter, whose sizes are known: no member
decompresses to more than was counted, no document has a DTD, no sheet spans more cells than fit into memory.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from harmonize.errors import InputError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.cells import readable_name, usable_cells
from harmonize.input.csv_records import MAX_COLUMNS
from harmonize.input.delimited_tables import checked_header, spelt_as_known
from harmonize.input.files import FREE_BYTES, MAX_RATIO
from harmonize.input.log import ReadLog
from harmonize.input.subjects import PhysicalTable, RowBlock, counted_block, in_blocks, in_order
from harmonize.profiles.source_record import RawRow
from harmonize.profiles.specification import Assembly, Profile, TableAssembly

WORKBOOK_SUFFIX = ".xlsx"
REFUSED_SUFFIXES = (".xls", ".xlsb", ".xlsm", ".ods", ".xltx", ".xltm", ".numbers")
"""Spreadsheets that are refused by name: other formats, and those that hold programs."""
MAX_BYTES = 512_000_000
"""Bytes of all parts of a workbook together, decompressed."""
MAX_PARTS = 2_000
MAX_CELLS = 20_000_000
"""Cells between the first and the last one of a sheet that hold something."""
_WHOLE = 1e16
"""Below it Python's shortest text of a whole number has a point; above it an exponent, which claims no digits."""
_OLE = b"\xd0\xcf\x11\xe0"
_PARTS = re.compile(
    r"\[content_types\][.]xml|_rels/[^/]*[.]rels|xl/(_rels/[^/]+[.]rels|worksheets/[^/]+[.]xml|(workbook|sharedstrings|styles|metadata)[.]xml)",
    re.IGNORECASE,
)
"""The parts that say what stands in cells; drawings, comments and links to other files are not read."""
_SAVE_AS = "open it in a spreadsheet program and save it as .xlsx"


@dataclass(frozen=True)
class Workbook:
    """An opened workbook: the names of its sheets, which are read when they are asked for."""

    path: Path
    sheets: tuple[str, ...]
    _parts: Mapping[str, bytes] = field(repr=False)
    _book: CalamineWorkbook = field(repr=False)

    def file_of(self, sheet: str) -> str:
        """How findings name the table."""
        return f"{self.path.name}:{readable_name(sheet)}"

    def table(self, sheet: str) -> SheetTable:
        """The cells of *sheet*. Raises InputError where it is too large, or its header is made of merged cells."""
        file = self.file_of(sheet)
        part = _part_of(self._parts, sheet)
        if part is None:
            raise _damaged(self.path)
        extent = _extent(self._parts[part], file)
        if extent.rows * extent.columns > MAX_CELLS or extent.columns > MAX_COLUMNS:
            message = f"the sheet spans {extent.rows:,} rows and {extent.columns:,} columns"
            raise InputError(message, file=file, fix="delete what stands far away from the table, or split it")
        try:
            found: CalamineSheet = self._book.get_sheet_by_name(sheet)
            merged = tuple(found.merged_cell_ranges or ())
            values = found.to_python(skip_empty_area=False) if extent.rows else []
        except (CalamineError, OSError, ValueError, IndexError):
            raise _damaged(self.path) from None
        if any(first[0] == 0 for first, _ in merged):
            raise InputError(
                "the header is made of merged cells", file=file, row=1, fix="give every column one name of its own"
            )
        return SheetTable(file, values, extent.errors, merged)


class SheetTable(NamedTuple):
    """The cells of a sheet as the spreadsheet holds them, from A1; (row, column) from 0 of errors; merged regions."""

    file: str
    values: list[list[CellValue]]
    errors: frozenset[tuple[int, int]]
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...]


CellValue = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


def is_refused_spreadsheet(path: Path) -> bool:
    """Whether *path* is a spreadsheet of a format that is not read.

    >>> is_refused_spreadsheet(Path("a.ODS")), is_refused_spreadsheet(Path("a.xlsx"))
    (True, False)
    """
    return path.suffix.lower() in REFUSED_SUFFIXES


def refused_spreadsheet(path: Path) -> InputError:
    """The error of a spreadsheet that is not read."""
    return InputError(f"{path.suffix.lower()} is not read, .xlsx is", file=path.name, fix=_SAVE_AS)


def is_workbook(path: Path) -> bool:
    """Whether *path* is named as a workbook; `~$` is what a spreadsheet program leaves beside an open one.

    >>> is_workbook(Path("a.xlsx")), is_workbook(Path("~$a.xlsx"))
    (True, False)
    """
    return path.suffix.lower() == WORKBOOK_SUFFIX and not path.name.startswith("~$")


def open_workbook(path: Path) -> Workbook:
    """Check and open the workbook *path*. Raises InputError for what is none, is encrypted, or swells."""
    with path.open("rb") as file:
        if file.read(4) == _OLE:
            raise InputError(
                "the workbook is encrypted, or is an old .xls under another name",
                file=path.name,
                fix=f"remove the password, or {_SAVE_AS}",
            )
    parts = _parts(path)
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    copy.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(copy)
        sheets = tuple(sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet)
    except (CalamineError, OSError, ValueError):
        raise _damaged(path) from None
    return Workbook(path, sheets, parts, book)


def _damaged(path: Path) -> InputError:
    return InputError("the workbook is damaged, or not what its name says", file=path.name, fix=_SAVE_AS)


def _bomb(path: Path) -> InputError:
    return InputError(
        "the workbook decompresses to far more than such data do", file=path.name, fix="check where it comes from"
    )


def _parts(path: Path) -> dict[str, bytes]:
    """The parts of the workbook that matter, decompressed and counted."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            allowed = min(MAX_BYTES, FREE_BYTES + path.stat().st_size * MAX_RATIO)
            if len(members) > MAX_PARTS or sum(member.file_size for member in members) > allowed:
                raise _bomb(path)
            made = {}
            for member in members:
                if _PARTS.fullmatch(member.filename):
                    if member.filename in made or member.flag_bits & 1:
                        raise _damaged(path)
                    made[member.filename] = _member(archive, member, path)
            return made
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, RuntimeError):
        raise _damaged(path) from None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> bytes:
    """The bytes of one part: no more than its directory entry says, whatever comes out of the archive."""
    with archive.open(member) as stream:
        data = stream.read(member.file_size + 1)
    if len(data) != member.file_size:
        raise _damaged(path)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data[:200]:  # also a DTD in UTF-16 has no place here
        raise InputError("a part of the workbook declares a DTD, or is no UTF-8", file=path.name, fix=_SAVE_AS)
    return data


# --- what a sheet spans, and its errors -----------------------------------------------------------------------------


class _Extent(NamedTuple):
    rows: int
    columns: int
    errors: frozenset[tuple[int, int]]


class _SheetScan:
    """Follows the cells of a sheet: which is the last one that holds something, which hold errors."""

    def __init__(self) -> None:
        self.row = self.column = -1
        self.rows = self.columns = 0
        self.error = False
        self.errors: set[tuple[int, int]] = set()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        match name.rpartition(":")[2]:
            case "row":
                self.row = int(attributes["r"]) - 1 if "r" in attributes else self.row + 1
                self.column = -1
            case "c":
                self.column += 1
                if "r" in attributes:
                    self.row, self.column = _place(attributes["r"])
                self.error = attributes.get("t") == "e"
            case "v" | "is":
                self.rows, self.columns = max(self.rows, self.row + 1), max(self.columns, self.column + 1)
                if self.error:
                    self.errors.add((self.row, self.column))


def _place(reference: str) -> tuple[int, int]:
    """(row, column) from 0 of a cell's name. Raises ValueError where it is none.

    >>> _place("A1"), _place("AB12")
    ((0, 0), (11, 27))
    """
    letters = reference.rstrip("0123456789")
    column = 0
    if not 0 < len(letters) <= 3 or not letters.isascii() or not letters.isalpha():
        raise ValueError
    for letter in letters.upper():
        column = column * 26 + ord(letter) - 64
    return int(reference[len(letters) :]) - 1, column - 1


def _extent(data: bytes, file: str) -> _Extent:
    scan = _SheetScan()
    parser = expat.ParserCreate()
    parser.StartElementHandler = scan.start
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError):
        raise InputError("the sheet is damaged", file=file, fix=_SAVE_AS) from None
    return _Extent(scan.rows, scan.columns, frozenset(scan.errors))


def _part_of(parts: Mapping[str, bytes], sheet: str) -> str | None:
    """The part that holds *sheet*, by the workbook's list of sheets and its relations."""
    sheets = dict(_elements(parts.get("xl/workbook.xml", b""), "sheet", ("name", "id")))
    targets = dict(_elements(parts.get("xl/_rels/workbook.xml.rels", b""), "Relationship", ("Id", "Target")))
    target = targets.get(sheets.get(sheet, ""), "")
    part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return part if part in parts else None


def _elements(data: bytes, element: str, names: tuple[str, str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if name.rpartition(":")[2] == element:
            plain = {key.rpartition(":")[2]: value for key, value in attributes.items()}
            found.append((plain.get(names[0], ""), plain.get(names[1], "")))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with contextlib.suppress(expat.ExpatError):
        parser.Parse(data, True)
    return found


# --- cells as texts -------------------------------------------------------------------------------------------------


def cell_text(value: CellValue) -> str:
    """The value of a cell as text: what was typed, or the shortest text that says what the spreadsheet holds.

    >>> cell_text(3.0), cell_text(0.1), cell_text(True), cell_text(dt.date(2020, 2, 3)), cell_text("  2.0")
    ('3', '0.1', 'true', '2020-02-03', '  2.0')
    >>> cell_text(1234567890123456.0), cell_text(1e300)
    ('1234567890123456', '1e+300')
    >>> cell_text(dt.datetime(2020, 2, 3)), cell_text(dt.datetime(2020, 2, 3, 4, 5))
    ('2020-02-03', '2020-02-03T04:05:00')
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
        case dt.datetime():
            midnight = value.time() == dt.time()
            return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
        case dt.timedelta():
            return f"PT{int(value.total_seconds())}S"
        case dt.date() | dt.time():
            return value.isoformat()
    return str(value)


# --- tables ---------------------------------------------------------------------------------------------------------


def open_sheet_table(
    spec: TableAssembly,
    workbook: Workbook,
    sheet: str,
    profile: Profile,
    log: ReadLog,
    *,
    to_sort: bool = False,
    any_case: bool = False,
) -> PhysicalTable:
    """The sheet as the table of *spec*: its header checked, its rows read. Raises InputError where the header cannot be used."""
    table = workbook.table(sheet)
    first = [cell_text(value) for value in table.values[0]] if table.values else []
    width = _width(table)
    cells = [cell.strip() or f"column {place}" for place, cell in enumerate(first[:width], start=1)]
    if not any(cell.strip() for cell in first):
        cells = []
    cells = spelt_as_known(cells, profile, spec) if any_case else cells
    header = checked_header(cells, table.file, profile, spec, log, has_rows=len(table.values) > 1)
    index = header.index(profile.assembly.subject)
    keys = [cell_text(row[index]).strip() for row in table.values[1:]]
    ascends = not to_sort and in_order(keys, profile.assembly.subject_order)
    blocks = partial(_blocks, table, header, log, profile.assembly)
    return PhysicalTable(spec.name, table.file, header, index, ascends, blocks, tuple(range(len(header))))


def _width(table: SheetTable) -> int:
    """The number of columns: up to the last one that has a name or holds something."""
    filled = [place for row in table.values for place, value in enumerate(row) if value != ""]
    return max((*filled, *(column for _, column in table.errors)), default=-1) + 1


def _blocks(table: SheetTable, header: Sequence[str], log: ReadLog, assembly: Assembly) -> Iterator[RowBlock]:
    _say_merged(table, log)
    for rows in in_blocks(_rows(table, header, log)):
        yield counted_block(rows, header, assembly)


def _rows(table: SheetTable, header: Sequence[str], log: ReadLog) -> Iterator[RawRow]:
    """The rows that hold something, numbered as in the spreadsheet."""
    width = len(header)
    by_row: dict[int, list[int]] = {}
    for row, column in table.errors:
        by_row.setdefault(row, []).append(column)
    for place, values in enumerate(table.values[1:], start=1):
        cells = [cell_text(value) for value in values[:width]]
        cells += [""] * (width - len(cells))
        errors = by_row.get(place, ())
        if errors or any(cells):
            for column in sorted(errors):
                _say_error(table.file, place + 1, header[column], log)
            yield RawRow(place + 1, usable_cells(cells, header, table.file, place + 1, log))


def _say_error(file: str, row: int, column: str, log: ReadLog) -> None:
    finding = Finding(
        "source.cell-error",
        Severity.ERROR,
        "the cell holds an error of a formula",
        Outcome.REJECTED,
        cell=Cell(file, row, column),
        fix="correct the formula, or write the value itself",
    )
    log.reject_cell(f"{file}/{column}", finding)


def _say_merged(table: SheetTable, log: ReadLog) -> None:
    for (first, _), (last, _) in table.merged:
        rows = f"rows {first + 1} to {last + 1}" if last > first else f"row {first + 1}"
        message = f"cells are merged in {rows}: only the first cell of a merged region holds the value"
        log.findings.append(
            Finding(
                "source.merged-cells",
                Severity.WARNING,
                message,
                cell=Cell(table.file, first + 1, None),
                fix="separate the cells, and write the value into every row that it holds for",
            )
        )
