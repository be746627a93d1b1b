"""Frames of a caller as the physical tables of a profile: Arrow, Polars, DuckDB, and whatever else streams Arrow.

A cell becomes the text that a CSV file would hold, and nothing is invented on the way: null and NaN are blank, a whole
number has no `.0` (a floating-point column does not say how many decimals were written), a decimal has the scale of its
type, a truth value is `true` or `false`, dates are ISO 8601, and a timestamp at midnight without a time zone is a day.
Rows are numbered as in such a file, whose header is row 1.

Source: Arrow PyCapsule interface (`__arrow_c_stream__`); ISO 8601.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harmonize.errors import CallError, InputError, NotAvailableError, UnknownNameError
from harmonize.findings import Cell, Finding, Outcome, Severity
from harmonize.input.cells import readable_name, usable_cells
from harmonize.input.csv_records import MAX_COLUMNS
from harmonize.input.log import ReadLog
from harmonize.input.subjects import PhysicalTable, RowBlock, TableSource, counted_block, in_blocks
from harmonize.profiles.source_record import RawRow
from harmonize.profiles.specification import Profile, TableAssembly
from harmonize.terminology.concept_table import build_reference

if TYPE_CHECKING:
    import pyarrow as pa

    Opener = Callable[[], pa.RecordBatchReader]

ROWS = 10_000
"""Rows that are texts at a time, however large the batches of a frame are."""
_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9:]{8})(?:[.]([0-9]+))?(Z|[+-][0-9]{4})?")


def load_pyarrow() -> Any:
    """The module `pyarrow`, with its kernels. Raises CallError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.compute
    except ImportError:
        raise CallError(
            "frames need pyarrow, which is not installed. To mend it: pip install 'harmonize[frames]'"
        ) from None
    return pyarrow


def open_frames(profile: Profile, frames: Mapping[str, object]) -> TableSource:
    """Open *frames*, by the name of the profile's table; nothing but their columns is read.

    Raises CallError where a frame is none, UnknownNameError where the profile has no such table, and InputError where
    the columns cannot be used. The caller gives the source a folder to `work` in before it asks for subjects.
    """
    if profile.assembly.reader not in ("delimited", "relational"):
        what = f"frames for the reader {profile.assembly.reader!r}"
        raise NotAvailableError(what, "Write the export to a file and convert that.")
    tables = [table for table in profile.assembly.tables if table.rows_of == table.name]
    known = [table.name for table in tables]
    for name in frames:
        if name not in known:
            raise UnknownNameError(f"table of {profile.id}", name, known)
    if not frames:
        raise CallError(f"no frame is given. To mend it: give some of {', '.join(known)}")
    log = ReadLog([_absent(table) for table in tables if table.name not in frames])
    opened = tuple(_open(table, frames[table.name], profile, log) for table in tables if table.name in frames)
    return TableSource(profile.assembly, opened, Path(), log, ())


def _absent(table: TableAssembly) -> Finding:
    severity = Severity.WARNING if table.expected else Severity.INFO
    message = f"the table {table.name} is not there"
    return Finding("source.table-absent", severity, message, cell=Cell(table.name, None, None))


def _open(table: TableAssembly, frame: object, profile: Profile, log: ReadLog) -> PhysicalTable:
    schema, open_rows = _look_at(table.name, frame)
    names = [readable_name(name.strip()) for name in schema.names]
    _check_names(table.name, names, profile.assembly.subject)
    known = _known_columns(table.name, names, profile)
    for place, name in enumerate(names):
        if name not in known:
            log.findings.append(_unknown_column(table, place, name, profile))
    places = [place for place, name in enumerate(names) if name in known]
    for place in places:
        _check_type(table.name, names[place], schema.field(place).type)
    header = tuple(names[place] for place in places)
    rows = partial(_rows, table.name, open_rows, places, header, log)
    index, all_columns = header.index(profile.assembly.subject), tuple(range(len(header)))
    blocks = partial(_blocks, rows, header, profile)
    return PhysicalTable(table.name, table.name, header, index, False, blocks, all_columns)


def _blocks(rows: Callable[[], Iterator[RawRow]], header: Sequence[str], profile: Profile) -> Iterator[RowBlock]:
    return (counted_block(block, header, profile.assembly) for block in in_blocks(rows()))


def write_references(profile: Profile, frames: Mapping[str, object], folder: Path) -> dict[str, Path]:
    """The frames of tables that are looked up by key, as files in *folder*. Raises InputError where a column is missing."""
    made = {}
    for name, frame in frames.items():
        reference = profile.assembly.references[name]
        schema, open_rows = _look_at(name, frame)
        names = [column.strip().lower() for column in schema.names]
        wanted = [reference.key, reference.code, reference.vocabulary, reference.name, reference.invalid or ""]
        missing = [column for column in wanted if column and column.lower() not in names]
        if missing:
            raise InputError(f"the column {missing[0]!r} is missing", file=name, fix="give the table whole")
        places = [names.index(column.lower()) if column else -1 for column in wanted]
        made[name] = folder / f"{name.lower()}.sqlite"
        build_reference(_reference_rows(open_rows, places), made[name])
    return made


def _reference_rows(open_rows: Opener, places: Sequence[int]) -> Iterator[tuple[str, str, str, str, str]]:
    for batch in open_rows():
        columns = [texts(batch.column(place)) if place >= 0 else [""] * batch.num_rows for place in places]
        yield from zip(*columns, strict=True)


