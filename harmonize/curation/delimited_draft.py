"""The files of a draft whose source is delimited tables: a class for each table, a slot for each column, the identifier mapped."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harmonize.curation.draft_profile import root_map, source_document, write_draft, yaml_text
from harmonize.errors import InputError
from harmonize.input.csv_records import Dialect

ROOT = "Record"
"""The source class of a subject with all its rows."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_LONGEST = 80
"""Characters of a name that is made: a number and what a class or enumeration adds find room behind them."""
MAX_NAME = 200
"""Characters of the name of a column. What is longer is a text, and no profile that holds it could be loaded."""


@dataclass(frozen=True)
class DraftedColumn:
    """A column: its name in the file, what is said of it, and the values that a public list allows."""

    name: str
    description: str
    values: Mapping[str, str] | None = None
    """Value -> what it means; None: no list is known."""
    required: bool = False


@dataclass(frozen=True)
class DraftedTable:
    """A table: what its file is called with and without suffix, what is said of it, its columns but that of the subject."""

    stem: str
    file: str
    description: str
    columns: Sequence[DraftedColumn]


@dataclass(frozen=True)
class DelimitedDraft:
    """What is drafted, and what is not read with the reason."""

    profile_id: str
    origin: str
    """The file or folder that it was drafted from."""
    specification: str
    subject: str
    """Column of the subject's identifier."""
    tables: Sequence[DraftedTable]
    dialect: Dialect
    left_out: Mapping[str, str]
    """Stem of a file -> why no row of it is read."""
    notes: str
    """What README.md says of where the draft comes from, and what must be decided by hand."""


def slot_name(text: str, otherwise: str) -> str:
    """*text* as the name of a slot; *otherwise* where nothing of it can stand in one.

    >>> slot_name("Fallzusammenführung (J/N)", "x"), slot_name("1st visit", "x"), slot_name("class", "x"), slot_name("Ωμέγα", "x")
    ('Fallzusammenfuhrung_J_N', 'c_1st_visit', 'class_', 'x')
    """
    name = text
    if _NAME.fullmatch(text) is None:
        plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        name = re.sub("[^A-Za-z0-9]+", "_", plain).strip("_")[:_LONGEST].rstrip("_")
        if not name:
            return otherwise
        name = name if name[0].isalpha() else f"c_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name  # `expr` is read as Python names


def distinct(name: str, taken: Collection[str]) -> str:
    """*name*, with a number behind it where it is taken.

    >>> distinct("sex", {"sex", "sex_2"})
    'sex_3'
    """
    made, number = name, 2
    while made in taken:
        made, number = f"{name[:_LONGEST]}_{number}", number + 1
    return made


def require_subject_name(subject: str, file: str) -> None:
    """Raises InputError where a profile cannot name the column *subject* of the identifier: it is a slot as well."""
    if slot_name(subject, "") != subject:
        raise InputError(
            f"the column {subject!r} of the subject has a name that no slot can have",
            file=file,
            fix=f"call it {slot_name(subject, 'subject_id')} where the tables are made",
        )


@dataclass(frozen=True)
class _Named:
    """A table with the names that it has in the profile."""

    table: DraftedTable
    name: str
    row_class: str
    slots: Mapping[str, DraftedColumn]


def write_delimited_draft(draft: DelimitedDraft, folder: Path) -> list[Path]:
    """Write *draft* into *folder*; the files written. Raises CallError where that cannot be."""
    tables = _named(draft)
    texts = {
        "profile.yaml": yaml_text(_card(draft, tables)),
        "source.yaml": yaml_text(_source(draft, tables)),
        "map.yaml": yaml_text(root_map(draft.profile_id, ROOT, draft.subject)),
        "README.md": _readme(draft),
    }
    return write_draft(folder, texts)


def _named(draft: DelimitedDraft) -> list[_Named]:
    names, classes, made = {draft.subject}, {ROOT}, []
    for number, table in enumerate(draft.tables, start=1):
        name = distinct(slot_name(table.stem, f"table_{number}"), names)
        words = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
        row_class = distinct(words, classes)
        names.add(name)
        classes.add(row_class)
        slots: dict[str, DraftedColumn] = {}
        for place, column in enumerate(table.columns, start=1):
            slots[distinct(slot_name(column.name, f"column_{place}"), {draft.subject, *slots})] = column
        made.append(_Named(table, name, row_class, slots))
    return made


