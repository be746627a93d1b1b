"""Delimited text: several tables of one registry, one file each, brought together subject by subject in flat memory.

`.gz`, `.zst` and `.zip` (one member) are read in place. A table whose rows are in the order of the subject's identifier is
streamed; another one is sorted first, out of core.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from harmonize.errors import InputError
from harmonize.findings import Cell, Finding, Severity
from harmonize.input.cells import readable_name
from harmonize.input.delimited_tables import open_delimited_table
from harmonize.input.files import find_files, plain_name
from harmonize.input.log import ReadLog
from harmonize.input.opening import Opening
from harmonize.input.subjects import TableSource
from harmonize.profiles.specification import Profile, TableAssembly


def open_source(opening: Opening) -> TableSource:
    """Find the tables of the profile among the inputs (files, folders), check their headers and the order of their rows."""
    profile, log = opening.profile, ReadLog()
    paths = find_files(opening.inputs)
    tables, used = [], []
    for spec in profile.assembly.tables:
        if spec.rows_of != spec.name:
            continue  # it is made of the rows of another table
        path = next((path for path in paths if plain_name(path) == spec.file), None)
        if path is None:
            _say_absent(spec, paths, log)
            continue
        tables.append(open_delimited_table(spec, path, profile, log, to_sort=spec.name in opening.to_sort))
        used.append(path)
    if not tables:
        wanted = ", ".join(spec.file for spec in profile.assembly.tables)
        raise InputError(f"none of the tables of {profile.id} is there", fix=f"point at the folder that holds {wanted}")
    _say_unknown(profile, paths, {table.file for table in tables}, log)
    return TableSource(profile.assembly, tuple(tables), opening.work, log, tuple(used), opening.memory)


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
