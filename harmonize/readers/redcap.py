"""REDCap exports: records as JSON or CSV, flat (one row a record, form and instance) or EAV (one row a value).

Source: REDCap API, method *Export Records*: `record_id` (the first field of the project), `redcap_event_name`,
`redcap_repeat_instrument`, `redcap_repeat_instance`, then the fields; in EAV `record`, `field_name`, `value` instead. A
checkbox is one column `field___code` a choice, with 1 or 0; 0 says that nothing was checked there and is no value.

All forms stand in one physical table; the profile selects theirs (`where: {redcap_repeat_instrument: FORM}`; blank for
forms that do not repeat). In JSON row N is the N-th object of the array. In EAV a row is everything that is stated of one
record, event, form and instance, numbered by its first value.

A data dictionary among the input is compared with the profile: what the project has added or changed is said.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

from harmonize.errors import InputError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.cells import readable_name, usable_cells
from harmonize.input.csv_records import MAX_COLUMNS, Dialect, csv_records, ragged
from harmonize.input.files import find_files, plain_name
from harmonize.input.json_records import DoubledKeys, array_records
from harmonize.input.log import ReadLog
from harmonize.input.opening import Opening
from harmonize.input.redcap_dictionary import NO_DATA, is_dictionary, is_field_name, read_dictionary
from harmonize.input.row_order import Sorting, sorted_rows
from harmonize.input.subjects import PhysicalTable, RowBlock, TableSource, counted_block, in_blocks, in_order
from harmonize.profiles.assembly import BadRow
from harmonize.profiles.branching import checkbox_column
from harmonize.profiles.source_record import RawRow
from harmonize.profiles.specification import Assembly, Profile

_EVENT, _INSTANCE = "redcap_event_name", "redcap_repeat_instance"
_KEYS = (_EVENT, "redcap_repeat_instrument", _INSTANCE)
_EAV = frozenset({"record", "field_name", "value"})
Rows = Callable[[ReadLog | None], Iterator[RawRow]]
"""The rows of the export; what cannot be used is said in the log, or passed over without one."""


class _Export(NamedTuple):
    """An export: its columns, and its rows with their cells in the order of the columns."""

    header: tuple[str, ...]
    rows: Rows


def open_source(opening: Opening) -> TableSource:
    """Open the one export among *inputs* (files, folders) and compare the data dictionary that may lie beside it.

    Raises InputError where there is no export, or more than one.
    """
    log, profile, work = ReadLog(), opening.profile, opening.work
    path, dictionary = _sort_out(find_files(opening.inputs), profile, log)
    physical = next(iter(profile.assembly.physical_tables()))
    export = _open_export(path, physical, profile, work, log)
    subject = profile.assembly.subject
    if subject not in export.header:
        close = difflib.get_close_matches(subject, [name for name in export.header if is_field_name(name)], n=1)
        hint = f"rename {close[0]!r} to it" if close else "export it"
        raise InputError(f"the field {subject!r} is missing", file=path.name, fix=hint)
    _require_keys(export, profile, path)
    _say_unknown_columns(export.header, profile, path, log)
    if dictionary is not None:
        _compare(dictionary, profile, log)
    index = export.header.index(subject)
    order = profile.assembly.subject_order
    ascends = in_order((row.cells[index].strip() for row in export.rows(None)), order)
    numbered = _INSTANCE in export.header
    keys = tuple(export.header.index(name) for name in _KEYS if numbered and name in export.header)
    blocks = partial(_blocks, export, log, profile.assembly)
    all_columns = tuple(range(len(export.header)))
    table = PhysicalTable(physical, path.name, export.header, index, ascends, blocks, all_columns, keys)
    return TableSource(profile.assembly, (table,), work, log, (path,), opening.memory)


def _blocks(export: _Export, log: ReadLog, assembly: Assembly) -> Iterator[RowBlock]:
    return (counted_block(rows, export.header, assembly) for rows in in_blocks(export.rows(log)))


# --- files ----------------------------------------------------------------------------------------------------------


def _sort_out(paths: list[Path], profile: Profile, log: ReadLog) -> tuple[Path, Path | None]:
    """(export, data dictionary or None); other files are said not to be read."""
    exports, dictionaries = [], []
    for path in paths:
        if not plain_name(path).endswith((".json", ".csv")):
            name = readable_name(path.name)
            message = f"{name} is neither JSON nor CSV and was not read"
            finding = Finding(
                "source.unknown-file", Severity.WARNING, message, cell=Cell(name, None, None), fix="remove it"
            )
            log.findings.append(finding)
        elif is_dictionary(_first_columns(path)):
            dictionaries.append(path)
        else:
            exports.append(path)
    if len(exports) != 1 or len(dictionaries) > 1:
        what = "no export of records" if not exports else "more than one export or data dictionary"
        if dictionaries and not exports:
            what = f"a data dictionary ({dictionaries[0].name}) and no export of records"
        fix = f"give one export of {profile.id} (JSON or CSV), and its data dictionary if you like"
        raise InputError(f"there is {what} among the input", fix=fix)
    return exports[0], dictionaries[0] if dictionaries else None


def _first_columns(path: Path) -> Sequence[str]:
    if plain_name(path).endswith(".json"):
        return list(next(array_records(path, None), (0, {}))[1])
    return next(csv_records(path, Dialect(), None), (1, []))[1]


# --- the forms of an export -----------------------------------------------------------------------------------------


def _open_export(path: Path, physical: str, profile: Profile, work: Path, log: ReadLog) -> _Export:
    """The export with its columns found: one pass over the file."""
    if plain_name(path).endswith(".json"):
        header = tuple(dict.fromkeys(name for _, record in array_records(path, log) for name in record))
        names = _told(header, profile)
        rows: Rows = partial(_json_rows, path, physical, header, names)
    else:
        records = csv_records(path, Dialect(), log)
        header = tuple(cell.strip() for cell in next(records, (1, []))[1])
        names = _told(header, profile)
        rows = partial(_csv_rows, path, physical, names)
        if sum(1 for _ in records) == 0:  # read to the end: the pass is also the one that checks the file
            header = ()
    if not any(header):
        raise InputError("the file holds no record", file=path.name, fix="export it again")
    if len(header) > MAX_COLUMNS:
        raise InputError(f"more than {MAX_COLUMNS} columns", file=path.name, row=1, fix="check the file")
    if len(set(header)) != len(header):
        raise InputError("a column name is there twice", file=path.name, row=1, fix="give every column a name")
    if len(header) == 1 and ";" in header[0]:
        raise InputError(
            "the header is delimited by ';'", file=path.name, row=1, fix="export with commas, as REDCap does"
        )
    if "field_name" in header and set(header) & _EAV != _EAV:
        missing = " and ".join(sorted(_EAV - set(header)))
        raise InputError(f"an EAV export without {missing}", file=path.name, row=1, fix=f"export {missing} too")
    if set(header) >= _EAV:
        return _eav(header, rows, path, physical, profile, work)
    return _Export(names, rows)


def _told(header: Sequence[str], profile: Profile) -> tuple[str, ...]:
    """The names of the columns as they may be told: what is no name of a field may be a value that ran into the header."""
    known = _known_columns(profile)
    told = enumerate(header, start=1)
    return tuple(name if name in known or is_field_name(name) else f"field {place}" for place, name in told)


def _csv_rows(path: Path, physical: str, header: Sequence[str], log: ReadLog | None) -> Iterator[RawRow]:
    records = csv_records(path, Dialect(), None)
    next(records, None)
    for number, cells in records:
        if len(cells) == len(header):
            yield RawRow(number, _cells(cells, header, path.name, number, log))
        elif log is not None:
            log.reject_row(ragged(physical, path.name, number, cells, len(header)))


def _json_rows(
    path: Path, physical: str, keys: Sequence[str], header: Sequence[str], log: ReadLog | None
) -> Iterator[RawRow]:
    for number, record in array_records(path, None):
        problem = _unusable(record)
        if problem is None:
            cells = [_text(record.get(key)) for key in keys]
            yield RawRow(number, _cells(cells, header, path.name, number, log))
        elif log is not None:
            cells = [value if isinstance(value := record.get(key), str) else "" for key in keys]
            finding = Finding(
                "source.record-shape",
                Severity.ERROR,
                problem,
                Outcome.REJECTED,
                cell=Cell(path.name, number, None),
                fix="export the records as REDCap writes them",
            )
            log.reject_row(BadRow(physical, RawRow(number, cells), finding))


def _unusable(record: Mapping[str, Any]) -> str | None:
    if isinstance(record, DoubledKeys):
        return "a field is there twice in the record"
    if any(isinstance(value, dict | list) for value in record.values()):
        return "a field of the record holds an object or a list"
    return None


def _text(value: Any) -> str:
    """The text of a JSON value: null is blank, true and false are REDCap's 1 and 0."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _cells(cells: Sequence[str], header: Sequence[str], file: str, number: int, log: ReadLog | None) -> Sequence[str]:
    """The cells, unchecked boxes blank."""
    made = ["" if cell == "0" and "___" in name else cell for name, cell in zip(header, cells, strict=True)]
    return usable_cells(made, header, file, number, log if log is not None else ReadLog())