def _look_at(table: str, frame: object) -> tuple[pa.Schema, Opener]:
    """The columns of *frame*, and what opens its rows.

    A connection of DuckDB has one open result at a time, so rows are asked for when those of the table before are read;
    only a stream that does not tell its columns otherwise is opened at once.
    """
    if callable(limit := getattr(frame, "limit", None)):
        schema = _stream(table, limit(0)).read_all().schema
    else:
        schema = getattr(frame, "schema", None)
    if isinstance(schema, load_pyarrow().Schema):
        return schema, partial(_stream, table, frame)
    stream = _stream(table, frame)
    return stream.schema, lambda: stream


def _stream(table: str, frame: object) -> pa.RecordBatchReader:
    """*frame* as a stream of Arrow batches."""
    if callable(scanner := getattr(frame, "scanner", None)):  # a pyarrow Dataset
        return scanner().to_reader()
    if callable(collect := getattr(frame, "collect", None)):  # a Polars LazyFrame
        frame = collect()
    if not hasattr(frame, "__arrow_c_stream__"):
        raise CallError(
            f"the frame for {table} is a {type(frame).__name__}, which streams no Arrow. "
            "To mend it: give a pyarrow Table, RecordBatchReader or Dataset, a Polars frame or a DuckDB relation"
        )
    return load_pyarrow().RecordBatchReader.from_stream(frame)


# --- columns --------------------------------------------------------------------------------------------------------


def _check_names(table: str, names: Sequence[str], subject: str) -> None:
    if len(names) > MAX_COLUMNS:
        raise InputError(f"more than {MAX_COLUMNS} columns", file=table, fix="select those that the profile knows")
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise InputError("a column name is there twice", file=table, fix="give every column a name of its own")
    if subject not in names:
        close = difflib.get_close_matches(subject, names, n=1)
        hint = f"rename {close[0]!r} to it" if close else "add it"
        raise InputError(f"the column {subject!r} is missing", file=table, fix=hint)


def _known_columns(physical: str, names: Sequence[str], profile: Profile) -> set[str]:
    known = {profile.assembly.subject, *profile.left_out_columns}
    for table in profile.assembly.physical_tables()[physical]:
        known |= {name for name in names if table.slot_of(name) in profile.source.classes[table.row_class]}
        known |= {selection.column for selection in (*table.where, *table.unless)}
    return known


def _unknown_column(table: TableAssembly, place: int, name: str, profile: Profile) -> Finding:
    close = difflib.get_close_matches(name, profile.source.classes[table.row_class], n=1)
    fix = f"rename it to {close[0]!r} if it is that column" if close else "drop it, or add it to the profile"
    message = f"column {place + 1} is not known to the profile; its values are not carried"
    cell = Cell(table.name, 1, name)
    return Finding("source.unknown-column", Severity.WARNING, message, Outcome.DROPPED, cell=cell, fix=fix)


def _check_type(table: str, name: str, kind: pa.DataType) -> None:
    """Raise InputError where cells are no single values."""
    is_a = load_pyarrow().types
    plain = kind.value_type if is_a.is_dictionary(kind) else kind
    if is_a.is_nested(plain) or is_a.is_duration(plain) or is_a.is_interval(plain) or _is_binary(plain):
        raise InputError(
            f"the column {name!r} holds {plain}", file=table, fix="cast it to texts, numbers, dates or truth values"
        )


def _is_binary(kind: pa.DataType) -> bool:
    is_a = load_pyarrow().types
    return bool(
        is_a.is_binary(kind)
        or is_a.is_large_binary(kind)
        or is_a.is_fixed_size_binary(kind)
        or is_a.is_binary_view(kind)
    )


# --- cells ----------------------------------------------------------------------------------------------------------


def _rows(
    table: str, open_rows: Opener, places: Sequence[int], header: Sequence[str], log: ReadLog
) -> Iterator[RawRow]:
    number = 1
    for batch in open_rows():
        for start in range(0, batch.num_rows, ROWS):
            columns = [texts(batch.column(place).slice(start, ROWS)) for place in places]
            for cells in zip(*columns, strict=True):
                number += 1
                yield RawRow(number, usable_cells(cells, header, table, number, log))


def texts(column: pa.Array) -> list[str]:
    """The cells of *column* as a CSV file would hold them; null is blank.

    >>> import pyarrow as pa
    >>> texts(pa.array([3.0, 0.1, float("nan"), None])), texts(pa.array([True, None]))
    (['3', '0.1', '', ''], ['true', ''])
    """
    arrow = load_pyarrow()
    is_a, kind = arrow.types, column.type
    if is_a.is_dictionary(kind):
        words = texts(column.dictionary)
        return ["" if index is None else words[index] for index in column.indices.to_pylist()]
    made = arrow.compute.cast(column, arrow.string()).to_pylist()
    if is_a.is_floating(kind):
        return ["" if text in (None, "nan", "-nan") else text for text in made]
    if is_a.is_timestamp(kind) or is_a.is_date64(kind):
        return ["" if text is None else _instant(text) for text in made]
    if is_a.is_time(kind):
        return ["" if text is None else _without_zeros(*text.partition(".")[::2]) for text in made]
    return ["" if text is None else text for text in made]


def _instant(text: str) -> str:
    """Arrow's text of a timestamp in ISO 8601.

    >>> _instant("2020-01-02 00:00:00.000000"), _instant("2020-01-02 03:04:05.600+0100")
    ('2020-01-02', '2020-01-02T03:04:05.6+0100')
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        return text
    day, time, fraction, zone = match.groups(default="")
    time = _without_zeros(time, fraction)
    return day if time == "00:00:00" and not zone else f"{day}T{time}{zone}"


def _without_zeros(whole: str, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