def _card(draft: DelimitedDraft, tables: Sequence[_Named]) -> dict[str, Any]:
    card: dict[str, Any] = {
        "id": draft.profile_id,
        "title": f"Tables after {draft.origin}",
        "version": "0.1.0",
        "licence": "Apache-2.0",
        "owner": "to be filled in",
        "specification": {"name": draft.specification, "version": "to be filled in"},
        "identifiers": {draft.subject: {"class": "subject", "privacy": "direct"}},
        "assemble": {
            "reader": "delimited",
            "subject": draft.subject,
            "delimited": {
                "encoding": draft.dialect.encoding,
                "delimiter": draft.dialect.delimiter,
                "quote": draft.dialect.quote,
            },
            "tables": {named.name: _table(named) for named in tables},
        },
    }
    if draft.left_out:
        card["left_out"] = [{"tables": [stem], "reason": reason} for stem, reason in draft.left_out.items()]
    return card


def _table(named: _Named) -> dict[str, Any]:
    made: dict[str, Any] = {"class": named.row_class, "slot": named.name, "repeats": "many"}
    if named.table.file != f"{named.name}.csv":
        made["file"] = named.table.file
    columns = {column.name: slot for slot, column in named.slots.items() if column.name != slot}
    return made | ({"columns": columns} if columns else {})


def _source(draft: DelimitedDraft, tables: Sequence[_Named]) -> dict[str, Any]:
    enums: dict[str, Any] = {}
    shared: dict[tuple[tuple[str, str], ...], str] = {}
    root: dict[str, Any] = {draft.subject: {"description": "Identifier of the subject.", "required": "true"}}
    classes: dict[str, Any] = {ROOT: {"tree_root": "true", "description": "One subject.", "attributes": root}}
    for named in tables:
        root[named.name] = {
            "range": named.row_class,
            "inlined": "true",
            "multivalued": "true",
            "inlined_as_list": "true",
        }
        slots = {slot: _slot(slot, column, enums, shared) for slot, column in named.slots.items()}
        classes[named.row_class] = {"description": named.table.description, "attributes": slots}
    return source_document(draft.profile_id, "Subjects with their rows", classes, enums)


def _slot(
    slot: str, column: DraftedColumn, enums: dict[str, Any], shared: dict[tuple[tuple[str, str], ...], str]
) -> dict[str, Any]:
    """A slot; lists of the same values are one list."""
    made: dict[str, Any] = {"description": column.description}
    if column.required:
        made["required"] = "true"
    if column.values:
        key = tuple(column.values.items())
        if key not in shared:
            shared[key] = distinct(f"{slot[:_LONGEST]}_values", enums)
            enums[shared[key]] = {"permissible_values": {v: {"description": said} for v, said in key}}
        made["range"] = shared[key]
    return made


def _readme(draft: DelimitedDraft) -> str:
    columns = sum(len(table.columns) for table in draft.tables)
    number = f"{len(draft.tables)} table" + ("s" if len(draft.tables) != 1 else "")
    not_read = "".join(f"- `{stem}`: {reason}\n" for stem, reason in draft.left_out.items())
    left_out = f"\nNot read (`left_out` in `profile.yaml`):\n\n{not_read}" if not_read else ""
    return f"""# {draft.profile_id}

Drafted by `harmonize profiles new` from `{draft.origin}`: {columns} columns in {number}, beside `{draft.subject}`, the identifier of
the subject, which must stand in each of them. Say here where the tables come from, who keeps them, and what is not carried and why.

{draft.notes}
{left_out}
To do, in this order: `harmonize profiles check` of this folder lists the columns that wait for a decision; map each in `map.yaml`, or
list it under `left_out` in `profile.yaml` with the reason; write `repeats: once` in `profile.yaml`, and take `multivalued` and
`inlined_as_list` away in `source.yaml`, for tables that hold one row a subject; write a case into `cases/`.
"""