# --- entity, attribute, value ---------------------------------------------------------------------------------------


def _eav(stated: Sequence[str], rows: Rows, path: Path, physical: str, profile: Profile, work: Path) -> _Export:
    """An EAV export as rows: the values of one record, event, form and instance together."""
    places = {name: index for index, name in enumerate(stated)}
    known = _known_columns(profile)
    fields: dict[str, None] = {}
    for row in rows(None):
        column, _ = _column(row.cells[places["field_name"]], row.cells[places["value"]], known)
        if column:
            fields[_NO_FIELD if column in places else column] = None
    subject = profile.assembly.subject
    header = (subject, *(name for name in _KEYS if name in places), *(name for name in fields if name != subject))
    return _Export(header, partial(_folded, _Eav(places, header, known, path.name, physical, work), rows))


_NO_FIELD = "(no name of a field)"
"""What stands for all fields that are not named as REDCap names fields: their names may be values."""


class _Eav(NamedTuple):
    places: Mapping[str, int]
    header: tuple[str, ...]
    known: frozenset[str]
    file: str
    physical: str
    work: Path


def _column(field: str, value: str, known: frozenset[str]) -> tuple[str, str]:
    """(column, value) as a flat export has them: a checked box is a column of its own."""
    name = field.strip()
    if not name:
        return (_NO_FIELD, value) if value else ("", "")
    if name not in known and (box := checkbox_column(name, value)) in known:
        return box, "1"
    return name if not name or name in known or is_field_name(name) else _NO_FIELD, value


