"""Delimited text: several tables of one registry, brought together subject by subject in flat memory.

Encoding, delimiter and quoting are what the profile declares, and are checked against the file: nothing is guessed,
because a wrong guess changes values in silence. A bad cell costs the cell, a bad row the row. `.gz`, `.zst` and `.zip`
(one member) are read in place. Rows are numbered by line of the table as RFC 4180 counts records: the header is row 1.

A table whose rows are in the order of the subject's identifier is streamed; another one is sorted first, in runs on
disk inside the run's private work folder.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from harmonize.errors import InputError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.cells import readable_name, usable_cells
from harmonize.input.csv_records import MAX_COLUMNS, Dialect, csv_records, ragged
from harmonize.input.files import find_files, plain_name, sha256
from harmonize.input.log import ReadLog
from harmonize.input.subjects import PhysicalTable, TableSource, in_order
from harmonize.profiles.assembly import RawRow
from harmonize.profiles.specification import Assembly, Profile, TableAssembly


def open_source(profile: Profile, inputs: Sequence[Path], work: Path) -> TableSource:
    """Find the tables of *profile* among *inputs* (files, folders), check their headers and the order of their rows."""
    log = ReadLog()
    paths = find_files(inputs)
    tables, digests = [], {}
    for spec in profile.assembly.tables:
        if spec.rows_of != spec.name:
            continue  # it is made of the rows of another table
        path = _match(spec, paths)
        if path is None:
            _say_absent(spec, paths, log)
            continue
        tables.append(_open_table(spec, path, profile, log))
        digests[path.name] = sha256(path)
    if not tables:
        wanted = ", ".join(spec.file for spec in profile.assembly.tables)
        raise InputError(f"none of the tables of {profile.id} is there", fix=f"point at the folder that holds {wanted}")
    _say_unknown(profile, paths, {table.file for table in tables}, log)
    return TableSource(profile.assembly, tuple(tables), work, log, digests)


# --- files ----------------------------------------------------------------------------------------------------------


def _match(spec: TableAssembly, paths: list[Path]) -> Path | None:
    return next((path for path in paths if plain_name(path) == spec.file), None)


def _say_absent(spec: TableAssembly, paths: list[Path], log: ReadLog) -> None:
    close = difflib.get_close_matches(spec.file, [plain_name(p) for p in paths], n=1)
    hint = f"is it {close[0]}?" if close and close[0] != spec.file else "export it if the registry holds it"
    severity = Severity.WARNING if spec.expected else Severity.INFO
    log.findings.append(
        Finding(
            "source.table-absent",
            severity,
            f"the table {spec.file} is not there",
            cell=Cell(spec.file, None, None),
            fix=hint,
        )
    )


def _say_unknown(profile: Profile, paths: list[Path], used: set[str], log: ReadLog) -> None:
    known = [spec.file for spec in profile.assembly.tables]
    for path in paths:
        if path.name not in used:
            close = difflib.get_close_matches(plain_name(path), known, n=1)
            fix = f"rename it to {close[0]} if it is that table" if close else f"known: {', '.join(known)}"
            name = readable_name(path.name)
            message = f"{name} is no table of {profile.id} and was not read"
            log.findings.append(
                Finding("source.unknown-file", Severity.WARNING, message, cell=Cell(name, None, None), fix=fix)
            )


# --- tables ---------------------------------------------------------------------------------------------------------


def _open_table(spec: TableAssembly, path: Path, profile: Profile, log: ReadLog) -> PhysicalTable:
    """Check header and order of one table: one quick pass over the file."""
    assembly = profile.assembly
    records = csv_records(path, _dialect(assembly), log)
    first, second = next(records, (1, []))[1], next(records, (2, []))[1]
    header = _header(first, path, profile, spec, log, has_rows=len(second) == len(first))
    index = header.index(assembly.subject)
    others = (cells for _, cells in records)
    ascends = in_order(cells[index].strip() if index < len(cells) else "" for cells in chain([second], others))
    rows = partial(_good_rows, spec.name, path, header, _dialect(assembly), log)
    return PhysicalTable(spec.name, path.name, header, index, ascends, rows)


def _dialect(assembly: Assembly) -> Dialect:
    return Dialect(assembly.encoding, assembly.delimiter, assembly.quote)


def _header(
    cells: list[str], path: Path, profile: Profile, spec: TableAssembly, log: ReadLog, *, has_rows: bool
) -> tuple[str, ...]:
    """The names of the columns. Without rows of its width, a header may have run into a row: unknown names are not told."""
    assembly = profile.assembly
    header = tuple(readable_name(cell.strip()) for cell in cells)
    if not any(header):
        raise InputError("the file is empty", file=path.name, fix="export it again or remove it")
    if len(header) > MAX_COLUMNS:
        raise InputError(f"more than {MAX_COLUMNS} columns", file=path.name, row=1, fix="check the delimiter")
    others = [d for d in ",;\t|" if d != assembly.delimiter and len(header) == 1 and d in header[0]]
    if others:
        name = {"\t": "tab"}.get(others[0], others[0])
        declared = {"\t": "tab"}.get(assembly.delimiter, assembly.delimiter)
        raise InputError(
            f"the profile declares the delimiter {declared!r}, the header is delimited by {name!r}",
            file=path.name,
            row=1,
            fix=f"export with {declared!r}, or set assemble.delimited.delimiter in a profile of your own",
        )
    doubles = [place for place, name in enumerate(header, start=1) if header.count(name) > 1]
    if doubles:
        # Places, not names: in a file without header the names are values of a patient.
        places = ", ".join(map(str, doubles[:10])) + (", ..." if len(doubles) > 10 else "")
        raise InputError(
            f"a column name is there twice (columns {places})",
            file=path.name,
            row=1,
            fix="give every column a name of its own",
        )
    if assembly.subject not in header:
        close = difflib.get_close_matches(assembly.subject, header, n=1)
        hint = f"rename {close[0]!r} to it" if close else "add it"
        raise InputError(f"the column {assembly.subject!r} is missing", file=path.name, row=1, fix=hint)
    known = {assembly.subject, *profile.left_out_columns}
    for table in assembly.physical_tables()[spec.name]:
        known |= {name for name in header if table.slot_of(name) in profile.source.classes[table.row_class]}
    if not has_rows:
        header = tuple(name if name in known else f"column {place}" for place, name in enumerate(header, start=1))
    for position, name in enumerate(header):
        if name not in known:
            _say_unknown_column(name, position, set(profile.source.classes[spec.row_class]), path, log)
    return header


def _say_unknown_column(name: str, position: int, known: set[str], path: Path, log: ReadLog) -> None:
    close = difflib.get_close_matches(name, known, n=1)
    fix = (
        f"rename it to {close[0]!r} if it is that column"
        if close
        else "remove it, or add it to source.yaml and map.yaml"
    )
    message = f"column {position + 1} is not known to the profile; its values are not carried"
    log.findings.append(
        Finding(
            "source.unknown-column", Severity.WARNING, message, Outcome.DROPPED, cell=Cell(path.name, 1, name), fix=fix
        )
    )


def _good_rows(name: str, path: Path, header: tuple[str, ...], dialect: Dialect, log: ReadLog) -> Iterator[RawRow]:
    """The rows that have the shape of the header; bad cells are blanked, bad rows reported."""
    records = csv_records(path, dialect, None)
    next(records, None)
    for number, cells in records:
        if len(cells) != len(header):
            log.rejected.append(ragged(name, path.name, number, cells, len(header)))
        else:
            yield RawRow(number, usable_cells(cells, header, path.name, number, log))
