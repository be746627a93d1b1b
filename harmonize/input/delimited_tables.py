"""Tables in delimited text: their headers, the order of their rows, and the rows.

Encoding, delimiter and quoting are what the profile declares, and are checked against the file: nothing is guessed,
because a wrong guess changes values in silence. A bad cell costs the cell, a bad row the row. Rows are numbered by line of
the table as RFC 4180 counts records: the header is row 1.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import InputError
from harmonize.extensions import extension
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.cells import readable_name, usable_cells
from harmonize.input.csv_records import MAX_COLUMNS, Block, Dialect, Unquoted, csv_blocks, csv_records, ragged
from harmonize.input.files import samples
from harmonize.input.log import ReadLog
from harmonize.input.subjects import PhysicalTable, RowBlock, counted_block, filled_cells, in_order
from harmonize.profiles.assembly import kept_columns
from harmonize.profiles.source_record import RawRow
from harmonize.profiles.specification import Assembly, Profile, TableAssembly


def open_delimited_table(
    spec: TableAssembly,
    path: Path,
    profile: Profile,
    log: ReadLog,
    cutter: RowCutter,
    *,
    to_sort: bool = False,
    any_case: bool = False,
) -> PhysicalTable:
    """Check the header of one table and look at the order of its rows, without reading it to the end.

    *to_sort* says that the rows are known not to be in order, *any_case* that names of columns may be written in capitals.
    Raises InputError where the header cannot be used.
    """
    assembly = profile.assembly
    dialect = _dialect(assembly)
    first, second = (*islice((cells for _, cells in csv_records(path, dialect, None)), 2), [], [])[:2]
    first = spelt_as_known(first, profile, spec) if any_case else first
    header = checked_header(first, path.name, profile, spec, log, has_rows=len(second) == len(first))
    index = header.index(assembly.subject)
    ascends = not to_sort and _seems_in_order(path, dialect, index, len(header), assembly.subject_order)
    kept = kept_columns(profile, spec, header)
    blanks = tuple(frozenset(texts) if (texts := assembly.blank_texts(name) - {""}) else None for name in header)
    table = _Table(spec.name, path, header, kept, dialect, assembly, blanks)
    return PhysicalTable(
        spec.name, path.name, header, kept.index(index), ascends, partial(_blocks, table, log, cutter), kept
    )


class _Table(NamedTuple):
    """A table that can be read."""

    name: str
    path: Path
    header: tuple[str, ...]
    kept: tuple[int, ...]
    dialect: Dialect
    assembly: Assembly
    blanks: tuple[frozenset[str] | None, ...]
    """For every column the texts other than the empty one that are no value there; None where there are none."""


def spelt_as_known(header: Sequence[str], profile: Profile, spec: TableAssembly) -> list[str]:
    """The names of the columns as the profile spells them."""
    slots = (*profile.source.text_slots(spec.row_class), *spec.columns, profile.assembly.subject)
    known = {name.lower(): name for name in slots}
    return [known.get(name.strip().lower(), name) for name in header]


def _seems_in_order(path: Path, dialect: Dialect, index: int, width: int, order: str) -> bool:
    """Whether the identifiers at many places of the file ascend. What is read here is read again, so nothing is said of it."""
    keys = []
    for lines in samples(path):
        text = lines.decode(dialect.encoding, "replace")
        try:
            records = list(csv.reader(text.splitlines(), delimiter=dialect.delimiter, quotechar=dialect.quote))
        except csv.Error:
            continue
        keys += [cells[index].strip() for cells in records[:-1] if len(cells) == width]
    return in_order(keys[1:], order)  # the first is the header


def _dialect(assembly: Assembly) -> Dialect:
    return Dialect(assembly.encoding, assembly.delimiter, assembly.quote)


def require_usable_header(header: Sequence[str], file: str) -> None:
    """Raises InputError where names of columns are missing, too many or doubled. A message has their places, never the names."""
    if not any(header):
        raise InputError("the file is empty", file=file, fix="export it again or remove it")
    if len(header) > MAX_COLUMNS:
        raise InputError(f"more than {MAX_COLUMNS} columns", file=file, row=1, fix="check the delimiter")
    doubles = [place for place, name in enumerate(header, start=1) if header.count(name) > 1]
    if doubles:
        # Places, not names: in a file without header the names are values of a patient.
        places = ", ".join(map(str, doubles[:10])) + (", ..." if len(doubles) > 10 else "")
        raise InputError(
            f"a column name is there twice (columns {places})",
            file=file,
            row=1,
            fix="give every column a name of its own",
        )


def checked_header(
    cells: Sequence[str], file: str, profile: Profile, spec: TableAssembly, log: ReadLog, *, has_rows: bool
) -> tuple[str, ...]:
    """The names of the columns of the table *file*. Raises InputError where they cannot be used.

    Without rows of its width, a header may have run into a row: unknown names are not told.
    """
    assembly = profile.assembly
    header = tuple(readable_name(cell.strip()) for cell in cells)
    require_usable_header(header, file)
    others = [d for d in ",;\t|" if d != assembly.delimiter and len(header) == 1 and d in header[0]]
    if others:
        name = {"\t": "tab"}.get(others[0], others[0])
        declared = {"\t": "tab"}.get(assembly.delimiter, assembly.delimiter)
        raise InputError(
            f"the profile declares the delimiter {declared!r}, the header is delimited by {name!r}",
            file=file,
            row=1,
            fix=f"export with {declared!r}, or set assemble.delimited.delimiter in a profile of your own",
        )
    if assembly.subject not in header:
        close = difflib.get_close_matches(assembly.subject, header, n=1)
        hint = f"rename {close[0]!r} to it" if close else "add it"
        raise InputError(f"the column {assembly.subject!r} is missing", file=file, row=1, fix=hint)
    known = {assembly.subject, *profile.left_out_columns}
    for table in assembly.physical_tables()[spec.name]:
        slots = frozenset(profile.source.text_slots(table.row_class))
        known |= {name for name in header if table.slot_of(name) in slots}
    if not has_rows:
        header = tuple(name if name in known else f"column {place}" for place, name in enumerate(header, start=1))
    for position, name in enumerate(header):
        if name not in known:
            say_unknown_column(name, position, set(profile.source.text_slots(spec.row_class)), file, log)
    return header


def say_unknown_column(name: str, position: int, known: set[str], file: str, log: ReadLog) -> None:
    """Say that the column *name*, the *position*-th of *file* from 0, is none of the profile's."""
    close = difflib.get_close_matches(name, known, n=1)
    fix = (
        f"rename it to {close[0]!r} if it is that column"
        if close
        else "remove it, or add it to source.yaml and map.yaml"
    )
    message = f"column {position + 1} is not known to the profile; its values are not carried"
    log.findings.append(
        Finding("source.unknown-column", Severity.WARNING, message, Outcome.DROPPED, cell=Cell(file, 1, name), fix=fix)
    )


