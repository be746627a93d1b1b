"""A draft of a profile from a JSON Schema: every property is a column, only the subject's identifier is mapped.

Records come as tables, as registries hand them out that publish a schema of their rows: an object is a row, an object in it adds
columns (`consent.date`, as pandas.json_normalize and Miller flatten), an array in it is a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harmonize.curation.delimited_draft import (
    MAX_NAME,
    DelimitedDraft,
    DraftedColumn,
    DraftedTable,
    distinct,
    require_subject_name,
    slot_name,
    write_delimited_draft,
)
from harmonize.curation.draft_profile import check_new_profile
from harmonize.errors import CallError, InputError, UnknownNameError
from harmonize.input.csv_records import Dialect
from harmonize.input.files import plain_name
from harmonize.input.json_schema import JsonSchema, SchemaProperty, read_json_schema
from harmonize.safe_text import plain

_DESCRIPTION = 200


@dataclass
class _Table:
    """An object, or what an array holds: its place in a record, and its columns."""

    path: str
    stem: str
    columns: dict[str, SchemaProperty] = field(default_factory=dict)


def draft_from_json_schema(
    schema: Path, profile_id: str, folder: Path, *, subject: str | None, root: str | None = None
) -> list[Path]:
    """Write the draft of *profile_id* into *folder*; the files written.

    *subject* is the column of the subject's identifier, *root* the definition that describes the data. Raises CallError where the id is not
    of the form scope/name, the folder exists or no subject is said; InputError where the file is no JSON Schema that can be drafted
    from; UnknownNameError for a column or definition that is not there.
    """
    check_new_profile(profile_id, folder)
    read = read_json_schema(schema, root)
    stem = plain_name(schema).removesuffix(".json").removesuffix(".schema")
    tables = [table for table in _tables(read.root, root or stem) if table.columns]
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    if subject is None:
        told = ", ".join(map(plain, columns[:20])) + (", ..." if len(columns) > 20 else "")
        raise CallError(
            f"{schema.name} does not say which column identifies the subject; there are {told}. To mend it: --subject COLUMN"
        )
    if subject not in columns:
        raise UnknownNameError("column", subject, columns)
    require_subject_name(subject, schema.name)
    long = next((name for name in columns if len(name) > MAX_NAME), None)
    if long is not None:
        message = f"the path {plain(long)[:50]}... has more than {MAX_NAME} characters, too many for a column"
        raise InputError(message, file=schema.name, fix="begin further down with --root")
    draft = DelimitedDraft(
        profile_id,
        schema.name,
        f"JSON Schema {schema.name}",
        subject,
        [_drafted(table, subject) for table in tables],
        Dialect(),
        {},
        _notes(read, tables, subject),
    )
    return write_delimited_draft(draft, folder)


def _tables(root: SchemaProperty, stem: str) -> list[_Table]:
    """The table of the root, then one for each array, those that hold others first."""
    first = _Table("", slot_name(stem, "record"))
    tables = [first]
    _fill(first, root, "", "", tables)
    return tables


def _fill(table: _Table, holder: SchemaProperty, inside: str, path: str, tables: list[_Table]) -> None:
    """Put the properties of *holder* into *table*; *inside* is where it stands in the table's object, *path* where in the record."""
    for name, found in holder.properties.items():
        column, here = f"{inside}.{name}".lstrip("."), f"{path}/{name}"
        if found.repeats:
            made = _Table(here, distinct(slot_name(name, "rows"), {one.stem for one in tables}))
            tables.append(made)
            if found.properties:
                _fill(made, found, "", here, tables)
            else:
                made.columns[name] = found
        elif found.properties:
            _fill(table, found, column, here, tables)
        else:
            table.columns[column] = found


def _drafted(table: _Table, subject: str) -> DraftedTable:
    what = f"The rows of {plain(table.path)}" if table.path else "The records themselves"
    columns = [_column(name, found) for name, found in table.columns.items() if name != subject]
    return DraftedTable(table.stem, f"{table.stem}.csv", f"{what}.", columns)


def _column(name: str, found: SchemaProperty) -> DraftedColumn:
    said = ": ".join(dict.fromkeys(text for text in (found.title, found.description) if text))[:_DESCRIPTION]
    notes = [f"format {text}" for text in found.formats]
    notes += ["properties without names, as JSON"] if found.is_open else []
    notes += ["contains itself, cut here"] if found.is_cut else []
    description = f"{said or plain(name)} ({', '.join(notes)})" if notes else said or plain(name)
    values = {value: plain(value) for value in found.values}
    return DraftedColumn(name, description, values or None, found.required)


def _notes(schema: JsonSchema, tables: list[_Table], subject: str) -> str:
    return "\n\n".join(_paragraphs(schema, tables, subject))


def _paragraphs(schema: JsonSchema, tables: list[_Table], subject: str) -> Iterator[str]:
    yield (
        "Records are read from tables, one file each, delimited by commas, in UTF-8: an object of the schema is a row, an object in it\n"
        "adds columns (`consent.date`), an array in it is a table of its own. Say in `profile.yaml` (`file`, `delimited`) how yours are\n"
        "called and written."
    )
    lacking = [f"`{table.stem}`" for table in tables if subject not in table.columns]
    if lacking:
        yield (
            f"The schema has no `{subject}` in {', '.join(lacking)}: their rows stand inside of a record. As tables they need that\n"
            "column too and, where a row belongs to a row of another table, a key that both have (`join`)."
        )
    if schema.recursive:
        names = ", ".join(f"`{plain(name)}`" for name in schema.recursive)
        yield f"Properties that contain themselves are cut at the second one: {names}."
