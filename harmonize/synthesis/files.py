"""Synthetic rows as files of the physical form that a profile's reader reads."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from harmonize.errors import NotAvailableError, SpecificationError
from harmonize.profiles.specification import Profile, TableAssembly

Row = dict[str, str]
Tables = Mapping[str, Sequence[Row]]
"""The rows of one subject by table of the profile."""


class FixedFile(NamedTuple):
    """A file that is the same whatever subjects are made."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def write_fixed(profile: Profile, files: Mapping[str, FixedFile], out: Path) -> dict[str, int]:
    """Write *files* into the folder *out*; rows by file."""
    assembly = profile.assembly
    for name, made in files.items():
        with (out / name).open("w", encoding=assembly.encoding, newline="") as file:
            writer = csv.writer(file, delimiter=assembly.delimiter, quotechar=assembly.quote, lineterminator="\n")
            writer.writerows([made.columns, *made.rows])
    return {name: len(made.rows) for name, made in files.items()}


def write_subjects(
    profile: Profile, columns: Mapping[str, Sequence[str]], subjects: Iterable[Tables], out: Path
) -> dict[str, int]:
    """Write *subjects* into the folder *out*; rows by file. *columns* names the columns of every table."""
    writer = _WRITERS.get(profile.assembly.reader)
    if writer is None:
        raise NotAvailableError(f"synthetic records for the reader {profile.assembly.reader!r}")
    out.mkdir(parents=True, exist_ok=True)
    return writer(profile, columns, subjects, out)


def _write_delimited(
    profile: Profile, columns: Mapping[str, Sequence[str]], subjects: Iterable[Tables], out: Path
) -> dict[str, int]:
    assembly = profile.assembly
    names = {table.name: table.file for table in assembly.tables if table.rows_of == table.name}
    for table in columns:
        if table not in names:
            what = f"{table!r} as rows of its own: they"
            raise SpecificationError(f"{what} are rows of another table", fix="give them among the rows of that table")
    written = {names[table]: 0 for table in columns}
    files = {table: (out / names[table]).open("w", encoding=assembly.encoding, newline="") for table in columns}
    try:
        writers = {
            table: csv.DictWriter(
                file,
                columns[table],
                restval="",
                delimiter=assembly.delimiter,
                quotechar=assembly.quote,
                lineterminator="\n",
            )
            for table, file in files.items()
        }
        for writer in writers.values():
            writer.writeheader()
        for tables in subjects:
            for table, rows in tables.items():
                writers[table].writerows(rows)
                written[names[table]] += len(rows)
    finally:
        for file in files.values():
            file.close()
    return written


def _write_redcap(
    profile: Profile, columns: Mapping[str, Sequence[str]], subjects: Iterable[Tables], out: Path
) -> dict[str, int]:
    """One JSON export: a row for the forms that do not repeat, one for each instance of the others."""
    specs = {table.name: table for table in profile.assembly.tables}
    subject = profile.assembly.subject
    structure = (subject, "redcap_repeat_instrument", "redcap_repeat_instance")
    fields = dict.fromkeys(name for table in columns for name in columns[table] if name not in structure)
    blank = dict.fromkeys((*structure, *fields), "")
    number = 0
    with (out / "records.json").open("wb") as file:
        file.write(b"[")
        for tables in subjects:
            for row in _export_rows(subject, specs, tables):
                file.write((b",\n" if number else b"\n") + orjson.dumps({**blank, **row}))
                number += 1
        file.write(b"\n]\n")
    return {"records.json": number}


def _export_rows(subject: str, specs: Mapping[str, TableAssembly], tables: Tables) -> list[Row]:
    base: dict[str, Row] = {}
    repeated: list[Row] = []
    instances: dict[tuple[str, str], int] = {}
    for table, rows in tables.items():
        stated = {selection.column: selection.texts[0] for selection in specs[table].where}
        form = stated.get("redcap_repeat_instrument", "")
        for row in rows:
            key = row[subject]
            if not form:
                base.setdefault(key, {}).update(row)
                continue
            instances[(key, form)] = instance = instances.get((key, form), 0) + 1
            repeated.append({**stated, **row, "redcap_repeat_instance": str(instance)})
    keys = dict.fromkeys([*base, *(row[subject] for row in repeated)])
    return [
        row
        for key in keys
        for row in (*([base[key]] if key in base else []), *(r for r in repeated if r[subject] == key))
    ]


def _write_xml(
    profile: Profile, columns: Mapping[str, Sequence[str]], subjects: Iterable[Tables], out: Path
) -> dict[str, int]:
    from harmonize.synthesis.xml_files import write_xml  # lxml is imported where it is used

    return write_xml(profile, columns, subjects, out)


_WRITERS = {"delimited": _write_delimited, "redcap": _write_redcap, "relational": _write_delimited, "xml": _write_xml}