def _folded(eav: _Eav, rows: Rows, log: ReadLog | None) -> Iterator[RawRow]:
    """The values of every record brought together and folded into rows."""
    record, said = eav.places["record"], ReadLog()
    ordered = sorted_rows(in_blocks(rows(said)), Sorting(record, "text"), eav.work, "eav")
    for key, values in groupby(chain.from_iterable(ordered), key=lambda row: row.cells[record].strip()):
        made: dict[tuple[str, ...], tuple[int, list[str]]] = {}
        for number, cells, _ in values:
            keys = tuple(cells[eav.places[name]] for name in _KEYS if name in eav.places)
            column, value = _column(cells[eav.places["field_name"]], cells[eav.places["value"]], eav.known)
            _, row = made.setdefault(keys, (number, [key, *keys, *[""] * (len(eav.header) - 1 - len(keys))]))
            if column == eav.header[0] and value and value != key:
                _say_twice(eav, column, number, log)
            elif column and column != eav.header[0]:
                _put(eav, row, _NO_FIELD if column in eav.places else column, value, number, log)
        for number, row in sorted(made.values()):
            yield RawRow(number, row)
    if log is not None:  # a row that cannot be read states no field, so none of its cells is a value of a column
        log.rejected += [bad._replace(row=RawRow(bad.row.number, [])) for bad in said.rejected]
        log.rejected_cells += said.rejected_cells


def _put(eav: _Eav, row: list[str], column: str, value: str, number: int, log: ReadLog | None) -> None:
    index = eav.header.index(column)
    if row[index] and value and row[index] != value:
        _say_twice(eav, column, number, log)
    row[index] = row[index] or value


