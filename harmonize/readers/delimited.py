"""Delimited text: several tables of one registry, one file each, brought together subject by subject in flat memory.

The same tables may stand in Excel workbooks (.xlsx), one sheet each, called as the table's file without its suffix. `.gz`,
`.zst` and `.zip` (one member) are read in place. A table whose rows are in the order of the subject's identifier is streamed;
another one is sorted first, out of core.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import InputError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.cells import readable_name
from harmonize.input.delimited_tables import RowCutter, open_delimited_table
from harmonize.input.files import find_files, plain_name
from harmonize.input.log import ReadLog
from harmonize.input.opening import Opening
from harmonize.input.subjects import PhysicalTable, TableSource
from harmonize.input.workbook_tables import (
    Workbook,
    is_refused_spreadsheet,
    is_workbook,
    open_sheet_table,
    open_workbook,
    refused_spreadsheet,
)
from harmonize.profiles.specification import Profile, TableAssembly


class _Found(NamedTuple):
    """The files of the input: text by its plain name, sheets by the name that their table has as a file."""

    paths: list[Path]
    texts: Mapping[str, Path]
    sheets: Mapping[str, tuple[Workbook, str]]

    def names(self) -> list[str]:
        """What there is, as names of tables."""
        return [*self.texts, *self.sheets]


def open_source(opening: Opening) -> TableSource:
    """Find the tables of the profile among the inputs (files, folders, workbooks), check their headers and the order of their rows."""
    profile, log = opening.profile, ReadLog()
    found = _find(opening, profile)
    cutter, tables, used = RowCutter(), [], set()
    for spec in profile.assembly.tables:
        if spec.rows_of != spec.name:
            continue  # it is made of the rows of another table
        table = _open(spec, found, opening, log, cutter)
        if table is None:
            _say_absent(spec, found.names(), log)
            continue
        tables.append(table)
        used.add(spec.file)
    if not tables:
        wanted = ", ".join(spec.file for spec in profile.assembly.tables if spec.rows_of == spec.name)
        raise InputError(f"none of the tables of {profile.id} is there", fix=f"point at the folder that holds {wanted}")
    _say_unknown(profile, found, used, log)
    books = {book.path for name, (book, _) in found.sheets.items() if name in used}
    inputs = tuple(p for p in found.paths if plain_name(p) in used or p in books)
    return TableSource(profile.assembly, tuple(tables), opening.work, log, inputs, opening.memory)


def _open(
    spec: TableAssembly, found: _Found, opening: Opening, log: ReadLog, cutter: RowCutter
) -> PhysicalTable | None:
    to_sort = spec.name in opening.to_sort
    if spec.file in found.texts:
        return open_delimited_table(spec, found.texts[spec.file], opening.profile, log, cutter, to_sort=to_sort)
    if spec.file in found.sheets:
        book, sheet = found.sheets[spec.file]
        return open_sheet_table(spec, book, sheet, opening.profile, log, to_sort=to_sort)
    return None


def _find(opening: Opening, profile: Profile) -> _Found:
    paths = find_files(opening.inputs)
    texts = {plain_name(path): path for path in paths if not is_workbook(path)}
    sheets: dict[str, tuple[Workbook, str]] = {}
    suffixes = {_stem(spec.file): spec.file for spec in profile.assembly.tables}
    for path in paths:
        if is_refused_spreadsheet(path):
            raise refused_spreadsheet(path)
        if not is_workbook(path):
            continue
        book = open_workbook(path)
        for sheet in book.sheets:
            name = suffixes.get(sheet, sheet)
            if name in sheets or name in texts:
                other = sheets[name][0].path.name if name in sheets else texts[name].name
                raise InputError(f"the table {sheet} is there twice", file=path.name, fix=f"remove it or {other}")
            sheets[name] = (book, sheet)
    return _Found(paths, texts, sheets)


def _stem(file: str) -> str:
    return file.rpartition(".")[0]


def _say_absent(spec: TableAssembly, names: list[str], log: ReadLog) -> None:
    close = difflib.get_close_matches(spec.file, names, n=1)
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


def _say_unknown(profile: Profile, found: _Found, used: set[str], log: ReadLog) -> None:
    """Files and sheets that are not read: those that the profile leaves out, with its reason, and those that nobody knows."""
    known = [spec.file for spec in profile.assembly.tables if spec.rows_of == spec.name]
    files = {name: path.name for name, path in found.texts.items()}
    files |= {name: book.file_of(sheet) for name, (book, sheet) in found.sheets.items()}
    for name, file in files.items():
        if name in used:
            continue
        told, cell = readable_name(name), Cell(readable_name(file), None, None)
        stem = _stem(name) if name in found.texts else name
        reason = profile.left_out_tables.get(stem.lower())
        if reason is not None:
            message = f"the table is not read: {reason}"
            log.findings.append(Finding("mapping.left-out", Severity.INFO, message, Outcome.DROPPED, cell=cell))
            continue
        named = known if name in found.texts else [_stem(file) for file in known]  # a sheet has no suffix
        close = difflib.get_close_matches(name, named, n=1)
        fix = f"rename it to {close[0]} if it is that table" if close else f"known: {', '.join(named)}"
        message = f"{told} is no table of {profile.id} and was not read"
        log.findings.append(Finding("source.unknown-file", Severity.WARNING, message, cell=cell, fix=fix))
