"""Tables of a research database, one a kind of event, as CSV, Parquet, or all in one DuckDB or SQLite file or Excel workbook.

Names of tables and columns are compared without regard to case: databases write them as they like. A table that the profile
leaves out as a whole is named once and not read. Tables that are looked up by key (OMOP's CONCEPT) are brought into a file of
the run's private folder.

A table in the order of the subjects is streamed; another one is sorted out of core. Of columns that the profile does not need
only presence is read where the format allows it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import InputError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.cells import readable_name
from harmonize.input.csv_records import Dialect, csv_blocks
from harmonize.input.database_tables import (
    DUCKDB_SUFFIXES,
    SQLITE_SUFFIXES,
    Blanks,
    Database,
    StoredTable,
    usable_rows,
)
from harmonize.input.delimited_tables import RowCutter, open_delimited_table, say_unknown_column
from harmonize.input.files import find_files, plain_name
from harmonize.input.log import ReadLog
from harmonize.input.opening import Opening
from harmonize.input.subjects import PhysicalTable, RowBlock, TableSource, counted_block, in_order
from harmonize.input.workbook_tables import (
    Workbook,
    is_refused_spreadsheet,
    is_workbook,
    open_sheet_table,
    open_workbook,
    refused_spreadsheet,
)
from harmonize.profiles.assembly import needed_slots
from harmonize.profiles.specification import Assembly, Profile, Reference, TableAssembly
from harmonize.terminology.concept_table import build_reference

_TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
_LOOKED_AT = 1_000
"""Rows of a stored table whose order is looked at before it is read."""


class _Found(NamedTuple):
    """The tables of the input by name in lower case: as files of text, stored, or sheets of workbooks."""

    texts: Mapping[str, Path]
    stored: Mapping[str, StoredTable]
    sheets: Mapping[str, tuple[Workbook, str]]
    inputs: tuple[Path, ...]

    def names(self) -> list[str]:
        """The names of all tables."""
        return [*self.texts, *self.stored, *self.sheets]


def open_source(opening: Opening) -> TableSource:
    """Find the tables of the profile among the inputs (files, folders), check their columns and the order of their rows.

    Raises InputError where none is there, or one is there twice.
    """
    profile, log = opening.profile, ReadLog()
    found = _find(opening, log)
    cutter = RowCutter()
    tables = []
    used: set[str] = set()
    for spec in profile.assembly.tables:
        if spec.rows_of != spec.name:
            continue  # it is made of the rows of another table
        name = _stem(spec.file)
        if name in found.texts:
            path = found.texts[name]
            tables.append(
                open_delimited_table(
                    spec, path, profile, log, cutter, to_sort=spec.name in opening.to_sort, any_case=True
                )
            )
        elif name in found.stored:
            tables.append(_open_stored(spec, found.stored[name], profile, log, to_sort=spec.name in opening.to_sort))
        elif name in found.sheets:
            book, sheet = found.sheets[name]
            to_sort = spec.name in opening.to_sort
            tables.append(open_sheet_table(spec, book, sheet, profile, log, to_sort=to_sort, any_case=True))
        else:
            _say_absent(spec, found, log)
            continue
        used.add(name)
    if not tables:
        wanted = ", ".join(_stem(spec.file) for spec in profile.assembly.tables)
        raise InputError(f"none of the tables of {profile.id} is there", fix=f"give the tables {wanted}")
    references = _references(opening, found, used, log)
    _say_left_out(profile, found, used, log)
    return TableSource(profile.assembly, tuple(tables), opening.work, log, found.inputs, opening.memory, references)


# --- files ----------------------------------------------------------------------------------------------------------


def _stem(file: str) -> str:
    return file.rpartition(".")[0].lower()


def _find(opening: Opening, log: ReadLog) -> _Found:
    texts: dict[str, Path] = {}
    parquet, databases, books, others = [], [], [], []
    paths = find_files(opening.inputs)
    for path in paths:
        plain = Path(plain_name(path))
        if plain.suffix.lower() in _TEXT_SUFFIXES:
            if _stem(plain.name) in texts:
                raise _twice(plain, texts[_stem(plain.name)])
            texts[_stem(plain.name)] = path
        elif is_refused_spreadsheet(path):
            raise refused_spreadsheet(path)
        elif is_workbook(path):
            books.append(path)
        elif path.suffix.lower() == ".parquet":
            parquet.append(path)
        elif path.suffix.lower() in (*DUCKDB_SUFFIXES, *SQLITE_SUFFIXES):
            databases.append(path)
        else:
            others.append(path)
    if len(databases) > 1:
        raise InputError("there is more than one database among the input", fix="give the one that holds the tables")
    stored = _stored(Database(opening.work, opening.memory), parquet, databases)
    for name in sorted(texts.keys() & stored.keys()):
        raise _twice(texts[name], Path(stored[name].file))
    sheets = _sheets(books, {**texts, **{name: Path(table.file) for name, table in stored.items()}})
    for path in others:
        _say_unknown_file(path, opening.profile, log)
    return _Found(texts, stored, sheets, tuple(path for path in paths if path not in others))


def _sheets(books: list[Path], others: Mapping[str, Path]) -> dict[str, tuple[Workbook, str]]:
    """The sheets of workbooks by name in lower case. Raises InputError where one of the *others* is called the same."""
    made: dict[str, tuple[Workbook, str]] = {}
    for path in books:
        book = open_workbook(path)
        for sheet in book.sheets:
            name = sheet.lower()
            if name in others or name in made:
                other = others[name] if name in others else made[name][0].path
                raise InputError(f"the table {sheet} is there twice", file=path.name, fix=f"remove it or {other.name}")
            made[name] = (book, sheet)
    return made


def _twice(path: Path, other: Path) -> InputError:
    return InputError(f"the table {_stem(path.name)} is there twice", file=path.name, fix=f"remove it or {other.name}")


def _stored(database: Database, parquet: list[Path], databases: list[Path]) -> dict[str, StoredTable]:
    made = database.of_parquet(parquet)
    for path in databases:
        tables = database.of_duckdb if path.suffix.lower() in DUCKDB_SUFFIXES else database.of_sqlite
        for name, table in tables(path).items():
            if name in made:
                raise _twice(Path(made[name].file), path)
            made[name] = table
    return made


def _say_absent(spec: TableAssembly, found: _Found, log: ReadLog) -> None:
    name = _stem(spec.file)
    close = difflib.get_close_matches(name, found.names(), n=1)
    hint = f"is it {close[0]}?" if close else "export it if the database holds it"
    severity = Severity.WARNING if spec.expected else Severity.INFO
    cell = Cell(spec.file, None, None)
    log.findings.append(Finding("source.table-absent", severity, f"the table {name} is not there", cell=cell, fix=hint))


def _say_unknown_file(path: Path, profile: Profile, log: ReadLog) -> None:
    name = readable_name(path.name)
    message = f"{name} is no table of {profile.id} and was not read"
    fix = "give tables as .csv, .parquet, .xlsx, .duckdb or .sqlite"
    log.findings.append(Finding("source.unknown-file", Severity.WARNING, message, cell=Cell(name, None, None), fix=fix))


def _say_left_out(profile: Profile, found: _Found, used: set[str], log: ReadLog) -> None:
    """Tables that are not read: those that the profile leaves out, with its reason, and those that nobody knows."""
    files = {**{n: p.name for n, p in found.texts.items()}, **{n: t.file for n, t in found.stored.items()}}
    files |= {name: book.file_of(sheet) for name, (book, sheet) in found.sheets.items()}
    for name in sorted(files.keys() - used):
        cell = Cell(readable_name(files[name]), None, None)
        reason = profile.left_out_tables.get(name)
        if reason is not None:
            log.findings.append(
                Finding(
                    "mapping.left-out", Severity.INFO, f"the table is not read: {reason}", Outcome.DROPPED, cell=cell
                )
            )
        else:
            known = [_stem(spec.file) for spec in profile.assembly.tables]
            close = difflib.get_close_matches(name, known, n=1)
            fix = f"rename it to {close[0]} if it is that table" if close else f"known: {', '.join(known)}"
            message = f"{readable_name(name)} is no table of {profile.id} and was not read"
            log.findings.append(Finding("source.unknown-file", Severity.WARNING, message, cell=cell, fix=fix))


# --- stored tables --------------------------------------------------------------------------------------------------


def _open_stored(
    spec: TableAssembly, stored: StoredTable, profile: Profile, log: ReadLog, *, to_sort: bool
) -> PhysicalTable:
    slots = profile.source.text_slots(spec.row_class)
    of_case = {name.lower(): name for name in (*slots, *spec.columns, profile.assembly.subject)}
    told = {column: of_case.get(column.lower(), column) for column in stored.columns}
    needed = needed_slots(profile, spec)
    read = [c for c in stored.columns if told[c] == profile.assembly.subject or spec.slot_of(told[c]) in needed]
    counted = [column for column in stored.columns if column not in read]
    header = tuple(readable_name(told[column]) for column in (*read, *counted))
    if profile.assembly.subject not in header:
        raise InputError(
            f"the column {profile.assembly.subject!r} is missing", file=stored.file, fix="add it, or rename its column"
        )
    for place, column in enumerate(stored.columns):
        known = {*slots, *profile.left_out_columns, profile.assembly.subject}
        if spec.slot_of(told[column]) not in known:
            say_unknown_column(readable_name(told[column]), place, set(slots), stored.file, log)
    index = header.index(profile.assembly.subject)
    order = profile.assembly.subject_order
    ascends = not to_sort and in_order(_first_keys(stored, read[index]), order)
    may_order = order == "numeric" and not stored.file.partition(":")[0].endswith(SQLITE_SUFFIXES)
    by_database = not ascends and not to_sort and may_order  # where that is not our order we sort it ourselves
    blanks = {column: profile.assembly.blank_texts(told[column]) for column in counted}
    asked = _Asked(stored, tuple(read), blanks, header, read[index] if by_database else None)
    blocks = partial(_blocks, asked, profile.assembly, log)
    all_columns = tuple(range(len(header)))
    return PhysicalTable(spec.name, stored.file, header, index, ascends or by_database, blocks, all_columns)


class _Asked(NamedTuple):
    """What is asked of a stored table."""

    stored: StoredTable
    read: tuple[str, ...]
    counted: Blanks
    header: tuple[str, ...]
    order: str | None


def _first_keys(stored: StoredTable, column: str) -> list[str]:
    rows = next(iter(stored.rows([column], {}, None)), [])
    return [cells[0].strip() for _, cells in rows[:_LOOKED_AT]]


def _blocks(asked: _Asked, assembly: Assembly, log: ReadLog) -> Iterator[RowBlock]:
    for rows in asked.stored.rows(asked.read, asked.counted, asked.order):
        usable = usable_rows(rows, asked.header, asked.stored.file, log)
        yield counted_block(usable, asked.header, assembly)


# --- tables that are looked up by key -------------------------------------------------------------------------------


def _references(opening: Opening, found: _Found, used: set[str], log: ReadLog) -> dict[str, Path]:
    """Every reference table that is there, as a file that answers by key."""
    made = {}
    for name, reference in opening.profile.assembly.references.items():
        stem = _stem(reference.file)
        ragged: list[int] = []
        rows = _reference_rows(reference, stem, found, opening.profile, ragged)
        if rows is None:
            cell = Cell(reference.file, None, None)
            message = f"the table {stem} is not there, by which codes are looked up"
            fix = "give it with the others: without it the source's own numbers are carried as codes"
            log.findings.append(Finding("source.table-absent", Severity.WARNING, message, cell=cell, fix=fix))
            continue
        used.add(stem)
        path = opening.work / f"{stem}.sqlite"
        path.unlink(missing_ok=True)
        opening.work.mkdir(mode=0o700, parents=True, exist_ok=True)
        build_reference(map(_readable, rows), path)
        made[name] = path
        if ragged:
            cell = Cell(reference.file, ragged[0], None)
            message = "rows have not as many cells as the header: what they say of codes is not used"
            fix = "export the table again; it is delimited by commas, or by tabs without quotes"
            bad = Finding("source.ragged-row", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix=fix)
            log.findings.append(replace(bad, count=len(ragged)))
    return made


def _readable(row: tuple[str, str, str, str, str]) -> tuple[str, str, str, str, str]:
    """The row with what is no text in its encoding shown as U+FFFD, so that every format can hold it."""
    key, code, vocabulary, name, invalid = map(readable_name, row)
    return key, code, vocabulary, name, invalid


def _reference_rows(
    reference: Reference, stem: str, found: _Found, profile: Profile, ragged: list[int]
) -> Iterator[tuple[str, str, str, str, str]] | None:
    wanted = [reference.key, reference.code, reference.vocabulary, reference.name, reference.invalid or ""]
    if stem in found.texts:
        assembly = profile.assembly
        dialect = Dialect(assembly.encoding, assembly.delimiter, assembly.quote)
        return _rows_of_text(found.texts[stem], dialect, wanted, ragged)
    if stem in found.stored:
        return _rows_of_stored(found.stored[stem], wanted)
    return None


def _rows_of_text(
    path: Path, dialect: Dialect, wanted: Sequence[str], ragged: list[int]
) -> Iterator[tuple[str, str, str, str, str]]:
    """The rows of a vocabulary in text. OHDSI's own downloads are delimited by tabs and know no quotes."""
    log = ReadLog()
    blocks = csv_blocks(path, dialect, log)
    first = next(blocks, None)
    if first is not None and len(first.records[0]) == 1 and "\t" in first.records[0][0]:
        blocks = csv_blocks(path, Dialect(dialect.encoding, "\t", "\0"), log)
        first = next(blocks, None)
    if first is None:
        raise InputError("the file is empty", file=path.name, fix="export it again or remove it")
    header = [name.strip().lower() for name in first.records[0]]
    places = _places(wanted, header, path.name)
    for block in chain([first], blocks):
        for number, cells in enumerate(block.records, start=block.first):
            if len(cells) != len(header):
                ragged.append(number)
            elif number > 1:
                yield _picked(cells, places)
    if log.partly:  # codes of records would be unknown that only this file lacks
        cut = log.findings[-1]
        raise InputError(cut.message, file=path.name, row=cut.cell.row if cut.cell else None, fix=cut.fix or "")


def _picked(cells: Sequence[str], places: Sequence[int]) -> tuple[str, str, str, str, str]:
    key, code, vocabulary, name, invalid = (cells[place] if place >= 0 else "" for place in places)
    return key.strip(), code, vocabulary, name, invalid


def _places(wanted: Sequence[str], header: Sequence[str], file: str) -> list[int]:
    missing = [name for name in wanted if name and name.lower() not in header]
    if missing:
        raise InputError(f"the column {missing[0]!r} is missing", file=file, row=1, fix="export the table whole")
    return [header.index(name.lower()) if name else -1 for name in wanted]


def _rows_of_stored(stored: StoredTable, wanted: Sequence[str]) -> Iterator[tuple[str, str, str, str, str]]:
    places = _places(wanted, [column.lower() for column in stored.columns], stored.file)
    columns = [stored.columns[place] for place in places if place >= 0]
    for rows in stored.rows(columns, {}, None):
        for _, cells in rows:
            key, code, vocabulary, name, invalid = (*cells, "")[:5]
            yield key, code, vocabulary, name, invalid