def _say_twice(eav: _Eav, column: str, number: int, log: ReadLog | None) -> None:
    if log is None:
        return
    message = "the field is stated twice with two values; the first is used"
    cell = Cell(eav.file, number, column)
    finding = Finding(
        "source.duplicate-value", Severity.ERROR, message, Outcome.REJECTED, cell=cell, fix="keep one value"
    )
    log.reject_cell(f"{eav.file}/{column}", finding)


# --- what the profile knows -----------------------------------------------------------------------------------------


def _known_columns(profile: Profile) -> frozenset[str]:
    renamed = {column for table in profile.assembly.tables for column in table.columns}
    slots = {
        slot
        for table in profile.assembly.tables
        for slot in profile.source.text_slots(table.row_class)
        if slot not in table.columns.values()
    }
    selecting = {s.column for table in profile.assembly.tables for s in (*table.where, *table.unless)}
    return frozenset({profile.assembly.subject, *_KEYS, *slots, *renamed, *selecting, *profile.left_out_columns})


def _require_keys(export: _Export, profile: Profile, path: Path) -> None:
    """Raise InputError where the export does not say of which instrument a row is, or is of events that nobody tells apart."""
    tables = profile.assembly.tables
    for name in _KEYS:
        texts = {text for table in tables for s in table.where if s.column == name for text in s.texts}
        if texts - {""} and name not in export.header:
            raise InputError(
                f"the column {name!r} is missing, by which the profile tells the instruments apart",
                file=path.name,
                fix="export again with it: REDCap adds it to every export of a project with repeating instruments",
            )
    selecting = {s.column for table in tables for s in (*table.where, *table.unless)}
    slots = {
        table.slot_of(_EVENT) for table in tables if table.slot_of(_EVENT) in profile.source.classes[table.row_class]
    }
    if _EVENT in export.header and _EVENT not in selecting and not slots:
        index = export.header.index(_EVENT)
        events = set()
        for row in export.rows(None):
            events.add(row.cells[index].strip())
            if len(events - {""}) > 1:
                raise InputError(
                    "the project has several events, which the profile does not tell apart",
                    file=path.name,
                    fix=f"export one event, or add {_EVENT} to the `where` of the tables in a profile of your own",
                )


def _say_unknown_columns(header: Sequence[str], profile: Profile, path: Path, log: ReadLog) -> None:
    known = _known_columns(profile)
    for position, name in enumerate(header):
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            fix = f"rename it to {close[0]!r} if it is that field" if close else "add it to source.yaml and map.yaml"
            message = f"field {position + 1} is not known to the profile; its values are not carried"
            cell = Cell(path.name, 1, name)
            log.findings.append(
                Finding("source.unknown-column", Severity.WARNING, message, Outcome.DROPPED, cell=cell, fix=fix)
            )


def _compare(path: Path, profile: Profile, log: ReadLog) -> None:
    """Say where the project's dictionary has other fields or choices than the profile."""
    fields = [field for field in read_dictionary(path) if field.kind not in NO_DATA]
    known = {slot.name: slot for slots in profile.source.classes.values() for slot in slots.values()}
    stated = {column for field in fields for column in field.columns()}
    for field in fields:
        for column in field.columns():
            if column not in known and column != profile.assembly.subject:
                _say_difference(path, column, "the project has a field that the profile does not know", log)
        slot = known.get(field.name)
        values = profile.source.enums.get(slot.range) if slot is not None else None
        if values is not None and {choice.code for choice in field.choices} - values:
            _say_difference(path, field.name, "the project has choices that the profile does not know", log)
    boxes = {column.partition("___")[0] for column in stated if "___" in column}
    for name in sorted(known.keys() - stated - profile.left_out_columns.keys()):
        scalar = known[name].range not in profile.source.classes
        if scalar and name not in (profile.assembly.subject, *_KEYS) and name.partition("___")[0] not in boxes:
            _say_difference(path, name, "the profile has a field that the project does not have", log)


def _say_difference(path: Path, column: str, message: str, log: ReadLog) -> None:
    cell = Cell(path.name, None, column)
    fix = "take the dictionary over into a profile of the project: `harmonize profiles new ID --from DICTIONARY`"
    log.findings.append(Finding("source.dictionary-differs", Severity.WARNING, message, cell=cell, fix=fix))