def _blocks(table: _Table, log: ReadLog, cutter: RowCutter) -> Iterator[RowBlock]:
    """The rows that have the shape of the header; bad cells are blanked, bad rows reported."""
    for block in csv_blocks(table.path, table.dialect, log):
        unquoted = block.unquoted
        if block.clean and unquoted is not None and unquoted.width == len(table.header):
            skipped = 1 if block.first == 1 else 0  # the header
            made = cutter.cut(table, unquoted, block.first + skipped, skipped)
        else:
            made = _row_by_row(table, block, log)
        if made.rows:
            yield made


class RowCutter:
    """Cuts rows out of text without quotes: of their cells only those that the profile needs are kept, and the line.

    The tables of one source share a cutter, and with it the texts of cells that it met lately.
    """

    def __init__(self) -> None:
        self._compiled = extension("harmonize.input.row_cutting")
        self._texts = self._compiled.CellTexts() if self._compiled is not None else None

    def cut(self, table: _Table, unquoted: Unquoted, first: int, skipped: int) -> RowBlock:
        """The rows of *table* without the first *skipped* lines, numbered from *first*."""
        if self._compiled is not None:
            text, delimiter, width = unquoted.text, unquoted.delimiter, unquoted.width
            cut = self._compiled.cut(
                text, delimiter, width, table.kept, table.blanks, first, skipped, self._texts, RawRow
            )
            if cut is not None:
                return RowBlock(*cut)
        lines = unquoted.lines()[skipped:]
        all_cells = unquoted.cells(lines) if lines else []
        columns = [all_cells[place :: unquoted.width] for place in range(unquoted.width)]
        cells = zip(*[columns[place] for place in table.kept], strict=True)
        parts = zip(range(first, first + len(lines)), cells, lines, strict=True)
        rows = list(
            map(tuple.__new__, repeat(RawRow), parts)
        )  # as RawRow._make, without a call of Python for every row
        return RowBlock(rows, filled_cells(columns, table.header, table.assembly))


def _row_by_row(table: _Table, block: Block, log: ReadLog) -> RowBlock:
    header, file, rows = table.header, table.path.name, []
    for number, cells in enumerate(block.records, start=block.first):
        if number == 1:
            continue
        if len(cells) != len(header):
            log.reject_row(ragged(table.name, file, number, cells, len(header)))
            continue
        whole = cells if block.clean else usable_cells(cells, header, file, number, log)
        rows.append(RawRow(number, [whole[place] for place in table.kept], whole))
    return counted_block(rows, header, table.assembly)
