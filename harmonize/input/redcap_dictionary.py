"""REDCap data dictionaries: the fields of a project, their forms, choices, validation and branching logic.

Source: REDCap, *Data Dictionary* (the CSV that a project's designer downloads, 18 columns) and the API method *Export
Metadata* (the same under other names, CSV or JSON). The first column is named `Variable / Field Name`, `field_name` or,
in files that passed through other tools, anything at all: it is known by its place before `Form Name`.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harmonize.errors import InputError
from harmonize.input.csv_records import Dialect, csv_records
from harmonize.input.files import plain_name
from harmonize.input.json_records import array_records
from harmonize.input.log import ReadLog
from harmonize.profiles.branching import checkbox_column

NO_DATA = ("descriptive",)
"""Field types that show something and hold no value."""
_CHOICE_TYPES = ("dropdown", "radio", "checkbox")
_COLUMNS = {  # column of the dictionary -> name in the API's metadata
    "form name": "form_name",
    "section header": "section_header",
    "field type": "field_type",
    "field label": "field_label",
    "choices, calculations, or slider labels": "select_choices_or_calculations",
    "field note": "field_note",
    "text validation type or show slider number": "text_validation_type_or_show_slider_number",
    "text validation min": "text_validation_min",
    "text validation max": "text_validation_max",
    "identifier?": "identifier",
    "branching logic (show field only if...)": "branching_logic",
    "required field?": "required_field",
}
_TAG = re.compile(r"<[^<>]{0,1000}>")


class Choice(NamedTuple):
    """A choice of a field: the code that records hold, and its label."""

    code: str
    label: str


class Field(NamedTuple):
    """A field of the dictionary. `ontology` names the vocabulary of an autocompleted field (BIOPORTAL:HP is HP)."""

    name: str
    form: str
    kind: str
    label: str
    choices: tuple[Choice, ...]
    ontology: str | None
    validation: str | None
    minimum: str | None
    maximum: str | None
    branching: str | None
    identifier: bool
    required: bool

    def columns(self) -> tuple[str, ...]:
        """The columns that an export has for the field: one, or one for every choice of a checkbox.

        Source: REDCap exports name them `field___code`, in lower case, other characters than letters and digits as `_`.
        """
        if self.kind == "checkbox":
            return tuple(checkbox_column(self.name, choice.code) for choice in self.choices)
        return (self.name,)


def is_field_name(name: str) -> bool:
    """Whether *name* is spelt as REDCap spells the names of fields and columns: small letters, digits and `_`.

    >>> is_field_name("symptoms___hp_0001250"), is_field_name("Jane Doe"), is_field_name("1985-09-10")
    (True, False, False)
    """
    return re.fullmatch("[a-z][a-z0-9_]*", name) is not None


def is_dictionary(columns: Sequence[str]) -> bool:
    """Whether a table with these columns is a data dictionary and no export of records.

    >>> is_dictionary(["1", "Form Name", "Section Header", "Field Type"]), is_dictionary(["record_id", "sex"])
    (True, False)
    """
    names = {column.strip().lower() for column in columns}
    return {"form name", "field type"} <= names or {"field_name", "form_name", "field_type"} <= names


def read_dictionary(path: Path) -> tuple[Field, ...]:
    """The fields of the dictionary *path* (CSV, or the API's JSON). Raises InputError where it is none."""
    fields = tuple(_field(row, path, number) for number, row in _rows(path))
    if not fields:
        raise InputError("the data dictionary holds no field", file=path.name, fix="download it again from REDCap")
    names = Counter(field.name for field in fields)
    doubled = next((name for name, number in names.items() if number > 1), None)
    if doubled:
        raise InputError(f"the field {doubled!r} stands twice", file=path.name, fix="keep one of them")
    return fields


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(row, cells by the names of the API's metadata)."""
    log = ReadLog()
    yield from _records(path, log)
    if log.partly:
        raise InputError(
            "the data dictionary is cut off or broken", file=path.name, fix="download it again from REDCap"
        )


def _records(path: Path, log: ReadLog) -> Iterator[tuple[int, Mapping[str, str]]]:
    if plain_name(path).endswith(".json"):
        for number, record in array_records(path, log):
            texts = {name: str(value).strip() for name, value in record.items() if value is not None}
            yield number, {name: text for name, text in texts.items() if text}
        return
    records = csv_records(path, Dialect(strict=False), log)
    header = [cell.strip().lower() for cell in next(records, (1, []))[1]]
    if not is_dictionary(header):
        raise InputError(
            "it is no REDCap data dictionary", file=path.name, row=1, fix="download it from REDCap's designer"
        )
    names = ["field_name", *(_COLUMNS.get(cell, cell) for cell in header[1:])]
    for number, cells in records:  # rows may be one cell longer than the header
        yield number, {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}


def _field(row: Mapping[str, str], path: Path, number: int) -> Field:
    name = row.get("field_name", "")
    if not is_field_name(name) or not is_field_name(row.get("form_name", "")) or "field_type" not in row:
        raise InputError(
            "the row states no field of REDCap (name in lower case, form, type)",
            file=path.name,
            row=number,
            fix="download the dictionary again from REDCap",
        )
    kind, stated = row["field_type"], row.get("select_choices_or_calculations", "")
    ontology = stated.partition(":")[2] or None if kind == "text" and stated.startswith("BIOPORTAL:") else None
    choices = _choices(stated) if kind in _CHOICE_TYPES else ()
    if kind == "yesno":
        choices = (Choice("1", "Yes"), Choice("0", "No"))
    if kind == "truefalse":
        choices = (Choice("1", "True"), Choice("0", "False"))
    return Field(
        name=name,
        form=row["form_name"],
        kind=kind,
        label=plain_label(row.get("field_label", "")),
        choices=choices,
        ontology=ontology,
        validation=row.get("text_validation_type_or_show_slider_number"),
        minimum=row.get("text_validation_min"),
        maximum=row.get("text_validation_max"),
        branching=" ".join(row.get("branching_logic", "").split()) or None,
        identifier=row.get("identifier", "").lower() == "y",
        required=row.get("required_field", "").lower() == "y",
    )


def _choices(text: str) -> tuple[Choice, ...]:
    """`1, Yes | 0, No`: a code ends at the first comma, a choice at a bar; labels may hold commas.

    >>> _choices("a, Yes, surely | b, No")
    (Choice(code='a', label='Yes, surely'), Choice(code='b', label='No'))
    """
    made = []
    for part in text.split("|"):
        code, comma, label = part.partition(",")
        if code.strip():
            made.append(Choice(code.strip(), plain_label(label) if comma else code.strip()))
    return tuple(made)


def plain_label(text: str) -> str:
    """A label without the HTML that REDCap lets designers write.

    >>> plain_label("<div><b>1.1</b> Sex &amp; gender</div>")
    '1.1 Sex & gender'
    """
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())
